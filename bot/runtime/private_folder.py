"""Private temporary folders for files with figures, and sweeping what a killed process left.

Each folder is locked for as long as it is in use. A lock ends with its process, also when that is
killed, so an unlocked folder is a leftover; process ids would not show it, since in a container
every process has the same one.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

log = logging.getLogger(__name__)

PREFIX = "activity-files-"


@contextmanager
def private_folder() -> Iterator[Path]:
    """A new folder that only this user can read; it is deleted afterwards."""
    folder, lock = _made()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def sweep(where: Path | None = None) -> int:
    """Delete folders of processes that were killed; how many. By default in the system's folder."""
    swept = 0
    for folder in (where or Path(tempfile.gettempdir())).glob(f"{PREFIX}*"):
        try:
            swept += _swept(folder)
        except OSError as error:
            log.debug("%s cannot be swept: %s", folder, error)
    if swept:
        log.info("Deleted %d temporary folders that a killed process had left", swept)
    return swept


def _made() -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        lock = os.open(folder, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():  # else another process swept it before it was locked
            return folder, lock
        os.close(lock)


def _swept(folder: Path) -> bool:
    found = folder.lstat()
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
    if not ours or stat.S_IMODE(found.st_mode) & 0o077:
        return False  # another user's, with a name like ours
    lock = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        shutil.rmtree(folder)
        return True
    finally:
        os.close(lock)
