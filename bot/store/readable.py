"""Reads rows that another version of the program may have written.

After a rollback the database can hold rows with fields or values that this version does not know.
One such row must not hide the readable ones, so it is left out and logged.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")
Row = Sequence[Any]
"""A row whose first column identifies it."""

UNREADABLE = "unreadable"
"""The reason stored for rows that were set aside."""
NOT_READABLE = (LookupError, ValueError, TypeError, AttributeError, OverflowError)
"""Errors when parsing a row of another version: missing keys, unknown fields, other types."""


def split(rows: Iterable[Row], read: Callable[[Any], T], what: str) -> tuple[list[T], list[Row]]:
    """The values of the readable rows, in order, and the unreadable rows.

    `what` names the kind of row in the log, for example "alert event".
    """
    good: list[T] = []
    bad: list[Row] = []
    for row in rows:
        try:
            good.append(read(row))
        except NOT_READABLE as error:
            _warn(what, str(row[0]), f"{type(error).__name__}: {error}"[:200])
            bad.append(row)
    return good, bad


def readable(rows: Iterable[Row], read: Callable[[Any], T], what: str) -> list[T]:
    """The values of the readable rows, in order; the others are logged and left out."""
    return split(rows, read, what)[0]


def read_one(row: Row | None, read: Callable[[Any], T], what: str) -> T | None:
    """The value of a row; None if there is no row or it can't be read, which is logged."""
    found = readable([] if row is None else [row], read, what)
    return found[0] if found else None


@lru_cache(maxsize=4096)  # the same row may be read every minute, so it is logged once per process
def _warn(what: str, id_: str, why: str) -> None:
    log.error("This version cannot read %s %s, so it is left out: %s", what, id_, why)
