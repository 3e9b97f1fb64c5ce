"""What this process has claimed and not begun: a process that ends gives it back."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar


class Numbered(Protocol):
    """An item with an id."""

    @property
    def id(self) -> int:
        """What tells it from the others of its kind."""
        ...


T = TypeVar("T", bound=Numbered)


class Claimed(Generic[T]):
    """Items that wait to be begun, each of which is either begun or taken back, and only once.

    Methods may be called from any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[int, T] = {}

    def add(self, items: Sequence[T]) -> None:
        """Let items wait."""
        with self._lock:
            self._waiting.update((item.id, item) for item in items)

    def begin(self, item: T) -> bool:
        """Whether an item still waits; it does no longer."""
        with self._lock:
            return self._waiting.pop(item.id, None) is not None

    def take_back(self) -> list[T]:
        """The items that wait; they do no longer."""
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        return list(waiting.values())
