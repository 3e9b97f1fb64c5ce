"""Signed requests that are sent again to another process that shares the database."""

import logging
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from bot.http.slack_signatures import REMEMBERED_SECONDS, SharedSignatures
from bot.store import Database
from bot.store.connection import Area
from bot.store.errors import CommitUnknownError, DatabaseLostError, DiskFullError
from bot.store.expiring_keys import ExpiringKeys
from tests import databases
from tests.clock import Clock

needs_server = pytest.mark.skipif(not databases.on_postgres(), reason="needs a server")
SIGNATURE = "v0=1234"


@pytest.fixture
def clock():
    return Clock(datetime(2026, 11, 22, tzinfo=UTC))


def process(tmp_path, clock):
    """What another process has: a connection of its own to the same database."""
    database = Database(databases.at(tmp_path / "a.db"))
    return SharedSignatures(ExpiringKeys(database, clock)), database


@needs_server
def test_a_signature_is_accepted_by_one_of_all_processes(tmp_path, clock, caplog):
    (one, _), (other, _) = process(tmp_path, clock), process(tmp_path, clock)
    assert one.claim(SIGNATURE)
    assert not other.claim(SIGNATURE)
    assert "already processed" in caplog.text
    assert SIGNATURE not in caplog.text
    assert other.claim("v0=5678")


@needs_server
def test_a_signature_is_forgotten_when_its_timestamp_is_too_old_anyway(tmp_path, clock):
    one, _ = process(tmp_path, clock)
    assert one.claim(SIGNATURE)
    clock.now += timedelta(seconds=REMEMBERED_SECONDS)
    one.claim("v0=5678")
    with databases.looking(tmp_path / "a.db") as connection:
        assert connection.execute("SELECT count(*) FROM memory").fetchone() == (1,)


@needs_server
def test_work_without_a_signature_stores_nothing(tmp_path, clock):
    one, _ = process(tmp_path, clock)
    assert one.claim("")
    assert one.claim("")
    with databases.looking(tmp_path / "a.db") as connection:
        assert connection.execute("SELECT count(*) FROM memory").fetchone() == (0,)


@needs_server
def test_a_locked_database_is_not_waited_for(tmp_path, clock, monkeypatch):
    monkeypatch.setattr("bot.http.slack_signatures.CLAIM_SECONDS", 0.2)
    (one, _), (_, database) = process(tmp_path, clock), process(tmp_path, clock)
    with database.write(Area.KEYS):
        assert one.claim(SIGNATURE)
        assert one.claim(SIGNATURE)


@needs_server
def test_a_server_that_is_gone_is_an_error(tmp_path, clock, monkeypatch):
    one, database = process(tmp_path, clock)

    def refuse():
        raise psycopg.OperationalError("connection refused")

    database.engine.idle.clear()
    monkeypatch.setattr(database.engine.server, "connect", refuse)
    with pytest.raises(DatabaseLostError):
        one.claim(SIGNATURE)


@needs_server
@pytest.mark.parametrize("error", [DiskFullError("full"), CommitUnknownError("broke")])
def test_a_claim_that_cannot_be_stored_does_not_stop_an_answer(tmp_path, clock, monkeypatch, error):
    one, _ = process(tmp_path, clock)

    def fail(*_):
        raise error

    monkeypatch.setattr(one._keys, "claim", fail)
    assert one.claim(SIGNATURE)


@pytest.mark.sqlite_only("a file is one machine's")
def test_one_machine_stores_no_signatures(tmp_path, clock, caplog):
    caplog.set_level(logging.WARNING)
    one, _ = process(tmp_path, clock)
    assert one.claim(SIGNATURE)
    assert one.claim(SIGNATURE)
    with databases.looking(tmp_path / "a.db") as connection:
        assert connection.execute("SELECT count(*) FROM memory").fetchone() == (0,)
