"""Isolation of items in loops: one that fails is logged, and the loop goes on."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from bot.store import StoreError


@contextmanager
def isolated(log: logging.Logger, failed: str, *arguments: object) -> Iterator[None]:
    """Work on one of many items: log any unexpected exception as `failed`, and go on.

    Expected errors are handled inside. A database that can't be used is logged once a minute by
    its monitor, so it gets no traceback here. Where more has to be done after a failure (a lease
    given back, a bad item set aside), the next one to get the lease does it.
    """
    try:
        yield
    except StoreError as error:
        log.debug("%s: %s", failed % arguments, error)
    except Exception:  # the entry point of each item, as it were: the next one must run
        log.exception(failed, *arguments)
