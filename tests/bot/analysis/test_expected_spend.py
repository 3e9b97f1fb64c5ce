"""One expected pace: parts and the whole, limits and forecasts agree, and keys that can't go on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import chain
from typing import Any

import pytest

from bot.analysis import expected_spend
from bot.analysis import limits as limits_module
from bot.analysis.expected_spend import ExpectedSpend
from bot.analysis.forecast import root_of
from bot.analysis.forecast_usage import forecast_period
from bot.analysis.limits import HourlySpend
from bot.analysis.registry import analyze, answer_any
from bot.analysis.spend_left import spend_left
from bot.answers.visibility import Asker
from bot.demo.openrouter.organization import Key, Member, Organization, Record
from bot.demo.openrouter.server import LocalOpenRouter
from bot.store import Store
from bot.store.usage.selection import Selection
from bot.store.usage.store import CacheState
from reports.alerts.limits_and_forecast import SpendLimit
from reports.analysis.document import AnalysisDocument
from reports.analysis.forecast_answer import BEGUN_TODAY
from reports.analysis.limited_keys import Reason
from reports.questions.grammar import CommandError, parse
from reports.questions.summary import Summary
from reports.render.json import as_json
from reports.time.period import Unit
from reports.time.time_range import DAY, HOUR, Granularity, TimeRange, floor
from reports.usage.dimensions import Dimension, Metric, MoneySource
from tests.cache_help import NOW, Cache
from tests.clock import Clock
from tests.world import DOLLAR

ADA = Member("user_ada", "Ada", "Lovelace", "ada@example.com")
BOB = Member("user_bob", "Bob", "Bones", "bob@example.com")
DAILY = {"prod": 20, "evals": 7, "laptop": 3, "capped": 5, "full": 4, "off": 2, "gone": 6}
"""Dollars a day of each key."""


def organization() -> Organization:
    keys = {name: Key(name, creator=(ADA if name < "g" else BOB).id) for name in DAILY}
    keys["capped"].limit_nano, keys["capped"].limit_reset = 130 * DOLLAR, "monthly"
    keys["full"].limit_nano, keys["full"].limit_reset = 60 * DOLLAR, "monthly"
    keys["off"].disabled = keys["gone"].deleted = True
    records = [
        Record(
            NOW - timedelta(hours=2 + 12 * half), keys[name].hash, keys[name].creator,
            "a/b" if half % 4 else "c/d", prompt=1_000, completion=10,
            credits_nano=dollars * DOLLAR // 2,
        )
        for name, dollars in DAILY.items()
        for half in range(2 * 130)
    ]  # fmt: skip
    # a night of a key that runs away
    records.append(
        Record(
            NOW - timedelta(days=3),
            keys["laptop"].hash,
            keys["laptop"].creator,
            "a/b",
            prompt=1_000,
            completion=10,
            credits_nano=300 * DOLLAR,
        )
    )
    return Organization([ADA, BOB], list(keys.values()), records=records, credits=10**13)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Any:
    made, clock = organization(), Clock(NOW)
    with LocalOpenRouter(made, clock=clock) as server:
        server.requests_per_minute = None
        cache = Cache(server, tmp_path_factory.mktemp("expected") / "activity.db", clock)
        cache.fill()
    yield cache.store
    cache.close()


def answered(store: Store, words: str) -> AnalysisDocument:
    found = analyze(store, parse(words).query, NOW, "UTC")  # type: ignore[union-attr]
    assert isinstance(found, AnalysisDocument), found
    return found


def groups(store: Store, words: str) -> dict[str, Any]:
    data = json.loads(json.dumps(answered(store, words).data()))
    return {one["label"]: one for one in data["groups"]}


@pytest.mark.parametrize("period", ["", "this week", "today"])
@pytest.mark.parametrize("by", ["key", "creator", "model"])
def test_a_filter_has_the_figures_of_its_row(store: Store, by: str, period: str) -> None:
    rows = groups(store, f"forecast {period} by {by}")
    assert len(rows) > 1
    for label, row in rows.items():
        alone = answered(store, f'forecast {period} {by}:"{label}"').data()
        names = ("so_far", "to_come", "end", "low", "high", "previous")
        assert {name: alone[name] for name in names} == {name: row[name] for name in names}


@pytest.mark.parametrize("filters", ["", "creator:bob@example.com", "model:a/b"])
def test_rows_add_up_to_the_whole_in_every_column(store: Store, filters: str) -> None:
    whole = answered(store, f"forecast {filters}").data()
    for by in ("key", "creator", "model"):
        rows = groups(store, f"forecast by {by} {filters}").values()
        for name in ("so_far", "to_come", "end", "previous"):
            assert sum(Decimal(row[name]) for row in rows) == Decimal(whole[name]), (by, name)


def test_keys_have_the_same_figures_within_their_creator(store: Store) -> None:
    every, his = groups(store, "forecast by key"), groups(store, "forecast by key creator:bob*")
    # who made a deleted key isn't known, so its usage is that of no key here
    assert Decimal(his.pop("(chatroom)")["to_come"]) == 0
    assert set(his) == {"prod", "laptop", "off"}
    for label, row in his.items():
        assert abs(Decimal(row["to_come"]) - Decimal(every[label]["to_come"])) <= Decimal("1e-8")


def test_a_runaway_night_of_a_key_is_not_continued(store: Store) -> None:
    count = forecast_period(store.state(), Unit.MONTH, NOW, "UTC").count
    to_come = float(groups(store, "forecast by key")["laptop"]["to_come"])
    assert 3 * (count - 2) < to_come < 3 * (count + 2)


def test_nothing_more_is_expected_of_keys_that_can_spend_nothing(store: Store) -> None:
    rows = groups(store, "forecast by key")
    for label in ("off", "gone", "full"):
        assert Decimal(rows[label]["to_come"]) == 0
        assert rows[label]["low"] == rows[label]["high"] == rows[label]["end"]
        assert Decimal(rows[label]["previous"]) > 0
    for label, why in (
        ("off", "because the key is disabled"),
        ("gone", "because the key is deleted"),
        ("full", "its limit is used up and isn't reset before the period ends"),
    ):
        found = answered(store, f"forecast key:{label}")
        assert why in " ".join(found.sentences)
        assert why not in " ".join(found.notes)
        against = answered(store, f"forecast over $900 key:{label}").sentences
        assert "That is within $900.00." in against
    # what they don't spend is not expected of others, either
    kept = [rows[one] for one in ("prod", "evals", "laptop", "capped")]
    whole = answered(store, "forecast")
    assert sum(Decimal(one["to_come"]) for one in kept) == Decimal(whole.data()["to_come"])


def test_no_more_is_expected_of_a_key_than_its_limit_lets_through(store: Store) -> None:
    row = groups(store, "forecast by key")["capped"]
    assert Decimal(row["end"]) == Decimal(130)
    assert Decimal(row["high"]) <= Decimal(130)
    assert "its limit allows no more" in " ".join(answered(store, "forecast key:capped").notes)
    # it resets with the month, but not with the week or the day
    year = Decimal(groups(store, "forecast this year by key")["capped"]["to_come"])
    assert year > Decimal(row["to_come"])


def test_what_is_left_of_limits_is_read_together_where_it_is_not_reported(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    period = forecast_period(store.state(), Unit.MONTH, NOW, "UTC")
    reported = spend_left(store, period, MoneySource.ALL)
    limited = [one for one in reported.values() if one.reason is Reason.LIMITED]
    assert sorted(one.most > 0 for one in limited) == [False, True]
    reads = []

    def counted(self: Store, *given: Any) -> Any:
        reads.append(given)
        return read(self, *given)

    read = Store.metric_sums
    monkeypatch.setattr(Store, "metric_sums", counted)
    monkeypatch.setattr(SpendLimit, "reported_in", lambda *_: False)  # as right after a reset
    assert spend_left(store, period, MoneySource.ALL) == reported
    assert len(reads) == 1


def test_limits_and_credits_fill_at_the_pace_of_the_forecast(store: Store) -> None:
    period = forecast_period(store.state(), Unit.MONTH, NOW, "UTC")
    outlook = ExpectedSpend(store, period, MoneySource.CREDITS)
    week, spend, directory = sum(outlook.expected.week), HourlySpend(store, NOW), store.directory()
    assert week == pytest.approx(7 * sum(DAILY.values()) * DOLLAR, rel=0.02)
    assert sum(spend.pace_of_credits().hours) == pytest.approx(week, rel=1e-6)
    keys = {directory.labels[one.id]: one.id for one in directory.of[Dimension.KEY]}
    for label, dollars in DAILY.items():
        pace = spend.pace(Dimension.KEY, frozenset({keys[label]}), byok=False)
        assert sum(pace.hours) == pytest.approx(7 * dollars * DOLLAR, rel=0.03)


def test_the_hours_of_many_members_are_added_up_by_the_database(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = frozenset(one.id for one in store.directory().of[Dimension.KEY])
    one_by_one = HourlySpend(store, NOW).pace(Dimension.KEY, keys, byok=False)
    reads = hourly_series(monkeypatch)
    monkeypatch.setattr(limits_module, "_READ_EACH", len(keys) - 1)
    assert HourlySpend(store, NOW).pace(Dimension.KEY, keys, byok=False) == one_by_one
    assert [len(series) for series in reads] == [1]


def test_no_hours_are_read_of_a_limit_that_is_used_up(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = hourly_series(monkeypatch)
    [limit] = answered(store, "limits key:full").data()["walls"]
    assert Decimal(limit["used"]) >= Decimal(limit["limit"])
    assert limit["full"]["at"] == f"{NOW:%Y-%m-%dT%H:%M:%SZ}"
    assert reads == []


def test_only_the_spend_of_the_keys_that_are_asked_for_is_read(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = answered(store, "keys").data()["keys"]
    reads = []

    def noted(self: Store, *given: Any) -> Mapping[int, Sequence[int]]:
        found = read(self, *given)
        reads.append(found)
        return found

    read = Store.metric_sums
    monkeypatch.setattr(Store, "metric_sums", noted)
    found = answered(store, "keys key:evals").data()["keys"]
    assert found == [one for one in every if one["label"] == "evals"]
    labels = store.directory().labels
    assert {labels[id_] for id_ in chain(*reads)} == {"evals"}


def test_keys_and_limits_name_the_same_spend_of_keys_without_a_limit(store: Store) -> None:
    keys = answered(store, "keys unlimited").data()["keys"]
    assert answered(store, "limits").data()["unlimited"] == {
        "keys": len(keys), "spend_30d": f"{sum(Decimal(one['spend_30d']) for one in keys):f}",
    }  # fmt: skip


def test_no_limit_that_may_fill_is_taken_for_one_that_cannot(store: Store) -> None:
    spend, keys = HourlySpend(store, NOW), store.directory().of[Dimension.KEY]
    wanted = [
        ((Dimension.KEY, frozenset({key.id}), byok), left, resets)
        for key in keys
        for byok in (False, True)
        for dollars in range(0, 400, 3)
        for left in (dollars * DOLLAR, 1)
        for resets in (None, NOW + 5 * DAY, NOW + 20 * DAY)
    ]
    near = spend.near(wanted)
    assert near == [at for at, one in enumerate(wanted) if spend._may_fill(*one)]
    assert 0 < len(near) < len(wanted)


@pytest.mark.parametrize("by", [Dimension.KEY, Dimension.CREATOR])
@pytest.mark.parametrize("days", ["complete", "not settled", "missing", "never synced"])
@pytest.mark.parametrize("hours_before", [0, 5])
def test_what_was_spent_since_a_reset_is_read_by_day_where_days_are_complete(
    store: Store, monkeypatch: pytest.MonkeyPatch, by: Dimension, days: str, hours_before: int
) -> None:
    state, today = store.state(), floor(NOW, Granularity.DAY)
    coverage, synced = dict(state.coverage), dict(state.synced)
    match days:
        case "not settled":  # yesterday was synced right after its end, and then only its hours
            synced[Granularity.DAY] = today + timedelta(minutes=5)
        case "missing":
            coverage[Granularity.DAY] = ((today - 3 * DAY, today),)
        case "never synced":
            del synced[Granularity.DAY]
    monkeypatch.setattr(Store, "state", lambda _: CacheState(coverage, synced))
    start, end = today - 20 * DAY - hours_before * HOUR, floor(NOW, Granularity.HOUR) + HOUR
    hours = tuple(start + n * HOUR for n in range((end - start) // HOUR))
    wanted = TimeRange(hours, end, Granularity.HOUR, end)
    expected = store.metric_sums(Selection(by), wanted, Granularity.HOUR, (Metric.SPEND,))
    by_hour: list[int] = []

    def noted(self: Store, selection: Selection, wanted: TimeRange, *more: Any) -> Any:
        if wanted.granularity is Granularity.HOUR:
            by_hour.extend(map(hours.index, wanted.buckets))
        return read(self, selection, wanted, *more)

    read = Store.spend_by_source
    monkeypatch.setattr(Store, "spend_by_source", noted)
    spend = HourlySpend(store, NOW)
    for id_, (spent,) in expected.items():
        assert spend.since(by, frozenset({id_}), start, byok=True) == spent
    by_day = {"complete": 20 * 24, "not settled": 19 * 24}.get(days, 0)
    read_by_hour = list(range(len(hours)))
    del read_by_hour[hours_before : hours_before + by_day]
    assert by_hour == read_by_hour


def hourly_series(monkeypatch: pytest.MonkeyPatch) -> list[Mapping[int, Mapping[int, int]]]:
    """What is read by hour from now on."""
    reads = []

    def noted(self: Store, *given: Any) -> Mapping[int, Mapping[int, int]]:
        found = read(self, *given)
        if Granularity.HOUR in given:
            reads.append(found)
        return found

    read = Store.spend_series
    monkeypatch.setattr(Store, "spend_series", noted)
    return reads


def test_a_forecast_ends_in_the_zone_of_its_question(store: Store) -> None:
    notes = " ".join(answered(store, "forecast tz Europe/Berlin").notes)
    assert ", 00:00 (Europe/Berlin)" in notes
    assert "UTC" not in notes
    assert ", 00:00 UTC." in " ".join(answered(store, "forecast").notes)


@pytest.mark.parametrize("words", ["forecast over $500 under $600"])
def test_a_forecast_is_compared_with_one_amount(words: str) -> None:
    found = parse(words)
    assert isinstance(found, CommandError)
    assert found.problem == "A forecast can be compared with only one amount: $500 or $600."


@pytest.mark.parametrize(("ago", "goes_on"), [((5, 4), False), ((1, 0.2), True)])
def test_a_burst_is_continued_only_while_it_runs(
    tmp_path: Any, ago: tuple[float, float], goes_on: bool
) -> None:
    calm, wild = Key("calm", creator=ADA.id), Key("wild", creator=BOB.id)
    records = [
        Record(
            NOW - timedelta(hours=hour), calm.hash, ADA.id, "a/b", prompt=1_000, completion=10,
            credits_nano=DOLLAR,
        )
        for hour in range(30 * 24)
    ]  # fmt: skip
    records += [
        Record(
            NOW - timedelta(hours=hours), wild.hash, BOB.id, "a/b", prompt=1_000, completion=10,
            credits_nano=50 * DOLLAR,
        )
        for hours in ago
    ]  # fmt: skip
    clock = Clock(NOW)
    made = Organization([ADA, BOB], [calm, wild], records=records, credits=10**13)
    with LocalOpenRouter(made, clock=clock) as server:
        server.requests_per_minute = None
        cache = Cache(server, tmp_path / "activity.db", clock)
        cache.fill()
        rows = groups(cache.store, "forecast today by key")
        cache.close()
    # a dollar an hour until midnight, of which 9 hours and 37 minutes are left
    if goes_on:
        assert 9.5 < float(rows["calm"]["to_come"]) < 12  # with its small share of the burst
        assert 150 < float(rows["wild"]["to_come"]) < 250
    else:
        assert float(rows["calm"]["to_come"]) == pytest.approx(9.6, abs=0.1)
        assert float(rows["wild"]["to_come"]) == 0


@pytest.mark.parametrize("by", ["key", "model", "creator"])
def test_people_who_see_their_own_usage_get_every_answer_about_it(store: Store, by: str) -> None:
    asker = Asker("ada@example.com", own_only=True)
    for words in (
        "forecast",
        "why spend 1w",
        "why tokens mtd",
        "price byok 1m",
        "spend mtd vs before",
    ):
        query = parse(f"{words} by {by}").query  # type: ignore[union-attr]
        found = answer_any(store, query, NOW, "UTC", asker, whole=True)
        assert not isinstance(found, CommandError), words
        shown = json.dumps(as_json(found) if isinstance(found, Summary) else found.data())
        assert "Bob" not in shown
        assert "laptop" not in shown


@pytest.mark.parametrize("others", [False, True])
def test_limits_of_new_keys_fill_at_the_pace_of_their_hours(tmp_path: Any, others: bool) -> None:
    key, other = Key("new", creator=ADA.id), Key("other", creator=BOB.id)
    key.limit_nano, key.limit_reset = 20 * DOLLAR, "monthly"
    records = [
        Record(
            NOW - timedelta(hours=hours), key.hash, ADA.id, "a/b", prompt=1_000, completion=10,
            credits_nano=DOLLAR,
        )
        for hours in range(1, 6)
    ]  # fmt: skip
    records += [
        Record(
            NOW - timedelta(hours=hours), other.hash, BOB.id, "a/b", prompt=1_000, completion=10,
            credits_nano=8 * DOLLAR,
        )
        for hours in range(1, 40 * 24 * others)
    ]  # fmt: skip
    clock = Clock(NOW)
    made = Organization([ADA, BOB], [key, other], records=records, credits=10**13)
    with LocalOpenRouter(made, clock=clock) as server:
        server.requests_per_minute = None
        cache = Cache(server, tmp_path / "activity.db", clock)
        cache.fill()
        for asker in (Asker(), Asker("ada@example.com", own_only=True)):
            query = parse("limits").query  # type: ignore[union-attr]
            found = analyze(cache.store, query, NOW, "UTC", asker)
            assert isinstance(found, AnalysisDocument)
            [full] = [row[7] for row in found.exact().rows if row[1] == "new"]
            assert full.startswith("2026-11-23T0")  # $15 more at a dollar an hour
            query = parse("forecast").query  # type: ignore[union-attr]
            if others and not asker.own_only:
                continue
            forecast = analyze(cache.store, query, NOW, "UTC", asker)
            assert isinstance(forecast, AnalysisDocument)
            assert forecast.sentences == (BEGUN_TODAY.format(amount="$5.00"),)
            period = forecast_period(cache.store.state(), Unit.MONTH, NOW, "UTC")
            root = root_of(cache.store.directory(), asker)
            outlook = ExpectedSpend(cache.store, period, MoneySource.ALL, root)
            assert outlook.to_come(root) == outlook.expected.week[0] == 0
        cache.close()


def _with_night(tmp_path: Any, night: int, state: str) -> dict[str, float]:
    """What is to come of two keys and of all, if one spent so many dollars on the last Sunday."""
    prod, agent = Key("prod", creator=ADA.id), Key("agent", creator=BOB.id)
    agent.disabled = state == "disabled"
    if state == "full":
        agent.limit_nano, agent.limit_reset = 100 * DOLLAR, "monthly"
    records = []
    for before in range(1, 120):
        at = (NOW - before * DAY).replace(hour=12)
        spent = 80 if at.weekday() >= 5 else 220
        more = night if at.weekday() == 6 and before <= 7 else 0
        for key, dollars in ((prod, spent), (agent, 5 + more)):
            records.append(
                Record(at, key.hash, key.creator, "a/b", prompt=1_000, completion=10,
                       credits_nano=dollars * DOLLAR)
            )  # fmt: skip
    clock = Clock(NOW)
    made = Organization([ADA, BOB], [prod, agent], records=records, credits=10**13)
    with LocalOpenRouter(made, clock=clock) as server:
        server.requests_per_minute = None
        cache = Cache(server, tmp_path / f"{night}.db", clock)
        cache.fill()
        rows = groups(cache.store, "forecast by key")
        found = {label: float(row["to_come"]) for label, row in rows.items()}
        found["all"] = float(answered(cache.store, "forecast").data()["to_come"])
        cache.close()
    return found


@pytest.mark.parametrize("state", ["", "full", "disabled"])
def test_a_night_of_one_key_is_expected_of_no_other(tmp_path: Any, state: str) -> None:
    calm, wild = _with_night(tmp_path, 0, state), _with_night(tmp_path, 410, state)
    assert wild["prod"] == pytest.approx(calm["prod"], rel=0.01)
    assert wild["all"] == pytest.approx(calm["all"], rel=0.01)
    assert wild["all"] == pytest.approx(wild["prod"] + wild["agent"])
    if state:
        assert calm["agent"] == wild["agent"] == 0
    else:
        assert wild["agent"] == pytest.approx(calm["agent"], rel=0.05)


@pytest.mark.parametrize("spent", [(), (0, 0), (2,)])
@pytest.mark.parametrize("own", [False, True])
def test_limits_are_listed_on_the_first_days(
    tmp_path: Any, spent: tuple[int, ...], own: bool
) -> None:
    key = Key("new", creator=ADA.id)
    key.limit_nano, key.limit_reset = 5 * DOLLAR, "monthly"
    records = [
        Record(
            NOW - timedelta(minutes=20, days=day), key.hash, ADA.id, "a/b", prompt=1_000,
            completion=10, credits_nano=dollars * DOLLAR,
        )
        for day, dollars in enumerate(spent)
    ]  # fmt: skip
    clock = Clock(NOW)
    made = Organization([ADA, BOB], [key], records=records, credits=10**13)
    with LocalOpenRouter(made, clock=clock) as server:
        server.requests_per_minute = None
        cache = Cache(server, tmp_path / "activity.db", clock)
        cache.fill()
        query = parse("limits").query  # type: ignore[union-attr]
        found = analyze(
            cache.store,
            query,
            NOW,
            "UTC",
            Asker("ada@example.com", own_only=True) if own else Asker(),
        )
        assert isinstance(found, AnalysisDocument)
        [row] = [row for row in found.rows if row[0].startswith("new")]
        assert row[1].startswith("$2.00 of $5.00" if any(spent) else "$0 of $5.00")
        if not any(spent):
            assert row[2] == "not before reset"
        cache.close()


@pytest.mark.parametrize("own", [False, True])
def test_a_key_without_spend_that_is_disabled_is_said_to_be(tmp_path: Any, own: bool) -> None:
    prod, off, idle = (Key(name, creator=ADA.id) for name in ("prod", "off", "idle"))
    off.disabled = True
    records = [
        Record(NOW - day * DAY, prod.hash, ADA.id, "a/b", prompt=1_000, completion=10,
               credits_nano=DOLLAR)
        for day in range(30)
    ]  # fmt: skip
    clock = Clock(NOW)
    made = Organization([ADA, BOB], [prod, off, idle], records=records, credits=10**13)
    asker = Asker("ada@example.com", own_only=True) if own else Asker()
    with LocalOpenRouter(made, clock=clock) as server:
        server.requests_per_minute = None
        cache = Cache(server, tmp_path / "activity.db", clock)
        cache.fill()
        said = {}
        for key in ("off", "idle"):
            query = parse(f"forecast key:{key}").query  # type: ignore[union-attr]
            found = analyze(cache.store, query, NOW, "UTC", asker)
            assert isinstance(found, AnalysisDocument)
            said[key] = " ".join(found.sentences)
        cache.close()
    assert "Nothing more is expected of “off”, because the key is disabled." in said["off"]
    assert "remove a filter" not in said["off"]
    assert ("remove a filter" in said["idle"]) is not own


def test_of_models_of_many_keys_only_the_last_months_are_judged(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = Key("prod", creator=ADA.id)
    records = [
        Record(
            NOW - days * DAY, key.hash, ADA.id, "a/b", prompt=1_000, completion=10,
            credits_nano=DOLLAR,
        )
        for days in range(1, 300)
    ]  # fmt: skip
    clock = Clock(NOW)
    made = Organization([ADA], [key], records=records, credits=10**13)
    with LocalOpenRouter(made, clock=clock) as server:
        server.requests_per_minute = None
        cache = Cache(server, tmp_path / "activity.db", clock)
        cache.fill()

        def judged(words: str) -> int:
            past: dict[str, int] = answered(cache.store, words).data()["past"]
            return past["samples"]

        of_few = judged("forecast model:a* key:prod")
        monkeypatch.setattr(expected_spend, "_MANY_OF_MODELS", 0)
        assert judged("forecast model:a* key:prod") == 4 < of_few
        assert judged("forecast key:prod") == of_few  # of which sums are stored
        cache.close()


@pytest.mark.parametrize("own", [False, True])
def test_a_disabled_key_of_others_is_not_said_of_keys_that_are_left(
    tmp_path: Any, own: bool
) -> None:
    idle, off, of_bob = (
        Key(name, creator=person.id)
        for name, person in (("idle", ADA), ("off", ADA), ("bobs", BOB))
    )
    off.disabled = of_bob.disabled = True
    clock = Clock(NOW)
    record = Record(NOW - DAY, of_bob.hash, BOB.id, "a/b", prompt=1_000, credits_nano=DOLLAR)
    made = Organization([ADA, BOB], [idle, off, of_bob], records=[record], credits=10**13)
    asker = Asker("ada@example.com", own_only=True) if own else Asker()
    with LocalOpenRouter(made, clock=clock) as server:
        server.requests_per_minute = None
        cache = Cache(server, tmp_path / "activity.db", clock)
        cache.fill()
        words = "forecast -key:idle" if own else "forecast -key:idle creator:ada@example.com"
        query = parse(words).query  # type: ignore[union-attr]
        found = analyze(cache.store, query, NOW, "UTC", asker)
        cache.close()
    assert isinstance(found, AnalysisDocument)
    said = " ".join(found.sentences)
    assert "Nothing more is expected of “off”, because the key is disabled." in said
    assert "bobs" not in said


def test_a_burst_without_a_key_leaves_every_creator_with_a_name(tmp_path: Any) -> None:
    prod = Key("prod", creator=ADA.id)
    records = [
        Record(NOW - day * DAY, prod.hash if person is ADA else "", person.id, "a/b", prompt=1_000,
               credits_nano=(300 if person is BOB and day == 3 else 1) * DOLLAR)
        for day in range(30)
        for person in (ADA, BOB)
    ]  # fmt: skip
    clock = Clock(NOW)
    made = Organization([ADA, BOB], [prod], records=records, credits=10**13)
    with LocalOpenRouter(made, clock=clock) as server:
        server.requests_per_minute = None
        cache = Cache(server, tmp_path / "activity.db", clock)
        cache.fill()
        query = parse("forecast by creator top 1").query  # type: ignore[union-attr]
        found = answer_any(cache.store, query, NOW, "UTC", whole=False)
        cache.close()
    assert isinstance(found, AnalysisDocument)
    assert found.rows[0][0] == "Bob Bones"
