"""Messages about schedules: confirmations, and the list with its buttons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time

from reports.block_kit.elements import Block, actions, button, code, confirmation, section
from reports.block_kit.message import Message
from reports.questions.query import Query
from reports.schedules.cron import Cron
from reports.schedules.grammar import ScheduledQuestion, ScheduleTarget
from reports.schedules.recurrence import WORKDAYS, Monthly, Recurrence, TargetKind, Weekly
from reports.schedules.slack.message import SCHEDULE_EDIT, SCHEDULE_PAUSE, START, when
from reports.schedules.slack.notices import RESUME, target_words
from reports.time.period import Calendar, Unit
from reports.usage.dimensions import Dimension, Metric
from reports.wording.delivery_problems import STATES, reason
from reports.wording.safe_text import as_typed, clean, escape
from reports.wording.times import clock_words, zone_city

PAGE = 12
"""Schedules on a page: two blocks each, below Slack's limit of 50 blocks."""
PREVIEW, RUN, PAUSE = "schedule_preview", "schedule_run", SCHEDULE_PAUSE
EDIT, DELETE = SCHEDULE_EDIT, "schedule_delete"
DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
STANDARD = ScheduledQuestion(
    Query(Metric.SPEND, Calendar(Unit.WEEK, last=True), Dimension.CREATOR),
    Weekly(),
    time(9),
    target=ScheduleTarget(TargetKind.PERSON),
)
"""The report that an admin is offered on the first start."""
_HOW = {"reconciled": ", found in the channel", "found": ", found in the channel"}


@dataclass(frozen=True, slots=True)
class LastRunOutcome:
    """The outcome of the newest run."""

    state: str
    at: datetime
    how: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class ScheduleCard:
    """A schedule to show; `paused` is the reason why it is paused, None if it is active."""

    id: str
    question: str
    schedule: Recurrence
    target: TargetKind
    channel: str
    name: str
    owner: str
    paused: str | None
    next_at: datetime
    last: LastRunOutcome | None = None


@dataclass(frozen=True, slots=True)
class UnreadableCard:
    """A schedule that this version of the bot can't read; `owner` is a Slack id."""

    question: str
    owner: str


def title(card: ScheduleCard) -> str:
    """A schedule's question and times, in mrkdwn."""
    # as code, because `*` in a filter would be rendered as bold
    return f"{code(as_typed(card.question), 300)}, {escape(rule_words(card.schedule))}"


OWN_ONLY = "It only covers your own usage, which is what you can see here."


def saved_message(
    card: ScheduleCard,
    *,
    again: bool,
    changed: bool = False,
    own_only: bool = False,
    readers: str = "",
) -> Message:
    """Confirm that a schedule was set up or changed.

    `own_only`: its owner only sees their own usage; `readers` (mrkdwn) says who will see the
    reports of a channel, which comes with a button that changes the schedule.
    """
    head = "Changed" if changed else "This schedule already exists" if again else "Scheduled"
    text = f"{head}: {_body(card)}" + (f"\n{OWN_ONLY}" if own_only else "")
    blocks = [section(text), _buttons(card)]
    if readers:
        note = section(f":eyes: {readers}")
        blocks.insert(1, {**note, "accessory": button("Change", EDIT, card.id)})
        text = f"{text}\n{readers}"
    return Message(text, tuple(blocks))


def readers_note(channel: str, *, private: bool) -> str:
    """Who will see the reports that go to a channel, in mrkdwn."""
    if private:
        return f"All members of <#{channel}> will see these reports."
    return (
        f"<#{channel}> is a public channel: everyone in this workspace can see these reports,"
        " including guests who are in the channel."
    )


def opted_out_message(card: ScheduleCard) -> Message:
    """Confirm that a recipient opted out of a report, with a button that undoes it."""
    text = f"I won't send you this report anymore: {title(card)}"
    return Message(text, (section(text), actions(button("Undo", START, card.id))))


def rule_words(schedule: Recurrence) -> str:
    """When a schedule runs: `every Monday at 9:00 (Berlin)`."""
    zone = f"({zone_city(schedule.zone)})"
    match schedule.rule:
        case Cron():
            return f"cron {schedule.rule} {zone}"
        case Weekly(days) if days == WORKDAYS:
            days_ = "Monday to Friday"
        case Weekly(days):
            days_ = f"every {joined([DAY_NAMES[day] for day in sorted(days)])}"
        case Monthly(None):
            days_ = "on the last day of every month"
        case Monthly(day):
            days_ = f"on day {day} of every month"
        case _:
            days_ = "every day"
    return f"{days_} at {clock_words(schedule.at)} {zone}"


def joined(names: Sequence[str]) -> str:
    """Names in a sentence: `Monday, Tuesday and Friday`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def list_message(
    cards: Sequence[ScheduleCard],
    page: int,
    count: int,
    command: str,
    *,
    all_owners: bool,
    stopped: Sequence[ScheduleCard] = (),
    unreadable: Sequence[UnreadableCard] = (),
) -> Message:
    """A page of schedules with their buttons.

    `stopped` are those the reader opted out of, `unreadable` those of another version of the bot.
    """
    if not cards and not stopped and not unreadable:
        text = (
            "You have no schedules yet. Set one up:"
            f" `{escape(command)} schedule weekly spend by creator in #finance mon 9:00`"
        )
        return Message(text, (section(text),))
    heading = "All schedules" if all_owners else "Your schedules"
    pages = -(-count // PAGE)
    head = f"*{heading}* ({count})" + (f", page {page} of {pages}" if pages > 1 else "")
    blocks: list[Block] = [section(head)]
    for card in cards:
        by = f", set up by <@{card.owner}>" if all_owners else ""
        blocks += [section(_body(card) + by), _buttons(card)]
    lines = [head, *(f"• {_body(card)}" for card in cards)]
    for card in stopped[:PAGE]:
        lines.append(f":no_bell: You stopped {title(card)}, set up by <@{card.owner}>")
        undo = button("Send me this again", START, card.id)
        blocks.append({**section(lines[-1]), "accessory": undo})
    for entry in unreadable[:PAGE]:
        by = f", set up by <@{entry.owner}>" if all_owners else ""
        lines.append(
            f":warning: Unreadable: {code(as_typed(entry.question), 300)}{by}. A newer version of"
            " the bot probably saved it. It is paused until the bot is upgraded."
        )
        blocks.append(section(lines[-1]))
    if page < pages:
        blocks.append(section(f"More: `{escape(command)} schedules {page + 1}`"))
    return Message("\n".join(lines)[:3_800], tuple(blocks))


def card_blocks(card: ScheduleCard) -> list[Block]:
    """One schedule with its buttons."""
    return [section(_body(card)), _buttons(card)]


def _body(card: ScheduleCard) -> str:
    where = target_words(card.target, card.channel, card.owner)
    lines = [f"{title(card)}, {where}"]
    if card.paused is not None:
        lines.append(f":double_vertical_bar: paused {_reason(card.paused)}")
    else:
        lines.append(f"Next: {escape(when(card.next_at, card.schedule.zone))}")
    if card.last:
        lines.append(f"Last: {_last(card.last, card.schedule.zone)}")
    return "\n".join(lines)[:2_900]


def _reason(reason: str) -> str:
    # a mention that the bot wrote itself must not be escaped
    return reason if reason.startswith("by <@") else f"because {escape(reason)}"


def _last(last: LastRunOutcome, zone: str) -> str:
    words = STATES.get(last.state, escape(last.state)) + _HOW.get(last.how, "")
    error = f" ({escape(clean(reason(last.error), 80))})" if last.error else ""
    return f"{words}{error}, {escape(when(last.at, zone))}"


def _buttons(card: ScheduleCard) -> Block:
    toggle = ("Pause", PAUSE) if card.paused is None else ("Resume", RESUME)
    elements = [
        button(label, action, card.id)
        for label, action in (("Preview", PREVIEW), ("Run now", RUN), toggle, ("Edit", EDIT))
    ]
    delete_confirmation = confirmation(
        "Delete this schedule?", "Reports it has already posted stay.", "Delete"
    )
    return actions(
        *elements, button("Delete", DELETE, card.id, style="danger", confirm=delete_confirmation)
    )
