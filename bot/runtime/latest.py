"""Values that take time to compute, for callers that must not wait for them.

Probes ask every few seconds whether the process is ready. Where another program locks the
database, each would hold a thread of the web server for half a minute, and clicks would wait for
those threads.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from time import monotonic
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")


class Latest(Generic[T]):
    """The latest value of `compute`, which runs on one thread of its own.

    `failed` makes a value of an exception of `compute`. `late` makes one of the last value and of
    the seconds since `compute` was asked for a newer one without answering.
    """

    def __init__(
        self,
        compute: Callable[[], T],
        first: T,
        failed: Callable[[Exception], T],
        late: Callable[[T, float], T] = lambda value, _: value,
        *,
        patience: float,
    ) -> None:
        self._compute = compute
        self._failed = failed
        self._late = late
        self._patience = patience
        self._value = first
        self._asked_at: float | None = None
        self._news = threading.Condition()
        self._stopped = False
        self._computed = 0
        self._thread = threading.Thread(target=self._run, name="probe", daemon=True)
        self._thread.start()

    def get(self, patience: float | None = None) -> T:
        """The next value, or the last one where that takes longer than `patience` seconds.

        Calls that come together share one computation.
        """
        patience = self._patience if patience is None else patience
        with self._news:
            wanted = self._computed + 1
            if self._asked_at is None:
                self._asked_at = monotonic()
            asked_at = self._asked_at
            self._news.notify_all()
            left = (
                asked_at + patience - monotonic()
            )  # 0 if an earlier caller already waited in vain
            in_time = self._news.wait_for(
                lambda: self._stopped or self._computed >= wanted, max(0.0, left)
            )
            return self._value if in_time else self._late(self._value, monotonic() - asked_at)

    def stop(self) -> None:
        """Stop computing; callers get the last value."""
        with self._news:
            self._stopped = True
            self._news.notify_all()

    def _run(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: self._stopped or self._asked_at is not None)
                if self._stopped:
                    return
            try:
                value = self._compute()
            except Exception as error:  # whatever fails is a finding, and must not end this thread
                log.debug("A probe failed", exc_info=True)
                value = self._failed(error)
            with self._news:
                self._value = value
                self._computed += 1
                self._asked_at = None
                self._news.notify_all()
