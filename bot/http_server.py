"""The web server in front of the door: waitress on a thread of its own."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from waitress import wasyncore
from waitress.server import MultiSocketServer, create_server
from waitress.trigger import trigger

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

THREADS = 4
_JOIN_SECONDS = 3.0


class HttpServer:
    """Serves from the moment it is made. Raises OSError where it cannot listen.

    A body of more than `largest_body` bytes is refused before it is read.
    """

    def __init__(
        self, application: WSGIApplication, host: str, port: int, largest_body: int
    ) -> None:
        self._channels: dict[int, Any] = {}
        self._rung = threading.Event()
        try:
            self._server = create_server(
                application, map=self._channels, host=host, port=port, threads=THREADS,
                ident=None, clear_untrusted_proxy_headers=True, max_request_body_size=largest_body,
            )  # fmt: skip
        except OSError as error:
            self._close()
            raise OSError(
                f"Port {port} of {host} cannot be listened on ({error.strerror or error})."
                " Set PORT (and HOST) to what is free."
            ) from error
        # a name that stands for several addresses (localhost) gives several servers in one
        if isinstance(self._server, MultiSocketServer):
            self.port = int(self._server.effective_listen[0][1])
        else:
            self.port = int(self._server.effective_port)  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.run, name="door", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the requests that have begun and close all connections."""
        self._server.task_dispatcher.shutdown()
        # by its own thread: another one would pull the sockets away under its select
        bell = next(one for one in self._channels.values() if isinstance(one, trigger))
        bell.pull_trigger(self._close_when_rung)  # type: ignore[arg-type] # called without arguments
        self._rung.set()
        self._thread.join(_JOIN_SECONDS)

    def _close_when_rung(self) -> None:
        # an answer just sent rings the same bell: so its thread can be here before our own ring
        # is written, and would close the pipe under it
        self._rung.wait()
        self._close()

    def _close(self) -> None:
        wasyncore.close_all(self._channels)
