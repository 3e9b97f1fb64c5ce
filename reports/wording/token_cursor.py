"""A cursor over the words of a command, for left-to-right parsers."""

from __future__ import annotations

from collections.abc import Sequence


class TokenCursor:
    """The unread words of a command. It is truthy while there are any."""

    def __init__(self, words: Sequence[str] = ()) -> None:
        self._unread_reversed = list(reversed(words))

    def __len__(self) -> int:
        return len(self._unread_reversed)

    def peek(self, ahead: int = 0) -> str:
        """The next word, or the one `ahead` words later; "" after the last. Doesn't read it."""
        return self._unread_reversed[-1 - ahead] if ahead < len(self._unread_reversed) else ""

    def upcoming(self, count: int) -> list[str]:
        """The next words, at most `count`. Doesn't read them."""
        return self._unread_reversed[: -1 - count : -1]

    def take(self) -> str:
        """Read one word; "" after the last."""
        return self._unread_reversed.pop() if self._unread_reversed else ""

    def take_many(self, count: int) -> list[str]:
        """Read the next words, at most `count`."""
        return [self._unread_reversed.pop() for _ in range(min(count, len(self._unread_reversed)))]

    def put_back(self, *words: str) -> None:
        """Put words back so that they are read next, in their order."""
        self._unread_reversed += reversed(words)
