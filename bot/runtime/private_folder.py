"""Private temporary folders for files with figures, and cleanup after killed processes.

Each folder is locked while in use. A lock ends with its process, even if that is killed, so an
unlocked folder is a leftover. Process ids can't be used, because they repeat in containers.
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
    folder, lock = _create()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def delete_leftovers(where: Path | None = None) -> int:
    """Delete folders of killed processes in `where` (default: temp folder); returns how many."""
    deleted = 0
    for folder in (where or Path(tempfile.gettempdir())).glob(f"{PREFIX}*"):
        try:
            deleted += _delete_if_unused(folder)
        except OSError as error:
            log.debug("Could not delete %s: %s", folder, error)
    if deleted:
        log.info("Deleted %d temporary folders that a killed process had left", deleted)
    return deleted


def _create() -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        try:
            lock = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:  # another process considered it a leftover
            continue
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():  # otherwise it was deleted before it was locked
            return folder, lock
        os.close(lock)


def _delete_if_unused(folder: Path) -> bool:
    found = folder.lstat()
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
    if not ours or stat.S_IMODE(found.st_mode) & 0o077:
        return False  # another user's folder with the same prefix
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
