"""Syncing from OpenRouter into the cache, over real HTTP into a real database file."""

import sqlite3
from collections import deque
from datetime import timedelta

import pytest

from bot.answers.answer import answer
from bot.demo.openrouter.directory import ApiError
from bot.demo.openrouter.faults import answer as fault_answer
from bot.demo.openrouter.organization import Key, Record, Workspace
from bot.demo.openrouter.server import LocalOpenRouter
from bot.store import database
from bot.store.connection import Area
from bot.store.encoding import from_seconds, to_seconds
from bot.store.usage import filled_months
from reports.questions.grammar import parse
from reports.time.time_range import Granularity
from reports.usage.windows_to_fetch import Window, missing_windows
from tests import databases
from tests.cache_help import (
    DAY,
    HOUR,
    LAB,
    MINUTE,
    NOW,
    ONE,
    REACH,
    Cache,
    assert_true,
    check,
    company,
    kept,
    truth,
)
from tests.clock import Clock

SECOND = timedelta(seconds=1)
LAB_ID = Workspace("Lab").id

MINUTES, HOURS, DAYS = Granularity.MINUTE, Granularity.HOUR, Granularity.DAY


@pytest.fixture
def empty(server, tmp_path, clock):
    """A cache that holds nothing yet."""
    made = Cache(server, tmp_path / "activity.db", clock)
    yield made
    made.close()


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A file after the first sync of the same company."""
    clock, path = Clock(NOW), tmp_path_factory.mktemp("filled") / "activity.db"
    with LocalOpenRouter(company(), clock=clock) as server:
        server.requests_per_minute = None
        made = Cache(server, path, clock)
        made.fill()
        made.close()
    return path


@pytest.fixture
def cache(server, filled, tmp_path, clock):
    """A cache that holds everything."""
    path = tmp_path / "activity.db"
    databases.copy(filled, path)
    made = Cache(server, path, clock)
    yield made
    made.close()


def test_the_first_sync_fetches_all_that_openrouter_keeps(empty, server):
    empty.fill()
    assert_true(empty, server.organization)
    held = empty.store.state().coverage
    for granularity, reach in REACH.items():
        ((start, end),) = held[granularity]
        assert start <= NOW - reach + MINUTE
        assert end == NOW
    assert empty.progress == sorted(empty.progress)
    assert empty.progress[-1] == 1.0
    assert server.writes == []


@pytest.mark.parametrize("most", [6, 7, 20])
def test_a_truncated_answer_is_asked_for_in_parts_until_it_is_whole(empty, server, most):
    server.row_limit = most
    empty.fill()
    assert_true(empty, server.organization)
    assert notes(empty) == set()


def test_a_bucket_that_stays_truncated_is_kept_as_far_as_it_goes_and_says_so(empty, server):
    server.row_limit = 1
    empty.fill()
    check_parts(empty, server.organization)
    words = "OpenRouter sent only part of the rows of some days"
    assert words in notes(empty)
    assert words in ask(empty, "spend 1w").partial


def check_parts(cache, organization):
    for granularity in REACH:
        expected = truth(organization, granularity)
        found = kept(cache.path, granularity)
        assert found
        assert all(expected[place] == usage for place, usage in found.items() if place[2] != "")


def notes(cache):
    with cache.store._db.read() as connection:
        return {row[0] for row in connection.execute("SELECT words FROM note")}


@pytest.mark.parametrize("longest", [5 * DAY, 20 * DAY])
def test_a_query_that_takes_too_long_is_asked_for_in_parts(empty, server, longest):
    server.timeout_over = longest
    empty.fill()
    assert_true(empty, server.organization)
    assert notes(empty) == set()


def test_a_bucket_that_takes_too_long_by_itself_is_given_up_and_the_rest_goes_on(
    empty, server, clock
):
    slow = NOW.replace(hour=0, minute=0, second=0) - 40 * DAY
    refuse(server, slow, 408)
    empty.fill()
    check(empty.path)
    expected = truth(server.organization, DAYS)
    first = empty.store.state().coverage[DAYS][0][0]
    assert kept(empty.path, DAYS) == {k: v for k, v in expected.items() if k[1] >= first}
    assert missing_windows(DAYS, clock(), empty.store.state().coverage) == (
        Window(DAYS, slow, slow + DAY),
    )
    assert "no data from 13 Oct 2026 until 14 Oct 2026" in ask(empty, "spend 2m").partial
    server.requests.clear()
    empty.fill()
    assert server.requests == []
    del server._query
    clock.advance(13 * HOUR)
    empty.fill()
    assert missing_windows(DAYS, clock(), empty.store.state().coverage) == ()


def test_a_window_that_openrouter_refuses_does_not_keep_the_rest_waiting(empty, server, clock):
    refuse(server, NOW.replace(hour=0, minute=0, second=0) - 365 * DAY, 400)
    empty.fill()
    held = empty.store.state().coverage
    assert missing_windows(HOURS, clock(), held) == missing_windows(MINUTES, clock(), held) == ()
    assert len(missing_windows(DAYS, clock(), held)) == 1
    assert empty.turn().error is None


def refuse(server, day, status):
    """Let every query by day fail whose range has this day in it."""
    answered = server._query

    def query(body):
        start, end = (body["time_range"][side] for side in ("start", "end"))
        if body["granularity"] == "day" and start <= f"{day:%Y-%m-%dT%H:%M:%SZ}" < end:
            raise ApiError(status, "injected")
        return answered(body)

    server._query = query


def ask(cache, words, **more):
    query = parse(words).query
    return answer(cache.store, query, cache.clock(), "UTC", whole=True, **more)


# -- whose it is


def test_a_key_that_is_renamed_keeps_its_history(cache, server, clock):
    server.organization.key(LAB).name = "laboratory"
    server.organization.records.append(used(server, clock, LAB, "user_nil"))
    clock.advance(50 * SECOND)
    cache.fill()
    clock.advance(20 * MINUTE)
    cache.fill()
    assert_true(cache, server.organization)
    assert "laboratory" in labels(cache, "spend 1y by key")
    assert "lab" not in labels(cache, "spend 1y by key")


def used(server, clock, key, member, model="a/x", ago=SECOND):
    return Record(clock() - ago, key, member, model, 5, prompt=3, credits_nano=77)


def labels(cache, words):
    (metric,) = ask(cache, words).metrics.values()
    return [group.label for group in metric.groups]


def test_a_key_made_right_after_the_directory_was_read_is_no_deleted_one(cache, server, clock):
    clock.advance(20 * MINUTE)
    cache.turn()  # reads the directory again
    clock.advance(46 * SECOND)
    server.organization.keys.append(Key("brand new", workspace=LAB_ID, creator="user_ada"))
    server.organization.records.append(used(server, clock, Key("brand new").hash, "user_ada"))
    cache.fill()
    clock.advance(20 * MINUTE)
    cache.fill()
    assert_true(cache, server.organization)
    assert labels(cache, "spend 1h by key").count("brand new") == 1


def test_a_key_that_is_deleted_keeps_what_it_used_before_and_after(cache, server, clock):
    server.organization.records.append(used(server, clock, LAB, "user_nil"))
    server.organization.key(LAB).deleted = True
    clock.advance(20 * MINUTE)
    cache.fill()
    check(cache.path)
    expected = truth(server.organization, DAYS, made_up=False)
    mine = {k: v for k, v in expected.items() if k[2] == LAB}
    found = {k: v for k, v in kept(cache.path, DAYS).items() if k[2] == LAB}
    assert found == {k: v for k, v in mine.items() if k[1] >= NOW - 365 * DAY}


def test_somebody_who_leaves_keeps_their_name_and_their_usage(cache, server, clock):
    bobs = {k: v for k, v in kept(cache.path, DAYS).items() if k[2] == "user_bob"}
    bob = next(m for m in server.organization.members if m.id == "user_bob")
    server.organization.members.remove(bob)
    clock.advance(20 * MINUTE)
    cache.fill()
    assert "Sam Lee (bob@example.com)" in labels(cache, "spend 1y by creator")
    found = kept(cache.path, DAYS)
    assert all(found[k] == v for k, v in bobs.items() if k[1] < NOW - 2 * DAY)


def test_nobody_is_mistaken_for_a_namesake(cache):
    assert {label.partition(" (")[0] for label in labels(cache, "spend 1y by creator")} >= {
        "Ada Okafor", "Sam Lee", "Kim", "mail@example.com", "user_nil"
    }  # fmt: skip
    by_creator = labels(cache, "spend 1y by creator")
    assert len(set(by_creator)) == len(by_creator) == 8
    by_key = labels(cache, "spend 1y by key")
    assert len(set(by_key)) == len(by_key) == 7
    assert "(chatroom)" in by_key


def test_a_personal_account_has_keys_and_a_chatroom_alone(tmp_path, clock):
    organization = company()
    organization.members = None
    for one in organization.records:
        one.member = ""
    with LocalOpenRouter(organization, clock=clock) as server:
        server.requests_per_minute = None
        cache = Cache(server, tmp_path / "activity.db", clock)
        cache.fill()
        assert_true(cache, organization)
        cache.close()


# -- what changes


def test_what_vanishes_upstream_vanishes_here(cache, server, clock):
    gone = [one for one in server.organization.records if NOW - one.at < DAY]
    for one in gone:
        server.organization.records.remove(one)
    server.organization.records.append(used(server, clock, ONE, "user_ada", "left/over"))
    clock.advance(20 * MINUTE)
    cache.fill()
    today = NOW.replace(hour=0, minute=0, second=0)
    models = {place[3] for place in kept(cache.path, DAYS) if place[1] == today}
    assert models == {"left/over"}
    check(cache.path)


def test_a_revision_of_the_day_before_yesterday_is_seen_by_the_look_back(cache, server, clock):
    late = [one for one in server.organization.records if 2 * DAY < NOW - one.at < 6 * DAY]
    for one in late:
        one.credits_nano += 1_230_000_000
        one.requests += 1
    clock.advance(13 * HOUR)  # past three at night
    cache.fill()
    assert_true(cache, server.organization)


def test_a_look_back_that_fails_on_its_way_is_made_up_for(cache, server, clock):
    for one in server.organization.records:
        if 2 * DAY < NOW - one.at < 6 * DAY:
            one.credits_nano += 5
    clock.advance(13 * HOUR)
    for _ in range(20):
        assert cache.turn().error is None
        if cache.sync._looking_back:
            break
    assert cache.sync._looking_back
    server.fail("/analytics/query", 500, times=5)
    assert cache.turn().error
    clock.advance(MINUTE)
    cache.fill()
    assert_true(cache, server.organization)


def test_usage_that_arrives_between_two_queries_of_a_window_is_no_trouble(cache, server, clock):
    clock.advance(MINUTE)
    answered, count = server._query, iter(range(10**6))

    def query_after_more_was_used(body):
        n = next(count)
        server.organization.records.append(used(server, clock, ONE, "user_ada", f"new/{n}"))
        return answered(body)

    server._query = query_after_more_was_used
    cache.fill()
    server._query = answered
    clock.advance(20 * MINUTE)
    cache.fill()
    assert_true(cache, server.organization)


def test_history_that_openrouter_forgets_stays_here(cache, server, clock):
    first = cache.store.state().coverage[DAYS][0][0]
    oldest = {k: v for k, v in kept(cache.path, DAYS).items() if k[1] < NOW - 300 * DAY}
    assert oldest
    for _ in range(3):
        clock.advance(30 * DAY)
        cache.fill()
    assert {k: v for k, v in kept(cache.path, DAYS).items() if k in oldest} == oldest
    assert cache.store.state().coverage[DAYS][0] == (first, clock())
    check(cache.path)


# -- what is due


def test_minutes_hours_and_days_stay_fresh_without_asking_too_often(cache, server, clock):
    """A night with its look back, in ticks of five seconds."""
    server.organization.records = server.organization.records[::9]
    clock.now = NOW.replace(hour=2, minute=50) + DAY
    cache.fill()
    asked = deque()
    most = {MINUTES: 60, HOURS: 300, DAYS: 900}
    for _ in range(480):
        clock.advance(5 * SECOND)
        before = len(server.requests)
        while cache.turn().more:
            pass
        asked.extend([clock()] * (len(server.requests) - before))
        while asked and clock() - asked[0] >= MINUTE:
            asked.popleft()
        assert len(asked) <= 64
        for granularity, at in cache.store.state().synced.items():
            assert (clock() - at).total_seconds() <= most[granularity]
    assert cache.store.fact("looked_back") == f"{clock():%Y-%m-%d}"


def test_nothing_is_asked_before_it_is_due(cache, server, clock):
    server.requests.clear()
    clock.advance(44 * SECOND)
    cache.fill()
    assert server.requests == []


def test_an_outage_is_made_up_for_as_far_as_openrouter_reaches(cache, server, clock):
    for hours in (1, 5, 30, 40 * 24):
        away = clock()
        clock.advance(hours * HOUR)
        for n in range(1, 9):
            ago = n * hours * HOUR / 9
            server.organization.records.append(used(server, clock, ONE, "user_ada", ago=ago))
        cache.fill()
        check(cache.path)
        held = cache.store.state().coverage
        assert held[DAYS][-1] == (held[DAYS][0][0], clock())
        assert kept(cache.path, DAYS) == {
            k: v for k, v in truth(server.organization, DAYS).items() if k[1] >= held[DAYS][0][0]
        }
    assert len(held[HOURS]) == 2
    lost = away + DAY
    partial = ask(cache, f"spend {lost:%Y-%m-%d}").partial
    assert partial == ("no data by hour for this period",) or "by day" in " ".join(partial)


def test_days_are_added_to_rows_by_month_once_they_are_over_and_fetched(cache, server, clock):
    first = clock().date()
    assert marked(cache) == {first}  # the first sync has written all of them by month
    for days in (1, 2, 3, 10):
        while clock().date() < first + days * DAY:
            clock.advance(12 * HOUR)
            server.organization.records.append(used(server, clock, ONE, "user_ada", ago=MINUTE))
            cache.fill()
        assert marked(cache) == {max(first, clock().date() - 2 * DAY)}
    assert_true(cache, server.organization)


def test_sums_that_an_earlier_version_left_out_are_added_up(cache, server, clock):
    right = model_sums_of_creators(cache)
    assert right
    with cache.store._db.write(Area.USAGE) as connection:
        connection.execute("DELETE FROM total WHERE dimension = 5")
    clock.advance(HOUR)  # the process that syncs looks for them every hour
    cache.fill()
    added_up = model_sums_of_creators(cache)
    assert {at: added_up[at] for at in right.keys() & added_up.keys()} == right
    assert_true(cache, server.organization)


def model_sums_of_creators(cache):
    """The sums by model of the creator view, of buckets that are over."""
    with cache.store._db.read() as connection:
        rows = connection.execute(
            "SELECT granularity, member, bucket, requests, credits FROM total WHERE dimension = 5"
            " AND bucket < ?", (to_seconds(NOW - DAY),)
        )  # fmt: skip
        return {tuple(row[:3]): tuple(row[3:]) for row in rows if row[0] != 3}


def marked(cache):
    """The last days that rows by month contain, of both views."""
    with cache.store._db.read() as connection:
        marks = filled_months.marks(connection)
    assert all(mark.member == filled_months.ALL_MEMBERS for mark in marks.values())
    return {from_seconds(mark.bucket).date() for mark in marks.values()}


# -- failures


def test_a_failed_sync_keeps_the_data_and_its_date(cache, server, clock):
    before = ask(cache, "spend 1d")
    server.fail("/", 500, times=None)
    clock.advance(20 * MINUTE)
    turn = cache.turn()
    assert not turn.error.permanent
    after = ask(cache, "spend 1d")
    assert after.as_of == before.as_of == NOW
    assert after.totals == before.totals
    [said] = [words for words in after.partial if "the last sync failed at 14:43" in words]
    assert not said.endswith(".")
    server.heal()
    clock.advance(31 * SECOND)
    cache.fill()
    healed = ask(cache, "spend 1d")
    assert healed.as_of == clock()
    assert healed.partial == ()


@pytest.mark.parametrize("down", ["/", "/analytics/query"])
def test_openrouter_down_from_the_start_heals_by_itself(empty, server, clock, down):
    server.fail(down, "drop", times=None)
    for _ in range(10):
        empty.turn()
        clock.advance(5 * SECOND)
    assert empty.store.state().coverage == {MINUTES: (), HOURS: (), DAYS: (), Granularity.MONTH: ()}
    server.heal()
    clock.advance(31 * SECOND)
    empty.fill()
    assert_true(empty, server.organization)


@pytest.mark.parametrize("limits", ["/credits", "/workspaces/"])
def test_limits_that_cannot_be_read_keep_nobody_from_the_usage(empty, server, limits):
    server.fail(limits, 403, times=None)
    empty.fill()
    assert_true(empty, server.organization)


@pytest.mark.sqlite_only("a limit of SQLite stands for the disk")
def test_a_full_disk_keeps_the_data_and_heals_by_itself(cache, server, clock):
    for n in range(3000):
        server.organization.records.append(used(server, clock, ONE, "user_ada", f"many/{n}"))
    with cache.store._db.write() as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 20}")
    clock.advance(20 * MINUTE)
    assert "The disk is full" in str(cache.turn().error)
    assert cache.store.state().synced[DAYS] == NOW
    check(cache.path)
    assert ask(cache, "spend 1d").totals.requests
    assert cache.turn().error is None  # rests
    with cache.store._db.write() as connection:
        connection.execute("PRAGMA max_page_count = 1000000")
    clock.advance(31 * SECOND)
    cache.fill()
    assert_true(cache, server.organization)
    assert ask(cache, "spend 1d").partial == ()


@pytest.mark.sqlite_only("the lock of a file")
def test_a_database_locked_by_another_program_is_waited_out(cache, server, clock, monkeypatch):
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.02)
    other = sqlite3.connect(cache.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    clock.advance(20 * MINUTE)
    assert "locked by another program" in str(cache.turn().error)
    assert ask(cache, "spend 1d").as_of == NOW
    other.execute("ROLLBACK")
    other.close()
    clock.advance(31 * SECOND)
    cache.fill()
    assert_true(cache, server.organization)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_tried_again_every_quarter_of_an_hour_only(cache, server, clock, status):
    server.requests.clear()
    server.fail("/", status, times=None)
    for _ in range(60 * 12):
        clock.advance(5 * SECOND)
        cache.turn()
    assert 3 <= len(server.requests) <= 5
    server.heal()
    clock.advance(15 * MINUTE)
    cache.fill()
    assert_true(cache, server.organization)


def test_a_service_that_wants_to_be_left_alone_is(empty, server, clock):
    server.fail("/", fault_answer(429, headers={"Retry-After": "600"}), times=None)
    empty.turn()
    server.requests.clear()
    for _ in range(110):
        clock.advance(5 * SECOND)
        empty.turn()
    assert server.requests == []
    server.heal()
    clock.advance(MINUTE)
    empty.fill()
    assert_true(empty, server.organization)


def test_a_clock_that_is_set_back_neither_stops_nor_storms(cache, server, clock):
    clock.advance(DAY)
    cache.fill()
    clock.advance(DAY)
    server.fail("/", 401, times=None)
    assert cache.turn().error
    server.heal()
    clock.now = NOW
    cache.fill()
    assert cache.store.state().synced[MINUTES] == clock()
    server.requests.clear()
    clock.advance(5 * SECOND)
    cache.fill()
    assert server.requests == []


# -- answers that are wrong


def test_views_that_do_not_add_up_are_pulled_again_and_then_noted(empty, server, clock):
    def without_the_chatroom(row):
        return None if row.get("api_key_id") == "" else row

    server.mangle = without_the_chatroom
    empty.fill()
    words = "usage by key does not add up to OpenRouter's total"
    assert notes(empty) == {words}
    assert ask(empty, "spend 1m").partial == (words,)
    queries = [one.body for one in server.requests if one.method == "POST"]
    totals = [one for one in queries if "dimensions" not in one and one["granularity"] == "hour"]
    starts = [one["time_range"]["start"] for one in totals]
    assert starts.count("2026-11-22T12:00:00Z") == 2
    server.mangle = None
    clock.advance(13 * HOUR)
    empty.fill()
    assert ask(empty, "spend 1w").partial == ()


def test_views_that_add_up_when_pulled_again_are_not_noted(empty, server):
    lost = []

    def once_without(row):
        mine = row.get("api_key_id") == "lab" and row.get("date__day", "").startswith("2026-11-19")
        if mine and not lost:
            lost.append(row)
            return None
        return row

    server.mangle = once_without
    empty.fill()
    assert lost
    assert notes(empty) == set()
    assert_true(empty, server.organization)


def test_an_unreadable_row_is_left_out_counted_and_reported(empty, server, clock):
    def spoilt(row):
        return row | {"request_count": "NaN"} if row.get("api_key_id") == "retired" else row

    server.mangle = spoilt
    empty.fill()
    found = ask(empty, "requests 1m")
    assert any("left out: unreadable" in words for words in found.partial)
    assert found.totals.requests


def test_rows_of_another_time_are_not_taken(empty, server):
    answered = server._query

    def with_rows_of_another_time(body):
        said = answered(body)
        said["data"]["data"] += [
            row | {"date__day": "2024-05-06T00:00:00.000Z"}
            for row in said["data"]["data"]
            if "date__day" in row
        ]
        return said

    server._query = with_rows_of_another_time
    empty.fill()
    assert kept(empty.path, DAYS) == {
        k: v
        for k, v in truth(server.organization, DAYS).items()
        if k[1] >= empty.store.state().coverage[DAYS][0][0]
    }
