"""Spikes on the sample organization: the runaway agent is found at once, busy days are not."""

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo.openrouter.sample_organization import sample
from reports.alerts.evaluation import AlertState, EventKind, Phase, evaluate
from reports.alerts.kinds.spike import Hour, Spike, known_past, may_spike, past_hours, spike, usual
from reports.alerts.rule import SPIKE_FLOOR, Rule
from reports.time.time_range import HOUR
from reports.usage.dimensions import STORED, Dimension

NOW = datetime(2026, 11, 22, 10, 31, tzinfo=UTC)
DOLLAR = 10**9
RULE = Rule(Spike())
JUDGED = 4
"""Hours judged at a time: the one that runs, and those that still settle."""
AGENT, FARID, OPUS = (
    "nightly-refactor-agent",
    "farid@lumenlabs.example",
    "anthropic/claude-opus-4.6",
)


@cache
def used(now: datetime, seed: int = 7) -> dict[Dimension, dict[str, dict[datetime, int]]]:
    """Nano-dollars by hour of every key, creator and model of the sample's year."""
    organization = sample(now, seed)
    keys = {key.hash: f"{key.name} {key.hash[:4]}" for key in organization.keys}
    people = {member.id: member.email for member in organization.members}
    found = {one: defaultdict(lambda: defaultdict(int)) for one in STORED}
    for record in organization.usage(organization.history.start, now, HOUR):
        hour = record.at.replace(minute=0, second=0, microsecond=0)
        cost = record.credits_nano + record.byok_nano
        found[Dimension.MODEL][record.model][hour] += cost
        found[Dimension.KEY][keys.get(record.key, "")][hour] += cost
        found[Dimension.CREATOR][people.get(record.member, "")][hour] += cost
    return found


def alerts(figures: dict[datetime, int], now: datetime) -> list[datetime]:
    """The hours in which a spike of one subject was told, judged after each hour of its year."""
    first, state, events = min(figures), AlertState(), []
    hour = first
    while hour + HOUR <= now:
        recent = [hour - n * HOUR for n in range(JUDGED)]
        busy = any(may_spike(RULE, figures.get(one, 0)) for one in recent)
        if busy or state.phase is Phase.TRIGGERED:
            hours = [
                Hour(one, figures.get(one, 0),
                     usual(known_past(figures, one, first, first), SPIKE_FLOOR))
                for one in recent
            ]  # fmt: skip
            judged = evaluate(RULE, spike(RULE, "x", "x", hours, hour + HOUR), state, hour + HOUR)
            state = judged.state
            if judged.event and judged.event.kind is EventKind.TRIGGERED:
                events.append(judged.event.measurement.hour.start)
        hour += HOUR
    return events


@pytest.mark.parametrize("by", list(STORED))
@pytest.mark.parametrize("seed", [7, 11])
def test_a_year_of_the_sample_has_at_most_one_false_alarm_a_week(by, seed):
    night = NOW.replace(hour=1, minute=0)
    alarms = [
        hour for figures in used(NOW, seed)[by].values() for hour in alerts(figures, NOW)
    ]  # fmt: skip
    false = [hour for hour in alarms if not night <= hour < night + 4 * HOUR]
    assert len(false) <= 52
    assert len(alarms) > len(false), "the runaway agent itself has to be told"


@pytest.mark.parametrize(
    ("by", "name"), [(Dimension.KEY, AGENT), (Dimension.CREATOR, FARID), (Dimension.MODEL, OPUS)]
)
def test_the_runaway_agent_is_found_within_its_first_hour(by, name):
    begins = NOW.replace(hour=1, minute=0)
    now = begins + timedelta(minutes=15)
    organization = sample(NOW)
    people = {member.id: member.email for member in organization.members}
    keys = {key.hash: key.name for key in organization.keys}
    names = {
        Dimension.KEY: lambda record: keys.get(record.key),
        Dimension.CREATOR: lambda record: people.get(record.member),
        Dimension.MODEL: lambda record: record.model,
    }
    so_far = sum(
        record.credits_nano + record.byok_nano
        for record in organization.usage(begins, now, timedelta(minutes=1))
        if names[by](record) == name
    )
    [figures] = [v for subject, v in used(NOW)[by].items() if subject.startswith(name)]
    first = min(figures)
    found = usual(known_past(figures, begins, first, first), SPIKE_FLOOR)
    reading = spike(RULE, name, name, [Hour(begins, so_far, found)], now)
    judged = evaluate(RULE, reading, AlertState(), now)
    assert judged.event is not None
    assert judged.event.kind is EventKind.TRIGGERED
    assert found is not None
    assert so_far > 5 * found.median


def test_a_few_unusual_hours_do_not_change_the_baseline():
    calm = usual([DOLLAR] * 12, SPIKE_FLOOR)
    odd = usual([DOLLAR] * 9 + [900 * DOLLAR] * 3, SPIKE_FLOOR)
    assert calm == odd


def test_a_spike_is_more_than_five_times_the_median_and_six_spreads_above_it():
    assert usual([2 * DOLLAR] * 12, SPIKE_FLOOR).threshold == 10 * DOLLAR
    wide = usual([DOLLAR, 3 * DOLLAR] * 6, SPIKE_FLOOR)
    assert wide.median == 2 * DOLLAR
    assert wide.threshold == 2 * DOLLAR + 6 * wide.spread > 10 * DOLLAR


def test_there_is_no_baseline_with_less_than_two_weeks():
    assert usual([DOLLAR] * 5 + [None] * 7, SPIKE_FLOOR) is None
    assert usual([DOLLAR] * 6 + [None] * 6, SPIKE_FLOOR).count == 6


def test_a_few_cents_are_never_a_spike():
    assert usual([1_000] * 12, SPIKE_FLOOR).threshold == SPIKE_FLOOR
    assert not may_spike(RULE, SPIKE_FLOOR)


def test_without_a_baseline_a_spike_is_above_ten_times_the_floor():
    for dollars, expected in ((49, None), (51, EventKind.TRIGGERED)):
        reading = spike(RULE, "k", "new key", [Hour(NOW, dollars * DOLLAR)], NOW)
        event = evaluate(RULE, reading, AlertState(), NOW).event
        assert (event.kind if event else None) is expected
        assert reading.usual is None


def test_hours_before_the_first_use_or_the_cache_are_unknown():
    hour = datetime(2026, 11, 22, 10, tzinfo=UTC)
    assert known_past({}, hour, None, hour - timedelta(days=90)) == [None] * 12
    first = hour - timedelta(weeks=2)
    known = known_past({first: 7}, hour, first, hour - timedelta(days=90))
    assert [value for value in known if value is not None] == [0, 0, 0, 0, 7]
    middle = known_past({}, hour, first + timedelta(minutes=30), hour - timedelta(days=90))
    assert sum(value is not None for value in middle) == 5, "the hour of the first use counts"
    held = known_past({}, hour, hour - timedelta(days=90), hour - timedelta(days=8))
    assert [value for value in held if value is not None] == [0, 0, 0]
    assert len(past_hours(hour)) == 12


def test_a_spike_is_over_only_when_all_evaluated_hours_are():
    found = usual([DOLLAR] * 12, SPIKE_FLOOR)
    wild, calm = Hour(NOW - 2 * HOUR, 90 * DOLLAR, found), Hour(NOW - HOUR, DOLLAR, found)
    first = evaluate(RULE, spike(RULE, "k", "k", [wild, calm], NOW), AlertState(), NOW)
    still = evaluate(RULE, spike(RULE, "k", "k", [wild, calm], NOW), first.state, NOW)
    assert first.event
    assert still.event is None
    running = spike(RULE, "k", "k", [replace(calm, start=NOW)], NOW + HOUR / 2)
    assert evaluate(RULE, running, still.state, NOW + HOUR / 2).event is None
    over = spike(RULE, "k", "k", [calm, replace(calm, start=NOW)], NOW + HOUR / 2)
    assert evaluate(RULE, over, still.state, NOW + HOUR / 2).event.kind is EventKind.RECOVERED


@given(st.lists(st.none() | st.integers(0, 10**13), max_size=12), st.integers(0, 10**12))
def test_the_threshold_is_always_clearly_above_the_median(past, floor):
    found = usual(past, floor)
    if found:
        assert found.threshold >= max(5 * found.median, floor)
        assert min(v for v in past if v is not None) <= found.median
