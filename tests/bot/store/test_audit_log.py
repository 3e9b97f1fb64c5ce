"""The log of who did what: kept, found, forgotten, and without secrets."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from bot.store import Database
from bot.store.admin import audit_log as audit_module
from bot.store.admin.audit_log import KEPT, AuditFilter, AuditLog
from bot.store.errors import NestedAccessError
from reports.admin.audit_log import Act, AuditEntry
from tests import databases
from tests.world import wait_until

NOW = datetime(2026, 11, 22, 10, 31, 7, tzinfo=UTC)
DAY = timedelta(days=1)


class Log:
    def __init__(self, path):
        self.now = NOW
        self.database = Database(databases.at(path))
        self.audit = AuditLog(self.database, lambda: self.now, ("hunter2secret",))

    @property
    def written(self):
        assert self.audit.flush()
        return self.audit

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
    assert log.written.last(9) == [
        AuditEntry(NOW, "U1", "a@b.c", "exported", "spend 7d csv", "C1", "refused: x")
    ]


def test_the_newest_come_first_and_only_those_asked_for(log):
    for number in range(30):
        log.note(Act.ASKED, f"U{number % 2}", f"top {number}", ago=number * DAY)
    assert [entry.what for entry in log.written.last(3)] == ["top 0", "top 1", "top 2"]
    week = AuditFilter("U1", NOW - 7 * DAY, NOW)
    assert [entry.what for entry in log.written.all(week)] == ["top 1", "top 3", "top 5", "top 7"]
    assert log.written.count(week) == 4
    assert log.written.count() == 30


def test_it_forgets_after_400_days_and_not_before(log):
    log.note(Act.ASKED, "U1", "kept", ago=KEPT)
    log.note(Act.ASKED, "U1", "old", ago=KEPT + timedelta(milliseconds=1))
    assert log.audit.prune() == 1
    assert log.audit.prune() == 0
    assert [entry.what for entry in log.written.all()] == ["kept"]


@pytest.mark.parametrize(
    "typed",
    [
        "sk-or-v1-0123456789abcdef0123456789abcdef", "xoxb-1234567890-abcdefghijklmnop",
        "xapp-1-A012345-678901234567-abcdef", "hunter2secret",
    ],
)  # fmt: skip
def test_a_secret_that_somebody_types_is_not_kept(log, typed):
    log.note(Act.ASKED, "U1", f"key:{typed} 7d", outcome=f"misunderstood: {typed}")
    [entry] = log.written.last(9)
    assert typed[-9:] not in f"{entry.what} {entry.outcome}"
    assert entry.what == "key:*** 7d"


def test_a_keys_short_label_is_no_secret(log):
    log.note(Act.ASKED, "U1", 'key:"prod (sk-or-v1-0e6...1c96)"')
    assert "sk-or-v1-0e6...1c96" in log.written.last(1)[0].what


def test_what_is_typed_without_end_is_cut(log):
    log.note(Act.ASKED, "U1", "x" * 9_999, outcome="y" * 9_999)
    [entry] = log.written.last(1)
    assert (len(entry.what), len(entry.outcome)) == (300, 120)


def full(log):
    """Let the database file grow no more, until what is returned is called."""
    writer = log.database.engine.writer
    pages = writer.execute("PRAGMA page_count").fetchone()[0]
    writer.execute(f"PRAGMA max_page_count = {pages}")
    return lambda: writer.execute(f"PRAGMA max_page_count = {2**30}")


@pytest.mark.sqlite_only("a limit of SQLite stands for the disk")
def test_entries_wait_in_memory_while_the_disk_is_full_and_are_written_afterwards(log):
    heal = full(log)
    for number in range(2_000):
        log.note(Act.ASKED, "U1", f"{number} " + "x" * 290)
    assert not log.audit.flush()
    heal()
    assert log.written.count() == 2_000


@pytest.mark.sqlite_only("a limit of SQLite stands for the disk")
def test_the_buffer_drops_its_oldest_entries_and_says_so(log, monkeypatch, caplog):
    monkeypatch.setattr(audit_module, "MOST_BUFFERED", 300)
    heal = full(log)
    for number in range(400):
        log.audit.note(Act.ASKED, "U1", f"{number} " + "x" * 290)
    while log.audit.flush():  # what still fits in the last pages
        log.audit.note(Act.ASKED, "U1", "more " + "x" * 290)
    for number in range(400):
        log.audit.note(Act.ASKED, "U1", f"late {number} " + "x" * 290)
    assert not log.audit.flush()
    assert "The audit buffer is full" in caplog.text
    heal()
    assert log.written.last(1)[0].what.startswith("late 399")


@pytest.mark.sqlite_only("a limit of SQLite stands for the disk")
def test_the_end_of_the_process_says_what_could_not_be_written(log, caplog):
    heal = full(log)
    for number in range(2_000):
        log.audit.note(Act.ASKED, "U1", f"{number} " + "x" * 290)
    log.audit.close()
    assert "audit entries lost" in caplog.text
    heal()


def test_it_is_not_flushed_by_a_thread_that_reads(log):
    """With a rollback journal the commit would wait for that very thread."""
    refused = pytest.raises(NestedAccessError)
    with log.database.read(), refused:
        log.audit.flush()


def test_what_many_do_at_once_is_all_noted_and_written_by_itself(log):
    threads = [
        threading.Thread(target=lambda: [log.audit.note(Act.ASKED, "U1", "x") for _ in range(50)])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other = AuditLog(Database(log.database.address), log.audit._clock)
    wait_until(lambda: other.count() == 400)
    other._db.close()
