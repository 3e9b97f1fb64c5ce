"""From the words after the command to the answer."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import monotonic

from bot.access.policy import (
    FOREIGN,
    admins_only,
    ask_admins,
    refusal,
    sees_own_only,
    surely_foreign,
)
from bot.admin import audit_log as audit
from bot.admin import status
from bot.alerts.manage import AlertManager
from bot.analysis.registry import answer_any
from bot.answers import visibility
from bot.answers.answer_message import drawn, drawn_apart, kept_private, picture
from bot.answers.answer_state import AnswerState, shown
from bot.answers.balance import balance, limits, own_limits
from bot.answers.export import Where, export
from bot.answers.read_words import note, read_words
from bot.answers.write_file import Format
from bot.runtime import priority
from bot.schedules.manage import ScheduleManager
from bot.services import OutcomeKind, Services, asker_of, zone_for
from bot.slack.types import DeliveryError, ReplyTarget, SlackUser
from reports.admin.audit_log import DONE, Act
from reports.admin.grammar import AuditRequest, HelpRequest, StatusRequest
from reports.admin.slack.help import help_message
from reports.admin.slack.intro import intro
from reports.alerts.grammar import ListAlerts, SetQuiet
from reports.alerts.rule import Rule
from reports.block_kit.message import Message, RunButton, text_message
from reports.commands import parse_command
from reports.questions.grammar import CommandError, HelpCommand, QuestionCommand
from reports.questions.query import Query, Versus
from reports.questions.slack.answer import error
from reports.questions.slack.balance import balance_message, limits_message, limits_section
from reports.questions.topics import BalanceAsked, BudgetAsked, MeAsked, TopicAsked, not_yet
from reports.schedules.grammar import ListSchedules, ScheduledQuestion
from reports.schedules.slack.cards import said
from reports.time.period import Calendar, Unit
from reports.usage.dimensions import Dimension, Filter, Metric
from reports.wording.safe_text import escape, plain

log = logging.getLogger(__name__)

MY_MONTH = Query(
    Metric.SPEND,
    Calendar(Unit.MONTH),
    Dimension.MODEL,
    (Filter(Dimension.CREATOR, "me"),),
    versus=Versus.BEFORE,
)
"""What `me` shows: one's own month by model, against the same part of last month."""
DIRECT = "Only you are here, so “share” has no effect."
EXAMPLES_AGAIN = timedelta(days=365)
"""Examples are shown once a person; after a year they may have forgotten the command."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The words after the command, without Slack's markup, and where they were typed.

    `note` (mrkdwn code marks allowed) goes above the answer, with buttons that run other commands
    (`runs`). `at` is the moment (UTC) the question is about; None means now.
    """

    text: str
    team: str
    channel: str
    note: str = ""
    at: datetime | None = None
    runs: tuple[RunButton, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """The message to send, how it ended (`detail` says why), and what an answer showed.

    `act` and `what` are for the audit log; without an `act` nothing is logged.
    """

    message: Message
    kind: OutcomeKind
    query: Query | None = None
    shown: AnswerState | None = None
    act: Act | None = Act.ASKED
    what: str = ""
    email: str | None = None
    note: str = ""
    detail: str = ""


def ask(
    services: Services,
    place: ReplyTarget,
    asked: Asked,
    subscriptions: ScheduleManager,
    alert_manager: AlertManager,
    keep: Callable[[AnswerState], None] | None = None,
) -> Reply:
    """Check who asks, answer, then deliver the files that were asked for.

    `keep` receives what the answer shows before it is sent, so that a quick reply can go on from
    it.
    """
    begun = monotonic()
    reply = _reply(services, place, asked, subscriptions, alert_manager)
    if keep and reply.shown:
        keep(reply.shown)
    shared = reply.query is not None and reply.query.share
    priority.pause_for_requests()
    above = asked.note or reply.note
    message = reply.message.with_note(above, asked.runs) if above else reply.message
    services.slack.respond(replace(place, shared=shared), message)
    services.metrics.asks.labels(reply.kind).inc()
    services.metrics.seconds.observe(monotonic() - begun)
    _note(services, place, asked, reply)
    if reply.query and reply.shown:
        for file in reply.query.files:
            where = Where(asked.channel, shared, place.thread or None)
            export(services, place, where, reply.shown, Format(file))
    return reply


def misunderstood(services: Services, place: ReplyTarget, wrong: CommandError) -> Message:
    """The reply to words that were not understood; the first one a person gets has examples."""
    once = f"examples:{place.user}"
    # reading first keeps most mistakes from waiting for a write
    first = services.expiring_keys.kept(once) is None and services.expiring_keys.take(
        once, EXAMPLES_AGAIN
    )
    return error(wrong, services.settings.command, examples=first)


def _note(services: Services, place: ReplyTarget, asked: Asked, reply: Reply) -> None:
    """Write the question and its outcome to the audit log."""
    if reply.act is None:
        return
    services.audit.note(
        reply.act,
        place.user,
        reply.what or plain(asked.text),
        where=asked.channel,
        outcome=_outcome(reply),
        email=reply.email,
    )


def _outcome(reply: Reply) -> str:
    """How a reply ended, in the audit log's words."""
    if reply.kind.done:
        return DONE
    refused = reply.kind is OutcomeKind.REFUSED
    detail = reply.message.text.partition("\n")[0] if refused else reply.detail
    return f"{reply.kind}: {detail}" if detail else reply.kind


def _reply(
    services: Services,
    place: ReplyTarget,
    asked: Asked,
    subscriptions: ScheduleManager,
    alert_manager: AlertManager,
) -> Reply:
    if surely_foreign(services.slack.identity(), (asked.team,), None):
        return Reply(text_message(FOREIGN), OutcomeKind.REFUSED)
    person = services.slack.person(place.user)
    refused = refusal(person, services.slack.identity(), services.settings)
    if refused:
        return Reply(text_message(refused.text), OutcomeKind.REFUSED)
    found = _admitted(services, place, asked, person, subscriptions, alert_manager)
    return replace(found, email=person.email)


def _managed(
    parsed: ScheduledQuestion | ListSchedules | Rule | SetQuiet | ListAlerts,
    asked: Asked,
    person: SlackUser,
    subscriptions: ScheduleManager,
    alert_manager: AlertManager,
) -> Reply:
    """Set up or list schedules and alerts."""
    match parsed:
        case ScheduledQuestion():
            done, act = subscriptions.set_up(person, parsed, asked.channel), Act.SCHEDULED
            what = parsed.words()
        case ListSchedules():
            done, act, what = subscriptions.listed(person, parsed), Act.LOOKED, "schedules"
        case Rule():
            done, act = alert_manager.set_up(person, parsed, asked.channel), Act.ALERTED
            what = f"alert {parsed.words()}"
        case SetQuiet(quiet):
            done, act = alert_manager.set_quiet(person, parsed), Act.CHANGED_ALERT
            what = f"alert quiet {quiet.words() if quiet else 'off'}"
        case ListAlerts():
            done, act, what = alert_manager.listed(person, parsed), Act.LOOKED, "alerts"
    return Reply(done.message, done.kind, act=act, what=what)


def _admitted(
    services: Services,
    place: ReplyTarget,
    asked: Asked,
    person: SlackUser,
    subscriptions: ScheduleManager,
    alert_manager: AlertManager,
) -> Reply:
    read = read_words(services, person, asked.text)
    if read is None:
        return Reply(intro(asked.text), OutcomeKind.GREETED, act=None)
    if isinstance(read, CommandError):
        return Reply(misunderstood(services, place, read), OutcomeKind.MISUNDERSTOOD)
    parsed = parse_command(read.words)
    how = note(services, person, read)
    if isinstance(parsed, QuestionCommand):
        found = _figures(services, place, asked, person, parsed.query)
    elif isinstance(parsed, ScheduledQuestion | ListSchedules | Rule | SetQuiet | ListAlerts):
        found = _managed(parsed, asked, person, subscriptions, alert_manager)
    else:
        found = _other(services, place, asked, person, parsed)
    return replace(found, note=how)


def _other(
    services: Services,
    place: ReplyTarget,
    asked: Asked,
    person: SlackUser,
    parsed: HelpCommand
    | HelpRequest
    | CommandError
    | StatusRequest
    | AuditRequest
    | BalanceAsked
    | BudgetAsked
    | MeAsked
    | TopicAsked,
) -> Reply:
    """Answer what is neither a question for figures nor a schedule or alert."""
    command = services.settings.command
    match parsed:
        case HelpCommand():
            return Reply(help_message(command), OutcomeKind.HELP, act=None)
        case HelpRequest(section_, unknown):
            return Reply(help_message(command, section_, unknown), OutcomeKind.HELP, act=None)
        case CommandError():
            return Reply(misunderstood(services, place, parsed), OutcomeKind.MISUNDERSTOOD)
        case StatusRequest():
            shown_ = status.show(services, person)
            return Reply(shown_, OutcomeKind.ANSWERED, act=Act.LOOKED, what="status")
        case AuditRequest():
            done = audit.show(services, person, parsed)
            return Reply(
                done.message, done.kind, act=Act.LOOKED, what=parsed.words(), detail=done.detail
            )
        case BalanceAsked():
            return _balance(services, person)
        case BudgetAsked():
            asker = asker_of(services, person, Query())
            with priority.compute_slot():
                found = limits(services.store, services.clock(), asker)
            return Reply(limits_message(found), OutcomeKind.ANSWERED, act=Act.LOOKED, what="budget")
        case MeAsked():
            return _figures(services, place, asked, person, MY_MONTH, with_limits=True)
        case TopicAsked():
            return Reply(text_message(not_yet(parsed.topic)), OutcomeKind.NOT_YET)


def _is_our_dm(services: Services, place: ReplyTarget, channel: str) -> bool:
    """Whether a channel is the DM of the person and the bot, and not one between two people."""
    try:
        return services.slack.dm(place.user) == channel
    except DeliveryError as problem:
        log.info("Could not open a DM: %s", problem)
        return False


def _balance(services: Services, person: SlackUser) -> Reply:
    """The organization's balance, for those who may see the whole organization."""
    if sees_own_only(person.id, services.settings):
        refused = admins_only("see the organization's balance", person.id, services.settings)
        return Reply(said(refused), OutcomeKind.REFUSED, act=Act.LOOKED, what="balance")
    with priority.compute_slot():
        found = balance(services.store, services.clock(), services.settings.zone)
    return Reply(balance_message(found), OutcomeKind.ANSWERED, act=Act.LOOKED, what="balance")


def _figures(
    services: Services,
    place: ReplyTarget,
    asked: Asked,
    person: SlackUser,
    query: Query,
    *,
    with_limits: bool = False,
) -> Reply:
    """Answer a question for figures; `with_limits` adds the limits of the person's own keys."""
    direct = asked.channel.startswith("D")
    alone = ""
    if query.share:
        our_dm = direct and _is_our_dm(services, place, asked.channel)
        alone = DIRECT if our_dm else kept_private(services, asked.channel)
    if alone:
        query = replace(query, share=False)
    asker = asker_of(services, person, query)
    if asker.own_only and not visibility.own(services.store.directory(), asker):
        words = f"{escape(visibility.nobody(asker))} {ask_admins(services.settings)}"
        return Reply(said(words), OutcomeKind.REFUSED)
    now, zone = asked.at or services.clock(), zone_for(services, person, query)
    with priority.compute_slot():
        asked_now = replace(query, share=False)
        found = answer_any(services.store, asked_now, now, zone, asker, whole=False)
    if isinstance(found, CommandError):
        return Reply(misunderstood(services, place, found), OutcomeKind.MISUNDERSTOOD)
    what = shown(query, now, zone, asker, place.user)
    file = picture(services, asker, what) if drawn_apart(found, shared=query.share) else ""
    with priority.compute_slot():
        message = drawn(
            services, found, what, asker, private=not query.share and not direct, picture=file
        )
        if with_limits:
            message = message.with_blocks_above_footer(
                limits_section(own_limits(services.store, now, asker))
            )
    return Reply(
        message.with_note(alone) if alone else message,
        OutcomeKind.ANSWERED,
        query,
        what,
        Act.SHARED if query.share else Act.ASKED,
        query.words(),
    )
