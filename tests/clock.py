"""A clock for tests."""

from datetime import datetime, timedelta


class Clock:
    """A clock that only its test moves."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by
