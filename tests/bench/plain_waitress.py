"""Plain waitress in place of bot/http/server.py: the peer in the acknowledgement benchmark."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from waitress.server import create_server

from bot.http.server import THREADS

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

PLAIN_HTTP = "--plain-http"
"""The argument of `bot_process` that asks for it."""

logging.getLogger("waitress.queue").setLevel(logging.CRITICAL)


class PlainWaitress:
    """Serves an application with waitress' own settings and as many threads as ours has."""

    def __init__(
        self,
        application: WSGIApplication,
        host: str,
        port: int,
        largest_body: int,
        *_: object,
    ) -> None:
        self._channels: dict[int, Any] = {}
        self._server = create_server(
            application, map=self._channels, host=host, port=port, threads=THREADS, ident=None,
            max_request_body_size=largest_body, clear_untrusted_proxy_headers=True,
        )  # fmt: skip
        self.port = int(self._server.effective_port)
        threading.Thread(target=self._server.run, name="http", daemon=True).start()

    def stop(self) -> None:
        """End with the process: waitress' loop has no end of its own."""
