"""The street from the words after the command to the answer that its asker gets."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from bot.access import FOREIGN, refusal, sees_own_only
from bot.config import Settings
from bot.flows.answer import Asker, answer
from bot.metrics import Metrics
from bot.slack import DeliveryError, Person, Place, Slack
from bot.store import Store
from reports.grammar import CommandError, Help, parse
from reports.query import Dimension, Query
from reports.render.blocks import Message, error, sentence
from reports.render.blocks import answer as answer_message
from reports.render.help import help_message

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asking:
    """Everything that a question needs on its way; made once, in the composition root."""

    settings: Settings
    store: Store
    slack: Slack
    metrics: Metrics
    clock: Callable[[], datetime]


def ask(asking: Asking, place: Place, text: str, team: str) -> None:
    """Answer one question, whoever asks it and whatever it says."""
    begun = monotonic()
    message, shared, outcome = _reply(asking, place, text, team)
    asking.slack.respond(Place(place.response_url, place.user, shared), message)
    asking.metrics.asks.labels(outcome).inc()
    asking.metrics.seconds.observe(monotonic() - begun)


def _reply(asking: Asking, place: Place, text: str, team: str) -> tuple[Message, bool, str]:
    if team != asking.slack.identity().team_id:
        return sentence(FOREIGN), False, "refused"
    person = asking.slack.person(place.user)
    refused = refusal(person, asking.slack.identity(), asking.settings)
    if refused:
        return sentence(refused), False, "refused"
    command = asking.settings.command
    parsed = parse(text)
    if isinstance(parsed, Help):
        return help_message(command), False, "help"
    if isinstance(parsed, CommandError):
        return error(parsed, command), False, "misunderstood"
    asker = asker_of(asking, person, parsed.query)
    found = answer(
        asking.store, parsed.query, asking.clock(), asking.settings.zone, asker, whole=False
    )
    if isinstance(found, CommandError):
        return error(found, command), False, "misunderstood"
    return answer_message(found, command), parsed.query.share, "answered"


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
    own_only = sees_own_only(person, asking.settings)
    return Asker(person.email, own_only, tuple(people))
