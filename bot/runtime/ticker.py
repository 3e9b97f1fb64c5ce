"""Runs periodic ticks with APScheduler.

The database and pure functions decide what is due; the scheduler only runs a few interval ticks
from memory. Its cron trigger isn't used, because it skips weekly runs around daylight saving.
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

_CHECK_SECONDS = 1.0
_TOLERANCE = timedelta(seconds=2)
"""How far ahead a tick's next time may be before the clock counts as set back; smaller corrections
by time servers are ignored."""


class _Every(IntervalTrigger):  # type: ignore[misc]
    """Schedules from now on; the original iterates over all ticks that a clock jump skipped."""

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        return now + self.interval  # type: ignore[no-any-return]


def start(
    ticks: Mapping[str, tuple[int, Tick]], clock: Callable[[], datetime]
) -> BackgroundScheduler:
    """Call each tick at its interval (in seconds), starting immediately, never concurrently.

    `clock` must be the machine's own clock (aware), because the library also uses it.
    """
    scheduler = BackgroundScheduler(
        timezone=UTC,
        executors={"default": ThreadPoolExecutor(max(len(ticks), 1))},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    for name, (seconds, tick) in ticks.items():
        trigger = _Every(seconds=seconds, timezone=UTC)
        # without next_run_time the first tick would wait for an interval
        scheduler.add_job(_guarded(name, tick), trigger, id=name, next_run_time=clock())
    # APScheduler warns when it skips a tick because the previous one is still running
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
    """Run ticks immediately if the clock was set back and their next time is too far ahead."""
    while not stopped.wait(_CHECK_SECONDS):
        now = clock()
        for job in scheduler.get_jobs():
            if job.next_run_time > now + job.trigger.interval + _TOLERANCE:
                log.warning("The clock was set back, running the %s tick now", job.id)
                job.modify(next_run_time=now)


def _guarded(name: str, tick: Tick) -> Tick:
    def run() -> None:
        with isolated(log, "The %s tick failed", name):
            tick()

    return run
