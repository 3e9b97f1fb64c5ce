"""Caches values that may take long to compute, for callers that must not wait for them.

Readiness probes come every few seconds. While another program locks the database, each would block
a thread of the web server for half a minute, and clicks would wait for those threads.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from time import monotonic
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")


class CachedValue(Generic[T]):
    """The latest value of `compute`, which runs in its own thread.

    `failed` converts an exception of `compute` into a value. `late` converts the last value and the
    seconds that a pending computation has taken so far.
    """

    def __init__(
        self,
        compute: Callable[[], T],
        first: T,
        failed: Callable[[Exception], T],
        late: Callable[[T, float], T] = lambda value, _: value,
        *,
        timeout: float,
    ) -> None:
        self._compute = compute
        self._failed = failed
        self._late = late
        self._timeout = timeout
        self._value = first
        self._asked_at: float | None = None
        self._condition = threading.Condition()
        self._stopped = False
        self._computed = 0
        self._thread = threading.Thread(target=self._run, name="probe", daemon=True)
        self._thread.start()

    def get(self, timeout: float | None = None) -> T:
        """The next value, or the last one if computing takes longer than `timeout` seconds.

        Concurrent calls share one computation.
        """
        timeout = self._timeout if timeout is None else timeout
        with self._condition:
            wanted = self._computed + 1
            if self._asked_at is None:
                self._asked_at = monotonic()
            asked_at = self._asked_at
            self._condition.notify_all()
            left = asked_at + timeout - monotonic()  # 0 if an earlier caller has already timed out
            in_time = self._condition.wait_for(
                lambda: self._stopped or self._computed >= wanted, max(0.0, left)
            )
            return self._value if in_time else self._late(self._value, monotonic() - asked_at)

    def stop(self) -> None:
        """Stop computing; callers get the last value."""
        with self._condition:
            self._stopped = True
            self._condition.notify_all()

    def _run(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._stopped or self._asked_at is not None)
                if self._stopped:
                    return
            try:
                value = self._compute()
            except (
                Exception
            ) as error:  # any failure is reported as a value and must not end this thread
                log.debug("A probe failed", exc_info=True)
                value = self._failed(error)
            with self._condition:
                self._value = value
                self._computed += 1
                self._asked_at = None
                self._condition.notify_all()
