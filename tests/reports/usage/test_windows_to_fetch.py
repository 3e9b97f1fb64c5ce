"""What is pulled next: everything within reach, each stretch once, the newest first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.time.time_range import DAY, HOUR, STEP, Granularity, floor
from reports.usage.coverage import Interval, gaps, merge
from reports.usage.windows_to_fetch import (
    FIRST_WINDOW,
    HISTORY,
    MINUTE,
    RECENT,
    SYNC_INTERVAL,
    TARGET_ROWS,
    Window,
    is_due,
    look_back_window,
    missing_windows,
    newest_window,
    next_length,
    split_off_newest,
)

NOW = datetime(2026, 11, 22, 10, 31, 7, tzinfo=UTC)
PULLED = (Granularity.MINUTE, Granularity.HOUR, Granularity.DAY)
granularities = st.sampled_from(PULLED)
nows = st.timedeltas(timedelta(), 400 * DAY).map(lambda since: NOW + since)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    granularity = draw(granularities)
    start = floor(draw(nows), granularity)
    return Window(granularity, start, start + draw(st.timedeltas(timedelta(seconds=1), 90 * DAY)))


@pytest.mark.parametrize("granularity", PULLED)
def test_a_granularity_never_pulled_is_due(granularity: Granularity) -> None:
    assert is_due(granularity, NOW, {})


@pytest.mark.parametrize("granularity", PULLED)
def test_it_is_due_when_its_time_has_passed_and_not_before(granularity: Granularity) -> None:
    every = SYNC_INTERVAL[granularity]
    assert not is_due(granularity, NOW, {granularity: NOW})
    assert not is_due(granularity, NOW, {granularity: NOW - every + timedelta(seconds=1)})
    assert is_due(granularity, NOW, {granularity: NOW - every})
    assert is_due(granularity, NOW, {granularity: NOW - 365 * DAY})


@pytest.mark.parametrize("granularity", PULLED)
def test_a_clock_that_was_set_back_does_not_stop_the_sync(granularity: Granularity) -> None:
    assert is_due(granularity, NOW, {granularity: NOW + timedelta(seconds=1)})
    assert is_due(granularity, NOW, {granularity: NOW + 1000 * DAY})


@pytest.mark.parametrize(
    ("granularity", "oldest"),
    [
        (Granularity.MINUTE, MINUTE),
        (Granularity.HOUR, 5 * MINUTE),
        (Granularity.DAY, 15 * MINUTE),
    ],
)
def test_what_is_held_is_never_older_than_promised(
    granularity: Granularity, oldest: timedelta
) -> None:
    slack = timedelta(seconds=15)  # a pull takes its time
    assert is_due(granularity, NOW, {granularity: NOW - oldest + slack})


def test_one_granularity_does_not_speak_for_another() -> None:
    assert is_due(Granularity.HOUR, NOW, {Granularity.MINUTE: NOW, Granularity.DAY: NOW})


@pytest.mark.parametrize(
    ("granularity", "start"),
    [
        (Granularity.MINUTE, "2026-11-22T10:21:00+00:00"),
        (Granularity.HOUR, "2026-11-22T08:00:00+00:00"),
        (Granularity.DAY, "2026-11-21T00:00:00+00:00"),
    ],
)
def test_the_newest_buckets_are_whole_ones_up_to_now(granularity: Granularity, start: str) -> None:
    assert newest_window(granularity, NOW) == Window(
        granularity, datetime.fromisoformat(start), NOW
    )


def test_an_empty_cache_misses_everything_within_reach() -> None:
    day = missing_windows(Granularity.DAY, NOW, {})
    assert day == (
        Window(
            Granularity.DAY,
            datetime(2025, 11, 22, tzinfo=UTC),
            datetime(2026, 11, 21, tzinfo=UTC),
        ),
    )


def test_minutes_are_never_asked_for_beyond_three_hours() -> None:
    (window,) = missing_windows(Granularity.MINUTE, NOW, {})
    assert NOW - window.start < 3 * HOUR


def test_the_newest_gap_comes_first() -> None:
    def at(day: int) -> datetime:
        return datetime(2026, 11, day, tzinfo=UTC)

    held = {Granularity.HOUR: ((at(1), at(10)), (at(12), at(20)))}
    found = missing_windows(Granularity.HOUR, NOW, held)
    assert [(w.start, w.end) for w in found[:2]] == [
        (at(20), datetime(2026, 11, 22, 8, tzinfo=UTC)),
        (at(10), at(12)),
    ]


_intervals = st.lists(
    st.tuples(st.integers(0, 500), st.integers(0, 500)).map(
        lambda hours: (NOW - hours[0] * 19 * HOUR, NOW - hours[1] * 19 * HOUR)
    ),
    max_size=6,
)


@given(granularities, nows, _intervals)
@settings(max_examples=150, deadline=None)
def test_what_is_held_missing_and_newest_covers_all_within_reach(
    granularity: Granularity, now: datetime, intervals: list[Interval]
) -> None:
    held = merge(intervals)
    found = missing_windows(granularity, now, {granularity: held})
    recent = newest_window(granularity, now)
    covered = merge([*held, *((w.start, w.end) for w in found), (recent.start, recent.end)])
    assert gaps((now - HISTORY[granularity] + STEP[granularity], now), covered) == ()
    assert all(w.start < w.end <= recent.start for w in found)
    assert all(floor(w.start, granularity) == w.start for w in found)
    assert all(later.start > earlier.start for later, earlier in pairwise(found))


@given(granularities, nows)
@settings(max_examples=100, deadline=None)
def test_a_full_cache_misses_nothing(granularity: Granularity, now: datetime) -> None:
    assert missing_windows(granularity, now, {granularity: ((now - 400 * DAY, now),)}) == ()


@given(granularities, nows)
@settings(max_examples=100, deadline=None)
def test_the_look_back_ends_where_the_newest_begins(
    granularity: Granularity, now: datetime
) -> None:
    back = look_back_window(granularity, now)
    assert back.end == newest_window(granularity, now).start
    assert back.start == floor(back.start, granularity) < back.end
    assert 7 * DAY <= now - back.start < 8 * DAY


@given(windows())
@settings(max_examples=200, deadline=None)
def test_halves_make_up_the_window(window: Window) -> None:
    halves = window.halves()
    step = STEP[window.granularity]
    if halves is None:
        assert window.end - window.start <= step
        return
    one, other = halves
    assert (one.start, one.end, other.end) == (window.start, other.start, window.end)
    assert one.start < one.end < other.end
    assert floor(other.start, window.granularity) == other.start
    assert abs((one.end - one.start) - (other.end - other.start)) <= step


@given(windows())
@settings(max_examples=50, deadline=None)
def test_halving_ends_at_single_buckets(window: Window) -> None:
    left = [window]
    for _ in range(20):
        left = [half for one in left[:4] for half in one.halves() or ()]
    assert left == []


@given(windows(), st.timedeltas(MINUTE, 100 * DAY))
@settings(max_examples=200, deadline=None)
def test_parts_taken_from_the_end_make_up_the_window(window: Window, length: timedelta) -> None:
    part, rest = split_off_newest(window, length)
    assert part.end == window.end
    assert part.start < part.end
    if rest is None:
        assert part == window
    else:
        assert (rest.start, rest.end) == (window.start, part.start)
        assert rest.start < rest.end
        assert floor(part.start, window.granularity) == part.start
        assert length <= part.end - part.start < length + STEP[window.granularity]


@pytest.mark.parametrize(
    ("rows", "factor"),
    [(0, 8), (1, 8), (TARGET_ROWS, 1), (2 * TARGET_ROWS, 0.5), (TARGET_ROWS // 2, 2)],
)
def test_windows_grow_and_shrink_with_the_rows_they_bring(rows: int, factor: float) -> None:
    window = Window(Granularity.DAY, NOW - 10 * DAY, NOW)
    assert next_length(window, rows) == 10 * DAY * factor


def test_a_short_window_with_few_rows_does_not_make_the_next_one_short() -> None:
    window = Window(Granularity.HOUR, NOW - 2 * HOUR, NOW)
    assert next_length(window, 1) == FIRST_WINDOW[Granularity.HOUR]


def test_a_window_is_never_less_than_a_bucket() -> None:
    assert next_length(Window(Granularity.DAY, NOW - DAY, NOW), 10**9) == DAY
    assert next_length(Window(Granularity.HOUR, NOW - HOUR, NOW), 10**9) == HOUR


def test_what_is_recent_and_asked_for_first_lies_within_reach() -> None:
    for granularity in PULLED:
        assert STEP[granularity] <= RECENT[granularity] < HISTORY[granularity]
        assert STEP[granularity] <= FIRST_WINDOW[granularity] <= HISTORY[granularity]
        assert SYNC_INTERVAL[granularity] < RECENT[granularity]
