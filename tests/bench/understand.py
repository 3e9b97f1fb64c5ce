"""Price, why and forecast of the large organization: CPU time of an answer, beside naive SQL.

CPU time, from the question to the blocks of its message. The peer is the sums that an answer is
worked out from, read from flat tables of text; working out anything from them would come on top.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from statistics import median
from time import process_time

from bot.analysis.registry import analyze
from bot.runtime.priority import tune_interpreter
from bot.store import Database, Store
from bot.store.encoding import StoredView
from reports.analysis.document import AnalysisDocument
from reports.analysis.slack.message import analysis_message
from reports.questions.grammar import QuestionCommand, parse
from reports.questions.query import Query, QueryKind
from reports.time.timerange import Granularity, ranges
from reports.usage.dimensions import Dimension
from tests.bench import naive
from tests.bench.organizations import LARGE, NOW, database
from tests.bench.questions import percentile
from tests.bench.table import Figure

LIMIT = 80  # ms
ASKED = (
    "price 1m", "price 1m by model", "price 1m by creator", "price 1m by key",
    "why spend 1w", "why spend 1w by creator", "why spend 1m", "why spend 1m by creator",
    "forecast", "forecast by model", "forecast by creator", "forecast by key",
)  # fmt: skip
_TIMES = 40
_WARM_UP = 3
_PEER_TIMES = 3


def run() -> Iterator[Figure]:
    """What is promised of the answers that explain usage."""
    store = Store(Database(database(LARGE)))
    analyze(store, _query("why spend 1w"), NOW, "UTC")
    tune_interpreter()  # as the bot does once it has started
    with closing(sqlite3.connect(naive.naive_database(LARGE))) as peer:
        for words in ASKED:
            yield _measured(store, peer, words)
    store.close()


def _measured(store: Store, peer: sqlite3.Connection, words: str) -> Figure:
    query = _query(words)

    def ours() -> AnalysisDocument:
        found = analyze(store, query, NOW, "UTC")
        assert isinstance(found, AnalysisDocument)
        analysis_message(found)
        return found

    def theirs() -> float:
        return sum(row[-1] for span in _spans(query) for row in _naive_sums(peer, query, *span))

    assert abs(_compared(ours()) - theirs()) < 1
    for _ in range(_WARM_UP):
        ours()
    p95 = percentile([_milliseconds(ours) for _ in range(_TIMES)], 95)
    other = median(_milliseconds(theirs) for _ in range(_PEER_TIMES))
    name = f"`{words}`, {LARGE.name}: p95 of CPU"
    return Figure(
        name, p95, "ms", f"<= {LIMIT} ms", p95 <= LIMIT, "naive SQL", other / p95
    )  # fmt: skip


def _query(words: str) -> Query:
    parsed = parse(words)
    assert isinstance(parsed, QuestionCommand)
    return parsed.query


def _compared(found: AnalysisDocument) -> float:
    """The dollars of an answer that the sums of the naive table have to come to as well."""
    data = found.data()
    match found.query.kind:
        case QueryKind.PRICE:
            return float(data["blended"]["spend"])
        case QueryKind.WHY:
            return float(data["from"]) + float(data["to"])
        case _:
            return float(data["so_far"])


def _spans(query: Query) -> tuple[tuple[datetime, datetime], ...]:
    """The stretches of time that an answer adds up: it itself, for `why` the one before it too."""
    both = ranges(query.period, NOW)
    found = [both.current, both.previous] if query.kind is QueryKind.WHY else [both.current]
    return tuple((one.start, one.end) for one in found)


def _naive_sums(
    peer: sqlite3.Connection, query: Query, start: datetime, end: datetime
) -> list[tuple[object, ...]]:
    """Tokens and dollars by group, for `why` by pair of key and model, for a forecast by day."""
    of_creators = query.by is Dimension.CREATOR and query.kind is not QueryKind.WHY
    view = StoredView.CREATOR if of_creators else StoredView.KEY
    by: dict[Dimension | None, str] = {None: "1", Dimension.MODEL: "model"}
    columns = [by.get(query.by, naive.COLUMNS[view])]
    if query.kind is QueryKind.WHY:
        columns = [naive.COLUMNS[view], "model"]
    elif query.kind is QueryKind.FORECAST:
        columns.append("bucket")
    grouped = ", ".join(columns)
    return peer.execute(
        f"SELECT {grouped}, SUM(prompt_tokens + completion_tokens), SUM(credits + byok)"
        f" FROM {naive.TABLES[view]}"
        f" WHERE granularity = ? AND bucket >= ? AND bucket < ? GROUP BY {grouped}",
        (str(Granularity.DAY), start.isoformat(), end.isoformat()),
    ).fetchall()


def _milliseconds(job: Callable[[], object]) -> float:
    begun = process_time()
    job()
    return (process_time() - begun) * 1_000
