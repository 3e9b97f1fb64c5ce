"""A PostgreSQL server: connects to it, explains its errors, and checks its state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from bot.store.errors import (
    DatabaseBusyError,
    DatabaseLostError,
    DiskFullError,
    LockedError,
    StoreError,
)
from bot.store.postgres_schema import missing_migrations

CONNECT_SECONDS = 10
"""How long a server may take to answer; a restarting one refuses immediately."""
_DEFAULTS: dict[str, str | int] = {
    "application_name": "activity",
    "connect_timeout": CONNECT_SECONDS,
    # without these, a server that vanished is noticed after two hours
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
_BUSY = {"55P03", "40P01"}  # lock_not_available, deadlock_detected
_DISK_FULL = "53100"
_FORBIDDEN = {"42501", "25006"}  # insufficient_privilege, read_only_sql_transaction
_LOST = ("08", "28", "3D", "53", "57", "58")  # connection, login, database, resources, operator
_STARTING = "the database system is starting up"  # psycopg reports no code for a refusal
_LONGEST_REASON = 200


def is_busy(error: Exception) -> bool:
    """Whether an error means that another connection has a lock."""
    return isinstance(error, LockedError) or getattr(error, "sqlstate", None) in _BUSY


def is_starting(error: Exception) -> bool:
    """Whether a server refused a connection because it is still starting."""
    return _STARTING in str(error)


class Server:
    """Connects to a database by its URL; `name` is its name without user and password.

    Raises StoreError for an invalid URL. Errors never contain the password.
    """

    def __init__(self, url: str) -> None:
        try:
            given = conninfo_to_dict(url)
        except psycopg.ProgrammingError:
            raise StoreError(
                "DATABASE_URL is not of the form postgresql://user:password@host:5432/name."
            ) from None
        self._password = str(given.get("password") or "")
        more = {name: value for name, value in _DEFAULTS.items() if name not in given}
        self._conninfo = make_conninfo(url, **more)
        self.name = f"{given.get('dbname') or 'postgres'} on {given.get('host') or 'localhost'}"

    def connect(self) -> psycopg.Connection[Any]:
        """A new connection in autocommit mode, without prepared statements."""
        return psycopg.connect(self._conninfo, autocommit=True, prepare_threshold=None)

    def explain(self, error: Exception) -> StoreError | None:
        """The error as a StoreError with a message for users; None for a mistake in our
        statements."""
        state = getattr(error, "sqlstate", None)
        if is_busy(error):
            return DatabaseBusyError(
                f"The database {self.name} is busy: other processes held its lock for too long. "
                "Try again in"
                " a minute."
            )
        if state == _DISK_FULL:
            return DiskFullError(
                f"The disk of the database {self.name} is full, so nothing can be saved. Free some"
                " space; what was saved before is unchanged."
            )
        if state in _FORBIDDEN:
            return StoreError(
                f"The database {self.name} refuses what the bot needs ({self.reason(error)})."
                " Check the rights of the user in DATABASE_URL, and that the server isn't a "
                "read-only replica."
            )
        if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) and (
            state is None or state.startswith(_LOST)
        ):
            return DatabaseLostError(
                f"The database {self.name} can't be reached ({self.reason(error)}). Check"
                " that its server is running and that DATABASE_URL is correct; the bot then"
                " continues by itself."
            )
        return None

    def reason(self, error: Exception) -> str:
        """The driver's error message, on one line and without the password."""
        said = " ".join(str(error).split())
        if self._password:
            said = said.replace(self._password, "***")
        return said[:_LONGEST_REASON]


@dataclass(frozen=True, slots=True)
class ServerState:
    """The state of a server.

    `round_trip` is in milliseconds. `missing` are the migrations that haven't been run. `ahead` is
    how far its clock is ahead of this machine's.
    """

    name: str
    version: str
    round_trip: float
    encrypted: bool
    missing: tuple[str, ...]
    ahead: timedelta


def look(url: str) -> ServerState:
    """Check a server without changing anything. Raises StoreError if the database can't be used."""
    server = Server(url)
    try:
        with server.connect() as connection:
            missing = missing_migrations(connection, server.name)
            begun = monotonic()
            found = connection.execute(
                "SELECT current_setting('server_version'), clock_timestamp(),"
                " coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), FALSE)"
            ).fetchone()
            seconds = monotonic() - begun
    except psycopg.Error as error:
        raise server.explain(error) or error from None
    if found is None:
        raise StoreError(f"The database {server.name} didn't answer.")
    version, clock, encrypted = found
    return ServerState(
        server.name,
        str(version).partition(" ")[0],
        seconds * 1000,
        bool(encrypted),
        tuple(missing),
        clock - datetime.now(UTC),
    )
