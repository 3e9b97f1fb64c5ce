"""Watches how the use of the database goes: one log line a minute, one message per outage."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from time import monotonic

from bot.slack.types import DeliveryError
from bot.store import DatabaseBusyError, DiskFullError, StoreError
from bot.store.database import SETTLED_SECONDS

log = logging.getLogger(__name__)

LOG_SECONDS = 60.0
"""The time between two log lines about the same kind of failure."""
QUIET_SECONDS = 600.0
"""An outage has ended after so long without a failure: small writes succeed during one, too."""
AGAIN_SECONDS = 60.0
"""The time after which an admin who could not be reached is tried again."""

_FULL = (
    " Questions are still answered from what was saved before, but nothing new is fetched, and"
    " schedules and alerts wait. Everything continues by itself once there is space."
)
_BROKEN = " Run `activity doctor` on the machine of the bot to see what is wrong."


class DatabaseMonitor:
    """An observer of a Database, which logs failures and sends the admins a message.

    `admins` are Slack ids; `tell` sends one of them a text and raises DeliveryError. Locks of
    other programs are logged, but are no outage.
    """

    def __init__(self, admins: Iterable[str], tell: Callable[[str, str], object]) -> None:
        self._admins = tuple(sorted(admins))
        self._tell = tell
        self._lock = threading.Lock()
        self._logged: dict[type, float] = {}
        self._unlogged = 0
        self._failed: float | None = None
        self._failing = False
        self._untold: list[str] = []
        self._tried: float | None = None

    def failed(self, error: StoreError) -> None:
        """Log a failure, and begin an outage where there is none."""
        with self._lock:
            line = self._line(error)
            told = () if isinstance(error, DatabaseBusyError) else self._to_tell()
        if line is not None:
            level = logging.WARNING if isinstance(error, DatabaseBusyError) else logging.ERROR
            log.log(level, "%s", line)
        if told:
            words = f":warning: {error.public}"
            words += _FULL if isinstance(error, DiskFullError) else _BROKEN
            threading.Thread(
                target=self._send, args=(told, words), name="database-outage", daemon=True
            ).start()

    def written(self) -> None:
        """Log that the database can be written again, if it could not."""
        if not self._failing:
            return
        with self._lock:
            # small writes may go well on a full disk
            if self._failed is not None and monotonic() - self._failed < SETTLED_SECONDS:
                return
            self._failing = False
            self._logged.clear()
        log.info("The database can be written again")

    def _line(self, error: StoreError) -> str | None:
        now, kind = monotonic(), type(error)
        last = self._logged.get(kind)
        if last is not None and now - last < LOG_SECONDS:
            self._unlogged += 1
            return None
        self._logged[kind] = now
        more, self._unlogged = self._unlogged, 0
        return f"{error} ({more} more failures since the last line)" if more else str(error)

    def _to_tell(self) -> tuple[str, ...]:
        """The admins who are to get a message about this outage now; each gets one."""
        now = monotonic()
        if self._failed is None or now - self._failed > QUIET_SECONDS:
            self._untold, self._tried = list(self._admins), None
        self._failed, self._failing = now, True
        if not self._untold or (self._tried is not None and now - self._tried < AGAIN_SECONDS):
            return ()
        self._tried = now
        told, self._untold = tuple(self._untold), []
        return told

    def _send(self, admins: tuple[str, ...], words: str) -> None:
        for admin in admins:
            try:
                self._tell(admin, words)
            except DeliveryError as error:
                log.warning("An admin could not be told about the database: %s", error)
                with self._lock:
                    self._untold.append(admin)
