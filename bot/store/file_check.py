"""Checks of the database file that change nothing: is it intact, private, on a local disk."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from collections.abc import Iterable
from pathlib import Path

from bot.store.sqlite import busy, is_busy

_NETWORK = ("nfs", "cifs", "smb", "afs", "9p", "ceph", "gluster", "lustre", "fuse.sshfs", "davfs")
_BESIDE = ("", "-wal", "-shm", "-journal")


def damage(path: Path) -> str | None:
    """What SQLite finds wrong with a file, reading all of it, or None.

    Raises DatabaseBusyError where another program has locked it for longer than a few seconds.
    """
    try:
        with _looking(path) as connection:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        if is_busy(error):
            raise busy(path) from error
        return str(error)
    said = str(found[0]) if found else "no result"
    return None if said == "ok" else said.splitlines()[-1]


def journal(path: Path) -> str:
    """The file's journal mode: `wal`, or `delete` or `truncate` for a rollback journal."""
    with _looking(path) as connection:
        return str(connection.execute("PRAGMA journal_mode").fetchone()[0])


_MOUNTED_SECRETS = ("/run/secrets", "/var/run/secrets")


def exposed(path: Path) -> tuple[Path, ...]:
    """The database's files that other users of this machine may read or write."""
    files = (path.with_name(path.name + suffix) for suffix in _BESIDE)
    return tuple(
        file for file in files if file.exists() and stat.S_IMODE(file.stat().st_mode) & 0o077
    )


def others_can_read(file: Path) -> bool:
    """Whether users of other groups can read a file, through all folders above it.

    Secrets that a container runtime mounts are readable by all, and nobody else is in there.
    """
    place = file.absolute()
    if any(place.is_relative_to(mount) for mount in _MOUNTED_SECRETS):
        return False
    try:
        open_ = place.stat().st_mode & stat.S_IROTH
        return bool(open_) and all(one.stat().st_mode & stat.S_IXOTH for one in place.parents)
    except OSError:
        return False


def network(path: Path, mounts: Iterable[str]) -> str | None:
    """The type of network file system that a path is on, or None; `mounts` as in /proc/mounts."""
    place, longest, kind = path.absolute().resolve(), -1, ""
    for line in mounts:
        fields = line.split()
        if len(fields) < 3:
            continue
        point = Path(fields[1].replace("\\040", " "))
        if place.is_relative_to(point) and len(point.parts) >= longest:
            longest, kind = len(point.parts), fields[2]
    return kind if kind.startswith(_NETWORK) else None


def free_bytes(path: Path) -> int:
    """The free space on the disk of a path's folder."""
    return shutil.disk_usage(path.absolute().parent).free


class _looking:  # noqa: N801 - read as a verb
    """A read-only connection, closed at the end (sqlite3's own `with` leaves it open)."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)

    def __enter__(self) -> sqlite3.Connection:
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._connection.close()
