"""Periodic ticks by APScheduler.

What is due is decided by the database and by pure functions; the scheduler holds a few interval
ticks in memory. Its own cron trigger skips weekly runs around daylight saving, so it is not used.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from apscheduler.events import EVENT_SCHEDULER_SHUTDOWN
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bot.runtime.isolation import isolated

log = logging.getLogger(__name__)

Tick = Callable[[], object]

_LOOK_SECONDS = 1.0
_STEP = timedelta(seconds=2)
"""How far beyond its interval a tick's next time may be before the clock counts as set back; time
servers that correct by less than this need no reaction."""


class _Every(IntervalTrigger):  # type: ignore[misc]
    """Counts from now on; the original goes through all ticks that a clock jump left out."""

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        return now + self.interval  # type: ignore[no-any-return]


def start(
    ticks: Mapping[str, tuple[int, Tick]], clock: Callable[[], datetime]
) -> BackgroundScheduler:
    """Call each tick at its interval (in seconds), first at once, never twice at the same time.

    `clock` must be the machine's own (aware), since the library reads that as well.
    """
    scheduler = BackgroundScheduler(
        timezone=UTC,
        executors={"default": ThreadPoolExecutor(max(len(ticks), 1))},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    for name, (seconds, tick) in ticks.items():
        trigger = _Every(seconds=seconds, timezone=UTC)
        # the trigger alone would wait for its first interval
        scheduler.add_job(_guarded(name, tick), trigger, id=name, next_run_time=clock())
    # APScheduler warns whenever a tick is skipped because the one before is still running
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    scheduler.start()
    stopped = threading.Event()
    scheduler.add_listener(lambda _: stopped.set(), EVENT_SCHEDULER_SHUTDOWN)
    watch = threading.Thread(
        target=_watch, args=(scheduler, stopped, clock), name="clock", daemon=True
    )
    watch.start()
    return scheduler


def _watch(
    scheduler: BackgroundScheduler, stopped: threading.Event, clock: Callable[[], datetime]
) -> None:
    """Run ticks at once whose next time is too far ahead because the clock was set back."""
    while not stopped.wait(_LOOK_SECONDS):
        now = clock()
        for job in scheduler.get_jobs():
            if job.next_run_time > now + job.trigger.interval + _STEP:
                log.warning("The clock was set back, running the %s tick now", job.id)
                job.modify(next_run_time=now)


def _guarded(name: str, tick: Tick) -> Tick:
    def run() -> None:
        with isolated(log, "The %s tick failed", name):
            tick()

    return run
