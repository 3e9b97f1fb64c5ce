"""Reads the payloads of clicks: who clicked, where, and whether it is a repeated click.

In shared channels, people of other companies can click the bot's buttons.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
DELIVERY_SECONDS = 10.0
"""How long the next answer in a message waits for the one before: Slack takes less than a second,
and this long with retries."""
MAX_MESSAGE_CLICKS = 50
"""Clicks stored per message (about 3 KB): more than people make in one within seconds."""
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


def is_repeat(before: float | None, newest: float | None, clicked_at: float) -> bool:
    """Whether a click repeats the person's previous one: a double click, or Slack's retry.

    `before` is when the person last clicked the same element, `newest` when they last clicked
    anything in the message. With another click in between, the second one is intended.
    """
    if before is None or clicked_at == before:
        return before is not None
    return abs(clicked_at - before) < DOUBLE_CLICK_SECONDS and (newest is None or newest <= before)


class Clicks:
    """The latest clicks received by this process, to ignore repeated and superseded ones.

    If the database is `shared`, another process may have received a click in between, so only
    SharedClicks can tell which ones are repeated.
    """

    def __init__(self, *, shared: bool = False) -> None:
        self._shared = shared
        self._lock = threading.Lock()
        self._seen: OrderedDict[tuple[str, ...], float] = OrderedDict()
        # messages share locks: two deliveries rarely wait for each other, and locks needn't be
        # deleted
        self._deliveries = [threading.Lock() for _ in range(64)]

    def is_repeated(
        self, user: str, at: MessageLocation, what: str, action: dict[str, Any]
    ) -> bool:
        """Whether a click repeats the person's previous one; False if that isn't known."""
        if self._shared:
            return False
        clicked_at, person_key = _clicked_at(action), (user, at.channel, at.ts)
        # a retry may arrive after newer clicks, which are still the ones that others may repeat
        if self._put((*person_key, what, str(clicked_at)), clicked_at) is not None:
            return True
        before = self._put((*person_key, what), clicked_at)
        newest = self._put(person_key, clicked_at)
        return is_repeat(before, newest, clicked_at)

    def superseded_check(self, at: MessageLocation, action: dict[str, Any]) -> Callable[[], bool]:
        """A function that checks later whether there was a newer click in the same message.

        If the database is shared, it returns False: SharedClicks knows which newer clicks are
        repeats.
        """
        if self._shared:
            return lambda: False
        message_key, clicked_at = (at.channel, at.ts), _clicked_at(action)
        self._put(message_key, clicked_at, newest=True)
        return lambda: self._seen.get(message_key, clicked_at) > clicked_at

    @contextmanager
    def delivering(self, at: MessageLocation) -> Iterator[None]:
        """Deliver an answer in a message while no other thread delivers one there."""
        with self._deliveries[hash((at.channel, at.ts)) % len(self._deliveries)]:
            yield

    def _put(
        self, key: tuple[str, ...], clicked_at: float, *, newest: bool = False
    ) -> float | None:
        """Store the time of a click (with `newest`, only if it is later); returns the previous
        one."""
        with self._lock:
            before = self._seen.pop(key, None)
            self._seen[key] = max(before or 0.0, clicked_at) if newest else clicked_at
            while len(self._seen) > MAX_CLICKS:
                self._seen.popitem(last=False)
            return before


@dataclass(frozen=True, slots=True)
class MessageClicks:
    """The latest clicks of all people in one message.

    `choice` is the time of the newest one that changes the answer. `clicks` has the person, the
    clicked element (both as digests) and the time, in order of arrival. Times are seconds since the
    epoch by Slack's clock.
    """

    choice: float = 0.0
    clicks: tuple[tuple[str, str, float], ...] = ()

    def add(
        self, user: str, what: str, clicked_at: float, *, changes: bool
    ) -> tuple[MessageClicks, bool]:
        """These clicks with another one added, and whether that one is a repeat. `changes`: it
        changes the answer."""
        person, digest = _digest(user), _digest(what)
        own = [(clicked, at) for who, clicked, at in self.clicks if who == person]
        if (digest, clicked_at) in own:  # a retry, which may arrive after newer clicks
            return self, True
        before = next((at for clicked, at in reversed(own) if clicked == digest), None)
        newest = max((at for _, at in own), default=None)
        repeated = is_repeat(before, newest, clicked_at)
        kept = (*self.clicks, (person, digest, clicked_at))[-MAX_MESSAGE_CLICKS:]
        # a repeated click does nothing, so it must not supersede the click that it repeats
        newer = clicked_at if changes and not repeated else 0.0
        return MessageClicks(max(self.choice, newer), kept), repeated

    def text(self) -> str:
        """These clicks as JSON, for `of_text`."""
        return json.dumps([self.choice, self.clicks])

    @classmethod
    def of_text(cls, text: str | None) -> MessageClicks:
        """Read the JSON of `text`; no clicks if it is None."""
        if text is None:
            return cls()
        choice, clicks = json.loads(text)
        return cls(choice, tuple((who, what, at) for who, what, at in clicks))


class SharedClicks:
    """The same for processes that share a database server, any of which may receive a click.

    Each method waits for the database, so it is for jobs, after the acknowledgement. For a single
    process, Clicks is enough, and nothing is stored here. All clicks in a message share one row.
    """

    def __init__(self, services: Services) -> None:
        self._keys = services.expiring_keys

    def is_repeated(
        self,
        user: str,
        at: MessageLocation,
        what: str,
        action: dict[str, Any],
        *,
        changes: bool = False,
    ) -> bool:
        """Store a click; returns whether it repeats one that this or another process received.

        `changes` says that it changes the answer in place, so that answers to older clicks are
        superseded.
        """
        clicked_at = _clicked_at(action)
        if not self._keys.shared or not clicked_at:
            return False

        def add(stored: str | None) -> tuple[str, bool]:
            clicks, repeated = MessageClicks.of_text(stored).add(
                user, what, clicked_at, changes=changes
            )
            return clicks.text(), repeated

        return self._keys.update(_key(at), add, SHARED_CLICKS_KEPT)

    def once(
        self, reply_to: ReplyTarget, at: MessageLocation, what: str, action: dict[str, Any],
        do: Callable[[], object], *, changes: bool = False,
    ) -> Callable[[], object]:  # fmt: skip
        """Wrap a job so that it does nothing if the click is repeated; see `is_repeated`."""
        return lambda: self.is_repeated(reply_to.user, at, what, action, changes=changes) or do()

    def is_superseded(self, at: MessageLocation, action: dict[str, Any]) -> bool:
        """Whether any process has received a newer choice in the same message."""
        if not self._keys.shared:
            return False
        return MessageClicks.of_text(self._keys.get(_key(at))).choice > _clicked_at(action)

    @contextmanager
    def delivering(self, at: MessageLocation) -> Iterator[None]:
        """Deliver an answer in a message while no other process delivers one there.

        Otherwise an older answer could arrive after a newer one, even though there was no newer
        click when it was checked. If the other process was killed, this waits DELIVERY_SECONDS.
        """
        if self._keys.shared:
            with self._keys.hold(f"delivering {at.channel} {at.ts}", DELIVERY_SECONDS):
                yield
        else:
            yield


def _key(at: MessageLocation) -> str:
    return f"clicks {at.channel} {at.ts}"


def _digest(text: str) -> str:
    """A short digest (64 bits) of a text, to be stored instead of it."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _clicked_at(action: dict[str, Any]) -> float:
    """The time of a click by Slack's clock, in seconds since the epoch; 0 if unknown."""
    try:
        return float(action.get("action_ts") or 0)
    except ValueError:
        return 0.0
