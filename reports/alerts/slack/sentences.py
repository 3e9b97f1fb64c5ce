"""Alerts in plain words: what passed which limit, how much is left, when it will run out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from reports.alerts.evaluation import AlertEvent, EventKind, Measurement
from reports.alerts.grammar import rule_of
from reports.alerts.limits_and_forecast import SpendPace, days_left, full_at
from reports.alerts.rule import (
    Above,
    Budget,
    Credits,
    Forecast,
    New,
    Recipient,
    RecipientKind,
    Rule,
    Spike,
    Stale,
)
from reports.alerts.slack.figures import age, amount, bare, clock, many, price, when_words
from reports.questions.wording import DIMENSION_WORDS
from reports.time.period import Unit
from reports.time.timerange import HOUR
from reports.usage.dimensions import Metric, MoneySource
from reports.usage.format import number
from reports.wording.safe_text import clean
from reports.wording.times import clock_words, zone_city

WHOLE = "whole organization"
NAME = 80


def title(event: AlertEvent, rule: Rule, zone: str) -> str:
    """The headline of an alert: what at OpenRouter passed which limit, and whose usage it is."""
    about, reading = topic(event, rule, zone), event.reading
    if isinstance(rule.watch, Credits | Stale):
        return about
    return f"{about}: {subject(rule, reading)}"


def topic(event: AlertEvent, rule: Rule, zone: str) -> str:
    """The headline without whose usage it is."""
    reading, watch = event.reading, rule.watch
    match watch:
        case Above(metric, limit, unit):
            when = when_words(unit, reading, zone)
            return f"OpenRouter {metric} over {bare(metric, limit)} {when}"
        case Budget(percents):
            part = percents[min(event.step, len(percents)) - 1] if event.step else percents[0]
            more = "more than " if (reading.value or 0) * 100 > part * reading.limit else ""
            return f"OpenRouter limit {more}{part}% used"
        case Spike():
            return "OpenRouter spend spike"
        case Credits():
            return f"OpenRouter credits low: {price(reading.value or 0)}"
        case New(what):
            return f"New {DIMENSION_WORDS[what]} at OpenRouter"
        case Forecast(limit):
            return f"OpenRouter spend is on track to exceed {price(limit)} this month"
        case Stale():
            return "OpenRouter data is out of date"


def how_far(reading: Measurement) -> Fraction:
    """A reading's value relative to its limit, to sort by."""
    return Fraction(reading.value or 0, max(reading.limit, 1))


def subject(rule: Rule, reading: Measurement) -> str:
    """Whose usage a reading is about."""
    if reading.subject:
        return clean(reading.label, NAME)
    if rule.filters:
        return clean(", ".join(str(one) for one in rule.filters), NAME)
    return WHOLE


def sentence(event: AlertEvent, rule: Rule, zone: str, pace: SpendPace | None = None) -> str:
    """The figure, its limit, what is left, and where the current pace leads."""
    reading, watch = event.reading, rule.watch
    value = reading.value or 0
    match watch:
        case Above(metric, limit, unit, source):
            when = when_words(unit, reading, zone)
            of = "" if source is MoneySource.ALL else f" from {source}"
            over = bare(metric, value - limit)
            said = (
                f"{amount(metric, value)}{of} {when}, {over} over the {bare(metric, limit)} limit"
            )
            return f"{said}{_heading_for(metric, unit, reading, pace)}."
        case Budget():
            return _budget(reading, zone, event.at, pace)
        case Spike():
            return _spike(reading, zone)
        case Credits(limit):
            return _credits(value, limit, pace)
        case New(what):
            if reading.unused:
                return f"This {DIMENSION_WORDS[what]} was just created and hasn't been used yet."
            cost = f"{price(value)} so far" if value else "no cost so far"
            return f"First use of this {DIMENSION_WORDS[what]}: {cost}."
        case Forecast(limit):
            return (
                f"At this pace the month will end at {price(value)}, {price(value - limit)} over"
                f" {price(limit)}. So far: {price(reading.so_far)}."
            )
        case Stale(limit):
            return (
                f"The latest usage data is {age(value)} old; it should be no more than"
                f" {age(limit)} old. Answers and alerts are based on data from that time."
            )


def ending(event: AlertEvent, rule: Rule) -> str:
    """The sentence that says that an alert is over."""
    reading, watch = event.reading, rule.watch
    value = reading.value or 0
    match watch:
        case Above(metric, limit, unit) if event.kind is EventKind.ENDED:
            said = f"The {unit} ended at {amount(metric, value)}"
            if value > limit:
                return (
                    f"{said}, {bare(metric, value - limit)} over the {bare(metric, limit)} limit."
                )
            return f"{said}. OpenRouter corrected its figures after this alert."
        case Above(metric, limit):
            return f"{amount(metric, value)}; the limit is {bare(metric, limit)}."
        case Budget() if event.kind is EventKind.ENDED:
            return f"The limit has reset. Final usage: {used(reading)}."
        case Budget():
            return f"The limit is now {price(reading.limit)}: {used(reading)}."
        case Spike():
            return "Back to normal."
        case Credits(limit):
            return f"The credit balance is {price(value)}, back above {price(limit)}."
        case New():
            return "It's no longer new."
        case Forecast(limit) if event.kind is EventKind.ENDED:
            return f"The month is over. The last forecast was {price(value)}."
        case Forecast(limit):
            return f"At this pace the month will end at {price(value)}, below {price(limit)}."
        case Stale():
            return f"The data is up to date again ({age(value)} old)."


def used(reading: Measurement) -> str:
    """How much of a limit is used: `85% used: $85.10 of $100, $14.90 left`."""
    value, limit = reading.value or 0, reading.limit
    percent = int(Fraction(value * 100, limit)) if limit > 0 else 0
    room = limit - value
    rest = f"{price(room)} left" if room > 0 else f"{price(-room)} over" if room else "nothing left"
    return f"{percent}% used: {price(value)} of {price(limit)}, {rest}"


def words_shown(rule: Rule) -> str:
    """A rule's words without its recipient, which messages show as a mention."""
    return replace(rule, to=Recipient()).words()


def recipient(rule: Rule, maker: str) -> str:
    """Who gets an alert, in mrkdwn."""
    match rule.to.kind:
        case RecipientKind.CHANNEL:
            return f"in <#{rule.to.channel}>"
        case RecipientKind.OWNER:
            return "to the creator"
    return f"to <@{maker}>"


def _heading_for(metric: Metric, unit: Unit, reading: Measurement, pace: SpendPace | None) -> str:
    """Where the current pace leads by the end of the period."""
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


def _budget(reading: Measurement, zone: str, now: datetime, pace: SpendPace | None) -> str:
    said, ends = used(reading), reading.period.end if reading.period else None
    if ends and not reading.part:
        return f"{said}. The limit has reset since."
    resets = f"resets {_on(ends, now, zone)}{_zone(zone)}" if ends else ""
    if (reading.value or 0) >= reading.limit:
        until = f" until it {resets}" if ends else ""
        return f"{said}. OpenRouter may reject requests{until}."
    full = full_at(reading, pace, now) if pace else None
    if full:
        return f"{said}. At this pace it runs out {_on(full, now, zone)}{_zone(zone)}."
    if pace is None:
        return f"{said}. It {resets}." if ends else f"{said}."
    lasts = f"it lasts until it {resets}" if ends else "it lasts for years"
    return f"{said}. At this pace {lasts}."


def _on(moment: datetime, now: datetime, zone: str) -> str:
    shown = clock(moment, now, zone)
    return shown if shown.startswith("today") else f"on {shown}"


def _zone(zone: str) -> str:
    return f" ({zone_city(zone)})"


def _spike(reading: Measurement, zone: str) -> str:
    value, hour = reading.value or 0, reading.hour
    start = (hour.start if hour else reading.at).astimezone(ZoneInfo(zone))
    span = f"{clock_words(start)} and {clock_words(start + HOUR)}"
    said = f"{price(value)} between {span} on {start:%A}{_zone(zone)}"
    usual = reading.usual
    if usual is None:
        return (
            f"{said}. It takes two weeks of usage to learn what is typical; until then, alerts"
            f" start at {price(reading.limit)} an hour."
        )
    if not usual.median:
        return f"{said}; usually $0."
    times = number(Fraction(value, usual.median))
    return f"{said}, {times} times the typical {price(usual.median)} for this hour of the week."


def explained(reading: Measurement) -> str:
    """Why an hour counts as a spike; "" where there is nothing to compare it with."""
    usual = reading.usual
    if usual is None:
        return ""
    threshold = f"Threshold: {price(usual.line)}."
    if not usual.median:
        return f"Most comparable hours in the past 4 weeks had no usage. {threshold}"
    typical = f"{price(usual.median)} ± {price(usual.spread)}"
    return (
        f"Typical for this hour: {typical} (median of {usual.count} comparable hours). {threshold}"
    )


def _credits(value: int, limit: int, pace: SpendPace | None) -> str:
    if value < 0:
        return (
            f"The credit balance is {price(value)}. Below $0 OpenRouter rejects requests, even to"
            " free models, until you add credits."
        )
    left = days_left(value, pace) if pace else None
    lasts = ""
    if left is not None:
        lasts = "less than a day" if left < 1 else f"about {many(left, 'day')}"
        lasts = f". At last week's pace this lasts {lasts}"
    return f"{price(value)} in credits left, below {price(limit)}{lasts}."


def in_words(words: str) -> str:
    """A rule's words as people read them, without its recipient."""
    try:
        return words_shown(rule_of(words))
    except ValueError:
        return words
