"""Alert rules as their makers see them: what was set up, and the list with its buttons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from reports.alert import Above, Budget, Credits, Forecast, New, Rule, Spike, Stale, To
from reports.alert_detail import metric_of
from reports.alert_state import Event, Kind, Reading, reached
from reports.alert_time import Quiet
from reports.alert_vocabulary import EXAMPLE
from reports.grammar_alert import QUIET
from reports.period import Unit
from reports.query import Dimension
from reports.render.alert_figures import amount, clock, price
from reports.render.alert_words import how_far, recipient, sentence, subject, used, words_shown
from reports.render.blocks import Message, shortened
from reports.render.parts import Block, actions, asking, button, code, context, section
from reports.text import clean, escape

PAGE = 12
EDIT, PAUSE, RESUME, DELETE = "alert_edit", "alert_pause", "alert_resume", "alert_delete"
_MOST_STANDING = 3
_FRESH = timedelta(minutes=15)
_MOST_CHARACTERS = 9_000


class Heard(Enum):
    """Whether a rule that was just set up has something to tell already, and when that is heard."""

    NOT_NOW = 0
    AT_ONCE = 1
    LATER = 2


@dataclass(frozen=True, slots=True)
class Card:
    """A rule to show; `paused` says why it rests, None if it does not.

    `standing` are the readings of what is triggered `now`, `held` says until when it is snoozed.
    """

    id: str
    rule: Rule
    zone: str
    maker: str
    paused: str | None = None
    standing: tuple[Reading, ...] = ()
    held: str = ""
    now: datetime | None = None


def made(
    card: Card,
    command: str,
    *,
    again: bool = False,
    changed: bool = False,
    now: Sequence[Reading] = (),
    heard: Heard = Heard.NOT_NOW,
) -> Message:
    """A rule as it is now, after it was set up or changed, with how things stand.

    `heard` is about what is beyond its line from the start.
    """
    head = "Changed" if changed else "You have this alert already" if again else "Alert set"
    known = replace(card, standing=()) if now else card  # how it stands is said once
    lines = [f"*{head}:* {_body(known)}", escape(meaning(card.rule, card.zone))]
    lines += [escape(line) for line in standing(card.rule, now)]
    if beyond := already(card.rule, now):
        lines.append(f"*{beyond}{_hears(card.rule, heard)}*")
    footer = (
        f"All your rules: `{escape(command)} alerts` · quiet hours: `{escape(command)} {QUIET}`"
    )
    text = "\n".join(lines)
    return Message(shortened(text), (section(text), _buttons(card), context(footer)))


def meaning(rule: Rule, zone: str) -> str:
    """When a rule tells, in a sentence."""
    each = f"For each {rule.by} on its own: " if rule.by else ""
    match rule.watch:
        case Above(unit=unit):
            once = "an hour" if unit is Unit.HOUR else f"a {unit}"
            said = f"told once {once} ({zone}), as soon as it goes above the limit"
        case Budget(percents):
            parts = " and ".join(f"{percent}%" for percent in percents)
            each = ""  # which each of them is anyway
            what = "each key's limit" if rule.by or rule.filters else "every limit and budget"
            said = f"told at {parts} of {what} that is set at OpenRouter"
            if rule.filters:
                said += f", for {', '.join(clean(str(one), 80) for one in rule.filters)}"
        case Spike(floor):
            said = (
                "told when an hour costs more than five times the usual of that hour of the week,"
                f" and more than {price(floor)}"
            )
        case Credits():
            said = "told once, and again only after the balance was clearly above it"
        case New(what):
            said = f"told at the first use of a {what} that was not used before"
            if what is Dimension.KEY:
                said = (
                    "told when a key is made, and at the first use of one that was not used before"
                )
        case Forecast():
            said = "told when the month is going to end above it, by the last four weeks"
        case Stale():
            said = "told when the data is older than an hour"
    return f"{each}{said}." if each else f"{said[:1].upper()}{said[1:]}."


def standing(rule: Rule, now: Sequence[Reading]) -> list[str]:
    """How those nearest to their line stand, a line each."""
    known = [one for one in now if one.value is not None]
    if not known or isinstance(rule.watch, New | Stale | Spike):
        return []
    if isinstance(rule.watch, Credits):
        return [f"Now: {price(known[0].value or 0)}."]
    nearest = sorted(known, key=how_far, reverse=True)
    return [f"Now: {_stands(rule, one)}" for one in nearest[:_MOST_STANDING]]


def already(rule: Rule, now: Sequence[Reading]) -> str:
    """That a line is crossed as things stand, without a full stop; nothing where none is."""
    count = sum(reached(rule.watch, one) > 0 for one in now)
    if not count:
        return ""
    who = "It is" if len(now) == 1 else "One of them is" if count == 1 else f"{count} of them are"
    match rule.watch:
        case Above() | Forecast():
            return f"{who} above that already"
        case Budget(percents):
            return f"{who} at {percents[0]}% or more already"
        case Credits():
            return f"{who} below that already"
        case Spike() | New() | Stale():
            return ""


def _hears(rule: Rule, heard: Heard) -> str:
    if heard is Heard.NOT_NOW:
        return "."
    when = "at once" if heard is Heard.AT_ONCE else "after your quiet hours"
    match rule.to.kind:
        case To.CHANNEL:
            return f": it is told there {when}."
        case To.OWNER:
            return f": the creator concerned is told {when}."
    return f": you are told {when}."


def _stands(rule: Rule, one: Reading) -> str:
    who = subject(rule, one)
    if isinstance(rule.watch, Budget):
        return f"{who}: {used(one)}."
    metric = metric_of(rule)
    return f"{who}: {amount(metric, one.value or 0)} of {amount(metric, one.limit)}."


def listing(
    cards: Sequence[Card],
    page: int,
    count: int,
    command: str,
    *,
    everybody: bool,
    quiet: Quiet | None = None,
) -> Message:
    """A page of rules with their buttons."""
    if not cards:
        text = f"There are no alerts yet. Set one up: `{escape(command)} {escape(EXAMPLE)}`"
        return Message(text, (section(text),))
    whose = "All alerts" if everybody else "Your alerts"
    pages = -(-count // PAGE)
    head = f"*{whose}* ({count})" + (f", page {page} of {pages}" if pages > 1 else "")
    if quiet:
        head += f" · quiet hours {quiet.words()}, except for urgent ones"
    blocks: list[Block] = [section(head)]
    bodies = _bodies(cards[:PAGE], everybody=everybody)
    for card, body in zip(cards, bodies, strict=False):
        blocks += [section(body), _buttons(card)]
    if page < pages:
        blocks.append(section(f"More: `{escape(command)} alerts {page + 1}`"))
    return Message(shortened("\n".join([head, *(f"• {body}" for body in bodies)])), tuple(blocks))


def _bodies(cards: Sequence[Card], *, everybody: bool) -> list[str]:
    """What each card says; shorter where all together would be more than a message holds."""
    for short in (False, True):
        bodies = [_body(card, short=short, everybody=everybody) for card in cards]
        if sum(len(body) for body in bodies) <= _MOST_CHARACTERS:
            break
    return bodies


def quiet_set(quiet: Quiet | None, zone: str, command: str) -> Message:
    """What was made of quiet hours."""
    if quiet is None:
        text = "You have no quiet hours any more: every alert is told at once."
    else:
        text = (
            f"Quiet from {quiet.start:%H:%M} to {quiet.end:%H:%M} ({escape(zone)}). What comes up"
            " meanwhile waits, and nothing is lost; only rules marked `urgent` are told at once."
            f" To end this: `{escape(command)} alert quiet off`"
        )
    return Message(text, (section(text),))


def card_blocks(card: Card) -> list[Block]:
    """One rule with its buttons."""
    return [section(_body(card)), _buttons(card)]


def _body(card: Card, *, short: bool = False, everybody: bool = False) -> str:
    words = code(f"alert {words_shown(card.rule)}", 66 if short else 306)
    by = f", set up by <@{card.maker}>" if everybody else ""
    lines = [f"{words}, {recipient(card.rule, card.maker)}{by}"]
    if card.paused is not None:
        lines.append(f":double_vertical_bar: paused {_reason(card.paused)}".rstrip())
    if card.held:
        lines.append(f":zzz: {escape(clean(card.held, 100))}")
    listed = 0 if short else _MOST_STANDING
    for reading in sorted(card.standing, key=how_far, reverse=True)[:listed]:
        event = Event(Kind.TRIGGERED, reading, 1, reading.at)
        said = f"{subject(card.rule, reading)}: {sentence(event, card.rule, card.zone)}"
        lines.append(f":warning: {escape(clean(said, 250))}{_as_of(card, reading)}")
    more = len(card.standing) - listed
    if more > 0:
        lines.append(f":warning: {more} triggered" if short else f":warning: and {more} more")
    return "\n".join(lines)[:2_900]


def _as_of(card: Card, reading: Reading) -> str:
    """Of when figures are that are not those of now."""
    if card.now is None or card.now - reading.at < _FRESH:
        return ""
    return f" (as of {escape(clock(reading.at, card.now, card.zone))})"


def _reason(why: str) -> str:
    # a person's mention is ours, and whole
    return why if why.startswith("by <@") or not why else f"because {escape(clean(why, 200))}"


def _buttons(card: Card) -> Block:
    rest = ("Pause", PAUSE) if card.paused is None else ("Go on", RESUME)
    elements = [button(label, action, card.id) for label, action in (("Edit", EDIT), rest)]
    sure = asking("Delete this alert?", "What it has told stays.", "Delete")
    return actions(*elements, button("Delete", DELETE, card.id, style="danger", confirm=sure))
