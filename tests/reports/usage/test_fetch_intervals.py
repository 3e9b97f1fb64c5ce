"""However large an organization is, keeping up with it stays within OpenRouter's rate limit."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from reports.time.time_range import Granularity
from reports.usage.fetch_intervals import (
    LIST_EVERY,
    MOST_TIMES_SLOWER,
    SHORT_LISTING,
    STEADY_REQUESTS,
    refresh_plan,
)
from reports.usage.windows_to_fetch import RECENT, SYNC_INTERVAL

MINUTES, HOURS, DAYS = Granularity.MINUTE, Granularity.HOUR, Granularity.DAY
MINUTE = timedelta(minutes=1)
fetches = st.fixed_dictionaries(
    {granularity: st.integers(0, 60).map(float) for granularity in SYNC_INTERVAL}
)
listings = st.integers(0, 3_000)


def test_a_small_organization_is_fetched_at_the_usual_intervals() -> None:
    plan = refresh_plan({MINUTES: 3, HOURS: 3, DAYS: 3}, listing=9)
    assert plan.every == SYNC_INTERVAL
    assert not plan.slowed
    assert (plan.list_every, plan.list_unknown) == (LIST_EVERY, MINUTE)


def test_nothing_is_slowed_before_anything_was_measured() -> None:
    assert not refresh_plan({}, 0).slowed


def test_a_long_directory_is_listed_hourly() -> None:
    plan = refresh_plan({}, SHORT_LISTING + 1)
    assert plan.list_every == timedelta(hours=1)


def test_the_longest_directory_takes_a_third_of_the_requests() -> None:
    plan = refresh_plan({}, 1_800)
    assert plan.list_every == plan.list_unknown == timedelta(hours=2)


@given(fetches, listings)
def test_usage_and_directory_together_stay_within_the_steady_requests(fetches, listing) -> None:
    plan = refresh_plan(fetches, listing)
    used = listing * (MINUTE / plan.list_every)
    used += sum(count * (MINUTE / plan.every[each]) for each, count in fetches.items())
    assert abs(used - plan.requests) < 1e-3  # intervals are whole microseconds
    slowest = SYNC_INTERVAL[MINUTES] * MOST_TIMES_SLOWER
    assert used <= STEADY_REQUESTS + 1e-3 or plan.every[MINUTES] == slowest


@given(fetches, listings)
def test_the_newest_windows_always_overlap(fetches, listing) -> None:
    plan = refresh_plan(fetches, listing)
    assert all(plan.every[each] < RECENT[each] for each in SYNC_INTERVAL)


@given(fetches, listings, st.sampled_from(list(SYNC_INTERVAL)))
def test_more_requests_never_make_anything_faster(fetches, listing, granularity) -> None:
    plan = refresh_plan(fetches, listing)
    more = refresh_plan(fetches | {granularity: fetches[granularity] + 1}, listing)
    assert all(more.every[each] >= plan.every[each] for each in SYNC_INTERVAL)
