"""Stores the state of an answer, everything needed to reproduce it, in its message or by thread."""

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
    """Everything needed to reproduce an answer.

    Query text, time (UTC), default zone, and the Slack id of the asker ("" in old answers).
    """

    words: str
    at: datetime
    zone: str
    user: str = ""

    def value(self) -> str:
        """Encode the state as a button's value."""
        fields = {"w": self.words, "t": int(self.at.timestamp()), "z": self.zone, "u": self.user}
        return json.dumps(
            fields, ensure_ascii=False
        )  # escaped, non-Latin text would be six times as long

    @classmethod
    def of_value(cls, value: str) -> AnswerState | None:
        """Decode a button's value; None if malformed."""
        try:
            said = json.loads(value)
            at = datetime.fromtimestamp(said["t"], UTC)
            return cls(str(said["w"]), at, str(said["z"]), str(said.get("u", "")))
        except (ValueError, TypeError, KeyError, OverflowError, OSError):
            return None


def answer_state(query: Query, at: datetime, zone: str, asker: Asker, user: str) -> AnswerState:
    """The state of an answer. `me` is replaced by the asker, because others may click.

    With limited visibility, the answer and its buttons are restricted to one's own usage.
    """
    if asker.own_only:
        others = (one for one in query.filters if one.dimension is not Dimension.CREATOR)
        query = replace(query, filters=(*others, visibility.ME))
    words = replace(with_asker(query, user), files=(), share=False).words()
    return AnswerState(words, at, zone, user)


def with_asker(query: Query, user: str) -> Query:
    """A question with `me` replaced by a Slack user."""
    return replace(query, filters=tuple(_named(one, user) for one in query.filters))


def _named(one: Filter, user: str) -> Filter:
    me = one.dimension is Dimension.CREATOR and one.pattern.casefold() == "me"
    return replace(one, pattern=f"<@{user}>") if me else one


KEPT_FOR = timedelta(days=400)
"""How long a state is stored that is too long for the message itself."""

THREAD_KEPT_FOR = timedelta(days=90)
"""How long follow-ups in an answer's thread work."""

RECENT = timedelta(minutes=15)
"""How long a direct message outside a thread counts as a follow-up: enough to read an answer, but
not to come back after a meeting and have forgotten it."""

_LONGEST_STATE = 255  # Slack's limit for a block id

_INLINE, _STORED = "q", "k"
_FIELDS = 5


def state_of(services: Services, what: AnswerState) -> str:
    """Encode an answer's state as a block id of at most 255 characters."""
    plain = f"{_INLINE}|{int(what.at.timestamp())}|{what.zone}|{what.user}|{what.words}"
    if len(plain) <= _LONGEST_STATE:
        return plain
    return f"{_STORED}|{services.expiring_keys.keep(plain, KEPT_FOR)}"


def of_state(services: Services, state: str) -> AnswerState | None:
    """Decode an answer's state from a block id; None if expired or malformed."""
    if state.startswith(f"{_STORED}|"):
        state = services.expiring_keys.get(state.removeprefix(f"{_STORED}|")) or ""
    parts = state.split("|", _FIELDS - 1)
    if len(parts) != _FIELDS or parts[0] != _INLINE:
        return None
    _, at, zone, user, words = parts
    moment = int(at) if at.isascii() and at.isdigit() else None
    return AnswerState.of_value(json.dumps({"w": words, "t": moment, "z": zone, "u": user}))


def store_last(services: Services, channel: str, thread: str, what: AnswerState) -> None:
    """Store the last answer of a thread, or briefly of a direct message (`thread` empty).

    Follow-ups refer to it.
    """
    services.expiring_keys.put(
        _last(channel, thread), what.value(), THREAD_KEPT_FOR if thread else RECENT
    )


def last_answer(services: Services, channel: str, thread: str) -> AnswerState | None:
    """The last answer of a thread, or a direct message's recent one; None if there is none."""
    value = services.expiring_keys.get(_last(channel, thread))
    return AnswerState.of_value(value) if value else None


def _last(channel: str, thread: str) -> str:
    return f"talk:{channel}:{thread}" if thread else f"recent:{channel}"


def state_in_message(services: Services, message: Mapping[str, Any]) -> AnswerState | None:
    """The state in a message of the bot; None if it has none."""
    states = (str(block.get("block_id", "")) for block in message.get("blocks") or ())
    return next((what for state in states if (what := of_state(services, state))), None)
