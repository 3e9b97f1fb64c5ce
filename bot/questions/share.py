"""Buttons under an answer: share it, schedule it, set an alert on it."""

from __future__ import annotations

import hashlib

from bot.answers import visibility as sight
from bot.answers.answer import answer
from bot.answers.answer_message import KEPT_FOR, drawn, kept_private, picture
from bot.answers.export import TOO_OLD, Shown, not_theirs, shown
from bot.answers.visibility import Asker
from bot.runtime import priority as courtesy
from bot.services import REFUSED, Asking, admit, asker_of
from bot.slack.client import DeliveryError, Person, Place, Spot
from reports.admin.audit_log import DONE, Act
from reports.alerts.suggestion import watching
from reports.questions.follow_up import standing
from reports.questions.grammar import Ask, CommandError, parse
from reports.questions.query import Query
from reports.questions.slack.answer import error
from reports.schedules.slack.cards import said

SHARED_ALREADY = "This answer has already been shared here."


def share(asking: Asking, place: Place, spot: Spot, what: Shown) -> None:
    """Post an answer to the conversation, once, as far as the person who clicks may see it."""
    parsed = parse(what.words)
    if not isinstance(parsed, Ask):
        asking.slack.say(place, TOO_OLD)
        return
    person = admit(asking, place, Act.SHARED, what.words, where=spot.channel)
    if person is None:
        return
    query, asker = parsed.query, asker_of(asking, person, parsed.query)
    outcome = _share(asking, place, spot, what, query, asker)
    asking.audit.note(
        Act.SHARED, person.id, what.words, where=spot.channel, outcome=outcome, email=person.email
    )


def _share(
    asking: Asking, place: Place, spot: Spot, what: Shown, query: Query, asker: Asker
) -> str:
    if wrong := not_theirs(asking, query, asker):
        asking.slack.respond(place, said(wrong))
        return "refused: not their own usage"
    if alone := kept_private(asking, spot.channel):
        asking.slack.say(place, alone)
        return f"refused: {alone}"
    with courtesy.turn():
        found = answer(asking.store, query, what.at, what.zone, asker, whole=False)
    if isinstance(found, CommandError):
        asking.slack.respond(place, error(found, asking.settings.command))
        return "misunderstood"
    now_shown = shown(query, what.at, what.zone, asker, place.user)
    once = f"share:{spot.channel}:{spot.ts}:{_digest(now_shown)}"
    if not asking.memory.take(once, KEPT_FOR):
        asking.slack.say(place, SHARED_ALREADY)
        return "shared already"
    try:
        file = picture(asking, asker, now_shown)
        message = drawn(asking, found, now_shown, asker, private=False, picture=file)
        asking.slack.publish(place, spot.channel, message.by(place.user))
    except DeliveryError:
        asking.memory.give_back(once)
        raise
    return DONE


def schedule_words(
    asking: Asking, place: Place, spot: Spot, what: Shown, person: Person
) -> str | None:
    """An answer's question as the words of a schedule; None after a refusal was sent."""
    query = _passed_on(asking, place, spot, what, person, Act.SCHEDULED)
    return None if query is None else standing(query).words()


def alert_words(
    asking: Asking, place: Place, spot: Spot, what: Shown, person: Person
) -> str | None:
    """The words of an alert on what an answer shows; None after a refusal was sent."""
    query = _passed_on(asking, place, spot, what, person, Act.ALERTED)
    if query is None:
        return None
    asker = asker_of(asking, person, query)
    with courtesy.turn():
        found = answer(asking.store, query, what.at, what.zone, asker, whole=False)
    if isinstance(found, CommandError):
        asking.slack.respond(place, error(found, asking.settings.command))
        return None
    return watching(found)


def _passed_on(
    asking: Asking, place: Place, spot: Spot, what: Shown, person: Person, act: Act
) -> Query | None:
    """An answer's question, or None after a refusal was sent and written to the audit log."""
    parsed = parse(what.words)
    if not isinstance(parsed, Ask):
        asking.slack.say(place, TOO_OLD)
        return None
    asker = asker_of(asking, person, parsed.query)
    if wrong := not_theirs(asking, parsed.query, asker):
        asking.slack.respond(place, said(wrong))
        note = asking.audit.note
        note(act, person.id, what.words, where=spot.channel, outcome=REFUSED, email=person.email)
        return None
    return sight.addressed(parsed.query, asker)


def _digest(what: Shown) -> str:
    return hashlib.sha256(what.value().encode()).hexdigest()[:16]
