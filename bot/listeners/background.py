"""Work that goes on after the acknowledgement, on threads of our own.

While another program locks the database, people are told so at once, and their jobs wait without a
thread until it is free.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from dataclasses import dataclass, replace
from queue import SimpleQueue
from time import monotonic
from typing import TypeVar

from bot.access.policy import unknown
from bot.runtime import priority
from bot.runtime.database_waits import GAVE_UP, DatabaseUnusableError, waiting
from bot.slack.client import Slack
from bot.slack.types import DeliveryError, ReplyTarget, UnknownPersonError

log = logging.getLogger(__name__)

THREADS = 8
PER_PERSON = 4
"""Jobs of one person at a time: whoever asks a lot at once must not occupy all threads, since a
job may wait minutes for a file, or for Slack to accept more messages in a channel."""
UNDELIVERED = "Slack didn't accept my answer (`{code}`). Please try again."
FIRST_SECONDS = 1.0
"""How long a job waits for a locked database before its person is told; they get 3 s."""
MORE_SECONDS = 120.0
"""How long a job that has already begun then waits; it holds its thread."""
LONGEST_SECONDS = 1_800.0
"""How long a job that has not begun waits: as long as Slack takes answers to a command."""
LOOK_SECONDS = 0.25
"""How often a locked database is looked at."""
MOST_PARKED = 1_000
"""Jobs that wait for a locked database; a few KB each."""

WAITING = (
    "The database is in use by another program right now. I'll post your answer as soon as it's"
    " free."
)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Job:
    """Something to do for somebody; `waiting` is said to them while the database is locked."""

    place: ReplyTarget
    run: Callable[[], object]
    waiting: str = WAITING
    dropped: Callable[[], object] = lambda: None
    """Called where it is never run, or fails."""


class BackgroundWork:
    """Runs jobs; one that fails is logged with a reference, and its person gets that reference.

    `free` says whether the database can be read within some seconds.
    """

    def __init__(self, slack: Slack, free: Callable[[float], bool] = lambda _: True) -> None:
        self._slack = slack
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="work")
        self._given: SimpleQueue[_Job | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._running: dict[str, int] = {}
        self._waiting: dict[str, deque[_Job]] = {}
        self._stopping = False
        self._parking = _Parking(free, self._given.put, lambda one: self._drop(one, GAVE_UP))
        self._dispatcher = threading.Thread(target=self._dispatch, name="porter", daemon=True)
        self._dispatcher.start()

    def submit(
        self, place: ReplyTarget, job: Callable[[], object], *, waiting: str = WAITING
    ) -> None:
        """Start a job for somebody, once no request is being acknowledged and a thread is free.

        `waiting` is said if the database is locked by another program; if empty, nothing is.
        """
        self._given.put(_Job(place, job, waiting))

    def wait_for(
        self,
        place: ReplyTarget,
        job: Callable[[], T],
        failed: T,
        seconds: float,
        late: Callable[[T], None],
    ) -> T | None:
        """The result of a job if it ends within some seconds; else None, and `late` gets it then.

        If the job fails the result is `failed`, and its person gets a message as always.
        """
        outcome: Future[T] = Future()

        def drop() -> None:
            if not outcome.done():
                outcome.set_result(failed)

        one = _Job(place, lambda: outcome.set_result(job()), dropped=drop)
        self._executor.submit(self._run, one)
        try:
            with priority.waiting_for_worker():
                return outcome.result(seconds)
        except TooSlow:
            outcome.add_done_callback(lambda done: self.submit(place, lambda: late(done.result())))
            return None

    def stop(self) -> None:
        """Finish what has begun, drop what has not."""
        self._stopping = True
        self._parking.stop()
        self._given.put(None)
        self._dispatcher.join()
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _dispatch(self) -> None:
        """Bring jobs to the threads, once no request is being acknowledged.

        One thread waits for that, since waking a thread for each job would delay the next
        acknowledgement.
        """
        while (given := self._given.get()) is not None:
            priority.pause_for_requests()
            self._start(given)
            for _ in range(self._given.qsize()):  # they have waited as well
                if (given := self._given.get()) is None:
                    return
                self._start(given)

    def _start(self, one: _Job) -> None:
        user = one.place.user
        with self._lock:
            if self._running.get(user, 0) >= PER_PERSON:
                self._waiting.setdefault(user, deque()).append(one)
                return
            self._running[user] = self._running.get(user, 0) + 1
        self._submit(one)

    def _submit(self, one: _Job) -> None:
        if self._stopping:
            return
        try:
            self._executor.submit(self._run_one, one)
        except RuntimeError:  # no more threads can be started: an existing one takes it later
            log.exception("No new thread can be started, a job is queued")

    def _run_one(self, one: _Job) -> None:
        try:
            self._run(one)
        finally:
            self._next(one.place.user)

    def _next(self, user: str) -> None:
        """After a job of a person: start the next one of theirs, behind the jobs of others."""
        with self._lock:
            waiting = self._waiting.get(user)
            following = waiting.popleft() if waiting else None
            if not waiting:
                self._waiting.pop(user, None)
            if following is None:
                self._running[user] -= 1
                if not self._running[user]:
                    del self._running[user]
                return
        self._submit(following)

    def _run(self, one: _Job) -> None:
        priority.pause_for_requests()
        if self._parking.is_free():
            self._do(one)
        elif self._parking.park(one):
            self._tell(one.place, one.waiting)
        else:
            self._drop(one, GAVE_UP)

    def _drop(self, one: _Job, words: str) -> None:
        one.dropped()
        self._tell(one.place, words)

    def _do(self, one: _Job) -> None:
        place = one.place
        try:
            with waiting(FIRST_SECONDS, MORE_SECONDS, lambda: self._tell(place, one.waiting)):
                one.run()
        except UnknownPersonError as error:
            log.warning("Could not look up who asked: %s", error)
            self._drop(one, unknown(error))
        except DeliveryError as error:
            log.warning("An answer could not be delivered: %s", error)
            # an uncertain one may have arrived after all
            self._drop(one, "" if error.uncertain else UNDELIVERED.format(code=error.code))
        except DatabaseUnusableError as error:
            self._drop(one, str(error))
        except Exception:  # an outermost entry point: the person who asked must hear about it
            reference = secrets.token_hex(3)
            log.exception("A job failed, reference %s", reference)
            self._drop(
                one,
                "Something went wrong on my side. Try again; if it keeps happening, give your"
                f" admin this reference: {reference}.",
            )

    def _tell(self, place: ReplyTarget, words: str) -> None:
        if not words:
            return
        try:
            self._slack.say(replace(place, shared=place.channel.startswith("D")), words)
        except DeliveryError as error:
            log.warning("The person could not be told about it: %s", error)


class _Parking:
    """Jobs that wait, without a thread, for a database that another program has locked."""

    def __init__(
        self,
        free: Callable[[float], bool],
        start: Callable[[_Job], object],
        give_up: Callable[[_Job], object],
    ) -> None:
        self._free = free
        self._start = start
        self._give_up = give_up
        self._lock = threading.Lock()
        self._parked: deque[tuple[float, _Job]] = deque()
        self._watching = False
        self._stopped = threading.Event()

    def is_free(self) -> bool:
        """Whether the database can be read; the first to ask waits FIRST_SECONDS for it."""
        return self._free(0.0 if self._parked else FIRST_SECONDS)

    def park(self, one: _Job) -> bool:
        """Keep a job until the database is free; False where too many wait already."""
        with self._lock:
            if len(self._parked) >= MOST_PARKED or self._stopped.is_set():
                return False
            self._parked.append((monotonic() + LONGEST_SECONDS, one))
            if not self._watching:
                self._watching = True
                threading.Thread(target=self._watch, name="parking", daemon=True).start()
        return True

    def stop(self) -> None:
        """Forget the jobs that wait."""
        self._stopped.set()
        with self._lock:
            self._parked.clear()

    def _watch(self) -> None:
        """Start all jobs once the database is free, and give up those that waited too long."""
        while not self._stopped.wait(LOOK_SECONDS):
            if self._free(0.0):
                with self._lock:
                    ready, self._parked = self._parked, deque()
                    self._watching = False
                for _, one in ready:
                    self._start(one)
                return
            while (late := self._overdue()) is not None:
                self._give_up(late)

    def _overdue(self) -> _Job | None:
        with self._lock:
            if self._parked and self._parked[0][0] < monotonic():
                return self._parked.popleft()[1]
        return None
