"""The demo's clock: the one on the wall, until somebody jumps ahead with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class DemoClock:
    """Everything in the demo asks this clock, so that all of it jumps together."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        """What time it is in the demo (UTC)."""
        return datetime.now(UTC) + self.ahead

    def timestamp(self) -> float:
        """The same in seconds since 1970."""
        return self().timestamp()

    def jump_to(self, moment: datetime) -> None:
        """Go ahead to a moment; time never goes back."""
        self.ahead += max(moment - self(), timedelta())
