"""One bad item never stops a loop: what fails in it is logged, and the others go on."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def alone(log: logging.Logger, failed: str, *arguments: object) -> Iterator[None]:
    """Work on one of many items. What nobody foresaw is logged as `failed`, and goes no further.

    What is foreseen is handled inside. Where more is to be done after a failure (a lease to be
    given back, a bad item to be put aside), that is done by whoever comes after the lease.
    """
    try:
        yield
    except Exception:  # the door of each item, as it were: the next one must come all the same
        log.exception(failed, *arguments)
