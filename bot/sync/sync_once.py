"""A single sync from the command line, which waits for other syncing processes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from bot.clickhouse import ClickHouse
from bot.openrouter import OpenRouter, OpenRouterError
from bot.runtime.heartbeat import heartbeat
from bot.store import Store
from bot.store.sync_state import LEASE, LEASE_LENGTH, failure, first_sync, sentences
from bot.sync.sync import Progress, Sync

CHECK_SECONDS = 1.0
"""Seconds between checks whether the other process is done."""
SAY_EVERY = timedelta(seconds=15)  # between two lines while waiting


class SyncOnce:
    """Fetches what is due or missing, once, while holding the sync lease.

    `name` identifies this process to others, `say` prints a line while it waits, `pause` waits for
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
        traces: ClickHouse | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._say = say
        self._pause = threading.Event().wait if pause is None else pause
        self._owner = name
        self._report: Callable[[float, str], object] = lambda _, __: None
        self._sync = Sync(
            api, store, clock, self._progress, lambda: self._lease(LEASE_LENGTH), traces=traces
        )

    def wait(self) -> bool:
        """Wait until no other process syncs; False if nothing is left to do.

        Raises OpenRouterError if the other process can't sync.
        """
        begun = self._clock()
        said_at: datetime | None = None
        while not self._lease(LEASE_LENGTH):
            if self._sync.up_to_date():
                return False
            now = self._clock()
            holder = self._store.lease_holder(LEASE, self._clock)
            failed = failure(self._store)
            if failed and failed.at >= begun:
                raise OpenRouterError(f"{_short(holder)} cannot sync this cache: {failed.words}")
            if said_at is None or not timedelta() <= now - said_at < SAY_EVERY:
                progress = first_sync(self._store)
                state = f" ({progress})" if progress else ""
                last_failure = f" Its last try failed: {failed.words}" if failed else ""
                self._say(f"Waiting: {_short(holder)} is syncing this cache{state}.{last_failure}")
                said_at = now
            self._pause(CHECK_SECONDS)
        return True

    def run(self, report: Callable[[float, str], object]) -> None:
        """Fetch everything that is due or missing.

        Raises OpenRouterError, ClickHouseError and StoreError.

        `report` is called with the stored share (0 to 1) and a description.
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
        """Sentences about other data that couldn't be fetched from OpenRouter."""
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
