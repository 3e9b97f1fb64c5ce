"""Syncing from ClickHouse: the real engine with traces of a local OpenRouter's own events."""

from contextlib import closing
from dataclasses import replace
from itertools import islice

import pytest

from bot.answers.answer import answer
from bot.answers.visibility import ANYONE
from bot.clickhouse import (
    ClickHouse,
    ClickHouseError,
    ClickHouseTooLongError,
    TraceUsage,
    client,
)
from bot.demo.openrouter.models import SampleModel
from bot.demo.openrouter.organization import Key, Member, Organization, synthetic
from bot.demo.openrouter.server import LocalOpenRouter
from bot.schedules.figures import ReportQuestion, is_complete
from bot.store.usage.traces import CREATOR_UNKNOWN, NOT_IN_CLICKHOUSE, NOTE, SAME_NAME
from bot.sync import pull_from_clickhouse, sync
from bot.sync.pull_from_clickhouse import rest_of
from bot.sync.sync import Sync
from reports.questions.grammar import parse
from reports.time.time_range import Granularity
from reports.usage.usage import ZERO, Usage
from tests.cache_help import (
    DAY,
    GONE,
    HOUR,
    MINUTE,
    NOW,
    ONE,
    REACH,
    TWO,
    Cache,
    check,
    company,
    kept,
    record,
    truth,
)
from tests.clickhouse_server import ClickHouseServer, needs_engine
from tests.clock import Clock
from tests.traces import traces_of

DAYS = Granularity.DAY
SETTLED = NOW - 10 * MINUTE


class TraceCache(Cache):
    """A cache that is filled from ClickHouse."""

    def __init__(self, server, path, clock, url, table=client.TABLE) -> None:
        self.traces = ClickHouse(url, table, wait=lambda _: None)
        super().__init__(server, path, clock)

    def street(self) -> Sync:
        return Sync(
            self.api,
            self.store,
            self.clock,
            lambda one: self.progress.append(one.done),
            traces=self.traces,
        )

    def close(self) -> None:
        self.traces.close()
        super().close()


@pytest.fixture(scope="module")
def engine():
    with ClickHouseServer() as started:
        yield started


@pytest.fixture
def lake(engine):
    """The engine with an empty table."""
    engine.execute(f"TRUNCATE TABLE {engine.table}")
    return engine


@pytest.fixture
def clock():
    return Clock(NOW)


@pytest.fixture
def server(clock):
    with LocalOpenRouter(Organization(), clock=clock) as started:
        started.requests_per_minute = None
        yield started


@pytest.fixture
def cache(server, tmp_path, clock, lake):
    made = TraceCache(server, tmp_path / "traces.db", clock, lake.url)
    yield made
    made.close()


def some(server, *records) -> Organization:
    """An organization of two people with a key each, and what they used."""
    people = [
        Member("user_ada", "Ada", "Okafor", "ada@example.com"),
        Member("user_bob", "Bob", "Lee", "bob@example.com"),
    ]
    keys = [Key("prod", ONE, "user_ada"), Key("evals", TWO, "user_bob")]
    server.organization = Organization(people, keys, records=list(records), credits=10**12)
    return server.organization


def usual(server) -> Organization:
    """Usage at all granularities, by both keys and by people without a key."""
    ages = [12 * MINUTE, 50 * MINUTE, 9 * HOUR, 3 * DAY, 30 * DAY, 200 * DAY]
    return some(
        server,
        *(
            record(age, key, member, model, n + 4, byok_requests=n % 3, byok_nano=(n % 3) * 7)
            for age in ages
            for n, (key, member, model) in enumerate(
                [
                    (ONE, "user_ada", "a/x"),
                    (ONE, "user_ada", "b/y"),
                    (TWO, "user_bob", "a/x"),
                    ("", "user_bob", "a/x"),
                ]
            )
        ),
    )


def without_savings(usage):
    """What a trace can tell: it doesn't say what caching saved."""
    return {place: figures._replace(saved=0) for place, figures in usage.items()}


def assert_same(cache, organization) -> None:
    """The cache holds what was used, as OpenRouter tells it."""
    check(cache.path)
    for granularity in REACH:
        earliest = cache.store.state().coverage[granularity][0][0]
        expected = without_savings(truth(organization, granularity))
        assert kept(cache.path, granularity) == {
            place: usage for place, usage in expected.items() if place[1] >= earliest
        }


def by_model(usage):
    """Usage by bucket and model, of one view."""
    found = {}
    for (view, at, _, model), figures in usage.items():
        if view == "KEY":
            before = found.get((at, model), ZERO)
            found[at, model] = Usage(*map(sum, zip(before, figures, strict=True)))
    return found


def assert_same_by_model(cache, organization) -> None:
    """Whatever ClickHouse lacks, sums are OpenRouter's."""
    check(cache.path)
    for granularity in REACH:
        earliest = cache.store.state().coverage[granularity][0][0]
        expected = by_model(without_savings(truth(organization, granularity, earliest)))
        stored = by_model(without_savings(kept(cache.path, granularity)))
        assert stored == expected


def ask(cache, words):
    return answer(cache.store, parse(words).query, cache.clock(), "UTC", whole=True)


def figures(found):
    [metric] = found.metrics.values()
    return metric.buckets, metric.sum, [(one.label, one.sum) for one in metric.groups]


def labels(found):
    [metric] = found.metrics.values()
    return [group.label for group in metric.groups]


def notes(cache):
    with cache.store._db.read() as connection:
        return {row[0] for row in connection.execute("SELECT words FROM note")}


def missing(cache, granularity=DAYS):
    """The requests that are not in ClickHouse, by day."""
    found = {}
    for (view, at, ref, _), usage in kept(cache.path, granularity).items():
        if view == "KEY" and ref == NOT_IN_CLICKHOUSE:
            found[at] = found.get(at, 0) + usage.requests
    return found


def said(found):
    """What an answer says about ClickHouse."""
    return [words for words in found.partial if "ClickHouse" in words]


def queries(server):
    return [one for one in server.requests if one.path == "/analytics/query"]


@needs_engine
def test_both_sources_give_the_same_to_the_nano_dollar(server, cache, lake, tmp_path, clock):
    made = synthetic(keys=12, models=9, members=5, days=45, seed=7, now=NOW - 15 * MINUTE)
    server.organization = made
    assert sum(one.requests for one in made.records) > 45_000
    lake.insert(traces_of(made), tmp_path)
    cache.fill()
    asked = len(queries(server))
    other = Cache(server, tmp_path / "openrouter.db", clock)
    other.fill()
    assert_same(cache, made)
    for granularity in REACH:
        assert kept(cache.path, granularity) == without_savings(kept(other.path, granularity))
    for words in ("spend 1m by key", "tokens 1y by creator", "requests 1d by model", "spend 2m"):
        one, two = ask(cache, words), ask(other, words)
        assert one.partial == two.partial
        assert figures(one) == figures(two)
    assert asked < len(queries(server)) - asked
    other.close()


@needs_engine
def test_a_year_takes_a_few_requests_to_openrouter(server, cache, lake, tmp_path):
    lake.insert(traces_of(usual(server)), tmp_path)
    cache.fill()
    assert_same(cache, server.organization)
    assert len(queries(server)) <= 6  # the newest and the missing of each granularity
    assert cache.store.state().coverage[DAYS][0][0] <= NOW - 364 * DAY
    assert notes(cache) == set()


@needs_engine
def test_names_that_say_little_are_told_as_well_as_they_can_be(server, cache, lake, tmp_path):
    server.organization = company()
    lake.insert(traces_of(server.organization), tmp_path)
    cache.fill()
    check(cache.path)
    several = dict.fromkeys((ONE, TWO, "deleted:prod", GONE), f"{SAME_NAME}prod")
    expected = {}
    for (view, at, ref, model), usage in truth(server.organization, DAYS).items():
        known = several.get(ref, ref)
        if view == "CREATOR" and not ref and model == "b/y":
            known = CREATOR_UNKNOWN  # of a deleted key, of which nothing but its name is known
        place = view, at, known, model
        before = expected.get(place, ZERO)
        expected[place] = Usage(*map(sum, zip(before, usage, strict=True)))
    earliest = cache.store.state().coverage[DAYS][0][0]
    assert kept(cache.path, DAYS) == {
        place: usage for place, usage in without_savings(expected).items() if place[1] >= earliest
    }
    found = ask(cache, "spend 1m by key")
    assert "prod (several keys)" in labels(found)
    assert "several keys are named “prod”: ClickHouse doesn't tell them apart" in found.partial
    assert ask(cache, "spend 1m by model").partial == ()


@needs_engine
def test_sampled_traces_lower_no_sum_and_the_share_is_said(server, cache, lake, tmp_path):
    made = usual(server)
    lake.insert((one for n, one in enumerate(traces_of(made)) if n % 4), tmp_path)
    cache.fill()
    assert_same_by_model(cache, made)
    assert sum(missing(cache).values()) > 0
    assert notes(cache) == {NOTE}
    found = ask(cache, "requests 1y by key")
    lost, all_ = sum(missing(cache).values()), sum(one.requests for one in made.records)
    [words] = said(found)
    assert words.startswith(f"{lost / all_ * 100:.1f}% of requests are not in ClickHouse")
    assert "(not in ClickHouse)" in labels(found)
    assert said(ask(cache, "spend 1y by model")) == []
    assert "of requests are not in ClickHouse" in said(ask(cache, "spend 1y key:prod"))[0]
    assert "of requests are not in ClickHouse" in said(ask(cache, "spend 1y creator:ada*"))[0]


@needs_engine
def test_reports_by_key_wait_for_what_is_missing_and_reports_by_model_do_not(
    server, cache, lake, tmp_path
):
    lake.insert((one for n, one in enumerate(traces_of(usual(server))) if n % 4), tmp_path)
    cache.fill()
    at = NOW.replace(hour=9, minute=0, second=0)
    complete = {
        words: is_complete(cache.store, ReportQuestion(parse(words).query, at, "UTC", ANYONE), NOW)
        for words in ("spend 2026-10 by model", "spend 2026-10 by key", "spend 2026-10")
    }
    assert complete == {
        "spend 2026-10 by model": True,
        "spend 2026-10 by key": False,
        "spend 2026-10": True,
    }


@needs_engine
@pytest.mark.parametrize("lost", [4, -6])
def test_what_the_type_of_costs_rounds_off_is_neither_too_much_nor_missing(
    server, lake, tmp_path, clock, lost
):
    """As a column like Snowflake's does, which has eight decimals."""
    each, many = 26, 2_000
    made = some(
        server,
        *(record(n * DAY, ONE, "user_ada", requests=many, credits_nano=each * many)
          for n in range(1, 9)),
    )  # fmt: skip
    lake.execute("DROP TABLE IF EXISTS rounded")
    lake.create("rounded", "Decimal(18, 8)")
    stored = (one | {"TOTAL_COST": (each + lost) / 10**9} for one in traces_of(made))
    lake.insert(stored, tmp_path, "rounded")
    cache = TraceCache(server, tmp_path / "rounded.db", clock, lake.url, "rounded")
    cache.fill()
    assert len(queries(server)) <= 6
    assert sum(missing(cache).values()) == 0
    assert notes(cache) == set()
    [metric] = ask(cache, "spend 1m by key").metrics.values()
    assert metric.sum == 8 * many * (each + lost)
    cache.close()


@needs_engine
def test_days_without_any_trace_are_openrouters_totals(server, cache):
    made = usual(server)
    cache.fill()
    assert_same_by_model(cache, made)
    [words] = said(ask(cache, "spend 1y by creator"))
    assert words.startswith("100.0% of requests are not in ClickHouse")


@needs_engine
def test_byok_without_cost_metadata_is_part_of_what_is_missing(server, cache, lake, tmp_path):
    made = usual(server)
    lake.insert(traces_of(made, metadata=False), tmp_path)
    cache.fill()
    assert_same_by_model(cache, made)
    assert sum(missing(cache).values()) == 0
    [words] = said(ask(cache, "spend 1y byok by key"))
    assert "% of spend is not in ClickHouse" in words


@needs_engine
def test_late_traces_are_found_when_the_past_is_looked_at_again(
    server, cache, lake, tmp_path, clock
):
    made = usual(server)
    every = list(traces_of(made))
    late = [one for one in every if one["TIMESTAMP"] > "2026-11-19" and one["SPAN_ID"][-1] == "1"]
    assert late
    lake.insert((one for one in every if one not in late), tmp_path)
    cache.fill()
    assert sum(missing(cache).values()) == sum(one["SPAN_TYPE"] == "GENERATION" for one in late)
    lake.insert(late, tmp_path)
    clock.advance(13 * HOUR)
    cache.fill()
    assert missing(cache) == {}
    assert ask(cache, "spend 7d by key").partial == ()


@needs_engine
def test_the_newest_bucket_is_never_too_low_while_traces_are_still_to_come(
    server, cache, lake, tmp_path
):
    made = some(server, record(MINUTE, ONE, "user_ada", requests=10))
    lake.insert(list(traces_of(made))[:7], tmp_path)
    cache.fill()
    assert_same_by_model(cache, made)
    assert notes(cache) == set()
    assert sum(missing(cache).values()) == 4


@needs_engine
def test_traces_that_openrouter_does_not_count_yet_are_kept_in_the_newest_minutes(
    server, cache, lake, tmp_path
):
    made = some(server, record(MINUTE, ONE, "user_ada", requests=10))
    lake.insert(traces_of(made), tmp_path)
    newest = replace(made.records[0], requests=8, prompt=80, completion=8, credits_nano=8)
    made.records[:] = [newest]
    cache.fill()
    stored = kept(cache.path, Granularity.MINUTE)
    assert {usage.requests for usage in stored.values()} == {10}
    assert {place[2] for place in stored} == {ONE, "user_ada"}
    assert {usage.requests for usage in kept(cache.path, DAYS).values()} == {8}


@needs_engine
def test_what_clickhouse_has_more_of_than_openrouter_is_taken_from_openrouter(
    server, cache, lake, tmp_path, caplog
):
    made = usual(server)
    lake.insert(traces_of(made), tmp_path)
    more = [one | {"SPAN_ID": f"more-{n}"} for n, one in enumerate(traces_of(made)) if n % 5 == 0]
    lake.insert(more, tmp_path)
    cache.fill()
    assert without_savings(kept(cache.path, DAYS)) == without_savings(truth(made, DAYS))
    check(cache.path)
    assert notes(cache) == set()
    assert "ClickHouse has more usage than OpenRouter" in caplog.text


@needs_engine
def test_models_are_found_by_each_of_their_names(server, cache, lake, tmp_path):
    made = usual(server)
    made.models = [SampleModel("a/x", "A X", 1, 1, canonical="a/x-20260101")]
    names = {"a/x": "a/x-20260101:free", "b/y": "b/y:nitro"}
    lake.insert((one | {"MODEL": names[one["MODEL"]]} for one in traces_of(made)), tmp_path)
    cache.fill()
    assert_same(cache, made)


@needs_engine
def test_models_that_openrouter_does_not_know_are_never_counted_twice(
    server, cache, lake, tmp_path
):
    made = some(server, record(MINUTE, ONE, "user_ada"), record(3 * DAY, TWO, "user_bob"))
    lake.insert([one | {"MODEL": "somebody/else"} for one in traces_of(made)], tmp_path)
    cache.fill()
    for granularity in REACH:
        stored = without_savings(kept(cache.path, granularity))
        assert {place[3] for place in stored} <= {"a/x"}
    assert without_savings(kept(cache.path, DAYS)) == without_savings(truth(made, DAYS))


@needs_engine
def test_a_window_in_many_parts_is_the_same(server, cache, lake, tmp_path, monkeypatch):
    monkeypatch.setattr(pull_from_clickhouse, "PART_ROWS", 3)
    monkeypatch.setattr(pull_from_clickhouse, "MOST_TRACES", 7)
    lake.insert(traces_of(usual(server)), tmp_path)
    cache.fill()
    assert_same(cache, server.organization)


@needs_engine
def test_a_long_window_is_left_for_the_newest_usage_and_goes_on_where_it_was(
    server, cache, lake, tmp_path, monkeypatch
):
    monkeypatch.setattr(pull_from_clickhouse, "PART_ROWS", 1)
    monkeypatch.setattr(sync, "PAST_SECONDS", 0.0)
    lake.insert(traces_of(usual(server)), tmp_path)
    turns = 0
    while cache.turn().more:
        turns += 1
    assert turns > 8
    assert_same(cache, server.organization)
    assert cache.progress == sorted(cache.progress)


@needs_engine
def test_a_query_that_is_too_much_for_the_server_is_made_in_parts(
    server, cache, lake, tmp_path, monkeypatch
):
    lake.insert(traces_of(usual(server)), tmp_path)
    cache.traces.columns()
    asked = []
    usage = ClickHouse.usage

    def limited(self, granularity, start, end):
        asked.append(end - start)
        little = {"max_memory_usage": "1"} if end - start > 90 * DAY else {}
        monkeypatch.setattr(client, "_MODES", ({"readonly": "1"} | little,))
        yield from usage(self, granularity, start, end)

    monkeypatch.setattr(ClickHouse, "usage", limited)
    cache.fill()
    assert_same(cache, server.organization)
    assert max(asked) > 300 * DAY


@needs_engine
def test_what_is_stored_stays_while_clickhouse_is_away_and_answers_say_so(
    server, cache, lake, tmp_path, clock
):
    made = usual(server)
    lake.insert(traces_of(made), tmp_path)
    cache.fill()
    before = kept(cache.path, DAYS)
    lake.execute(f"RENAME TABLE {lake.table} TO away")
    clock.advance(20 * MINUTE)
    turn = cache.turn()
    assert "ClickHouse" in str(turn.error)
    assert kept(cache.path, DAYS) == before
    assert any("the last sync failed" in words for words in ask(cache, "spend 1d").partial)
    lake.execute(f"RENAME TABLE away TO {lake.table}")
    clock.advance(20 * MINUTE)
    cache.fill()
    assert not any("failed" in words for words in ask(cache, "spend 1d").partial)


@needs_engine
@pytest.mark.parametrize("error", [ClickHouseError, ClickHouseTooLongError])
def test_rows_that_end_in_an_error_leave_no_part_of_a_bucket(
    server, cache, lake, tmp_path, monkeypatch, error
):
    made = usual(server)
    lake.insert(traces_of(made), tmp_path)
    monkeypatch.setattr(pull_from_clickhouse, "PART_ROWS", 1)
    usage, stored, failed = ClickHouse.usage, 0, 0
    for good in range(9):

        def failing(self, *window, good=good):
            with closing(usage(self, *window)) as rows:
                yield from islice(rows, good)
                if next(rows, None) is not None:
                    raise error("in the middle")

        monkeypatch.setattr(ClickHouse, "usage", failing)
        failed += cache.turn().error is not None
        cache.clock.advance(HOUR)  # what failed isn't tried again at once
        for granularity in REACH:
            found = kept(cache.path, granularity)
            times = {at for _, at, _, _ in found}
            stored += len(times)
            whole = without_savings(truth(made, granularity))
            assert found == {place: one for place, one in whole.items() if place[1] in times}
    assert stored
    assert failed
    monkeypatch.setattr(ClickHouse, "usage", usage)
    cache.fill()
    assert_same(cache, made)


@needs_engine
def test_totals_that_lack_a_metric_are_not_stored(server, cache, lake, tmp_path, clock):
    lake.insert(traces_of(usual(server)), tmp_path)
    server.mangle = lambda row: {k: v for k, v in row.items() if k != "credits_usage"}
    assert "has no credits_usage" in str(cache.turn().error)
    server.mangle = None
    clock.advance(MINUTE)
    cache.fill()
    assert_same(cache, server.organization)


def rows(*found):
    return [TraceUsage(NOW, "prod", "", model, usage) for model, usage in found]


def test_what_is_missing_is_counted_by_model_and_never_negative():
    totals = {"a/x": Usage(10, 2, 100, 50, 5, 10**9, 7, 30), "b/y": Usage(1)}
    found = rows(("a/x", Usage(4, 0, 40, 20, 2, 10**8, 0, 40)), ("b/y", Usage(1)))
    rests = rest_of(totals, found, {"cached"}, 0)
    assert rests == {"a/x": Usage(6, 2, 60, 30, 3, 9 * 10**8, 7, 0)}


@pytest.mark.parametrize(
    ("found", "newer", "expected"),
    [
        (rows(("a/x", Usage(201, credits=5))), 0, None),
        (rows(("a/x", Usage(200, credits=5 + 1_002))), 0, None),
        (rows(("a/x", Usage(200, credits=5 + 1_001))), 0, {}),
        (rows(("a/x", Usage(200, credits=0))), 0, {}),
        (rows(("a/x", Usage(202, credits=5))), 0.01, {}),
        (rows(("a/x", Usage(203, credits=5))), 0.01, None),
        (rows(("a/x", Usage(999, credits=10**9))), 1, {}),
        (rows(("a/x", Usage(200, credits=5)), ("b/y", Usage(1))), 0, None),
        (rows(("a/x", Usage(200, credits=5)), ("b/y", Usage(1))), 0.01, {}),
        (rows(("b/y", Usage(1, credits=5))), 1, None),
        ([], 0, {"a/x": Usage(200, credits=5)}),
        ([], 1, {"a/x": Usage(200, credits=5)}),
    ],
)
def test_a_bucket_is_taken_from_clickhouse_unless_it_has_too_much(found, newer, expected):
    assert rest_of({"a/x": Usage(200, credits=5)}, found, (), newer) == expected
