"""Isolates items in loops: a failing item is logged and the loop continues."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from bot.store import StoreError


@contextmanager
def isolated(log: logging.Logger, failed: str, *arguments: object) -> Iterator[None]:
    """Process one of many items: log any unexpected exception as `failed` and continue.

    Expected errors are handled by the caller. Database errors are logged once a minute by the
    database monitor, so they get no traceback here. Cleanup after a failure isn't needed: it
    happens when the item's lease expires.
    """
    try:
        yield
    except StoreError as error:
        log.debug("%s: %s", failed % arguments, error)
    except Exception:  # the outermost handler of an item: the next item must be processed
        log.exception(failed, *arguments)
