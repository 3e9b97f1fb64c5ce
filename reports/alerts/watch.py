"""The base class of all kinds of alerts: what a rule watches.

Each kind is one subclass in `reports/alerts/kinds/` and is listed in `registry.KINDS`. The grammar,
the form, the evaluation and the messages call the kind's methods and have no lists of kinds
themselves. `bot/alerts/kinds/` reads the figures of a kind from the cache.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from reports.questions.query import QueryKind
from reports.time.period import Calendar, Counted, Period, Unit
from reports.usage.dimensions import Dimension, Filter, Metric, MoneySource

if TYPE_CHECKING:
    from reports.alerts.draft import RuleDraft
    from reports.alerts.evaluation import AlertEvent, Measurement
    from reports.alerts.form_fields import AlertFields
    from reports.alerts.limits_and_forecast import SpendPace
    from reports.alerts.needed_usage import Needed
    from reports.alerts.periods import AlertPeriod
    from reports.alerts.rule import Rule
    from reports.time.time_range import TimeRange

ALL_TOGETHER = "all"
"""The form's value for evaluating everything combined, not each member of a dimension."""


class Watch(ABC):
    """One kind of alert with its settings, a frozen value.

    The class attributes and defaults describe the most common kind: a usage figure that is
    compared with an upper limit.
    """

    __slots__ = ()

    # -- the words of a command

    key: ClassVar[str]
    """The kind's name in drafts and form values; stored in forms, so it must not change."""
    spellings: ClassVar[tuple[str, ...]] = ()
    """The words that name this kind after `alert`, in lower case."""
    phrases: ClassVar[tuple[str, ...]] = ()
    """Regular expressions for natural language that means this kind."""
    dimensions: ClassVar[tuple[Dimension, ...]] = ()
    """The dimensions that can follow the kind's word, as in `new model`; one must."""
    nouns: ClassVar[tuple[str, ...]] = ()
    """The words that may stand right before the kind's word, as in `key unused`."""
    takes_days: ClassVar[bool] = False
    """Whether a number of days may follow, as in `unused 60d`."""
    takes_metric: ClassVar[bool] = False
    """Whether a metric may follow, without changing the meaning: `forecast spend`."""
    in_percent: ClassVar[bool] = False
    """Whether its thresholds are percentages."""

    # -- the help and the form

    help: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Commands (without the slash command) for the help, and what they do."""
    form_label: ClassVar[str]
    form_limit: ClassVar[tuple[str, str] | None] = None
    """The label and hint of the threshold's input; None if there is no threshold."""
    usual_limit: ClassVar[str] = ""
    """The initial value of the threshold's input."""
    form_metrics: ClassVar[tuple[str, ...]] = ()
    has_unit: ClassVar[bool] = False
    has_filters: ClassVar[bool] = True
    has_zone: ClassVar[bool] = False
    """Whether its periods follow the rule's time zone."""
    in_zone_of_organization: ClassVar[bool] = False
    """Whether that zone defaults to the organization's, as in answers, instead of its owner's."""

    # -- what it measures

    from_usage: ClassVar[bool] = True
    """Whether it is measured from synced usage, which may be incomplete or out of date."""
    whole_organization: ClassVar[bool] = False
    """Whether it has a single subject, the organization, and no owner."""
    set_at_openrouter: ClassVar[bool] = False
    """Whether its limits are set at OpenRouter, whose periods start at midnight UTC."""
    admins_only: ClassVar[bool] = False
    """Whether it isn't available to people who may only see their own usage."""
    hides_nothing: ClassVar[bool] = False
    """Whether its figures are the same for everyone, however little usage they may see."""
    happens_once: ClassVar[bool] = False
    """Whether a subject triggers it at most once, so that there are no newer figures."""
    below: ClassVar[bool] = False
    """Whether it triggers below its limit."""
    is_level: ClassVar[bool] = False
    """Whether its figure can rise and fall, instead of only growing within a period."""
    compares_hours: ClassVar[bool] = False
    """Whether each hour has its own limit, computed from earlier hours."""
    grows: ClassVar[bool] = False
    """Whether its chart shows a sum that grows toward the limit."""
    slow_by_member: ClassVar[bool] = False
    """Whether measuring each member of a dimension takes too long while someone waits."""

    # -- the messages

    names_subject: ClassVar[bool] = True
    """Whether headlines name the subject."""
    has_threshold: ClassVar[bool] = False
    """Whether its messages offer to change the threshold."""
    shows_current: ClassVar[bool] = True
    """Whether a rule's card shows the figures of subjects that haven't triggered."""
    has_details: ClassVar[bool] = True
    """Whether a question can show the usage behind it."""
    question_kind: ClassVar[QueryKind] = QueryKind.USAGE
    """The kind of the question that shows more about it."""

    @abstractmethod
    def words(self) -> str:
        """The watch in the grammar's own words."""

    @classmethod
    @abstractmethod
    def check(cls, draft: RuleDraft) -> Rule:
        """The rule for a draft of this kind. Raises WrongRule with the rule probably meant."""

    @classmethod
    @abstractmethod
    def form_words(cls, fields: AlertFields, limit: str) -> str:
        """The grammar's words for the form's fields; `limit` is the threshold as typed."""

    def form_values(self) -> Mapping[str, Any]:
        """The fields of the form (by their names in AlertFields) that this kind sets."""
        return {}

    @classmethod
    def in_dollars(cls, metric: str) -> bool:
        """Whether a threshold typed without a unit is in dollars; `metric` is the form's."""
        del metric
        return cls.form_limit is not None and not cls.in_percent

    @classmethod
    def form_dimensions(cls, what: str) -> tuple[str, ...]:
        """The form's choices of what to evaluate separately; `what` is the form's dimension."""
        del what
        return ()

    @property
    def measured(self) -> Metric:
        """The metric of its figures and of the usage behind them."""
        return Metric.SPEND

    @property
    def money_source(self) -> MoneySource:
        """Which spend counts."""
        return MoneySource.ALL

    @property
    def of_spend(self) -> bool:
        """Whether only spend can trigger it, so that free models never do."""
        return False

    @property
    def has_owner(self) -> bool:
        """Whether its subjects have an owner whatever the rule groups by."""
        return False

    @property
    def limit_unit(self) -> Unit | None:
        """The unit of time that its limit is for; None if it has none."""
        return None

    def with_limit(self, limit: int) -> Watch:
        """The same watch with another limit; itself if its limit isn't its own."""
        del limit
        return self

    def same_but_limit(self, other: Watch) -> bool:
        """Whether another watch differs at most by its threshold."""
        return type(self) is type(other)

    def subject_dimension(self, by: Dimension | None) -> Dimension | None:
        """The dimension of its subjects; `by` is the rule's."""
        return by

    def needed(
        self,
        by: Dimension | None,
        filters: tuple[Filter, ...],
        zone: str,
        since: datetime,
        now: datetime,
    ) -> tuple[Needed, ...]:
        """The usage that has to be fetched; see `needed_usage.needed`."""
        del by, filters, zone, since, now
        return ()

    def reached(self, value: int, limit: int) -> int:
        """The number of its thresholds that a value has passed, from 0."""
        return int(value > limit)

    def farther(self, value: int, peak: int) -> int:
        """The value of two that is farther past the limit."""
        return max(value, peak)

    def is_clear(self, value: int, limit: int, *, unfinished: bool) -> bool:
        """Whether a level has clearly recovered, by a tenth of the limit.

        `unfinished`: the measured hour isn't over.
        """
        del unfinished
        return value * 10 <= limit * 9

    def pace_period(self, measurement: Measurement) -> AlertPeriod | None:
        """The most recent period, over which the current pace is measured; None for no pace."""
        del measurement
        return None

    def driver_periods(self, measurement: Measurement) -> tuple[AlertPeriod, AlertPeriod] | None:
        """The period to find the drivers in and the one to compare with; None for no drivers."""
        del measurement
        return None

    def chart_range(self, measurement: Measurement, zone: str) -> TimeRange | None:
        """The buckets of the chart; None for no chart."""
        del measurement, zone
        return None

    def question_period(self, measurement: Measurement, zone: str) -> Period:
        """The period of the question that shows more of an alert."""
        del measurement, zone
        return Counted(1, Unit.WEEK) if self.happens_once else Calendar(Unit.MONTH)

    @abstractmethod
    def meaning(self, rule: Rule, zone: str) -> str:
        """When it sends messages, in a sentence of plain text."""

    def already(self) -> str:
        """The words after "It's" if the threshold is already passed; "" if there is nothing to
        say."""
        return ""

    def current(self, measurement: Measurement) -> str:
        """The current figure, as a rule's card shows it."""
        del measurement
        return ""

    @abstractmethod
    def topic(self, event: AlertEvent, zone: str) -> str:
        """The headline, without the subject, in plain text."""

    @abstractmethod
    def sentence(self, event: AlertEvent, zone: str, pace: SpendPace | None) -> str:
        """The figure, its limit, and the projection at the current pace, in plain text."""

    def explanation(self, event: AlertEvent) -> str:
        """What the figure is compared with or measured by, in plain text; "" if there is nothing to
        say."""
        del event
        return ""

    def advice(self) -> str:
        """Advice on what to do, in plain text; "" if there is none."""
        return ""

    @abstractmethod
    def ending(self, event: AlertEvent) -> str:
        """The sentence that says that an alert is over, in plain text."""
