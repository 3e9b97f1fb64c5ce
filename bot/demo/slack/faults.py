"""Failures on demand, one a call, in the order in which they were asked for."""

from collections import deque
from dataclasses import dataclass
from threading import Lock


@dataclass(frozen=True, slots=True)
class Fault:
    """One failure.

    ``kind`` is an HTTP status, an error's name, or one of: "drop" (the connection breaks
    before the call is taken), "drop_after" (taken, but the answer is lost), "hang" (no answer
    until the client or the server gives up) and "half" (taken, half the answer).
    """

    kind: int | str
    retry_after: int = 1


class Faults:
    """The failures to come, by method; "*" stands for every method."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: dict[str, deque[Fault]] = {}

    def add(self, method: str, kinds: tuple[int | str, ...], times: int, retry_after: int) -> None:
        """Let the next calls fail like this, the whole sequence so many times over."""
        with self._lock:
            waiting = self._waiting.setdefault(method, deque())
            waiting.extend(Fault(kind, retry_after) for kind in kinds * times)

    def take(self, method: str) -> Fault | None:
        """The failure of this call, if it is to fail."""
        with self._lock:
            for name in (method, "*"):
                if self._waiting.get(name):
                    return self._waiting[name].popleft()
            return None

    def clear(self) -> None:
        """Let everything work again."""
        with self._lock:
            self._waiting.clear()
