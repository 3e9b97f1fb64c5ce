"""What happens, told to every open page that may see it."""

import json
from collections.abc import Iterator
from queue import Empty, SimpleQueue
from threading import Lock

from bot.demo.slack.workspace import Json

HEARTBEAT = 10.0
"""Seconds after which a silent page is told that the line still stands."""


class Line:
    """One open page's own line: whose eyes it looks through, and what it was not told yet."""

    def __init__(self, person: str) -> None:
        self.person = person
        self.queue: SimpleQueue[Json | None] = SimpleQueue()

    def __iter__(self) -> Iterator[bytes]:
        """Server-sent events, until the feed ends."""
        yield b"retry: 1000\n: hello\n\n"
        while True:
            try:
                event = self.queue.get(timeout=HEARTBEAT)
            except Empty:
                yield b": still here\n\n"
                continue
            if event is None:
                return
            yield f"data: {json.dumps(event)}\n\n".encode()


class Feed:
    """All open lines. ``tell`` never waits for a page."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._lines: set[Line] = set()
        self._ended = False

    def open(self, person: str) -> Line:
        """A line for a page that looks through this person's eyes."""
        line = Line(person)
        with self._lock:
            self._lines.add(line)
            if self._ended:
                line.queue.put(None)
        return line

    def close(self, line: Line) -> None:
        """The page went away."""
        with self._lock:
            self._lines.discard(line)

    def tell(self, event: Json, people: frozenset[str] | None = None) -> None:
        """Tell these people's pages, or everybody's."""
        with self._lock:
            for line in self._lines:
                if people is None or line.person in people:
                    line.queue.put(event)

    def end(self) -> None:
        """Let every line end."""
        with self._lock:
            self._ended = True
            for line in self._lines:
                line.queue.put(None)
