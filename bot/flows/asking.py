"""What every question needs on its way, who asks it, and whether they may."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.access import refusal, sees_own_only
from bot.config import Settings
from bot.flows.sight import Asker
from bot.metrics import Metrics
from bot.rendering import Renderer
from bot.slack import DeliveryError, Person, Place, Slack
from bot.store import Store
from bot.store.audit import Audit
from bot.store.memory import Memory
from bot.store.overview import Overview
from reports.audit import Act
from reports.query import Dimension, Query

REFUSED = "refused"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asking:
    """Everything that a question needs on its way; made once, in the composition root."""

    settings: Settings
    store: Store
    slack: Slack
    metrics: Metrics
    renderer: Renderer
    clock: Callable[[], datetime]
    audit: Audit
    memory: Memory
    overview: Overview


def admit(
    asking: Asking, place: Place, act: Act, what: str = "", *, where: str = ""
) -> Person | None:
    """Who does something, if they may ask at all; if not they are told, and it is noted.

    Raises UnknownPersonError where Slack does not say who they are.
    """
    person = asking.slack.person(place.user)
    refused = refusal(person, asking.slack.identity(), asking.settings)
    if refused is None:
        return person
    turn_away(asking, place, refused, act, what, where=where)
    return None


def turn_away(
    asking: Asking, place: Place, words: str, act: Act, what: str = "", *, where: str = ""
) -> None:
    """Tell somebody why not, and note that they tried."""
    asking.audit.note(act, place.user, what, where=where, outcome=f"{REFUSED}: {words}")
    asking.slack.say(place, words)


def asker_for(
    asking: Asking, user: str, email: str | None, people: tuple[tuple[str, str], ...] = ()
) -> Asker:
    """The asker that a Slack user is: for what they set up before, judged by today's settings."""
    own_only = sees_own_only(user, asking.settings)
    if own_only and email:
        # their own answers name them by their mention, whoever clicks
        people = tuple(dict.fromkeys((*people, (f"<@{user}>", email))))
    return Asker(email or None, own_only, people)


def asker_of(asking: Asking, person: Person, query: Query) -> Asker:
    """The person asking, and the addresses of those their filters mention."""
    mentions = [
        one.pattern
        for one in query.filters
        if one.dimension is Dimension.CREATOR and one.pattern.startswith("<@")
    ]
    people = []
    for mention in mentions:
        user = mention.strip("<@>").partition("|")[0]
        try:
            people.append((mention, asking.slack.person(user).email or ""))
        except DeliveryError as problem:
            log.info("Somebody mentioned could not be looked up: %s", problem)
            people.append((mention, ""))
    return asker_for(asking, person.id, person.email, tuple(people))
