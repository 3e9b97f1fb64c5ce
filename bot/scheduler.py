"""Door two, the clock: APScheduler ticks and nothing else.

What is due is decided by the database and by pure functions; the scheduler holds a few interval
ticks in memory. Its own cron trigger loses weekly runs around daylight saving, so it is not used.
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

log = logging.getLogger(__name__)

Tick = Callable[[], object]

_LOOK_SECONDS = 1.0
_STEP = timedelta(seconds=2)


class _Every(IntervalTrigger):  # type: ignore[misc]
    """Counts from now on. The one it comes from goes through all ticks that a jump left out."""

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        return now + self.interval  # type: ignore[no-any-return]


def start(ticks: Mapping[str, tuple[int, Tick]]) -> BackgroundScheduler:
    """Call each tick every so many seconds, the first time at once, never twice at a time."""
    scheduler = BackgroundScheduler(
        timezone=UTC,
        executors={"default": ThreadPoolExecutor(max(len(ticks), 1))},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    for name, (seconds, tick) in ticks.items():
        trigger = _Every(seconds=seconds, timezone=UTC)
        now = datetime.now(UTC)  # the trigger alone would wait for its first interval
        scheduler.add_job(_guarded(name, tick), trigger, id=name, next_run_time=now)
    # a tick that is still at work when the next one comes is no news: that one is left out
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    scheduler.start()
    stopped = threading.Event()
    scheduler.add_listener(lambda _: stopped.set(), EVENT_SCHEDULER_SHUTDOWN)
    threading.Thread(target=_watch, args=(scheduler, stopped), name="clock", daemon=True).start()
    return scheduler


def _watch(scheduler: BackgroundScheduler, stopped: threading.Event) -> None:
    """Let a tick come at once that would wait for a time which the clock has gone back from."""
    while not stopped.wait(_LOOK_SECONDS):
        now = datetime.now(UTC)
        for job in scheduler.get_jobs():
            if job.next_run_time > now + job.trigger.interval + _STEP:
                log.warning("The clock went back: %s is due again", job.id)
                job.modify(next_run_time=now)


def _guarded(name: str, tick: Tick) -> Tick:
    def run() -> None:
        try:
            tick()
        except Exception:  # one of the two doors: the next tick must come all the same
            log.exception("The %s tick failed", name)

    return run
