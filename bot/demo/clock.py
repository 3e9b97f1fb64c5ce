"""The demo's clock: the real time, plus any jumps ahead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class DemoClock:
    """The one clock of everything in the demo, so that all of it jumps together."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        """The time in the demo (UTC)."""
        return datetime.now(UTC) + self.ahead

    def timestamp(self) -> float:
        """The same in seconds since 1970."""
        return self().timestamp()

    def jump_to(self, moment: datetime) -> None:
        """Jump ahead to a moment; an earlier one changes nothing."""
        self.ahead += max(moment - self(), timedelta())
