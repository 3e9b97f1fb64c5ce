"""Fixtures for tests of the answers that explain usage."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot import __main__ as cli
from tests import databases
from tests import world as worlds

Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ask(
    database: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Ask]:
    """`activity ask` of the filled cache, in this process: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("SLACK_", "OPENROUTER_", "ACTIVITY_", "LOG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DATABASE_URL", databases.url(database))

    def call(*words: str) -> tuple[int, str, str]:
        code = 0
        try:
            cli.main(["ask", *words])
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    with worlds.quiet_logging():
        yield call
