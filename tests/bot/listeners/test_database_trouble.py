"""People get a notice under load, with a locked database and with a full disk."""

from __future__ import annotations

import json
import logging
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import count
from pathlib import Path

import httpx
import pytest

from bot.admin import status as status_module
from bot.demo.openrouter.server import LocalOpenRouter
from bot.demo.slack import LocalSlack
from bot.listeners import background as work
from bot.listeners.background import WAITING
from bot.runtime.database_waits import GAVE_UP
from bot.slack.scopes import SCOPES
from bot.store import DiskFullError
from bot.store import database as database_module
from bot.store import sqlite as sqlite_module
from bot.store.admin.audit_log import AuditLog
from tests import world as worlds
from tests.world import World, wait_until


@contextmanager
def locked(path: Path, how: str = "EXCLUSIVE") -> Iterator[sqlite3.Connection]:
    """Another program's lock on a database."""
    other = sqlite3.connect(path, isolation_level=None, timeout=30)
    try:
        other.execute(f"BEGIN {how}")
        yield other
    finally:
        if other.in_transaction:
            other.execute("ROLLBACK")
        other.close()


def texts(world: World) -> list[str]:
    """The texts of all answers so far."""
    return [str(one["payload"]["text"]) for one in list(world.slack.responses)]


@pytest.fixture
def no_end_of_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wait for a lock lasts until the lock is free: whoever waits for themselves never ends."""
    monkeypatch.setattr(database_module, "BUSY_SECONDS", 1e5)
    monkeypatch.setattr(sqlite_module, "COMMIT_SECONDS", 1e5)
    monkeypatch.setattr(work, "FIRST_SECONDS", 1e5)
    monkeypatch.setattr(status_module, "READ_SECONDS", 1e5)


@pytest.mark.usefixtures("no_end_of_waiting")
def test_questions_and_status_in_the_same_instant_wait_for_nobody_who_waits_for_them(
    journal: str, administered: World
) -> None:
    for trial in range(10):
        before = len(administered.slack.responses)
        for text in ("spend 1d by key", "tokens 7d by model", "1m", "status"):
            administered.send(text, user="katherine")
        administered.send("spend 1d", user="grace")
        wait_until(lambda before=before: len(administered.slack.responses) >= before + 5)
        answers = texts(administered)[before:]
        assert not [text for text in answers if "went wrong" in text], (journal, trial)
        assert WAITING not in answers, (journal, trial)


@pytest.mark.usefixtures("no_end_of_waiting")
def test_status_is_answered_while_the_audit_log_is_being_written(
    journal: str, administered: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every question is noted at the very moment in which the next one reads."""
    flush = AuditLog.flush

    def noted_meanwhile(self: AuditLog, *arguments: float) -> bool:
        self.note("asked", "U1", "in the same instant")
        return flush(self, *arguments)

    monkeypatch.setattr(AuditLog, "flush", noted_meanwhile)
    assert "in the audit log" in administered.words("status", user="katherine")


# -- locked by another program


@pytest.mark.sqlite_only("the lock of a file")
@pytest.mark.parametrize("journal", ["rollback"], indirect=True)  # in WAL others read on
def test_people_hear_of_a_locked_database_and_are_answered_when_it_is_free(
    journal: str, administered: World, database: Path
) -> None:
    people = ["ada", "grace", "katherine"] * 4
    administered.ask("spend 1d", user="ada")
    before = len(administered.slack.responses)
    with locked(database):
        acks = [administered.send("spend 1d by key", user=person) for person in people]
        assert [ack.status for ack in acks] == [200] * len(people)
        wait_until(lambda: len(administered.slack.responses) >= before + len(people))
        assert texts(administered)[before:] == [WAITING] * len(people)
        assert httpx.get(administered.url("/healthz"), timeout=60).status_code == 200
    wait_until(lambda: len(administered.slack.responses) >= before + 2 * len(people))
    answers = texts(administered)[before + len(people) :]
    assert len(answers) == len(people)
    assert all("Spend" in text for text in answers)


@pytest.mark.sqlite_only("the lock of a file")
@pytest.mark.parametrize("journal", ["rollback"], indirect=True)  # in WAL others read on
def test_who_asks_while_others_wait_already_hears_at_once(
    journal: str, administered: World, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "CHECK_SECONDS", 0.01)
    with locked(database):
        for _ in range(3):
            assert administered.words("spend 1d") == WAITING
    wait_until(lambda: len(administered.slack.responses) == 6)


@pytest.mark.sqlite_only("the lock of a file")
def test_what_has_begun_when_the_lock_comes_is_said_and_finished_as_well(
    administered: World, database: Path
) -> None:
    """A read lock lets questions pass and holds up what is to be saved."""
    with locked(database, "IMMEDIATE"):
        assert administered.words("alert spend > $50 per day") == WAITING
    wait_until(lambda: len(administered.slack.responses) == 2)
    assert "$50" in texts(administered)[-1]


@pytest.mark.sqlite_only("the lock of a file")
@pytest.mark.parametrize("journal", ["rollback"], indirect=True)  # in WAL others read on
def test_nobody_waits_for_ever(
    journal: str, administered: World, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "LONGEST_SECONDS", 0.0)
    with locked(database):
        administered.send("spend 1d")
        wait_until(lambda: texts(administered) == [WAITING, GAVE_UP])


@pytest.mark.sqlite_only("the lock of a file")
def test_a_form_that_is_sent_off_meanwhile_is_done_when_the_database_is_free(
    administered: World, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    administered.bot_client.home_opened("ada")
    administered.slack.wait_for(lambda: administered.slack.home("ada"))
    administered.bot_client.click_in_view("ada", "home_schedule")
    wait_until(lambda: any(view["submit"] for view in administered.slack.views("ada")))
    view = administered.slack.views("ada")[-1]
    monkeypatch.setattr("bot.listeners.forms.WAIT_SECONDS", 0.2)
    with locked(database):
        assert administered.bot_client.submit("ada", view["id"]).status == 200
        wait_until(lambda: any(WAITING in text for text in said_to(administered, "ada")))
    wait_until(lambda: "Done." in json.dumps(administered.slack.views("ada")))


def said_to(world: World, person: str) -> list[str]:
    """What somebody was sent directly."""
    return [str(one["text"]) for one in world.slack.messages(world.slack.im(person).id)]


# -- a full disk


@contextmanager
def whole_bot(openrouter: LocalOpenRouter, database: Path) -> Iterator[World]:
    """Both halves, with Katherine as admin."""
    with LocalSlack(scopes=SCOPES, rate_limits=False, file_delay=timedelta(0)) as slack:
        admins = {"ACTIVITY_ADMINS": slack.user("katherine").id}
        with worlds.running(openrouter, slack, database, worlds.WHOLE, **admins) as world:
            yield world


@pytest.mark.sqlite_only("a limit of SQLite, or a small file system, stands for the disk")
def test_a_full_disk_is_said_to_who_asks_and_once_to_admins_and_heals(
    journal: str,
    openrouter: LocalOpenRouter,
    database: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.INFO)
    with whole_bot(openrouter, database) as administered:
        words = administered.words
        wait_until(lambda: administered.bot.ready() is None)
        writer = administered.bot.database.engine.writer
        pages = writer.execute("PRAGMA page_count").fetchone()[0]
        writer.execute(f"PRAGMA max_page_count = {pages}")
        fill_up(administered)
        for _ in range(20):
            assert "disk is full" in words("schedule weekly spend by key to me", user="ada")
        assert "disk is full" in words("status", user="katherine")
        assert "up to date" not in words("status", user="ada")
        assert "Spend" in words("spend 1d", user="ada")
        wait_until(lambda: told(administered))
        assert len(told(administered)) == 1
        lines = [r for r in caplog.records if "disk is full" in r.getMessage() and r.levelno >= 40]
        assert len(lines) <= 2
        assert not [record for record in caplog.records if record.exc_info]
        writer.execute(f"PRAGMA max_page_count = {2**30}")
        monkeypatch.setattr(database_module, "SETTLED_SECONDS", 0.0)
        assert "disk is full" not in words("status", user="katherine")
        assert "disk is full" not in words("schedule weekly spend by key to me", user="ada")
        assert len(told(administered)) == 1


def told(world: World) -> list[str]:
    """What Katherine was told about the disk."""
    return [text for text in said_to(world, "katherine") if "disk is full" in text]


def fill_up(world: World) -> None:
    """Use up the room that is left in the database, also in the pages of the schedules."""
    failed = 0
    for number in count():
        room = "x" * (3_000 if not failed else 100)
        try:
            with world.bot.database.write() as connection:
                connection.execute(
                    "INSERT INTO schedule (id, maker, email, question, rule, at, zone, target,"
                    " channel, name, members, made_at, next_day, next_at, gone)"
                    " VALUES (lower(hex(randomblob(8))), 'U1', '', ?, '', '', '', '', '', '', '',"
                    " ?, '', 0, 1)",
                    (room, number),
                )
        except DiskFullError:
            failed += 1
            if failed == 200:
                return
        else:
            assert number < 10_000, "the database goes on growing"


def fill_disk(file: Path) -> None:
    """Write a file until the file system is full."""
    with file.open("wb", buffering=0) as out, suppress(OSError):
        while out.write(bytes(4_096)):
            pass


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB of its own, where this user may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False)
    except OSError:
        pytest.skip("no mount")
    if done.returncode:
        pytest.skip("mounting is not permitted")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.sqlite_only("a limit of SQLite, or a small file system, stands for the disk")
def test_a_disk_that_other_files_fill_is_said_and_heals(
    journal: str,
    openrouter: LocalOpenRouter,
    database: Path,
    small_disk: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = small_disk / "activity.db"
    path.write_bytes(database.read_bytes())
    path.chmod(0o600)
    with whole_bot(openrouter, path) as administered:
        wait_until(lambda: administered.bot.ready() is None)
        ballast = small_disk / "ballast"
        fill_disk(ballast)
        wait_until(lambda: administered.bot.database.trouble is not None)
        assert "disk is full" in administered.words(
            "schedule weekly spend by key to me", user="ada"
        )
        assert "disk is full" in administered.words("status", user="katherine")
        wait_until(lambda: len(told(administered)) == 1)
        ballast.unlink()
        monkeypatch.setattr(database_module, "SETTLED_SECONDS", 0.0)
        wait_until(lambda: administered.bot.database.trouble is None)
        assert "disk is full" not in administered.words("status", user="ada")
        assert "disk is full" not in administered.words("schedule weekly spend to me", user="ada")
