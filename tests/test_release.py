"""What `make release` built, as a stranger installs it: in an empty folder, with an empty home."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from pypdf import PdfReader

from bot import __version__

from .packaged import ROOT
from .test_package import demo_serves_its_page, running

DIST = os.environ.get("ACTIVITY_DIST", "")
"""The folder of the packages that were built."""
pytestmark = pytest.mark.skipif(not DIST, reason="`make release` runs this on what it built")
NETWORK = ("SSL_CERT_FILE", "PIP_CERT", "PIP_INDEX_URL", "UV_DEFAULT_INDEX", "HTTPS_PROXY")
"""What a machine may need to reach the package index."""
BUILDS_ONLY = {"setuptools"}
"""Packages of constraints.txt that build the wheel and don't run in it."""

Command = Callable[..., subprocess.CompletedProcess]


def only(pattern: str) -> Path:
    [found] = Path(DIST).resolve().glob(pattern)
    return found


def environment(home: Path) -> dict[str, str]:
    """Nothing but an empty home, and what the network needs."""
    programs = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    network = {name: os.environ[name] for name in NETWORK if name in os.environ}
    return {"HOME": str(home), "PATH": programs, "LANG": "C.UTF-8", **network}


def with_pipx(home: Path) -> list[str]:
    """Installs the wheel; the command that it made."""
    words = [sys.executable, "-m", "pipx", "install", str(only("*.whl"))]
    done = subprocess.run(
        words, cwd=home, env=environment(home), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [str(home / ".local" / "bin" / "activity")]


def with_uvx(home: Path) -> list[str]:
    """The command that installs the wheel for the moment and runs it."""
    uv = str(Path(sys.executable).parent / "uv")
    return [uv, "tool", "run", "--quiet", "--python", sys.executable, "--from",
            str(only("*.whl")), "activity"]  # fmt: skip


@pytest.mark.parametrize("install", [with_pipx, with_uvx])
def test_it_runs_where_a_stranger_installs_it(
    install: Callable[[Path], list[str]], tmp_path: Path, database: Path
) -> None:
    home, empty = tmp_path / "home", tmp_path / "empty"
    home.mkdir()
    empty.mkdir()
    command, values = install(home), environment(home)

    def run(*words: str, **more: str) -> bytes:
        done = subprocess.run(
            [*command, *words], cwd=empty, env={**values, **more}, capture_output=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, b"")
        return done.stdout

    assert run("--version").decode().split() == ["activity,", "version", __version__]
    question = ("ask", "spend", "7d", "by", "key")
    url = f"sqlite:///{database}"
    assert b"Spend by API key, past 7 days" in run(*question, DATABASE_URL=url)
    pdf = run(*question, "--pdf", "-", DATABASE_URL=url)
    assert fonts(pdf) == {"IBMPlexMono", "IBMPlexSans"}
    log = tmp_path / "log"
    log.mkdir()
    with running([*command, "demo", "--port", "0"], log, **values) as started:
        demo_serves_its_page(*started)
    assert list(empty.iterdir()) == []


def fonts(pdf: bytes) -> set[str]:
    """The families that the first page is written in."""
    found = PdfReader(io.BytesIO(pdf)).pages[0]["/Resources"]["/Font"].values()
    return {one.get_object()["/BaseFont"].partition("+")[2].partition("-")[0] for one in found}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_list_of_components_has_what_runs_and_nothing_else() -> None:
    listed = json.loads(only("components.cdx.json").read_text(encoding="utf-8"))
    assert listed["bomFormat"] == "CycloneDX"
    itself = listed["metadata"]["component"]
    assert (itself["name"], itself["version"]) == ("openrouter-activity", __version__)
    locked = dict(
        re.findall(
            r"^([\w.-]+)==([\w.]+)", (ROOT / "constraints.txt").read_text("utf-8"), re.MULTILINE
        )
    )
    found = {normal(one["name"]): one["version"] for one in listed["components"]}
    assert found == {name: at for name, at in locked.items() if name not in BUILDS_ONLY}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["postgres"]]
    [own] = [one for one in listed["dependencies"] if one["ref"] == itself["bom-ref"]]
    names = {one["bom-ref"]: normal(one["name"]) for one in listed["components"]}
    assert {names[ref] for ref in own["dependsOn"]} == {
        normal(re.split(r"[\[<>=~ ]", one)[0]) for one in wanted
    }


def test_the_checksums_are_those_of_all_files() -> None:
    done = subprocess.run(
        ["sha256sum", "--check", "SHA256SUMS"], cwd=DIST, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    named = {line.split()[-1] for line in only("SHA256SUMS").read_text("utf-8").splitlines()}
    assert named == {path.name for path in Path(DIST).iterdir()} - {"SHA256SUMS"}
