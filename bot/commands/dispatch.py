"""Dispatches commands: checks permissions, answers, delivers files, and writes the audit log."""

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
    is_certainly_foreign,
    refusal,
    sees_own_only,
)
from bot.admin import audit_log as audit
from bot.admin import status
from bot.alerts.manage import AlertManager
from bot.analysis.balance import balance
from bot.analysis.budgets import limits, own_limits
from bot.analysis.own_month import MY_MONTH, gather_own_month
from bot.analysis.registry import answer_any
from bot.answers import visibility
from bot.answers.answer_message import (
    answer_with_controls,
    needs_uploaded_chart,
    upload_chart,
    why_private,
)
from bot.answers.answer_state import AnswerState, answer_state
from bot.answers.export import Where, export
from bot.answers.openrouter_limits import are_known
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
from reports.block_kit.message import Message, RunButton, mrkdwn_message, text_message
from reports.commands import parse_command
from reports.questions.grammar import CommandError, HelpCommand, QuestionCommand
from reports.questions.query import Query, QueryKind
from reports.questions.slack.answer import error
from reports.questions.slack.balance import (
    balance_message,
    limits_message,
    limits_section,
    usual_section,
)
from reports.questions.topics import BalanceAsked, BudgetAsked, MeAsked, TopicAsked, not_yet
from reports.schedules.grammar import ListSchedules, ScheduledQuestion
from reports.wording.safe_text import escape, plain

log = logging.getLogger(__name__)

NO_SHARE_IN_DM = "Only you are here, so “share” has no effect."
EXAMPLES_AGAIN = timedelta(days=365)
"""Each person sees the examples once a year, by when they may have forgotten the command."""


@dataclass(frozen=True, slots=True)
class CommandRequest:
    """The words after the command, without Slack's markup, and where they were typed.

    `note` (plain text with back-ticks) goes above the answer, with buttons that run other commands
    (`runs`). `at` is the time (UTC) of the question; None means now.
    """

    text: str
    team: str
    channel: str
    note: str = ""
    at: datetime | None = None
    runs: tuple[RunButton, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """The message to send, its outcome (`detail` says why), and the state of an answer.

    `act` and `what` are for the audit log; without an `act`, nothing is logged.
    """

    message: Message
    kind: OutcomeKind
    query: Query | None = None
    state: AnswerState | None = None
    act: Act | None = Act.ASKED
    what: str = ""
    email: str | None = None
    note: str = ""
    detail: str = ""


def ask(
    services: Services,
    reply_to: ReplyTarget,
    asked: CommandRequest,
    schedule_manager: ScheduleManager,
    alert_manager: AlertManager,
    keep: Callable[[AnswerState], None] | None = None,
) -> Reply:
    """Check permissions, answer, then deliver the requested files.

    `keep` receives the answer's state before the answer is sent, so that a quick follow-up works.
    """
    begun = monotonic()
    reply = _reply(services, reply_to, asked, schedule_manager, alert_manager)
    if keep and reply.state:
        keep(reply.state)
    shared = reply.query is not None and reply.query.share
    priority.pause_for_requests()
    note_above = asked.note or reply.note
    message = reply.message.with_note(note_above, asked.runs) if note_above else reply.message
    services.slack.respond(replace(reply_to, shared=shared), message)
    services.metrics.asks.labels(reply.kind).inc()
    services.metrics.seconds.observe(monotonic() - begun)
    _note(services, reply_to, asked, reply)
    if reply.query and reply.state:
        for file in reply.query.files:
            where = Where(asked.channel, shared, reply_to.thread or None)
            export(services, reply_to, where, reply.state, Format(file))
    return reply


def misunderstood(services: Services, reply_to: ReplyTarget, problem: CommandError) -> Message:
    """The reply to an invalid command; a person's first one includes examples."""
    if not problem.examples:
        return error(problem, services.settings.command)
    key = f"examples:{reply_to.user}"
    # reading first avoids a write in most cases
    first = services.expiring_keys.get(key) is None and services.expiring_keys.claim(
        key, EXAMPLES_AGAIN
    )
    return error(problem, services.settings.command, examples=first)


def _note(services: Services, reply_to: ReplyTarget, asked: CommandRequest, reply: Reply) -> None:
    """Write the question and its outcome to the audit log."""
    if reply.act is None:
        return
    services.audit.note(
        reply.act,
        reply_to.user,
        reply.what or plain(asked.text),
        where=asked.channel,
        outcome=_outcome(reply),
        email=reply.email,
    )


def _outcome(reply: Reply) -> str:
    """A reply's outcome, as written to the audit log."""
    if reply.kind.done:
        return DONE
    refused = reply.kind is OutcomeKind.REFUSED
    detail = reply.message.text.partition("\n")[0] if refused else reply.detail
    return f"{reply.kind}: {detail}" if detail else reply.kind


def _reply(
    services: Services,
    reply_to: ReplyTarget,
    asked: CommandRequest,
    schedule_manager: ScheduleManager,
    alert_manager: AlertManager,
) -> Reply:
    if is_certainly_foreign(services.slack.identity(), (asked.team,), None):
        return Reply(text_message(FOREIGN), OutcomeKind.REFUSED)
    person = services.slack.person(reply_to.user)
    refused = refusal(person, services.slack.identity(), services.settings)
    if refused:
        return Reply(text_message(refused.text), OutcomeKind.REFUSED)
    found = _dispatch(services, reply_to, asked, person, schedule_manager, alert_manager)
    return replace(found, email=person.email)


def _manage(
    parsed: ScheduledQuestion | ListSchedules | Rule | SetQuiet | ListAlerts,
    asked: CommandRequest,
    person: SlackUser,
    schedule_manager: ScheduleManager,
    alert_manager: AlertManager,
) -> Reply:
    """Set up or list schedules and alerts."""
    match parsed:
        case ScheduledQuestion():
            outcome, act = schedule_manager.set_up(person, parsed, asked.channel), Act.SCHEDULED
            what = parsed.words()
        case ListSchedules():
            outcome, act, what = schedule_manager.listed(person, parsed), Act.LOOKED, "schedules"
        case Rule():
            outcome, act = alert_manager.set_up(person, parsed, asked.channel), Act.ALERTED
            what = f"alert {parsed.words()}"
        case SetQuiet(quiet):
            outcome, act = alert_manager.set_quiet(person, parsed), Act.CHANGED_ALERT
            what = f"alert quiet {quiet.words() if quiet else 'off'}"
        case ListAlerts():
            outcome, act, what = alert_manager.listed(person, parsed), Act.LOOKED, "alerts"
    return Reply(outcome.message, outcome.kind, act=act, what=what)


def _dispatch(
    services: Services,
    reply_to: ReplyTarget,
    asked: CommandRequest,
    person: SlackUser,
    schedule_manager: ScheduleManager,
    alert_manager: AlertManager,
) -> Reply:
    read = read_words(services, person, asked.text)
    if read is None:
        return Reply(intro(asked.text), OutcomeKind.GREETED, act=None)
    if isinstance(read, CommandError):
        return Reply(misunderstood(services, reply_to, read), OutcomeKind.MISUNDERSTOOD)
    parsed = parse_command(read.words)
    how = note(services, person, read)
    if isinstance(parsed, QuestionCommand):
        found = _figures(services, reply_to, asked, person, parsed.query)
    elif isinstance(parsed, ScheduledQuestion | ListSchedules | Rule | SetQuiet | ListAlerts):
        found = _manage(parsed, asked, person, schedule_manager, alert_manager)
    else:
        found = _other(services, reply_to, asked, person, parsed)
    return replace(found, note=how)


def _other(
    services: Services,
    reply_to: ReplyTarget,
    asked: CommandRequest,
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
    """Answer commands other than questions, schedules and alerts."""
    command = services.settings.command
    match parsed:
        case HelpCommand():
            return Reply(help_message(command), OutcomeKind.HELP, act=None)
        case HelpRequest(section_, unknown):
            return Reply(help_message(command, section_, unknown), OutcomeKind.HELP, act=None)
        case CommandError():
            return Reply(misunderstood(services, reply_to, parsed), OutcomeKind.MISUNDERSTOOD)
        case StatusRequest():
            status_message = status.show(services, person)
            return Reply(status_message, OutcomeKind.ANSWERED, act=Act.LOOKED, what="status")
        case AuditRequest():
            outcome = audit.show(services, person, parsed)
            return Reply(
                outcome.message,
                outcome.kind,
                act=Act.LOOKED,
                what=parsed.words(),
                detail=outcome.detail,
            )
        case BalanceAsked():
            return _balance(services, person, parsed)
        case BudgetAsked():
            asker = asker_of(services, person, Query())
            with priority.compute_slot():
                found = limits(services.store, services.clock(), asker)
            message = limits_message(found, known=are_known(services.store))
            return Reply(message, OutcomeKind.ANSWERED, act=Act.LOOKED, what="budget")
        case MeAsked():
            month = replace(MY_MONTH, period=parsed.period)
            return _figures(services, reply_to, asked, person, month, own_month=True)
        case TopicAsked():
            return Reply(text_message(not_yet(parsed.topic)), OutcomeKind.NOT_YET)


def _is_our_dm(services: Services, reply_to: ReplyTarget, channel: str) -> bool:
    """Whether a channel is the DM between the person and the bot, not between two people."""
    try:
        return services.slack.dm(reply_to.user) == channel
    except DeliveryError as problem:
        log.info("Could not open a DM: %s", problem)
        return False


def _balance(services: Services, person: SlackUser, asked: BalanceAsked) -> Reply:
    """The organization's balance, for people who may see all usage."""
    if sees_own_only(person.id, services.settings):
        refused = admins_only("see the organization's balance", person.id, services.settings)
        return Reply(mrkdwn_message(refused), OutcomeKind.REFUSED, act=Act.LOOKED, what="balance")
    # without a zone, the reader's, as in `limits`
    zone = asked.zone or zone_for(services, person, Query(kind=QueryKind.LIMITS))
    with priority.compute_slot():
        found = balance(services.store, services.clock(), asked.until, zone)
    message = balance_message(found, zone)
    return Reply(message, OutcomeKind.ANSWERED, act=Act.LOOKED, what="balance")


def _figures(
    services: Services,
    reply_to: ReplyTarget,
    asked: CommandRequest,
    person: SlackUser,
    query: Query,
    *,
    own_month: bool = False,
) -> Reply:
    """Answer a question; `own_month` adds the person's usual spend and their limits."""
    direct = asked.channel.startswith("D")
    private_note = ""
    if query.share:
        our_dm = direct and _is_our_dm(services, reply_to, asked.channel)
        private_note = NO_SHARE_IN_DM if our_dm else why_private(services, asked.channel)
    if private_note:
        query = replace(query, share=False)
    asker = asker_of(services, person, query)
    if asker.own_only and not visibility.own(services.store.directory(), asker):
        words = f"{escape(visibility.why_no_usage(asker))} {ask_admins(services.settings)}"
        return Reply(mrkdwn_message(words), OutcomeKind.REFUSED)
    now, zone = asked.at or services.clock(), zone_for(services, person, query)
    with priority.compute_slot():
        asked_now = replace(query, share=False)
        found = answer_any(
            services.store, asked_now, now, zone, asker, whole=False, traces=services.traces
        )
    if isinstance(found, CommandError):
        return Reply(misunderstood(services, reply_to, found), OutcomeKind.MISUNDERSTOOD)
    state = answer_state(query, now, zone, asker, reply_to.user)
    chart_file = (
        upload_chart(services, asker, state)
        if needs_uploaded_chart(found, shared=query.share)
        else ""
    )
    with priority.compute_slot():
        message = answer_with_controls(
            services,
            found,
            state,
            asker,
            private=not query.share and not direct,
            image=chart_file,
        )
        if own_month:
            usual = gather_own_month(services.store, query, now, zone, asker)
            message = message.with_blocks_above_footer(
                [
                    *([] if isinstance(usual, CommandError) else usual_section(usual)),
                    *limits_section(own_limits(services.store, now, asker)),
                ]
            )
    return Reply(
        message.with_note(private_note) if private_note else message,
        OutcomeKind.ANSWERED,
        query,
        state,
        Act.SHARED if query.share else Act.ASKED,
        query.words(),
    )
