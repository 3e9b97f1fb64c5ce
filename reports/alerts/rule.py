"""Alert rules: what they watch, for which usage, and who is notified. Money is in nano-dollars."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reports.alerts.watch import Watch
from reports.usage.dimensions import Dimension, Filter, Metric
from reports.usage.usage import NANO, exact_money

SPIKE_FLOOR = 5 * NANO
"""The default minimum of an hourly spike: less isn't worth a message."""
STALE_AFTER = 3_600
"""In seconds: by then, twelve consecutive syncs have failed, at one every five minutes."""
PERCENTS = (80, 100)
"""The default percentages of a budget: one while there is time to act, and one when it is used
up."""
USUAL_LIMITS = {Metric.SPEND: 50 * NANO, Metric.TOKENS: 10**7, Metric.REQUESTS: 10**4}
"""The limits to suggest if none was typed."""


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
    """An alert rule. Without a zone, its periods are in its owner's zone.

    With `by`, each member of the dimension is evaluated separately, else everything that matches
    the filters combined. Urgent alerts are also sent during quiet hours.
    """

    watch: Watch
    by: Dimension | None = None
    filters: tuple[Filter, ...] = ()
    to: Recipient = Recipient()
    urgent: bool = False
    zone: str | None = None

    def words(self) -> str:
        """The rule in the grammar's words, without `alert`; parsing them gives the rule again."""
        parts = [self.watch.words(), self.by and f"by {self.by}", *map(str, self.filters)]
        parts += [None if self.to == Recipient() else self.to.words()]
        parts += ["urgent" if self.urgent else None, self.zone and f"tz {self.zone}"]
        return " ".join(part for part in parts if part)


def amount(metric: Metric, value: int) -> str:
    """An exact threshold, as it can be typed: `$5,000`, `10M`, `12345`."""
    if metric is Metric.SPEND:
        return exact_money(value)
    for size, suffix in ((10**9, "B"), (10**6, "M"), (10**3, "K")):
        if value and value % size == 0:
            return f"{value // size}{suffix}"
    return str(value)
