"""Who clicked, where, and whether it is the same click again.

In shared channels people of other companies can click the buttons of our messages.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from bot.access.policy import FOREIGN, Refusal, surely_foreign
from bot.slack.types import Identity, MessageLocation, ReplyTarget
from reports.schedules.slack.message import SCHEDULE_EDIT, STOP

DOUBLE = 3.0
"""Seconds within which the same click again is a double click."""
MOST_CLICKS = 10_000


def foreign(identity: Identity | None, body: dict[str, Any]) -> Refusal | None:
    """The refusal of a person who clicks from another company; None where users.info decides.

    The `team` of a click is ours even then: the workspace of the person is beside the user's id.
    """
    user, team = _part(body, "user"), _part(body, "team")
    enterprise = _part(body, "enterprise").get("id") or team.get("enterprise_id")
    teams = (team.get("id"), user.get("team_id"))
    return Refusal(FOREIGN) if surely_foreign(identity, teams, enterprise) else None


def spot(body: dict[str, Any]) -> MessageLocation:
    """The message that was clicked in."""
    container = _part(body, "container")
    channel = _part(body, "channel").get("id") or container.get("channel_id", "")
    hidden = container.get("is_ephemeral") is not False
    return MessageLocation(str(channel), str(container.get("message_ts", "")), hidden)


def place(body: dict[str, Any]) -> ReplyTarget:
    """Where the answer to a click goes."""
    user = str(_part(body, "user").get("id", ""))
    thread = str(_part(body, "container").get("thread_ts") or "")
    home = _part(body, "view").get("type") == "home"
    return ReplyTarget(str(body.get("response_url", "")), user, thread=thread, home=home)


def has_block(body: dict[str, Any], block_id: str) -> bool:
    """Whether the message that was clicked in has a block of this id, so that it isn't forged.

    Slack doesn't send ephemeral messages along, so their blocks can't be checked: True.
    """
    blocks = (body.get("message") or {}).get("blocks")
    return not blocks or any(block.get("block_id") == block_id for block in blocks)


def in_report(body: dict[str, Any]) -> bool:
    """Whether somebody clicked in a scheduled report."""
    blocks = (body.get("message") or {}).get("blocks") or ()
    named = {one.get("action_id") for block in blocks for one in block.get("elements") or ()}
    return not named.isdisjoint({SCHEDULE_EDIT, STOP})


def _part(body: dict[str, Any], name: str) -> dict[str, Any]:
    """An object inside a payload; empty where it is missing or null, as `team` is on Grid."""
    part = body.get(name)
    return part if isinstance(part, dict) else {}


class Clicks:
    """The latest clicks, to ignore repeated ones and those that a newer click replaces."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: OrderedDict[tuple[str, ...], float] = OrderedDict()

    def again(self, user: str, at: MessageLocation, what: str, action: dict[str, Any]) -> bool:
        """Whether somebody made the same click a moment before: a double click, or Slack's retry.

        With another click of theirs between the two, the second is meant.
        """
        made, mine = _made(action), (user, at.channel, at.ts)
        before = self._put((*mine, what), made)
        newest = self._put(mine, made)
        if before is None or made == before:
            return before is not None
        return abs(made - before) < DOUBLE and (newest is None or newest <= before)

    def overtaken(self, at: MessageLocation, action: dict[str, Any]) -> Callable[[], bool]:
        """A function that tells later whether a newer click was made in the same message."""
        place_, made = (at.channel, at.ts), _made(action)
        before = self._put(place_, made)
        if before is not None and before > made:
            self._put(place_, before)
        return lambda: self._seen.get(place_, made) > made

    def _put(self, key: tuple[str, ...], made: float) -> float | None:
        with self._lock:
            before = self._seen.pop(key, None)
            self._seen[key] = made
            while len(self._seen) > MOST_CLICKS:
                self._seen.popitem(last=False)
            return before


def _made(action: dict[str, Any]) -> float:
    """When somebody clicked, by Slack's clock."""
    try:
        return float(action.get("action_ts") or 0)
    except ValueError:
        return 0.0
