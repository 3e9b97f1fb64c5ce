"""The wheel and the sdist hold all that they need: installed and run away from the repository."""

from __future__ import annotations

import re
import shutil
import subprocess
import tarfile
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot import __version__
from bot.demo.openrouter.server import LocalOpenRouter
from bot.demo.slack import LocalSlack

from . import databases
from . import world as worlds
from .packaged import NOBODY, ROOT, Installed, build, can_seal, installed, sealed

NOT_SHIPPED = {"bot/demo/README.md", "reports/render/fonts/README.md"}
"""Read in the repository only."""
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("package")


@pytest.fixture(scope="module")
def wheel(folder: Path) -> Path:
    return build("build_wheel", folder)


@pytest.fixture(scope="module")
def home(wheel: Path, folder: Path) -> Installed:
    return installed(wheel, folder / "venv")


def shipped() -> set[str]:
    """The files of the two packages in the repository."""
    found = [path for top in ("bot", "reports") for path in (ROOT / top).rglob("*")]
    files = {str(path.relative_to(ROOT)) for path in found if path.is_file()}
    return {name for name in files if "__pycache__" not in name} - NOT_SHIPPED


def test_the_wheel_has_the_version_that_the_bot_says(wheel: Path) -> None:
    assert wheel.name == f"openrouter_activity-{__version__}-py3-none-any.whl"


def test_the_wheel_holds_every_file_of_the_packages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert inside == shipped()


def test_the_sdist_builds_the_same_wheel_elsewhere(folder: Path, wheel: Path) -> None:
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    sdist = build("build_sdist", folder)
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    subprocess.run(["tar", "-xzf", sdist], cwd=elsewhere, check=True)
    assert shipped() <= names
    assert {"pyproject.toml", "README.md", "LICENSE"} <= names
    [unpacked] = elsewhere.iterdir()
    unpacked.rename(elsewhere / "sources")
    assert contents(build("build_wheel", elsewhere)) == contents(wheel)


def contents(wheel: Path) -> dict[str, bytes]:
    """What is in a wheel, by name."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def bare(home: Installed, folder: Path, *words: str, **values: str) -> subprocess.CompletedProcess:
    """A command with no environment but these values, in an empty folder that is read-only."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o555)
    return subprocess.run(
        [home.command, *words], cwd=folder, env=values, capture_output=True, timeout=120,
        check=False,
    )  # fmt: skip


def test_it_says_its_version_without_any_environment(home: Installed, tmp_path: Path) -> None:
    done = bare(home, tmp_path / "empty", "--version")
    assert done.stdout.decode().split() == ["activity,", "version", __version__]
    assert done.stderr == b""


def test_it_answers_and_draws_without_home_or_repository(
    home: Installed, tmp_path: Path, database: Path
) -> None:
    url = databases.url(database)
    words = ["ask", "spend", "7d", "by", "key"]
    said = bare(home, tmp_path / "empty", *words, DATABASE_URL=url)
    assert (said.returncode, said.stderr) == (0, b"")
    assert b"Spend by API key, past 7 days" in said.stdout
    for option, begins in (("--pdf", b"%PDF-"), ("--png", b"\x89PNG"), ("--csv", b"Date,API Key")):
        done = bare(home, tmp_path / "empty", *words, option, "-", DATABASE_URL=url)
        assert (done.returncode, done.stderr) == (0, b""), option
        assert done.stdout.startswith(begins), option
    assert list((tmp_path / "empty").iterdir()) == []


@contextmanager
def running(command: list[str], folder: Path, **values: str) -> Iterator[tuple]:
    """A process, and what it has said so far."""
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd="/", env=values, stdout=out, stderr=out)
    try:
        yield process, lambda: log.read_text(encoding="utf-8")
    finally:
        process.kill()
        process.wait()


def listening(process: subprocess.Popen, said, pattern: str) -> str:
    """The address that it says it listens at."""
    worlds.wait_until(lambda: re.search(pattern, said()) or process.poll() is not None)
    found = re.search(pattern, said())
    assert found, said()
    return found[1]


def fetched(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=30) as answer:
        return answer.read()


def demo_serves_its_page(process: subprocess.Popen, said) -> None:
    address = listening(process, said, r"Activity is at (http://\S+)")
    page = fetched(address).decode()
    parts = re.findall(r'(?:src|href)="([^":#]+)"', page)
    assert len(parts) > 3
    for part in parts:
        assert fetched(f"{address.rstrip('/')}/{part.lstrip('/')}")
    process.terminate()
    assert process.wait(60) == 0
    assert "Traceback" not in said()


def test_the_demo_serves_its_page_from_the_wheel(home: Installed, tmp_path: Path) -> None:
    with running([home.command, "demo", "--port", "0"], tmp_path) as started:
        demo_serves_its_page(*started)


needs_mounts = pytest.mark.skipif(not can_seal(), reason="only root can mount, where allowed")


@needs_mounts
def test_the_sealed_root_is_read_only_and_without_rights(home: Installed, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    script = (
        "id -u; touch /x /usr/x /etc/x 2>/dev/null && echo writable;"
        f" touch /data/ok && echo data; test -e {ROOT}/README.md && echo repository; true"
    )
    done = subprocess.run(
        sealed(home, data, ["sh", "-c", script]), env={}, capture_output=True, check=False
    )
    assert done.stdout.split() == [str(NOBODY).encode(), b"data"], done.stderr


@needs_mounts
def test_the_demo_runs_as_nobody_on_a_read_only_root(home: Installed, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    words = [home.command, "demo", "--port", "0"]
    with running(sealed(home, data, words), tmp_path, PATH=PATH) as started:
        demo_serves_its_page(*started)
    assert list(data.iterdir()) == []


@needs_mounts
@pytest.mark.sqlite_only("the socket of the server is not in the sealed root")
def test_the_bot_runs_as_nobody_on_a_read_only_root(
    home: Installed, openrouter: LocalOpenRouter, tmp_path: Path, filled: tuple
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    shutil.copyfile(filled[1], data / "activity.db")
    (data / "activity.db").chmod(0o600)
    with LocalSlack() as slack:
        values = worlds.environment(openrouter, slack, Path("/data/activity.db"))
        words = [home.command, "run"]
        with running(sealed(home, data, words), tmp_path, PATH=PATH, **values) as started:
            process, said = started
            port = listening(process, said, r"Listening on 127\.0\.0\.1:(\d+)")
            assert fetched(f"http://127.0.0.1:{port}/healthz") == b'{"ok": true}'
            client = slack.bot_client(f"http://127.0.0.1:{port}/slack/events")
            client.command("ada", "general", "spend 7d by key pdf")
            worlds.wait_until(lambda: slack.files)
            process.terminate()
            assert process.wait(60) == 0
            assert "Traceback" not in said()
    assert all(path.stat().st_mode & 0o077 == 0 for path in data.iterdir())
