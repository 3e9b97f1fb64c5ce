"""Acknowledgements go first: whoever computes gives way while somebody is at the door.

Python runs one thread at a time. One that computes keeps an acknowledgement waiting again at each
of the dozen calls of the system that it makes, so twenty people who ask at once would wait a
hundred milliseconds or two.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import TypeVar

T = TypeVar("T")

LONGEST = 0.25
"""Seconds after which work goes on all the same."""
_QUIET = 0.004
"""Seconds without a request before the door counts as quiet, since people ask in bursts."""
_KNOCK, _BETWEEN_KNOCKS = 0.01, 0.1
"""For how long work gives way to somebody of whom nothing is known, and how seldom."""
_NAP = 0.002
_EVERY = 64
_AT_ONCE = 2
_SWITCH_SECONDS = 0.001


class Door:
    """Knows whether somebody is at the door, and lets work wait for as long."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._line = threading.Lock()
        self._inside = 0
        self._left = self._knocked = -1.0
        self._here = threading.local()

    @contextmanager
    def first(self) -> Iterator[None]:
        """While this lasts, work gives way."""
        self._step(1)
        self._here.inside = True
        try:
            yield
        finally:
            self._here.inside = False
            self._step(-1)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Let work go on while somebody inside waits for it."""
        if not getattr(self._here, "inside", False):
            yield
            return
        self._step(-1)
        try:
            yield
        finally:
            self._step(1)

    def knock(self) -> None:
        """Somebody is about to come in: work gives way for a moment, before it is known who.

        Not again at once, so that nobody can hold it up by knocking.
        """
        with self._lock:
            now = monotonic()
            if now - self._knocked >= _BETWEEN_KNOCKS:
                self._knocked = now

    def _step(self, way: int) -> None:
        with self._lock:
            self._inside += way
            if way < 0:
                self._left = monotonic()

    def busy(self) -> bool:
        """Whether somebody is there, or was just now."""
        now = monotonic()
        return self._inside > 0 or now - self._left < _QUIET or now - self._knocked < _KNOCK

    def give_way(self) -> None:
        """Wait until nobody is at the door, but not for ever."""
        if not self.busy():
            return
        latest = monotonic() + LONGEST
        with self._line:  # one looks whether it is quiet, the others wait for that one
            while self.busy() and monotonic() < latest:
                sleep(_NAP)


_door = Door()
_turns = threading.BoundedSemaphore(_AT_ONCE)

first = _door.first
aside = _door.aside
knock = _door.knock
give_way = _door.give_way


@contextmanager
def turn() -> Iterator[None]:
    """Compute an answer; not too many do at the same time."""
    with _turns:
        give_way()
        yield


def giving_way(items: Iterable[T]) -> Iterator[T]:
    """The items, with a look at the door every few of them: for loops over many rows."""
    for number, item in enumerate(items):
        if number % _EVERY == 0:
            give_way()
        yield item


def be_quick() -> None:
    """Keep this process from holding up its own threads, once everything is made.

    A search for cycles through all that a sync holds would stop every thread for 50 ms, so it does
    not look at what is there for good, and seldom at what has stayed for long.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 10, 1_000)
