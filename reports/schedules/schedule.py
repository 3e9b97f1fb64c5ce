"""A schedule as it was typed: its question, when it runs, and where the report goes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import time

from reports.questions.query import Query
from reports.schedules.recurrence import Rule, Schedule, Target


@dataclass(frozen=True, slots=True)
class Place:
    """Where reports go, as it was typed; a channel by its id, and its name if known.

    Without a kind, it is the conversation in which it was typed.
    """

    kind: Target | None = None
    id: str = ""
    name: str = ""

    def words(self) -> str:
        """The place as it is typed."""
        match self.kind:
            case Target.PERSON:
                return "to me"
            case Target.CREATORS:
                return "to creators"
            case Target.CHANNEL:
                return f"in <#{self.id}|{self.name}>"
        return ""


@dataclass(frozen=True, slots=True)
class Standing:
    """A schedule: what, when, where. Without a zone, it runs in the person's own."""

    query: Query
    rule: Rule
    at: time
    zone: str | None = None
    place: Place = Place()

    def schedule(self, zone: str) -> Schedule:
        """When it runs; `zone` is used where it names none."""
        return Schedule(self.rule, self.at, self.zone or zone)

    def words(self) -> str:
        """The same in the grammar's own words."""
        when = str(Schedule(self.rule, self.at, self.zone or "")).strip()
        question = replace(self.query, zone=None).words()
        return " ".join(filter(None, (when, question, self.place.words())))
