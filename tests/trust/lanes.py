"""Which parts of `make trust` run beside which, each lane in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack

from .parts import PARTS, Request
from .table import Row

REPORTS = ("reports", "together", "server", "frozen")
"""Start and kill processes, which have to keep deadlines."""
ALERTS = ("alerts", "fleet", "sync")
"""The same, mostly about others."""
WAITING = ("resources", "slack", "downtime", "openrouter", "disk", "database", "requests")
"""One process that mostly waits: for the pace of messages, for retries, for the disk."""
COMPUTING = ("zones", "words", "people", "names")
"""Only compute."""
LANES = (REPORTS, ALERTS, WAITING, COMPUTING)
"""Parts that run one after the other, beside those of the other lanes."""

NICE = 10
"""How much computing yields to processes that have to keep deadlines."""


def run(lanes: Iterable[list[str]], request: Request) -> Iterator[list[Row]]:
    """The rows of each part as it ends; each lane is a process that does its parts in turn."""
    with ExitStack() as stack:
        parts = {}
        for names in filter(None, lanes):
            nice = NICE if set(names) <= set(COMPUTING) else 0
            spawn = multiprocessing.get_context("spawn")
            pool = ProcessPoolExecutor(1, spawn, os.nice, (nice,))
            stack.enter_context(pool)
            parts |= {pool.submit(_part, name, request): name for name in names}
        for part in as_completed(parts):
            try:
                yield part.result()
            except Exception as error:  # noqa: BLE001 - the other parts go on
                yield [Row(parts[part], f"did not finish: {error!r}", "-", 1, 0)]


def _part(name: str, request: Request) -> list[Row]:
    print(f"{name} ...", flush=True)
    rows = PARTS[name](request)
    for row in rows:
        print(f"  {' | '.join(row.cells())}", flush=True)
    return rows
