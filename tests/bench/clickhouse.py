"""The first sync of a year from ClickHouse: 5 million generations of 400 keys, on the real engine.

The generations are made from the events of a local OpenRouter, and what is stored, and what is
answered straight from the engine, is compared with those events. Needs the engine: `make
test-clickhouse` installs it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, process_time

from bot.analysis.registry import answer_any
from bot.clickhouse import LIVE, ClickHouse
from bot.demo.openrouter.organization import Organization, synthetic
from bot.demo.openrouter.server import LocalOpenRouter
from bot.store import Database, Store
from reports.analysis.document import AnalysisDocument
from reports.questions.grammar import CommandError, parse
from reports.questions.summary import Summary
from reports.time.time_range import Granularity
from tests.bench.table import Figure, at_most
from tests.cache_help import check, kept, truth
from tests.clickhouse_server import INSTALLED, ClickHouseServer

KEYS, MODELS, DAYS = 400, 20, 364
SHARE = 0.18
"""Of all pairs of key and model, used on a day: half a million records of ten requests each."""
_EXPANDED = """
INSERT INTO {table} (TRACE_ID, SPAN_ID, TIMESTAMP, START_TIME, ENTITY_ID, API_KEY_NAME, MODEL,
    STATUS, SPAN_TYPE, PROMPT_TOKENS, COMPLETION_TOKENS, REASONING_TOKENS, CACHED_TOKENS,
    TOTAL_COST, METADATA, PROVIDER_NAME, USER_ID, DURATION_MS)
SELECT concat('trace-', toString(id), '-', toString(n)), concat('span-', toString(n)),
    fromUnixTimestamp64Milli(at), fromUnixTimestamp64Milli(at), 'org_1', key, model,
    'ok', 'GENERATION',
    intDiv(prompt, requests) + (n < prompt % requests),
    intDiv(completion, requests) + (n < completion % requests),
    intDiv(reasoning, requests) + (n < reasoning % requests),
    intDiv(cached, requests) + (n < cached % requests),
    (intDiv(credits, requests) + (n < credits % requests)) / 1e9,
    '{{"openrouter_generation":{{"is_byok":false,"byok_usage_inference":0}}}}',
    concat('provider-', toString(id % {providers})), concat('customer-', toString(id % {users})),
    (id * 7919 + toInt64(n) * 104729) % {longest}
FROM file('{file}', 'JSONEachRow', 'id Int64, at Int64, key String, model String, requests Int64,
    prompt Int64, completion Int64, reasoning Int64, cached Int64, credits Int64')
ARRAY JOIN range(toUInt64(requests)) AS n
"""


PROVIDERS, END_USERS, LONGEST_MS = 12, 5_000, 30_011
QUERIES_A_MINUTE = 60
"""A year's totals are to fit into one minute of OpenRouter's rate."""
SYNC_SECONDS = 60
"""A tenth of the ten minutes that 1,000 keys take by OpenRouter's rate."""
SYNC_MIB = 256
"""Half of the smallest usual container."""
LIVE_SECONDS = 2
"""After this time a person wonders whether anything happens; CPU of the bot and the engine."""
ASKED = ("spend 1m by provider", "latency 1m by provider", "latency 1m by creator", "errors 1m",
         "tokens 1w by end-user")  # fmt: skip


def run() -> Iterator[Figure]:
    """Fill a cache from ClickHouse in a process of its own, and compare it with the events."""
    if not INSTALLED:
        sys.stderr.write("No engine of ClickHouse here: run `make test-clickhouse` first.\n")
        return
    now = datetime.now(UTC).replace(microsecond=0)
    made = synthetic(keys=KEYS, models=MODELS, members=50, days=DAYS, seed=13, now=now, share=SHARE)
    with TemporaryDirectory() as folder, ClickHouseServer() as engine, LocalOpenRouter(made) as api:
        api.requests_per_minute = None
        _load(engine, made, Path(folder))
        database = Path(folder) / "activity.db"
        before, began = engine.cpu_seconds, monotonic()
        usage = _sync(api, engine, database)
        wall = monotonic() - began
        queries = sum(one.path == "/analytics/query" for one in api.requests)
        yield Figure("generations", sum(one.requests for one in made.records) / 1e6, "million")
        # the newest usage is fetched again all the while, so a slow machine makes more of them
        yield at_most("queries to OpenRouter for a year", queries, "", QUERIES_A_MINUTE)
        yield Figure("the whole first sync", wall, "s")
        yield at_most("CPU of the sync", usage.ru_utime + usage.ru_stime, "s", SYNC_SECONDS)
        yield Figure("CPU of the engine", engine.cpu_seconds - before, "s")
        yield at_most("most memory of the sync", usage.ru_maxrss / 1024, "MiB", SYNC_MIB)
        yield at_most("rows that differ from the events", _differences(database, made, now), "", 0)
        yield from _answers(engine, database, made)


def _load(engine: ClickHouseServer, made: Organization, folder: Path) -> None:
    names = {key.hash: key.name for key in made.keys}
    file = folder / "records.jsonl"
    with file.open("w", encoding="utf-8") as out:
        for number, one in enumerate(made.records):
            row = {
                "id": number, "at": int(one.at.timestamp() * 1000), "key": names[one.key],
                "model": one.model, "requests": one.requests, "prompt": one.prompt,
                "completion": one.completion, "reasoning": one.reasoning, "cached": one.cached,
                "credits": one.credits_nano,
            }  # fmt: skip
            out.write(json.dumps(row) + "\n")
    statement = _EXPANDED.format(
        table=engine.table, file=file, providers=PROVIDERS, users=END_USERS, longest=LONGEST_MS
    )
    engine.execute(statement)


def _sync(api: LocalOpenRouter, engine: ClickHouseServer, database: Path) -> os.struct_rusage:
    values = {
        "OPENROUTER_MANAGEMENT_KEY": api.key,
        "OPENROUTER_BASE_URL": api.base_url,
        "DATABASE_URL": f"sqlite:///{database}",
        "CLICKHOUSE_URL": engine.url,
    }
    process = subprocess.Popen([sys.executable, "-m", "bot", "sync"], env=os.environ | values)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0
    return usage


def _answers(engine: ClickHouseServer, database: Path, made: Organization) -> Iterator[Figure]:
    """What answers straight from the engine cost, and whether they are what the events come to."""
    now, differing = datetime.now(UTC), 0
    traces, store = ClickHouse(engine.url, limits=LIVE), Store(Database(database))
    for words in ASKED:
        query = parse(words).query
        engine_before, before = engine.cpu_seconds, process_time()
        found = answer_any(store, query, now, "UTC", whole=False, traces=traces)
        seconds = engine.cpu_seconds - engine_before + process_time() - before
        yield at_most(f"CPU of `{words}`", seconds, "s", LIVE_SECONDS)
        differing += _told(found) != _meant(words, found.range.start, now, made)
    traces.close()
    store.close()
    yield at_most("answers that differ from the events", differing, "", 0)


def _told(found: Summary | AnalysisDocument | CommandError) -> object:
    """What the answer to the last question is checked for."""
    if isinstance(found, Summary):
        [metric] = found.metrics.values()
        return {group.label: group.sum for group in metric.groups}
    assert isinstance(found, AnalysisDocument), found
    return found.data()["p95_ms" if found.latency else "requests"]


def _meant(words: str, start: datetime, now: datetime, made: Organization) -> object:
    """The same from the events."""
    used = [(n, one) for n, one in enumerate(made.records) if start <= one.at < now]
    if words.startswith("latency"):
        took = sorted(
            (number * 7919 + n * 104729) % LONGEST_MS
            for number, one in used
            for n in range(one.requests)
        )
        return took[int(0.95 * len(took))]
    if words.startswith("errors"):
        return sum(one.requests for _, one in used)
    sums: Counter[str] = Counter()
    for number, one in used:
        if "provider" in words:
            sums[f"provider-{number % PROVIDERS}"] += one.credits_nano
        else:
            sums[f"customer-{number % END_USERS}"] += one.prompt + one.completion
    return dict(sums)


def _differences(database: Path, made: Organization, now: datetime) -> int:
    """Rows by day that are not what was used, in either view."""
    check(database)
    expected = truth(made, Granularity.DAY)
    found = kept(database, Granularity.DAY)
    today = now.date()
    differing = 0
    for place in expected.keys() | found.keys():
        if place[1].date() < today:
            one, other = expected.get(place), found.get(place)
            differing += one is None or other is None or one._replace(saved=0) != other
    return differing
