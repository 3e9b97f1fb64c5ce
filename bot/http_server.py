"""The web server in front of the door: waitress on a thread of its own.

Many people ask at the same moment, as on a Monday morning, and each acknowledgement has three
seconds. So its thread takes in all who wait at once, and answers itself what needs no waiting:
handing a request to another thread takes longer than acknowledging it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher
from waitress.trigger import trigger

from bot import courtesy

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

THREADS = 4
AtOnce = Callable[[str, bytes], bool]
"""Whether a request, by its path and the beginning of its body, is answered without any waiting.

Such an answer must be short: what the connection does not take at once, this thread has to send.
"""
_BEGINNING = 64
_MOST_AT_ONCE = 32
_JOIN_SECONDS = 3.0


class HttpServer:
    """Serves from the moment it is made. Raises OSError where it cannot listen.

    A body of more than `largest_body` bytes is refused before it is read. What is `at_once` is
    answered on the server's own thread, all else on a few others.
    """

    def __init__(
        self,
        application: WSGIApplication,
        host: str,
        port: int,
        largest_body: int,
        at_once: AtOnce = lambda _path, _body: False,
    ) -> None:
        self._channels: dict[int, Any] = {}
        self._rung = threading.Event()
        self._dispatcher = _Dispatcher(at_once)
        try:
            adjustments = Adjustments(
                host=host, port=port, threads=THREADS, ident=None,
                clear_untrusted_proxy_headers=True, max_request_body_size=largest_body,
            )  # fmt: skip
            # a name that stands for several addresses (localhost) is listened on at each
            addresses: Any = adjustments.listen
            servers = [
                _Server(
                    application, self._channels, dispatcher=self._dispatcher, adj=adjustments,
                    sockinfo=address,
                )
                for address in addresses
            ]  # fmt: skip
        except (OSError, ValueError) as error:
            self._close()
            said = getattr(error, "strerror", None) or error
            raise OSError(
                f"Port {port} of {host} cannot be listened on ({said})."
                " Set PORT (and HOST) to what is free."
            ) from error
        self.port = int(servers[0].effective_port)
        self._dispatcher.set_thread_count(THREADS)
        self._thread = threading.Thread(target=self._run, name="door", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the requests that have begun and close all connections."""
        self._dispatcher.shutdown()
        # by its own thread: another one would pull the sockets away under its select
        bell = next(one for one in self._channels.values() if isinstance(one, trigger))
        bell.pull_trigger(self._close_when_rung)  # type: ignore[arg-type] # called without arguments
        self._rung.set()
        self._thread.join(_JOIN_SECONDS)

    def _run(self) -> None:
        self._dispatcher.own = threading.get_ident()
        wasyncore.loop(timeout=1, map=self._channels)

    def _close_when_rung(self) -> None:
        # an answer just sent rings the same bell: so its thread can be here before our own ring
        # is written, and would close the pipe under it
        self._rung.wait()
        self._close()

    def _close(self) -> None:
        wasyncore.close_all(self._channels)


class _Dispatcher(ThreadedTaskDispatcher):
    """Gives requests to threads, but keeps for the server's own what is answered at once."""

    def __init__(self, at_once: AtOnce) -> None:
        super().__init__()
        self.own = 0
        self._at_once = at_once
        self._kept: deque[HTTPChannel] = deque()

    def add_task(self, task: Any) -> None:  # noqa: ANN401 - a connection; the stubs name another
        """Take a connection whose next request is there."""
        if self.here() and self._is_at_once(task):
            self._kept.append(task)
        else:
            super().add_task(task)

    def here(self) -> bool:
        """Whether this is the server's own thread."""
        return threading.get_ident() == self.own

    def serve_kept(self) -> None:
        """Answer what was kept; only on the server's own thread."""
        while self._kept:
            self._kept.popleft().service()

    def _is_at_once(self, channel: HTTPChannel) -> bool:
        request: Any = channel.requests[0]
        if request.error:  # it was no request, which is said without asking anybody
            return True
        body = request.get_body_stream()
        beginning = body.read(_BEGINNING)
        body.seek(0)
        return self._at_once(request.path, beginning)


class _Channel(HTTPChannel):
    """A connection. While it brings something, whoever computes gives way."""

    def handle_read(self) -> None:
        """Read what came, and answer what can be answered at once."""
        courtesy.knock()
        super().handle_read()
        dispatcher = self.server.task_dispatcher
        if isinstance(dispatcher, _Dispatcher):
            dispatcher.serve_kept()


class _Server(TcpWSGIServer):
    """Takes in all who wait, not one a turn."""

    channel_class = _Channel
    effective_port: str
    _map: dict[int, Any]

    def handle_accept(self) -> None:
        """Take in who waits."""
        courtesy.knock()
        for _ in range(_MOST_AT_ONCE):
            before = len(self._map)
            super().handle_accept()
            if len(self._map) == before:
                return

    def pull_trigger(self) -> None:
        """Wake the server's thread, unless it is the one that asks: the pipe could be full."""
        dispatcher = self.task_dispatcher
        if not (isinstance(dispatcher, _Dispatcher) and dispatcher.here()):
            super().pull_trigger()
