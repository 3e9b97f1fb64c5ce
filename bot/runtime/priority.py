"""Gives acknowledgements priority: worker threads pause while a Slack request is being handled.

Python runs one thread at a time. A computing thread takes the interpreter back at each of the dozen
system calls that an acknowledgement makes. Measured with `python -m tests.bench acks` on two cores
(a sync running, twenty people asking at once): without these pauses one acknowledgement in a
hundred took 190 ms, with them less than 20 ms. The numbers below were tuned with that benchmark.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from time import monotonic, sleep
from typing import TypeVar

T = TypeVar("T")

LONGEST_PAUSE = 0.25
"""Seconds after which workers continue even if requests keep coming, so a flood of requests slows
answers down but never stops them."""
_BURST_GAP = 0.004
"""Seconds after a request for which workers stay paused: in a burst the next request arrives within
a few milliseconds, and resuming in between would delay it."""
_CONNECTION_PAUSE, _CONNECTION_INTERVAL = 0.01, 0.1
"""Seconds for which workers pause because a connection has input, and the seconds before that
happens again. At most a tenth of the time is lost to clients that connect and send nothing."""
_POLL = 0.002
"""Seconds between two checks of a paused worker: well below what a person notices, and rare enough
to leave the interpreter to the request."""
_CHECK_EVERY = 64
"""Items of a loop between two checks. A check takes 0.16 us, so it is cheap even if it is frequent;
processing 64 rows takes so little time that a request hardly waits for them."""
_COMPUTE_SLOTS = 2
"""Answers computed at the same time: with two, one slow answer doesn't block all others; more would
only compete for the interpreter."""
_SWITCH_SECONDS = 0.001
"""How long a thread may keep the interpreter while another waits for it. Python's default of 5 ms
would be paid at each system call of an acknowledgement."""


class AckPriority:
    """Counts the requests being handled, and lets workers wait until there are none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._poller = threading.Lock()
        self._active = 0
        self._ended_at = self._input_at = -1.0
        self._thread = threading.local()

    @contextmanager
    def handling_request(self) -> Iterator[None]:
        """Handle a request: workers pause inside this block."""
        self._count(1)
        self._thread.handling = True
        try:
            yield
        finally:
            self._thread.handling = False
            self._count(-1)

    @contextmanager
    def waiting_for_worker(self) -> Iterator[None]:
        """Inside `handling_request`: let workers run while the request waits for their result.

        Does nothing in a thread that handles no request.
        """
        if not getattr(self._thread, "handling", False):
            yield
            return
        self._count(-1)
        try:
            yield
        finally:
            self._count(1)

    def connection_ready(self) -> None:
        """Pause workers for up to 10 ms, because a connection has input.

        At most once per 100 ms, so that a flood of connections can't starve the workers.
        """
        with self._lock:
            now = monotonic()
            if now - self._input_at >= _CONNECTION_INTERVAL:
                self._input_at = now

    def _count(self, change: int) -> None:
        with self._lock:
            self._active += change
            if change < 0:
                self._ended_at = monotonic()

    def request_active(self) -> bool:
        """Whether a request is in progress, ended less than 4 ms ago, or is about to arrive."""
        now = monotonic()
        return (
            self._active > 0
            or now - self._ended_at < _BURST_GAP
            or now - self._input_at < _CONNECTION_PAUSE
        )

    def pause_for_requests(self) -> None:
        """Wait until no request is being handled, but no longer than LONGEST_PAUSE."""
        if not self.request_active():
            return
        latest = monotonic() + LONGEST_PAUSE
        with self._poller:  # one thread polls, the others wait for it
            while self.request_active() and monotonic() < latest:
                sleep(_POLL)


_priority = AckPriority()
_slots = threading.BoundedSemaphore(_COMPUTE_SLOTS)

handling_request = _priority.handling_request
waiting_for_worker = _priority.waiting_for_worker
connection_ready = _priority.connection_ready
pause_for_requests = _priority.pause_for_requests


_holding = threading.local()


@contextmanager
def compute_slot() -> Iterator[None]:
    """Compute an answer: at most two at a time, and only while no request is being handled."""
    with _slots:
        _holding.slot = True
        try:
            pause_for_requests()
            yield
        finally:
            _holding.slot = False


@contextmanager
def without_compute_slot() -> Iterator[None]:
    """Inside `compute_slot`: give the slot to others while this answer waits for a server.

    Does nothing in a thread that has none.
    """
    if not getattr(_holding, "slot", False):
        yield
        return
    _slots.release()
    try:
        yield
    finally:
        _slots.acquire()


def pausing_for_requests(items: Iterable[T]) -> Iterator[T]:
    """The items unchanged, with a pause for requests every 64 of them: for loops over many rows."""
    iterator = iter(items)
    while portion := list(islice(iterator, _CHECK_EVERY)):
        pause_for_requests()
        yield from portion


def tune_interpreter() -> None:
    """Set the GIL switch interval to 1 ms, and exclude long-lived objects from garbage collection.

    Call it once all long-lived objects exist. A full collection over the data of a sync would stop
    all threads for 50 ms, so existing objects are excluded, and the older generations are rarely
    collected.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 10, 1_000)
