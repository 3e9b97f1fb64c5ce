"""A database on a disk that can only be read: it answers, and says why it stores nothing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOUNTED = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"'


def on_read_only_disk(folder: Path, *words: str, **values: str) -> subprocess.CompletedProcess[str]:
    """The bot's command with the folder mounted read-only, which needs root."""
    command = ["unshare", "-m", "sh", "-ec", MOUNTED, "sh", str(folder), sys.executable, "-m",
               "bot", *words]  # fmt: skip
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        env={"PATH": os.environ["PATH"], "DATABASE_URL": f"sqlite:///{folder}/a.db", **values},
    )  # fmt: skip


def can_mount() -> bool:
    if shutil.which("unshare") is None or os.geteuid() != 0:
        return False
    tried = subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False)
    return tried.returncode == 0


@pytest.mark.sqlite_only("about the file")
@pytest.mark.own_journal
@pytest.mark.skipif(not can_mount(), reason="mounts a folder, which needs root")
class TestReadOnlyDisk:
    @pytest.fixture
    def folder(self, filled, tmp_path):
        (tmp_path / "a.db").write_bytes(filled[1].read_bytes())
        (tmp_path / "a.db").chmod(0o600)
        return tmp_path

    def test_questions_are_answered(self, folder):
        found = on_read_only_disk(folder, "ask", "spend", "1m")
        assert (found.returncode, found.stderr) == (0, "")
        assert "Spend" in found.stdout

    def test_what_would_be_stored_is_refused_in_a_sentence_and_nothing_is_lost(
        self, folder, openrouter
    ):
        before = (folder / "a.db").read_bytes()
        found = on_read_only_disk(
            folder, "sync",
            OPENROUTER_MANAGEMENT_KEY=openrouter.key, OPENROUTER_BASE_URL=openrouter.base_url,
        )  # fmt: skip
        assert found.returncode == 1
        assert "a.db can't be read or written (attempt to write a readonly" in found.stderr
        assert "Traceback" not in found.stderr
        assert (folder / "a.db").read_bytes() == before
