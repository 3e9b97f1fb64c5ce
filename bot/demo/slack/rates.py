"""Rate limits: token buckets that refill over time."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Rate:
    """A token bucket: ``burst`` calls at once, then ``per_second``."""

    burst: float
    per_second: float


TIER_2, TIER_3, TIER_4 = Rate(20, 20 / 60), Rate(50, 50 / 60), Rate(100, 100 / 60)
POSTING = Rate(5, 1)
UNLIMITED = Rate(math.inf, math.inf)


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: datetime


class Rates:
    """The token bucket of each key, such as a method and channel."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def wait(self, key: str, rate: Rate) -> int:
        """Count one call; 0 if it may proceed, else the whole seconds of ``Retry-After``."""
        if rate == UNLIMITED:
            return 0
        now = self.clock()
        bucket = self._buckets.setdefault(key, _Bucket(rate.burst, now))
        passed = max(0.0, (now - bucket.at).total_seconds())
        bucket.tokens = min(rate.burst, bucket.tokens + passed * rate.per_second)
        bucket.at = now
        if bucket.tokens < 1:
            return max(1, math.ceil((1 - bucket.tokens) / rate.per_second))
        bucket.tokens -= 1
        return 0
