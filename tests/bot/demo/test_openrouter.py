"""The local OpenRouter, over real HTTP, held to the documented behaviour."""

import json
import re
import socket
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPResponse
from time import sleep

import httpx
import pytest

from bot.demo.openrouter.faults import answer, hang
from bot.demo.openrouter.organization import (
    DAY,
    Budget,
    Key,
    Member,
    Organization,
    Record,
    Workspace,
    key_hash,
    synthetic,
)
from bot.demo.openrouter.sample_organization import sample
from bot.demo.openrouter.server import LocalOpenRouter
from tests.clock import Clock

NOW = datetime(2026, 11, 22, 14, 23, 7, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
SUMMED = [
    "request_count",
    "byok_request_count",
    "tokens_prompt",
    "tokens_completion",
    "tokens_total",
    "reasoning_tokens",
    "cached_tokens",
    "credits_usage",
    "byok_usage",
    "total_usage",
    "usage_cache",
]
ONE, TWO, GONE, OTHERS = (key_hash(text) for text in ("one", "two", "gone", "others"))


def small():
    """Two keys with one name, one gone, one in another workspace; chatroom; nobody's use."""
    lab = Workspace("Lab")
    keys = [
        Key("prod", ONE, "user_ada"),
        Key("prod", TWO, limit_nano=100 * 10**9, limit_reset="daily"),
        Key("old", GONE, "user_ada", deleted=True),
        Key("lab key", OTHERS, "user_nil", lab.id, disabled=True),
    ]
    records = [
        Record(
            NOW - 2 * HOUR,
            ONE,
            "user_ada",
            "a/x",
            3,
            0,
            100,
            20,
            5,
            1_500_000_000,
            0,
            40,
            saved_nano=-250_000_000,
        ),
        Record(NOW - 2 * HOUR, TWO, "", "a/x", 2, 2, 50, 10, 0, 50_000_000, 1_000_000_000),
        Record(NOW - 26 * HOUR, GONE, "user_ada", "b/y:free", 7, 0, 70, 7),
        Record(NOW - HOUR, "", "user_nil", "b/y", 1, 0, 11, 1, 0, 1_200, app=4),
        Record(NOW - HOUR, OTHERS, "user_nil", "b/y", 1, 0, 10, 1, 0, 330),
    ]
    members = [
        Member("user_ada", "Ada", "Okafor", "ada@example.com", "org:admin"),
        Member("user_nil", None, None, None),
    ]
    workspaces = [Workspace("Default"), lab]
    return Organization(
        members,
        keys,
        workspaces,
        records,
        credits=20 * 10**9,
        budgets=[Budget(lab.id, 5 * 10**9, None)],
        apps={4: "Lumen"},
    )


@pytest.fixture
def clock():
    return Clock(NOW)


@pytest.fixture
def server(clock):
    with LocalOpenRouter(small(), clock=clock) as started:
        yield started


@pytest.fixture(scope="module")
def company():
    return sample(NOW)


@pytest.fixture
def living(company, clock):
    with LocalOpenRouter(company, clock=clock) as started:
        started.requests_per_minute = None
        yield started


@pytest.fixture
def connect():
    clients = []

    def opened(server, key=None):
        headers = {"Authorization": f"Bearer {key or server.key}"}
        clients.append(
            httpx.Client(base_url=server.base_url, headers=headers, trust_env=False, timeout=60)
        )
        return clients[-1]

    yield opened
    for client in clients:
        client.close()


@pytest.fixture
def client(server, connect):
    return connect(server)


def spelt(at):
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def body(*, metrics=("request_count",), start=NOW - 2 * DAY, end=NOW, **more):
    window = {"start": spelt(start), "end": spelt(end)}
    return {"metrics": list(metrics), "time_range": window, **more}


def asked(client, **query):
    reply = client.post("/analytics/query", json=body(**query))
    assert reply.status_code == 200, reply.text
    return reply.json()["data"]


def rows(client, **query):
    return asked(client, **query)["data"]


def totals(found, metrics=SUMMED):
    """Exact sums: money as whole nano-dollars."""
    sums = Counter()
    for row in found:
        for name in metrics:
            value = row[name]
            sums[name] += round(value * 10**9) if isinstance(value, float) else int(value or 0)
    return +sums


# Who may ask, and what


def test_it_wants_a_key(server):
    reply = httpx.get(f"{server.base_url}/credits", trust_env=False)
    assert reply.status_code == 401
    assert reply.json() == {"error": {"code": 401, "message": "Missing Authentication header"}}


def test_it_refuses_an_unknown_key(server, connect):
    assert connect(server, "sk-or-v1-wrong").get("/keys").status_code == 401


def test_it_refuses_an_inference_key_in_the_documented_words(server, connect):
    client = connect(server, server.inference_key)
    message = "Only management keys can perform this operation"
    for reply in (client.get("/keys"), client.post("/analytics/query", json=body())):
        assert reply.status_code == 403
        assert reply.json() == {"error": {"code": 403, "message": message}}


def test_every_key_can_ask_about_itself(server, connect, client):
    assert client.get("/key").json()["data"]["is_management_key"] is True
    ordinary = connect(server, server.inference_key).get("/key").json()["data"]
    assert ordinary["is_management_key"] is False
    assert re.fullmatch(r"sk-or-v1-\w{3}\.\.\.\w{3}", ordinary["label"])


@pytest.mark.parametrize("path", ["/nope", "/keys/abc", "/workspaces/x", "/chat/completions"])
def test_other_paths_are_not_found(client, path):
    reply = client.get(path)
    assert reply.status_code == 404
    assert reply.json()["error"]["code"] == 404


def test_paths_outside_the_base_are_not_found(server):
    outside = server.base_url.removesuffix("/api/v1") + "/keys"
    assert httpx.get(outside, trust_env=False).status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/keys", "/workspaces", "/credits", "/organization/members"])
def test_a_write_is_refused_and_remembered(server, client, method, path):
    assert client.request(method, path, json={"name": "mine"}).status_code == 405
    assert [(one.method, one.path, one.body) for one in server.requests] == [
        (method, path, {"name": "mine"})
    ]
    assert server.writes == server.requests


def test_requests_are_remembered_without_the_key(server, client):
    client.get("/keys", params={"offset": 0, "include_disabled": "true"})
    client.post("/analytics/query", json=body())
    assert [one.path for one in server.requests] == ["/keys", "/analytics/query"]
    assert server.requests[0].arguments == {"offset": "0", "include_disabled": "true"}
    assert server.requests[1].body == body()
    assert server.key not in repr(server.requests)
    assert server.writes == []


# The cube


def test_counts_are_strings_money_numbers_and_unused_parts_null(client):
    [row] = rows(
        client,
        metrics=[*SUMMED, "cache_hit_rate"],
        filters=[{"field": "api_key_id", "operator": "eq", "value": ONE}],
    )
    assert row == {
        "request_count": "3",
        "byok_request_count": None,
        "tokens_prompt": "100",
        "tokens_completion": "20",
        "tokens_total": "120",
        "reasoning_tokens": "5",
        "cached_tokens": "40",
        "credits_usage": 1.5,
        "byok_usage": None,
        "total_usage": 1.5,
        "usage_cache": -0.25,
        "cache_hit_rate": 0.4,
    }


def test_keys_are_named_and_two_with_one_name_have_a_row_each(client):
    found = rows(
        client, dimensions=["api_key_id"], order_by={"field": "request_count", "direction": "asc"}
    )
    named = [(row["api_key_id"], row["request_count"]) for row in found]
    assert sorted(named) == [
        ("", "1"),
        ("lab key", "1"),
        ("old", "7"),
        ("prod", "2"),
        ("prod", "3"),
    ]


def test_members_are_named_with_their_address_and_either_may_be_missing(client):
    found = rows(client, dimensions=["user"])
    named = {(row["user"], row["user_email"], row["request_count"]) for row in found}
    assert named == {("Ada Okafor", "ada@example.com", "10"), (None, None, "2"), ("", None, "2")}


def test_what_has_no_value_can_be_null_too(server, client):
    server.dialect.unset = None
    assert None in {row["api_key_id"] for row in rows(client, dimensions=["api_key_id"])}


def test_it_groups_by_workspace_variant_and_app(client):
    found = rows(client, dimensions=["workspace", "variant"])
    assert {(row["workspace"], row["variant"], row["request_count"]) for row in found} == {
        ("Default", "standard", "6"),
        ("Default", "free", "7"),
        ("Lab", "standard", "1"),
    }
    assert {row["app"] for row in rows(client, dimensions=["app"])} == {"Lumen", ""}


def test_a_renamed_key_is_renamed_in_its_past_too(server, client):
    server.organization.key(ONE).name = "renamed"
    assert "renamed" in {row["api_key_id"] for row in rows(client, dimensions=["api_key_id"])}


def test_the_buckets_are_named_by_granularity(client):
    for granularity, column, value in (
        ("minute", "created_at__minute", "2026-11-22T12:23:00.000Z"),
        ("hour", "created_at__hour", "2026-11-22T12:00:00.000Z"),
        ("day", "date__day", "2026-11-22T00:00:00.000Z"),
        ("week", "date__week", "2026-11-16T00:00:00.000Z"),
        ("month", "date__month", "2026-11-01T00:00:00.000Z"),
    ):
        found = rows(client, granularity=granularity, start=NOW - 3 * HOUR)
        assert found[-1] == {column: value, "request_count": found[-1]["request_count"]}


def test_the_buckets_can_be_named_and_spelt_otherwise(server, client):
    server.dialect.prefix = {"day": "created_at"}
    server.dialect.timestamp = {"day": "%Y-%m-%d"}
    server.dialect.extra = {"new_field": [1]}
    assert rows(client, granularity="day")[0] == {
        "created_at__day": "2026-11-22",
        "request_count": "7",
        "new_field": [1],
    }


def test_the_end_is_exclusive_and_the_start_is_not(client):
    at = NOW - 2 * HOUR
    assert rows(client, start=at, end=at + timedelta(seconds=1))[0]["request_count"] == "5"
    assert rows(client, start=at - HOUR, end=at) == []


def test_nothing_after_now_or_more_than_a_year_old_is_served(server, client, clock):
    server.organization.records = [
        Record(NOW + MINUTE, ONE, "", "a/x", 1),
        Record(NOW - 364 * DAY, ONE, "", "a/x", 10),
        Record(NOW - 366 * DAY, ONE, "", "a/x", 100),
    ]
    wide = {"start": NOW - 400 * DAY, "end": NOW + DAY}
    assert rows(client, **wide)[0]["request_count"] == "10"
    clock.now += 2 * MINUTE
    assert rows(client, **wide)[0]["request_count"] == "11"


def test_without_a_time_range_it_is_the_last_week(server, client):
    server.organization.records = [Record(NOW - n * DAY, "", "", "a/x") for n in range(1, 30)]
    reply = client.post("/analytics/query", json={"metrics": ["request_count"]})
    assert reply.json()["data"]["data"] == [{"request_count": "7"}]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"metrics": []}, "metrics"),
        ({"metrics": None}, "metrics"),
        ({"metrics": ["spend"]}, "metrics"),
        ({"dimensions": ["planet"]}, "dimensions"),
        ({"dimensions": ["model", "user", "api_key_id"]}, "dimensions"),
        ({"granularity": "second"}, "granularity"),
        ({"granularity": "minute"}, "granularity"),
        ({"time_range": {"start": "2026-11-22T10:00Z", "end": "2026-11-22T11:00:00Z"}}, "start"),
        ({"time_range": {"start": "2026-11-22T10:00:00Z", "end": "2026-11-22"}}, "end"),
        ({"time_range": {"start": "2026-11-22T10:00:00+02:00", "end": spelt(NOW)}}, "start"),
        ({"time_range": {"start": "2026-13-22T10:00:00Z", "end": spelt(NOW)}}, "start"),
        ({"time_range": {"start": spelt(NOW), "end": spelt(NOW)}}, "time_range"),
        ({"time_range": "yesterday"}, "time_range"),
        ({"limit": 10_001}, "limit"),
        ({"limit": 0}, "limit"),
        ({"limit": "10"}, "limit"),
        ({"group_limit": -1}, "group_limit"),
        ({"filters": [{"field": "model", "operator": "eq", "value": "x"}] * 21}, "filters"),
        ({"filters": [{"field": "planet", "operator": "eq", "value": "x"}]}, "filters"),
        ({"filters": [{"field": "model", "operator": "like", "value": "x"}]}, "filters"),
        ({"filters": [{"field": "model", "operator": "in", "value": "x"}]}, "filters"),
        ({"filters": [{"field": "model", "operator": "eq", "value": ["x"]}]}, "filters"),
        ({"filters": [{"field": "model", "operator": "eq", "value": None}]}, "filters"),
        ({"order_by": {"field": "user", "direction": "asc"}}, "order_by"),
        ({"order_by": {"field": "date", "direction": "up"}}, "order_by"),
    ],
)
def test_it_refuses_a_query_that_is_not_in_order(client, change, told):
    reply = client.post("/analytics/query", json=body() | change)
    assert reply.status_code == 400
    assert reply.json()["error"]["code"] == 400
    assert told in reply.json()["error"]["message"]


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null"])
def test_it_refuses_a_body_that_is_no_object(client, raw):
    assert client.post("/analytics/query", content=raw).status_code == 400


@pytest.mark.parametrize(
    ("field", "operator", "value", "more", "requests"),
    [
        ("api_key_id", "eq", ONE, {}, 3),
        ("api_key_id", "neq", ONE, {}, 11),
        ("api_key_id", "in", [ONE, TWO], {}, 5),
        ("api_key_id", "in", [ONE, TWO], {"include_unset": True}, 6),
        ("api_key_id", "in", [], {"include_unset": True}, 1),
        ("api_key_id", "not_in", [ONE, TWO], {}, 8),
        ("api_key_id", "not_in", [ONE, TWO, OTHERS], {"include_unset": True}, 8),
        ("user", "eq", "user_ada", {}, 10),
        ("user", "not_in", ["user_ada"], {"include_unset": True}, 4),
        ("model", "eq", "a/x", {}, 5),
        ("model", "gt", "a/x", {}, 9),
        ("model", "gte", "a/x", {}, 14),
        ("model", "lt", "b/y", {}, 5),
        ("model", "lte", "b/y", {}, 7),
        ("variant", "eq", "free", {}, 7),
        ("app", "eq", 4, {}, 1),
        ("workspace", "eq", Workspace("Lab").id, {}, 1),
    ],
)
def test_filters_take_ids(client, field, operator, value, more, requests):
    condition = {"field": field, "operator": operator, "value": value, **more}
    [row] = rows(client, filters=[condition])
    assert row["request_count"] == str(requests)


def test_filters_are_anded(client):
    both = [
        {"field": "model", "operator": "eq", "value": "a/x"},
        {"field": "user", "operator": "eq", "value": "user_ada"},
    ]
    assert rows(client, filters=both) == [{"request_count": "3"}]


@pytest.mark.parametrize("value", ["prod", key_hash("never"), GONE])
def test_a_key_that_cannot_be_resolved_gives_no_rows_and_a_warning(client, value):
    data = asked(client, filters=[{"field": "api_key_id", "operator": "eq", "value": value}])
    assert data["data"] == []
    assert value in data["warnings"][0]


def test_a_key_that_can_be_resolved_gives_no_warning(client):
    data = asked(client, filters=[{"field": "api_key_id", "operator": "eq", "value": ONE}])
    assert "warnings" not in data


def test_rows_are_ordered_as_asked(client):
    order = {"field": "total_usage", "direction": "desc"}
    query = {"metrics": ["total_usage"], "dimensions": ["model"]}
    found = rows(client, **query, order_by=order)
    assert [row["model"] for row in found] == ["a/x", "b/y", "b/y:free"]
    order = {"field": "request_count", "direction": "asc"}
    found = rows(client, **query, order_by=order)
    assert [row["model"] for row in found] == ["b/y", "a/x", "b/y:free"]
    order = {"field": "date", "direction": "asc"}
    found = rows(client, **query, granularity="day", order_by=order)
    assert [row["date__day"][:10] for row in found] == ["2026-11-21", "2026-11-22", "2026-11-22"]


def test_a_thousand_rows_are_the_default_and_more_are_truncated(clock, connect):
    many = synthetic(keys=150, models=80, members=9, days=1, seed=1, now=NOW)
    with LocalOpenRouter(many, clock=clock) as server:
        client = connect(server)
        query = {"dimensions": ["api_key_id", "model"], "granularity": "month"}
        for more, count in (({}, 1_000), ({"limit": 10_000}, 10_000), ({"limit": 7}, 7)):
            data = asked(client, **query, **more)
            assert data["metadata"]["truncated"] is True
            assert len(data["data"]) == data["metadata"]["row_count"] == count
        one = [{"field": "api_key_id", "operator": "eq", "value": many.keys[0].hash}]
        data = asked(client, **query, filters=one)
        assert data["metadata"]["truncated"] is False
        assert len(data["data"]) == 80


def test_a_group_limit_cuts_each_group(client):
    data = asked(
        client, dimensions=["model"], granularity="minute", start=NOW - 3 * HOUR, group_limit=1
    )
    assert len(data["data"]) == len({row["model"] for row in data["data"]})


def test_it_can_be_made_to_truncate_earlier(server, client):
    server.row_limit = 2
    data = asked(client, dimensions=["model"])
    assert (len(data["data"]), data["metadata"]["truncated"]) == (2, True)


def test_a_refund_and_the_smallest_sum_come_through_exactly(server, client):
    for nano in (-12_345_678, 1, 12_345_678_900_000_000):
        server.organization.records = [Record(NOW - HOUR, "", "", "a/x", credits_nano=nano)]
        [row] = rows(client, metrics=["credits_usage"])
        assert row["credits_usage"] == nano / 10**9


def test_a_change_of_the_past_is_seen_at_once(server, client):
    old = server.organization.records[2]
    server.organization.records[2] = replace(old, requests=70)
    [row] = rows(client, filters=[{"field": "variant", "operator": "eq", "value": "free"}])
    assert row["request_count"] == "70"


def test_meta_lists_what_can_be_asked(client):
    data = client.get("/analytics/meta").json()["data"]
    names = {part: {one["name"] for one in data[part]} for part in data}
    assert set(SUMMED) < names["metrics"]
    assert {"model", "api_key_id", "user", "workspace"} < names["dimensions"]
    assert names["granularities"] == {"minute", "hour", "day", "week", "month"}
    assert {one["name"]: one["value_type"] for one in data["operators"]}["not_in"] == "array"
    every = body(metrics=sorted(names["metrics"]))
    assert client.post("/analytics/query", json=every).status_code == 200


# The living sample


@pytest.mark.parametrize("dimensions", [["api_key_id", "model"], ["user", "model"], ["workspace"]])
def test_every_view_adds_up_to_the_ungrouped_total(living, connect, dimensions):
    window = {"metrics": SUMMED, "start": NOW - 7 * DAY}
    client = connect(living)
    whole = totals(rows(client, **window))
    assert whole["request_count"] > 10_000
    data = asked(client, **window, dimensions=dimensions, granularity="day", limit=10_000)
    assert data["metadata"]["truncated"] is False
    assert totals(data["data"]) == whole


def test_minutes_add_up_to_hours_and_hours_to_days(living, connect):
    client = connect(living)
    yesterday = NOW.replace(hour=0, minute=0, second=0) - DAY
    window = {"metrics": SUMMED, "start": yesterday, "end": yesterday + DAY}
    hours = rows(client, **window, granularity="hour")
    assert len(hours) == 24
    assert totals(hours) == totals(rows(client, **window, granularity="day"))
    start = yesterday + 9 * HOUR
    window = {"metrics": SUMMED, "start": start, "end": start + 3 * HOUR}
    minutes = totals(rows(client, **window, granularity="minute"))
    assert minutes == totals(rows(client, **window, granularity="hour"))


def test_the_current_buckets_grow_together_as_the_clock_goes_on(living, connect, clock):
    client = connect(living)
    today = {"metrics": SUMMED, "start": NOW.replace(hour=0, minute=0, second=0)}
    seen = []
    for n in range(6):
        clock.now = NOW + timedelta(seconds=20 * n)
        days = totals(rows(client, **today, end=NOW + DAY, granularity="day"))
        hours = totals(rows(client, **today, end=NOW + DAY, granularity="hour"))
        assert days == hours
        seen.append(days["request_count"])
    assert seen == sorted(set(seen))


def test_a_year_by_month_and_by_day_are_the_same_usage(living, connect):
    client = connect(living)
    year = {"metrics": SUMMED, "start": NOW - 365 * DAY}
    months = rows(client, **year, granularity="month")
    assert len(months) == 13
    assert totals(rows(client, **year, granularity="day")) == totals(months)


# The directory


def test_keys_are_those_of_the_default_workspace_without_deleted_ones(client):
    listed = client.get("/keys", params={"include_disabled": "true"}).json()["data"]
    assert [key["hash"] for key in listed] == [ONE, TWO]
    assert listed[0]["label"] == f"sk-or-v1-{ONE[:3]}...{ONE[-4:]}"
    assert [key["creator_user_id"] for key in listed] == ["user_ada", None]


def test_keys_of_another_workspace_are_asked_for_by_its_id(server, client):
    lab = server.organization.workspaces[1].id
    assert client.get("/keys", params={"workspace_id": lab}).json()["data"] == []
    disabled = {"workspace_id": lab, "include_disabled": "true"}
    assert [key["name"] for key in client.get("/keys", params=disabled).json()["data"]] == [
        "lab key"
    ]


def test_keys_come_in_pages_of_a_hundred(clock, connect):
    many = synthetic(keys=230, models=1, members=3, days=1, seed=1, now=NOW)
    with LocalOpenRouter(many, clock=clock) as server:
        client = connect(server)
        pages = [
            client.get("/keys", params={"offset": n}).json()["data"] for n in (0, 100, 200, 300)
        ]
    assert [len(page) for page in pages] == [100, 100, 30, 0]
    assert len({key["hash"] for page in pages for key in page}) == 230


def test_a_key_tells_what_it_spent_and_may_still_spend(client):
    two = client.get("/keys").json()["data"][1]
    assert (two["usage"], two["usage_daily"], two["byok_usage_weekly"]) == (0.05, 0.05, 1.0)
    assert (two["limit"], two["limit_remaining"], two["limit_reset"]) == (100.0, 99.95, "daily")


def test_own_provider_use_counts_against_a_limit_only_where_it_is_meant_to(server, client):
    server.organization.key(TWO).include_byok_in_limit = True
    assert client.get("/keys").json()["data"][1]["limit_remaining"] == 98.95


def test_limits_reset_at_midnight_on_monday_and_on_the_first(server, client, clock):
    server.organization.key(TWO).limit_reset = "weekly"
    clock.now = datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC)  # a Sunday
    assert client.get("/keys").json()["data"][1]["limit_remaining"] == 99.95
    clock.now = datetime(2026, 11, 23, tzinfo=UTC)
    key = client.get("/keys").json()["data"][1]
    assert key["limit_remaining"] == 100.0
    assert (key["usage_daily"], key["usage_monthly"]) == (0, 0.05)


def test_members_are_paged_and_counted(server, client):
    server.organization.members = [Member(f"user_{n}", None, None, None) for n in range(120)]
    first = client.get("/organization/members").json()
    assert (len(first["data"]), first["total_count"]) == (50, 120)
    rest = client.get("/organization/members", params={"offset": 50, "limit": 100}).json()
    assert len(rest["data"]) == 70
    assert client.get("/organization/members", params={"limit": 101}).status_code == 400


def test_a_personal_account_has_no_members(server, client):
    server.organization.members = None
    assert client.get("/organization/members").status_code == 404


def test_workspaces_and_their_budgets(server, client):
    listed = client.get("/workspaces").json()
    assert [one["name"] for one in listed["data"]] == ["Default", "Lab"]
    assert listed["total_count"] == 2
    for name in (listed["data"][1]["id"], "lab"):
        found = client.get(f"/workspaces/{name}/budgets").json()
        assert [(one["limit_usd"], one["reset_interval"]) for one in found["data"]] == [(5.0, None)]
    assert client.get("/workspaces/nope/budgets").status_code == 404


def test_credits_are_what_was_bought_and_used(client):
    data = client.get("/credits").json()["data"]
    assert data == {"total_credits": 20.0, "total_usage": 1.550001530}


def test_activity_is_of_completed_days_only(client):
    [row] = client.get("/activity", params={"date": "2026-11-21"}).json()["data"]
    assert (row["date"], row["model"], row["requests"]) == ("2026-11-21", "b/y:free", 7)
    for day in ("2026-11-22", "2026-10-01", "21.11.2026"):
        assert client.get("/activity", params={"date": day}).status_code == 400


def test_activity_is_the_cubes_completed_days(living, connect):
    client = connect(living)
    today = NOW.replace(hour=0, minute=0, second=0)
    window = {"metrics": ["request_count"], "start": today - 30 * DAY, "end": today}
    listed = client.get("/activity").json()["data"]
    assert sum(row["requests"] for row in listed) == int(rows(client, **window)[0]["request_count"])
    parts = [
        client.get("/activity", params={"workspace_id": one.id}).json()["data"]
        for one in living.organization.workspaces
    ]
    assert sum(row["requests"] for part in parts for row in part) == sum(
        r["requests"] for r in listed
    )


# Limits and faults


def test_it_takes_64_requests_a_minute_on_a_sliding_window(server, client, clock):
    for n in range(64):
        clock.now = NOW + timedelta(seconds=n / 2)
        assert client.get("/key").status_code == 200
    clock.now = NOW + timedelta(seconds=40)
    reply = client.get("/key")
    assert reply.status_code == 429
    assert reply.json() == {"error": {"code": 429, "message": "Rate limit exceeded"}}
    assert reply.headers["Retry-After"] == "20"
    clock.now = NOW + timedelta(seconds=60)
    assert client.get("/key").status_code == 200
    assert client.get("/key").status_code == 429


def test_a_429_can_name_a_date_or_nothing(server, client):
    server.requests_per_minute = 1
    client.get("/key")
    server.retry_after = "date"
    when = parsedate_to_datetime(client.get("/key").headers["Retry-After"])
    assert when == NOW + MINUTE
    server.retry_after = None
    assert "Retry-After" not in client.get("/key").headers


def test_the_limit_can_be_lifted(server, client):
    server.requests_per_minute = None
    assert {client.get("/key").status_code for _ in range(100)} == {200}


def test_ranges_can_be_made_to_time_out(server, client):
    server.timeout_over = timedelta(hours=6)
    assert client.post("/analytics/query", json=body()).status_code == 408
    assert rows(client, start=NOW - 6 * HOUR)


def test_faults_come_one_a_request_and_then_it_is_well_again(server, client):
    server.fail("/credits", 500, 503)
    server.fail("/key", 502, times=2)
    assert [client.get("/credits").status_code for _ in range(3)] == [500, 503, 200]
    assert [client.get("/keys").status_code for _ in range(3)] == [502, 502, 200]


def test_faults_can_last_until_healed(server, client):
    server.fail("/", 500, times=None)
    assert [client.get("/key").status_code for _ in range(4)] == [500] * 4
    server.heal()
    assert client.get("/key").status_code == 200


def test_a_fault_can_be_any_answer(server, client):
    server.fail("/key", answer(429, headers={"Retry-After": "7"}), answer(200, b'{"data":1e400}'))
    reply = client.get("/key")
    assert (reply.status_code, reply.headers["Retry-After"]) == (429, "7")
    assert client.get("/key").text == '{"data":1e400}'


@pytest.mark.parametrize("fault", ["drop", "reset", "cut"])
def test_a_broken_connection_is_broken_and_the_next_is_not(server, client, fault):
    server.fail("/credits", fault)
    with pytest.raises(httpx.TransportError):
        client.get("/credits")
    assert client.get("/credits").status_code == 200


def test_half_an_answer_is_no_json(server, client):
    server.fail("/credits", "half")
    reply = client.get("/credits")
    assert reply.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        reply.json()


def test_html_comes_with_status_200(server, client):
    server.fail("/credits", "html")
    reply = client.get("/credits")
    assert (reply.status_code, reply.headers["Content-Type"][:9]) == (200, "text/html")


def test_data_can_be_null(server, client):
    server.fail("/analytics/query", "null_data")
    assert client.post("/analytics/query", json=body()).json() == {"data": None}


def test_a_hang_outlasts_a_clients_patience(server, client):
    server.fail("/key", hang(30))
    with pytest.raises(httpx.ReadTimeout):
        client.get("/key", timeout=httpx.Timeout(60, read=0.2))


def test_a_short_hang_ends_in_the_right_answer(server, client):
    server.fail("/key", hang(0.05))
    assert client.get("/key").status_code == 200


def test_a_gzip_bomb_is_small_on_the_wire_and_large_unpacked(server, client):
    server.fail("/key", "gzip_bomb")
    with client.stream("GET", "/key") as reply:
        unpacked = sum(len(part) for part in reply.iter_bytes(2**20))
        assert int(reply.headers["Content-Length"]) < 210_000
    assert unpacked > 200 * 2**20


def test_rows_can_be_mangled_or_dropped(server, client):
    server.mangle = lambda row: (
        None if row["model"] == "b/y" else row | {"request_count": float("nan")}
    )
    data = asked(client, dimensions=["model"])
    assert [row["model"] for row in data["data"]] == ["a/x", "b/y:free"]
    assert all(row["request_count"] != row["request_count"] for row in data["data"])


def test_warnings_and_the_age_of_a_cached_answer_can_be_set(server, client):
    server.warnings = ["sampled"]
    server.cached_at = NOW - HOUR
    data = asked(client)
    assert data["warnings"] == ["sampled"]
    assert data["cachedAt"] == (NOW - HOUR).timestamp() * 1000


def test_stopped_it_cannot_be_reached_and_started_again_it_is_where_it_was(server, client):
    url = server.base_url
    assert client.get("/key").status_code == 200
    server.stop()
    with pytest.raises(httpx.TransportError):
        client.get("/key")
    server.start()
    assert server.base_url == url
    assert client.get("/key").status_code == 200


def test_a_stop_does_not_wait_for_a_hanging_request(clock):
    server = LocalOpenRouter(small(), clock=clock).start()
    server.fail("/key", hang(300))
    address = server.base_url.split("/")[2].split(":")
    with socket.create_connection((address[0], int(address[1])), timeout=60) as raw:
        raw.sendall(b"GET /api/v1/key HTTP/1.1\r\nHost: x\r\n\r\n")
        while not server.requests:
            sleep(0.01)
        server.stop()
        assert raw.recv(100) == b""


def test_one_connection_serves_many_requests(server):
    host, port = server.base_url.split("/")[2].split(":")
    ask = b"GET /api/v1/nope HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=60) as raw:
        for _ in range(3):
            raw.sendall(ask)
            reply = HTTPResponse(raw)
            reply.begin()
            assert reply.status == 404
            reply.read()
