"""Priority for acknowledgements: threads that compute pause while a Slack request is handled.

Python runs one thread at a time. A computing thread takes the interpreter back at each of the dozen
system calls that an acknowledgement makes, so with twenty people asking at once each of them would
wait 100 to 200 ms.
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
"""Seconds after which work goes on even if requests keep coming."""
_QUIET = 0.004
"""Seconds without a request until work goes on: people ask in bursts, a few ms apart."""
_KNOCK, _BETWEEN_KNOCKS = 0.01, 0.1
"""For how many seconds work pauses for a new connection that has sent nothing yet, and how many
have to pass until it does so again: nobody can stop it by opening connections."""
_NAP = 0.002
_EVERY = 64
_AT_ONCE = 2
_SWITCH_SECONDS = 0.001


class AckPriority:
    """Knows whether a request is being handled, and lets work wait meanwhile."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._line = threading.Lock()
        self._inside = 0
        self._left = self._knocked = -1.0
        self._here = threading.local()

    @contextmanager
    def first(self) -> Iterator[None]:
        """Handle a request: work pauses while this lasts."""
        self._step(1)
        self._here.inside = True
        try:
            yield
        finally:
            self._here.inside = False
            self._step(-1)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Let work go on within `first`, while the request itself waits for its result."""
        if not getattr(self._here, "inside", False):
            yield
            return
        self._step(-1)
        try:
            yield
        finally:
            self._step(1)

    def knock(self) -> None:
        """Pause work for a moment because a connection has something to read.

        Not again at once, so that nobody can hold work up by connecting.
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
        """Whether a request is being handled, or was a moment ago."""
        now = monotonic()
        return self._inside > 0 or now - self._left < _QUIET or now - self._knocked < _KNOCK

    def give_way(self) -> None:
        """Wait until no request is being handled, but no longer than LONGEST."""
        if not self.busy():
            return
        latest = monotonic() + LONGEST
        with self._line:  # one thread polls, the others wait for it
            while self.busy() and monotonic() < latest:
                sleep(_NAP)


_door = AckPriority()
_turns = threading.BoundedSemaphore(_AT_ONCE)

first = _door.first
aside = _door.aside
knock = _door.knock
give_way = _door.give_way


@contextmanager
def turn() -> Iterator[None]:
    """Compute an answer: at most two at a time, and only while no request is being handled."""
    with _turns:
        give_way()
        yield


def giving_way(items: Iterable[T]) -> Iterator[T]:
    """The items, with a pause for requests every 64 of them: for loops over many rows."""
    for number, item in enumerate(items):
        if number % _EVERY == 0:
            give_way()
        yield item


def tune_interpreter() -> None:
    """Tune the interpreter for short pauses, once all long-lived objects are made.

    A full garbage collection over the data of a sync would stop all threads for 50 ms. So objects
    that exist now are frozen out of it, and old generations are collected seldom.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 10, 1_000)
