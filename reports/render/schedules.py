"""Schedules as their makers see them: what was set up, and the list with its buttons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time

from reports.grammar_schedule import Place, Standing
from reports.period import Calendar, Unit
from reports.query import Dimension, Metric, Query
from reports.render.blocks import Message
from reports.render.notices import RESUME, place_words
from reports.render.parts import Block, actions, asking, button, moment, section
from reports.render.report import when
from reports.schedule import Schedule, Target, Weekly
from reports.text import as_typed, clean, escape

PAGE = 12
PREVIEW, RUN, PAUSE = "schedule_preview", "schedule_run", "schedule_pause"
EDIT, DELETE = "schedule_edit", "schedule_delete"
STANDARD = Standing(
    Query(Metric.SPEND, Calendar(Unit.WEEK, last=True), Dimension.CREATOR),
    Weekly(),
    time(9),
    place=Place(Target.PERSON),
)
"""The report that is offered on the first start."""
STATES = {
    "sent": ":white_check_mark: sent",
    "posted": ":white_check_mark: sent, its files follow",
    "uncertain": ":grey_question: nobody knows whether it arrived",
    "failed": ":x: could not be delivered",
    "skipped": ":fast_forward: left out",
}
_HOW = {"reconciled": ", found in the channel", "found": ", found in the channel"}


@dataclass(frozen=True, slots=True)
class Last:
    """How the newest run ended."""

    state: str
    at: datetime
    how: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A schedule to show; `paused` says why it rests, None if it does not."""

    id: str
    question: str
    schedule: Schedule
    target: Target
    channel: str
    name: str
    maker: str
    paused: str | None
    next_at: datetime
    last: Last | None = None


def title(card: Card) -> str:
    """What a schedule is about, in mrkdwn: its question and when."""
    return f"*{escape(clean(as_typed(card.question), 300))}*, {escape(str(card.schedule))}"


OWN_ONLY = "It reports on your own usage only, which is what you see here."


def made(card: Card, *, again: bool, changed: bool = False, own_only: bool = False) -> Message:
    """A schedule as it is now, after it was set up or changed.

    `own_only`: its maker sees no usage but their own.
    """
    head = "Changed" if changed else "You have this one already" if again else "Scheduled"
    text = f"{head}: {_body(card)}" + (f"\n{OWN_ONLY}" if own_only else "")
    return Message(text, (section(text), _buttons(card)))


def listing(
    cards: Sequence[Card], page: int, count: int, command: str, *, everybody: bool
) -> Message:
    """A page of schedules with their buttons."""
    if not cards:
        text = (
            "There are no schedules yet. Set one up:"
            f" `{escape(command)} schedule weekly spend by creator in #finance mon 9:00`"
        )
        return Message(text, (section(text),))
    whose = "All schedules" if everybody else "Your schedules"
    pages = -(-count // PAGE)
    head = f"*{whose}* ({count})" + (f", page {page} of {pages}" if pages > 1 else "")
    blocks: list[Block] = [section(head)]
    for card in cards:
        by = f", set up by <@{card.maker}>" if everybody else ""
        blocks += [section(_body(card) + by), _buttons(card)]
    if page < pages:
        blocks.append(section(f"More: `{escape(command)} schedules {page + 1}`"))
    lines = [head, *(f"• {_body(card)}" for card in cards)]
    return Message("\n".join(lines)[:3_800], tuple(blocks))


def card_blocks(card: Card) -> list[Block]:
    """One schedule with its buttons."""
    return [section(_body(card)), _buttons(card)]


def said(text: str) -> Message:
    """A sentence in mrkdwn, with mentions in it."""
    return Message(text, (section(text),))


def _body(card: Card) -> str:
    where = place_words(card.target, card.channel, card.maker)
    lines = [f"{title(card)}, {where}"]
    if card.paused is not None:
        lines.append(f":double_vertical_bar: paused {_reason(card.paused)}")
    else:
        there = escape(when(card.next_at, card.schedule.zone))
        lines.append(f"Next: {moment(card.next_at, there)} ({there})")
    if card.last:
        lines.append(f"Last: {_last(card.last)}")
    return "\n".join(lines)[:2_900]


def _reason(why: str) -> str:
    # a person's mention is ours, and whole
    return why if why.startswith("by <@") else f"because {escape(why)}"


def _last(last: Last) -> str:
    words = STATES.get(last.state, escape(last.state)) + _HOW.get(last.how, "")
    error = f" ({escape(clean(last.error, 80))})" if last.error else ""
    return f"{words}{error}, {last.at:%Y-%m-%d %H:%M} UTC"


def _buttons(card: Card) -> Block:
    rest = ("Pause", PAUSE) if card.paused is None else ("Go on", RESUME)
    elements = [
        button(label, action, card.id)
        for label, action in (("Preview to me", PREVIEW), ("Run now", RUN), rest, ("Edit", EDIT))
    ]
    sure = asking("Delete this schedule?", "What it has posted stays.", "Delete")
    return actions(*elements, button("Delete", DELETE, card.id, style="danger", confirm=sure))
