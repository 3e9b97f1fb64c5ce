"""Socket Mode: the WebSocket connection through which Slack sends requests."""

from __future__ import annotations

import logging
import threading

from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.runtime import priority
from bot.slack.client import NO_ANSWER, Slack, delivery_error
from bot.slack.types import DeliveryError

log = logging.getLogger(__name__)

PING_SECONDS = 5.0
"""Between two pings; slack-sdk replaces a connection that answers none of four."""
RETRY_SECONDS = 10.0


class _Handler(SocketModeHandler):
    # the type is as narrow as slack-bolt's own
    def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override]
        with priority.handling_request():
            super().handle(client, req)


class SocketMode:
    """Connects at the start or once Slack can be reached, and reconnects whenever it breaks."""

    def __init__(self, app: App, slack: Slack, app_token: str, stopping: threading.Event) -> None:
        self._stopping = stopping
        self._handler = _Handler(
            app, app_token, web_client=slack.client, ping_interval=PING_SECONDS
        )

    @property
    def connected(self) -> bool:
        """Whether Slack can reach the bot at the moment."""
        return bool(self._handler.client.is_connected())

    def start(self) -> None:
        """Connect, or keep trying in a thread. Raises DeliveryError if the token is refused."""
        if not self._connect():
            threading.Thread(target=self._keep_trying, name="socket-mode", daemon=True).start()

    def stop(self) -> None:
        """Close the connection."""
        try:
            self._handler.close()  # type: ignore[no-untyped-call]
        except AttributeError:
            # both sides closed at once and slack-sdk misses its socket; the rest is still to close
            self._handler.close()  # type: ignore[no-untyped-call]

    def _connect(self) -> bool:
        """Connect once; from then on slack-sdk watches the connection and replaces it."""
        try:
            self._handler.connect()  # type: ignore[no-untyped-call]
        except NO_ANSWER as error:
            failed = delivery_error(error)
            if failed.permanent:
                words = f"Slack answered {failed.code} to SLACK_APP_TOKEN. Copy the token again."
                raise DeliveryError(failed.code, permanent=True, words=words) from error
            log.warning("Socket Mode is not connected yet (%s), retrying", failed)
            return False
        log.info("Connected to Slack by Socket Mode")
        return True

    def _keep_trying(self) -> None:
        try:
            while not self._stopping.wait(RETRY_SECONDS) and not self._connect():
                pass
        except DeliveryError as error:
            log.critical("Socket Mode stopped: %s", error)
