"""Every n-th write to the disk fails: the database keeps what was committed, whole, and heals.

A small library (failing_disk.c) is compiled and loaded into the process that writes.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from .fleet import ROOT

ERRORS = (errno.EIO, errno.ENOSPC, errno.EROFS)
"""A broken disk, a full one, and one that the system has made read-only."""
JOURNALS = ("rollback", "wal")


@dataclass
class Outcome:
    """What came of it."""

    trials: int = 0
    failed: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.trials} trials, {self.failed} failed writes, {len(self.wrong)} wrong"


def compiler() -> str | None:
    """The C compiler, if there is one."""
    return shutil.which("cc") or shutil.which("gcc")


def run(folder: Path, farthest: int) -> Outcome:
    """Let each n-th write fail, for every n up to `farthest`, with each error and journal mode."""
    library = folder / "failing_disk.so"
    source = Path(__file__).with_name("failing_disk.c")
    command = [compiler() or "cc", "-shared", "-fPIC", "-O1", "-w", "-o", library, source, "-ldl"]
    subprocess.run([str(one) for one in command], check=True)
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.trust.disk_worker"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "LD_PRELOAD": str(library)},
    )  # fmt: skip
    assert worker.stdin
    assert worker.stdout
    outcome = Outcome()
    try:
        for every in range(1, farthest + 1):
            for journal in JOURNALS:
                for error in ERRORS:
                    path = folder / f"{journal}-{every}-{error}.db"
                    worker.stdin.write(json.dumps([str(path), journal, every, error]) + "\n")
                    worker.stdin.flush()
                    failed, wrong = json.loads(worker.stdout.readline())
                    outcome.trials += 1
                    outcome.failed += failed
                    name = f"{journal}, {errno.errorcode[error]} at write {every}"
                    outcome.wrong += [f"{name}: {one}" for one in wrong]
                    for left in folder.glob(f"{path.name}*"):
                        left.unlink()
    finally:
        worker.stdin.close()
        worker.wait(60)
        worker.stdout.close()
    return outcome
