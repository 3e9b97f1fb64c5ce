"""Commands and questions that are about something other than usage figures.

Each topic is answered by code of its own; until that exists, `not_yet` says so in one sentence,
so that nobody gets another question's answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from reports.questions.kinds import kind_of


class Topic(StrEnum):
    """What a question is about; the value is the word that begins its command."""

    FORECAST = "forecast"
    WHY = "why"
    PRICE = "price"
    CACHE = "cache"
    WHATIF = "whatif"
    LIMITS = "limits"
    KEYS = "keys"
    RETIRING = "retiring"
    NEW = "new"
    PROVIDER = "by provider"
    APP = "by app"
    WORKSPACE = "by workspace"
    TEAM = "by team"


@dataclass(frozen=True, slots=True)
class TopicAsked:
    """A question about a topic; `words` is the question as it was typed."""

    topic: Topic
    words: str = ""


@dataclass(frozen=True, slots=True)
class BalanceAsked:
    """What is left of the credits, and how long it lasts."""


@dataclass(frozen=True, slots=True)
class BudgetAsked:
    """How much of the budgets and limits is used."""


@dataclass(frozen=True, slots=True)
class MeAsked:
    """One's own month."""


Personal = BalanceAsked | BudgetAsked | MeAsked
BALANCE, BUDGET, ME = "balance", "budget", "me"

_COMMANDS: dict[tuple[str, ...], Personal] = {
    ("balance",): BalanceAsked(),
    ("credits",): BalanceAsked(),
    ("credits", "left"): BalanceAsked(),
    ("budget",): BudgetAsked(),
    ("budgets",): BudgetAsked(),
    ("me",): MeAsked(),
}
_NOT_YET = {
    Topic.PROVIDER: "I can't group or filter by provider yet",
    Topic.APP: "I can't group or filter by app yet",
    Topic.WORKSPACE: "I can't group or filter by workspace yet",
    Topic.TEAM: "I can't group or filter by team yet",
}
_INSTEAD: dict[Topic, str] = {}
_BY = {"by", "per", "each", "which", "across"}
_UPCOMING = {
    **dict.fromkeys(("provider", "providers"), Topic.PROVIDER),
    **dict.fromkeys(("app", "apps", "application", "applications"), Topic.APP),
    **dict.fromkeys(("workspace", "workspaces"), Topic.WORKSPACE),
    **dict.fromkeys(("team", "teams", "department", "departments"), Topic.TEAM),
}
"""What usage can't be grouped by yet."""


def not_yet(topic: Topic) -> str:
    """One sentence that says that a topic has no answer yet, and what comes closest."""
    instead = _INSTEAD.get(topic, "model, key and creator work")
    return f"{_NOT_YET[topic]}; {instead}."


def personal(words: Sequence[str]) -> Personal | None:
    """The command that words are, case and punctuation aside: `balance`, `me`, ..."""
    return _COMMANDS.get(tuple(word.casefold() for word in words))


def topic_of(words: Sequence[str]) -> Topic | None:
    """The topic that a command names: by its first word, or by what it groups or filters by."""
    lower = [word.casefold() for word in words]
    first = lower[0] if lower else ""
    if kind_of(first):
        return None
    return ungroupable(lower)


def ungroupable(lower: Sequence[str]) -> Topic | None:
    """The topic of `by team`, `which app`, `provider:x`, in lower-case words."""
    for before, word in zip(("", *lower), lower, strict=False):
        kind, colon, _ = word.partition(":")
        topic = _UPCOMING.get(kind.strip("?!.,-"))
        if topic and (colon or before in _BY):
            return topic
    return None
