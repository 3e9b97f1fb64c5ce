"""Temporary folders are private, gone afterwards, and swept where a process was killed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from bot.runtime.private_folder import PREFIX, delete_leftovers, private_folder

ROOT = Path(__file__).parents[3]
HOLD = """
import sys
from bot.runtime.private_folder import private_folder
with private_folder() as folder:
    (folder / "report.csv").write_text("figures")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's folder for temporary files, of this test alone."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_it_is_private_and_gone_afterwards(temporary: Path) -> None:
    with private_folder() as folder:
        assert folder.parent == temporary
        assert folder.stat().st_mode & 0o077 == 0
        (folder / "a").write_text("x")
    assert list(temporary.iterdir()) == []


def test_what_a_killed_process_left_is_swept_and_what_is_in_use_is_not(temporary: Path) -> None:
    command = [sys.executable, "-c", HOLD]
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as other:
        assert other.stdout
        folder = Path(other.stdout.readline().strip())
        with private_folder() as ours:
            assert delete_leftovers() == 0
            assert (folder / "report.csv").exists()
            other.kill()
            other.wait(60)
            assert delete_leftovers() == 1
            assert not folder.exists()
            assert ours.exists()


def test_what_belongs_to_others_is_left_alone(temporary: Path) -> None:
    (temporary / f"{PREFIX}open").mkdir(mode=0o755)
    (temporary / f"{PREFIX}file").write_text("x")
    elsewhere = temporary / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    (temporary / f"{PREFIX}link").symlink_to(elsewhere)
    (temporary / "activity-demo-1").mkdir(mode=0o700)
    assert delete_leftovers() == 0
    assert len(list(temporary.iterdir())) == 5


def test_a_folder_that_is_swept_before_it_is_opened_is_made_again(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, made = tempfile.mkdtemp, list[str]()

    def swept_at_first(**more: str) -> str:
        made.append(make(**more))
        if len(made) == 1:
            Path(made[0]).rmdir()
        return made[-1]

    monkeypatch.setattr(tempfile, "mkdtemp", swept_at_first)
    with private_folder() as folder:
        assert (str(folder), folder.parent) == (made[1], temporary)
