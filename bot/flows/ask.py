"""The street from the words after the command to the answer that its asker gets."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from time import monotonic

from bot import courtesy
from bot.access import FOREIGN, ask_admins, refusal, surely_foreign
from bot.flows import audit, sight, status
from bot.flows.alert_desk import Desk
from bot.flows.answer import answer
from bot.flows.asking import REFUSED, Asking, asker_of
from bot.flows.export import Shown, Where, export, shown
from bot.flows.files import Format
from bot.flows.shown import drawn, kept_private, picture
from bot.flows.subscriptions import Subscriptions
from bot.slack import DeliveryError, Person, Place
from reports.alert import Rule
from reports.audit import DONE, Act
from reports.commands import parse_command
from reports.grammar import Ask, CommandError, Help
from reports.grammar_admin import AuditAsked, HelpOn, StatusAsked
from reports.grammar_alert import ListAlerts, SetQuiet
from reports.grammar_schedule import ListSchedules, Standing
from reports.query import Query
from reports.render.blocks import Message, error, sentence
from reports.render.help import help_message
from reports.render.schedules import said
from reports.text import escape, plain

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """The words after the command, as they came from Slack, and where they were typed.

    `note` is said above the answer. `at` is the moment that is asked about, where it is not now.
    """

    text: str
    team: str
    channel: str
    note: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What is said, how it ended, and of an answer what it showed.

    `act` and `what` are for the log of who did what; without an act it is none of its business.
    """

    message: Message
    outcome: str
    query: Query | None = None
    shown: Shown | None = None
    act: Act | None = Act.ASKED
    what: str = ""
    email: str | None = None


def ask(
    asking: Asking,
    place: Place,
    asked: Asked,
    subscriptions: Subscriptions,
    desk: Desk,
    keep: Callable[[Shown], None] | None = None,
) -> Reply:
    """Answer one question, whoever asks it and whatever it says; its files come after it.

    `keep` is given what an answer shows before anybody sees it, who may go on from it at once.
    """
    begun = monotonic()
    reply = _reply(asking, place, asked, subscriptions, desk)
    if keep and reply.shown:
        keep(reply.shown)
    shared = reply.query is not None and reply.query.share
    courtesy.give_way()
    message = reply.message.noted(asked.note) if asked.note else reply.message
    asking.slack.respond(replace(place, shared=shared), message)
    asking.metrics.asks.labels(reply.outcome).inc()
    asking.metrics.seconds.observe(monotonic() - begun)
    _note(asking, place, asked, reply)
    if reply.query and reply.shown:
        for file in reply.query.files:
            where = Where(asked.channel, shared, place.thread or None)
            export(asking, place, where, reply.shown, Format(file))
    return reply


def _note(asking: Asking, place: Place, asked: Asked, reply: Reply) -> None:
    """Write down who asked what, after they were answered."""
    if reply.act is None:
        return
    done = reply.outcome in {"answered", "scheduled", "alerted", "listed"}
    first = reply.message.text.partition("\n")[0]
    outcome = DONE if done else f"{reply.outcome}: {first}" if reply.outcome == REFUSED else ""
    asking.audit.note(
        reply.act,
        place.user,
        reply.what or plain(asked.text),
        where=asked.channel,
        outcome=outcome or reply.outcome,
        email=reply.email,
    )


def _reply(
    asking: Asking, place: Place, asked: Asked, subscriptions: Subscriptions, desk: Desk
) -> Reply:
    if surely_foreign(asking.slack.identity(), (asked.team,), None):
        return Reply(sentence(FOREIGN), REFUSED)
    person = asking.slack.person(place.user)
    refused = refusal(person, asking.slack.identity(), asking.settings)
    if refused:
        return Reply(sentence(refused), REFUSED)
    found = _admitted(asking, place, asked, person, subscriptions, desk)
    return replace(found, email=person.email)


def _between_us(asking: Asking, place: Place, channel: str) -> bool:
    """Whether a channel is the direct messages of the bot and whoever asks."""
    if not channel.startswith("D"):
        return False
    if place.channel == channel:  # they wrote to the bot
        return True
    try:
        return asking.slack.dm(place.user) == channel
    except DeliveryError as error:
        log.info("Cannot tell whose direct messages a command came from: %s", error)
        return False


def _managed(
    parsed: Standing | ListSchedules | Rule | SetQuiet | ListAlerts,
    asked: Asked,
    person: Person,
    subscriptions: Subscriptions,
    desk: Desk,
) -> Reply:
    """Set up or list what goes on by itself: schedules and alerts."""
    match parsed:
        case Standing():
            done, act = subscriptions.set_up(person, parsed, asked.channel), Act.SCHEDULED
            what = parsed.words()
        case ListSchedules():
            done, act, what = subscriptions.listed(person, parsed), Act.LOOKED, "schedules"
        case Rule():
            done, act = desk.set_up(person, parsed, asked.channel), Act.ALERTED
            what = f"alert {parsed.words()}"
        case SetQuiet(quiet):
            done, act = desk.set_quiet(person, parsed), Act.CHANGED_ALERT
            what = f"alert quiet {quiet.words() if quiet else 'off'}"
        case ListAlerts():
            done, act, what = desk.listed(person, parsed), Act.LOOKED, "alerts"
    return Reply(done.message, done.outcome, act=act, what=what)


def _admitted(
    asking: Asking,
    place: Place,
    asked: Asked,
    person: Person,
    subscriptions: Subscriptions,
    desk: Desk,
) -> Reply:
    command = asking.settings.command
    parsed = parse_command(asked.text)
    if isinstance(parsed, Help):
        return Reply(help_message(command), "help", act=None)
    if isinstance(parsed, HelpOn):
        return Reply(help_message(command, parsed.section), "help", act=None)
    if isinstance(parsed, CommandError):
        return Reply(error(parsed, command), "misunderstood")
    if isinstance(parsed, StatusAsked):
        return Reply(status.show(asking, person), "answered", act=Act.LOOKED, what="status")
    if isinstance(parsed, AuditAsked):
        log_of, outcome = audit.show(asking, person, parsed)
        return Reply(log_of, outcome, act=Act.LOOKED, what=parsed.words())
    if not isinstance(parsed, Ask):
        return _managed(parsed, asked, person, subscriptions, desk)
    query, alone = parsed.query, ""
    if query.share and _between_us(asking, place, asked.channel):
        query = replace(query, share=False)  # there is nobody else to share it with
    if query.share and (alone := kept_private(asking, asked.channel)):
        query = replace(query, share=False)
    asker = asker_of(asking, person, query)
    if asker.own_only and not sight.own(asking.store.directory(), asker):
        words = f"{escape(sight.nobody(asker))} {ask_admins(asking.settings)}"
        return Reply(said(words), REFUSED)
    now, zone = asked.at or asking.clock(), asking.settings.zone
    with courtesy.turn():
        found = answer(asking.store, replace(query, share=False), now, zone, asker, whole=False)
    if isinstance(found, CommandError):
        return Reply(error(found, command), "misunderstood")
    what = shown(query, now, zone, asker, place.user)
    file = picture(asking, asker, what) if query.share and not found.empty else ""
    direct = asked.channel.startswith("D")
    with courtesy.turn():
        message = drawn(
            asking, found, what, asker, private=not query.share and not direct, picture=file
        )
    return Reply(
        message.noted(alone) if alone else message,
        "answered",
        query,
        what,
        Act.SHARED if query.share else Act.ASKED,
        query.words(),
    )
