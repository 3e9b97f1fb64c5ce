"""A year of alerts, day by day: every crossing is delivered once, none is missed or invented.

On a server it is a third of a year, as the rules are the same there.
"""

import random
from datetime import UTC, datetime
from itertools import pairwise

from reports.time.time_range import Granularity
from tests import databases
from tests.bot.alerts.alert_bot import DAY, DOLLAR, HOUR, MINUTE, Truth, running_bot

START = datetime(2025, 11, 20, 0, 0, tzinfo=UTC)
DAYS = 122 if databases.on_postgres() else 366


def a_year(seed: int) -> tuple[Truth, dict[str, list[datetime]]]:
    """Usage of a year, and when which limit was crossed by it."""
    chance = random.Random(seed)
    truth = Truth()
    crossed: dict[str, list[datetime]] = {"day": [], "month": []}
    for number in range(DAYS):
        day = START + number * DAY
        busy = chance.random() < 0.08
        for _ in range(3):
            at = day + chance.randrange(24 * 60) * MINUTE
            truth.use(at, chance.uniform(20, 40) if busy else chance.uniform(0.5, 10))
    for unit, limit in (("day", 50), ("month", 600)):
        for start, end in periods(unit):
            if truth.total(start, end) > limit * DOLLAR:
                crossed[unit].append(start)
    return truth, crossed


def periods(unit: str) -> list[tuple[datetime, datetime]]:
    """The days or months of the year, UTC."""
    if unit == "day":
        return [(START + n * DAY, START + (n + 1) * DAY) for n in range(DAYS)]
    firsts = [START.replace(day=1)]
    while firsts[-1] < START + DAYS * DAY:
        firsts.append((firsts[-1] + 31 * DAY).replace(day=1))
    # what was used before the year began is not there at all
    return list(pairwise(firsts))


def test_every_crossing_of_a_year_is_delivered_once(tmp_path):
    truth, crossed = a_year(seed=1)
    path, chance, told = tmp_path / "activity.db", random.Random(2), {}
    with running_bot(path, START) as bot:
        bot.sync(truth, back=DAY)
        bot.set_up("alert spend > $50 per day tz UTC")
        bot.set_up("alert spend > $600 per month tz UTC")
        bot.clock.now += 8 * HOUR
        while bot.clock.now < START + DAYS * DAY + 8 * HOUR:
            bot.sync(truth, back=2 * DAY)
            # as a sync does; with 3 of 8 hours each time, minutes would become a thousand pieces
            bot.store.forget(Granularity.MINUTE, bot.clock.now - 2 * DAY)
            if chance.random() < 0.1:
                bot.evaluator.evaluate_all()  # a sync that came twice
            if chance.random() < 0.1:
                bot.restart()
            bot.tick()
            told |= delivered_by_now(bot)
            bot.clock.now += 8 * HOUR
        assert len(bot.direct_messages()) == len(told)
    for unit, starts in crossed.items():
        assert sorted(start for found, start in told.values() if found == unit) == starts, unit
    assert len(crossed["day"]) > DAYS / 20
    assert len(crossed["month"]) > 1


def delivered_by_now(bot) -> dict[int, tuple[str, datetime]]:
    """Of which period there is a message, by the event that it tells."""
    words = {entry.id: entry.draft.words for entry in bot.alerts.rules.of(None)}
    return {
        one.event: ("day" if "per day" in words[one.rule] else "month", one.period)
        for one in bot.delivered_crossings()
    }
