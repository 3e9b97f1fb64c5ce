"""SQLite and PostgreSQL side by side: the same questions and writes on both, by turns.

CPU time: that of this process and, on PostgreSQL, of all processes of the server. Its settings are
as installed, so a commit waits for the disk, as it does on SQLite.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count, product
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import psycopg

from bot.analysis.registry import analyze
from bot.answers.answer import answer
from bot.runtime.priority import tune_interpreter
from bot.store import Database, Store
from bot.store.connection import Area, Connection
from bot.store.copying import copy
from reports.analysis.document import AnalysisDocument
from reports.questions.grammar import QuestionCommand, parse
from reports.questions.query import QueryKind
from reports.time.time_range import Granularity
from reports.usage.dimensions import STORED
from reports.usage.windows_to_fetch import newest_window
from tests import databases
from tests.bench import crossed, questions, understand
from tests.bench.organizations import LARGE, NOW, Organization, database
from tests.bench.pulled import owners_of, rows_of
from tests.bench.table import Figure, at_most
from tests.bench.writes import CHANGES, LONGEST_LOCK

MOST = 3.0
"""How many times as much CPU time as SQLite an answer may take on PostgreSQL."""
MOST_FOR_WRITES = 2.0
"""How many times as long a second pull of two days may take."""
SHORT = 15.0  # ms
"""What an answer may take in any case: where SQLite reads a few rows, round trips are the most."""
_WARM_UP = 2
_PULLS = 7


def run() -> Iterator[Figure]:
    """What is promised of PostgreSQL at 1,000 keys."""
    yield from measured(LARGE, times=15)


def measured(organization: Organization, times: int) -> Iterator[Figure]:
    """All figures of an organization; each question is asked `times` times."""
    with both(organization) as engines:
        yield from engines.copied
        for words in _asked():
            yield _answer(engines, organization, words, times)
        yield from _writes(engines, organization)


@dataclass(frozen=True, slots=True)
class Server:
    """The processes of a PostgreSQL server."""

    pid: int

    @classmethod
    def of(cls, url: str) -> Server:
        """The server that answers at a URL; it runs on this machine."""
        with psycopg.connect(url) as connection:
            found = connection.execute("SELECT pg_backend_pid()").fetchone()
            assert found
            stat = Path(f"/proc/{found[0]}/stat").read_text()
        return cls(int(stat.rpartition(")")[2].split()[1]))

    def seconds(self) -> float:
        """The CPU time of all of its processes, with those that have ended."""
        ended = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[13:15]
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        running = sum(_nanoseconds(pid) for pid in (str(self.pid), *children)) / 1e9
        return running + sum(map(int, ended)) / os.sysconf("SC_CLK_TCK")


def _nanoseconds(pid: str) -> int:
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
    except FileNotFoundError:  # it has just ended
        return 0


@dataclass(frozen=True, slots=True)
class Engines:
    """One organization on both engines, and the figures of how it was copied."""

    sqlite: Path
    postgres: str
    server: Server
    copied: tuple[Figure, ...]

    def measure(self, job: Callable[[], object]) -> Cost:
        """What a job costs, on either engine."""
        wall, client, server = perf_counter(), process_time(), self.server.seconds()
        job()
        client, server = process_time() - client, self.server.seconds() - server
        return Cost((perf_counter() - wall) * 1_000, (client + server) * 1_000)


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds: by the clock, and of CPU time of this process and the server."""

    wall: float
    cpu: float


@contextmanager
def both(organization: Organization) -> Iterator[Engines]:
    """The organization in a copy of its file, and in a database on a new server."""
    with (
        tempfile.TemporaryDirectory(prefix="activity-bench-") as folder,
        databases.server(as_installed=True) as base,
    ):
        path = Path(shutil.copy(database(organization), folder))
        with psycopg.connect(f"{base}postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE bench")
        url = f"{base}bench"
        source, target = Database(path), Database(url)
        begun = perf_counter()
        rows = copy(source, target, lambda _: None)
        seconds = perf_counter() - begun
        ratio = source.size() / target.size()
        name = organization.name
        figures = (
            Figure(f"`activity copy`, {name}, {rows:,} rows", rows / seconds, "rows/s"),
            Figure(
                f"database, {name}, PostgreSQL", target.size() / 2**20, "MiB",
                peer="SQLite", ratio=ratio,
            ),
        )  # fmt: skip
        source.close()
        target.close()
        yield Engines(path, url, Server.of(url), figures)


def _asked() -> Iterator[str]:
    for period, by in product(questions.PERIODS, STORED):
        yield f"tokens {period} by {by}"
    for period, words in product(("1m", "1y"), crossed.FILTERS):
        yield f"tokens {period} {words}"
    yield from understand.ASKED


def costs(engines: Engines, words: str, times: int) -> list[tuple[Cost, Cost]]:
    """What a question costs on PostgreSQL and on SQLite, asked by turns; both answer the same."""
    parsed = parse(words)
    assert isinstance(parsed, QuestionCommand)
    query = parsed.query

    def ask(store: Store) -> object:
        if query.kind is QueryKind.USAGE:
            return answer(store, query, NOW, "UTC", whole=False)
        # as JSON: a change with today as well, which `compared` looks at
        found = analyze(store, query, NOW, "UTC", whole=query.kind is QueryKind.WHY)
        assert isinstance(found, AnalysisDocument)
        # how a change is split up is rounded by turns, so the last digit may differ
        return understand.compared(found)

    ours, theirs = Store(Database(engines.postgres)), Store(Database(engines.sqlite))
    tune_interpreter()
    for _ in range(_WARM_UP):
        assert ask(ours) == ask(theirs)
    found = [
        (engines.measure(lambda: ask(ours)), engines.measure(lambda: ask(theirs)))
        for _ in range(times)
    ]
    ours.close()
    theirs.close()
    return found


def _answer(engines: Engines, organization: Organization, words: str, times: int) -> Figure:
    """The p95 on PostgreSQL; the medians of both are compared."""
    found = costs(engines, words, times)
    mine, other = (median(one.cpu for one in column) for column in zip(*found, strict=True))
    p95 = questions.percentile([cost.cpu for cost, _ in found], 95)
    limit = max(MOST * other, SHORT)
    return Figure(
        f"`{words}`, {organization.name}, PostgreSQL: p95 of CPU",
        p95,
        "ms",
        f"<= {MOST:g} x SQLite or {SHORT:g} ms",
        mine <= limit,
        f"SQLite, {other:.1f} ms",
        other / mine,
    )


class Watched(Database):
    """A database that notes what each of its write transactions costs."""

    def __init__(self, address: Path | str, engines: Engines) -> None:
        self._engines = engines
        self.costs: list[Cost] = []
        super().__init__(address)

    @contextmanager
    def write(self, area: Area = Area.LEDGER) -> Iterator[Connection]:
        """One transaction, from its lock to its commit."""
        wall, cpu = perf_counter(), process_time() + self._engines.server.seconds()
        with super().write(area) as connection:
            yield connection
        cpu = process_time() + self._engines.server.seconds() - cpu
        self.costs.append(Cost((perf_counter() - wall) * 1_000, cpu * 1_000))


def _writes(engines: Engines, organization: Organization) -> Iterator[Figure]:
    window = newest_window(Granularity.DAY, NOW)
    rows, owners = rows_of(engines.sqlite, window), owners_of(engines.sqlite)
    ours, theirs = Watched(engines.postgres, engines), Watched(engines.sqlite, engines)
    stores = Store(ours), Store(theirs)  # which remember what they stored last, as in a bot
    rounds = count(1)
    for share, change in CHANGES.items():
        pulled = [change(rows, owners, next(rounds)) for _ in range(_PULLS + _WARM_UP)]
        pulls_cost = []
        for n, found in enumerate(pulled):
            if n == _WARM_UP:
                ours.costs.clear()
            pulls = [partial(store.replace, window, found, NOW) for store in stores]
            pulls_cost.append([engines.measure(pull) for pull in pulls])
        both_walls = zip(*pulls_cost[_WARM_UP:], strict=True)
        mine, other = (median(one.wall for one in column) for column in both_walls)
        yield Figure(
            f"re-pull, {organization.name}, {len(rows):,} rows, {share}, PostgreSQL",
            mine, "ms", f"<= {MOST_FOR_WRITES:g} x SQLite", mine <= MOST_FOR_WRITES * other,
            f"SQLite, {other:.0f} ms", other / mine,
        )  # fmt: skip
        longest = max(cost.cpu for cost in ours.costs)
        yield at_most("  longest write transaction, CPU", longest, "ms", LONGEST_LOCK)
        middle = median(cost.wall for cost in ours.costs)
        yield Figure("  median write transaction, by the clock", middle, "ms")
    ours.close()
    theirs.close()
