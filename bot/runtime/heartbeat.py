"""A heartbeat: a call that is repeated during a longer piece of work."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bot.runtime.isolation import isolated

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 5.0
"""A third of the sync lease, so that two consecutive heartbeats may fail."""


@contextmanager
def heartbeat(beat: Callable[[], object], seconds: float = HEARTBEAT_SECONDS) -> Iterator[None]:
    """Call `beat` every few seconds, in a thread of its own, until the block ends.

    A failing call is logged, and the next one is made anyway. None is made after the block.
    """
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(seconds):
            with isolated(log, "A heartbeat failed"):
                beat()

    thread = threading.Thread(target=run, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
