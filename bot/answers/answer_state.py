"""The state of an answer: all that is needed to reproduce it, in its message and by thread."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.answers import visibility
from bot.answers.visibility import Asker
from bot.services import Services
from reports.questions.query import Query
from reports.usage.dimensions import Dimension, Filter

TOO_OLD = "This answer has expired. Ask again and use the new answer."


@dataclass(frozen=True, slots=True)
class AnswerState:
    """All that is needed to reproduce an answer: query text, time (UTC), default zone, and the
    Slack id of the asker (empty in answers from before it was recorded).
    """

    words: str
    at: datetime
    zone: str
    user: str = ""

    def value(self) -> str:
        """The same as the value of a button."""
        fields = {"w": self.words, "t": int(self.at.timestamp()), "z": self.zone, "u": self.user}
        return json.dumps(fields, ensure_ascii=False)  # six times as long otherwise

    @classmethod
    def of_value(cls, value: str) -> AnswerState | None:
        """Read the value of a button; None if malformed."""
        try:
            said = json.loads(value)
            at = datetime.fromtimestamp(said["t"], UTC)
            return cls(str(said["w"]), at, str(said["z"]), str(said.get("u", "")))
        except (ValueError, TypeError, KeyError, OverflowError, OSError):
            return None


def shown(query: Query, at: datetime, zone: str, asker: Asker, user: str) -> AnswerState:
    """The state of an answer. `me` is replaced by the person who asked, since others may click.

    With a limited view, the answer and its buttons are restricted to one's own usage.
    """
    if asker.own_only:
        others = (one for one in query.filters if one.dimension is not Dimension.CREATOR)
        query = replace(query, filters=(*others, visibility.ME))
    words = replace(about(query, user), files=(), share=False).words()
    return AnswerState(words, at, zone, user)


def about(query: Query, user: str) -> Query:
    """A question with `me` replaced by a Slack user."""
    return replace(query, filters=tuple(_named(one, user) for one in query.filters))


def _named(one: Filter, user: str) -> Filter:
    me = one.dimension is Dimension.CREATOR and one.pattern.casefold() == "me"
    return replace(one, pattern=f"<@{user}>") if me else one


KEPT_FOR = timedelta(days=400)
"""How long the state of an answer is kept where it is too long for the message itself."""

TALKED_FOR = timedelta(days=90)
"""How long a thread can continue its answer."""

RECENT = timedelta(minutes=15)
"""How long a direct message outside a thread can continue the answer before it: enough to read an
answer and think about it, but not to come back after a meeting and have forgotten it."""

_LONGEST_STATE = 255

_HERE, _KEPT = "q", "k"
_FIELDS = 5


def state_of(services: Services, what: AnswerState) -> str:
    """Encode an answer's state as a block id of at most 255 characters."""
    plain = f"{_HERE}|{int(what.at.timestamp())}|{what.zone}|{what.user}|{what.words}"
    if len(plain) <= _LONGEST_STATE:
        return plain
    return f"{_KEPT}|{services.expiring_keys.keep(plain, KEPT_FOR)}"


def of_state(services: Services, state: str) -> AnswerState | None:
    """Decode an answer's state from a block id; None if expired or malformed."""
    if state.startswith(f"{_KEPT}|"):
        state = services.expiring_keys.kept(state.removeprefix(f"{_KEPT}|")) or ""
    parts = state.split("|", _FIELDS - 1)
    if len(parts) != _FIELDS or parts[0] != _HERE:
        return None
    _, at, zone, user, words = parts
    moment = int(at) if at.isascii() and at.isdigit() else None
    return AnswerState.of_value(json.dumps({"w": words, "t": moment, "z": zone, "u": user}))


def remember(services: Services, channel: str, thread: str, what: AnswerState) -> None:
    """Keep the last answer of a thread, or of a direct message (`thread` empty) for a short time,
    for messages that go on from it.
    """
    services.expiring_keys.put(
        _last(channel, thread), what.value(), TALKED_FOR if thread else RECENT
    )


def last_in(services: Services, channel: str, thread: str) -> AnswerState | None:
    """The last answer of a thread, or the recent one of a direct message; None if there is none."""
    value = services.expiring_keys.kept(_last(channel, thread))
    return AnswerState.of_value(value) if value else None


def _last(channel: str, thread: str) -> str:
    return f"talk:{channel}:{thread}" if thread else f"recent:{channel}"


def shown_in(services: Services, message: Mapping[str, Any]) -> AnswerState | None:
    """The state of one of our answers, from the message itself; None if it holds none."""
    states = (str(block.get("block_id", "")) for block in message.get("blocks") or ())
    return next((what for state in states if (what := of_state(services, state))), None)
