"""Alerts on models that are in use and will be retired: `retiring`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

from reports.alerts.draft import RuleDraft, WrongRule
from reports.alerts.draft import rule as make_rule
from reports.alerts.evaluation import AlertEvent, Measurement
from reports.alerts.limits_and_forecast import SpendPace
from reports.alerts.periods import AlertPeriod
from reports.alerts.rule import Recipient, RecipientKind, Rule
from reports.alerts.slack.format import many, price
from reports.alerts.watch import Watch
from reports.analysis.retiring import ModelUser
from reports.time.period import Counted, Period, Unit
from reports.time.time_range import DAY
from reports.usage.dimensions import Dimension, MoneySource
from reports.wording.safe_text import clean

if TYPE_CHECKING:
    from reports.alerts.form_fields import AlertFields

DAYS_BEFORE = (30, 7, 1)
"""Days before the end when messages are sent: a month to choose another model, a week to switch,
and a last reminder."""
STILL = 7 * DAY
"""A model used in this time is still in use, so weekly jobs count."""
MOST_USERS = 3
_NO_WORDS = (
    "An alert on models that will be retired takes no threshold or period. It evaluates each model"
    " and only takes filters."
)
_NO_OWNER = "A model has no owner, so send it to yourself or to a channel."


@dataclass(frozen=True, slots=True)
class Retiring(Watch):
    """A model that is in use has an end date at OpenRouter. Each model is evaluated separately."""

    key = "retiring"
    spellings = (
        "retiring", "retired", "retire", "retires", "retirement", "deprecated", "deprecation",
        "deprecations", "discontinued", "sunset",
    )  # fmt: skip
    nouns = ("model", "models")
    phrases = (
        r"shut down",
        r"(?:switched|turned) off",
        r"(?:(?:reach(?:es)?|hits?) )?(?:its |their )?end[- ]of[- ]life",
        r"end dates?",
        r"go(?:es|ing)? away",
    )
    help = (("alert retiring", "30, 7 and 1 days before a model that is in use is retired"),)
    form_label = "A model in use will be retired"
    shows_current = False

    def words(self) -> str:
        """The watch in the grammar's own words."""
        return "retiring"

    @classmethod
    def check(cls, draft: RuleDraft) -> Rule:
        """The rule for a draft. Raises WrongRule with the rule probably meant."""
        plain = replace(
            draft, by=None, limit=None, sign="", unit=None, percents=(), days=None,
            source=MoneySource.ALL,
        )  # fmt: skip
        if plain != replace(draft, by=None if draft.by is Dimension.MODEL else draft.by):
            raise WrongRule(_NO_WORDS, make_rule(plain, cls()))
        if draft.to is not None and draft.to.kind is RecipientKind.OWNER:
            raise WrongRule(_NO_OWNER, make_rule(replace(plain, to=Recipient()), cls()))
        return make_rule(plain, cls())

    @classmethod
    def form_words(cls, fields: AlertFields, limit: str) -> str:
        """The grammar's words for the form's fields."""
        del fields, limit
        return "retiring"

    def subject_dimension(self, by: Dimension | None) -> Dimension | None:
        """Models, whatever the rule groups by."""
        del by
        return Dimension.MODEL

    def reached(self, value: int, limit: int) -> int:
        """Always 1: only a model that will be retired soon is measured."""
        del value, limit
        return 1

    def question_period(self, measurement: Measurement, zone: str) -> Period:
        """The past 30 days, whose spend the message shows."""
        del measurement, zone
        return Counted(30, Unit.DAY)

    def meaning(self, rule: Rule, zone: str) -> str:
        """When it sends messages."""
        del rule, zone
        *firsts, last = (many(days, "day") for days in DAYS_BEFORE)
        return (
            f"You'll get a message {', '.join(firsts)} and {last} before the last day of each model"
            f" that was used in the past {STILL.days} days."
        )

    def topic(self, event: AlertEvent, zone: str) -> str:
        """The headline, without the model."""
        del zone
        left = _days_left(event.measurement)
        when = "today" if left <= 0 else "tomorrow" if left == 1 else f"in {many(left, 'day')}"
        return f"OpenRouter model retires {when}"

    def sentence(self, event: AlertEvent, zone: str, pace: SpendPace | None) -> str:
        """The model's last day, and that it is still in use."""
        del zone, pace
        return (
            f"Its last day at OpenRouter is {_last_day(event.measurement)}. It was used in the past"
            f" {STILL.days} days."
        )

    def advice(self) -> str:
        """Advice on what to do."""
        return (
            "Move what uses it to another model before then; `whatif` shows what the same tokens"
            " would cost there."
        )

    def ending(self, event: AlertEvent) -> str:
        """The sentence that says that an alert is over."""
        return f"The model's last day at OpenRouter: {_last_day(event.measurement)}."


def stage(ends: date, today: date) -> AlertPeriod | None:
    """The days (UTC) in which a message before a model's last day is due; None if none is.

    The first stage begins 30 days before it and lasts until the second one begins, 7 days before.
    """
    left = (ends - today).days
    if left > DAYS_BEFORE[0] or left < 0:
        return None
    begins = [*(ends - days * DAY for days in DAYS_BEFORE), ends + DAY]
    index = sum(left <= days for days in DAYS_BEFORE) - 1
    start, end = (datetime.combine(one, time(), UTC) for one in begins[index : index + 2])
    return AlertPeriod(start, end)


def retiring(
    subject: str, label: str, ends: date, now: datetime, at: datetime
) -> Measurement | None:
    """Measure a model in use: the number of today compared with that of its last day (UTC).

    None if its last day is more than 30 days ahead, or over. `at` is how fresh the usage is.
    """
    today = now.astimezone(UTC).date()
    period = stage(ends, today)
    if period is None:
        return None
    return Measurement(subject, label, today.toordinal(), ends.toordinal(), at, period)


def users_words(spent: int, users: Sequence[ModelUser]) -> str:
    """What a model cost in the past 30 days (nano-dollars) and who used it, by spend."""
    shown = [f"{clean(one.label, 60)} {price(one.spend)}" for one in users[:MOST_USERS]]
    more = len(users) - len(shown)
    shown += [f"{more} more"] if more > 0 else []
    by = f", by {', '.join(shown)}" if shown else ""
    return f"Spend in the past 30 days: {price(spent)}{by}."


def _days_left(measurement: Measurement) -> int:
    return measurement.limit - (measurement.value or 0)


def _last_day(measurement: Measurement) -> str:
    """The last day of a measured model: `Sat 5 Dec 2026`."""
    day = date.fromordinal(max(measurement.limit, 1))
    return f"{day:%a} {day.day} {day:%b %Y}"
