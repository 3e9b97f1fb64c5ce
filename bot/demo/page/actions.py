"""What the person in front of the page does, passed on to the bot as Slack would."""

from collections.abc import Callable
from threading import Lock
from typing import Any

from bot.demo.slack import Ack, Door, LocalSlack, escaped
from bot.demo.slack.workspace import Json

LONGEST_TEXT = 3_000


class Refused(Exception):  # noqa: N818 - what happens, not what went wrong
    """The page asked for something that cannot be done; the text says what."""


class Hands:
    """Each public method is one thing that a person does; its answer says how the bot took it."""

    def __init__(self, slack: LocalSlack, command: str) -> None:
        self.slack = slack
        self.command = command
        self.door: Door | None = None
        self._lock = Lock()
        self._does: dict[str, Callable[[Json], Ack | None]] = {
            "command": self._command,
            "say": self._say,
            "click": self._click,
            "submit": self._submit,
            "close": self._close,
            "home": self._home,
            "shortcut": self._shortcut,
        }

    def also(self, name: str, act: Callable[[Json], None]) -> None:
        """One thing more that can be done."""
        self._does[name] = act

    def do(self, name: str, wish: Json) -> Json:
        """Do it. Raises Refused if there is no such thing to do."""
        act = self._does.get(name)
        if act is None:
            raise Refused("There is no such thing to do.")
        try:
            ack = act(wish)
        except (LookupError, TypeError) as missing:
            raise Refused(f"That is not there any more: {missing}") from missing
        if ack is None:
            return {"ok": True}
        return {"ok": ack.ok, "error": ack.error, "status": ack.status}

    def _bot(self) -> Door:
        if self.door is None:
            raise Refused("The bot is still starting.")
        return self.door

    def _command(self, wish: Json) -> Ack:
        text = escaped(self.slack.workspace, _text(wish, "text"))
        return self._bot().command(
            _text(wish, "person"), _text(wish, "channel"), text, command=self.command
        )

    def _say(self, wish: Json) -> Ack | None:
        text = escaped(self.slack.workspace, _text(wish, "text"))
        thread = _text(wish, "thread") if wish.get("thread") else ""
        if self.door is None:  # there is no bot yet to hear it
            channel = self.slack.channel(_text(wish, "channel"))
            person = self.slack.user(_text(wish, "person"))
            self.slack.chat.post_as_user(channel, person.id, text, thread)
            return None
        return self._bot().said(_text(wish, "person"), _text(wish, "channel"), text, thread=thread)

    def _click(self, wish: Json) -> Ack:
        person, action, choice = _text(wish, "person"), _text(wish, "action_id"), wish.get("choice")
        more: dict[str, Any] = {"block_id": wish.get("block_id"), "values": _values(wish)}
        if wish.get("ts"):
            channel, ts = _text(wish, "channel"), _text(wish, "ts")
            return self._bot().click(person, channel, ts, action, choice, **more)
        return self._bot().click_in_view(
            person, action, choice, view_id=wish.get("view_id"), **more
        )

    def _submit(self, wish: Json) -> Ack:
        return self._bot().submit(_text(wish, "person"), _text(wish, "view_id"), _values(wish))

    def _close(self, wish: Json) -> Ack | None:
        return self._bot().close(_text(wish, "person"), _text(wish, "view_id"))

    def _home(self, wish: Json) -> Ack:
        return self._bot().home_opened(_text(wish, "person"))

    def _shortcut(self, wish: Json) -> Ack:
        return self._bot().shortcut(_text(wish, "person"), _text(wish, "callback_id"))


def _text(wish: Json, name: str) -> str:
    value = wish.get(name)
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise Refused(f"{name} must be a text of at most {LONGEST_TEXT} characters.")
    return value


def _values(wish: Json) -> Json:
    values = wish.get("values") or {}
    if not isinstance(values, dict):
        raise Refused("values must be an object.")
    return values
