"""Clicks: nothing is done twice, and what is meant is done."""

import threading
from dataclasses import replace
from datetime import UTC, datetime
from itertools import cycle
from types import SimpleNamespace

import pytest

from bot.listeners.clicks import (
    DOUBLE_CLICK_SECONDS,
    MAX_MESSAGE_CLICKS,
    Clicks,
    SharedClicks,
)
from bot.slack.types import MessageLocation
from bot.store import Database
from bot.store.expiring_keys import ExpiringKeys
from tests import databases

NOW = datetime(2026, 11, 22, tzinfo=UTC)
needs_server = pytest.mark.skipif(not databases.on_postgres(), reason="needs a server")
AT = MessageLocation("C1", "1.0", hidden=True)


@pytest.mark.parametrize(
    ("clicks", "done"),
    [
        ([("in", 1.0), ("in", 1.2)], [True, False]),
        ([("in", 1.0), ("in", 1.0 + DOUBLE_CLICK_SECONDS)], [True, True]),
        ([("in", 1.0), ("out", 1.5), ("in", 2.0)], [True, True, True]),
        ([("in", 1.0), ("out", 1.5), ("in", 1.0)], [True, True, False]),
        ([("in", 1.0), ("out", 1.5), ("out", 1.6)], [True, True, False]),
        ([("in", 1.0), ("in", 9.0), ("in", 1.0)], [True, True, False]),
        ([("in", 1.0), ("out", 1.5), ("in", 9.0), ("in", 1.0)], [True, True, True, False]),
        ([("in", 1.0), ("out", 1.5), ("in", 1.0), ("in", 2.0)], [True, True, False, True]),
        ([("in", 1.0), ("in", 9.0), ("in", 1.0), ("in", 9.5)], [True, True, False, False]),
    ],
    ids=[
        "a double click",
        "later",
        "there and back",
        "a retry that comes late",
        "the second twice",
        "a retry after the same again",
        "a retry after there and back",
        "there and back, with a retry in between",
        "a double click, with a retry in between",
    ],
)
def test_the_same_click_again_is_none_unless_another_came_between(clicks, done):
    known = Clicks()
    found = [not known.is_repeated("U1", AT, what, {"action_ts": str(at)}) for what, at in clicks]
    assert found == done


def test_each_persons_clicks_are_their_own():
    known = Clicks()
    assert not known.is_repeated("U1", AT, "in", {"action_ts": "1.0"})
    assert not known.is_repeated("U2", AT, "in", {"action_ts": "1.0"})


# -- processes that share a database on a server


def process(tmp_path):
    """What another process has: a connection of its own to the same database."""
    keys = ExpiringKeys(Database(databases.at(tmp_path / "a.db")), lambda: NOW)
    return SharedClicks(SimpleNamespace(expiring_keys=keys))


@needs_server
def test_a_click_that_slack_sends_to_two_processes_is_done_once(tmp_path):
    one, other = process(tmp_path), process(tmp_path)
    assert not one.is_repeated("U1", AT, "in", {"action_ts": "1.0"})
    assert other.is_repeated("U1", AT, "in", {"action_ts": "1.0"})
    assert not other.is_repeated("U2", AT, "in", {"action_ts": "1.0"})
    assert not other.is_repeated("U1", AT, "in", {})


@needs_server
@pytest.mark.parametrize(
    ("clicks", "done"),
    [
        ([("in", 1.0), ("in", 1.2)], [True, False]),
        ([("in", 1.2), ("in", 1.0)], [True, False]),
        ([("in", 1.0), ("in", 1.0 + DOUBLE_CLICK_SECONDS)], [True, True]),
        ([("in", 1.0), ("out", 1.5), ("in", 2.0)], [True, True, True]),
        ([("out", 1.5), ("in", 1.0), ("in", 2.0)], [True, True, True]),
        ([("in", 1.0), ("out", 1.5), ("in", 1.0)], [True, True, False]),
        ([("in", 1.0), ("out", 1.5), ("in", 9.0), ("in", 1.0)], [True, True, True, False]),
        ([("in", 1.0), ("out", 1.5), ("in", 1.0), ("in", 2.0)], [True, True, False, True]),
        ([("in", 1.0), ("in", 9.0), ("in", 1.0), ("in", 9.5)], [True, True, False, False]),
    ],
    ids=[
        "a double click",
        "the second arrives first",
        "later",
        "there and back",
        "there and back, late",
        "a late retry",
        "a retry after there and back",
        "there and back, with a retry in between",
        "a double click, with a retry in between",
    ],
)
def test_a_double_click_that_reaches_two_processes_is_done_once(tmp_path, clicks, done):
    processes = cycle([process(tmp_path), process(tmp_path)])
    found = [
        not next(processes).is_repeated("U1", AT, what, {"action_ts": str(at)})
        for what, at in clicks
    ]
    assert found == done


@needs_server
def test_the_newest_choice_of_all_processes_counts(tmp_path):
    one, other = process(tmp_path), process(tmp_path)
    older, newer = {"action_ts": "999.9"}, {"action_ts": "1000.1"}
    one.is_repeated("U1", AT, "in", newer, changes=True)
    other.is_repeated("U1", AT, "out", older, changes=True)
    assert other.is_superseded(AT, older)
    assert not one.is_superseded(AT, newer)
    assert not one.is_superseded(replace(AT, ts="2.0"), older)


@needs_server
def test_a_double_click_does_not_supersede_the_click_that_it_repeats(tmp_path):
    one, other = process(tmp_path), process(tmp_path)
    first, second = {"action_ts": "1.0"}, {"action_ts": "1.2"}
    assert not one.is_repeated("U1", AT, "in", first, changes=True)
    assert other.is_repeated("U1", AT, "in", second, changes=True)
    assert not one.is_superseded(AT, first)


@needs_server
def test_a_click_that_changes_no_answer_supersedes_none(tmp_path):
    one, other = process(tmp_path), process(tmp_path)
    one.is_repeated("U1", AT, "in", {"action_ts": "1.0"}, changes=True)
    other.is_repeated("U1", AT, "csv", {"action_ts": "2.0"})
    assert not one.is_superseded(AT, {"action_ts": "1.0"})


@needs_server
def test_answers_in_a_message_are_delivered_one_after_the_other(tmp_path):
    one, other = process(tmp_path), process(tmp_path)
    order, begun = [], threading.Event()

    def second():
        begun.wait(60)
        with other.delivering(AT):
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with one.delivering(AT):
        begun.set()
        with other.delivering(replace(AT, ts="2.0")):
            pass
        thread.join(0.3)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


@needs_server
def test_all_clicks_in_a_message_share_one_row_of_bounded_size(tmp_path):
    one = process(tmp_path)
    for number in range(3 * MAX_MESSAGE_CLICKS):
        one.is_repeated("U1", AT, f"{number}", {"action_ts": f"{number + 1}"}, changes=True)
    with databases.looking(tmp_path / "a.db") as connection:
        [[value]] = connection.execute("SELECT value FROM memory").fetchall()
    assert len(value) < 4_000
    assert one.is_superseded(AT, {"action_ts": "5.0"})


@pytest.mark.sqlite_only("a file is one machine's")
def test_one_machine_stores_nothing_of_clicks(tmp_path):
    one = process(tmp_path)
    assert not one.is_repeated("U1", AT, "in", {"action_ts": "1.0"}, changes=True)
    assert not one.is_repeated("U1", AT, "in", {"action_ts": "1.0"}, changes=True)
    assert not one.is_superseded(AT, {"action_ts": "0.5"})
