"""Work that goes on after the acknowledgement, on threads of our own."""

from __future__ import annotations

import logging
import secrets
import threading
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
T = TypeVar("T")


class Work:
    """Runs jobs; one that fails is logged with a reference, which the person is told."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="work")
        self._given: SimpleQueue[tuple[Place, Callable[[], object]] | None] = SimpleQueue()
        self._porter = threading.Thread(target=self._carry, name="porter", daemon=True)
        self._porter.start()

    def hand_over(self, place: Place, job: Callable[[], object]) -> None:
        """Start a job for somebody, as soon as nobody is at the door and a thread is free."""
        self._given.put((place, job))

    def wait_for(
        self,
        place: Place,
        job: Callable[[], T],
        failed: T,
        seconds: float,
        late: Callable[[T], None],
    ) -> T | None:
        """What a job gives, if it does within some seconds; else None, and `late` is given it.

        Where the job fails that is `failed`, and whoever it was for is told as always.
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
        """Finish what has begun, drop what has not."""
        self._given.put(None)
        self._porter.join()
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _carry(self) -> None:
        """Bring jobs to the threads, once nobody is at the door.

        One waits for that, since waking a thread for each who asks would hold up the next of them.
        """
        while (given := self._given.get()) is not None:
            courtesy.give_way()
            self._start(*given)
            for _ in range(self._given.qsize()):  # they have waited as well
                if (given := self._given.get()) is None:
                    return
                self._start(*given)

    def _start(self, place: Place, job: Callable[[], object]) -> None:
        try:
            self._executor.submit(self._run, place, job)
        except RuntimeError:  # no more threads can be started: one there is takes it later
            log.exception("A job waits for a thread")

    def _run(self, place: Place, job: Callable[[], object]) -> None:
        courtesy.give_way()
        try:
            job()
        except UnknownPersonError as error:
            log.warning("Who asks could not be looked up: %s", error)
            self._tell(place, unknown(error))
        except DeliveryError as error:
            log.warning("An answer could not be delivered: %s", error)
        except Exception:  # one of the two doors: whoever asked must hear of it
            reference = secrets.token_hex(3)
            log.exception("A job failed, reference %s", reference)
            self._tell(
                place,
                "Something went wrong here, and it is no fault of yours. Try again; if it stays,"
                f" tell whoever runs the bot the reference {reference}.",
            )

    def _tell(self, place: Place, words: str) -> None:
        try:
            self._slack.say(Place(place.response_url, place.user), words)
        except DeliveryError as error:
            log.warning("Somebody could not be told so: %s", error)
