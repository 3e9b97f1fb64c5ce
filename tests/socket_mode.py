"""Socket Mode for the local Slack: `apps.connections.open` and a real WebSocket to send through."""

from __future__ import annotations

import json
import secrets
from contextlib import suppress
from threading import Condition, Thread
from typing import Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from bot.demo.slack import LocalSlack
from bot.demo.slack.workspace import Json, SlackError


class SocketMode:
    """Sends envelopes to whoever is connected.

    `acks` are the answers, by envelope id; `taken` counts the connections so far.
    """

    def __init__(self, slack: LocalSlack) -> None:
        self.slack = slack
        self.app_token = f"xapp-1-{secrets.token_hex(12)}"
        self.acks: dict[str, Json] = {}
        self.taken = 0
        self.connections: list[ServerConnection] = []
        self._changed = Condition()
        self._server: Server | None = None
        self._port = 0
        self._call = slack.api.call
        slack.api.call = self._answer  # type: ignore[method-assign] # the one method more

    def start(self) -> Self:
        """Take connections; after a `stop()` again at the same address."""
        self._server = serve(self._serve, "127.0.0.1", self._port)
        self._port = self._server.socket.getsockname()[1]
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def stop(self) -> None:
        """Hang up and take no connection any more."""
        if self._server:
            self._server.shutdown()
            self._server = None
        self.hang_up()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def hang_up(self) -> None:
        """Break every connection, without a word of farewell."""
        for connection in self.connections[:]:
            with suppress(OSError):
                connection.socket.shutdown(2)

    def wait_until_connected(self, seconds: float = 60) -> None:
        """Wait until somebody is connected."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.connections, seconds)

    def send(self, kind: str, payload: Json) -> str:
        """Send an envelope through the newest connection; returns its id."""
        envelope = secrets.token_hex(8)
        whole = {"type": kind, "envelope_id": envelope, "payload": payload}
        self.say(whole | {"accepts_response_payload": True})
        return envelope

    def say(self, message: Json) -> None:
        """Send a message that is no envelope."""
        self.connections[-1].send(json.dumps(message))

    def ack(self, envelope: str, seconds: float = 60) -> Json:
        """Wait for the acknowledgement of an envelope."""
        with self._changed:
            assert self._changed.wait_for(lambda: envelope in self.acks, seconds)
            return self.acks[envelope]

    def command(self, user: str, channel: str, text: str, **more: str) -> str:
        """A slash command; returns the envelope's id."""
        who, where = self.slack.user(user), self.slack.channel(channel)
        path = self.slack.hooks.issue(who.id, where, None, f"/activity {text}")
        payload = {
            "token": "none",
            "team_id": self.slack.team_id,
            "channel_id": where.id,
            "channel_name": where.name,
            "user_id": who.id,
            "user_name": who.name,
            "command": "/activity",
            "text": text,
            "api_app_id": self.slack.app_id,
            "response_url": self.slack.url + path,
            "trigger_id": self.slack.modals.issue_trigger(who.id),
        }
        return self.send("slash_commands", payload | more)

    def _answer(self, name: str, args: Json, token: str | None) -> Json:
        if name != "apps.connections.open":
            return self._call(name, args, token)
        if token != self.app_token:
            raise SlackError("invalid_auth")
        return {"ok": True, "url": f"ws://127.0.0.1:{self._port}/link/?ticket=1"}

    def _serve(self, connection: ServerConnection) -> None:
        connection.send(json.dumps({"type": "hello", "num_connections": 1}))
        with self._changed:
            self.connections.append(connection)
            self.taken += 1
            self._changed.notify_all()
        try:
            for raw in connection:
                self._take(json.loads(raw))
        except ConnectionClosed:
            pass
        finally:
            with self._changed:
                self.connections.remove(connection)
                self._changed.notify_all()

    def _take(self, said: dict[str, Any]) -> None:
        with self._changed:
            self.acks[str(said.get("envelope_id"))] = said
            self._changed.notify_all()
