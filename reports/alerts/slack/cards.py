"""Shows alert rules to their owners: confirmations, and the list with its buttons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from reports.alerts.evaluation import AlertEvent, EventKind, Measurement, reached
from reports.alerts.grammar import QUIET
from reports.alerts.periods import QuietHours
from reports.alerts.rule import RecipientKind, Rule
from reports.alerts.slack.format import clock
from reports.alerts.slack.sentences import (
    WHOLE,
    nearest,
    recipient,
    sentence,
    subject,
    words_shown,
)
from reports.alerts.vocabulary import EXAMPLE
from reports.block_kit.elements import Block, actions, button, code, confirmation, context, section
from reports.block_kit.message import Message, shortened
from reports.wording.safe_text import clean, escape
from reports.wording.times import clock_words, zone_city

PAGE = 12
EDIT, PAUSE, RESUME, DELETE = "alert_edit", "alert_pause", "alert_resume", "alert_delete"
UNMUTE, UNMUTE_LISTED = "alert_unmute", "alert_unmute_listed"
_MOST_TRIGGERED = 3
_FRESH = timedelta(minutes=15)
_MOST_CHARACTERS = 9_000


class FirstMessage(Enum):
    """Whether a new rule has already triggered, and when its message arrives."""

    NOT_NOW = 0
    AT_ONCE = 1
    LATER = 2


@dataclass(frozen=True, slots=True)
class RuleCard:
    """A rule to show; `paused` is the reason why it is paused, None if it is active.

    `triggered` holds the measurements of subjects that are triggered at `now`; `silenced` says
    until when the rule is snoozed or muted. `owner` is a Slack id.
    """

    id: str
    rule: Rule
    zone: str
    owner: str
    paused: str | None = None
    triggered: tuple[Measurement, ...] = ()
    silenced: str = ""
    now: datetime | None = None


@dataclass(frozen=True, slots=True)
class Muted:
    """A subject that the reader muted, of a rule set up by `owner` (a Slack id)."""

    rule_id: str
    subject: str
    rule: Rule
    owner: str


def made(
    card: RuleCard,
    command: str,
    *,
    again: bool = False,
    changed: bool = False,
    now: Sequence[Measurement] = (),
    first_message: FirstMessage = FirstMessage.NOT_NOW,
) -> Message:
    """Confirm that a rule was set up or changed, with the current figures.

    `first_message` is about subjects that are already past the threshold.
    """
    head = "Changed" if changed else "You already have this alert" if again else "Alert set"
    known = replace(card, triggered=()) if now else card  # the current figures are shown once
    lines = [f"*{head}:* {_body(known)}", escape(meaning(card.rule, card.zone))]
    lines += [escape(line) for line in current_figures(card.rule, now)]
    if beyond := already(card.rule, now):
        lines.append(f"*{beyond}{_message_announced(card.rule, first_message)}*")
    footer = (
        f"All your alerts: `{escape(command)} alerts` · Quiet hours: `{escape(command)} {QUIET}`"
    )
    text = "\n".join(lines)
    return Message(shortened(text), (section(text), _buttons(card), context(footer)))


def meaning(rule: Rule, zone: str) -> str:
    """When a rule sends messages, in a sentence; `zone` names the days and weeks it counts."""
    return rule.watch.meaning(rule, zone)


def current_figures(rule: Rule, now: Sequence[Measurement]) -> list[str]:
    """The current figures of the subjects closest to their threshold, a line each."""
    known = [one for one in now if one.value is not None]
    if not known or not rule.watch.shows_current:
        return []
    return [f"Now: {_current(rule, one)}." for one in nearest(known, _MOST_TRIGGERED)]


def already(rule: Rule, now: Sequence[Measurement]) -> str:
    """Says that the threshold is already passed, without a period at the end; "" if it isn't."""
    count = sum(reached(rule.watch, one) > 0 for one in now)
    if not count:
        return ""
    who = "It's" if len(now) == 1 else "One is" if count == 1 else f"{count:,} are"
    said = rule.watch.already()
    return f"{who} {said}" if said else ""


def _message_announced(rule: Rule, first_message: FirstMessage) -> str:
    if first_message is FirstMessage.NOT_NOW:
        return "."
    when = "right away" if first_message is FirstMessage.AT_ONCE else "after your quiet hours"
    match rule.to.kind:
        case RecipientKind.CHANNEL:
            return f", so the channel will get a message {when}."
        case RecipientKind.OWNER:
            return f", so the creator will get a message {when}."
    return f", so you'll get a message {when}."


def _current(rule: Rule, one: Measurement) -> str:
    who, shown = subject(rule, one), rule.watch.current(one)
    if not rule.watch.names_subject:
        return shown
    return f"{shown} ({who})" if who == WHOLE else f"{who}: {shown}"


def listing(
    cards: Sequence[RuleCard],
    page: int,
    count: int,
    command: str,
    *,
    everybody: bool,
    quiet: QuietHours | None = None,
    muted: Sequence[Muted] = (),
) -> Message:
    """A page of rules with their buttons; `muted` are subjects of others' rules that the reader
    muted."""
    if not cards and not muted:
        text = f"You have no alerts yet. Set one up: `{escape(command)} {escape(EXAMPLE)}`"
        return Message(text, (section(text),))
    whose = "All alerts" if everybody else "Your alerts"
    pages = -(-count // PAGE)
    head = f"*{whose}* ({count})" + (f", page {page} of {pages}" if pages > 1 else "")
    if quiet:
        head += f" · quiet hours {quiet.words()}, except for urgent alerts"
    blocks: list[Block] = [section(head)]
    bodies = _bodies(cards[:PAGE], everybody=everybody)
    for card, body in zip(cards, bodies, strict=False):
        blocks += [section(body), _buttons(card)]
    lines = [head, *(f"• {body}" for body in bodies)]
    for one in muted[:PAGE]:
        said = f":no_bell: You muted {code(f'alert {words_shown(one.rule)}', 200)}, set up by"
        lines.append(f"{said} <@{one.owner}>")
        undo = button("Unmute", UNMUTE_LISTED, f"{one.rule_id} {one.subject}"[:2_000])
        blocks.append({**section(lines[-1]), "accessory": undo})
    if page < pages:
        blocks.append(section(f"More: `{escape(command)} alerts {page + 1}`"))
    return Message(shortened("\n".join(lines)), tuple(blocks))


def muted(event: str, *, whole: bool) -> Message:
    """Confirm that an alert was muted, with a button that undoes it.

    `event` is the id of the event that was muted; `whole` says that its whole rule is paused.
    """
    text = "Muted. This alert is paused until you unmute it."
    if not whole:
        text = "Muted. You won't get this alert again until you unmute it."
    return Message(text, (section(text), actions(button("Unmute", UNMUTE, event))))


def _bodies(cards: Sequence[RuleCard], *, everybody: bool) -> list[str]:
    """The text of each card, shortened if all of them don't fit into one message."""
    for short in (False, True):
        bodies = [_body(card, short=short, everybody=everybody) for card in cards]
        if sum(len(body) for body in bodies) <= _MOST_CHARACTERS:
            break
    return bodies


def quiet_set(quiet: QuietHours | None, zone: str, command: str) -> Message:
    """Confirm quiet hours; `zone` is their time zone."""
    if quiet is None:
        text = "Quiet hours are off. You'll get every alert right away."
    else:
        text = (
            f"Quiet hours: {clock_words(quiet.start)} to {clock_words(quiet.end)}"
            f" ({escape(zone_city(zone))}). Alerts that come up then arrive afterwards; only those"
            f" marked `urgent` come through. To turn this off: `{escape(command)} alert quiet off`"
        )
    return Message(text, (section(text),))


def card_blocks(card: RuleCard) -> list[Block]:
    """One rule with its buttons."""
    return [section(_body(card)), _buttons(card)]


def _body(card: RuleCard, *, short: bool = False, everybody: bool = False) -> str:
    words = code(f"alert {words_shown(card.rule)}", 66 if short else 306)
    by = f", set up by <@{card.owner}>" if everybody else ""
    lines = [f"{words}, {recipient(card.rule, card.owner)}{by}"]
    if card.paused is not None:
        lines.append(f":double_vertical_bar: paused {_reason(card.paused)}".rstrip())
    if card.silenced:
        lines.append(f":zzz: {escape(clean(card.silenced, 100))}")
    listed = 0 if short else _MOST_TRIGGERED
    for measurement in nearest(card.triggered, listed):
        event = AlertEvent(EventKind.TRIGGERED, measurement, 1, measurement.at)
        said = f"{subject(card.rule, measurement)}: {sentence(event, card.rule, card.zone)}"
        lines.append(f":warning: {escape(clean(said, 250))}{_as_of(card, measurement)}")
    more = len(card.triggered) - listed
    if more > 0:
        lines.append(f":warning: {more} triggered" if short else f":warning: {more} more")
    return "\n".join(lines)[:2_900]


def _as_of(card: RuleCard, measurement: Measurement) -> str:
    """The time of the figures, if they aren't current."""
    if card.now is None or card.now - measurement.at < _FRESH:
        return ""
    return f" (as of {escape(clock(measurement.at, card.now, card.zone))})"


def _reason(why: str) -> str:
    # our own mention of a person must not be cut
    return why if why.startswith("by <@") or not why else f"because {escape(clean(why, 200))}"


def _buttons(card: RuleCard) -> Block:
    rest = ("Pause", PAUSE) if card.paused is None else ("Resume", RESUME)
    elements = [button(label, action, card.id) for label, action in (("Edit", EDIT), rest)]
    sure = confirmation("Delete this alert?", "Messages it has already sent stay.", "Delete")
    return actions(*elements, button("Delete", DELETE, card.id, style="danger", confirm=sure))
