"""Alerts on prompt caching that stops working: `cache < 50% by key`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from typing import TYPE_CHECKING

from reports.alerts.draft import RuleDraft, WrongRule
from reports.alerts.draft import rule as make_rule
from reports.alerts.evaluation import AlertEvent, Measurement
from reports.alerts.limits_and_forecast import SpendPace
from reports.alerts.periods import AlertPeriod
from reports.alerts.rule import Rule
from reports.alerts.slack.format import for_each, many, price
from reports.alerts.threshold import Amount
from reports.alerts.watch import ALL_TOGETHER, Watch
from reports.questions.query import QueryKind
from reports.time.period import Counted, Period, Unit
from reports.time.time_range import DAY, HOUR, Granularity, floor
from reports.usage.dimensions import STORED, MoneySource
from reports.usage.format import percent
from reports.usage.usage import Usage
from reports.wording.safe_text import clean

if TYPE_CHECKING:
    from reports.alerts.form_fields import AlertFields

HOURS = 3
"""The share is that of the past 3 hours: one hour has too few requests to be meaningful."""
USUAL = 7 * DAY
"""It is compared with the week before, which contains each weekday once."""
FEWEST_TOKENS = 20_000
"""With fewer prompt tokens in the 3 hours, a single long prompt could determine the share."""
HUNDREDTHS = 10_000
"""The share of all tokens: shares are measured in hundredths of a percent."""


@dataclass(frozen=True, slots=True)
class Cache(Watch):
    """The share of prompt tokens that come from a cache falls below a percentage."""

    percent: int

    key = "cache"
    spellings = ("cache", "caching", "cached")
    phrases = (r"cache (?:hit )?(?:share|rate|ratio)", r"(?:prompt )?caching (?:share|rate)")
    takes_metric = in_percent = True
    question_kind = QueryKind.CACHE
    help = (("alert cache < 50% by key", "when prompt caching stops working, and what that costs"),)
    form_label = "Prompt caching falls below a share"
    form_limit = ("Share of prompt tokens below", "A percentage, like 50%.")
    usual_limit = "50%"
    below = is_level = has_threshold = True

    def words(self) -> str:
        """The watch in the grammar's own words."""
        return f"cache < {self.percent}%"

    @classmethod
    def check(cls, draft: RuleDraft) -> Rule:
        """The rule for a draft. Raises WrongRule with the rule probably meant."""
        typed = [*draft.percents, *([draft.limit] if draft.limit else [])]
        meant = make_rule(replace(draft, source=MoneySource.ALL), cls(_whole(typed)))
        if not typed:
            raise WrongRule("Below which share? For example, `cache < 50%`.", meant)
        if len(typed) > 1:
            raise WrongRule("A cache alert takes one percentage. Set up a second alert.", meant)
        [one] = typed
        if not one.percent:
            said = f"Is “{clean(one.typed, 20)}” a percentage? Then write it with a percent sign."
            raise WrongRule(said, meant)
        if one.value != _whole(typed) or one.comma:
            said = f"Use a whole percentage from 1% to 99%, not “{clean(one.typed, 20)}”."
            raise WrongRule(said, meant)
        if draft.sign != "<":
            raise WrongRule("An alert on caching needs a lower limit, with `<`.", meant)
        if draft.unit or draft.source is not MoneySource.ALL:
            said = f"The share is always that of the past {HOURS} hours, of all prompt tokens."
            raise WrongRule(said, meant)
        return meant

    @classmethod
    def form_words(cls, fields: AlertFields, limit: str) -> str:
        """The grammar's words for the form's fields."""
        del fields
        return f"cache < {limit}"

    def form_values(self) -> Mapping[str, str]:
        """The fields of the form that this kind sets."""
        return {"limit": f"{self.percent}%"}

    @classmethod
    def form_dimensions(cls, what: str) -> tuple[str, ...]:
        """The form's choices of what to evaluate separately."""
        del what
        return (ALL_TOGETHER, *STORED)

    def with_limit(self, limit: int) -> Cache:
        """The same watch with another limit, in hundredths of a percent."""
        return replace(self, percent=limit * 100 // HUNDREDTHS)

    def same_but_limit(self, other: Watch) -> bool:
        """Whether another watch differs at most by its percentage."""
        return isinstance(other, Cache)

    def reached(self, value: int, limit: int) -> int:
        """Whether the share is below the limit."""
        return int(value < limit)

    def farther(self, value: int, peak: int) -> int:
        """The lower of two shares."""
        return min(value, peak)

    def is_clear(self, value: int, limit: int, *, unfinished: bool) -> bool:
        """Whether the share is clearly above the limit again.

        That is by a tenth of the limit, or for high limits by half of the rest to 100%.
        """
        del unfinished
        return value >= limit + min(limit // 10, (HUNDREDTHS - limit) // 2)

    def question_period(self, measurement: Measurement, zone: str) -> Period:
        """The past week and today, which show the drop."""
        del measurement, zone
        return Counted(7, Unit.DAY)

    def meaning(self, rule: Rule, zone: str) -> str:
        """When it sends messages."""
        del zone
        return (
            f"You'll get a message when the share of cached prompt tokens{for_each(rule)} over"
            f" {HOURS} hours falls below {self.percent}%, if it was above that in the week before,"
            " and when it's back. Usage for which OpenRouter reports no cached tokens doesn't"
            " count."
        )

    def already(self) -> str:
        """What follows "It's"."""
        return "already below the limit"

    def current(self, measurement: Measurement) -> str:
        """The current share."""
        return f"{_share(measurement.value or 0)} of prompt tokens cached"

    def topic(self, event: AlertEvent, zone: str) -> str:
        """The headline, without the subject."""
        del event, zone
        return f"OpenRouter prompt caching below {self.percent}%"

    def sentence(self, event: AlertEvent, zone: str, pace: SpendPace | None) -> str:
        """The share and its limit."""
        del zone, pace
        share = _share(event.measurement.value or 0)
        return (
            f"{share} of prompt tokens came from a cache in the past {HOURS} hours; the limit is"
            f" {self.percent}%."
        )

    def ending(self, event: AlertEvent) -> str:
        """The sentence that says that an alert is over."""
        share = _share(event.measurement.value or 0)
        return (
            f"{share} of prompt tokens came from a cache in the past {HOURS} hours, above the"
            f" {self.percent}% limit again."
        )


def cache_periods(at: datetime) -> tuple[AlertPeriod, AlertPeriod]:
    """The hours up to a time (UTC) whose share is measured, and the week before them.

    The week starts on the hour, because minutes that old may not be stored.
    """
    start = at - HOURS * HOUR
    return AlertPeriod(start, at), AlertPeriod(floor(start - USUAL, Granularity.HOUR), start)


def cache_share(
    rule: Rule,
    subject: str,
    label: str,
    used: Usage,
    usual: Usage | None,
    at: datetime,
    creator: str = "",
) -> Measurement:
    """Measure the share of cached prompt tokens, in hundredths of a percent.

    The value is None with fewer than `FEWEST_TOKENS` prompt tokens, and if the share was also below
    the limit in the week before (`usual`, which is None if the alert has already triggered and only
    its end is checked for).
    """
    limit = rule.watch.percent * HUNDREDTHS // 100 if isinstance(rule.watch, Cache) else 0
    value: int | None = None
    if used.prompt >= FEWEST_TOKENS and (usual is None or _part(usual) >= limit):
        value = _part(used)
    return Measurement(subject, label, value, limit, at, creator=creator)


def cache_words(used: Usage, usual: Usage, *, saving_known: bool) -> str:
    """The usual share, and the hourly cost of the drop, based on what a cached token usually
    saved."""
    if not usual.prompt:
        return ""
    said = f"Usually {_share(_part(usual))} (the {many(USUAL.days, 'day')} before)."
    missing = Fraction(usual.cached * used.prompt, usual.prompt) - used.cached
    if not saving_known or missing <= 0 or usual.cached <= 0 or usual.saved <= 0:
        return said
    cost = round(missing * Fraction(usual.saved, usual.cached) / HOURS)
    return f"{said} The difference costs about {price(cost)} an hour."


def _part(usage: Usage) -> int:
    return usage.cached * HUNDREDTHS // usage.prompt if usage.prompt else 0


def _share(value: int) -> str:
    return percent(Fraction(value, HUNDREDTHS))


def _whole(typed: list[Amount]) -> int:
    """The percentage probably meant: the first one from 1 to 99; 50 if there is none."""
    return min(max(int(abs(typed[0].value)), 1), 99) if typed else 50
