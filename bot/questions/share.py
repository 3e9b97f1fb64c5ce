"""Buttons under an answer: share it, schedule it, set an alert on it."""

from __future__ import annotations

import hashlib

from bot.analysis.registry import answer_any
from bot.answers import visibility
from bot.answers.answer import answer
from bot.answers.answer_message import drawn, drawn_apart, kept_private, picture
from bot.answers.answer_state import KEPT_FOR, TOO_OLD, AnswerState, shown
from bot.answers.export import not_theirs
from bot.answers.visibility import Asker
from bot.runtime import priority
from bot.services import REFUSED, Services, admit, asker_of
from bot.slack.types import DeliveryError, MessageLocation, ReplyTarget, SlackUser
from reports.admin.audit_log import DONE, Act
from reports.alerts.suggestion import watching
from reports.questions.grammar import CommandError, QuestionCommand, parse
from reports.questions.query import Query
from reports.questions.slack.answer import error
from reports.schedules.slack.cards import said
from reports.schedules.suggestion import suggest_schedule

SHARED_ALREADY = "This answer has already been shared here."


def share(services: Services, place: ReplyTarget, spot: MessageLocation, what: AnswerState) -> None:
    """Post an answer to the conversation, once, as far as the person who clicks may see it."""
    parsed = parse(what.words)
    if not isinstance(parsed, QuestionCommand):
        services.slack.say(place, TOO_OLD)
        return
    person = admit(services, place, Act.SHARED, what.words, where=spot.channel)
    if person is None:
        return
    query, asker = parsed.query, asker_of(services, person, parsed.query)
    outcome = _share(services, place, spot, what, query, asker)
    services.audit.note(
        Act.SHARED, person.id, what.words, where=spot.channel, outcome=outcome, email=person.email
    )


def _share(
    services: Services,
    place: ReplyTarget,
    spot: MessageLocation,
    what: AnswerState,
    query: Query,
    asker: Asker,
) -> str:
    if wrong := not_theirs(services, query, asker):
        services.slack.respond(place, said(wrong))
        return "refused: not their own usage"
    if alone := kept_private(services, spot.channel):
        services.slack.say(place, alone)
        return f"refused: {alone}"
    with priority.compute_slot():
        found = answer_any(services.store, query, what.at, what.zone, asker, whole=False)
    if isinstance(found, CommandError):
        services.slack.respond(place, error(found, services.settings.command))
        return "misunderstood"
    now_shown = shown(query, what.at, what.zone, asker, place.user)
    once = f"share:{spot.channel}:{spot.ts}:{_digest(now_shown)}"
    if not services.expiring_keys.take(once, KEPT_FOR):
        services.slack.say(place, SHARED_ALREADY)
        return "shared already"
    try:
        file = picture(services, asker, now_shown) if drawn_apart(found, shared=True) else ""
        message = drawn(services, found, now_shown, asker, private=False, picture=file)
        services.slack.publish(place, spot.channel, message.shared_by(place.user))
    except DeliveryError:
        services.expiring_keys.give_back(once)
        raise
    return DONE


def schedule_words(
    services: Services,
    place: ReplyTarget,
    spot: MessageLocation,
    what: AnswerState,
    person: SlackUser,
) -> str | None:
    """An answer's question as the words of a schedule; None after a refusal was sent."""
    query = _passed_on(services, place, spot, what, person, Act.SCHEDULED)
    return None if query is None else suggest_schedule(query).words()


def alert_words(
    services: Services,
    place: ReplyTarget,
    spot: MessageLocation,
    what: AnswerState,
    person: SlackUser,
) -> str | None:
    """The words of an alert on what an answer shows; None after a refusal was sent."""
    query = _passed_on(services, place, spot, what, person, Act.ALERTED)
    if query is None:
        return None
    asker = asker_of(services, person, query)
    with priority.compute_slot():
        found = answer(services.store, query, what.at, what.zone, asker, whole=False)
    if isinstance(found, CommandError):
        services.slack.respond(place, error(found, services.settings.command))
        return None
    return watching(found)


def _passed_on(
    services: Services,
    place: ReplyTarget,
    spot: MessageLocation,
    what: AnswerState,
    person: SlackUser,
    act: Act,
) -> Query | None:
    """An answer's question, or None after a refusal was sent and written to the audit log."""
    parsed = parse(what.words)
    if not isinstance(parsed, QuestionCommand):
        services.slack.say(place, TOO_OLD)
        return None
    asker = asker_of(services, person, parsed.query)
    if wrong := not_theirs(services, parsed.query, asker):
        services.slack.respond(place, said(wrong))
        note = services.audit.note
        note(act, person.id, what.words, where=spot.channel, outcome=REFUSED, email=person.email)
        return None
    return visibility.addressed(parsed.query, asker)


def _digest(what: AnswerState) -> str:
    return hashlib.sha256(what.value().encode()).hexdigest()[:16]
