"""Errors of the database with causes outside this program, with messages for people."""

from __future__ import annotations

NO_DRIVER = (
    "DATABASE_URL names a PostgreSQL database, and its driver is not installed. Run: pip install"
    " 'psycopg[binary]>=3.2'"
)


class StoreError(Exception):
    """The database can't be used; the text tells the bot's operators why, and what to do.

    `public` is the text for people in Slack, without paths or names of machines.
    """

    permanent = True
    public = "The bot's database can't be used right now. Its log says why."


class DatabaseBusyError(StoreError):
    """The database is locked, usually by another program; the only remedy is to wait."""

    permanent = False
    public = "The bot's database is busy right now. Try again in a minute."


class DiskFullError(StoreError):
    """The disk is full; what was saved before is unchanged and can be read."""

    permanent = False
    public = "The bot's disk is full, so nothing can be saved until its admins free some space."


class DatabaseLostError(StoreError):
    """The database server can't be reached, or cut the connection; nothing was saved."""

    permanent = False
    public = "The bot can't reach its database right now. Try again in a minute."


class CommitUnknownError(DatabaseLostError):
    """The connection broke during a commit, so the transaction may be saved or not.

    The caller must check what is stored before it tries again.
    """

    public = (
        "The connection to the bot's database broke while this was being saved. Check whether it"
        " was saved before you try again."
    )


class NestedAccessError(RuntimeError):
    """A mistake in this program: a write inside a read of the same thread, or the reverse."""


class LockedError(Exception):
    """Another thread of this process has the lock."""
