"""Evaluation: each crossing triggers once, also with repeated, late or revised measurements."""

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


def measured(
    dollars: float, limit: float = 50, after: int = 0, period: AlertPeriod | None = TODAY
) -> Measurement:
    at = NOW + timedelta(minutes=after)
    return Measurement("", "all", round(dollars * DOLLAR), round(limit * DOLLAR), at, period)


def results(
    rule: Rule, measurements: list[Measurement], state: AlertState | None = None
) -> tuple[list, AlertState]:
    events, state = [], state or AlertState()
    for measurement in measurements:
        evaluation = evaluate(rule, measurement, state, NOW)
        state = unpack_state(pack_state(evaluation.state))  # as after a restart
        events += [evaluation.event] if evaluation.event else []
    return [(event.kind, event.step) for event in events], state


def test_a_sum_triggers_above_its_limit():
    assert results(FIFTY, [measured(30), measured(50)])[0] == []
    assert results(FIFTY, [measured(30), measured(50.01)])[0] == [(EventKind.TRIGGERED, 1)]


def test_a_sum_that_is_revised_down_and_grows_again_triggers_once():
    values = [20, 60, 30, 55, 0, 80]
    events, state = results(FIFTY, [measured(v, after=n) for n, v in enumerate(values)])
    assert events == [(EventKind.TRIGGERED, 1)]
    assert state.phase is Phase.TRIGGERED
    assert state.peak == 80 * DOLLAR


def test_a_new_rule_that_is_exceeded_triggers_once():
    assert results(FIFTY, [measured(90), measured(91), measured(92)])[0] == [
        (EventKind.TRIGGERED, 1)
    ]
    assert results(BUDGET, [measured(130, 100), measured(140, 100)])[0] == [
        (EventKind.TRIGGERED, 2)
    ]


def test_every_percentage_of_a_budget_triggers_once():
    events, _ = results(
        BUDGET, [measured(v, 100, n) for n, v in enumerate([79.9, 80, 99, 85, 100, 120])]
    )
    assert events == [(EventKind.TRIGGERED, 1), (EventKind.FURTHER, 2)]


def test_a_budget_triggers_at_its_percentage_and_a_balance_below_its_threshold():
    assert reached(BUDGET.watch, measured(79.99, 100)) == 0
    assert reached(BUDGET.watch, measured(80, 100)) == 1
    assert reached(BUDGET.watch, measured(100, 100)) == 2
    assert reached(LOW.watch, measured(100, 100)) == 0
    assert reached(LOW.watch, measured(99.99, 100)) == 1


def test_a_limit_that_is_raised_is_a_new_threshold():
    events, state = results(BUDGET, [measured(85, 100), measured(86, 200), measured(161, 200)])
    assert events == [(EventKind.TRIGGERED, 1), (EventKind.RECOVERED, 0), (EventKind.FURTHER, 1)]
    assert state.limit == 200 * DOLLAR


def test_a_changed_threshold_that_is_exceeded_triggers():
    above_sixty = replace(FIFTY, watch=Above(Metric.SPEND, 60 * DOLLAR, Unit.DAY))
    _, state = results(FIFTY, [measured(65)])
    assert results(above_sixty, [measured(65, 60)], state)[0] == [(EventKind.FURTHER, 1)]


def test_a_level_recovers_when_its_threshold_is_moved_away():
    low = [measured(95, 100, period=None), measured(95, 94, 1, None)]
    assert [kind for kind, _ in results(LOW, low)[0]] == [
        EventKind.TRIGGERED,
        EventKind.RECOVERED,
    ]


def test_a_state_has_its_peak_and_its_latest_time():
    _, state = results(FIFTY, [measured(60, after=5), measured(90, after=6), measured(70, after=2)])
    assert state.peak == 90 * DOLLAR
    assert state.at == NOW + timedelta(minutes=6)
    _, state = results(LOW, [measured(v, 100, n, None) for n, v in enumerate([90, 20, 60])])
    assert state.peak == 20 * DOLLAR


def test_a_budget_of_zero_never_triggers():
    assert results(BUDGET, [measured(5, 0)])[0] == []


def test_an_unknown_value_changes_nothing():
    unknown = replace(measured(0), value=None)
    assert evaluate(FIFTY, unknown, AlertState(), NOW).state == AlertState()
    _, triggered = results(LOW, [measured(50, 100, period=None)])
    assert evaluate(LOW, unknown, triggered, NOW) == evaluate(LOW, unknown, triggered, NOW)
    assert results(LOW, [unknown], triggered) == ([], triggered)


def test_a_balance_triggers_again_only_after_it_was_clearly_above_its_threshold():
    values = [120, 99, 101, 99, 109, 98, 110, 105, 99]
    measurements = [measured(v, 100, n, None) for n, v in enumerate(values)]
    events, _ = results(LOW, measurements)
    assert [kind for kind, _ in events] == [
        EventKind.TRIGGERED,
        EventKind.RECOVERED,
        EventKind.TRIGGERED,
    ]


def test_a_negative_balance_triggers():
    assert results(LOW, [measured(-3, 100, period=None)])[0] == [(EventKind.TRIGGERED, 1)]


def test_an_older_measurement_of_a_level_changes_nothing():
    newest = measured(50, 100, 10, None)
    _, state = results(LOW, [newest])
    assert results(LOW, [measured(500, 100, 5, None)], state) == ([], state)


def test_a_forecast_triggers_once_until_it_is_clearly_below():
    rule = Rule(Forecast(5_000 * DOLLAR))
    swings = [4_900, 5_100, 4_950, 5_050, 4_499, 5_200]
    measurements = [measured(v, 5_000, n) for n, v in enumerate(swings)]
    events, _ = results(rule, measurements)
    assert [kind for kind, _ in events] == [
        EventKind.TRIGGERED,
        EventKind.RECOVERED,
        EventKind.FURTHER,
    ]


def hourly(dollars: float, n: int, *, part: bool, line: float = 5) -> Measurement:
    usual = Baseline(DOLLAR, DOLLAR // 4, round(line * DOLLAR), 12)
    return replace(measured(dollars, line, n, None), part=part, usual=usual)


def test_a_spike_ends_with_a_complete_hour_below_half_of_the_threshold():
    rule = Rule(Spike(5 * DOLLAR))
    hours = [(1, True), (9, True), (0.1, True), (4, False), (2.5, False), (7, True)]
    measurements = [hourly(value, n, part=part) for n, (value, part) in enumerate(hours)]
    told = [(n, kind) for n in range(6) for kind, _ in results(rule, measurements[: n + 1])[0][-1:]]
    assert told == [
        (1, EventKind.TRIGGERED), (2, EventKind.TRIGGERED), (3, EventKind.TRIGGERED),
        (4, EventKind.RECOVERED), (5, EventKind.TRIGGERED),
    ]  # fmt: skip


def test_a_spike_continues_though_each_hour_has_its_own_threshold():
    rule = Rule(Spike(5 * DOLLAR))
    measurements = [hourly(9, n, part=False, line=line) for n, line in enumerate([5, 8, 10, 6])]
    assert results(rule, measurements)[0] == [(EventKind.TRIGGERED, 1)]


def test_stale_data_triggers_and_recovers():
    rule = Rule(Stale())
    ages = [60, 3_601, 9_000, 30]
    measurements = [
        replace(measured(0, period=None), value=age, limit=3_600, at=NOW + timedelta(minutes=n))
        for n, age in enumerate(ages)
    ]
    assert [kind for kind, _ in results(rule, measurements)[0]] == [
        EventKind.TRIGGERED,
        EventKind.RECOVERED,
    ]


def test_a_first_use_triggers_once_and_earlier_uses_do_not():
    rule = Rule(New(Dimension.MODEL))
    made = NOW - timedelta(days=1)
    old = first_use("m1", "gpt", DOLLAR, made - timedelta(hours=1), made, NOW)
    new = first_use("m2", "kimi", 0, made + timedelta(hours=1), made, NOW)
    assert results(rule, [old, old])[0] == []
    assert results(rule, [new, replace(new, value=3 * DOLLAR)])[0] == [(EventKind.TRIGGERED, 1)]


def test_the_end_of_a_period_ends_what_triggered_in_it():
    _, triggered = results(FIFTY, [measured(60)])
    after = TODAY.end + timedelta(minutes=1)
    assert ended(triggered, measured(60), NOW).event is None
    evaluation = ended(triggered, measured(61), after)
    assert evaluation.event == AlertEvent(EventKind.ENDED, measured(61), 1, after)
    assert ended(evaluation.state, measured(61), after).event is None
    _, calm = results(FIFTY, [measured(3)])
    assert ended(calm, measured(3), after).event is None


def test_the_next_period_has_its_own_state():
    tomorrow = span_at(Unit.DAY, "UTC", TODAY.end)
    assert period_key(measured(1)) != period_key(measured(1, period=tomorrow))
    assert period_key(measured(1, period=None)) == ""


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
def test_a_sum_triggers_each_threshold_once_in_any_order(watch, values, data):
    rule = Rule(watch)
    measurements = [replace(measured(0, after=n), value=value) for n, value in enumerate(values)]
    again = data.draw(st.permutations([*measurements, *measurements]))
    expected = max(reached(watch, measurement) for measurement in measurements)
    for played in (measurements, again):
        events, state = results(rule, played)
        steps = [step for _, step in events]
        assert steps == sorted(set(steps))
        assert (steps[-1] if steps else 0) == expected == state.step
        assert [kind for kind, _ in events][:1] == ([EventKind.TRIGGERED] if expected else [])


@given(WATCHES, st.lists(AMOUNTS, min_size=1, max_size=30), st.booleans())
def test_evaluating_the_same_measurement_again_causes_no_event(watch, values, part):
    rule, state = Rule(watch), AlertState()
    period = None if isinstance(watch, Credits | Spike | Stale | New) else TODAY
    for n, value in enumerate(values):
        measurement = replace(measured(0, after=n, period=period), value=value, part=part)
        first = evaluate(rule, measurement, state, NOW)
        again = evaluate(rule, measurement, first.state, NOW)
        assert again.event is None
        assert again.state == first.state
        state = first.state


@given(
    st.sampled_from([LOW.watch, Stale(), Forecast(50 * DOLLAR), Spike()]),
    st.lists(AMOUNTS, max_size=40),
)
def test_a_level_triggers_and_recovers_alternately(watch, values):
    period = TODAY if isinstance(watch, Forecast) else None
    measurements = [
        replace(measured(0, after=n, period=period), value=value, part=False)
        for n, value in enumerate(values)
    ]
    kinds = [kind is EventKind.RECOVERED for kind, _ in results(Rule(watch), measurements)[0]]
    assert kinds == [n % 2 == 1 for n in range(len(kinds))]


@given(st.lists(AMOUNTS, min_size=1, max_size=8), st.booleans())
def test_events_are_stored_and_read_back_exactly(values, usual):
    found = Baseline(1, 2, 3, 4) if usual else None
    for value in values:
        measurement = replace(measured(0), value=value, usual=found, hour=TODAY if usual else None)
        for kind in EventKind:
            event = AlertEvent(kind, measurement, 2, NOW)
            assert unpack_event(pack_event(event)) == event
