"""A cursor over the words of a command, for parsers that read from left to right."""

from __future__ import annotations

from collections.abc import Sequence


class TokenCursor:
    """The words of a command that have not been read yet. It is true while there are any."""

    def __init__(self, words: Sequence[str] = ()) -> None:
        self._ahead = list(reversed(words))

    def __len__(self) -> int:
        return len(self._ahead)

    def peek(self, ahead: int = 0) -> str:
        """The next word, or the one `ahead` words after it; empty after the last."""
        return self._ahead[-1 - ahead] if ahead < len(self._ahead) else ""

    def upcoming(self, count: int) -> list[str]:
        """The next words, at most `count`, which stay unread."""
        return self._ahead[: -1 - count : -1]

    def take(self) -> str:
        """Read one word; empty after the last."""
        return self._ahead.pop() if self._ahead else ""

    def take_many(self, count: int) -> list[str]:
        """Read the next words, at most `count`."""
        return [self._ahead.pop() for _ in range(min(count, len(self._ahead)))]

    def put_back(self, *words: str) -> None:
        """Make words the next ones to be read, in their order."""
        self._ahead += reversed(words)
