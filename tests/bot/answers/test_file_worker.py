"""The rendering process: its own code whatever lies around, and no secret on its way."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bot.answers import file_worker as rendering
from bot.answers.file_worker import Renderer, RenderError
from bot.answers.write_file import Format, Job
from tests import databases, world

JOB = Job("spend 7d by key", world.now(), "UTC", Format.CSV)
TRAP = 'open("{}", "w").close()\n'


def package(folder: Path, name: str, trap: Path) -> None:
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text(TRAP.format(trap))


@pytest.mark.parametrize("kind", ["package", "module"])
@pytest.mark.parametrize("name", ["bot", "reports", "json", "reportlab", "sitecustomize"])
def test_code_in_the_working_directory_is_not_run(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, name: str
) -> None:
    here, trap = tmp_path / "here", tmp_path / "trapped"
    here.mkdir()
    if kind == "package":
        package(here, name, trap)
    else:
        (here / f"{name}.py").write_text(TRAP.format(trap))
    monkeypatch.chdir(here)
    with Renderer(databases.at(database)).file(JOB) as path:
        assert path.read_text().startswith("Date,")
    assert not trap.exists()


def test_a_relative_entry_of_the_python_path_is_not_the_working_directory(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, trap = tmp_path / "here", tmp_path / "trapped"
    here.mkdir()
    package(here, "bot", trap)
    monkeypatch.chdir(here)
    monkeypatch.setenv("PYTHONPATH", ".")
    with Renderer(databases.at(database)).file(JOB) as path:
        assert path.exists()
    assert not trap.exists()


@pytest.mark.sqlite_only("the path of a file")
def test_a_database_of_a_relative_path_is_found(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(database.parent)
    with Renderer(Path(database.name)).file(JOB) as path:
        assert path.exists()


def test_arguments_and_environment_hold_nothing_that_is_secret(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = {
        "SLACK_BOT_TOKEN": "xoxb-canary",
        "OPENROUTER_MANAGEMENT_KEY": "sk-canary",
        "DATABASE_URL": "postgresql://u:canary@host/db",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    started: list[tuple[list[str], dict[str, Any]]] = []
    run = subprocess.run

    def noted(command: list[str], **how: Any) -> Any:
        started.append((command, how))
        return run(command, **how)

    monkeypatch.setattr(rendering.subprocess, "run", noted)
    with Renderer(databases.at(database)).file(JOB):
        pass
    [(command, how)] = started
    assert str(databases.at(database)) not in " ".join(command)
    assert "spend" not in " ".join(command)
    assert "canary" not in json.dumps([command, how["env"]])
    assert how["env"]["PATH"]


def test_a_rendering_process_that_dies_is_an_error_in_words(
    database: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    entry = tmp_path / "dies.py"
    entry.write_text("raise SystemExit('out of ink')")
    monkeypatch.setattr(rendering, "_ENTRY", entry)
    with (
        pytest.raises(RenderError, match="I couldn't create the file"),
        Renderer(databases.at(database)).file(JOB),
    ):
        pass
    assert "out of ink" in caplog.text


def test_the_process_runs_the_code_beside_its_entry_and_pythons_own_modules(
    database: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    answers = tmp_path / "bot" / "answers"
    # a folder of the bot has the name of a module that comes with Python
    for folder in (answers.parent, answers, answers.parent / "http"):
        folder.mkdir()
        (folder / "__init__.py").touch()
    entry = Path(shutil.copy(rendering._ENTRY, answers))
    (answers / "file_worker.py").write_text(
        "import http.client\n\ndef main():\n    raise SystemExit('the code beside the entry')\n"
    )
    monkeypatch.setattr(rendering, "_ENTRY", entry)
    with pytest.raises(RenderError), Renderer(databases.at(database)).file(JOB):
        pass
    assert "the code beside the entry" in caplog.text


@pytest.mark.skipif(not databases.on_postgres(), reason="needs a server")
def test_no_process_shows_the_password_of_the_database(database: Path) -> None:
    url = databases.with_password(databases.url(database), "canary")
    assert "canary" in url
    seen: list[tuple[bytes, bytes]] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.is_set():
            for process in Path("/proc").glob("[0-9]*"):
                with suppress(OSError):
                    arguments = (process / "cmdline").read_bytes()
                    if b"render_process" in arguments:
                        seen.append((arguments, (process / "environ").read_bytes()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with Renderer(url).file(JOB) as path:
            assert path.read_text().startswith("Date,")
    finally:
        ended.set()
        watcher.join()
    assert seen
    assert not any(b"canary" in text for one in seen for text in one)
