"""The fingerprints of alert events, by which they are recognized in Slack's message metadata."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

from bot.store.alerts.events import StoredEvent
from bot.store.usage.directory import Directory
from reports.alerts.evaluation import EventKind

_MOST_STEPS = 10
"""More thresholds than a rule has."""
_OVER = "over"
_BYTES = 6


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """The fingerprints of events, the same in every copy of the database. Nothing can be read from
    them.

    The ids of members differ between copies, so their refs in `directory` are used instead.
    """

    directory: Directory

    def of(self, events: Iterable[StoredEvent]) -> list[str]:
        """The fingerprints of events."""
        return sorted({self._fingerprint(one, _step(one)) for one in events})

    def says(self, one: StoredEvent) -> set[str]:
        """The fingerprints of messages that say what an event says, or more."""
        step = _step(one)
        return self._from(one, step) if step else {self.over(one)}

    def crossed(self, one: StoredEvent) -> set[str]:
        """The fingerprints of all thresholds of an event's subject in its period."""
        return self._from(one, 1)

    def over(self, one: StoredEvent) -> str:
        """The fingerprint of the recovery of an event's subject in its period."""
        return self._fingerprint(one, 0)

    def _from(self, one: StoredEvent, first: int) -> set[str]:
        return {self._fingerprint(one, step) for step in range(first, max(first, _MOST_STEPS) + 1)}

    def _fingerprint(self, one: StoredEvent, step: int) -> str:
        measured = one.event.measurement
        # the limit of a spike is computed from usage, which may be revised
        limit = "" if measured.usual else measured.limit
        about = self._refs(one.subject)
        # another version of a rule may be about something else
        text = json.dumps(
            [one.rule, one.version, about, one.period, limit if step else _OVER, step]
        )
        return blake2b(text.encode(), digest_size=_BYTES).hexdigest()

    def _refs(self, subject: str) -> list[str]:
        """A subject with the refs of its members instead of their ids."""
        members = self.directory.members
        return [
            members[int(part)].ref if part.isdecimal() and int(part) in members else part
            for part in subject.split(":")
        ]


def _step(one: StoredEvent) -> int:
    return 0 if one.event.kind is EventKind.RECOVERED else one.event.step
