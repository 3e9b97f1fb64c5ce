"""The first sync of a year from ClickHouse: 5 million generations of 400 keys, on the real engine.

The generations are made from the events of a local OpenRouter, and what is stored is compared with
those events. Needs the engine: `make test-clickhouse` installs it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from bot.demo.openrouter.organization import Organization, synthetic
from bot.demo.openrouter.server import LocalOpenRouter
from reports.time.timerange import Granularity
from tests.bench.table import Figure, at_most
from tests.cache_help import check, kept, truth
from tests.clickhouse_server import INSTALLED, ClickHouseServer

KEYS, MODELS, DAYS = 400, 20, 364
SHARE = 0.18
"""Of all pairs of key and model, used on a day: half a million records of ten requests each."""
_EXPANDED = """
INSERT INTO {table} (TRACE_ID, SPAN_ID, TIMESTAMP, START_TIME, ENTITY_ID, API_KEY_NAME, MODEL,
    STATUS, SPAN_TYPE, PROMPT_TOKENS, COMPLETION_TOKENS, REASONING_TOKENS, CACHED_TOKENS,
    TOTAL_COST, METADATA)
SELECT concat('trace-', toString(id), '-', toString(n)), concat('span-', toString(n)),
    fromUnixTimestamp64Milli(at), fromUnixTimestamp64Milli(at), 'org_1', key, model,
    'ok', 'GENERATION',
    intDiv(prompt, requests) + (n < prompt % requests),
    intDiv(completion, requests) + (n < completion % requests),
    intDiv(reasoning, requests) + (n < reasoning % requests),
    intDiv(cached, requests) + (n < cached % requests),
    (intDiv(credits, requests) + (n < credits % requests)) / 1e9,
    '{{"openrouter_generation":{{"is_byok":false,"byok_usage_inference":0}}}}'
FROM file('{file}', 'JSONEachRow', 'id Int64, at Int64, key String, model String, requests Int64,
    prompt Int64, completion Int64, reasoning Int64, cached Int64, credits Int64')
ARRAY JOIN range(toUInt64(requests)) AS n
"""


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
        yield at_most("queries to OpenRouter for a year", queries, "", 60)
        yield Figure("the whole first sync", wall, "s")
        yield at_most("CPU of the sync", usage.ru_utime + usage.ru_stime, "s", 90)
        yield Figure("CPU of the engine", engine.cpu_seconds - before, "s")
        yield at_most("most memory of the sync", usage.ru_maxrss / 1024, "MiB", 300)
        yield at_most("rows that differ from the events", _differences(database, made, now), "", 0)


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
    engine.execute(_EXPANDED.format(table=engine.table, file=file))


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
