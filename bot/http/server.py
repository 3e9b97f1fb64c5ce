"""The HTTP server: waitress in its own thread, with timeouts for slow clients.

Plain waitress keeps a connection that does not send a whole request for two minutes, and with a
hundred of those it accepts no others. This server closes them, the oldest first, and when it stops
it answers the requests that have arrived. It also accepts all waiting connections at once and
answers short requests on its own thread, to save switches between threads.

`python -m tests.bench acks` measures plain waitress in the same run. On two otherwise idle cores,
p99 in milliseconds, three runs (limit: 20):

    twenty people ask during a sync    ours  16.3  17.0  20.2     plain  22.5  23.0  25.6
    reports are being rendered         ours   5.7   5.7   6.7     plain   6.0   6.4   6.7

On cores that other programs keep busy (a load of 7 to 10), neither keeps the limit, and plain
waitress is often the faster one: median 52 ms of seven runs during a sync, against 114 ms.

It builds on parts of waitress that are not documented (`HTTPChannel.requests`, `handle_read`,
`handle_accept`, the socket map), so pyproject.toml pins waitress to a minor version.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher
from waitress.trigger import trigger

from bot.runtime import priority

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

log = logging.getLogger(__name__)

THREADS = 4
"""Worker threads for requests that wait for something, such as a modal's submission. Commands and
events don't need one."""
IsImmediate = Callable[[str, bytes], bool]
"""Whether a request is answered without waiting, by its path and the beginning of its body.

The response must be short, because the server's own thread has to send it.
"""
_BEGINNING = 64
"""Bytes of the body that `is_immediate` receives: `payload=` marks an interaction."""
_MOST_ACCEPTED = 32
"""Connections accepted in one round of the loop: more than the twenty people of the benchmark, and
few enough that a flood of connections does not delay requests that have already arrived."""
_DRAIN_SECONDS = 3.0
"""How long `stop` waits for requests in progress: as long as jobs may start."""
_IDLE_DRAIN_SECONDS = 0.5
"""How long `stop` keeps connections without a complete request: one that was just opened, or is
used again, still gets its answer."""
_LARGEST_HEADER = 32 * 1024  # Slack's headers take less than 1 KiB


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How many connections are kept open, and for how long, in seconds.

    Slack gives up on a request after 3 s and a proxy after a minute, so only clients that stopped
    waiting are disconnected. 256 connections leave the rest of the usual 1,024 descriptors to the
    database and to calls of Slack and OpenRouter. A sweep twice a second costs nothing and keeps
    every limit to within half a second.
    """

    connections: int = 256
    header_seconds: float = 10.0
    body_seconds: float = 20.0
    idle_seconds: float = 75.0  # longer than the 60 s for which nginx keeps idle connections
    sweep_seconds: float = 0.5


class HttpServer:
    """An HTTP server that starts when created. Raises OSError if it can't listen.

    A body of more than `largest_body` bytes is rejected unread. Requests for which `is_immediate`
    is true are handled on the server's own thread, all others on a few worker threads.
    """

    def __init__(
        self,
        application: WSGIApplication,
        host: str,
        port: int,
        largest_body: int,
        is_immediate: IsImmediate = lambda _path, _body: False,
        limits: ConnectionLimits | None = None,
    ) -> None:
        self._channels: dict[int, Any] = {}
        self._limits = limits or ConnectionLimits()
        self._swept_at = 0.0
        self._draining_since: float | None = None
        self._servers: list[_Server] = []
        self._stop_written = threading.Event()
        self._dispatcher = _Dispatcher(is_immediate)
        try:
            adjustments = Adjustments(
                host=host, port=port, threads=THREADS, ident=None,
                clear_untrusted_proxy_headers=True, max_request_body_size=largest_body,
                max_request_header_size=_LARGEST_HEADER,
                # _sweep limits connections and closes overdue ones
                connection_limit=1_000_000, channel_timeout=1_000_000,
            )  # fmt: skip
            # listen on every address of a name such as localhost
            addresses: Any = adjustments.listen
            servers = self._servers = [
                _Server(
                    application, self._channels, dispatcher=self._dispatcher, adj=adjustments,
                    sockinfo=address,
                )
                for address in addresses
            ]  # fmt: skip
        except (OSError, ValueError) as error:
            self._close()
            reason = getattr(error, "strerror", None) or error
            raise OSError(
                f"Can't listen on port {port} of {host} ({reason})."
                " Set PORT (and HOST) to a free one."
            ) from error
        self.port = int(servers[0].effective_port)
        self._dispatcher.set_thread_count(THREADS)
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Accept no more connections, answer the requests that have arrived, and close.

        Takes at most _DRAIN_SECONDS, and no time without open connections.
        """
        # on its own thread: another thread would close the sockets while it polls them
        wakeup = next(one for one in self._channels.values() if isinstance(one, trigger))
        wakeup.pull_trigger(self._drain_when_woken)  # type: ignore[arg-type] # called without arguments
        self._stop_written.set()
        self._thread.join(_DRAIN_SECONDS + 1)
        self._dispatcher.shutdown(timeout=1)

    def _run(self) -> None:
        self._dispatcher.own_thread = threading.get_ident()
        while self._channels:
            # poll, since select fails for descriptors above 1,023
            timeout = 1 if self._draining_since is None else 0.05
            wasyncore.loop(timeout=timeout, use_poll=True, map=self._channels, count=1)
            self._sweep()
            if self._draining_since is not None:
                self._drain(monotonic() - self._draining_since)

    def _sweep(self) -> None:
        """Close connections without a complete request: overdue or oldest above the limit.

        Called between rounds of the loop: a descriptor closed during a round could be reused by a
        new connection, which would then get the old one's events.
        """
        now, limits = monotonic(), self._limits
        most, due = limits.connections, now - self._swept_at >= limits.sweep_seconds
        if not due and len(self._channels) <= most:
            return
        self._swept_at = now
        open_ = [one for one in self._channels.values() if isinstance(one, _Channel)]
        waiting = sorted((one for one in open_ if not one.requests), key=lambda one: one.since)
        overdue = [one for one in waiting if now - one.since > one.patience(limits)]
        surplus = waiting[: max(0, len(open_) - most)]
        for one in {*overdue, *surplus}:
            one.handle_close()
        if overdue or surplus:
            log.debug("Closed %d slow connections, %d above the limit", len(overdue), len(surplus))

    def _drain_when_woken(self) -> None:
        # a response just sent wakes the thread through the same pipe, so it can get here before
        # `stop` has written to the pipe, and would close it too early
        self._stop_written.wait()
        for server in self._servers:
            # the kernel would reset connections that are still waiting
            server.accept_waiting(self._limits.connections)
            wasyncore.dispatcher.close(server)  # not its `close`, which also ends wakeups
        self._draining_since = monotonic()

    def _drain(self, seconds: float) -> None:
        """Close idle connections; close all if no request is in progress or the time is up."""
        open_ = [one for one in self._channels.values() if isinstance(one, _Channel)]
        if seconds >= _IDLE_DRAIN_SECONDS:
            for one in open_:
                if not one.busy:
                    one.handle_close()
            open_ = [one for one in open_ if one.busy]
        if not open_ or seconds >= _DRAIN_SECONDS:
            self._close()

    def _close(self) -> None:
        wasyncore.close_all(self._channels)


class _Dispatcher(ThreadedTaskDispatcher):
    """Hands requests to worker threads, except those that are answered immediately."""

    def __init__(self, is_immediate: IsImmediate) -> None:
        super().__init__()
        self.own_thread = 0
        self._is_immediate_request = is_immediate
        self._immediate: deque[HTTPChannel] = deque()

    def add_task(self, task: Any) -> None:  # noqa: ANN401 - a connection; the stubs name another
        """Queue a connection whose next request has arrived."""
        if self.is_own_thread() and self._is_immediate_next(task):
            self._immediate.append(task)
        else:
            super().add_task(task)

    def is_own_thread(self) -> bool:
        """Whether this is the server's own thread."""
        return threading.get_ident() == self.own_thread

    def serve_immediate(self) -> None:
        """Handle the queued immediate requests; only on the server's own thread."""
        while self._immediate:
            self._immediate.popleft().service()

    def _is_immediate_next(self, channel: HTTPChannel) -> bool:
        request: Any = channel.requests[0]
        if request.error:  # a malformed request is rejected without the application
            return True
        body = request.get_body_stream()
        beginning = body.read(_BEGINNING)
        body.seek(0)
        return self._is_immediate_request(request.path, beginning)


class _Channel(HTTPChannel):
    """A connection. Worker threads pause while it is read."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self.since = monotonic()
        """When the connection was opened, or its latest request started (monotonic seconds)."""
        self._used = False
        super().__init__(*arguments, **named)

    def handle_read(self) -> None:
        """Read the input, and handle immediate requests."""
        priority.connection_ready()
        if self._used and self.request is None and not self.requests:
            self.since = monotonic()
        super().handle_read()
        self._used = self._used or bool(self.requests)
        dispatcher = self.server.task_dispatcher
        if isinstance(dispatcher, _Dispatcher):
            dispatcher.serve_immediate()

    @property
    def busy(self) -> bool:
        """Whether a request is in progress, or its response is being sent."""
        return bool(self.requests or self.total_outbufs_len)

    def patience(self, limits: ConnectionLimits) -> float:
        """How long after `since` a connection without a complete request is kept, in seconds."""
        request: Any = self.request
        if request is not None and request.headers_finished:
            return limits.body_seconds
        return (
            limits.header_seconds if request is not None or not self._used else limits.idle_seconds
        )


class _Server(TcpWSGIServer):
    """Accepts all waiting connections, not one per round of the loop."""

    channel_class = _Channel
    effective_port: str
    _map: dict[int, Any]

    def handle_accept(self) -> None:
        """Accept waiting connections, up to the limit of one round."""
        self.accept_waiting(_MOST_ACCEPTED)

    def accept_waiting(self, most: int) -> None:
        """Accept the connections that wait, at most `most`."""
        priority.connection_ready()
        for _ in range(most):
            before = len(self._map)
            super().handle_accept()
            if len(self._map) == before:
                return

    def pull_trigger(self) -> None:
        """Wake the server's thread, unless it is the caller: the pipe could be full."""
        dispatcher = self.task_dispatcher
        if not (isinstance(dispatcher, _Dispatcher) and dispatcher.is_own_thread()):
            super().pull_trigger()
