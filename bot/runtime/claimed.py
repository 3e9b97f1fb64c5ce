"""Tracks items that this process has claimed but not started, to release them when it stops."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar


class Numbered(Protocol):
    """An item with an id."""

    @property
    def id(self) -> int:
        """The id, unique among items of its kind."""
        ...


T = TypeVar("T", bound=Numbered)


class Claimed(Generic[T]):
    """Claimed items that haven't been started. Each is either started or taken back, and only once.

    Methods may be called from any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[int, T] = {}

    def add(self, items: Sequence[T]) -> None:
        """Add claimed items."""
        with self._lock:
            self._waiting.update((item.id, item) for item in items)

    def begin(self, item: T) -> bool:
        """Start an item; False if it was already started or taken back."""
        with self._lock:
            return self._waiting.pop(item.id, None) is not None

    def take_back(self) -> list[T]:
        """Remove and return all items that haven't been started."""
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        return list(waiting.values())
