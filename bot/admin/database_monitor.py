"""Monitors database failures: one log line per minute, one message to admins per outage."""

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
"""Seconds between log lines about the same kind of failure."""
QUIET_SECONDS = 600.0
"""An outage is over after this time without a failure, because small writes succeed during one."""
AGAIN_SECONDS = 60.0
"""Seconds before an unreachable admin is tried again."""

_FULL = (
    " Questions are still answered from what was saved before, but nothing new is fetched, and"
    " schedules and alerts wait. Everything continues by itself once there is space."
)
_BROKEN = " Run `activity doctor` on the machine of the bot to see what is wrong."


class DatabaseMonitor:
    """A database observer that logs failures and sends a message to the admins.

    `admins` are Slack ids; `send` sends a text (mrkdwn) to one of them and may raise DeliveryError.
    Locks of other programs are logged, but don't count as an outage.
    """

    def __init__(self, admins: Iterable[str], send_text: Callable[[str, str], object]) -> None:
        self._admins = tuple(sorted(admins))
        self._send_text = send_text
        self._lock = threading.Lock()
        self._logged: dict[type, float] = {}
        self._unlogged = 0
        self._failed: float | None = None
        self._failing = False
        self._not_notified: list[str] = []
        self._tried: float | None = None

    def failed(self, error: StoreError) -> None:
        """Log a failure, and start an outage if there is none."""
        with self._lock:
            line = self._line(error)
            recipients = () if isinstance(error, DatabaseBusyError) else self._admins_to_notify()
        if line is not None:
            level = logging.WARNING if isinstance(error, DatabaseBusyError) else logging.ERROR
            log.log(level, "%s", line)
        if recipients:
            words = f":warning: {error.public}"
            words += _FULL if isinstance(error, DiskFullError) else _BROKEN
            threading.Thread(
                target=self._send, args=(recipients, words), name="database-outage", daemon=True
            ).start()

    def written(self) -> None:
        """Log that the database can be written again, if it couldn't before."""
        if not self._failing:
            return
        with self._lock:
            # small writes may succeed on a full disk
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

    def _admins_to_notify(self) -> tuple[str, ...]:
        """The admins who haven't been notified of this outage yet and should be now."""
        now = monotonic()
        if self._failed is None or now - self._failed > QUIET_SECONDS:
            self._not_notified, self._tried = list(self._admins), None
        self._failed, self._failing = now, True
        if not self._not_notified or (
            self._tried is not None and now - self._tried < AGAIN_SECONDS
        ):
            return ()
        self._tried = now
        recipients, self._not_notified = tuple(self._not_notified), []
        return recipients

    def _send(self, admins: tuple[str, ...], words: str) -> None:
        for admin in admins:
            try:
                self._send_text(admin, words)
            except DeliveryError as error:
                log.warning("Could not notify an admin about the database: %s", error)
                with self._lock:
                    self._not_notified.append(admin)
