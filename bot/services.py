"""Services for all features, permission checks, and the asker of a question."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.access.policy import Refusal, refusal, sees_own_only
from bot.answers.file_worker import Renderer
from bot.answers.visibility import Asker
from bot.clickhouse import ClickHouse
from bot.config import Settings
from bot.http.metrics import Metrics
from bot.slack.client import Slack
from bot.slack.types import DeliveryError, ReplyTarget, SlackUser
from bot.store import Store
from bot.store.admin.audit_log import AuditLog
from bot.store.admin.status import StatusReader
from bot.store.expiring_keys import ExpiringKeys
from reports.admin.audit_log import Act
from reports.block_kit.message import Message
from reports.questions.query import WITHOUT_PERIOD, Query
from reports.time.time_range import zone_names
from reports.usage.dimensions import Dimension
from reports.wording.typed_text import mentions_without_name, unmarked, with_names

MOST_MARKUP = 12_000
"""Characters of a message that are parsed: Slack allows 40,000, a question has at most 300."""
MOST_NAMES = 10
"""Lookups per message, so that many mentions can't use up Slack's rate limit."""

log = logging.getLogger(__name__)


class OutcomeKind(StrEnum):
    """The outcome of a request: a label in the metrics, and a word in the audit log."""

    ANSWERED = "answered"
    SCHEDULED = "scheduled"
    ALERTED = "alerted"
    LISTED = "listed"
    GREETED = "greeted"
    HELP = "help"
    NOT_YET = "not yet"
    MISUNDERSTOOD = "misunderstood"
    REFUSED = "refused"
    FAILED = "failed"

    @property
    def done(self) -> bool:
        """Whether the request succeeded, which the audit log calls `done`."""
        return self in {
            OutcomeKind.ANSWERED,
            OutcomeKind.SCHEDULED,
            OutcomeKind.ALERTED,
            OutcomeKind.LISTED,
        }


REFUSED = OutcomeKind.REFUSED


@dataclass(frozen=True, slots=True)
class Services:
    """Everything needed to answer a question; created once, in the composition root.

    `traces` is the organization's ClickHouse, if it is connected.
    """

    settings: Settings
    store: Store
    slack: Slack
    metrics: Metrics
    renderer: Renderer
    clock: Callable[[], datetime]
    audit: AuditLog
    expiring_keys: ExpiringKeys
    status_reader: StatusReader
    traces: ClickHouse | None = None


def admit(
    services: Services, reply_to: ReplyTarget, act: Act, what: str = "", *, where: str = ""
) -> SlackUser | None:
    """The person who acts, or None if they may not use the bot.

    A refusal is sent to them and written to the audit log. Raises UnknownPersonError if they can't
    be looked up.
    """
    person = services.slack.person(reply_to.user)
    refused = refusal(person, services.slack.identity(), services.settings)
    if refused is None:
        return person
    refuse(services, reply_to, refused, act, what, where=where)
    return None


def refuse(
    services: Services,
    reply_to: ReplyTarget,
    refused: Refusal,
    act: Act,
    what: str = "",
    *,
    where: str = "",
) -> None:
    """Send a refusal and write it to the audit log."""
    services.audit.note(act, reply_to.user, what, where=where, outcome=f"{REFUSED}: {refused.text}")
    services.slack.say(reply_to, refused.text)


def typed_words(services: Services, text: str) -> str:
    """Slack's text without markup, with names in mentions of people and channels.

    Names that Slack omits (`<@U123>`) are looked up, so that no id is shown to people. Names of
    private channels are not looked up.
    """
    words = unmarked(text[:MOST_MARKUP], services.settings.command)
    names: dict[str, str] = {}
    for sign, id_ in sorted(mentions_without_name(words))[:MOST_NAMES]:
        try:
            names[id_] = (
                _person_name(services, id_) if sign == "@" else _channel_name(services, id_)
            )
        except DeliveryError as problem:
            log.info("Could not look up the name of a mention: %s", problem)
    return with_names(words, names)


def _person_name(services: Services, user: str) -> str:
    return services.slack.person(user).name


def _channel_name(services: Services, channel: str) -> str:
    found = services.slack.call("conversations.info", channel=channel)["channel"]
    return "" if found.get("is_private") else str(found.get("name") or "")


def asker_for(
    services: Services, user: str, email: str | None, people: tuple[tuple[str, str], ...] = ()
) -> Asker:
    """The asker for a Slack user: what they may see under the current settings."""
    own_only = sees_own_only(user, services.settings)
    if own_only and email:
        # their own answers contain their mention instead of `me`
        people = tuple(dict.fromkeys((*people, (f"<@{user}>", email))))
    return Asker(email or None, own_only, people)


def asker_of(services: Services, person: SlackUser, query: Query) -> Asker:
    """The asker for a person, with the e-mail addresses of everyone their filters mention."""
    mentions = [
        one.pattern
        for one in query.filters
        if one.dimension is Dimension.CREATOR and one.pattern.startswith("<@")
    ]
    people = []
    for mention in mentions:
        user = mention.strip("<@>").partition("|")[0]
        try:
            people.append((mention, services.slack.person(user).email or ""))
        except DeliveryError as problem:
            log.info("Could not look up a mentioned person: %s", problem)
            people.append((mention, ""))
    return asker_for(services, person.id, person.email, tuple(people))


def zone_for(services: Services, person: SlackUser, query: Query) -> str:
    """The default zone of a question's answer, for the person who reads it.

    Calendar periods are those of the organization, so that two people who ask for the same month
    get the same figures. An answer about now has no period, but may show times of day: those of the
    reader.
    """
    if query.kind in WITHOUT_PERIOD:
        return zone_names().get((person.zone or "").lower(), services.settings.zone)
    return services.settings.zone


@dataclass(frozen=True, slots=True)
class Outcome:
    """A message to answer with, and its outcome; `detail` is the reason for the audit log."""

    message: Message
    kind: OutcomeKind
    detail: str = ""
