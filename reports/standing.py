"""A standing question: what is asked again and again, when, and where the answer goes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import time

from reports.query import Query
from reports.schedule import Rule, Schedule, Target


@dataclass(frozen=True, slots=True)
class Place:
    """Where reports are to go as it was typed; a channel by its id, and its name where known.

    Without a kind it is the conversation in which it was typed.
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
    """A standing question: what, when, where. Without a zone it is the person's own."""

    query: Query
    rule: Rule
    at: time
    zone: str | None = None
    place: Place = Place()

    def schedule(self, zone: str) -> Schedule:
        """When it is due, where no zone is named in this one."""
        return Schedule(self.rule, self.at, self.zone or zone)

    def words(self) -> str:
        """The same in the grammar's own words."""
        when = str(Schedule(self.rule, self.at, self.zone or "")).strip()
        question = replace(self.query, zone=None).words()
        return " ".join(filter(None, (when, question, self.place.words())))
