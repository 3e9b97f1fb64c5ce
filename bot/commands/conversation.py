"""Answers mentions and direct messages, which may be natural language.

Slack may deliver an event repeatedly; each is answered once. A mention is answered in its thread,
privately if the channel has outsiders or people see different usage.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from bot.access.policy import clicks_stay_private
from bot.alerts.manage import AlertManager
from bot.answers.answer_state import AnswerState, last_answer, state_in_message, store_last
from bot.answers.read_words import addressed, note, read_words
from bot.answers.visibility import Asker
from bot.commands.dispatch import CommandRequest, ask, misunderstood
from bot.schedules.manage import ScheduleManager
from bot.services import OutcomeKind, Services, admit, asker_of, typed_words
from bot.slack.types import DeliveryError, MessageLocation, ReplyTarget, SlackUser
from reports.admin.audit_log import Act
from reports.admin.slack.intro import intro
from reports.alerts.rule import Rule
from reports.block_kit.message import RunButton, run_buttons, text_message
from reports.commands import parse_command
from reports.natural.continuation import (
    Inherited,
    alert_about,
    goes_on,
    inherited,
    pinned,
    same_day,
    typed_query,
)
from reports.natural.parsed_text import ParsedText
from reports.natural.short_messages import NO_QUESTION, ShortMessage, short_answer, short_message
from reports.questions.grammar import CommandError, QuestionCommand, parse
from reports.questions.query import Query
from reports.questions.wording import filter_words
from reports.usage.dimensions import Dimension
from reports.wording.typed_text import readable

log = logging.getLogger(__name__)

REMEMBERED = timedelta(days=7)
"""How long answered messages are remembered; Slack retries for at most an hour."""
REPORT_WHAT = (
    "What should I report on a schedule? Add a question, like `every monday 9:00 spend by"
    " person`, or reply in the thread of an answer."
)
WHICH_QUESTION = (
    "I can't tell which question that changes. Ask the full question, like `spend last week by "
    "person`."
)
ONLY_YOU = "Only you can see this. Add `share` to post it here."


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    """A message for the bot.

    `ts` and `thread` are Slack timestamps; `text` is Slack's markup without the mention of the bot.
    """

    user: str
    team: str
    channel: str
    ts: str
    thread: str
    text: str

    @property
    def direct(self) -> bool:
        """Whether this is a direct message."""
        return self.channel.startswith("D")

    @property
    def reply_target(self) -> ReplyTarget:
        """The place for the answer: the thread, or the direct message outside a thread."""
        thread = self.thread or ("" if self.direct else self.ts)
        return ReplyTarget("", self.user, thread=thread, channel=self.channel)


def talk(
    services: Services,
    message: IncomingMessage,
    schedule_manager: ScheduleManager,
    alert_manager: AlertManager,
) -> None:
    """Answer a message, once."""
    # channel and ts identify a message, also in Slack's retries
    if not services.expiring_keys.claim(f"said:{message.channel}:{message.ts}", REMEMBERED):
        return
    reply_to = message.reply_target
    text = typed_words(services, message.text)
    person = admit(services, reply_to, Act.ASKED, text, where=message.channel)
    if person is None:
        return
    short = short_message(text)
    parsed = read_words(services, person, text) if text.strip() and not short else None
    if short:
        _answer_short(services, message, short, person, schedule_manager, alert_manager)
    elif parsed is None:
        services.slack.respond(reply_to, intro(text))
    elif isinstance(parsed, CommandError):
        services.slack.respond(reply_to, misunderstood(services, reply_to, parsed))
        services.metrics.asks.labels(OutcomeKind.MISUNDERSTOOD).inc()
        services.audit.note(
            Act.ASKED, person.id, text, where=message.channel,
            outcome=OutcomeKind.MISUNDERSTOOD, email=person.email,
        )  # fmt: skip
    else:
        previous = (
            _previous_answer(services, message)
            if _may_be_follow_up(message, text, parsed)
            else None
        )
        if parsed.recurrence and not parsed.given and not isinstance(previous, AnswerState):
            services.slack.respond(reply_to, text_message(REPORT_WHAT))
        elif isinstance(previous, str) and not {"metric", "period"} & parsed.given:
            services.slack.respond(reply_to, text_message(previous))
        else:
            asked = _to_command(services, message, text, parsed, person, previous)
            store_answer = partial(_remember, services, message)
            ask(services, reply_to, asked, schedule_manager, alert_manager, store_answer)


def _answer_short(
    services: Services,
    message: IncomingMessage,
    short: ShortMessage,
    person: SlackUser,
    schedule_manager: ScheduleManager,
    alert_manager: AlertManager,
) -> None:
    """Answer a message such as `again`, `more` or `total`, which refers to the previous answer."""
    reply_to = message.reply_target
    previous = _previous_answer(services, message)
    if not isinstance(previous, AnswerState):
        services.slack.respond(reply_to, text_message(previous or NO_QUESTION))
        return
    asker = asker_of(services, person, Query())
    now, before = services.clock(), _restricted_previous(services, previous, person, asker)
    if short is not ShortMessage.AGAIN:  # which asks about the days that the words refer to now
        before = pinned(before, previous.at, now, previous.zone)
    found = short_answer(short, before)
    if found.query is None:
        said = text_message(found.sentence)
        blocks = (*said.blocks, *run_buttons(found.runs))
        services.slack.respond(reply_to, replace(said, blocks=blocks))
        return
    keeps = short is not ShortMessage.AGAIN and same_day(previous.at, now, previous.zone)
    words = found.query.words()
    notes = [note(services, person, ParsedText(words)), found.sentence]
    asked = _request(
        services, message, _FollowUp(words, previous.at if keeps else None), notes, found.runs
    )
    store_answer = partial(_remember, services, message)
    ask(services, reply_to, asked, schedule_manager, alert_manager, store_answer)


def run(
    services: Services,
    reply_to: ReplyTarget,
    location: MessageLocation,
    words: str,
    schedule_manager: ScheduleManager,
    alert_manager: AlertManager,
) -> None:
    """Run the command of a button for the person who clicks, visible only to them."""
    if (
        location.direct and not location.hidden
    ):  # in the bot's own DM with them, the answer stays there
        reply_to = ReplyTarget("", reply_to.user, thread=reply_to.thread, channel=location.channel)
    asked = CommandRequest(words, services.slack.identity().team_id, location.channel)
    store_answer = (
        partial(store_last, services, location.channel, reply_to.thread)
        if location.direct
        else None
    )
    ask(services, reply_to, asked, schedule_manager, alert_manager, store_answer)


def _may_be_follow_up(message: IncomingMessage, text: str, parsed: ParsedText) -> bool:
    """Whether a message may be a follow-up."""
    in_thread = bool(message.thread)
    if isinstance(parse_command(parsed.words), Rule):
        return in_thread
    if not parsed.given:
        return bool(parsed.recurrence)
    return goes_on(text, parsed.given, in_thread=in_thread)


def _remember(services: Services, message: IncomingMessage, what: AnswerState) -> None:
    """Store an answer for follow-ups, also in a thread under the question."""
    store_last(services, message.channel, message.reply_target.thread, what)
    if not message.reply_target.thread:
        store_last(services, message.channel, message.ts, what)


@dataclass(frozen=True, slots=True)
class _FollowUp:
    """A follow-up combined with the previous question.

    `at` is the time (UTC) the question is about, None for now. `taken` are inherited filters.
    """

    words: str
    at: datetime | None = None
    taken: Inherited | None = None


def _to_command(
    services: Services,
    message: IncomingMessage,
    text: str,
    parsed: ParsedText,
    person: SlackUser,
    previous: AnswerState | str | None,
) -> CommandRequest:
    """The command for a message, with a note on how it was understood."""
    changed = _FollowUp(parsed.words)
    asker = asker_of(services, person, Query())
    if isinstance(previous, AnswerState):
        changed = _change(services, text, parsed, person, previous, asker)
    words = changed.words
    notes = [note(services, person, parsed, words)]
    runs: tuple[RunButton, ...] = ()
    if changed.taken and (inherited_text := _inherited_words(changed.taken, asker)):
        notes.append(inherited_text)
        runs = _buttons_without_inherited(parsed, changed.taken)
    return _request(services, message, changed, notes, runs)


def _request(
    services: Services,
    message: IncomingMessage,
    changed: _FollowUp,
    notes: list[str],
    runs: tuple[RunButton, ...],
) -> CommandRequest:
    """The request to answer a message, visible to everybody in the channel if allowed."""
    words = changed.words
    read = parse_command(words)
    if isinstance(read, QuestionCommand) and not (message.direct or read.query.share):
        if clicks_stay_private(services.settings):
            notes = [*notes, ONLY_YOU]
        else:
            words += " share"
    above = " ".join(filter(None, notes))
    return CommandRequest(words, message.team, message.channel, above, changed.at, runs)


def _change(
    services: Services,
    text: str,
    parsed: ParsedText,
    person: SlackUser,
    previous: AnswerState,
    asker: Asker,
) -> _FollowUp:
    """Combine a follow-up (`text`, as typed) with the previous question."""
    now = services.clock()
    earlier = pinned(
        _restricted_previous(services, previous, person, asker), previous.at, now, previous.zone
    )
    alert = parse_command(parsed.words)
    if isinstance(alert, Rule):
        about = alert_about(alert, earlier)
        taken = Inherited(earlier, about.filters) if about.filters != alert.filters else None
        return _FollowUp(f"alert {about.words()}" if about != alert else parsed.words, None, taken)
    words = parsed.onto(earlier)
    said, after = typed_query(parsed.words), typed_query(words)
    keeps = "period" not in parsed.given and same_day(previous.at, now, previous.zone)
    alone = not goes_on(text, parsed.given, in_thread=False)
    if not isinstance(parse(words), QuestionCommand):
        unfit = alone and isinstance(parse_command(words), CommandError)
        return _FollowUp(parsed.words if unfit else words)
    taken = inherited(earlier, after, said, alone=alone)
    return _FollowUp(words, previous.at if keeps else None, taken)


def _inherited_words(taken: Inherited, asker: Asker) -> str:
    """A sentence about what was inherited; one's own address is left out with limited visibility.

    Empty if nothing was inherited.
    """
    shown = tuple(
        one for one in taken.filters if not (asker.own_only and one.dimension is Dimension.CREATOR)
    )
    parts = [f"`{taken.period}`"] if taken.period else []
    if shown:
        parts.append(filter_words(replace(Query(), filters=shown), _quoted))
    return f"Still {', '.join(parts)}." if parts else ""


def _quoted(filters: str) -> str:
    return f"`{readable(filters).replace('`', chr(39))}`"


def _buttons_without_inherited(parsed: ParsedText, taken: Inherited) -> tuple[RunButton, ...]:
    """Buttons that repeat the question without the inherited filters, or with nothing inherited."""
    if isinstance(parse_command(parsed.words), Rule):
        return ()  # the alert already exists and has its own buttons
    freed, fresh = taken.without(), parse(parsed.words)
    runs: list[RunButton] = []
    if taken.filters:
        drop = "Without the filter" if len(taken.filters) == 1 else "Without these filters"
        runs.append(RunButton("For everyone" if taken.people else drop, freed.words()))
    if isinstance(fresh, QuestionCommand) and (fresh.query != freed or not runs):
        runs.append(RunButton("Start over", parsed.words))
    return tuple(runs)


def _previous_answer(services: Services, message: IncomingMessage) -> AnswerState | str | None:
    """The answer that a message follows up on; a text if the bot's message has no question."""
    known = last_answer(services, message.channel, message.thread)
    if known or not message.thread:
        return known
    try:
        said = services.slack.call(
            "conversations.replies", channel=message.channel, ts=message.thread, limit=1
        )
    except DeliveryError as problem:
        log.info("Could not read the first message of a thread: %s", problem)
        return None
    first = (said.get("messages") or [{}])[0]
    ours = first.get("bot_id") == services.slack.identity().bot_id
    what = state_in_message(services, first)
    known = what if what and isinstance(parse(what.words), QuestionCommand) else None
    return (known or WHICH_QUESTION) if ours else None


def _restricted_previous(
    services: Services, previous: AnswerState, person: SlackUser, asker: Asker
) -> Query:
    """The previous question, restricted to what the person asking the follow-up may see."""
    query = typed_query(previous.words)
    if asker.own_only and person.id != previous.user:
        others = (one for one in query.filters if one.dimension is not Dimension.CREATOR)
        return replace(query, filters=tuple(others))
    return addressed(services, person, query)
