"""Answers that explain usage, of the large organization: CPU time, for some beside naive SQL.

CPU time, from the question to the blocks of its message. The peer is the sums that an answer is
worked out from, read from flat tables of text; working out anything from them would come on top.
The answers without a peer are also about what OpenRouter lists, or look at single buckets.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time

from bot.analysis.budgets import limits
from bot.analysis.registry import analyze
from bot.answers.visibility import ANYONE
from bot.runtime.priority import tune_interpreter
from bot.store import Database, Store
from bot.store.encoding import StoredView
from reports.analysis.document import AnalysisDocument
from reports.analysis.slack.message import analysis_message
from reports.questions.grammar import QuestionCommand, parse
from reports.questions.query import Query, QueryKind
from reports.questions.slack.balance import limits_message
from reports.time.period_to_range import ranges
from reports.time.time_range import Granularity
from reports.usage.dimensions import Dimension
from tests.bench import naive
from tests.bench.listed_facts import store_listed_facts
from tests.bench.organizations import HUGE, LARGE, NOW, Organization, database
from tests.bench.questions import percentile
from tests.bench.table import Figure, at_most

LIMIT = 80  # ms
ASKED = (
    "price 1m", "price 1m by model", "price 1m by creator", "price 1m by key",
    "why spend 1w", "why spend 1w by creator", "why spend 1m", "why spend 1m by creator",
    "forecast", "forecast by model", "forecast by creator", "forecast by key",
)  # fmt: skip
WITHOUT_PEER = (
    "cache 1m by model", "cache 1m by creator", "cache 1m by key",
    "whatif model-1-instruct -> model-2-instruct 1m",
    "whatif model-1-instruct -> model-2-instruct 1m by key",
    "retiring", "retiring by creator", "new models 1m", "new keys 1m", "keys", "keys unlimited",
    "keys creator:firstname12.lastname@example.com", "limits", "limits key:team-03*",
    "limits creator:firstname12.lastname@example.com",
)  # fmt: skip
OF_MANY_KEYS = ("forecast key:team-0*", "cache 1m by key", "whatif all -> model-2-instruct 1m")
"""Of all keys, or of a quarter of them; of the huge organization as well."""
LIMITS = {LARGE: 60, HUGE: 300}  # ms
_TIMES = 40
_FEWEST, _LONGEST = 3, 10_000  # ms: what takes seconds is not measured 40 times
_WARM_UP = 3
_PEER_TIMES = 3


def run() -> Iterator[Figure]:
    """What is promised of the answers that explain usage."""
    with TemporaryDirectory() as folder:
        copied = Path(folder) / "large.db"
        shutil.copy(database(LARGE), copied)
        store = Store(Database(copied))
        store_listed_facts(store)
        analyze(store, _query("why spend 1w"), NOW, "UTC")
        tune_interpreter()  # as the bot does once it has started
        with closing(sqlite3.connect(naive.naive_database(LARGE))) as peer:
            for words in ASKED:
                yield _beside_naive(store, peer, words)
        for words in WITHOUT_PEER:
            yield at_most(_name(words), _p95(_answering(store, _query(words))), "ms", LIMIT)
        listing = _p95(lambda: limits_message(limits(store, NOW, ANYONE)))
        yield at_most(_name("budget"), listing, "ms", LIMIT)
        store.close()
        yield from _of_many_keys()


def _of_many_keys() -> Iterator[Figure]:
    for organization, limit in LIMITS.items():
        with TemporaryDirectory() as folder:
            store = Store(Database(Path(shutil.copy(database(organization), folder))))
            store_listed_facts(store)
            for words in OF_MANY_KEYS:
                p95 = _p95(_answering(store, _query(words)))
                yield at_most(_name(words, organization), p95, "ms", limit)
            store.close()


def _answering(store: Store, query: Query) -> Callable[[], AnalysisDocument]:
    """What is measured: from a question to its message."""

    def answering() -> AnalysisDocument:
        found = analyze(store, query, NOW, "UTC", whole=False)
        assert isinstance(found, AnalysisDocument), found
        analysis_message(found)
        return found

    return answering


def _beside_naive(store: Store, peer: sqlite3.Connection, words: str) -> Figure:
    query = _query(words)
    ours = _answering(store, query)

    def theirs() -> float:
        return sum(row[-1] for span in _spans(query) for row in _naive_sums(peer, query, *span))

    # the figures with today, which only JSON and files have where a period isn't over
    found = analyze(store, query, NOW, "UTC", whole=True)
    assert isinstance(found, AnalysisDocument), found
    assert abs(compared(found) - theirs()) < 1
    p95 = _p95(ours)
    other = median(_milliseconds(theirs) for _ in range(_PEER_TIMES))
    return replace(
        at_most(_name(words), p95, "ms", LIMIT), peer="naive SQL", ratio=other / p95
    )  # fmt: skip


def _name(words: str, organization: Organization = LARGE) -> str:
    return f"`{words}`, {organization.name}: p95 of CPU"


def _p95(ours: Callable[[], object]) -> float:
    for _ in range(_WARM_UP):
        ours()
    times: list[float] = []
    while len(times) < _TIMES and (len(times) < _FEWEST or sum(times) < _LONGEST):
        times.append(_milliseconds(ours))
    return percentile(times, 95)


def _query(words: str) -> Query:
    parsed = parse(words)
    assert isinstance(parsed, QuestionCommand)
    return parsed.query


def compared(found: AnalysisDocument) -> float:
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
