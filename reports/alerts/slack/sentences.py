"""Describes alerts: what passed which limit, how much is left, when it will run out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from heapq import nlargest

from reports.alerts.evaluation import AlertEvent, Measurement
from reports.alerts.grammar import rule_of
from reports.alerts.limits_and_forecast import SpendPace
from reports.alerts.rule import Recipient, RecipientKind, Rule
from reports.wording.safe_text import clean

WHOLE = "whole organization"
NAME = 80


def title(event: AlertEvent, rule: Rule, zone: str) -> str:
    """The headline of an alert: what passed which limit, and for which subject."""
    about, measurement = topic(event, rule, zone), event.measurement
    if not rule.watch.names_subject:
        return about
    return f"{about}: {subject(rule, measurement)}"


def topic(event: AlertEvent, rule: Rule, zone: str) -> str:
    """The headline of an alert without its subject."""
    return rule.watch.topic(event, zone)


def share_of_limit(measurement: Measurement) -> Fraction:
    """The value of a measurement relative to its limit, to sort by."""
    return Fraction(measurement.value or 0, max(measurement.limit, 1))


def nearest(measurements: Iterable[Measurement], count: int) -> list[Measurement]:
    """The measurements closest to their limits or farthest above them, these first."""
    return nlargest(count, measurements, key=_share)


def _share(measurement: Measurement) -> int:
    # whole numbers, which compare many times faster than fractions; shares of limits below 2^63
    # differ by more than 2^-126, so no two of them become equal
    return ((measurement.value or 0) << 128) // max(measurement.limit, 1)


def subject(rule: Rule, measurement: Measurement) -> str:
    """The subject of a measurement, for people (plain text)."""
    if measurement.subject:
        return clean(measurement.label, NAME)
    if rule.filters:
        only = ", ".join(str(one) for one in rule.filters if not one.exclude)
        without = ", ".join(str(one)[1:] for one in rule.filters if one.exclude)
        words = f"{only} without {without}" if without else only
        return clean(words.strip(), NAME)
    return WHOLE


def sentence(event: AlertEvent, rule: Rule, zone: str, pace: SpendPace | None = None) -> str:
    """The figure, its limit, what is left, and the projection at the current pace."""
    return rule.watch.sentence(event, zone, pace)


def ending(event: AlertEvent, rule: Rule) -> str:
    """The sentence that says that an alert is over."""
    return rule.watch.ending(event)


def words_shown(rule: Rule) -> str:
    """A rule's words without its recipient, which messages show as a mention."""
    return replace(rule, to=Recipient()).words()


def recipient(rule: Rule, owner: str) -> str:
    """Who gets an alert, in mrkdwn."""
    match rule.to.kind:
        case RecipientKind.CHANNEL:
            return f"in <#{rule.to.channel}>"
        case RecipientKind.OWNER:
            return "to the creator"
    return f"to <@{owner}>"


def in_words(words: str) -> str:
    """A rule's words for people to read, without its recipient."""
    try:
        return words_shown(rule_of(words))
    except ValueError:
        return words
