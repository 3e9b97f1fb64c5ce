"""Alerts on the limits set at OpenRouter, of keys, workspaces and guardrails: `budget 80%`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from reports.alerts.draft import RuleDraft, WrongRule, corrected_rule
from reports.alerts.draft import rule as make_rule
from reports.alerts.evaluation import AlertEvent, EventKind, Measurement
from reports.alerts.limits_and_forecast import SpendLimit, SpendPace, limit_kind
from reports.alerts.message_details import (
    days_chart,
    period_chart,
    period_drivers,
    period_of_question,
)
from reports.alerts.periods import AlertPeriod
from reports.alerts.rule import PERCENTS, Rule
from reports.alerts.slack.format import clock, price, used
from reports.alerts.threshold import Amount
from reports.alerts.watch import ALL_TOGETHER, Watch
from reports.analysis.limits import LimitKind
from reports.analysis.limits_answer import full_words
from reports.time.period import Period
from reports.time.time_range import TimeRange
from reports.usage.dimensions import Dimension, MoneySource
from reports.wording.safe_text import clean
from reports.wording.times import zone_city

if TYPE_CHECKING:
    from reports.alerts.form_fields import AlertFields

GUARDRAILS = (LimitKind.MEMBER_GUARDRAIL, LimitKind.KEY_GUARDRAIL)
_NAMES = {
    LimitKind.KEY: "key limit",
    LimitKind.WORKSPACE: "budget",
    LimitKind.MEMBER_GUARDRAIL: "member guardrail",
    LimitKind.KEY_GUARDRAIL: "key guardrail",
}


@dataclass(frozen=True, slots=True)
class Budget(Watch):
    """A percentage of a limit set at OpenRouter is used.

    That is the limit of a key, the budget of a workspace, or that of a guardrail for a member or a
    key. Their periods are OpenRouter's, which start at midnight UTC.
    """

    percents: tuple[int, ...] = PERCENTS

    key = "budget"
    spellings = ("budget", "budgets", "limit", "limits")
    in_percent = True
    help = (
        (
            "alert budget 80% to owner",
            "for limits set at OpenRouter, guardrails too; sent to you, or `in #finance`",
        ),
    )
    form_label = "A key, member or workspace nears its limit"
    form_limit = ("Notify at", "One or more percentages, like 80% 100%.")
    usual_limit = "80% 100%"
    grows = set_at_openrouter = has_threshold = True

    def words(self) -> str:
        """The watch in the grammar's own words."""
        return " ".join(["budget", *(f"{percent}%" for percent in self.percents)])

    @classmethod
    def check(cls, draft: RuleDraft) -> Rule:
        """The rule for a draft. Raises WrongRule with the rule probably meant."""
        if draft.by is Dimension.MODEL or any(
            one.dimension is Dimension.MODEL for one in draft.filters
        ):
            said = (
                "OpenRouter limits keys, members and workspaces, but not models, so this would"
                " never trigger."
            )
            filters = tuple(one for one in draft.filters if one.dimension is not Dimension.MODEL)
            raise WrongRule(said, corrected_rule(replace(draft, by=Dimension.KEY, filters=filters)))
        if draft.source is not MoneySource.ALL:
            raise WrongRule(
                "OpenRouter decides what counts toward a limit.",
                corrected_rule(replace(draft, source=MoneySource.ALL)),
            )
        if draft.unit is not None:
            raise WrongRule(
                "OpenRouter decides when a limit resets.", corrected_rule(replace(draft, unit=None))
            )
        parts = cls(_percents(draft))
        if draft.sign == "<":
            said = "A budget alert triggers when a percentage of the limit is used."
            raise WrongRule(said, make_rule(draft, parts))
        return make_rule(draft, parts)

    @classmethod
    def form_words(cls, fields: AlertFields, limit: str) -> str:
        """The grammar's words for the form's fields."""
        del fields
        return f"budget {limit}"

    def form_values(self) -> Mapping[str, str]:
        """The fields of the form that this kind sets."""
        return {"limit": " ".join(f"{percent}%" for percent in self.percents)}

    @classmethod
    def form_dimensions(cls, what: str) -> tuple[str, ...]:
        """The form's choices of what to evaluate separately."""
        del what
        return (ALL_TOGETHER, Dimension.KEY, Dimension.CREATOR)

    @property
    def has_owner(self) -> bool:
        """The owner of a limit is its key's creator, or the member that it is for."""
        return True

    def reached(self, value: int, limit: int) -> int:
        """The number of percentages that are reached."""
        if limit <= 0:
            return 0
        return sum(value * 100 >= percent * limit for percent in self.percents)

    def driver_periods(self, measurement: Measurement) -> tuple[AlertPeriod, AlertPeriod] | None:
        """The period so far, and the same part of the one before."""
        return period_drivers(measurement)

    def chart_range(self, measurement: Measurement, zone: str) -> TimeRange | None:
        """The buckets of the period so far, by OpenRouter's calendar."""
        if measurement.period is None:
            return days_chart(measurement.at, zone)
        return period_chart(measurement.period, measurement.at, "UTC")

    def question_period(self, measurement: Measurement, zone: str) -> Period:
        """The same period."""
        return period_of_question(measurement, zone)

    def meaning(self, rule: Rule, zone: str) -> str:
        """When it sends messages."""
        del zone
        parts = " and ".join(f"{percent}%" for percent in self.percents)
        what = "every limit and budget"
        if rule.by is Dimension.CREATOR:
            what = "each member's guardrail budget"
        elif rule.by:
            what = "each key's limit and guardrail budget"
        elif rule.filters:
            what = "the limits and guardrail budgets"
        said = f"Alerts at {parts} of {what} set at OpenRouter"
        if rule.filters:
            said += f", for {', '.join(clean(str(one), 80) for one in rule.filters)}"
        return f"{said}."

    def already(self) -> str:
        """What follows "It's"."""
        return f"already at {self.percents[0]}% or more"

    def current(self, measurement: Measurement) -> str:
        """How much of the limit is used."""
        return used(measurement)

    def topic(self, event: AlertEvent, zone: str) -> str:
        """The headline, without the subject."""
        del zone
        step, percents = event.step, self.percents
        part = percents[min(step, len(percents)) - 1] if step else percents[0]
        passed = (event.measurement.value or 0) * 100 > part * event.measurement.limit
        name = _NAMES[limit_kind(event.measurement.subject)]
        return f"OpenRouter {name} {'more than ' if passed else ''}{part}% used"

    def sentence(self, event: AlertEvent, zone: str, pace: SpendPace | None) -> str:
        """How much is used, and whether it lasts until the limit resets."""
        measurement, now = event.measurement, event.at
        said, ends = used(measurement), measurement.period.end if measurement.period else None
        if ends and not measurement.part:
            return f"{said}. The limit has reset since."
        resets = f"resets {_on(ends, now, zone)}" if ends else ""
        if (measurement.value or 0) >= measurement.limit:
            until = f" until it {resets}" if ends else ""
            return f"{said}. OpenRouter may reject requests{until}."
        if pace is None:
            return f"{said}. It {resets}." if ends else f"{said}."
        if pace.full:
            when = full_words(pace.full, now, zone, resets=ends is not None)
            return f"{said}. At the usual pace, it is full about {when}, {zone_city(zone)} time."
        lasts = f"until it {resets}" if ends else "for more than three months"
        return f"{said}. At the usual pace, it lasts {lasts}."

    def ending(self, event: AlertEvent) -> str:
        """The sentence that says that an alert is over."""
        if event.kind is EventKind.ENDED:
            return f"The limit has reset. Final usage: {used(event.measurement)}."
        return f"The limit is now {price(event.measurement.limit)}: {used(event.measurement)}."


def budget(
    cap: SpendLimit,
    period: AlertPeriod | None,
    used_since: int | None,
    at: datetime,
    label: str = "",
) -> Measurement:
    """Measure a limit in one period.

    `used_since` is the usage (nano-dollars) since OpenRouter reported the limit, or of the whole
    period if that report was before it; None if unknown. `at` is how fresh it is. `label` names the
    limit for the rule's owner; by default, it is the limit's own.
    """
    value = used_since
    if cap.used is not None and cap.reported_in(period):
        value = cap.used + (used_since or 0)
    part = period is None or at < period.end
    return Measurement(
        cap.subject, label or cap.label, value, cap.limit, at, period, part, creator=cap.creator
    )


def limit_words(kind: LimitKind, reset: str, *, byok: bool) -> str:
    """A sentence about the kind of limit, when it resets, and what counts toward it."""
    what = {
        LimitKind.KEY: "limit of this API key",
        LimitKind.WORKSPACE: "budget of a workspace",
        LimitKind.MEMBER_GUARDRAIL: "budget that a guardrail gives this member",
        LimitKind.KEY_GUARDRAIL: "budget that a guardrail gives this API key",
    }[kind]
    said = f"{reset} {what}" if reset else f"{what} that never resets"
    counts = "counts too" if byok else "doesn't count"
    return f"{said[:1].upper()}{said[1:]}, set at OpenRouter. BYOK spend {counts}."


def _on(moment: datetime, now: datetime, zone: str) -> str:
    shown = clock(moment, now, zone)
    shown = shown if shown.startswith("today") else f"on {shown}"
    return f"{shown} ({zone_city(zone)})"


def _percents(draft: RuleDraft) -> tuple[int, ...]:
    """The percentages, lowest first. Raises WrongRule if one isn't from 1 to 100."""
    typed = [*draft.percents, *([draft.limit] if draft.limit else [])]
    found = tuple(sorted({_whole(one) for one in typed})) or PERCENTS
    for one in typed:
        _check_percent(one, make_rule(draft, Budget(found)))
    return found


def _whole(found: Amount) -> int:
    return min(max(int(abs(found.value)), 1), 100)


def _check_percent(found: Amount, meant: Rule) -> None:
    typed = clean(found.typed, 20)
    if found.dollars or found.currency:
        said = f"Limits are set at OpenRouter. Here, use a percentage instead of “{typed}”."
        raise WrongRule(said, replace(meant, watch=Budget()))
    if not found.percent:
        raise WrongRule(f"Is “{typed}” a percentage? Then write it with a percent sign.", meant)
    if found.value > 100:
        said = f"Usage can't exceed 100% of a limit, so “{typed}” would never trigger."
        raise WrongRule(said, meant)
    if found.value != _whole(found) or found.comma:
        raise WrongRule(f"Use a whole percentage from 1% to 100%, not “{typed}”.", meant)
