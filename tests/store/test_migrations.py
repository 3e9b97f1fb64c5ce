from pathlib import Path

import sqlite_utils

from bot.store import Database
from bot.store.codes import GRANULARITY, part
from bot.store.migrations import SET, STEPS, m008_parts
from reports.timerange import Granularity


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


def test_it_keeps_the_sums_of_an_older_database(tmp_path: Path) -> None:
    path = tmp_path / "activity.db"
    older = sqlite_utils.Database(path)
    first = sqlite_utils.Migrations(SET)
    for step in STEPS[: STEPS.index(m008_parts)]:
        first()(step)
    first.apply(older)
    day, month = 1_767_225_600 + 20 * 86_400, 1_767_225_600
    kept = [(2, 2, 7, day, 1, 0, 2, 3, 0, 4, 5), (0, 3, 0, month, 1, 0, 2, 3, 0, 4, 5)]
    with older.conn:
        older.conn.executemany(f"INSERT INTO total VALUES ({', '.join('?' * 11)})", kept)
    older.close()

    Database(path).close()

    newer = sqlite_utils.Database(path)
    columns = "dimension, granularity, member, bucket, requests, byok_requests, prompt, completion"
    found = newer.execute(f"SELECT {columns}, reasoning, credits, byok FROM total").fetchall()
    assert sorted(found) == sorted(kept)
    assert newer.execute("SELECT part FROM total WHERE dimension = 2").fetchone() == (
        part(GRANULARITY[Granularity.DAY], day),
    )
    newer.close()
