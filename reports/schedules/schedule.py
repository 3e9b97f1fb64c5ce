"""A schedule as it was typed: its question, when it runs, and where the report goes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import time

from reports.questions.query import Query
from reports.schedules.recurrence import Recurrence, Rule, TargetKind


@dataclass(frozen=True, slots=True)
class ScheduleTarget:
    """Where reports go, as it was typed; a channel by its id, and its name if known.

    Without a kind, it is the conversation in which it was typed.
    """

    kind: TargetKind | None = None
    id: str = ""
    name: str = ""

    def words(self) -> str:
        """The place as it is typed."""
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
    """A schedule: what, when, where. Without a zone, it runs in the person's own."""

    query: Query
    rule: Rule
    at: time
    zone: str | None = None
    target: ScheduleTarget = ScheduleTarget()

    def schedule(self, zone: str) -> Recurrence:
        """When it runs; `zone` is used where it names none."""
        return Recurrence(self.rule, self.at, self.zone or zone)

    def words(self) -> str:
        """The same in the grammar's own words."""
        when = str(Recurrence(self.rule, self.at, self.zone or "")).strip()
        question = replace(self.query, zone=None).words()
        return " ".join(filter(None, (when, question, self.target.words())))
