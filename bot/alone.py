"""Isolation of items in loops: one that fails is logged, and the loop goes on."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def alone(log: logging.Logger, failed: str, *arguments: object) -> Iterator[None]:
    """Run the body for one of many items; log any exception as `failed` and swallow it.

    `failed` and `arguments` are a message for `log`. Expected errors are handled in the body. What
    is left undone (a lease, for example) is taken up by the next one who gets the lease.
    """
    try:
        yield
    except Exception:  # the outermost entry point of each item: the next one must run
        log.exception(failed, *arguments)
