"""Mentions and direct messages: from what people say to the answer.

Slack delivers an event at least once; each is answered once. A mention is answered in its thread
for everybody, or for the person alone where outsiders read along or people see different things.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from bot.access.policy import clicks_stay_private
from bot.alerts.manage import AlertManager
from bot.answers.answer_state import AnswerState, last_in, remember, shown_in
from bot.answers.read_words import addressed, note, read_words
from bot.answers.visibility import Asker
from bot.commands.dispatch import Asked, ask, misunderstood
from bot.schedules.manage import ScheduleManager
from bot.services import OutcomeKind, Services, admit, asker_of, typed_words
from bot.slack.types import DeliveryError, MessageLocation, ReplyTarget, SlackUser
from reports.admin.audit_log import Act
from reports.admin.slack.intro import intro
from reports.alerts.rule import Rule
from reports.block_kit.message import RunButton, text_message
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
from reports.natural.parser import ParsedText
from reports.questions.grammar import CommandError, QuestionCommand, parse
from reports.questions.query import Query
from reports.questions.wording import filter_words
from reports.usage.dimensions import Dimension
from reports.wording.slack_text import readable

log = logging.getLogger(__name__)

REMEMBERED = timedelta(days=7)
"""How long a message is remembered as answered; Slack retries for an hour at most."""
OF_WHAT = (
    "What should I report on a schedule? Say it with a question, like `every monday 9:00 spend by"
    " person`, or reply in the thread of an answer."
)
WHICH = (
    "I can't tell which question that changes. Ask it in full, like `spend last week by person`."
)
ALONE = "Only you can see this. Add `share` to post it here."


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    """A message for the bot: who, where, when (Slack's ts), its thread, and the text as Slack
    sends it, without the mention of the bot.
    """

    user: str
    team: str
    channel: str
    ts: str
    thread: str
    text: str

    @property
    def direct(self) -> bool:
        """Whether it is a direct message."""
        return self.channel.startswith("D")

    @property
    def reply_target(self) -> ReplyTarget:
        """Where the answer goes: in the thread; beside a direct message that has none."""
        thread = self.thread or ("" if self.direct else self.ts)
        return ReplyTarget("", self.user, thread=thread, channel=self.channel)


def talk(
    services: Services,
    spoken: IncomingMessage,
    subscriptions: ScheduleManager,
    alert_manager: AlertManager,
) -> None:
    """Answer a message, once."""
    # channel and ts identify a message; Slack's retries carry the same
    if not services.expiring_keys.take(f"said:{spoken.channel}:{spoken.ts}", REMEMBERED):
        return
    place = spoken.reply_target
    text = typed_words(services, spoken.text)
    person = admit(services, place, Act.ASKED, text, where=spoken.channel)
    if person is None:
        return
    heard = read_words(services, person, text) if text.strip() else None
    if heard is None:
        services.slack.respond(place, intro(text))
    elif isinstance(heard, CommandError):
        services.slack.respond(place, misunderstood(services, place, heard))
        services.metrics.asks.labels(OutcomeKind.MISUNDERSTOOD).inc()
        services.audit.note(
            Act.ASKED, person.id, text, where=spoken.channel,
            outcome=OutcomeKind.MISUNDERSTOOD, email=person.email,
        )  # fmt: skip
    else:
        before = _before(services, spoken) if _may_go_on(spoken, text, heard) else None
        if heard.rhythm and not heard.given and not isinstance(before, AnswerState):
            services.slack.respond(place, text_message(OF_WHAT))
        elif isinstance(before, str) and not {"metric", "period"} & heard.given:
            services.slack.respond(place, text_message(before))
        else:
            asked = _asked(services, spoken, heard, person, before)
            keep = partial(_remember, services, spoken)
            ask(services, place, asked, subscriptions, alert_manager, keep)


def run(
    services: Services,
    place: ReplyTarget,
    spot: MessageLocation,
    words: str,
    subscriptions: ScheduleManager,
    alert_manager: AlertManager,
) -> None:
    """Run the command of a button for whoever clicks it, visible to them alone."""
    if spot.direct and not spot.hidden:  # our own DM with them: the answer stays in it
        place = ReplyTarget("", place.user, thread=place.thread, channel=spot.channel)
    asked = Asked(words, services.slack.identity().team_id, spot.channel)
    keep = partial(remember, services, spot.channel, place.thread) if spot.direct else None
    ask(services, place, asked, subscriptions, alert_manager, keep)


def _may_go_on(spoken: IncomingMessage, text: str, heard: ParsedText) -> bool:
    """Whether a message may change the question before it."""
    in_thread = bool(spoken.thread)
    if isinstance(parse_command(heard.words), Rule):
        return in_thread
    if not heard.given:
        return bool(heard.rhythm)
    return goes_on(text, heard.given, in_thread=in_thread)


def _remember(services: Services, spoken: IncomingMessage, what: AnswerState) -> None:
    """Keep an answer for messages that go on from it, also in a thread under the question."""
    remember(services, spoken.channel, spoken.reply_target.thread, what)
    if not spoken.reply_target.thread:
        remember(services, spoken.channel, spoken.ts, what)


@dataclass(frozen=True, slots=True)
class _Changed:
    """What a message became as a change of the question before it.

    `at` is the moment (UTC) the question is about, None for now.
    """

    words: str
    at: datetime | None = None
    taken: Inherited | None = None


def _asked(
    services: Services,
    spoken: IncomingMessage,
    heard: ParsedText,
    person: SlackUser,
    before: AnswerState | str | None,
) -> Asked:
    """A message as the command that answers it, with a note that says how it was read."""
    changed = _Changed(heard.words)
    asker = asker_of(services, person, Query())
    if isinstance(before, AnswerState):
        changed = _change(services, heard, person, before, asker)
    words = changed.words
    notes = [note(services, person, heard, words)]
    runs: tuple[RunButton, ...] = ()
    if changed.taken and (still := _still(changed.taken, asker)):
        notes.append(still)
        runs = _ways_out(heard, changed.taken)
    read = parse_command(words)
    if isinstance(read, QuestionCommand) and not (spoken.direct or read.query.share):
        if clicks_stay_private(services.settings):
            notes.append(ALONE)
        else:
            words += " share"
    above = " ".join(filter(None, notes))
    return Asked(words, spoken.team, spoken.channel, above, changed.at, runs)


def _change(
    services: Services, heard: ParsedText, person: SlackUser, before: AnswerState, asker: Asker
) -> _Changed:
    """What a message makes of the question before it."""
    now = services.clock()
    earlier = pinned(_theirs(services, before, person, asker), before.at, now, before.zone)
    alert = parse_command(heard.words)
    if isinstance(alert, Rule):
        about = alert_about(alert, earlier)
        taken = Inherited(earlier, about.filters) if about.filters != alert.filters else None
        return _Changed(f"alert {about.words()}" if about != alert else heard.words, None, taken)
    words = heard.onto(earlier)
    said, after = typed_query(heard.words), typed_query(words)
    keeps = "period" not in heard.given and same_day(before.at, now, before.zone)
    taken = inherited(earlier, after, said) if isinstance(parse(words), QuestionCommand) else None
    return _Changed(words, before.at if keeps else None, taken)


def _still(taken: Inherited, asker: Asker) -> str:
    """The sentence that says which filters were taken over; with a limited view, one's own
    address goes without saying.
    """
    shown = [
        one for one in taken.filters if not (asker.own_only and one.dimension is Dimension.CREATOR)
    ]
    words = filter_words(replace(Query(), filters=tuple(shown)), _quoted)
    return f"Still {words}." if shown else ""


def _quoted(filters: str) -> str:
    return f"`{readable(filters).replace('`', chr(39))}`"


def _ways_out(heard: ParsedText, taken: Inherited) -> tuple[RunButton, ...]:
    """Buttons that ask the same without what was taken over."""
    if isinstance(parse_command(heard.words), Rule):
        return ()  # the alert is set up by then, and has buttons of its own
    freed, fresh = taken.without(), parse(heard.words)
    drop = "Without the filter" if len(taken.filters) == 1 else "Without these filters"
    runs = [RunButton("For everyone" if taken.people else drop, freed.words())]
    if isinstance(fresh, QuestionCommand) and fresh.query != freed:
        runs.append(RunButton("Start over", heard.words))
    return tuple(runs)


def _before(services: Services, spoken: IncomingMessage) -> AnswerState | str | None:
    """The answer that a message goes on from; a sentence where our message holds no question."""
    known = last_in(services, spoken.channel, spoken.thread)
    if known or not spoken.thread:
        return known
    try:
        said = services.slack.call(
            "conversations.replies", channel=spoken.channel, ts=spoken.thread, limit=1
        )
    except DeliveryError as problem:
        log.info("Could not read the first message of a thread: %s", problem)
        return None
    first = (said.get("messages") or [{}])[0]
    ours = first.get("bot_id") == services.slack.identity().bot_id
    what = shown_in(services, first)
    known = what if what and isinstance(parse(what.words), QuestionCommand) else None
    return (known or WHICH) if ours else None


def _theirs(services: Services, before: AnswerState, person: SlackUser, asker: Asker) -> Query:
    """The question before, as far as the person who goes on from it may see its answer."""
    query = typed_query(before.words)
    if asker.own_only and person.id != before.user:
        others = (one for one in query.filters if one.dimension is not Dimension.CREATOR)
        return replace(query, filters=tuple(others))
    return addressed(services, person, query)
