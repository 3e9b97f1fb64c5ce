"""Judging: each crossing is told once, whatever is read twice, late, revised or after a restart."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from reports.alerts.evaluation import (
    AlertEvent,
    AlertState,
    Baseline,
    EventKind,
    Measurement,
    Phase,
    ended,
    evaluate,
    period_key,
    reached,
)
from reports.alerts.kinds.above import Above
from reports.alerts.kinds.budget import Budget
from reports.alerts.kinds.credits import Credits
from reports.alerts.kinds.forecast import Forecast
from reports.alerts.kinds.new import New, first_use
from reports.alerts.kinds.spike import Spike
from reports.alerts.kinds.stale import Stale
from reports.alerts.periods import AlertPeriod, span_at
from reports.alerts.rule import Rule
from reports.alerts.serialization import pack_event, pack_state, unpack_event, unpack_state
from reports.time.period import Unit
from reports.usage.dimensions import Dimension, Metric

NOW = datetime(2026, 11, 22, 10, 31, tzinfo=UTC)
DOLLAR = 10**9
TODAY = span_at(Unit.DAY, "UTC", NOW)
FIFTY = Rule(Above(Metric.SPEND, 50 * DOLLAR, Unit.DAY))
BUDGET = Rule(Budget((80, 100)))
LOW = Rule(Credits(100 * DOLLAR))


def shows(
    dollars: float, limit: float = 50, after: int = 0, period: AlertPeriod | None = TODAY
) -> Measurement:
    at = NOW + timedelta(minutes=after)
    return Measurement("", "all", round(dollars * DOLLAR), round(limit * DOLLAR), at, period)


def play(
    rule: Rule, readings: list[Measurement], state: AlertState | None = None
) -> tuple[list, AlertState]:
    events, state = [], state or AlertState()
    for reading in readings:
        judged = evaluate(rule, reading, state, NOW)
        state = unpack_state(pack_state(judged.state))  # as after a restart
        events += [judged.event] if judged.event else []
    return [(event.kind, event.step) for event in events], state


def test_it_tells_when_a_sum_goes_above_its_limit_and_not_before():
    assert play(FIFTY, [shows(30), shows(50)])[0] == []
    assert play(FIFTY, [shows(30), shows(50.01)])[0] == [(EventKind.TRIGGERED, 1)]


def test_a_sum_that_is_revised_down_and_grows_again_is_not_told_twice():
    values = [20, 60, 30, 55, 0, 80]
    events, state = play(FIFTY, [shows(v, after=n) for n, v in enumerate(values)])
    assert events == [(EventKind.TRIGGERED, 1)]
    assert state.phase is Phase.TRIGGERED
    assert state.peak == 80 * DOLLAR


def test_a_rule_made_on_figures_already_above_tells_so_once():
    assert play(FIFTY, [shows(90), shows(91), shows(92)])[0] == [(EventKind.TRIGGERED, 1)]
    assert play(BUDGET, [shows(130, 100), shows(140, 100)])[0] == [(EventKind.TRIGGERED, 2)]


def test_every_part_of_a_budget_is_told_once():
    events, _ = play(BUDGET, [shows(v, 100, n) for n, v in enumerate([79.9, 80, 99, 85, 100, 120])])
    assert events == [(EventKind.TRIGGERED, 1), (EventKind.FURTHER, 2)]


def test_a_part_of_a_budget_is_told_as_soon_as_it_is_used_and_a_balance_below_its_line():
    assert reached(BUDGET.watch, shows(79.99, 100)) == 0
    assert reached(BUDGET.watch, shows(80, 100)) == 1
    assert reached(BUDGET.watch, shows(100, 100)) == 2
    assert reached(LOW.watch, shows(100, 100)) == 0
    assert reached(LOW.watch, shows(99.99, 100)) == 1


def test_a_limit_that_is_raised_is_a_new_threshold():
    events, state = play(BUDGET, [shows(85, 100), shows(86, 200), shows(161, 200)])
    assert events == [(EventKind.TRIGGERED, 1), (EventKind.RECOVERED, 0), (EventKind.FURTHER, 1)]
    assert state.limit == 200 * DOLLAR


def test_a_threshold_that_is_changed_while_the_figure_is_beyond_it_is_told():
    above_sixty = replace(FIFTY, watch=Above(Metric.SPEND, 60 * DOLLAR, Unit.DAY))
    _, state = play(FIFTY, [shows(65)])
    assert play(above_sixty, [shows(65, 60)], state)[0] == [(EventKind.FURTHER, 1)]


def test_a_level_whose_line_is_moved_away_from_it_is_over_though_it_is_close():
    low = [shows(95, 100, period=None), shows(95, 94, 1, None)]
    assert [kind for kind, _ in play(LOW, low)[0]] == [EventKind.TRIGGERED, EventKind.RECOVERED]


def test_what_is_told_is_remembered_with_its_farthest_figure_and_its_newest_moment():
    _, state = play(FIFTY, [shows(60, after=5), shows(90, after=6), shows(70, after=2)])
    assert state.peak == 90 * DOLLAR
    assert state.at == NOW + timedelta(minutes=6)
    _, state = play(LOW, [shows(v, 100, n, None) for n, v in enumerate([90, 20, 60])])
    assert state.peak == 20 * DOLLAR


def test_a_budget_of_nothing_is_never_said_to_be_used():
    assert play(BUDGET, [shows(5, 0)])[0] == []


def test_what_is_not_known_changes_nothing():
    unknown = replace(shows(0), value=None)
    assert evaluate(FIFTY, unknown, AlertState(), NOW).state == AlertState()
    _, triggered = play(LOW, [shows(50, 100, period=None)])
    assert evaluate(LOW, unknown, triggered, NOW) == evaluate(LOW, unknown, triggered, NOW)
    assert play(LOW, [unknown], triggered) == ([], triggered)


def test_a_balance_arms_again_only_clearly_above_its_line():
    values = [120, 99, 101, 99, 109, 98, 110, 105, 99]
    readings = [shows(v, 100, n, None) for n, v in enumerate(values)]
    events, _ = play(LOW, readings)
    assert [kind for kind, _ in events] == [
        EventKind.TRIGGERED,
        EventKind.RECOVERED,
        EventKind.TRIGGERED,
    ]


def test_a_negative_balance_is_told():
    assert play(LOW, [shows(-3, 100, period=None)])[0] == [(EventKind.TRIGGERED, 1)]


def test_a_level_read_late_changes_nothing():
    newest = shows(50, 100, 10, None)
    _, state = play(LOW, [newest])
    assert play(LOW, [shows(500, 100, 5, None)], state) == ([], state)


def test_a_forecast_that_swings_is_told_once_until_it_is_clearly_below():
    rule = Rule(Forecast(5_000 * DOLLAR))
    swings = [4_900, 5_100, 4_950, 5_050, 4_499, 5_200]
    readings = [shows(v, 5_000, n) for n, v in enumerate(swings)]
    events, _ = play(rule, readings)
    assert [kind for kind, _ in events] == [
        EventKind.TRIGGERED,
        EventKind.RECOVERED,
        EventKind.FURTHER,
    ]


def hourly(dollars: float, n: int, *, part: bool, line: float = 5) -> Measurement:
    usual = Baseline(DOLLAR, DOLLAR // 4, round(line * DOLLAR), 12)
    return replace(shows(dollars, line, n, None), part=part, usual=usual)


def test_a_spike_ends_when_an_hour_that_is_over_is_calm():
    rule = Rule(Spike(5 * DOLLAR))
    hours = [(1, True), (9, True), (0.1, True), (4, False), (2.5, False), (7, True)]
    readings = [hourly(value, n, part=part) for n, (value, part) in enumerate(hours)]
    told = [(n, kind) for n in range(6) for kind, _ in play(rule, readings[: n + 1])[0][-1:]]
    assert told == [
        (1, EventKind.TRIGGERED), (2, EventKind.TRIGGERED), (3, EventKind.TRIGGERED),
        (4, EventKind.RECOVERED), (5, EventKind.TRIGGERED),
    ]  # fmt: skip


def test_a_spike_goes_on_although_each_hour_has_a_line_of_its_own():
    rule = Rule(Spike(5 * DOLLAR))
    readings = [hourly(9, n, part=False, line=line) for n, line in enumerate([5, 8, 10, 6])]
    assert play(rule, readings)[0] == [(EventKind.TRIGGERED, 1)]


def test_old_data_is_told_and_so_is_its_return():
    rule = Rule(Stale())
    ages = [60, 3_601, 9_000, 30]
    readings = [
        replace(shows(0, period=None), value=age, limit=3_600, at=NOW + timedelta(minutes=n))
        for n, age in enumerate(ages)
    ]
    assert [kind for kind, _ in play(rule, readings)[0]] == [
        EventKind.TRIGGERED,
        EventKind.RECOVERED,
    ]


def test_a_first_use_is_told_once_and_what_was_used_before_the_rule_is_not_new():
    rule = Rule(New(Dimension.MODEL))
    made = NOW - timedelta(days=1)
    old = first_use("m1", "gpt", DOLLAR, made - timedelta(hours=1), made, NOW)
    new = first_use("m2", "kimi", 0, made + timedelta(hours=1), made, NOW)
    assert play(rule, [old, old])[0] == []
    assert play(rule, [new, replace(new, value=3 * DOLLAR)])[0] == [(EventKind.TRIGGERED, 1)]


def test_the_end_of_a_period_closes_what_was_told_in_it_and_nothing_else():
    _, triggered = play(FIFTY, [shows(60)])
    after = TODAY.end + timedelta(minutes=1)
    assert ended(triggered, shows(60), NOW).event is None
    judged = ended(triggered, shows(61), after)
    assert judged.event == AlertEvent(EventKind.ENDED, shows(61), 1, after)
    assert ended(judged.state, shows(61), after).event is None
    _, calm = play(FIFTY, [shows(3)])
    assert ended(calm, shows(3), after).event is None


def test_the_next_period_is_a_state_of_its_own():
    tomorrow = span_at(Unit.DAY, "UTC", TODAY.end)
    assert period_key(shows(1)) != period_key(shows(1, period=tomorrow))
    assert period_key(shows(1, period=None)) == ""


WATCHES = st.sampled_from(
    [FIFTY.watch, BUDGET.watch, Budget((50, 80, 95, 100)), LOW.watch, Spike(), Stale(),
     Forecast(50 * DOLLAR), New(Dimension.KEY)]
)  # fmt: skip
AMOUNTS = st.integers(-20, 150).map(lambda n: n * DOLLAR)


@given(
    st.sampled_from([FIFTY.watch, BUDGET.watch, Budget((50, 80, 95, 100))]),
    st.lists(AMOUNTS, min_size=1, max_size=30),
    st.data(),
)
def test_a_sum_tells_each_threshold_once_in_any_order_and_however_often(watch, values, data):
    rule = Rule(watch)
    readings = [replace(shows(0, after=n), value=value) for n, value in enumerate(values)]
    again = data.draw(st.permutations([*readings, *readings]))
    expected = max(reached(watch, reading) for reading in readings)
    for played in (readings, again):
        events, state = play(rule, played)
        steps = [step for _, step in events]
        assert steps == sorted(set(steps))
        assert (steps[-1] if steps else 0) == expected == state.step
        assert [kind for kind, _ in events][:1] == ([EventKind.TRIGGERED] if expected else [])


@given(WATCHES, st.lists(AMOUNTS, min_size=1, max_size=30), st.booleans())
def test_evaluating_again_what_was_evaluated_tells_nothing(watch, values, part):
    rule, state = Rule(watch), AlertState()
    period = None if isinstance(watch, Credits | Spike | Stale | New) else TODAY
    for n, value in enumerate(values):
        reading = replace(shows(0, after=n, period=period), value=value, part=part)
        first = evaluate(rule, reading, state, NOW)
        again = evaluate(rule, reading, first.state, NOW)
        assert again.event is None
        assert again.state == first.state
        state = first.state


@given(
    st.sampled_from([LOW.watch, Stale(), Forecast(50 * DOLLAR), Spike()]),
    st.lists(AMOUNTS, max_size=40),
)
def test_a_level_is_told_and_taken_back_by_turns(watch, values):
    period = TODAY if isinstance(watch, Forecast) else None
    readings = [
        replace(shows(0, after=n, period=period), value=value, part=False)
        for n, value in enumerate(values)
    ]
    kinds = [kind is EventKind.RECOVERED for kind, _ in play(Rule(watch), readings)[0]]
    assert kinds == [n % 2 == 1 for n in range(len(kinds))]


@given(st.lists(AMOUNTS, min_size=1, max_size=8), st.booleans())
def test_events_are_kept_and_read_back_exactly(values, usual):
    found = Baseline(1, 2, 3, 4) if usual else None
    for value in values:
        reading = replace(shows(0), value=value, usual=found, hour=TODAY if usual else None)
        for kind in EventKind:
            event = AlertEvent(kind, reading, 2, NOW)
            assert unpack_event(pack_event(event)) == event
