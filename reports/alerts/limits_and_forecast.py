"""Limits set at OpenRouter, the balance, and their forecast at the current pace.

OpenRouter reports how much of a limit was used at the time of the request; usage since then is
added from the cache, which is more recent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from reports.alerts.periods import AlertPeriod, spans
from reports.analysis.limits import FullAt, LimitKind
from reports.time.period import Unit

_RESETS = {"daily": Unit.DAY, "weekly": Unit.WEEK, "monthly": Unit.MONTH}
_GUARDRAIL = " (guardrail "
_KINDS = {
    "key": LimitKind.KEY,
    "workspace": LimitKind.WORKSPACE,
    "member": LimitKind.MEMBER_GUARDRAIL,
    "guardrail": LimitKind.KEY_GUARDRAIL,
}
"""The kinds of limits by the first word of their subjects, which are stored with alert states."""


@dataclass(frozen=True, slots=True)
class SpendLimit:
    """A limit set at OpenRouter in nano-dollars, as OpenRouter reported it at `reported_at`.

    `reset` is daily, weekly, monthly, or empty for one that never resets. `used` is None if
    OpenRouter doesn't report it. `subject` is a permanent name, because one workspace may have
    several limits.
    """

    subject: str
    label: str
    limit: int
    reset: str
    used: int | None
    reported_at: datetime
    creator: str = ""

    def periods(self, since: datetime, now: datetime) -> tuple[AlertPeriod | None, ...]:
        """The periods to evaluate now, oldest first; None for a limit that never resets."""
        unit = _RESETS.get(self.reset)
        return spans(unit, "UTC", since, now) if unit else (None,)

    def reported_in(self, period: AlertPeriod | None) -> bool:
        """Whether OpenRouter's report of its use is for a period."""
        if self.used is None:
            return False
        return period is None or period.start <= self.reported_at < period.end


def limit_kind(subject: str) -> LimitKind:
    """The kind of a limit, from the first word of its subject."""
    return _KINDS.get(subject.partition(" ")[0], LimitKind.KEY)


def guardrail_label(member: str, guardrail: str) -> str:
    """The label of a guardrail's budget for a member or key: `Ada (guardrail Interns)`."""
    return f"{member}{_GUARDRAIL}{guardrail})"


def member_of(label: str) -> str:
    """The member or key in a `guardrail_label`."""
    return label.rpartition(_GUARDRAIL)[0] or label


@dataclass(frozen=True, slots=True)
class SpendPace:
    """How much was used in a time range just before now.

    Of a limit only `full` counts: when it is reached at its usual pace, as in the answer `limits`;
    None if it lasts until it resets.
    """

    used: int = 0
    over: timedelta = timedelta()
    full: FullAt | None = None
