"""An organization whose use is written down, and which lines it crosses: worked out by hand.

Nothing here knows the bot's own reckoning of periods, sums and crossings.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

KEYS = {f"key-{n:02}": f"person-{n % 8}" for n in range(24)}
"""Keys, and whose they are."""
MODELS = tuple(f"lab/model-{n:02}" for n in range(12))
NANO_A_CENT = 10**7
TOKENS_A_CENT = 100
Used = dict[tuple[int, str, str], int]
"""Cents by minute (seconds since 1970), key and model; a cent is a request and 100 tokens."""
Crossing = tuple[str, str, str]
"""The words of a rule, whom it is about, and when the period began (UTC)."""


@dataclass(frozen=True)
class Line:
    """A rule: so many cents (or what goes with them) an hour or a day of a zone."""

    unit: str
    zone: str
    by: str
    metric: str
    cents: int

    @property
    def words(self) -> str:
        """The rule as it is typed."""
        amounts = {
            "spend": f"${self.cents / 100:g}",
            "tokens": f"{self.cents * TOKENS_A_CENT}",
            "requests": f"{self.cents}",
        }
        by = f" by {self.by}" if self.by else ""
        return f"{self.metric} > {amounts[self.metric]} per {self.unit}{by} tz {self.zone}"

    def who(self, key: str, model: str) -> str:
        """Whom use is counted for."""
        return {"key": key, "model": model, "creator": KEYS[key], "": "all"}[self.by]

    def start(self, minute: int) -> str:
        """When the period that a minute falls into began."""
        there = datetime.fromtimestamp(minute, ZoneInfo(self.zone))
        if self.unit == "hour":
            start = there - timedelta(minutes=there.minute)
        else:
            start = datetime.combine(there.date(), time(), there.tzinfo)
        return f"{start.astimezone(UTC):%Y-%m-%dT%H:%M}"


LINES = (
    Line("hour", "UTC", "key", "spend", 2_000),
    Line("hour", "UTC", "key", "requests", 4_500),
    Line("day", "UTC", "key", "spend", 6_000),
    Line("day", "UTC", "key", "tokens", 900_000 // TOKENS_A_CENT),
    Line("hour", "Asia/Kolkata", "model", "tokens", 300_000 // TOKENS_A_CENT),
    Line("day", "America/New_York", "creator", "spend", 15_000),
    Line("hour", "Asia/Kathmandu", "creator", "requests", 5_000),
    Line("hour", "UTC", "", "spend", 30_000),
    Line("day", "Asia/Kolkata", "model", "spend", 9_000),
)
BALANCES = (30, 40, 50, 60, 80, 100, 110, 130, 150, 170)
"""The balances, in dollars, below which an alert is sent."""


@dataclass
class Version:
    """What OpenRouter says at a moment: use, and the balance in dollars."""

    number: int = 0
    balance: int = 1_000
    used: Used = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Put it where whoever syncs finds it, all at once."""
        listed = [[*place, cents] for place, cents in self.used.items()]
        new = path.with_suffix(".new")
        new.write_text(json.dumps([self.number, self.balance, listed]))
        new.replace(path)

    @classmethod
    def read(cls, path: Path) -> Version:
        """What was saved last."""
        number, balance, listed = json.loads(path.read_text())
        used = {(minute, key, model): cents for minute, key, model, cents in listed}
        return cls(number, balance, used)


def crossed(used: Used) -> set[Crossing]:
    """All that is above its line."""
    found = set()
    for line in LINES:
        sums: Counter[tuple[str, str]] = Counter()
        for (minute, key, model), cents in used.items():
            sums[line.who(key, model), line.start(minute)] += cents
        found |= {(line.words, *place) for place, cents in sums.items() if cents > line.cents}
    return found


def either(before: Used, after: Used) -> Used:
    """The most that can be seen while one is being put in the place of the other."""
    places = before.keys() | after.keys()
    return {place: max(before.get(place, 0), after.get(place, 0)) for place in places}


@dataclass
class Level:
    """A balance against one line of BALANCES: how often it fell below, and was clear of it again.

    Clear is a tenth above the line.
    """

    dollars: int
    below: bool = False
    falls: int = 0
    rises: int = 0

    def see(self, balance: int) -> None:
        """The next balance that was seen."""
        if not self.below and balance < self.dollars:
            self.below, self.falls = True, self.falls + 1
        elif self.below and balance * 10 >= self.dollars * 11:
            self.below, self.rises = False, self.rises + 1
