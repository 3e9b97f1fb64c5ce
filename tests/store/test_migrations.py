from pathlib import Path

import sqlite_utils

from bot.store import Database
from bot.store.migrations import SET, STEPS


def test_it_brings_an_older_database_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "activity.db"
    older = sqlite_utils.Database(path)
    first = sqlite_utils.Migrations(SET)
    first()(STEPS[0])
    first.apply(older)
    older.close()

    Database(path).close()

    newer = sqlite_utils.Database(path)
    applied = [row["name"] for row in newer["_sqlite_migrations"].rows]
    assert applied == [step.__name__ for step in STEPS]
    assert "imported" in newer.table_names()
    newer.close()


def test_it_leaves_a_database_that_is_up_to_date_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "activity.db"
    Database(path).close()
    before = path.read_bytes()

    Database(path).close()

    assert path.read_bytes() == before
