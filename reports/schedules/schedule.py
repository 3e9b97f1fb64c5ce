"""A schedule as it was typed: question, recurrence and target."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import time

from reports.questions.query import Query
from reports.schedules.recurrence import Recurrence, Rule, TargetKind


@dataclass(frozen=True, slots=True)
class ScheduleTarget:
    """Where reports go, as it was typed; a channel has its id, and its name if known.

    Without a kind, it is the conversation in which the command was typed.
    """

    kind: TargetKind | None = None
    id: str = ""
    name: str = ""

    def words(self) -> str:
        """The target as command words."""
        match self.kind:
            case TargetKind.PERSON:
                return "to me"
            case TargetKind.CREATORS:
                return "to creators"
            case TargetKind.CHANNEL:
                return f"in <#{self.id}|{self.name}>"
        return ""


@dataclass(frozen=True, slots=True)
class ScheduledQuestion:
    """A schedule: question, rule, local time, target. Without a zone, the owner's is used."""

    query: Query
    rule: Rule
    at: time
    zone: str | None = None
    target: ScheduleTarget = ScheduleTarget()

    def schedule(self, zone: str) -> Recurrence:
        """The recurrence, in `zone` if the schedule has none."""
        return Recurrence(self.rule, self.at, self.zone or zone)

    def words(self) -> str:
        """The schedule as command words, without `schedule` itself."""
        when = str(Recurrence(self.rule, self.at, self.zone or "")).strip()
        question = replace(self.query, zone=None).words()
        return " ".join(filter(None, (when, question, self.target.words())))
