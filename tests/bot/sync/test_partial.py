"""What OpenRouter leaves out of an answer is unknown: never 0, never stored over what is held."""

import pytest

from bot.answers.answer import answer
from bot.demo.openrouter.faults import answer as fault
from bot.demo.openrouter.organization import Organization, Record
from bot.demo.openrouter.server import LocalOpenRouter
from reports.questions.grammar import parse
from reports.usage.usage import NANO
from tests.cache_help import (
    DAY,
    GONE,
    HOUR,
    MINUTE,
    NOW,
    ONE,
    TWO,
    Cache,
    assert_true,
    company,
    record,
)  # fmt: skip

METRICS = ("request_count", "tokens_prompt", "tokens_completion", "credits_usage", "byok_usage")


@pytest.fixture
def cache(server, tmp_path, clock):
    """A cache that holds everything."""
    made = Cache(server, tmp_path / "activity.db", clock)
    made.fill()
    yield made
    made.close()


@pytest.fixture
def empty(server, tmp_path, clock):
    made = Cache(server, tmp_path / "activity.db", clock)
    yield made
    made.close()


def ask(cache, words):
    found = answer(cache.store, parse(words).query, cache.clock(), "UTC", whole=True)
    return {metric: figures.sum for metric, figures in found.metrics.items()}, found


def renamed(metric):
    return lambda row: {(f"{k}_v2" if k == metric else k): v for k, v in row.items()}


def left_out(metric):
    return lambda row: {k: v for k, v in row.items() if k != metric}


def empty_column(metric):
    return lambda row: row | {metric: None}


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("drift", [renamed, left_out, empty_column])
def test_a_missing_metric_keeps_what_is_stored_and_is_reported(cache, server, clock, metric, drift):
    before, found = ask(cache, "7d")
    assert found.partial == ()
    server.mangle = drift(metric)
    clock.advance(20 * MINUTE)
    turn = cache.turn()
    assert f"has no {metric}. Earlier figures are kept" in str(turn.error)
    after, found = ask(cache, "7d")
    assert after == before
    assert found.as_of == NOW
    assert any(f"has no {metric}" in words for words in found.partial)
    server.mangle = None
    clock.advance(MINUTE)
    cache.fill()
    assert ask(cache, "7d")[1].partial == ()
    assert_true(cache, server.organization)


@pytest.mark.parametrize("metric", METRICS)
def test_a_metric_that_never_came_is_no_0_in_an_empty_cache(empty, server, clock, metric):
    server.mangle = left_out(metric)
    assert f"has no {metric}" in str(empty.turn().error)
    assert all(not held for held in empty.store.state().coverage.values())
    _, found = ask(empty, "spend 7d")
    assert any(f"has no {metric}" in words for words in found.partial)
    server.mangle = None
    clock.advance(MINUTE)
    empty.fill()
    assert_true(empty, server.organization)


@pytest.mark.parametrize("metric", ["credits_usage", "byok_usage", "tokens_prompt"])
def test_a_metric_that_is_null_in_some_rows_where_it_cannot_be_is_missing(cache, server, metric):
    def spoilt(row):
        return row | {metric: None} if row.get("api_key_id") == "prod" else row

    server.mangle = spoilt
    cache.clock.advance(20 * MINUTE)
    assert f"has no {metric}" in str(cache.turn().error)


def test_what_nobody_uses_may_be_null_throughout(tmp_path, clock):
    organization = Organization([], company().keys)
    organization.records = [
        Record(NOW - n * HOUR, ONE, "", "a/free", prompt=5, credits_nano=0) for n in range(1, 40)
    ]
    with LocalOpenRouter(organization, clock=clock) as server:
        server.requests_per_minute = None
        server.mangle = lambda row: {
            k: (v if v not in (0, "0", 0.0) else None) for k, v in row.items()
        }
        cache = Cache(server, tmp_path / "activity.db", clock)
        cache.fill()
        assert_true(cache, organization)
        assert ask(cache, "1w")[1].partial == ()
        cache.close()


def test_an_empty_answer_where_usage_was_known_is_asked_again_then_said_and_not_stored(
    cache, server, clock
):
    before, _ = ask(cache, "1d")
    server.mangle = lambda row: None
    server.requests.clear()
    clock.advance(20 * MINUTE)
    assert "no rows for the" in str(cache.turn().error)
    hours = [one.body for one in server.requests if one.body and one.body["granularity"] == "hour"]
    assert len(hours) == 2
    after, found = ask(cache, "1d")
    assert after == before
    assert any("although usage is stored" in words for words in found.partial)


def test_an_empty_answer_that_fills_when_asked_again_is_no_trouble(cache, server, clock):
    answered, asked = server._query, []

    def empty_once(body):
        said = answered(body)
        if body["granularity"] == "hour" and not asked:
            asked.append(body)
            said["data"] |= {"data": [], "metadata": {"row_count": 0, "truncated": False}}
        return said

    server._query = empty_once
    clock.advance(20 * MINUTE)
    cache.fill()
    assert asked
    assert_true(cache, server.organization)
    assert ask(cache, "1d")[1].partial == ()


def test_rows_all_of_another_time_are_said_and_not_stored(cache, server, clock):
    before, _ = ask(cache, "1w")

    def dated_2020(row):
        return {k: ("2020-01-01T00:00:00Z" if "__" in k else v) for k, v in row.items()}

    server.mangle = dated_2020
    clock.advance(20 * MINUTE)
    assert "of other dates" in str(cache.turn().error)
    after, found = ask(cache, "1w")
    assert after == before
    assert any("of other dates" in words for words in found.partial)


def test_rows_all_of_another_time_are_said_on_an_empty_cache_too(empty, server):
    server.mangle = lambda row: {
        k: ("2020-01-01T00:00:00Z" if "__" in k else v) for k, v in row.items()
    }
    assert "have other dates" in str(empty.turn().error)
    assert all(not held for held in empty.store.state().coverage.values())


def twice(server, times=None, granularity="hour"):
    """Every row comes twice, in all responses or only in the first ones."""
    answered, doubled = server._query, []

    def query(body):
        said = answered(body)
        if body["granularity"] == granularity and (times is None or len(doubled) < times):
            doubled.append(body)
            said["data"]["data"] *= 2
        return said

    server._query = query
    return doubled


def test_a_response_with_every_row_twice_is_asked_again_then_said_and_not_stored(
    cache, server, clock
):
    before, _ = ask(cache, "1d")
    doubled = twice(server)
    clock.advance(20 * MINUTE)
    assert "rows twice. Earlier figures are kept" in str(cache.turn().error)
    assert len(doubled) == 2
    after, found = ask(cache, "1d")
    assert after == before
    assert found.as_of == NOW
    assert any("rows twice" in words for words in found.partial)
    del server._query
    clock.advance(MINUTE)
    cache.fill()
    assert ask(cache, "1d")[1].partial == ()
    assert_true(cache, server.organization)


def test_rows_that_come_twice_once_are_no_trouble(cache, server, clock):
    doubled = twice(server, times=1)
    clock.advance(20 * MINUTE)
    cache.fill()
    assert doubled
    assert ask(cache, "1d")[1].partial == ()
    assert_true(cache, server.organization)


def test_rows_of_the_past_that_come_twice_are_noted_while_the_rest_goes_on(empty, server, clock):
    answered = server._query

    def old_days_come_twice(body):
        said = answered(body)
        if body["granularity"] == "day" and body["time_range"]["start"] < "2026-06-01":
            said["data"]["data"] *= 2
        return said

    server._query = old_days_come_twice
    empty.fill()
    assert any("twice" in words for words in ask(empty, "spend 2026-05")[1].partial)
    assert ask(empty, "spend 1m")[1].partial == ()
    del server._query
    clock.advance(HOUR + MINUTE)
    empty.fill()
    assert ask(empty, "spend 2026-05")[1].partial == ()
    assert_true(empty, server.organization)


@pytest.mark.parametrize("dimension", ["api_key_id", "user"])
@pytest.mark.parametrize("filtered", [False, True])
def test_a_view_with_rows_twice_is_refused_also_in_the_hour_that_is_not_over(
    cache, server, clock, dimension, filtered
):
    before, _ = ask(cache, "1d by key")
    answered = server._query

    def newest_twice(body):
        said = answered(body)
        rows = said["data"]["data"]
        if dimension in body.get("dimensions", ()) and bool(body.get("filters")) is filtered:
            said["data"]["data"] = rows + [row for row in rows if "14:00" in str(row)]
        return said

    server._query = newest_twice
    clock.advance(20 * MINUTE)
    assert "twice. Earlier figures are kept" in str(cache.turn().error)
    assert ask(cache, "1d by key")[0] == before
    assert any("twice" in words for words in ask(cache, "1d")[1].partial)
    del server._query
    clock.advance(MINUTE)
    cache.fill()
    assert ask(cache, "1d")[1].partial == ()
    assert_true(cache, server.organization)


def test_two_keys_of_one_name_that_are_used_alike_are_two_rows(cache, server, clock):
    server.organization.records += [
        record(-MINUTE, key, "user_ada", "d/same", credits_nano=NANO) for key in (ONE, TWO, GONE)
    ]
    clock.advance(20 * MINUTE)
    cache.fill()
    assert ask(cache, "1d")[1].partial == ()
    assert_true(cache, server.organization)


def test_minutes_that_are_empty_although_hours_have_more_are_not_believed(cache, server, clock):
    server.organization.records.append(record(-5 * MINUTE, ONE, "user_ada"))
    server.mangle = lambda row: None if any("minute" in name for name in row) else row
    clock.advance(20 * MINUTE)
    while cache.turn().more:
        pass
    _, found = ask(cache, "spend 1h")
    assert any("although usage is stored by hour" in words for words in found.partial)
    server.mangle = None
    clock.advance(HOUR + MINUTE)
    cache.fill()
    assert ask(cache, "spend 1h")[1].partial == ()
    assert_true(cache, server.organization)


def test_minutes_without_usage_are_believed_where_hours_have_none_either(cache, server, clock):
    clock.advance(20 * MINUTE)
    server.requests.clear()
    cache.fill()
    minutes = [
        r.body["time_range"]["start"]
        for r in server.requests
        if r.body and r.body["granularity"] == "minute" and "dimensions" not in r.body
    ]
    assert len(minutes) == len(set(minutes))
    assert ask(cache, "spend 1h")[1].partial == ()


@pytest.mark.parametrize("metric", METRICS[:3])
def test_negative_counts_keep_what_is_stored_and_are_reported(cache, server, clock, metric):
    before, _ = ask(cache, "1w")
    server.mangle = lambda row: row | {metric: "-1"}
    clock.advance(20 * MINUTE)
    assert "without a known time, name or count" in str(cache.turn().error)
    after, found = ask(cache, "1w")
    assert after == before
    assert any("without a known time, name or count" in words for words in found.partial)


def test_some_rows_of_another_time_are_counted_and_said(empty, server):
    answered = server._query

    def with_one_of_2024(body):
        said = answered(body)
        rows = said["data"]["data"]
        said["data"]["data"] = rows + [
            {k: ("2024-05-06T00:00:00Z" if "__" in k else v) for k, v in rows[0].items()}
        ] * bool(rows)
        return said

    server._query = with_one_of_2024
    empty.fill()
    words = "1 row left out: dated outside the requested period"
    assert words in ask(empty, "spend 1w")[1].partial


def test_a_renamed_time_column_keeps_what_is_stored(cache, server, clock):
    before, _ = ask(cache, "1w")
    server.mangle = lambda row: {k.replace("__", "_of_"): v for k, v in row.items()}
    clock.advance(20 * MINUTE)
    assert "can't be read" in str(cache.turn().error)
    assert ask(cache, "1w")[0] == before


def test_a_part_of_the_past_that_lacks_a_metric_is_noted_and_tried_again(empty, server, clock):
    answered = server._query

    def old_days_lack_credits(body):
        said = answered(body)
        if body["granularity"] == "day" and body["time_range"]["start"] < "2026-06-01":
            said["data"]["data"] = [left_out("credits_usage")(r) for r in said["data"]["data"]]
        return said

    server._query = old_days_lack_credits
    empty.fill()
    assert any("has no credits_usage" in words for words in ask(empty, "spend 2026-05")[1].partial)
    assert ask(empty, "spend 1m")[1].partial == ()
    del server._query
    clock.advance(HOUR + MINUTE)
    empty.fill()
    assert_true(empty, server.organization)
    assert ask(empty, "spend 2026-05")[1].partial == ()


def test_an_answer_that_is_always_marked_truncated_is_not_split_without_end(empty, server):
    answered = server._query

    def always_truncated(body):
        said = answered(body)
        said["data"]["metadata"]["truncated"] = True
        return said

    server._query = always_truncated
    empty.fill()
    assert len(server.requests) < 900
    for granularity, period in (("minute", "1h"), ("hour", "1d"), ("day", "1m")):
        words = f"OpenRouter sent only part of the rows of some {granularity}s"
        assert words in ask(empty, f"spend {period}")[1].partial


def test_a_wait_of_a_year_is_an_hour_and_is_said_in_answers(cache, server, clock):
    year = fault(429, headers={"Retry-After": "31536000"})
    server.fail("/analytics/query", year, times=None)
    clock.advance(20 * MINUTE)
    assert cache.turn().error
    said = " ".join(ask(cache, "1d")[1].partial)
    assert "asks to wait more than a year; the next try is in an hour" in said
    server.heal()
    server.requests.clear()
    clock.advance(59 * MINUTE)
    cache.turn()
    assert server.requests == []
    clock.advance(2 * MINUTE)
    cache.fill()
    assert_true(cache, server.organization)


def test_the_first_sync_says_how_far_it_has_come(empty, server):
    empty.turn()
    _, found = ask(empty, "spend 1m")
    [said] = [words for words in found.partial if "first sync is still running" in words]
    assert "% done, about " in said
    assert f"left for {sum(not key.deleted for key in server.organization.keys)} keys" in said
    empty.fill()
    assert ask(empty, "spend 1m")[1].partial == ()
    assert empty.store.fact("first sync") == ""


def test_a_cache_that_was_filled_before_is_in_no_first_sync(cache, server, clock):
    cache.store.keep_fact("first sync", "")
    clock.advance(40 * DAY)
    again = cache.street()
    again.turn()
    assert not any("first sync" in words for words in ask(cache, "spend 1d")[1].partial)
