"""Sends what the user of the page does to the bot, as Slack would."""

from collections.abc import Callable
from threading import Lock
from typing import Any

from bot.demo.slack import Ack, BotClient, LocalSlack, escaped
from bot.demo.slack.workspace import Json

LONGEST_TEXT = 3_000


class Refused(Exception):  # noqa: N818 - what happens, not what went wrong
    """The page requested something impossible; the text explains it to the user."""


class PersonActions:
    """Runs an action of the page by name; the result says how the bot acknowledged it."""

    def __init__(self, slack: LocalSlack, command: str) -> None:
        self.slack = slack
        self.command = command
        self.bot_client: BotClient | None = None
        self._lock = Lock()
        self._actions: dict[str, Callable[[Json], Ack | None]] = {
            "command": self._command,
            "say": self._say,
            "click": self._click,
            "submit": self._submit,
            "close": self._close,
            "home": self._home,
            "shortcut": self._shortcut,
        }

    def add(self, name: str, act: Callable[[Json], None]) -> None:
        """Register another action."""
        self._actions[name] = act

    def run(self, name: str, body: Json) -> Json:
        """Run the action ``name`` with the page's JSON; raises Refused if that is impossible."""
        act = self._actions.get(name)
        if act is None:
            raise Refused("There is no such action.")
        try:
            ack = act(body)
        except (LookupError, TypeError) as missing:
            raise Refused(f"It no longer exists: {missing}") from missing
        if ack is None:
            return {"ok": True}
        return {"ok": ack.ok, "error": ack.error, "status": ack.status}

    def _bot(self) -> BotClient:
        if self.bot_client is None:
            raise Refused("The bot is still starting.")
        return self.bot_client

    def _command(self, body: Json) -> Ack:
        text = escaped(self.slack.workspace, _text(body, "text"))
        return self._bot().command(
            _text(body, "person"), _text(body, "channel"), text, command=self.command
        )

    def _say(self, body: Json) -> Ack | None:
        text = escaped(self.slack.workspace, _text(body, "text"))
        thread = _text(body, "thread") if body.get("thread") else ""
        if self.bot_client is None:  # the bot has not started yet
            channel = self.slack.channel(_text(body, "channel"))
            person = self.slack.user(_text(body, "person"))
            self.slack.chat.post_as_user(channel, person.id, text, thread)
            return None
        return self._bot().say(_text(body, "person"), _text(body, "channel"), text, thread=thread)

    def _click(self, body: Json) -> Ack:
        person, action, choice = _text(body, "person"), _text(body, "action_id"), body.get("choice")
        more: dict[str, Any] = {"block_id": body.get("block_id"), "values": _values(body)}
        if body.get("ts"):
            channel, ts = _text(body, "channel"), _text(body, "ts")
            return self._bot().click(person, channel, ts, action, choice, **more)
        return self._bot().click_in_view(
            person, action, choice, view_id=body.get("view_id"), **more
        )

    def _submit(self, body: Json) -> Ack:
        return self._bot().submit(_text(body, "person"), _text(body, "view_id"), _values(body))

    def _close(self, body: Json) -> Ack | None:
        return self._bot().close(_text(body, "person"), _text(body, "view_id"))

    def _home(self, body: Json) -> Ack:
        return self._bot().home_opened(_text(body, "person"))

    def _shortcut(self, body: Json) -> Ack:
        return self._bot().shortcut(_text(body, "person"), _text(body, "callback_id"))


def _text(body: Json, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise Refused(f"{name} must be text of at most {LONGEST_TEXT} characters.")
    return value


def _values(body: Json) -> Json:
    values = body.get("values") or {}
    if not isinstance(values, dict):
        raise Refused("values must be an object.")
    return values
