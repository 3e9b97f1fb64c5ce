"""The demo's clock: the real time, plus any jumps ahead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class DemoClock:
    """The clock that all parts of the demo share, so that they jump together."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        """The demo's current time (UTC)."""
        return datetime.now(UTC) + self.ahead

    def timestamp(self) -> float:
        """The demo's current Unix time, in seconds."""
        return self().timestamp()

    def jump_to(self, moment: datetime) -> None:
        """Jump ahead to a time; an earlier time changes nothing."""
        self.ahead += max(moment - self(), timedelta())
