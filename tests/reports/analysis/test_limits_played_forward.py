"""The forecast of limits against a stand-in that enforces them request by request."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from reports.analysis.limits import (
    HOUR,
    LimitForecast,
    LimitKind,
    full_at,
    in_order,
    recent_pace,
)

DOLLAR = 10**9
NOW = datetime(2026, 11, 25, 7, 0, tzinfo=UTC)  # a Wednesday
END = NOW + timedelta(hours=24)
KEYS = {"office": 9, "steady": 4, "small": 1}
"""Dollars an hour: of `office` from 8 to 18 only, of the others at all hours."""


def cost_of(key, moment):
    return KEYS[key] * DOLLAR if key != "office" or 8 <= moment.hour < 18 else 0


def past(key):
    """Four weeks of whole hours."""
    hours = [NOW - timedelta(hours=number) for number in range(28 * 24, 0, -1)]
    return [(hour, cost_of(key, hour)) for hour in hours]


def played(limits, seed):
    """When each limit first refuses: requests arrive at random moments and cost what is usual."""
    rng = random.Random(seed)
    used = {name: start for name, (_, _, start) in limits.items()}
    refused = {}
    requests = [
        (NOW + timedelta(seconds=rng.uniform(0, 86_400)), key)
        for key in KEYS
        for _ in range(24 * 60)
    ]
    for moment, key in sorted(requests):
        cost = cost_of(key, moment) // 60
        if not cost:
            continue
        over = [n for n, (keys, most, _) in limits.items() if key in keys and used[n] >= most]
        for name in over:
            refused.setdefault(name, moment)
        for name, (keys, _, _) in limits.items():
            if key in keys:  # refused requests are counted, so that each limit is seen by itself
                used[name] += cost
    return refused


def forecast(limits):
    found = []
    for name, (keys, most, used) in limits.items():
        rows = zip(*map(past, keys), strict=True)
        costs = [sum(cost for _, cost in row) for row in rows]
        full = full_at(most - used, recent_pace(NOW - 28 * 24 * HOUR, costs), NOW, END)
        found.append(LimitForecast(LimitKind.KEY, name, "", most, used, END, full))
    return in_order(found)


LIMITS = {
    "office key": (("office",), 40 * DOLLAR, 10 * DOLLAR),
    "steady key": (("steady",), 30 * DOLLAR, DOLLAR),
    "small key, roomy": (("small",), 100 * DOLLAR, 0),
    "workspace": (("office", "steady", "small"), 190 * DOLLAR, 40 * DOLLAR),
    "used up": (("small",), 5 * DOLLAR, 5 * DOLLAR),
}


@pytest.mark.parametrize("seed", range(5))
def test_refusals_come_in_the_order_and_at_the_times_that_were_forecast(seed):
    expected, refused = forecast(LIMITS), played(LIMITS, seed)
    hit = [one for one in expected if one.full]
    assert [one.label for one in hit] == sorted(refused, key=refused.__getitem__)
    for one in hit:
        assert abs(refused[one.label] - one.full.at) < HOUR


def test_a_key_that_is_a_few_days_old_is_judged_by_the_hours_it_has():
    start = NOW - 28 * 24 * HOUR
    pace = recent_pace(start, [0] * (28 * 24 - 72) + [2 * DOLLAR] * 72)
    assert set(pace.hours) == {2 * DOLLAR}
    assert recent_pace(start, [0] * 400).hours == (0,) * 168
    assert recent_pace(start, []).hours == (0,) * 168
