"""Read-only checks of the database file: whether it is intact, private and on a local disk."""

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
    """The first fault that SQLite finds, reading the whole file; None if it is intact.

    Raises DatabaseBusyError if another program has locked the file for several seconds.
    """
    try:
        with _reading(path) as connection:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        if is_busy(error):
            raise busy(path) from error
        return str(error)
    result = str(found[0]) if found else "no result"
    return None if result == "ok" else result.splitlines()[-1]


def journal(path: Path) -> str:
    """The file's journal mode: `wal`, or `delete` or `truncate` for a rollback journal.

    Raises sqlite3.Error if the file cannot be read.
    """
    with _reading(path) as connection:
        return str(connection.execute("PRAGMA journal_mode").fetchone()[0])


_MOUNTED_SECRETS = ("/run/secrets", "/var/run/secrets")


def exposed(path: Path) -> tuple[Path, ...]:
    """The database's files that other users of this machine may read or write."""
    files = (path.with_name(path.name + suffix) for suffix in _BESIDE)
    return tuple(
        file for file in files if file.exists() and stat.S_IMODE(file.stat().st_mode) & 0o077
    )


def others_can_read(file: Path) -> bool:
    """Whether the modes of a file and of all folders above it let other users read it.

    Secrets that a container runtime mounts don't count: any user may read them, but the container
    has no other users.
    """
    path = file.absolute()
    if any(path.is_relative_to(mount) for mount in _MOUNTED_SECRETS):
        return False
    try:
        readable = path.stat().st_mode & stat.S_IROTH
        return bool(readable) and all(one.stat().st_mode & stat.S_IXOTH for one in path.parents)
    except OSError:
        return False


def network(path: Path, mounts: Iterable[str]) -> str | None:
    """The type of the network file system that a path is on, or None; `mounts` is like
    /proc/mounts."""
    resolved, longest, kind = path.absolute().resolve(), -1, ""
    for line in mounts:
        fields = line.split()
        if len(fields) < 3:
            continue
        point = Path(fields[1].replace("\\040", " "))
        if resolved.is_relative_to(point) and len(point.parts) >= longest:
            longest, kind = len(point.parts), fields[2]
    return kind if kind.startswith(_NETWORK) else None


def free_bytes(path: Path) -> int:
    """The free space on the disk of a path's folder, in bytes; raises OSError."""
    return shutil.disk_usage(path.absolute().parent).free


class _reading:  # noqa: N801 - read as a verb
    """A read-only connection, closed at the end (sqlite3's own `with` leaves it open)."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)

    def __enter__(self) -> sqlite3.Connection:
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._connection.close()
