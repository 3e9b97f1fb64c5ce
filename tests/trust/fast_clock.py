"""A clock that runs so fast that what takes the bot minutes takes a test seconds.

Leases, pauses and periods keep their own lengths and their proportions; nothing of the bot has to
be told that it is tested.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

SPEED = 30
"""How many times as fast as the real one.

The minute in which a call without an answer may still appear in Slack's history takes 2 seconds. A
call that the local Slack takes even later, on a machine with too much to do, is sent a second time,
as it would be if the real Slack took it minutes after the bot gave it up.
"""


@dataclass(frozen=True)
class FastClock:
    """So many times as fast as the wall's: it showed `start` when that showed `began` (seconds)."""

    start: datetime
    began: float

    def __call__(self) -> datetime:
        return self.start + timedelta(seconds=(time.time() - self.began) * SPEED)

    def wait(self, seconds: float) -> None:
        """Sleep for seconds of this clock."""
        time.sleep(seconds / SPEED)

    def words(self) -> str:
        """Enough to make it again elsewhere."""
        return f"{self.start.isoformat()} {self.began!r}"

    @classmethod
    def of(cls, words: str) -> FastClock:
        """The clock of such words."""
        start, began = words.split()
        return cls(datetime.fromisoformat(start), float(began))
