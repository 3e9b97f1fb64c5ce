"""Limits the time spent waiting for a locked database, and has the message if it can't be used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bot.store import DatabaseBusyError, StoreError
from bot.store.database import patience

GAVE_UP = "The database was busy for too long, so I stopped waiting. Please try again later."


class DatabaseUnusableError(Exception):
    """The database can't be used; the text is written for users. The cause has been logged."""


@contextmanager
def waiting(first: float, more: float, on_wait: Callable[[], object]) -> Iterator[None]:
    """Wait for locks as in `bot.store.database.patience`. Raises DatabaseUnusableError."""
    try:
        with patience(first, more, on_wait):
            yield
    except DatabaseBusyError as error:
        raise DatabaseUnusableError(GAVE_UP) from error
    except StoreError as error:
        raise DatabaseUnusableError(error.public) from error
