"""Answers to the large organization: how long a person waits, and how the naive table compares."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import product
from statistics import median
from time import process_time

from bot.answers.answer import answer
from bot.store import Database, Store
from reports.questions.grammar import QuestionCommand, parse
from reports.questions.query import Query
from reports.questions.summary import Summary
from reports.time.period_to_range import ranges
from reports.usage.dimensions import STORED, Dimension, Metric
from tests.bench import naive
from tests.bench.organizations import LARGE, NOW, database
from tests.bench.questions import answer_times
from tests.bench.table import Figure

LIMIT = 40  # ms
LEAST = {"1h": None, "1d": None, "1m": 10, "1y": 100}
_TIMES = 9


def run() -> Iterator[Figure]:
    """What is promised of answers, and the same figures read from the naive table."""
    yield from answer_times(LARGE, LIMIT)
    store = Store(Database(database(LARGE)))
    with closing(sqlite3.connect(naive.naive_database(LARGE))) as peer:
        for period, by in product(LEAST, STORED):
            yield _compared(store, peer, period, by)
    store.close()


def _compared(store: Store, peer: sqlite3.Connection, period: str, by: Dimension) -> Figure:
    """From a question to its figures, here and there, by turns."""
    query = _query(f"tokens {period} by {by}")
    wanted = ranges(query.period, NOW).current

    def ours() -> Summary:
        found = answer(store, query, NOW, "UTC", whole=False)
        assert isinstance(found, Summary)
        return found

    def theirs() -> list[tuple[str, naive.Series]]:
        return naive.answer(peer, by, wanted)

    shown = [group.sum for group in ours().metrics[Metric.TOKENS].groups]
    assert shown == [naive.tokens(series) for _, series in theirs()]
    both = [(_seconds(ours), _seconds(theirs)) for _ in range(_TIMES)]
    mine, other = (1_000 * median(column) for column in zip(*both, strict=True))
    least = LEAST[period]
    return Figure(
        f"figures of `{query.words()}`, {LARGE.name}",
        mine,
        "ms",
        f">= {least} x upsert_all" if least else "",
        other / mine >= least if least else None,
        "upsert_all",
        other / mine,
    )


def _query(words: str) -> Query:
    parsed = parse(words)
    assert isinstance(parsed, QuestionCommand)
    return parsed.query


def _seconds(job: Callable[[], object]) -> float:
    begun = process_time()
    job()
    return process_time() - begun
