"""Client-side rate limiting, so that OpenRouter doesn't have to reject requests."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from time import monotonic

MINUTE = 60.0


class RateLimiter:
    """Delays requests so that at most `most` start within any minute.

    `wait` sleeps for some seconds (and may return early when the process stops). `started` counts
    the requests so far.
    """

    def __init__(
        self,
        most: int,
        wait: Callable[[float], object],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._most = most
        self._wait = wait
        self._clock = clock
        self._lock = threading.Lock()
        self._starts: deque[float] = deque(maxlen=most)
        self.started = 0

    def take(self) -> None:
        """Wait until another request may start."""
        with self._lock:
            now = self._clock()
            start = now
            if len(self._starts) == self._most:
                start = max(now, self._starts[0] + MINUTE)
            self._starts.append(start)
            self.started += 1
        if start > now:
            self._wait(start - now)
