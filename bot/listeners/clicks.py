"""Payloads of clicks: who clicked, where, and whether it is a repeated click.

In shared channels, people of other companies can click the bot's buttons.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from bot.access.policy import FOREIGN, Refusal, is_certainly_foreign
from bot.services import Services
from bot.slack.types import Identity, MessageLocation, ReplyTarget
from reports.schedules.slack.message import SCHEDULE_EDIT, STOP

DOUBLE_CLICK_SECONDS = 3.0
"""Seconds within which the same click again is a double click."""
SHARED_CLICKS_KEPT = timedelta(hours=1)
"""Slack repeats a click for some minutes at most, and answers take seconds."""
MAX_CLICKS = 10_000  # a bound on memory; far more than are made in DOUBLE_CLICK_SECONDS


def foreign(identity: Identity | None, body: dict[str, Any]) -> Refusal | None:
    """The refusal for a click from another company; None if users.info has to decide.

    The `team` of a click is the bot's own even then; the person's workspace is in `user`.
    """
    user, team = _part(body, "user"), _part(body, "team")
    enterprise = _part(body, "enterprise").get("id") or team.get("enterprise_id")
    teams = (team.get("id"), user.get("team_id"))
    return Refusal(FOREIGN) if is_certainly_foreign(identity, teams, enterprise) else None


def message_location(body: dict[str, Any]) -> MessageLocation:
    """The message that was clicked in."""
    container = _part(body, "container")
    channel = _part(body, "channel").get("id") or container.get("channel_id", "")
    hidden = container.get("is_ephemeral") is not False
    return MessageLocation(str(channel), str(container.get("message_ts", "")), hidden)


def reply_target(body: dict[str, Any]) -> ReplyTarget:
    """Where the answer to a click goes."""
    user = str(_part(body, "user").get("id", ""))
    thread = str(_part(body, "container").get("thread_ts") or "")
    home = _part(body, "view").get("type") == "home"
    return ReplyTarget(str(body.get("response_url", "")), user, thread=thread, home=home)


def has_block(body: dict[str, Any], block_id: str) -> bool:
    """Whether the clicked message has a block with this id, so that the id isn't forged.

    Slack doesn't include ephemeral messages, so their blocks can't be checked: True.
    """
    blocks = (body.get("message") or {}).get("blocks")
    return not blocks or any(block.get("block_id") == block_id for block in blocks)


def in_report(body: dict[str, Any]) -> bool:
    """Whether the click was in a scheduled report."""
    blocks = (body.get("message") or {}).get("blocks") or ()
    named = {one.get("action_id") for block in blocks for one in block.get("elements") or ()}
    return not named.isdisjoint({SCHEDULE_EDIT, STOP})


def _part(body: dict[str, Any], name: str) -> dict[str, Any]:
    """An object inside a payload; empty if it is missing or null, like `team` on Grid."""
    part = body.get(name)
    return part if isinstance(part, dict) else {}


class Clicks:
    """The latest clicks, to ignore repeated and superseded ones."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: OrderedDict[tuple[str, ...], float] = OrderedDict()

    def is_repeated(
        self, user: str, at: MessageLocation, what: str, action: dict[str, Any]
    ) -> bool:
        """Whether a click repeats the person's previous one: a double click, or Slack's retry.

        With another click in between, the second one is intended.
        """
        clicked_at, person_key = _clicked_at(action), (user, at.channel, at.ts)
        before = self._put((*person_key, what), clicked_at)
        newest = self._put(person_key, clicked_at)
        if before is None or clicked_at == before:
            return before is not None
        return abs(clicked_at - before) < DOUBLE_CLICK_SECONDS and (
            newest is None or newest <= before
        )

    def superseded_check(self, at: MessageLocation, action: dict[str, Any]) -> Callable[[], bool]:
        """A function that checks later whether there was a newer click in the same message."""
        message_key, clicked_at = (at.channel, at.ts), _clicked_at(action)
        before = self._put(message_key, clicked_at)
        if before is not None and before > clicked_at:
            self._put(message_key, before)
        return lambda: self._seen.get(message_key, clicked_at) > clicked_at

    def _put(self, key: tuple[str, ...], clicked_at: float) -> float | None:
        with self._lock:
            before = self._seen.pop(key, None)
            self._seen[key] = clicked_at
            while len(self._seen) > MAX_CLICKS:
                self._seen.popitem(last=False)
            return before


class SharedClicks:
    """The same for processes that share a database on a server, where any may get a click.

    Each method waits for the database, so it is for work in the background; for a single process,
    Clicks is enough and nothing is asked or stored here.
    """

    def __init__(self, services: Services) -> None:
        self._keys = services.expiring_keys

    def is_repeated(
        self, user: str, at: MessageLocation, what: str, action: dict[str, Any]
    ) -> bool:
        """Whether another process has got the very same click: Slack sends it again at times."""
        clicked_at = str(action.get("action_ts") or "")
        if not self._keys.shared or not clicked_at:
            return False
        identity = f"{user} {at.channel} {at.ts} {what} {clicked_at}"
        return not self._keys.claim(
            f"click {hashlib.sha256(identity.encode()).hexdigest()}", SHARED_CLICKS_KEPT
        )

    def once(
        self, reply_to: ReplyTarget, at: MessageLocation, what: str, action: dict[str, Any],
        do: Callable[[], object],
    ) -> Callable[[], object]:  # fmt: skip
        """Work that does nothing where another process has got the very same click."""
        return lambda: self.is_repeated(reply_to.user, at, what, action) or do()

    def announce(self, at: MessageLocation, action: dict[str, Any]) -> None:
        """Let the other processes know of a click in a message."""
        if self._keys.shared:
            self._keys.advance(_newest(at), _sortable(action), SHARED_CLICKS_KEPT)

    def is_superseded(self, at: MessageLocation, action: dict[str, Any]) -> bool:
        """Whether some process was announced a newer click in the same message."""
        return self._keys.shared and (self._keys.get(_newest(at)) or "") > _sortable(action)


def _newest(at: MessageLocation) -> str:
    return f"newest click {at.channel} {at.ts}"


def _sortable(action: dict[str, Any]) -> str:
    """The time of a click as a text that sorts as it does."""
    return f"{_clicked_at(action):020.6f}"


def _clicked_at(action: dict[str, Any]) -> float:
    """The time of a click by Slack's clock, in seconds since the epoch; 0 if unknown."""
    try:
        return float(action.get("action_ts") or 0)
    except ValueError:
        return 0.0
