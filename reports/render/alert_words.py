"""Alerts in plain words: what is above what, how much room is left, when it will be full."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from reports.alert import Above, Budget, Credits, Forecast, New, Recipient, Rule, Spike, Stale, To
from reports.alert_caps import Pace, days_left, full_at
from reports.alert_state import Event, Kind, Reading
from reports.period import Unit
from reports.query import Metric, Source
from reports.render.alert_figures import age, amount, bare, clock, many, price, when_words
from reports.text import clean, number
from reports.timerange import HOUR
from reports.words import DIMENSION_WORDS

WHOLE = "the whole organisation"
NAME = 80


def title(event: Event, rule: Rule, zone: str) -> str:
    """What an alert is about, on one line: what of OpenRouter, above what, and whose."""
    about, reading = topic(event, rule, zone), event.reading
    if isinstance(rule.watch, Credits | Stale):
        return about
    return f"{about}: {subject(rule, reading)}"


def topic(event: Event, rule: Rule, zone: str) -> str:
    """The same without whose it is."""
    reading, watch = event.reading, rule.watch
    match watch:
        case Above(metric, limit, unit):
            when = when_words(unit, reading, zone)
            return f"OpenRouter {metric} above {bare(metric, limit)} {when}"
        case Budget(percents):
            part = percents[min(event.step, len(percents)) - 1] if event.step else percents[0]
            more = "more than " if (reading.value or 0) * 100 > part * reading.limit else ""
            return f"OpenRouter limit {more}{part}% used"
        case Spike():
            return "OpenRouter spend far above usual"
        case Credits():
            return f"OpenRouter credits low: {price(reading.value or 0)}"
        case New(what):
            return f"New {DIMENSION_WORDS[what]} at OpenRouter"
        case Forecast(limit):
            return f"OpenRouter spend heads for more than {price(limit)} this month"
        case Stale():
            return "OpenRouter data is old"


def how_far(reading: Reading) -> Fraction:
    """How far beyond its line a reading is, to put the farthest first."""
    return Fraction(reading.value or 0, max(reading.limit, 1))


def subject(rule: Rule, reading: Reading) -> str:
    """Whose figures they are."""
    if reading.subject:
        return clean(reading.label, NAME)
    if rule.filters:
        return clean(", ".join(str(one) for one in rule.filters), NAME)
    return WHOLE


def sentence(event: Event, rule: Rule, zone: str, pace: Pace | None = None) -> str:
    """What an alert says: the figure, the line, the room that is left, where the pace leads."""
    reading, watch = event.reading, rule.watch
    value = reading.value or 0
    match watch:
        case Above(metric, limit, unit, source):
            when = when_words(unit, reading, zone)
            of = "" if source is Source.ALL else f" from {source}"
            over = bare(metric, value - limit)
            said = f"{amount(metric, value)}{of} {when}, {over} above {bare(metric, limit)}"
            return f"{said}{_heading_for(metric, unit, reading, pace)}."
        case Budget():
            return _budget(reading, zone, event.at, pace)
        case Spike():
            return _spike(reading, zone)
        case Credits(limit):
            return _credits(value, limit, pace)
        case New(what):
            if reading.unused:
                return f"This {DIMENSION_WORDS[what]} was just made, and is not used yet."
            cost = f"{price(value)} so far" if value else "nothing to pay so far"
            return f"First use of this {DIMENSION_WORDS[what]}: {cost}."
        case Forecast(limit):
            return (
                f"At this pace the month ends at {price(value)}, {price(value - limit)} above"
                f" {price(limit)}; {price(reading.so_far)} so far."
            )
        case Stale(limit):
            return (
                f"The newest usage is {age(value)} old, and {age(limit)} is the most it should be."
                " Answers and alerts rest on what was known then."
            )


def ending(event: Event, rule: Rule) -> str:
    """What is said when an alert is over."""
    reading, watch = event.reading, rule.watch
    value = reading.value or 0
    match watch:
        case Above(metric, limit, unit) if event.kind is Kind.ENDED:
            said = f"The {unit} is over: {amount(metric, value)} in the end"
            if value > limit:
                return f"{said}, {bare(metric, value - limit)} above {bare(metric, limit)}."
            return f"{said}. OpenRouter has corrected its figures since this was told."
        case Above(metric, limit):
            return f"{amount(metric, value)} now; the limit is {bare(metric, limit)}."
        case Budget() if event.kind is Kind.ENDED:
            return f"The limit has begun anew. {used(reading)} in the end."
        case Budget():
            return f"The limit is {price(reading.limit)} now: {used(reading)}."
        case Spike():
            return "Back to usual: the last hours were calm."
        case Credits(limit):
            return f"{price(value)} of credits again, which is above {price(limit)}."
        case New():
            return "It is not new any more."
        case Forecast(limit) if event.kind is Kind.ENDED:
            return f"The month is over. The last forecast was {price(value)}."
        case Forecast(limit):
            return f"At this pace the month ends at {price(value)}, below {price(limit)}."
        case Stale():
            return f"The data is fresh again: {age(value)} old."


def used(reading: Reading) -> str:
    """How much of a limit is used: `85% used: $85.10 of $100, $14.90 left`."""
    value, limit = reading.value or 0, reading.limit
    percent = int(Fraction(value * 100, limit)) if limit > 0 else 0
    room = limit - value
    rest = (
        f"{price(room)} left" if room > 0 else f"{price(-room)} above it" if room else "none left"
    )
    return f"{percent}% used: {price(value)} of {price(limit)}, {rest}"


def words_shown(rule: Rule) -> str:
    """A rule's words without who hears it, which Slack's mention tells better."""
    return replace(rule, to=Recipient()).words()


def recipient(rule: Rule, maker: str) -> str:
    """Who hears an alert, in mrkdwn."""
    match rule.to.kind:
        case To.CHANNEL:
            return f"in <#{rule.to.channel}>"
        case To.OWNER:
            return "to the creator concerned"
    return f"to <@{maker}>"


def _heading_for(metric: Metric, unit: Unit, reading: Reading, pace: Pace | None) -> str:
    """Where the present pace leads by the end of the period."""
    period = reading.period
    if pace is None or period is None or pace.used <= 0 or not reading.part:
        return ""
    left = period.end - reading.at
    if left < HOUR / 4 or pace.over <= timedelta():
        return ""
    seconds = timedelta(seconds=1)
    more = Fraction(pace.used * (left // seconds), pace.over // seconds)
    end = (reading.value or 0) + int(more)
    return f"; at this pace {bare(metric, end)} by the end of the {unit}" if more >= 1 else ""


def _budget(reading: Reading, zone: str, now: datetime, pace: Pace | None) -> str:
    said, ends = used(reading), reading.period.end if reading.period else None
    if ends and not reading.part:
        return f"{said}. It has begun anew since."
    anew = f"begins anew {_on(ends, now, zone)}" if ends else ""
    if (reading.value or 0) >= reading.limit:
        until = f" until it {anew}{_zone(zone)}" if ends else " from now on"
        return f"{said}. OpenRouter may refuse requests{until}."
    full = full_at(reading, pace, now) if pace else None
    if full:
        return f"{said}; at this pace full {_on(full, now, zone)}{_zone(zone)}."
    if pace is None:
        return f"{said}; it {anew}{_zone(zone)}." if ends else f"{said}."
    lasts = f"it lasts until it {anew}{_zone(zone)}" if ends else "it lasts for years"
    return f"{said}; at this pace {lasts}."


def _on(moment: datetime, now: datetime, zone: str) -> str:
    shown = clock(moment, now, zone)
    return shown if shown.startswith("today") else f"on {shown}"


def _zone(zone: str) -> str:
    return f" ({zone})"


def _spike(reading: Reading, zone: str) -> str:
    value, hour = reading.value or 0, reading.hour
    start = (hour.start if hour else reading.at).astimezone(ZoneInfo(zone))
    when = f"{start:%A %H:%M}"
    said = f"{price(value)} in the hour from {when}{_zone(zone)}"
    usual = reading.usual
    if usual is None:
        return (
            f"{said}. What is usual is not known yet: that takes two weeks of use. Until then"
            f" {price(reading.limit)} an hour is told."
        )
    if not usual.median:
        return f"{said}, in which usually nothing is used."
    return (
        f"{said}, {number(Fraction(value, usual.median))} times the usual {price(usual.median)} of"
        f" that hour of the week."
    )


def explained(reading: Reading) -> str:
    """Why an hour is a spike; nothing where there is no usual."""
    usual = reading.usual
    if usual is None:
        return ""
    hours = f"{usual.count} like hours of the last four weeks"
    begins = f"a spike begins at {price(usual.line)}."
    if not usual.median:
        return f"Of {hours} most had no use at all; {begins}"
    spread = f"{price(usual.median)} give or take {price(usual.spread)}"
    return f"Usual is the median of {hours}, {spread}; {begins}"


def _credits(value: int, limit: int, pace: Pace | None) -> str:
    if value < 0:
        return (
            f"The balance of purchased credits is {price(value)}. Below $0 OpenRouter refuses"
            " requests, even on free models, until credits are added."
        )
    left = days_left(value, pace) if pace else None
    lasts = ""
    if left is not None:
        lasts = "less than a day" if left < 1 else f"about {many(left, 'day')}"
        lasts = f"; at last week's pace {lasts} left"
    return f"{price(value)} of purchased credits left, below {price(limit)}{lasts}."
