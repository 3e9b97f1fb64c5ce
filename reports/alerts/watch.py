"""What an alert rule watches: the base class of all kinds.

Each kind is one subclass in `reports/alerts/kinds/` and is listed in `registry.KINDS`. Everything
else asks the kind: the grammar, the form, the evaluation and the messages have no list of kinds of
their own. The figures of a kind are read from the cache by `bot/alerts/kinds/`.
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
    from reports.time.timerange import TimeRange

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
    """Regular expressions for what people say in plain words instead of the kind's word."""
    dimensions: ClassVar[tuple[Dimension, ...]] = ()
    """The dimensions one of which follows the kind's word, as in `new model`."""
    nouns: ClassVar[tuple[str, ...]] = ()
    """The words that may stand right before the kind's word, as in `key unused`."""
    takes_days: ClassVar[bool] = False
    """Whether a number of days may follow, as in `unused 60d`."""
    takes_metric: ClassVar[bool] = False
    """Whether a metric may follow, which says nothing more: `forecast spend`."""
    in_percent: ClassVar[bool] = False
    """Whether its thresholds are percentages."""

    # -- the help and the form

    help: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Commands (without the slash command) for the help, and what each of them does."""
    form_label: ClassVar[str]
    form_limit: ClassVar[tuple[str, str] | None] = None
    """The label and the hint of the threshold's input; None for no threshold."""
    usual_limit: ClassVar[str] = ""
    """What the threshold's input holds at first."""
    form_metrics: ClassVar[tuple[str, ...]] = ()
    has_unit: ClassVar[bool] = False
    has_filters: ClassVar[bool] = True
    has_zone: ClassVar[bool] = False
    """Whether its periods are those of the rule's time zone."""
    in_zone_of_organization: ClassVar[bool] = False
    """Whether that zone is by default the organization's, as in answers, and not its owner's."""

    # -- what it measures

    from_usage: ClassVar[bool] = True
    """Whether it is measured from synced usage, which may be missing or out of date."""
    whole_organization: ClassVar[bool] = False
    """Whether it has a single subject, the organization, and no owner."""
    set_at_openrouter: ClassVar[bool] = False
    """Whether its limits are set at OpenRouter, whose periods begin at midnight UTC."""
    admins_only: ClassVar[bool] = False
    """Whether people who may only see their own usage can't have it."""
    hides_nothing: ClassVar[bool] = False
    """Whether its figures are the same for everyone, however little usage they may see."""
    happens_once: ClassVar[bool] = False
    """Whether a subject triggers it at most once, so that nothing newer is known afterwards."""
    below: ClassVar[bool] = False
    """Whether it triggers below its limit."""
    is_level: ClassVar[bool] = False
    """Whether its figure moves both ways, instead of growing through a period."""
    compares_hours: ClassVar[bool] = False
    """Whether each hour has a limit of its own, made from earlier hours."""
    grows: ClassVar[bool] = False
    """Whether its chart shows a sum that grows towards the limit."""
    slow_by_member: ClassVar[bool] = False
    """Whether measuring each member of a dimension takes too long to do it while someone waits."""

    # -- the messages

    names_subject: ClassVar[bool] = True
    """Whether headlines say whose usage it is."""
    has_threshold: ClassVar[bool] = False
    """Whether its messages offer to change the threshold."""
    shows_current: ClassVar[bool] = True
    """Whether a rule's card shows the figures of subjects that haven't triggered."""
    has_details: ClassVar[bool] = True
    """Whether there is usage behind it that a question can show."""
    question_kind: ClassVar[QueryKind] = QueryKind.USAGE
    """The kind of the question that shows more of it."""

    @abstractmethod
    def words(self) -> str:
        """The watch in the grammar's own words."""

    @classmethod
    @abstractmethod
    def check(cls, draft: RuleDraft) -> Rule:
        """The rule of a draft of this kind. Raises WrongRule with the rule probably meant."""

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
        """The unit of time that its limit is for; None where it has none."""
        return None

    def with_limit(self, limit: int) -> Watch:
        """The same watch with another limit; itself if its limit isn't its own."""
        del limit
        return self

    def same_but_limit(self, other: Watch) -> bool:
        """Whether another watch differs at most by its threshold."""
        return type(self) is type(other)

    def subject_dimension(self, by: Dimension | None) -> Dimension | None:
        """Which dimension its subjects are members of; `by` is the rule's."""
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
        """How many of its thresholds a value has passed, from 0."""
        return int(value > limit)

    def farther(self, value: int, peak: int) -> int:
        """Whichever of two values is farther past the limit."""
        return max(value, peak)

    def is_clear(self, value: int, limit: int, *, unfinished: bool) -> bool:
        """Whether a level is clearly on the right side of the limit again: by a tenth.

        `unfinished`: the measured hour still runs.
        """
        del unfinished
        return value * 10 <= limit * 9

    def pace_period(self, measurement: Measurement) -> AlertPeriod | None:
        """The period just before now over which the current pace is measured; None: no pace."""
        del measurement
        return None

    def driver_periods(self, measurement: Measurement) -> tuple[AlertPeriod, AlertPeriod] | None:
        """The period to find the drivers in and the one to compare with; None: no drivers."""
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
        """What follows "It's" where the threshold is passed from the start; "" for nothing."""
        return ""

    def current(self, measurement: Measurement) -> str:
        """The current figure, as a rule's card shows it."""
        del measurement
        return ""

    @abstractmethod
    def topic(self, event: AlertEvent, zone: str) -> str:
        """The headline without whose usage it is, in plain text."""

    @abstractmethod
    def sentence(self, event: AlertEvent, zone: str, pace: SpendPace | None) -> str:
        """The figure, its limit, and where the current pace leads, in plain text."""

    def explanation(self, event: AlertEvent) -> str:
        """What the figure is compared with or measured by, in plain text; "" for nothing."""
        del event
        return ""

    def advice(self) -> str:
        """What to do about it, in plain text; "" for nothing."""
        return ""

    @abstractmethod
    def ending(self, event: AlertEvent) -> str:
        """The sentence that says that an alert is over, in plain text."""
