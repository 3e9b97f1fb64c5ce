"""Cached tokens and what caching saved: stored with usage, backfilled once, unknown until then."""

import pytest

from bot.store.usage.selection import Selection
from bot.sync.sync import BACKFILL_EVERY, BACKFILL_TRIES
from reports.time.time_range import DAY, Granularity, TimeRange, floor
from reports.usage.dimensions import Dimension
from reports.usage.usage import total
from tests import databases
from tests.cache_help import MINUTE, NOW, Cache, assert_true, kept, truth

DAYS = Granularity.DAY
FIGURES = ("cached_tokens", "usage_cache")


@pytest.fixture
def cache(server, tmp_path, clock):
    """A cache that has everything."""
    made = Cache(server, tmp_path / "activity.db", clock)
    made.fill()
    yield made
    made.close()


@pytest.fixture
def upgraded(cache):
    """The same, as an earlier version left it: cached tokens and savings were never asked for."""
    with databases.looking(cache.path) as connection:
        connection.execute("UPDATE usage SET cached = 0, saved = 0")
        connection.execute("UPDATE total SET cached = 0, saved = 0")
        connection.execute("DELETE FROM figure_known")
        connection.execute("UPDATE fact SET value = value || '0' WHERE name = 'usage'")
    cache.sync = cache.street()
    return cache


def days(count=360):
    first = floor(NOW, DAYS) - (count - 1) * DAY
    return TimeRange(tuple(first + n * DAY for n in range(count)), first + count * DAY, DAYS, NOW)


def without_cache(found):
    return {place: usage._replace(cached=0, saved=0) for place, usage in found.items()}


def queries(server, since=0):
    return [one for one in server.requests[since:] if one.path == "/analytics/query"]


def backfilled(cache, server, turns=200):
    """Turns with the pauses between them, until all is known."""
    for _ in range(turns):
        turn = cache.turn()
        assert turn.error is None
        if not cache.store.unknown_buckets(days(), DAYS) and not turn.more:
            return
        cache.clock.advance(BACKFILL_EVERY)
    raise AssertionError("there is no end to it")


def test_a_first_sync_stores_them_as_known(cache, server):
    assert_true(cache, server.organization)
    assert cache.store.unknown_buckets(days(), DAYS) == frozenset()
    found = cache.store.read(Selection(Dimension.MODEL), days(), DAYS)
    used = [usage for place, usage in truth(server.organization, DAYS).items() if place[0] == "KEY"]
    reached = [usage for usage in used if usage.requests]
    whole = total(found.whole)
    assert whole.cached > 0
    assert whole.saved > 0
    assert whole.cached <= total(reached).cached
    assert min(usage.saved for usage in used) < 0


def test_what_an_earlier_version_stored_is_unknown_until_it_is_fetched_again(upgraded, server):
    assert upgraded.store.unknown_buckets(days(), DAYS) == frozenset(range(360))
    backfilled(upgraded, server)
    assert_true(upgraded, server.organization)


def test_a_restart_goes_on_where_the_backfill_was(upgraded, server):
    while 357 in (unknown := upgraded.store.unknown_buckets(days(), DAYS)):
        upgraded.turn()
        upgraded.clock.advance(BACKFILL_EVERY)
    assert 0 in unknown, "the newest comes first"
    upgraded.sync = upgraded.street()
    before = len(server.requests)
    backfilled(upgraded, server)
    again = [
        one.body["time_range"]["start"]
        for one in queries(server, before)
        if one.body["granularity"] == "day"
    ]
    assert not any("2026-11-01" <= start < "2026-11-21" for start in again)
    assert_true(upgraded, server.organization)


def test_the_backfill_fetches_one_window_at_a_time_with_pauses(upgraded, server):
    upgraded.turn()
    first = len(queries(server))
    turn = upgraded.turn()
    assert not turn.more
    assert len(queries(server)) == first, "no second window before the pause is over"
    upgraded.clock.advance(BACKFILL_EVERY)
    upgraded.turn()
    assert first < len(queries(server)) <= first + 2 * 6


@pytest.mark.parametrize("refused", [{FIGURES[0]}, {FIGURES[1]}, set(FIGURES)])
def test_where_openrouter_refuses_the_metrics_all_else_goes_on(server, tmp_path, clock, refused):
    server.refused_metrics = refused
    made = Cache(server, tmp_path / "activity.db", clock)
    made.fill()
    for granularity in (Granularity.HOUR, DAYS):
        expected = without_cache(truth(server.organization, granularity))
        found = without_cache(kept(made.path, granularity))
        assert found == {place: expected[place] for place in found}
        assert found
    names = dict(zip(FIGURES, ("cached", "saved"), strict=True))
    for metric, name in names.items():
        unknown = made.store.unknown_buckets(days(), DAYS, (name,))
        assert unknown == (frozenset(range(360)) if metric in refused else frozenset())
    refusals = [one for one in queries(server) if refused & set(one.body["metrics"])]
    assert len(refusals) <= len(refused), "it is not asked for again with each query"
    before = len(server.requests)
    made.clock.advance(BACKFILL_EVERY)
    made.turn()
    assert not queries(server, before), "and there is no backfill meanwhile"
    made.close()


def test_a_refusal_for_another_reason_is_still_an_error(cache, server):
    server.fail("/analytics/query", 400, 400, 400)
    cache.clock.advance(20 * MINUTE)
    assert "refused" in str(cache.turn().error)
    assert cache.api.refused_metrics() == frozenset()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda row: {k: v for k, v in row.items() if k not in FIGURES},
        lambda row: row | {name: ["not a number"] for name in FIGURES},
        lambda row: row | dict.fromkeys(FIGURES),
    ],
    ids=["left out", "unreadable", "null"],
)
def test_figures_that_do_not_come_any_more_become_unknown_and_stop_nothing(cache, server, spoil):
    before = without_cache(kept(cache.path, DAYS))
    server.mangle = spoil
    cache.clock.advance(20 * MINUTE)
    assert cache.turn().error is None
    assert cache.store.unknown_buckets(days(), DAYS) == {358, 359}
    assert without_cache(kept(cache.path, DAYS)) == before


def test_a_backfill_that_brings_nothing_is_tried_for_a_few_windows_a_day(upgraded, server):
    server.mangle = lambda row: {k: v for k, v in row.items() if k not in FIGURES}
    tried = set()
    for _ in range(20):
        before = len(server.requests)
        upgraded.turn()
        tried |= {
            (one.body["granularity"], one.body["time_range"]["start"])
            for one in queries(server, before)
            if one.body["time_range"]["end"] < (NOW - 9 * MINUTE).isoformat()
        }
        upgraded.clock.advance(BACKFILL_EVERY)
    assert len(tried) == BACKFILL_TRIES
