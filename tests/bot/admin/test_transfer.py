"""Schedules and alert rules as a file and back: exactly, once, and whatever is in the file."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.admin.transfer import NotAnExportError, export, restore
from bot.store import Database
from bot.store.alerts.rules import AlertRules, NewRule
from bot.store.schedules.schedules import NewSchedule, Schedules
from reports.schedules.recurrence import Daily, Monthly, Recurrence, TargetKind, Weekly

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOSTILE = "a'); DROP TABLE schedule; --\"}]<script>&lt;\u2028"
ALERTS = [
    "spend > $0.01 per hour key:\"a b\" to owner urgent", "tokens > 5M per day by model",
    "spike by key", "forecast > $900 this month by creator", "credits < $100", "new model",
    "budget 50% 80% 100% to owner", "key unused 60d", "key orphaned", "retiring",
    "cache < 50% by key", "sync",
]  # fmt: skip
SCHEDULED, ALERTED = 3 + len(TargetKind), 2 + len(ALERTS)
ALL = SCHEDULED + ALERTED


class Kept:
    """The schedules and rules of a database."""

    def __init__(self, path: Path) -> None:
        self.database = Database(path)
        self.schedules = Schedules(self.database, lambda: NOW)
        self.rules = AlertRules(self.database, lambda: NOW)

    def exported(self) -> dict[str, Any]:
        return json.loads(export(self.schedules, self.rules, NOW))


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Kept]:
    kept = Kept(tmp_path / "here.db")
    for number, rule in enumerate((Daily(), Weekly(frozenset({0, 3})), Monthly(None))):
        when = Recurrence(rule, time(9, 30), "Europe/Berlin")
        kept.schedules.add(
            NewSchedule(
                "U1",
                "ada@example.com",
                f"spend 1m by key key:k{number}",
                when,
                TargetKind.CHANNEL,
                "C1",
                "finance",
                '["k\u00e9y <!channel>"]',
            )
        )
    # hostile names, each target, every kind of alert, and people who have left
    when = Recurrence(Weekly(frozenset({6})), time(23, 59), "Asia/Kathmandu")
    for target in TargetKind:
        name, members = "=cmd()\u202e<!here>\n\x00", json.dumps([HOSTILE, "\U0001f600"])
        kept.schedules.add(
            NewSchedule("UGONE", HOSTILE, "limits", when, target, "C9", name.strip("\x00"), members)
        )
    for words in ALERTS:
        kept.rules.add(NewRule("UGONE", HOSTILE, words, json.dumps({"creator": [HOSTILE]})))
    paused = kept.schedules.of("U1")[1]
    kept.schedules.pause(paused.id, "owner")
    kept.rules.add(NewRule("U2", "", "spend > $50 per day by creator"))
    kept.rules.add(NewRule("U1", "ada@example.com", "budget 80%", '{"key": ["prod"]}'))
    kept.rules.pause(kept.rules.of("U2")[0].id, "owner")
    yield kept
    kept.database.close()


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Kept]:
    kept = Kept(tmp_path / "there.db")
    yield kept
    kept.database.close()


def test_what_is_restored_elsewhere_is_what_was_exported(source: Kept, target: Kept) -> None:
    found = restore(json.dumps(source.exported()), target.schedules, target.rules)
    assert (found.schedules, found.alerts, found.known, found.left_out) == (
        SCHEDULED,
        ALERTED,
        0,
        [],
    )

    def by_id(kept: Kept) -> list[list[Any]]:
        whole = kept.exported()
        return [sorted(whole[part], key=lambda one: one["id"]) for part in ("schedules", "alerts")]

    assert by_id(target) == by_id(source)


def test_a_file_restored_twice_counts_once(source: Kept, target: Kept) -> None:
    text = json.dumps(source.exported())
    restore(text, target.schedules, target.rules)
    found = restore(text, target.schedules, target.rules)
    assert (found.schedules, found.alerts, found.known) == (0, 0, ALL)
    assert len(target.schedules.of(None)) == SCHEDULED
    assert len(target.rules.of(None)) == ALERTED


def test_what_was_deleted_since_does_not_come_back(source: Kept) -> None:
    text = json.dumps(source.exported())
    source.schedules.remove(source.schedules.of(None)[0].id)
    source.rules.delete(source.rules.of(None)[0].id)
    found = restore(text, source.schedules, source.rules)
    assert (found.schedules, found.alerts, found.known) == (0, 0, ALL)
    assert len(source.schedules.of(None)) == SCHEDULED - 1


def test_the_same_schedule_under_another_id_is_there_already(source: Kept) -> None:
    whole = source.exported()
    for one in (*whole["schedules"], *whole["alerts"]):
        one["id"] = f"x{one['id']}"
    found = restore(json.dumps(whole), source.schedules, source.rules)
    assert (found.schedules, found.alerts, found.known) == (0, 0, ALL)


def test_a_restored_schedule_goes_on_with_its_next_run(source: Kept, target: Kept) -> None:
    restore(json.dumps(source.exported()), target.schedules, target.rules)
    assert all(one.next.at > NOW for one in target.schedules.of(None))


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", "7", '{"activity": 1}', "[" * 100_000, "\ufffd"),
        *('{"activity": {"format": "x"}}', '{"activity": {"format": 0}}'),
        *('{"activity": {"format": true}}', '{"activity": {"format": null}}'),
    ],
)
def test_another_file_is_refused(target: Kept, text: str) -> None:
    with pytest.raises(NotAnExportError, match="wasn't written by `activity export`"):
        restore(text, target.schedules, target.rules)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
def test_of_a_part_of_a_file_nothing_is_added(source: Kept, target: Kept, part: float) -> None:
    text = json.dumps(source.exported())
    with pytest.raises(NotAnExportError, match="This file is incomplete"):
        restore(text[: int(len(text) * part)], target.schedules, target.rules)
    assert target.schedules.of(None) == []
    assert target.rules.of(None) == []


def test_a_file_of_a_newer_version_is_refused(source: Kept, target: Kept) -> None:
    whole = source.exported()
    whole["activity"]["format"] = 2
    with pytest.raises(NotAnExportError, match="newer version"):
        restore(json.dumps(whole), target.schedules, target.rules)


ODD = st.one_of(
    st.none(), st.integers(), st.text(max_size=9), st.just("x" * 5_000), st.just("\ud800"),
    st.lists(st.none(), max_size=2), st.just({}),
)  # fmt: skip


@settings(max_examples=50)
@given(data=st.data())
def test_an_odd_item_is_named_and_the_others_are_added(
    data: st.DataObject, source: Kept, tmp_path_factory: pytest.TempPathFactory
) -> None:
    whole = copy.deepcopy(source.exported())
    part = data.draw(st.sampled_from(["schedules", "alerts"]))
    index = data.draw(st.integers(0, len(whole[part]) - 1))
    name = data.draw(st.sampled_from([*whole[part][index], ""]))
    if name:
        whole[part][index][name] = data.draw(ODD)
    else:
        whole[part][index] = data.draw(ODD)
    fresh = Kept(tmp_path_factory.mktemp("odd") / "a.db")
    try:
        found = restore(json.dumps(whole), fresh.schedules, fresh.rules)
        assert found.schedules + found.alerts + len(found.left_out) == ALL
        assert len(found.left_out) <= 1
        # what was added can be read
        assert len(fresh.schedules.of(None)) == found.schedules
        assert len(fresh.rules.of(None)) == found.alerts
    finally:
        fresh.database.close()
