"""Creates Slack messages about alerts: the first message, replies, and several alerts in one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from reports.alerts.evaluation import AlertEvent, EventKind, Measurement, reached
from reports.alerts.limits_and_forecast import SpendPace
from reports.alerts.message_details import Detail, Driver, before_words, shows_change, subject_of
from reports.alerts.rule import Rule
from reports.alerts.slack.cards import UNMUTE
from reports.alerts.slack.chart import chart
from reports.alerts.slack.format import amount, clock
from reports.alerts.slack.sentences import (
    ending,
    sentence,
    share_of_limit,
    subject,
    title,
    topic,
    words_shown,
)
from reports.block_kit.elements import (
    Block,
    actions,
    button,
    code,
    confirmation,
    context,
    header,
    menu,
    option,
    packed,
    section,
)
from reports.block_kit.message import Message, shortened
from reports.questions.wording import stamp
from reports.usage.dimensions import Dimension, Metric
from reports.wording.safe_text import clean, escape

WHY = "alert_why"
DETAILS, ACKNOWLEDGE, SNOOZE = "alert_details", "alert_acknowledge", "alert_snooze"
CHANGE, MUTE, LIST = "alert_change", "alert_mute", "alert_list"
SNOOZES = (("1 hour", "1h"), ("24 hours", "24h"), ("Until the period ends", "period"))
MOST_TOGETHER = 40
MOST_DETAILED = 5
"""In a message of several alerts, the number of them that show what drives them; with more, fewer
alerts would fit."""
_LONGEST_EXTRAS = 400
_MOST_OPTIONS = 100
"""Slack's maximum number of options in a menu."""
_MOST_CHARACTERS = 7_500
_MOST_DRIVERS = 3
_NAME = 60
_OVER = {EventKind.RECOVERED, EventKind.ENDED}


@dataclass(frozen=True, slots=True)
class AlertContext:
    """The alert that a message is about, and what people did with it.

    `id` is the event's id, for the buttons; `zone` is the one in which times are shown; `owner`,
    `acknowledged` and `muted` are Slack ids of users; `snoozed` is when the snooze ends. `notes`
    are trusted mrkdwn sentences.
    """

    id: str
    rule: Rule
    zone: str
    owner: str
    command: str = "/activity"
    notes: tuple[str, ...] = ()
    acknowledged: str = ""
    snoozed: datetime | None = None
    muted: str = ""


def alert(
    event: AlertEvent,
    about: AlertContext,
    detail: Detail | None = None,
    latest: AlertEvent | None = None,
    now: Measurement | None = None,
) -> Message:
    """The first message of an alert, with the current figures.

    `latest` is the newest later event, `now` a measurement newer than both; `detail` belongs to the
    measurement of `event_to_show`. Once the alert is over, it has no buttons to act on it.
    """
    detail, over, zone = detail or Detail(), is_over(latest), about.zone
    at = event_to_show(event, about.rule, latest, now)
    rule, measurement = with_limit_of(about.rule, at.measurement), at.measurement
    named = event if over else at
    head = title(named, with_limit_of(about.rule, named.measurement), zone)
    lines = [_development(latest, about)] if latest is not None and over else []
    if not over and not reached(rule.watch, measurement):
        lines += [f"*Now:* {escape(ending(replace(at, kind=EventKind.RECOVERED), rule))}"]
    elif not over:
        lines += [f"*{escape(sentence(at, rule, zone, detail.pace))}*"]
    elif measurement == event.measurement:
        lines += [_at_first(event, about, latest.at if latest else measurement.at)]
    elif latest is not None and measurement != latest.measurement:
        lines += [escape(sentence(at, rule, zone))]
    about_it = [rule.watch.explanation(at), *detail.notes, *drivers(at, rule, detail)]
    about_it += [] if over else [rule.watch.advice()]
    lines += [escape(line) for line in about_it if line]
    first = _first_figures(event, about, at)
    blocks: list[Block] = [header(head), section("\n".join(lines)), *chart(at, rule, detail)]
    done = [*first, *_actions_taken(about, measurement.at)]
    blocks += [context(*done)] if done else []
    blocks += [
        _actions(
            about,
            over=over,
            periods=event.measurement.period is not None,
            changes=shows_change(rule, measurement),
        ),
        context(*_footer(measurement, about)),
    ]
    text = [escape(head), *lines, *first, *about.notes]
    return Message(shortened("\n".join(text)), tuple(blocks))


def event_to_show(
    event: AlertEvent, rule: Rule, latest: AlertEvent | None = None, now: Measurement | None = None
) -> AlertEvent:
    """The figures to show: the newest ones, or the last ones of a period that has ended."""
    if latest is not None and is_over(latest):
        known = latest.measurement if latest.measurement.period else event.measurement
        return replace(event, measurement=now or known)
    last = latest or event
    if now is None:
        return last
    return replace(last, measurement=now, step=max(last.step, reached(rule.watch, now)), at=now.at)


def is_over(latest: AlertEvent | None) -> bool:
    """Whether an alert is over, according to its newest event."""
    return latest is not None and latest.kind in _OVER


def with_limit_of(rule: Rule, measurement: Measurement) -> Rule:
    """A rule with the limit of a measurement; the rule's own may have been changed since."""
    return replace(rule, watch=rule.watch.with_limit(measurement.limit))


def _first_figures(event: AlertEvent, about: AlertContext, at: AlertEvent) -> list[str]:
    """The figures of the first message, if they have changed since."""
    first, measurement = event.measurement, at.measurement
    if (first.value, first.limit, event.step) == (measurement.value, measurement.limit, at.step):
        return []
    return [_at_first(event, about, measurement.at)]


def _at_first(event: AlertEvent, about: AlertContext, now: datetime) -> str:
    """The figures of the first message and their time, in mrkdwn."""
    said = sentence(event, with_limit_of(about.rule, event.measurement), about.zone)
    return f"First alert ({escape(clock(event.at, now, about.zone))}): {escape(said)}"


def reply(event: AlertEvent, about: AlertContext, detail: Detail | None = None) -> Message:
    """A reply in the alert's thread: a further threshold, a reminder, or that it is over."""
    pace = detail.pace if detail else None
    text = _development(event, about, pace)
    return Message(shortened(text), (section(text),))


def replies(items: Sequence[tuple[AlertEvent, AlertContext]], notes: Sequence[str] = ()) -> Message:
    """A reply in the thread of a message about several alerts, each with its headline.

    `notes` are trusted mrkdwn sentences.
    """
    lines: list[str] = []
    for event, about in items:
        if _full(lines, len(lines)):
            lines.append(f"{len(items) - len(lines)} more")
            break
        name = title(event, with_limit_of(about.rule, event.measurement), about.zone)
        lines.append(f"*{escape(clean(name, 150))}*\n{_development(event, about)}")
    blocks = [*map(section, packed(lines))]
    blocks += [context(*(note[:1_900] for note in notes[:5]))] if notes else []
    return Message(shortened("\n".join([*lines, *notes])), tuple(blocks))


@dataclass(frozen=True, slots=True)
class Item:
    """One of several alerts in a message; `latest` is the newest event after its first.

    `detail` belongs to the measurement of `event_to_show`; only the largest alerts have one.
    """

    event: AlertEvent
    about: AlertContext
    latest: AlertEvent | None = None
    detail: Detail | None = None

    @property
    def over(self) -> bool:
        """Whether the alert is over."""
        return is_over(self.latest)

    def line(self) -> str:
        """The alert's subject and current state, in mrkdwn."""
        about, latest = self.about, self.latest
        who = subject(about.rule, self.event.measurement)
        if latest is not None and self.over:
            said = ending(latest, with_limit_of(about.rule, latest.measurement))
            over = "" if latest.kind is EventKind.ENDED else "Resolved. "
            return f"• :white_check_mark: {escape(clean(f'{who}: {over}{said}', 300))}"
        at = event_to_show(self.event, about.rule, latest)
        rule = with_limit_of(about.rule, at.measurement)
        pace = self.detail.pace if self.detail else None
        said = sentence(at, rule, about.zone, pace)
        line = f"• {escape(clean(f'{who}: {said}', 300))}"
        if self.detail is None:
            return line
        extras = " ".join([*self.detail.notes, *drivers(at, rule, self.detail)])
        return f"{line}\n{escape(clean(extras, _LONGEST_EXTRAS))}" if extras else line

    def why(self) -> Block | None:
        """The option for the menu of changes to explain; None if it shows no change."""
        rule, measurement = self.about.rule, self.event.measurement
        if self.over or not shows_change(rule, measurement):
            return None
        who = subject(rule, measurement)
        name = topic(self.event, with_limit_of(rule, measurement), self.about.zone)
        return option(clean(f"{who}: {name}", 75), self.about.id)


def together(items: Sequence[Item], command: str, notes: Sequence[str] = ()) -> Message:
    """One message about several alerts, grouped by topic, largest first, as many as fit.

    Alerts that are over come last. `notes` are trusted mrkdwn sentences. The buttons act on all of
    them.
    """
    head = f"{len(items)} OpenRouter alerts"
    over = sum(item.over for item in items)
    if over:
        head += ", all resolved" if over == len(items) else f", {over} resolved"
    groups: dict[str, list[Item]] = {}
    for item in sorted(items, key=lambda one: one.over):
        rule = with_limit_of(item.about.rule, item.event.measurement)
        groups.setdefault(topic(item.event, rule, item.about.zone), []).append(item)
    lines: list[str] = []
    count = 0
    for name, group in groups.items():
        if _full(lines, count):
            break
        lines.append(f"*{escape(clean(name, 110))}*")
        for item in sorted(
            group, key=lambda one: (one.over, -share_of_limit(one.event.measurement))
        ):
            if _full(lines, count):
                break
            lines.append(item.line())
            count += 1
    if count < len(items):
        lines.append(f"{len(items) - count} more")
    blocks = [header(head), *map(section, packed(lines)), *_acknowledge_blocks(items)]
    at = max((item.event.measurement.at for item in items), default=None)
    dated = [f"Data as of {stamp(at)}"] if at else []
    blocks.append(context(*(note[:1_900] for note in notes[:5]), *dated, _rules(command)))
    return Message(shortened("\n".join([escape(head), *lines, *notes])), tuple(blocks))


def _acknowledge_blocks(items: Sequence[Item]) -> list[Block]:
    """Who acknowledged several alerts, the buttons that act on all of them, and *Why?* of each."""
    people = sorted({item.about.acknowledged for item in items} - {""})
    said = [context(*(_acknowledged(one) for one in people[:5]))] if people else []
    waiting = [item for item in items if not (item.over or item.about.acknowledged)]
    found = [button("Acknowledge all", ACKNOWLEDGE, waiting[0].about.id)] if waiting else []
    whys = [one for item in items if (one := item.why())][:_MOST_OPTIONS]
    found += [menu(WHY, "Why?", whys)] if whys else []
    return [*said, actions(*found, button("Show my alerts", LIST, "1"))]


def _acknowledged(user: str) -> str:
    return f":eyes: <@{user}> acknowledged this"


def _rules(command: str) -> str:
    return f"All your alerts: `{escape(command)} alerts`"


def _full(lines: Sequence[str], event_to_show: int) -> bool:
    return event_to_show == MOST_TOGETHER or sum(len(line) for line in lines) > _MOST_CHARACTERS


def drivers(event: AlertEvent, rule: Rule, detail: Detail) -> list[str]:
    """The top keys and models behind an alert, a line each, without the subject's own dimension."""
    metric, subject_is = rule.watch.measured, subject_of(rule, event.measurement)
    before = before_words(rule, event.measurement)
    found = []
    for name, dimension, some in (
        ("keys", Dimension.KEY, detail.keys),
        ("models", Dimension.MODEL, detail.models),
    ):
        if some and subject_is is not dimension:
            most = some[:_MOST_DRIVERS]
            compared = any(one.before is not None for one in most)
            beside = f" ({before} in parentheses)" if compared else ""
            listed = ", ".join(_driver(one, metric) for one in most)
            found.append(f"Top {name}{beside}: {listed}")
    return found


def _driver(one: Driver, metric: Metric) -> str:
    before = ""
    if one.before is not None:
        before = f" ({amount(metric, one.before)})"
    return f"{clean(one.name, _NAME)} {amount(metric, one.value)}{before}"


def _development(latest: AlertEvent, about: AlertContext, pace: SpendPace | None = None) -> str:
    """The latest development, in mrkdwn."""
    rule = with_limit_of(about.rule, latest.measurement)
    if latest.kind is EventKind.RECOVERED:
        return f":white_check_mark: *Resolved.* {escape(ending(latest, rule))}"
    if latest.kind is EventKind.ENDED:
        return f":checkered_flag: {escape(ending(latest, rule))}"
    said = sentence(latest, rule, about.zone, pace)
    return f":warning: *{escape(said)}*"


def _actions_taken(about: AlertContext, now: datetime) -> list[str]:
    done = [_acknowledged(about.acknowledged)] if about.acknowledged else []
    if about.snoozed:
        done.append(f":zzz: Snoozed until {escape(clock(about.snoozed, now, about.zone))}")
    if about.muted:
        done.append(f":no_bell: <@{about.muted}> muted this alert")
    return done


def _actions(about: AlertContext, *, over: bool, periods: bool, changes: bool) -> Block:
    found = []
    if about.rule.watch.has_details:
        found.append(button("Show details", DETAILS, about.id))
    if changes:
        found.append(button("Why?", WHY, about.id))
    if not over:
        if not about.acknowledged:
            found.append(button("Acknowledge", ACKNOWLEDGE, about.id))
        if not about.muted:
            found.append(_snooze(about, periods=periods))
    if about.rule.watch.has_threshold:
        found.append(button("Change threshold", CHANGE, about.id))
    found.append(button("Unmute", UNMUTE, about.id) if about.muted else _mute(about.id))
    return actions(*found)


def _snooze(about: AlertContext, *, periods: bool) -> Block:
    options = [
        option(label, f"{about.id} {value}")
        for label, value in SNOOZES
        if periods or value != "period"
    ]
    return menu(SNOOZE, "Snooze", options)


def _mute(id_: str) -> Block:
    sure = confirmation("Mute this alert?", "You won't get it again until you unmute it.", "Mute")
    return button("Mute", MUTE, id_, confirm=sure)


def _footer(measurement: Measurement, about: AlertContext) -> list[str]:
    return [
        *(note[:1_900] for note in about.notes[:5]),
        f"{code(words_shown(about.rule), 300)}, set up by <@{about.owner}>",
        f"Data as of {stamp(measurement.at)}",
        _rules(about.command),
    ]
