"""One pass of syncing from the command line; it waits for a process that is syncing already."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from bot.openrouter import OpenRouter, OpenRouterError
from bot.runtime.heartbeat import heartbeat
from bot.store import Store
from bot.store.sync_state import LEASE, LEASE_LENGTH, failure, first_sync, sentences
from bot.sync.sync import Progress, Sync

LOOK = 1.0
"""Seconds between two checks of whether the other process is done."""
SAY_EVERY = timedelta(seconds=15)


class SyncOnce:
    """Fetches what is missing, once, with the lease of the syncing process.

    `name` is what others call this process, `say` prints a line while it waits, `pause` waits for
    some seconds.
    """

    def __init__(
        self,
        api: OpenRouter,
        store: Store,
        clock: Callable[[], datetime],
        name: str,
        say: Callable[[str], object],
        pause: Callable[[float], object] | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._say = say
        self._pause = threading.Event().wait if pause is None else pause
        self._owner = name
        self._report: Callable[[float, str], object] = lambda _, __: None
        self._sync = Sync(api, store, clock, self._progress, lambda: self._lease(LEASE_LENGTH))

    def wait(self) -> bool:
        """Wait until no other process syncs; False where it leaves nothing to do.

        Raises OpenRouterError where the other process cannot sync either.
        """
        begun = self._clock()
        said: datetime | None = None
        while not self._lease(LEASE_LENGTH):
            if self._sync.up_to_date():
                return False
            now = self._clock()
            holder = self._store.lease_holder(LEASE, self._clock)
            failed = failure(self._store)
            if failed and failed.at >= begun:
                raise OpenRouterError(f"{_short(holder)} cannot sync this cache: {failed.words}")
            if said is None or not timedelta() <= now - said < SAY_EVERY:
                far = first_sync(self._store)
                state = f" ({far})" if far else ""
                before = f" Its last try failed: {failed.words}" if failed else ""
                self._say(f"Waiting: {_short(holder)} is syncing this cache{state}.{before}")
                said = now
            self._pause(LOOK)
        return True

    def run(self, report: Callable[[float, str], object]) -> None:
        """Fetch all that is due or missing. Raises OpenRouterError and StoreError.

        `report` gets how much is stored (0 to 1) and words about it.
        """
        self._report = report
        try:
            with heartbeat(lambda: self._lease(LEASE_LENGTH)):
                while True:
                    turn = self._sync.turn()
                    if turn.error:
                        raise turn.error
                    if not turn.more:
                        return
        finally:
            self._lease(timedelta())

    def unavailable(self) -> list[str]:
        """Sentences on what else could not be read from OpenRouter."""
        return sentences(self._store)

    def _progress(self, progress: Progress) -> None:
        left = f", {progress.left}" if progress.left else ""
        self._report(progress.done, f"{progress.words}{left}")

    def _lease(self, length: timedelta) -> bool:
        return self._store.lease(LEASE, self._owner, length, self._clock)


def _short(holder: str) -> str:
    """The holder of a lease without the random part of its name."""
    name = holder.partition(" (")[0]
    return name[:1].upper() + name[1:] if name else "Another process"
