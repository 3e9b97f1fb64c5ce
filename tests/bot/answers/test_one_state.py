"""An answer and its file count one state of the database, whatever is written meanwhile."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from bot.answers.answer import answer
from bot.answers.write_file import Format, Job, write_file
from bot.store import Database, Store
from reports.questions.grammar import QuestionCommand, parse
from reports.questions.summary import Summary
from reports.usage.dimensions import Metric
from tests import databases
from tests.world import DOLLAR, now

MOST_WRITES = 16


@pytest.fixture
def store(journal: str, database: Path) -> Iterator[Store]:
    """A store on a database into which another process writes before each of its reads."""
    mine, other = Database(databases.at(database)), Database(databases.at(database))
    read, busy = mine.read, []

    @contextmanager
    def overtaken():  # type: ignore[no-untyped-def]
        # a rollback journal lets nobody write by then; doubled any more, sums would be too large
        if len(busy) < MOST_WRITES and (not mine.reading or journal == "wal"):
            with other.write() as connection:
                for table in ("usage", "total"):
                    connection.execute(f"UPDATE {table} SET credits = credits * 2, byok = byok * 2")
            busy.append(1)
        with read() as connection:
            yield connection

    mine.read = overtaken  # type: ignore[method-assign]
    yield Store(mine)
    assert busy
    for one in (mine, other):
        one.close()


def test_the_rows_of_a_file_add_up_to_its_summary(store: Store) -> None:
    out = io.BytesIO()
    found = write_file(store, Job("spend 7d by key", now(), "UTC", Format.CSV), out)
    rows = list(csv.DictReader(io.StringIO(out.getvalue().decode())))
    assert sum(Decimal(row["Spend"]) for row in rows) * DOLLAR == found.metrics[Metric.SPEND].sum


def test_an_answer_and_what_it_is_compared_with_are_of_one_state(store: Store) -> None:
    """The same days asked for twice in an answer cost the same."""
    parsed = parse("spend 7d")
    assert isinstance(parsed, QuestionCommand)
    with store.snapshot():
        first, second = (answer(store, parsed.query, now(), "UTC", whole=True) for _ in range(2))
    assert isinstance(first, Summary)
    assert isinstance(second, Summary)
    assert first.metrics[Metric.SPEND].sum == second.metrics[Metric.SPEND].sum
