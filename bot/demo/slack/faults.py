"""Simulated failures: one per call, in the order in which they were added."""

from collections import deque
from dataclasses import dataclass
from threading import Lock


@dataclass(frozen=True, slots=True)
class Fault:
    """One failure.

    ``kind`` is an HTTP status, an error's name, or one of: "drop" (the connection breaks before the
    call is processed), "drop_after" (it is processed, but the answer is lost), "hang" (no answer
    until the client or the server gives up) and "half" (it is processed, but half the answer is
    lost).
    """

    kind: int | str
    retry_after: int = 1


class Faults:
    """The queued failures by method; "*" matches every method."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._queues: dict[str, deque[Fault]] = {}

    def add(self, method: str, kinds: tuple[int | str, ...], times: int, retry_after: int) -> None:
        """Make the next calls fail like this; the sequence is repeated ``times`` times."""
        with self._lock:
            queue = self._queues.setdefault(method, deque())
            queue.extend(Fault(kind, retry_after) for kind in kinds * times)

    def take(self, method: str) -> Fault | None:
        """Take the failure for this call from its queue; None if the call should succeed."""
        with self._lock:
            for name in (method, "*"):
                if self._queues.get(name):
                    return self._queues[name].popleft()
            return None

    def clear(self) -> None:
        """Drop all queued failures."""
        with self._lock:
            self._queues.clear()
