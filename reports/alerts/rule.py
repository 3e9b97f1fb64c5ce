"""Alert rules: what is watched, whose usage, who gets the messages. Money is in nano-dollars."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reports.time.period import Unit
from reports.usage.dimensions import Dimension, Filter, Metric, MoneySource
from reports.usage.usage import NANO, exact_money

SPIKE_FLOOR = 5 * NANO
"""The default minimum of an hourly spike: less isn't worth a message."""
STALE_AFTER = 3_600
PERCENTS = (80, 100)


@dataclass(frozen=True, slots=True)
class Above:
    """The sum of a period exceeds a limit: nano-dollars, tokens or requests.

    The period is an hour, day, week (from Monday) or month of the rule's zone.
    """

    metric: Metric
    limit: int
    unit: Unit
    source: MoneySource = MoneySource.ALL

    def words(self) -> str:
        """The watch in the grammar's own words."""
        source = "" if self.source is MoneySource.ALL else f" {self.source}"
        return f"{self.metric}{source} > {amount(self.metric, self.limit)} per {self.unit}"


@dataclass(frozen=True, slots=True)
class Budget:
    """Percentages of a key's limit or a workspace's budget set at OpenRouter are used.

    Their periods are OpenRouter's, which begin at midnight UTC.
    """

    percents: tuple[int, ...] = PERCENTS

    def words(self) -> str:
        """The watch in the grammar's own words."""
        return " ".join(["budget", *(f"{percent}%" for percent in self.percents)])


@dataclass(frozen=True, slots=True)
class Spike:
    """An hour costs far more than its hour of the week usually does, and at least `floor`."""

    floor: int = SPIKE_FLOOR

    def words(self) -> str:
        """The watch in the grammar's own words."""
        return "spike" if self.floor == SPIKE_FLOOR else f"spike > {exact_money(self.floor)}"


@dataclass(frozen=True, slots=True)
class Credits:
    """The balance of purchased credits falls below a limit in nano-dollars."""

    limit: int

    def words(self) -> str:
        """The watch in the grammar's own words."""
        return f"credits < {exact_money(self.limit)}"


@dataclass(frozen=True, slots=True)
class New:
    """A model or a key is used for the first time."""

    what: Dimension

    def words(self) -> str:
        """The watch in the grammar's own words."""
        return f"new {self.what}"


@dataclass(frozen=True, slots=True)
class Forecast:
    """The month is on track to exceed a limit in nano-dollars."""

    limit: int
    source: MoneySource = MoneySource.ALL

    def words(self) -> str:
        """The watch in the grammar's own words."""
        source = "" if self.source is MoneySource.ALL else f"{self.source} "
        return f"forecast {source}> {exact_money(self.limit)} per month"


@dataclass(frozen=True, slots=True)
class Stale:
    """The data is older than a number of seconds."""

    limit: int = STALE_AFTER

    def words(self) -> str:
        """The watch in the grammar's own words."""
        return "sync"


Watch = Above | Budget | Spike | Credits | New | Forecast | Stale


class RecipientKind(StrEnum):
    """Who gets an alert: the rule's owner, the creator it is about, or a channel."""

    ME = "me"
    OWNER = "owner"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who gets an alert; a channel by its id, and its name if known.

    A channel without an id is the one in which it was typed.
    """

    kind: RecipientKind = RecipientKind.ME
    channel: str = ""
    name: str = ""

    def words(self) -> str:
        """The recipient as it is typed."""
        if self.kind is RecipientKind.CHANNEL:
            if not self.channel:
                return "here"
            return f"in <#{self.channel}|{self.name}>"
        return f"to {self.kind}"


@dataclass(frozen=True, slots=True)
class Rule:
    """An alert rule. Without a zone, its periods are in its owner's.

    With `by`, each member of the dimension is evaluated separately, else everything that matches
    the filters combined. Urgent alerts are sent during quiet hours too.
    """

    watch: Watch
    by: Dimension | None = None
    filters: tuple[Filter, ...] = ()
    to: Recipient = Recipient()
    urgent: bool = False
    zone: str | None = None

    def words(self) -> str:
        """The rule in the grammar's own words, without `alert`, so that reading them gives it."""
        parts = [self.watch.words(), self.by and f"by {self.by}", *map(str, self.filters)]
        parts += [None if self.to == Recipient() else self.to.words()]
        parts += ["urgent" if self.urgent else None, self.zone and f"tz {self.zone}"]
        return " ".join(part for part in parts if part)


def amount(metric: Metric, value: int) -> str:
    """A threshold in full, as it can be typed: `$5,000`, `10M`, `12345`."""
    if metric is Metric.SPEND:
        return exact_money(value)
    for size, suffix in ((10**9, "B"), (10**6, "M"), (10**3, "K")):
        if value and value % size == 0:
            return f"{value // size}{suffix}"
    return str(value)
