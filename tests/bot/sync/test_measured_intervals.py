"""Keeping up with a large organization: what is fetched less often, and what people read of it."""

from datetime import timedelta

import pytest

from bot.answers.answer import answer
from bot.demo.openrouter.organization import Key
from bot.store import Database, Store
from bot.store.sync_state import parts, read_slowed
from bot.sync.measured_intervals import RefreshPlanner
from reports.questions.grammar import parse
from reports.time.time_range import Granularity
from reports.usage.fetch_intervals import SHORT_LISTING
from reports.usage.windows_to_fetch import RECENT, SYNC_INTERVAL
from tests.cache_help import MINUTE, ONE, Cache, record

MINUTES, HOURS, DAYS = Granularity.MINUTE, Granularity.HOUR, Granularity.DAY
PAGE = 100


@pytest.fixture
def cache(server, tmp_path, clock):
    made = Cache(server, tmp_path / "activity.db", clock)
    yield made
    made.close()


def count(server, path):
    return sum(one.path.startswith(path) for one in server.requests)


def add_keys(organization, number):
    default = organization.default_workspace
    organization.keys += [Key(f"key-{n}", workspace=default) for n in range(number)]


def test_a_long_directory_is_listed_hourly_and_credits_more_often(cache, server, clock):
    add_keys(server.organization, SHORT_LISTING * PAGE)
    cache.fill()
    listed, credits_read = count(server, "/keys"), count(server, "/credits")
    for _ in range(3):
        clock.advance(16 * MINUTE)
        cache.turn()
    assert count(server, "/keys") == listed
    assert count(server, "/credits") == credits_read + 3
    clock.advance(16 * MINUTE)
    cache.turn()
    assert count(server, "/keys") > listed


def test_credits_that_cannot_be_read_between_two_listings_are_noted(cache, server, clock):
    add_keys(server.organization, SHORT_LISTING * PAGE)
    cache.fill()
    before = cache.store.fact("limits")
    server.fail("/credits", 403, times=None)
    clock.advance(16 * MINUTE)
    cache.turn()
    assert "credits" in parts(cache.store)
    assert cache.store.fact("limits") == before


def test_usage_that_takes_many_queries_is_fetched_less_often(cache, server, clock):
    server.organization.records += [
        record(-minute * MINUTE, ONE, "user_ada", model)
        for minute in range(60)
        for model in ("a/x", "b/y")
    ]
    cache.fill()
    server.row_limit = 2  # so that each minute takes several queries
    for _ in range(2):
        clock.advance(15 * MINUTE)
        cache.turn()
    slowed = read_slowed(cache.store)
    assert slowed is not None
    assert all(slowed.every[each] > SYNC_INTERVAL[each] for each in SYNC_INTERVAL)
    before = cache.store.state().synced[MINUTES]
    clock.advance(SYNC_INTERVAL[MINUTES] + timedelta(seconds=1))
    cache.turn()
    assert cache.store.state().synced[MINUTES] == before
    clock.advance(slowed.every[MINUTES])
    cache.turn()
    assert cache.store.state().synced[MINUTES] > before


@pytest.fixture
def store(tmp_path):
    made = Store(Database(tmp_path / "activity.db"))
    yield made
    made.close()


def slow(store, keys=100_000):
    planner = RefreshPlanner(store)
    for granularity, queries in ((MINUTES, 30), (HOURS, 60), (DAYS, 60)):
        planner.fetched(granularity, queries)
    planner.listed(1_000)
    planner.store(keys)
    return planner.plan


def test_another_process_reads_how_often_usage_is_fetched(store):
    plan = slow(store)
    other = RefreshPlanner(store).plan
    assert other.every == {
        each: timedelta(seconds=plan.every[each].total_seconds()) for each in SYNC_INTERVAL
    }
    assert all(plan.every[each] < RECENT[each] for each in SYNC_INTERVAL)


def test_answers_say_how_often_usage_is_fetched_where_that_is_seldom(store, clock):
    plan = slow(store)

    def notes(words):
        return answer(store, parse(words).query, clock(), "UTC", whole=True).partial

    minutes = round(plan.every[HOURS] / MINUTE)
    words = (
        f"data by hour is updated every {minutes} minutes, to stay within OpenRouter's rate limit"
        " with 100,000 keys"
    )
    assert words in notes("spend today")
    assert not any("rate limit" in note for note in notes("spend yesterday"))


def test_a_plan_that_is_as_usual_again_is_not_mentioned_any_more(store):
    slow(store)
    planner = RefreshPlanner(store)
    for granularity in SYNC_INTERVAL:
        planner.fetched(granularity, 3)
    planner.store(12)
    assert read_slowed(store) is None
