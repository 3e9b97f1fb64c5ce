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
"""Seconds between pings; slack-sdk replaces a connection that misses four pongs."""
RETRY_SECONDS = 10.0  # between attempts to connect at the start


class _Handler(SocketModeHandler):
    # slack-bolt declares the same narrow type
    def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override]
        with priority.handling_request():
            super().handle(client, req)


class SocketMode:
    """Connects at startup, or as soon as Slack is reachable, and reconnects when needed."""

    def __init__(self, app: App, slack: Slack, app_token: str, stopping: threading.Event) -> None:
        self._stopping = stopping
        self._handler = _Handler(
            app, app_token, web_client=slack.client, ping_interval=PING_SECONDS
        )

    @property
    def connected(self) -> bool:
        """Whether the connection is open."""
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
            # slack-sdk fails if both sides closed at the same time; call again to close the rest
            self._handler.close()  # type: ignore[no-untyped-call]

    def _connect(self) -> bool:
        """Try to connect; afterwards slack-sdk monitors and replaces the connection.

        Raises DeliveryError if the token is rejected.
        """
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
