"""What every question needs on its way, and who asks it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.access import sees_own_only
from bot.config import Settings
from bot.flows.answer import Asker
from bot.metrics import Metrics
from bot.rendering import Renderer
from bot.slack import DeliveryError, Person, Slack
from bot.store import Store
from reports.query import Dimension, Query

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
