"""Answers straight from the real engine: the same as computed from the traces themselves."""

import json
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from bot.analysis import live, live_plan
from bot.analysis.registry import answer_any
from bot.answers.visibility import ANYONE, Asker
from bot.clickhouse import LIVE, ClickHouse
from bot.demo.openrouter.organization import Key, Member, Organization, Record, key_hash
from bot.demo.openrouter.server import LocalOpenRouter
from bot.store import Database, Store
from reports.questions.grammar import CommandError, parse
from reports.render.changes import change_words
from reports.render.json import as_json
from reports.usage.dimensions import Metric
from tests import databases
from tests.cache_help import Cache
from tests.clickhouse_server import ClickHouseServer, needs_engine
from tests.clock import Clock
from tests.traces import traces_of, with_quality

pytestmark = needs_engine
NOW = datetime(2026, 11, 22, 10, 31, 7, tzinfo=UTC)
MODELS = ("a/x", "b/y")


def organization() -> Organization:
    """Three people with keys, two of which share a name, and a month of usage."""
    members = [
        Member("user_ada", "Ada", "Okafor", "ada@example.com"),
        Member("user_bob", "Bob", "Lee", "bob@example.com"),
        Member("user_kim", "Kim", "Ng", "kim@example.com"),
    ]
    keys = [
        Key("prod", creator="user_ada"),
        Key("tests 'n' \\more", creator="user_bob"),
        Key("shared", creator="user_bob"),
        Key("shared", key_hash("shared 2"), "user_kim"),
    ]
    records = []
    for n in range(240):
        key = keys[n % 4]
        who = (key.hash, str(key.creator)) if n % 7 else ("", "user_ada")
        at = NOW - timedelta(minutes=3) - n * timedelta(hours=3)
        records.append(
            Record(
                at, *who, MODELS[n % 2], 1 + n % 4,
                prompt=100 + n, completion=10 + n, reasoning=n, cached=n * 2,
                credits_nano=1_000_000_007 * (n + 1), byok_requests=n % 2,
                byok_nano=(n % 2) * 3_000_000_011,
            )
        )  # fmt: skip
    return Organization(members, keys, records=records, credits=10**12)


@pytest.fixture(scope="module")
def engine():
    with ClickHouseServer() as started:
        yield started


@pytest.fixture(scope="module")
def rows(engine, tmp_path_factory):
    """The traces, of which some were sent twice; a model has two names in them."""
    found = list(with_quality(traces_of(organization())))
    for row in found[::3]:
        row["MODEL"] = row["MODEL"].replace("a/x", "a/x:free")
    folder = tmp_path_factory.mktemp("traces")
    engine.insert(found, folder)
    engine.insert(found[::9], folder)
    return found


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with LocalOpenRouter(organization(), clock=Clock(NOW)) as server:
        server.requests_per_minute = None
        cache = Cache(server, tmp_path_factory.mktemp("cache") / "live.db", Clock(NOW))
        cache.fill()
        yield cache.store
        cache.close()


@pytest.fixture(scope="module")
def traces(engine):
    client = ClickHouse(engine.url, limits=LIVE)
    yield client
    client.close()


def ask(store, traces, words, asker=ANYONE, zone="UTC"):
    query = parse(words).query
    return answer_any(store, query, NOW, zone, asker, whole=True, traces=traces)


def at(row):
    return datetime.fromisoformat(row["TIMESTAMP"]).replace(tzinfo=UTC)


def within(rows, start, end=NOW):
    """The generations of a range, each once."""
    found = {
        (row["TRACE_ID"], row["SPAN_ID"]): row
        for row in rows
        if row["SPAN_TYPE"] == "GENERATION" and start <= at(row) < end
    }
    return list(found.values())


def used(rows):
    return [row for row in rows if row["STATUS"] != "error"]


def spend(row):
    metadata = json.loads(row["METADATA"]).get("openrouter_generation", {})
    byok = metadata.get("byok_usage_inference", 0) if metadata.get("is_byok") else 0
    return round(row["TOTAL_COST"] * 10**9) + round(byok * 10**9)


def quantile(values, level):
    return sorted(values)[int(level * len(values))]


def microseconds(rows):
    return [round(row["DURATION_MS"] * 1000) for row in rows if row["STATUS"] != "error"]


def of_document(found):
    return dict(found.data())


WEEK = datetime(2026, 11, 15, tzinfo=UTC)


def test_spend_by_provider_is_exact_to_the_nano_dollar(store, traces, rows):
    found = ask(store, traces, "spend 1w by provider")
    expected = Counter()
    for row in used(within(rows, WEEK)):
        expected[row["PROVIDER_NAME"] or "(no provider)"] += spend(row)
    [metric] = found.metrics.values()
    assert {group.label: group.sum for group in metric.groups} == expected
    assert metric.sum == sum(expected.values()) == sum(metric.buckets)
    assert found.partial == ()


def test_by_user_shows_the_end_users_that_requests_name_whatever_they_are_called(
    store, traces, rows
):
    found = ask(store, traces, "tokens 1w by end-user")
    expected = Counter()
    for row in used(within(rows, WEEK)):
        name = "(no end user)" if row["USER_ID"] is None else row["USER_ID"]
        name = "“(no end user)”" if row["USER_ID"] == "(no end user)" else name
        expected[name] += row["PROMPT_TOKENS"] + row["COMPLETION_TOKENS"]
    [metric] = found.metrics.values()
    assert {group.label: group.sum for group in metric.groups} == expected


def test_an_overview_has_all_three_metrics_and_each_day(store, traces, rows):
    found = ask(store, traces, "1w by provider")
    days = Counter(at(row).date() for row in used(within(rows, WEEK)))
    requests = found.metrics[Metric.REQUESTS]
    assert requests.buckets == tuple(days[start.date()] for start in found.range.buckets)
    assert set(found.metrics) == set(Metric)


def test_days_are_those_of_the_time_zone(store, traces, rows):
    found = ask(store, traces, "requests this week by provider tz Asia/Kolkata")
    starts = found.range.buckets
    assert starts[0].minute == 30
    expected = Counter(found.range.index(at(row)) for row in used(within(rows, starts[0])))
    [metric] = found.metrics.values()
    assert metric.buckets == tuple(expected[index] for index in range(len(starts)))


PEOPLE = {"user_ada": "Ada Okafor", "user_bob": "Bob Lee", "user_kim": "Kim Ng"}


@pytest.mark.parametrize("by", ["provider", "model", "key", "creator", "end-user"])
def test_latency_is_the_exact_quantile_of_each_group(store, traces, rows, by):
    found = ask(store, traces, f"latency 1m by {by}")
    groups = defaultdict(list)
    for row in within(rows, datetime(2026, 10, 22, tzinfo=UTC)):
        if row["STATUS"] == "error":
            continue
        key, model = row["API_KEY_NAME"], row["MODEL"].removesuffix(":free")
        nobody = "(no end user)"
        user = nobody if row["USER_ID"] is None else row["USER_ID"]
        user = f"“{nobody}”" if row["USER_ID"] == nobody else user
        label = {
            "provider": row["PROVIDER_NAME"] or "(no provider)",
            "model": model,
            "key": {None: "(chatroom)", "shared": "shared"}.get(key, key),
            "creator": PEOPLE[row["ENTITY_ID"]],  # the owner of the key, or whom the trace names
            "end-user": user,
        }[by]
        groups[label].append(round(row["DURATION_MS"] * 1000))
    expected = {
        label: (quantile(values, 0.5) / 1000, quantile(values, 0.95) / 1000, len(values))
        for label, values in groups.items()
    }
    data = of_document(found)
    told = {one["label"]: (one["p50_ms"], one["p95_ms"], one["timed"]) for one in data["groups"]}
    assert told == expected
    everything = [value for values in groups.values() for value in values]
    assert data["p95_ms"] == quantile(everything, 0.95) / 1000


def test_latency_by_day_is_the_exact_quantile_of_each_day(store, traces, rows):
    found = ask(store, traces, "latency 1w")
    days = defaultdict(list)
    for row in within(rows, WEEK):
        if row["STATUS"] != "error":
            days[at(row).date()].append(round(row["DURATION_MS"] * 1000))
    told = {one["start"][:10]: one["p95_ms"] for one in of_document(found)["buckets"]}
    assert told == {str(day): quantile(values, 0.95) / 1000 for day, values in days.items()}
    assert found.latency is not None


def test_errors_are_counted_beside_all_requests(store, traces, rows):
    found = ask(store, traces, "errors 1w by provider")
    all_, failed = Counter(), Counter()
    for row in within(rows, WEEK):
        all_[row["PROVIDER_NAME"] or "(no provider)"] += 1
        failed[row["PROVIDER_NAME"] or "(no provider)"] += row["STATUS"] == "error"
    data = of_document(found)
    told = {one["label"]: (one["failed"], one["requests"]) for one in data["groups"]}
    assert told == {name: (failed[name], all_[name]) for name in all_}
    assert data["failed"] == sum(failed.values()) > 0
    share = Fraction(sum(failed.values()), sum(all_.values()))
    assert data["share"] == float(share)
    assert f"{float(share):.1%}" in found.sentences[0]


BEFORE = datetime(2026, 11, 7, tzinfo=UTC)
"""Where the eight days before the past week begin; the last of its own eight isn't over."""


def by_provider(rows, figure=spend):
    found = Counter()
    for row in rows:
        found[row["PROVIDER_NAME"] or "(no provider)"] += figure(row)
    return found


def test_groups_are_compared_with_the_period_before(store, traces, rows):
    found = ask(store, traces, "spend 1w by provider vs before")
    earlier = by_provider(used(within(rows, BEFORE, WEEK)))
    [metric] = found.metrics.values()
    assert {group.label: group.previous for group in metric.groups} == earlier
    assert metric.previous == sum(earlier.values()) > 0
    assert found.before.start == BEFORE
    assert found.partial == ()


def test_an_unfinished_day_is_compared_through_the_last_whole_one(store, traces, rows):
    found = ask(store, traces, "spend 1w by provider vs before")
    today = datetime(2026, 11, 22, tzinfo=UTC)
    now = by_provider(used(within(rows, WEEK, today)))
    earlier = by_provider(used(within(rows, BEFORE + timedelta(days=1), WEEK)))
    [metric] = found.metrics.values()
    told = {group.label: (group.whole.before, group.whole.now) for group in metric.groups}
    assert told == {name: (earlier[name], now[name]) for name in now}
    assert (metric.whole.before, metric.whole.now) == (sum(earlier.values()), sum(now.values()))
    assert json.loads(json.dumps(as_json(found)))["metrics"]["spend"]["whole"]["through"] == (
        "2026-11-21"
    )


def test_an_answer_without_vs_shows_how_its_sum_has_changed(store, traces, rows):
    found = ask(store, traces, "requests 1w by end-user")
    [metric] = found.metrics.values()
    earlier = len(used(within(rows, BEFORE, WEEK)))
    assert metric.previous == earlier
    assert all(group.previous is None for group in metric.groups)
    assert f"vs the week before ({earlier})" in change_words(found, metric)


@pytest.mark.parametrize(
    ("words", "start", "end"),
    [
        ("spend yesterday by provider vs last week", (14, 0), (15, 0)),
        ("spend today by provider vs before", (21, 0), (21, 11)),
        ("spend 1d by provider vs yesterday", (20, 10), (21, 11)),  # its last hour is in both
        ("spend 2026-11-11..2026-11-17 by provider vs before", (4, 0), (11, 0)),
    ],
)
def test_other_times_are_compared_as_in_other_answers(store, traces, rows, words, start, end):
    found = ask(store, traces, words)
    first, after = (datetime(2026, 11, *at, tzinfo=UTC) for at in (start, end))
    earlier = by_provider(used(within(rows, first, after)))
    [metric] = found.metrics.values()
    assert metric.previous == sum(earlier.values()) > 0
    assert {group.label: group.previous or 0 for group in metric.groups if group.previous} == {
        **earlier
    }


def test_a_single_series_is_compared_bucket_by_bucket(store, traces, rows):
    query = parse("requests 1w provider:anthropic vs before").query
    found = answer_any(store, query, NOW, "UTC", whole=False, traces=traces)
    days = Counter(
        at(row).date()
        for row in used(within(rows, BEFORE, WEEK))
        if row["PROVIDER_NAME"] == "Anthropic"
    )
    [metric] = found.metrics.values()
    starts = [BEFORE + timedelta(days=day) for day in range(8)]
    assert metric.previous_buckets == tuple(days[start.date()] for start in starts)


def test_groups_that_were_used_before_only_are_part_of_the_change(engine, store, tmp_path, rows):
    engine.create("MOVED")
    engine.insert(
        [row | {"PROVIDER_NAME": "Old" if at(row) < WEEK else "New"} for row in rows],
        tmp_path,
        "MOVED",
    )
    client = ClickHouse(engine.url, "MOVED", limits=LIVE)
    found = ask(store, client, "requests 1w by provider vs before")
    [metric] = found.metrics.values()
    was, is_ = (len(used(within(rows, *span))) for span in ((BEFORE, WEEK), (WEEK,)))
    told = {group.label: (group.sum, group.previous) for group in metric.groups}
    assert told == {"New": (is_, 0), "Old": (0, was)}
    errors = of_document(ask(store, client, "errors 1w by provider vs before"))
    client.close()
    assert [one["label"] for one in errors["groups"]] == ["New", "Old"]
    assert errors["groups"][0]["previous"]["requests"] == 0
    assert errors["groups"][0]["change"] == {"share_points": None}


@pytest.mark.parametrize("words", ["spend 1w by provider", "latency 1w", "errors 1w by key"])
def test_a_time_before_clickhouse_was_connected_is_unknown_and_not_0(
    engine, store, tmp_path, rows, words
):
    engine.execute("DROP TABLE IF EXISTS RECENT")
    engine.create("RECENT")
    engine.insert([row for row in rows if at(row) >= WEEK], tmp_path, "RECENT")
    client = ClickHouse(engine.url, "RECENT", limits=LIVE)
    found = ask(store, client, f"{words} vs before")
    client.close()
    assert found.before is None
    assert found.partial == () or "several keys" in found.partial[0]
    if words.startswith("spend"):
        [metric] = found.metrics.values()
        assert metric.previous is None
        assert change_words(found, metric) == "no data for the week before"
        assert all(group.previous is None for group in metric.groups)
    else:
        assert "ClickHouse has no data for the week before." in found.sentences
        assert of_document(found)["previous"] is None
        assert {row[-1] for row in found.exact().rows} == {""}


def test_a_time_without_any_usage_is_0(store, traces, rows):
    found = ask(store, traces, "requests this month by provider vs last year")
    [metric] = found.metrics.values()
    assert metric.previous is None  # OpenRouter's totals of that time aren't stored
    found = ask(store, traces, "requests 2026-10-10..2026-10-15 by provider vs before")
    [metric] = found.metrics.values()
    assert metric.previous == 0


def newest(rows):
    """The trace of the last request that counts."""
    return max(used(within(rows, WEEK)), key=at)["TRACE_ID"]


def test_what_clickhouse_lacks_of_the_period_before_is_said(engine, store, rows, tmp_path):
    engine.create("EARLIER")
    kept = [row for row in rows if at(row) >= WEEK or int(row["TRACE_ID"].split("-")[1]) % 2]
    engine.insert(kept, tmp_path, "EARLIER")
    client = ClickHouse(engine.url, "EARLIER", limits=LIVE)
    whole, there = (len(used(within(each, BEFORE, WEEK))) for each in (rows, kept))
    lacking = f"{(whole - there) / whole:.1%} of requests are not in ClickHouse"
    for words in ("spend 1w by provider", "errors 1w vs before"):
        assert ask(store, client, words).partial == (f"for the period before, {lacking}",)
    client.close()
    now = len(used(within(rows, WEEK)))
    engine.create("LATER")
    engine.insert([row for row in kept if row["TRACE_ID"] != newest(rows)], tmp_path, "LATER")
    client = ClickHouse(engine.url, "LATER", limits=LIVE)
    assert ask(store, client, "errors 1w vs before").partial == (
        f"{1 / now:.1%} of requests are not in ClickHouse",
        f"for the period before, {lacking}",
    )
    client.close()


def test_usage_since_the_last_sync_is_no_reason_to_doubt(store, traces, rows):
    query = parse("errors 1w").query
    later = NOW + timedelta(minutes=20)
    found = answer_any(store, query, later, "UTC", whole=True, traces=traces)
    assert found.partial == ()
    later = NOW + timedelta(hours=2)
    found = answer_any(store, query, later, "UTC", whole=True, traces=traces)
    assert found.partial == (live_plan.UNCHECKED,)


def test_latency_is_compared_in_milliseconds_and_percent(store, traces, rows):
    found = ask(store, traces, "latency 1w by provider vs before")
    now, before = microseconds(within(rows, WEEK)), microseconds(within(rows, BEFORE, WEEK))
    data = of_document(found)
    for level, name in ((0.5, "p50"), (0.95, "p95")):
        to, was = quantile(now, level), quantile(before, level)
        assert data["previous"][f"{name}_ms"] == was / 1000
        assert data["change"][f"{name}_ms"] == (to - was) / 1000
        assert data["change"][name] == (to - was) / was
    for group in data["groups"]:
        mine = [
            row
            for row in within(rows, BEFORE, WEEK)
            if (row["PROVIDER_NAME"] or "(no provider)") == group["label"]
        ]
        assert group["previous"]["p95_ms"] == quantile(microseconds(mine), 0.95) / 1000
    assert data["before"] == {"start": "2026-11-07T00:00:00Z", "end": "2026-11-15T00:00:00Z"}
    assert " vs the week before (" in found.sentences[1]
    assert [column.title for column in found.columns][1:5] == [
        "p50", "Change of p50", "p95", "Change of p95",
    ]  # fmt: skip


def test_the_share_of_failed_requests_is_compared_in_percentage_points(store, traces, rows):
    found = ask(store, traces, "errors 1w by provider vs before")
    now, before = (within(rows, *span) for span in ((WEEK,), (BEFORE, WEEK)))
    shares = [
        Fraction(sum(row["STATUS"] == "error" for row in each), len(each)) for each in (now, before)
    ]
    data = of_document(found)
    assert data["change"] == {"share_points": float((shares[0] - shares[1]) * 100)}
    assert data["previous"]["share"] == float(shares[1])
    exact = found.exact()
    assert exact.columns[-3:] == ("Previous Failed Requests", "Previous Share", "Previous Requests")
    assert sum(row[-1] for row in exact.rows) == len(before)
    assert " percentage points vs the week before (" in found.sentences[1]


def test_a_key_whose_requests_all_failed_is_part_of_the_answer(engine, store, rows, tmp_path):
    engine.create("FAILING")
    nothing = {"STATUS": "error", "TOTAL_COST": 0, "PROMPT_TOKENS": 0, "COMPLETION_TOKENS": 0}
    mine = [row | nothing if row["API_KEY_NAME"] == "prod" else row for row in rows]
    engine.insert(mine, tmp_path, "FAILING")
    client = ClickHouse(engine.url, "FAILING", limits=LIVE)
    found = of_document(ask(store, client, "errors 1w by key"))
    client.close()
    [prod] = [one for one in found["groups"] if one["label"] == "prod"]
    assert prod["failed"] == prod["requests"] > 0
    assert found["requests"] == len(within(rows, WEEK))


FILTERS = {
    "model:a/x": lambda row: row["MODEL"].startswith("a/x"),
    "-model:a/x": lambda row: not row["MODEL"].startswith("a/x"),
    "key:prod": lambda row: row["API_KEY_NAME"] == "prod",
    "key:tests*": lambda row: (row["API_KEY_NAME"] or "").startswith("tests"),
    "creator:ada@example.com": lambda row: row["API_KEY_NAME"] in {None, "prod"},
    "provider:amazon*": lambda row: row["PROVIDER_NAME"] == "Amazon Bedrock",
    "-provider:anthropic": lambda row: row["PROVIDER_NAME"] != "Anthropic",
    "provider:anthropic provider:*vertex": lambda row: row["PROVIDER_NAME"]
    in {"Anthropic", "Google Vertex"},
    "end-user:customer-1": lambda row: row["USER_ID"] == "customer-1",
    "end-user:*drop*": lambda row: "DROP" in (row["USER_ID"] or ""),
}  # fmt: skip


@pytest.mark.parametrize(("words", "meant"), FILTERS.items())
def test_filters_are_those_of_other_questions(store, traces, rows, words, meant):
    expected = [row for row in within(rows, WEEK) if meant(row)]
    found = ask(store, traces, f"errors 1w {words}")
    assert of_document(found)["requests"] == len(expected) > 0
    found = ask(store, traces, f"spend 1w by provider {words}")
    assert next(iter(found.metrics.values())).sum == sum(map(spend, used(expected)))


def test_stored_dimensions_can_be_filtered_by_provider(store, traces, rows):
    found = ask(store, traces, "spend 1w by model provider:anthropic")
    expected = Counter()
    for row in used(within(rows, WEEK)):
        if row["PROVIDER_NAME"] == "Anthropic":
            expected[row["MODEL"].removesuffix(":free")] += spend(row)
    [metric] = found.metrics.values()
    assert {group.label: group.sum for group in metric.groups} == expected


@pytest.mark.parametrize("words", ["errors 1w", "errors 1w by end-user", "errors 1w by key"])
def test_a_person_with_limited_visibility_sees_only_requests_with_their_own_keys(
    store, traces, rows, words
):
    found = ask(store, traces, words, Asker("bob@example.com", own_only=True))
    mine = [row for row in within(rows, WEEK) if row["ENTITY_ID"] == "user_bob"]
    data = of_document(found)
    assert data["requests"] == len(mine)
    if "by end" in words:
        theirs = {one["label"] for one in data["groups"]}
        assert len(theirs) == len({row["USER_ID"] for row in mine})
    if "by key" in words:
        assert {one["label"] for one in data["groups"]} == {"tests 'n' \\more", "shared"}
    assert "creator:me" in found.query.words()
    assert 0 < len(mine) < len(within(rows, WEEK))


def test_keys_with_one_name_are_said_to_be_together(store, traces, rows):
    found = ask(store, traces, "latency 1w by key")
    assert "several keys are named “shared”: ClickHouse doesn't tell them apart" in found.partial


def test_what_clickhouse_lacks_is_said(engine, store, traces, rows, tmp_path):
    engine.create("HALF")
    some = [row for row in rows if int(row["TRACE_ID"].split("-")[1]) % 2]
    engine.insert(some, tmp_path, "HALF")
    half = ClickHouse(engine.url, "HALF", limits=LIVE)
    whole, there = (len(used(within(each, WEEK))) for each in (rows, some))
    found = ask(store, half, "spend 1w by provider")
    assert found.partial[0] == f"{(whole - there) / whole:.1%} of requests are not in ClickHouse"
    found = ask(store, half, "errors 1w")
    assert found.partial == (f"{(whole - there) / whole:.1%} of requests are not in ClickHouse",)
    half.close()


def test_days_of_a_zone_are_not_compared_with_utc_days(store, traces, rows):
    words = "errors 2026-10-20..2026-10-24"  # its first hours aren't stored, only its UTC days
    assert ask(store, traces, words).partial == ()
    assert ask(store, traces, words, zone="America/Los_Angeles").partial == (live_plan.UNCHECKED,)
    assert ask(store, traces, words, zone="Asia/Tokyo").partial == (live_plan.UNCHECKED,)


def test_a_time_that_is_not_stored_can_be_asked_and_says_that_it_is_not_compared(
    traces, rows, tmp_path
):
    empty = Store(Database(databases.at(tmp_path / "empty.db")))
    found = ask(empty, traces, "errors 1w by provider")
    assert of_document(found)["requests"] == len(within(rows, WEEK))
    assert found.partial == (live_plan.UNCHECKED,)
    empty.close()


@pytest.mark.parametrize(
    ("words", "shorter"),
    [
        ("latency 3m by model", "latency 1m by model"),
        ("spend 1y by provider", "spend 1m by provider"),
        ("errors 2026-10-01..2026-11-01", "errors 1m"),
    ],
)
def test_more_than_31_days_are_refused_with_what_to_ask_instead(store, traces, words, shorter):
    found = ask(store, traces, words)
    assert isinstance(found, CommandError)
    assert "at most 31 days" in found.problem
    assert found.suggestion == shorter


@pytest.mark.parametrize("words", ["latency 1m", "errors last month", "spend 2026-10 by provider"])
def test_a_month_is_short_enough(store, traces, rows, words):
    assert not isinstance(ask(store, traces, words), CommandError)


def test_end_users_of_a_longer_time_are_refused_with_creators_instead(store, traces):
    found = ask(store, traces, "spend 1y by end-user")
    assert "`spend 1y by creator` shows the members of the organization" in found.problem


@pytest.mark.parametrize(
    "words", ["latency 1d", "errors yesterday by key", "spend 1w by provider", "1d by end-user"]
)
def test_without_clickhouse_one_sentence_says_what_is_needed(store, words):
    found = ask(store, None, words)
    assert isinstance(found, CommandError)
    assert found.problem.endswith(
        " needs ClickHouse, to which OpenRouter can write every request. It isn't connected;"
        " docs/clickhouse.md says how."
    )


LACKING = {
    "spend 1w by provider": ("PROVIDER_NAME, DROP COLUMN PROVIDER_SLUG", "Provider is unknown"),
    "spend 1w by end-user": ("USER_ID", "End user is unknown"),
    "latency 1w": ("DURATION_MS, DROP COLUMN END_TIME", "Latency is unknown"),
    "errors 1w": ("STATUS", "Which requests failed is unknown"),
}


@pytest.mark.parametrize(("words", "lacks"), LACKING.items())
def test_what_the_table_has_no_column_for_is_said(engine, store, words, lacks):
    column, said = lacks
    engine.execute("DROP TABLE IF EXISTS LESS")
    engine.create("LESS")
    engine.execute(f"ALTER TABLE LESS DROP COLUMN {column}")
    less = ClickHouse(engine.url, "LESS", limits=LIVE)
    found = ask(store, less, words)
    less.close()
    assert isinstance(found, CommandError)
    assert found.problem.startswith(said)
    assert column.split(",")[0] in found.problem


def test_latency_comes_from_start_and_end_where_there_is_no_duration(engine, store, rows, tmp_path):
    engine.create("TIMES")
    engine.execute("ALTER TABLE TIMES DROP COLUMN DURATION_MS")
    chosen = []
    for row in rows:
        end = at(row) + timedelta(milliseconds=round(row["DURATION_MS"]))
        stamp = end.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        chosen.append({**row, "END_TIME": stamp})
        chosen[-1].pop("DURATION_MS")
    engine.insert(chosen, tmp_path, "TIMES")
    client = ClickHouse(engine.url, "TIMES", limits=LIVE)
    found = ask(store, client, "latency 1w")
    client.close()
    values = [round(row["DURATION_MS"]) for row in used(within(rows, WEEK))]
    assert of_document(found)["p95_ms"] == quantile(values, 0.95)


def test_a_server_that_is_away_is_one_sentence(store):
    away = ClickHouse("http://activity:x@127.0.0.1:9/traces", limits=LIVE)
    found = ask(store, away, "latency 1d")
    away.close()
    assert isinstance(found, CommandError)
    assert found.problem == live.AWAY


def test_a_server_that_refuses_is_one_sentence(engine, store):
    wrong = ClickHouse(engine.url.replace("activity:", "nobody:"), limits=LIVE)
    found = ask(store, wrong, "latency 1d")
    wrong.close()
    assert found.problem == live.REFUSED


def test_a_slow_query_is_ended_and_is_one_sentence(engine, store, rows):
    slow = ClickHouse(engine.url, limits=replace(LIVE, query=1))
    slow._columns = slow.columns()
    statement = "SELECT sleepEachRow(0.3) AS r_requests FROM numbers(100) FORMAT JSONEachRow"
    slow.places = lambda *_: slow._all(statement, {})
    found = ask(store, slow, "latency 1d")
    slow.close()
    assert found.problem == live.SLOW


def test_too_many_rows_are_refused(store, traces, rows, monkeypatch):
    monkeypatch.setattr("bot.clickhouse.client.MOST_ROWS", 5)
    assert ask(store, traces, "spend 1w by provider").problem == live.SLOW


def test_names_are_sent_in_parts_if_there_are_many(store, traces, rows, monkeypatch):
    monkeypatch.setattr("bot.clickhouse.selection.PART", 2)
    found = of_document(ask(store, traces, "errors 1w by creator"))
    expected = Counter(row["ENTITY_ID"] for row in within(rows, WEEK))
    told = {one["label"]: one["requests"] for one in found["groups"]}
    assert told["Ada Okafor"] == expected["user_ada"]
    assert found["requests"] == sum(expected.values())


def test_when_too_many_people_ask_at_once_the_next_one_is_told(store, traces, monkeypatch):
    monkeypatch.setattr(live, "BUSY_SECONDS", 0.01)
    for _ in range(live.AT_ONCE):
        live._slots.acquire()
    try:
        assert ask(store, traces, "latency 1d").problem == live.BUSY
    finally:
        for _ in range(live.AT_ONCE):
            live._slots.release()
    assert not isinstance(ask(store, traces, "latency 1d"), CommandError)


def test_the_doctor_names_each_column_that_an_answer_needs(engine):
    engine.execute("DROP TABLE IF EXISTS BARE")
    engine.create("BARE")
    for column in ("PROVIDER_NAME", "PROVIDER_SLUG", "USER_ID", "STATUS", "DURATION_MS"):
        engine.execute(f"ALTER TABLE BARE DROP COLUMN {column}")
    client = ClickHouse(engine.url, "BARE", limits=LIVE)
    assert client.columns().missing() == (
        "STATUS: failed requests are counted like others, and their share is unknown",
        "PROVIDER_NAME: usage by provider is unknown",
        "USER_ID: usage by end user is unknown",
    )
    client.close()
    engine.execute("ALTER TABLE BARE DROP COLUMN END_TIME")
    client = ClickHouse(engine.url, "BARE", limits=LIVE)
    assert "DURATION_MS: latency is unknown" in client.columns().missing()
    client.close()
