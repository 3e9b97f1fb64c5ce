"""A year with known crossings: each is reported once, with none missed and none invented.

Usage comes late and is revised upwards; judging stops for hours, as when nothing runs.
"""

import random
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

import pytest

from reports.alerts.evaluation import AlertState, EventKind, Phase, ended, evaluate, period_key
from reports.alerts.kinds.above import Above, above
from reports.alerts.needed_usage import needed
from reports.alerts.periods import SETTLED, span_at
from reports.alerts.rule import Rule
from reports.alerts.serialization import pack_state, unpack_state
from reports.time.period import Unit
from reports.time.time_range import DAY, HOUR
from reports.usage.dimensions import Dimension, Metric

START = datetime(2025, 11, 20, tzinfo=UTC)
END = START + 365 * DAY
DOLLAR = 10**9
PEOPLE = ("ada", "ben", "chloe")


def usage(rng: random.Random) -> list[tuple[datetime, datetime, str, int]]:
    """When it was used, when it was known, by whom, and what it cost."""
    found = []
    at = START
    while at < END:
        for person in PEOPLE:
            cost = int(rng.lognormvariate(0, 1.2) * DOLLAR)
            late = timedelta(minutes=rng.choice([1, 1, 1, 2, 30, 100]))
            used = at + timedelta(minutes=rng.randrange(60))
            found.append((used, used + late, person, cost))
        at += HOUR
    return found


def moments(rng: random.Random) -> list[datetime]:
    """When judging happens: about every hour, and sometimes not for half a day."""
    found, at = [], START
    while at < END + SETTLED:
        found.append(at)
        down = rng.random() < 0.01
        at += timedelta(hours=rng.randrange(4, 14)) if down else timedelta(minutes=55)
    return found


class Year:
    """Judges one rule through the year, as whoever keeps its states would."""

    def __init__(self, rule: Rule, zone: str) -> None:
        self.rule, self.zone = rule, zone
        self.states: dict[tuple[str, str], dict] = {}
        self.open: dict[tuple[str, str], object] = {}
        self.told: Counter = Counter()
        self.ended: Counter = Counter()
        self.sums: dict[tuple[str, datetime], int] = defaultdict(int)

    def know(self, used: datetime, person: str, cost: int) -> None:
        period = span_at(self.rule.watch.unit, self.zone, used)
        self.sums[person, period.start] += cost

    def evaluate_all(self, since: datetime, now: datetime) -> None:
        for one in needed(self.rule, self.zone, since, now):
            if one.span.end <= START:
                continue
            for person in PEOPLE:
                value = self.sums.get((person, one.span.start), 0)
                reading = above(self.rule, person, person, value, one.span, now)
                place = person, period_key(reading)
                state = unpack_state(self.states[place]) if place in self.states else AlertState()
                judged = evaluate(self.rule, reading, state, now)
                self.states[place] = pack_state(judged.state)
                if judged.event:
                    self.told[person, one.span.start, judged.event.kind] += 1
                if judged.state.phase is Phase.TRIGGERED:
                    self.open[place] = reading
        for place, reading in list(self.open.items()):
            if reading.period.end + SETTLED <= now:
                judged = ended(unpack_state(self.states[place]), reading, now)
                self.states[place] = pack_state(judged.state)
                del self.open[place]
                self.ended[place[0], reading.period.start] += judged.event is not None


@pytest.mark.parametrize(
    ("unit", "dollars", "zone"),
    [
        (Unit.HOUR, 8, "Asia/Kolkata"),
        (Unit.DAY, 60, "Europe/Berlin"),
        (Unit.WEEK, 360, "America/Santiago"),
        (Unit.MONTH, 1_500, "UTC"),
    ],
)
def test_every_crossing_of_a_year_triggers_once(unit, dollars, zone):
    rng = random.Random(f"{unit}")
    limit = dollars * DOLLAR
    year = Year(Rule(Above(Metric.SPEND, limit, unit), Dimension.CREATOR), zone)
    waiting = sorted(usage(rng), key=lambda one: one[1])
    done, since = 0, START
    for now in moments(rng):
        while done < len(waiting) and waiting[done][1] <= now:
            used, _, person, cost = waiting[done]
            year.know(used, person, cost)
            done += 1
        year.evaluate_all(since, now)
        since = now
    expected = {
        (person, start, EventKind.TRIGGERED): 1
        for (person, start), total in year.sums.items()
        if total > limit
    }
    assert year.told == expected
    assert len(expected) > 5, "a year in which nothing happens shows nothing"
    closed = {(person, start) for person, start, _ in expected}
    unfinished = {one for one in closed if span_at(unit, zone, one[1]).end + SETTLED > END}
    assert closed - unfinished <= {one for one, times in year.ended.items() if times == 1}
