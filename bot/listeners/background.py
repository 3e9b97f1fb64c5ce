"""Background jobs: work after the acknowledgement, on the bot's own threads.

While another program locks the database, people get a notice, and their jobs wait without occupying
threads.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from dataclasses import dataclass, replace
from itertools import chain
from queue import SimpleQueue
from time import monotonic
from typing import TypeVar

from bot.access.policy import unknown_person_text
from bot.runtime import current_request, priority
from bot.runtime.database_waits import GAVE_UP, DatabaseUnusableError, waiting
from bot.slack.client import Slack
from bot.slack.types import DeliveryError, ReplyTarget, UnknownPersonError

log = logging.getLogger(__name__)

THREADS = 8  # more than the processors: a job mostly waits for Slack
PER_PERSON = 4
"""Concurrent jobs per person, so that one person doesn't occupy all threads: a job may wait for
minutes for a file, or for Slack's rate limit."""
UNDELIVERED = "Slack didn't accept my answer (`{code}`). Please try again."
FIRST_SECONDS = 1.0
"""How long a job waits for a locked database before the person gets a notice."""
MORE_SECONDS = 120.0
"""How long a started job waits after that; it occupies its thread meanwhile."""
LONGEST_SECONDS = 1_800.0
"""How long a job that hasn't started waits: as long as a response URL is valid."""
CHECK_SECONDS = 0.25
"""Seconds between checks of a locked database."""
STOP_SECONDS = 3.0
"""How long jobs may start after the process was told to stop, so that in the five seconds that are
left, people can be told about the others."""
FINISH_SECONDS = 7.0
"""How long jobs may take to finish after the process was told to stop, before their people are told
as well: a second before it ends."""
NOTICES_AT_ONCE = 16
"""Notices sent at a time when the process stops: Slack takes about 0.2 s for each, so that some
three hundred people hear of it in time."""
MAX_PARKED = 1_000
"""Jobs that wait for a locked database; a few KB each."""

WAITING = "The database is busy right now. I'll post your answer as soon as it's free."
STOPPED = "I'm being restarted and couldn't get to this. Please try again."
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Job:
    """A job for a person; `waiting` is the notice to send while the database is locked."""

    reply_to: ReplyTarget
    run: Callable[[], object]
    waiting: str = WAITING
    dropped: Callable[[], object] = lambda: None
    """Called if the job never runs, or fails."""
    signature: str = ""
    """The signature of its request, if the job must not run for a repeated request."""


class BackgroundWork:
    """Runs jobs; if one fails, it is logged with a reference, which its person gets.

    `free` checks whether the database can be read within some seconds; `claim` checks that no
    process has processed the request with a signature. Both may wait for the database.
    """

    def __init__(
        self,
        slack: Slack,
        free: Callable[[float], bool] = lambda _: True,
        claim: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._slack = slack
        self._claim = claim
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="work")
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._running: dict[str, int] = {}
        self._waiting: dict[str, deque[_Job]] = {}
        self._unstarted: list[_Job] = []
        self._started: list[_Job] = []
        self._parking = _Parking(free, self._queue.put, lambda job_: self._drop(job_, GAVE_UP))
        self._dispatcher = threading.Thread(target=self._dispatch, name="dispatcher", daemon=True)
        self._dispatcher.start()

    def submit(
        self,
        reply_to: ReplyTarget,
        job: Callable[[], object],
        *,
        waiting: str = WAITING,
        repeatable: bool = False,
    ) -> None:
        """Queue a job; it starts once no request is being acknowledged and a thread is free.

        `waiting` is the notice if the database is locked by another program; "" for none. If
        another process has processed the same signed request, the job doesn't run, unless it is
        `repeatable`: such a job recognizes repeated requests by itself, or isn't affected by them.
        That saves a write.
        """
        signature = "" if repeatable else current_request.take_signature()
        self._queue.put(_Job(reply_to, job, waiting, signature=signature))

    def wait_for(
        self,
        reply_to: ReplyTarget,
        job: Callable[[], T],
        failed: T,
        seconds: float,
        late: Callable[[T], None],
    ) -> T | None:
        """The result of a job if it finishes within `seconds`, else None; `late` gets it later.

        If the job fails, the result is `failed`, and the person gets a message as usual.
        """
        outcome: Future[T] = Future()

        def drop() -> None:
            if not outcome.done():
                outcome.set_result(failed)

        job_ = _Job(reply_to, lambda: outcome.set_result(job()), dropped=drop)
        self._executor.submit(self._run, job_)
        try:
            with priority.waiting_for_worker():
                return outcome.result(seconds)
        except TooSlow:
            outcome.add_done_callback(
                lambda done: self.submit(reply_to, lambda: late(done.result()))
            )
            return None

    def stop(self, since: float | None = None) -> None:
        """Finish all jobs: their requests were acknowledged, so Slack won't send them again.

        Jobs that wait for a locked database, haven't started after STOP_SECONDS or haven't finished
        after FINISH_SECONDS are given up, and their people are told. These seconds begin at `since`
        (of `monotonic`), by default now.
        """
        since = monotonic() if since is None else since
        self._drop_all(self._parking.stop(), GAVE_UP)
        self._queue.put(None)
        self._dispatcher.join()
        with self._idle:
            self._idle.wait_for(lambda: not self._running, _until(since + STOP_SECONDS))
            left = [*self._unstarted, *chain.from_iterable(self._waiting.values())]
            self._unstarted.clear()
            self._waiting.clear()
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._drop_all(left, STOPPED)
        with self._idle:
            self._idle.wait_for(lambda: not self._started, _until(since + FINISH_SECONDS))
            unfinished = list(self._started)
        _at_once(lambda job_: self._notify(job_.reply_to, STOPPED), unfinished)
        self._executor.shutdown(wait=True)

    def _dispatch(self) -> None:
        """Hand jobs to the threads once no request is being acknowledged.

        A single thread waits for that, because waking a thread for each job would delay the next
        acknowledgement.
        """
        while (queued := self._queue.get()) is not None:
            priority.pause_for_requests()
            self._start(queued)
            for _ in range(self._queue.qsize()):  # their waiting counts as well
                if (queued := self._queue.get()) is None:
                    return
                self._start(queued)

    def _start(self, job_: _Job) -> None:
        user = job_.reply_to.user
        with self._lock:
            if self._running.get(user, 0) >= PER_PERSON:
                self._waiting.setdefault(user, deque()).append(job_)
                return
            self._running[user] = self._running.get(user, 0) + 1
        self._submit(job_)

    def _submit(self, job_: _Job) -> None:
        with self._lock:
            self._unstarted.append(job_)
        try:
            self._executor.submit(self._run_one, job_)
        except RuntimeError:  # no more threads can be started: an existing one runs it later
            log.exception("Could not start another thread, job queued")

    def _run_one(self, job_: _Job) -> None:
        with self._lock:
            if job_ not in self._unstarted:
                return  # given up while the process stops
            self._unstarted.remove(job_)
            self._started.append(job_)
        try:
            self._run(job_)
        finally:
            with self._idle:
                self._started.remove(job_)
                self._idle.notify_all()
            self._next(job_.reply_to.user)

    def _next(self, user: str) -> None:
        """After a person's job, queue their next one behind the jobs of others."""
        with self._lock:
            waiting = self._waiting.get(user)
            following = waiting.popleft() if waiting else None
            if not waiting:
                self._waiting.pop(user, None)
            if following is None:
                self._running[user] -= 1
                if not self._running[user]:
                    del self._running[user]
                self._idle.notify_all()
                return
        self._submit(following)

    def _run(self, job_: _Job) -> None:
        priority.pause_for_requests()
        if self._parking.is_free():
            self._do(job_)
        elif self._parking.park(job_):
            self._notify(job_.reply_to, job_.waiting)
        else:
            self._drop(job_, GAVE_UP)

    def _drop_all(self, jobs: Sequence[_Job], words: str) -> None:
        """Give up several jobs at a time, so that everyone is told before the process ends."""
        _at_once(lambda job_: self._drop(job_, words), jobs)

    def _drop(self, job_: _Job, words: str) -> None:
        job_.dropped()
        self._notify(job_.reply_to, words)

    def _do(self, job_: _Job) -> None:
        reply_to = job_.reply_to
        try:
            with waiting(FIRST_SECONDS, MORE_SECONDS, lambda: self._notify(reply_to, job_.waiting)):
                if self._claim(job_.signature):
                    job_.run()
        except UnknownPersonError as error:
            log.warning("Could not look up the person who asked: %s", error)
            self._drop(job_, unknown_person_text(error))
        except DeliveryError as error:
            log.warning("An answer could not be delivered: %s", error)
            # after an uncertain error the answer may have arrived
            self._drop(job_, "" if error.uncertain else UNDELIVERED.format(code=error.code))
        except DatabaseUnusableError as error:
            self._drop(job_, str(error))
        except Exception:  # an outermost entry point: the person must get an answer
            reference = secrets.token_hex(3)
            log.exception("A job failed, reference %s", reference)
            self._drop(
                job_,
                "Something went wrong on my side. Try again; if it keeps happening, give your"
                f" admin this reference: {reference}.",
            )

    def _notify(self, reply_to: ReplyTarget, words: str) -> None:
        if not words:
            return
        try:
            self._slack.say(replace(reply_to, shared=reply_to.channel.startswith("D")), words)
        except DeliveryError as error:
            log.warning("Could not notify the person: %s", error)


def _at_once(tell: Callable[[_Job], object], jobs: Sequence[_Job]) -> None:
    """Tell the people of several jobs at a time."""
    if jobs:
        with ThreadPoolExecutor(NOTICES_AT_ONCE, thread_name_prefix="notice") as threads:
            list(threads.map(tell, jobs))


def _until(moment: float) -> float:
    """The seconds until a time of `monotonic`, or 0."""
    return max(0.0, moment - monotonic())


class _Parking:
    """Jobs that wait without a thread while another program locks the database."""

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
        """Whether the database can be read; waits FIRST_SECONDS for it if no job is parked."""
        return self._free(0.0 if self._parked else FIRST_SECONDS)

    def park(self, job_: _Job) -> bool:
        """Park a job until the database is free; False if too many are parked."""
        with self._lock:
            if len(self._parked) >= MAX_PARKED or self._stopped.is_set():
                return False
            self._parked.append((monotonic() + LONGEST_SECONDS, job_))
            if not self._watching:
                self._watching = True
                threading.Thread(target=self._watch, name="parking", daemon=True).start()
        return True

    def stop(self) -> list[_Job]:
        """Park no more jobs; the parked ones, which the caller has to give up."""
        self._stopped.set()
        with self._lock:
            parked, self._parked = self._parked, deque()
        return [job_ for _, job_ in parked]

    def _watch(self) -> None:
        """Start all jobs once the database is free, and give up overdue ones."""
        while not self._stopped.wait(CHECK_SECONDS):
            if self._free(0.0):
                with self._lock:
                    ready, self._parked = self._parked, deque()
                    self._watching = False
                for _, job_ in ready:
                    self._start(job_)
                return
            while (late := self._overdue()) is not None:
                self._give_up(late)

    def _overdue(self) -> _Job | None:
        with self._lock:
            if self._parked and self._parked[0][0] < monotonic():
                return self._parked.popleft()[1]
        return None
