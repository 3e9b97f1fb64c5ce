"""The log of who did what: kept, found, forgotten, and without secrets."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from bot.store import Database
from bot.store.audit import KEPT, Audit, Wanted
from reports.audit import Act, Entry

from ..world import wait_until

NOW = datetime(2026, 11, 22, 10, 31, 7, tzinfo=UTC)
DAY = timedelta(days=1)


class Log:
    def __init__(self, path):
        self.now = NOW
        self.database = Database(path)
        self.audit = Audit(self.database, lambda: self.now, ("hunter2secret",))

    def note(self, *what, ago=timedelta(), **more):
        self.now = NOW - ago
        self.audit.note(*what, **more)
        self.now = NOW


@pytest.fixture
def log(tmp_path):
    there = Log(tmp_path / "activity.db")
    yield there
    there.audit.flush()
    there.database.close()


def test_it_keeps_who_did_what_where_and_how_it_ended(log):
    log.note(Act.EXPORTED, "U1", "spend 7d csv", where="C1", outcome="refused: x", email="a@b.c")
    assert log.audit.last(9) == [
        Entry(NOW, "U1", "a@b.c", "exported", "spend 7d csv", "C1", "refused: x")
    ]


def test_the_newest_come_first_and_only_those_asked_for(log):
    for number in range(30):
        log.note(Act.ASKED, f"U{number % 2}", f"top {number}", ago=number * DAY)
    assert [entry.what for entry in log.audit.last(3)] == ["top 0", "top 1", "top 2"]
    week = Wanted("U1", NOW - 7 * DAY, NOW)
    assert [entry.what for entry in log.audit.all(week)] == ["top 1", "top 3", "top 5", "top 7"]
    assert log.audit.count(week) == 4
    assert log.audit.count() == 30


def test_it_forgets_after_400_days_and_not_before(log):
    log.note(Act.ASKED, "U1", "kept", ago=KEPT)
    log.note(Act.ASKED, "U1", "old", ago=KEPT + timedelta(milliseconds=1))
    assert log.audit.prune() == 1
    assert log.audit.prune() == 0
    assert [entry.what for entry in log.audit.all()] == ["kept"]


@pytest.mark.parametrize(
    "typed",
    [
        "sk-or-v1-0123456789abcdef0123456789abcdef", "xoxb-1234567890-abcdefghijklmnop",
        "xapp-1-A012345-678901234567-abcdef", "hunter2secret",
    ],
)  # fmt: skip
def test_a_secret_that_somebody_types_is_not_kept(log, typed):
    log.note(Act.ASKED, "U1", f"key:{typed} 7d", outcome=f"misunderstood: {typed}")
    [entry] = log.audit.last(9)
    assert typed[-9:] not in f"{entry.what} {entry.outcome}"
    assert entry.what == "key:*** 7d"


def test_a_keys_short_label_is_no_secret(log):
    log.note(Act.ASKED, "U1", 'key:"prod (sk-or-v1-0e6...1c96)"')
    assert "sk-or-v1-0e6...1c96" in log.audit.last(1)[0].what


def test_what_is_typed_without_end_is_cut(log):
    log.note(Act.ASKED, "U1", "x" * 9_999, outcome="y" * 9_999)
    [entry] = log.audit.last(1)
    assert (len(entry.what), len(entry.outcome)) == (300, 120)


def test_nobody_loses_their_answer_where_it_cannot_be_written(log, caplog):
    writer = log.database._writer
    full = writer.execute("PRAGMA page_count").fetchone()[0]
    writer.execute(f"PRAGMA max_page_count = {full}")
    for number in range(2_000):
        log.note(Act.ASKED, "U1", f"{number} " + "x" * 290)
    log.audit.flush()
    assert "entries are lost: The disk is full" in caplog.text
    kept = log.audit.count()
    assert kept < 2_000
    writer.execute(f"PRAGMA max_page_count = {2**30}")
    log.note(Act.ASKED, "U1", "again")
    assert log.audit.count() == kept + 1


def test_what_many_do_at_once_is_all_noted_and_written_by_itself(log):
    threads = [
        threading.Thread(target=lambda: [log.audit.note(Act.ASKED, "U1", "x") for _ in range(50)])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other = Audit(Database(log.database.path), log.audit._clock)
    wait_until(lambda: other.count() == 400)
    other._db.close()
