"""A copy is the same database in another place, whatever cut it off in between."""

import random
from contextlib import closing
from pathlib import Path

import pytest

from bot.store import Database, Store, StoreError
from bot.store import copying as copying_module
from bot.store.copying import KEYS, copy
from bot.store.postgres import PostgresConnection
from reports.usage.dimensions import Dimension
from tests import databases


class CutOffError(Exception):
    """Stands for the end of the process."""


def everything(database: Database) -> dict[str, list[tuple[object, ...]]]:
    with database.read() as connection:
        return {
            table: sorted(connection.execute(f"SELECT * FROM {table}").fetchall(), key=str)
            for table in KEYS
        }


@pytest.fixture
def old(database: Path):
    """A database with usage, and with something in each of the other tables."""
    made = Database(databases.at(database))
    with made.write() as connection:
        for table in KEYS:
            if not connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone():
                fill(connection, table)
    yield made
    made.close()


STATES = {"run": "due", "alert_event": "pending", "alert_telling": "due"}


def fill(connection, table: str) -> None:
    names = [one[0] for one in connection.execute(f"SELECT * FROM {table} LIMIT 0").description]
    for number in (1, 22, 3):
        row: list[object] = []
        for name in names:
            text = type_of(connection, table, name) == "text"
            value: object = f"é{number}" if text else number
            row.append(STATES[table] if name == "state" and table in STATES else value)
        places = ", ".join("?" * len(names))
        connection.execute(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})", row)


def type_of(connection, table: str, name: str) -> str:
    if isinstance(connection, PostgresConnection):
        found = connection.execute(
            "SELECT data_type FROM information_schema.columns"
            " WHERE table_name = ? AND column_name = ?",
            (table, name),
        )
        return str(found.fetchone()[0])
    found = connection.execute(
        "SELECT type FROM pragma_table_info(?) WHERE name = ?", (table, name)
    )
    return str(found.fetchone()[0]).lower()


@pytest.fixture
def new(tmp_path: Path):
    with closing(Database(databases.at(tmp_path / "new.db"))) as made:
        yield made


def test_everything_arrives_and_ids_go_on(old, new):
    said = []
    rows = copy(old, new, said.append)
    assert everything(new) == everything(old)
    assert said[-1].done == said[-1].rows == rows
    store = Store(new)
    before = set(store.directory().members)
    after = store.add_members(Dimension.KEY, [("h-new", "new", "")])
    (added,) = set(after.members) - before
    assert added > max(before)


@pytest.mark.skipif(not databases.on_postgres(), reason="needs a server")
def test_a_file_becomes_a_server_and_a_server_a_file(tmp_path, new):
    with closing(Database(tmp_path / "file.db")) as file:
        with file.write() as connection:
            for table in KEYS:
                if table not in {"member", "fact"}:  # have rows already
                    fill(connection, table)
        copy(file, new, lambda _: None)
        assert everything(new) == everything(file)
        with closing(Database(tmp_path / "again.db")) as again:
            copy(new, again, lambda _: None)
            assert everything(again) == everything(file)


@pytest.mark.parametrize("seed", range(5))
def test_a_copy_that_was_cut_off_goes_on(old, new, seed, monkeypatch):
    monkeypatch.setattr(copying_module, "ROWS", 40)
    chance = random.Random(seed)
    total = sum(len(rows) for rows in everything(old).values())
    arrived = []

    def cut(progress):
        arrived.append(progress.done)
        if len(arrived) % 9 == 8 and chance.random() < 0.7:
            raise CutOffError

    for _ in range(1000):
        try:
            copy(old, new, cut)
            break
        except CutOffError:
            continue
    assert everything(new) == everything(old)
    assert arrived[-1] == total


def test_rows_that_are_there_are_not_sent_again(old, new, monkeypatch):
    monkeypatch.setattr(copying_module, "ROWS", 40)

    def cut(progress):
        if progress.table == "total":
            raise CutOffError

    with pytest.raises(CutOffError):
        copy(old, new, cut)
    sent = []
    insert = copying_module._insert
    monkeypatch.setattr(
        copying_module, "_insert", lambda *args: (sent.append(args[1]), insert(*args))
    )
    copy(old, new, lambda _: None)
    assert "usage" not in sent


def test_a_database_in_use_is_not_copied_over(old, new):
    Store(new).add_members(Dimension.KEY, [("h", "key", "")])
    before = everything(new)
    with pytest.raises(StoreError, match="not empty: its table member"):
        copy(old, new, lambda _: None)
    assert everything(new) == before


def test_an_unfinished_copy_of_another_database_is_not_mixed_with(old, new, tmp_path):
    def cut(_):
        raise CutOffError

    with pytest.raises(CutOffError):
        copy(old, new, cut)
    with (
        closing(Database(databases.at(tmp_path / "other.db"))) as other,
        pytest.raises(StoreError, match="unfinished copy of another"),
    ):
        copy(other, new, lambda _: None)


def test_what_was_written_meanwhile_is_noticed(old, new):
    def meddle(progress):
        if progress.table == "run":
            with new.write() as connection:
                connection.execute("UPDATE usage SET prompt = prompt + 1")

    with pytest.raises(StoreError, match="the table usage differs"):
        copy(old, new, meddle)


def test_every_table_is_copied_but_leases(old):
    with old.read() as connection:
        if databases.on_postgres():
            found = connection.execute(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
            )
        else:
            found = connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            )
        tables = {row[0] for row in found}
    assert tables - {"activity_migration", "_sqlite_migrations"} == set(KEYS) | {"lease"}
