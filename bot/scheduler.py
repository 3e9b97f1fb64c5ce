"""Door two, the clock: APScheduler ticks and nothing else.

What is due is decided by the database and by pure functions; the scheduler holds a few interval
ticks in memory. Its own cron trigger loses weekly runs around daylight saving, so it is not used.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

log = logging.getLogger(__name__)

Tick = Callable[[], object]


def start(ticks: Mapping[str, tuple[int, Tick]]) -> BackgroundScheduler:
    """Call each tick every so many seconds, the first time at once, never twice at a time."""
    scheduler = BackgroundScheduler(
        timezone=UTC,
        executors={"default": ThreadPoolExecutor(max(len(ticks), 1))},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    for name, (seconds, tick) in ticks.items():
        trigger = IntervalTrigger(seconds=seconds, timezone=UTC)
        now = datetime.now(UTC)  # the trigger alone would wait for its first interval
        scheduler.add_job(_guarded(name, tick), trigger, id=name, next_run_time=now)
    # a tick that is still at work when the next one comes is no news: that one is left out
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    scheduler.start()
    return scheduler


def _guarded(name: str, tick: Tick) -> Tick:
    def run() -> None:
        try:
            tick()
        except Exception:  # one of the two doors: the next tick must come all the same
            log.exception("The %s tick failed", name)

    return run
