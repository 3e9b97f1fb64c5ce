"""Handles the buttons under an answer: share it, schedule it, set an alert on it."""

from __future__ import annotations

import hashlib

from bot.analysis.registry import answer_any
from bot.answers import visibility
from bot.answers.answer import answer
from bot.answers.answer_message import (
    answer_with_controls,
    needs_uploaded_chart,
    upload_chart,
    why_private,
)
from bot.answers.answer_state import KEPT_FOR, TOO_OLD, AnswerState, answer_state
from bot.answers.export import why_not_visible
from bot.answers.visibility import Asker
from bot.runtime import priority
from bot.services import REFUSED, Services, admit, asker_of
from bot.slack.types import DeliveryError, MessageLocation, ReplyTarget, SlackUser
from reports.admin.audit_log import DONE, Act
from reports.alerts.suggestion import watching
from reports.block_kit.message import mrkdwn_message
from reports.questions.grammar import CommandError, QuestionCommand, parse
from reports.questions.query import Query
from reports.questions.slack.answer import error
from reports.schedules.suggestion import suggest_schedule

NOT_WATCHED = "No alert can watch that: only ClickHouse has it."
SHARED_ALREADY = "This answer has already been shared here."


def share(
    services: Services, reply_to: ReplyTarget, location: MessageLocation, what: AnswerState
) -> None:
    """Post an answer to the conversation, once, limited to what the person who clicks may see."""
    parsed = parse(what.words)
    if not isinstance(parsed, QuestionCommand):
        services.slack.say(reply_to, TOO_OLD)
        return
    person = admit(services, reply_to, Act.SHARED, what.words, where=location.channel)
    if person is None:
        return
    query, asker = parsed.query, asker_of(services, person, parsed.query)
    outcome = _share(services, reply_to, location, what, query, asker)
    services.audit.note(
        Act.SHARED,
        person.id,
        what.words,
        where=location.channel,
        outcome=outcome,
        email=person.email,
    )


def _share(
    services: Services,
    reply_to: ReplyTarget,
    location: MessageLocation,
    what: AnswerState,
    query: Query,
    asker: Asker,
) -> str:
    if wrong := why_not_visible(services, query, asker):
        services.slack.respond(reply_to, mrkdwn_message(wrong))
        return "refused: not their own usage"
    if alone := why_private(services, location.channel):
        services.slack.say(reply_to, alone)
        return f"refused: {alone}"
    with priority.compute_slot():
        found = answer_any(
            services.store, query, what.at, what.zone, asker, whole=False, traces=services.traces
        )
    if isinstance(found, CommandError):
        services.slack.respond(reply_to, error(found, services.settings.command))
        return "misunderstood"
    now_shown = answer_state(query, what.at, what.zone, asker, reply_to.user)
    once = f"share:{location.channel}:{location.ts}:{_digest(now_shown)}"
    if not services.expiring_keys.claim(once, KEPT_FOR):
        services.slack.say(reply_to, SHARED_ALREADY)
        return "already shared"
    try:
        file = (
            upload_chart(services, asker, now_shown)
            if needs_uploaded_chart(found, shared=True)
            else ""
        )
        message = answer_with_controls(services, found, now_shown, asker, private=False, image=file)
        services.slack.publish(reply_to, location.channel, message.shared_by(reply_to.user))
    except DeliveryError:
        services.expiring_keys.release(once)
        raise
    return DONE


def schedule_words(
    services: Services,
    reply_to: ReplyTarget,
    location: MessageLocation,
    what: AnswerState,
    person: SlackUser,
) -> str | None:
    """An answer's question as the words of a schedule; None after a refusal was sent."""
    query = _passed_on(services, reply_to, location, what, person, Act.SCHEDULED)
    return None if query is None else suggest_schedule(query).words()


def alert_words(
    services: Services,
    reply_to: ReplyTarget,
    location: MessageLocation,
    what: AnswerState,
    person: SlackUser,
) -> str | None:
    """An answer's question as the words of an alert; None after a refusal was sent."""
    query = _passed_on(services, reply_to, location, what, person, Act.ALERTED)
    if query is None:
        return None
    if query.live:
        services.slack.say(reply_to, NOT_WATCHED)
        return None
    asker = asker_of(services, person, query)
    with priority.compute_slot():
        found = answer(services.store, query, what.at, what.zone, asker, whole=False)
    if isinstance(found, CommandError):
        services.slack.respond(reply_to, error(found, services.settings.command))
        return None
    return watching(found)


def _passed_on(
    services: Services,
    reply_to: ReplyTarget,
    location: MessageLocation,
    what: AnswerState,
    person: SlackUser,
    act: Act,
) -> Query | None:
    """An answer's question, or None after a refusal was sent and written to the audit log."""
    parsed = parse(what.words)
    if not isinstance(parsed, QuestionCommand):
        services.slack.say(reply_to, TOO_OLD)
        return None
    asker = asker_of(services, person, parsed.query)
    if wrong := why_not_visible(services, parsed.query, asker):
        services.slack.respond(reply_to, mrkdwn_message(wrong))
        note = services.audit.note
        note(
            act, person.id, what.words, where=location.channel, outcome=REFUSED, email=person.email
        )
        return None
    return visibility.addressed(parsed.query, asker)


def _digest(what: AnswerState) -> str:
    return hashlib.sha256(what.value().encode()).hexdigest()[:16]
