"""Work that goes on after the acknowledgement, on a pool of threads."""

from __future__ import annotations

import logging
import secrets
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from queue import SimpleQueue
from typing import TypeVar

from bot import courtesy
from bot.access import unknown
from bot.slack import DeliveryError, Place, Slack, UnknownPersonError

log = logging.getLogger(__name__)

THREADS = 8
PER_PERSON = 4
"""Jobs of one person at a time: whoever asks a lot at once must not occupy all threads, since a
job may wait minutes for a file, or for Slack to accept more messages in a channel."""
Job = Callable[[], object]
T = TypeVar("T")


UNDELIVERED = "Slack didn't accept my answer (`{code}`). Please try again."


class Work:
    """Runs jobs. One that fails is logged with a reference, which the person gets as well."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="work")
        self._given: SimpleQueue[tuple[Place, Job] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._running: dict[str, int] = {}
        self._waiting: dict[str, deque[tuple[Place, Job]]] = {}
        self._stopping = False
        self._porter = threading.Thread(target=self._carry, name="porter", daemon=True)
        self._porter.start()

    def hand_over(self, place: Place, job: Job) -> None:
        """Start a job for somebody once no request is being acknowledged and a thread is free."""
        self._given.put((place, job))

    def wait_for(
        self,
        place: Place,
        job: Callable[[], T],
        failed: T,
        seconds: float,
        late: Callable[[T], None],
    ) -> T | None:
        """The result of a job if it comes within some seconds; else None, and `late` gets it later.

        Where the job fails the result is `failed`, and the person is told as always.
        """
        given: list[T] = []

        def outcome() -> T:
            return given[0] if given else failed

        running = self._executor.submit(self._run, place, lambda: given.append(job()))
        try:
            with courtesy.aside():
                running.result(seconds)
        except TooSlow:
            running.add_done_callback(lambda _: self.hand_over(place, lambda: late(outcome())))
            return None
        return outcome()

    def stop(self) -> None:
        """Finish the jobs that have begun, drop the others."""
        self._stopping = True
        self._given.put(None)
        self._porter.join()
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _carry(self) -> None:
        """Bring jobs to the threads once no request is being acknowledged.

        A single thread waits for that: waking one per request would delay the next request.
        """
        while (given := self._given.get()) is not None:
            courtesy.give_way()
            self._start(*given)
            for _ in range(self._given.qsize()):  # they have waited as well
                if (given := self._given.get()) is None:
                    return
                self._start(*given)

    def _start(self, place: Place, job: Job) -> None:
        with self._lock:
            if self._running.get(place.user, 0) >= PER_PERSON:
                self._waiting.setdefault(place.user, deque()).append((place, job))
                return
            self._running[place.user] = self._running.get(place.user, 0) + 1
        self._submit(place, job)

    def _submit(self, place: Place, job: Job) -> None:
        if self._stopping:
            return
        try:
            self._executor.submit(self._run_one, place, job)
        except RuntimeError:  # no more threads can be started: an existing one takes it later
            log.exception("A job has to wait for a thread")

    def _run_one(self, place: Place, job: Job) -> None:
        try:
            self._run(place, job)
        finally:
            self._next(place.user)

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
        self._submit(*following)

    def _run(self, place: Place, job: Job) -> None:
        courtesy.give_way()
        try:
            job()
        except UnknownPersonError as error:
            log.warning("Could not look up who asked: %s", error)
            self._tell(place, unknown(error))
        except DeliveryError as error:
            log.warning("An answer could not be delivered: %s", error)
            if not error.uncertain:  # else the answer may have arrived after all
                self._tell(place, UNDELIVERED.format(code=error.code))
        except Exception:  # the outermost entry point of a job: whoever asked must hear of it
            reference = secrets.token_hex(3)
            log.exception("A job failed, reference %s", reference)
            self._tell(
                place,
                "Something went wrong on my side. Try again; if it keeps happening, give your"
                f" admin this reference: {reference}.",
            )

    def _tell(self, place: Place, words: str) -> None:
        try:
            self._slack.say(Place(place.response_url, place.user), words)
        except DeliveryError as error:
            log.warning("The person could not be told about it: %s", error)
