"""Server-sent events: sends each change to every open page whose person may see it."""

import json
from collections.abc import Iterator
from queue import Empty, SimpleQueue
from threading import Lock

from bot.demo.slack.workspace import Json

HEARTBEAT = 10.0
"""Seconds of silence after which a comment is sent, so that a dead connection is noticed."""


class Stream:
    """The stream of one open page: its person, and the events not sent yet."""

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
    """All open streams. ``send`` never waits for a page."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._streams: set[Stream] = set()
        self._ended = False

    def open(self, person: str) -> Stream:
        """Open a stream for a page that shows what this person sees."""
        stream = Stream(person)
        with self._lock:
            self._streams.add(stream)
            if self._ended:
                stream.queue.put(None)
        return stream

    def close(self, stream: Stream) -> None:
        """Drop the stream of a page that was closed."""
        with self._lock:
            self._streams.discard(stream)

    def send(self, event: Json, people: frozenset[str] | None = None) -> None:
        """Send an event to these people's pages, or to all."""
        with self._lock:
            for stream in self._streams:
                if people is None or stream.person in people:
                    stream.queue.put(event)

    def end(self) -> None:
        """End every stream."""
        with self._lock:
            self._ended = True
            for stream in self._streams:
                stream.queue.put(None)
