"""A random sample of the whole grammar: the p95 of all questions, and the slowest of them.

Kinds of question, periods, groupings, and filters and exclusions of models, keys and creators are
combined by chance, from one key to most of them. Each is answered a few times; its median counts.
CPU time, from the question to the blocks of its message.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time

from bot.analysis.registry import answer_any
from bot.runtime.priority import tune_interpreter
from bot.store import Database, Store
from reports.analysis.document import AnalysisDocument
from reports.analysis.slack.message import analysis_message
from reports.questions.grammar import CommandError, QuestionCommand, parse
from reports.questions.query import Query
from reports.questions.slack.answer import as_text
from tests.bench.listed_facts import store_listed_facts
from tests.bench.organizations import HUGE, LARGE, NOW, Organization, database
from tests.bench.questions import percentile
from tests.bench.table import Figure, at_most

LIMITS = ((LARGE, 60), (HUGE, 300))  # ms
_QUESTIONS = 300
_TIMES = 3
_SEED = 13
_PERIODS = ("1h", "3h", "1d", "3d", "1w", "2w", "1m", "90d", "1y", "today", "yesterday", "mtd",
            "last week", "last month", "this month", "ytd", "2026-10", "2026-10-03",
            "2026-09-12..2026-10-15")  # fmt: skip
_BY = ("", "by model", "by key", "by creator")
_FILTERS = {
    "model": ("model-3-*", "maker-1*", "model-1-instruct"),
    "key": ("team-0*", "team-03*", "*service-7*", "team-03-service-3"),
    "creator": ("firstname1*", "firstname12.*", "firstname12.lastname@example.com"),
}
_MEASURED = ("", "spend", "tokens", "requests")


def drawn(chance: random.Random) -> str:
    """The words of a question."""
    period, by = chance.choice(_PERIODS), chance.choice(_BY)
    filters = " ".join(
        f"{chance.choice(('', '-'))}{name}:{chance.choice(patterns)}"
        for name, patterns in _FILTERS.items()
        if chance.random() < 0.4
    )
    words = chance.choice(
        [f"{metric} {period} {by} {filters}" for metric in _MEASURED] * 2
        + [f"{metric} {period} {by} {filters} vs previous" for metric in _MEASURED]
        + [f"price {period} {by} {filters}", f"cache {period} {by} {filters}"]
        + [f"why {metric} {period} {by} {filters}" for metric in _MEASURED[1:]]
        + [f"forecast {by} {filters}"] * 2
        + [f"whatif {source} -> model-2-instruct {period} {by} {filters}"
           for source in ("model-1-instruct", "all")]
        + [f"new {what} {period} {filters}" for what in ("keys", "models", "creators")]
        + [f"{what} {filters}" for what in
           ("limits", "keys", "keys unused 30d", "keys unlimited", "retiring")]
    )  # fmt: skip
    return " ".join(words.split())


def questions(store: Store, count: int) -> Iterator[Query]:
    """Questions that have an answer."""
    chance = random.Random(_SEED)
    while count:
        parsed = parse(drawn(chance))
        if isinstance(parsed, QuestionCommand) and ask(store, parsed.query):
            yield parsed.query
            count -= 1


def ask(store: Store, query: Query) -> bool:
    """Make the message that answers a question; False if there is no answer."""
    found = answer_any(store, query, NOW, "UTC", whole=False)
    if isinstance(found, CommandError):
        return False
    if isinstance(found, AnalysisDocument):
        analysis_message(found)
    else:
        as_text(found)
    return True


def run() -> Iterator[Figure]:
    """What is promised of every question."""
    for organization, limit in LIMITS:
        with TemporaryDirectory() as folder:
            store = Store(Database(Path(shutil.copy(database(organization), folder))))
            store_listed_facts(store)
            tune_interpreter()
            yield from measured(store, organization, limit, _QUESTIONS)
            store.close()


def measured(
    store: Store, organization: Organization, limit: float, count: int
) -> Iterator[Figure]:
    """The median and the p95 of all questions, and the slowest ones by name."""
    times: dict[str, float] = {}
    for query in questions(store, count):
        times[query.words()] = median(_milliseconds(store, query) for _ in range(_TIMES))
    name, each = organization.name, list(times.values())
    yield Figure(f"{len(times)} questions of the grammar, {name}: median", median(each), "ms")
    yield at_most("  p95", percentile(each, 95), "ms", limit)
    yield Figure("  within the limit", 100 * sum(one <= limit for one in each) / len(each), "%")
    for words, slow in sorted(times.items(), key=lambda one: -one[1])[:5]:
        yield Figure(f"  slowest: `{words}`", slow, "ms")


def _milliseconds(store: Store, query: Query) -> float:
    begun = process_time()
    ask(store, query)
    return (process_time() - begun) * 1_000
