"""What becomes of an alert while Slack doesn't let the bot read the recipient's history."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.services import Services
from bot.slack.types import TOKEN_PROBLEMS, DeliveryError
from bot.store.alerts.messages import AlertMessage

LONGEST_WAIT = timedelta(hours=1)
"""How long an alert waits for the history. Most outages of Slack are over by then, and an alert
that arrives twice is better than one that arrives after the money is gone."""
_FORGOTTEN = timedelta(minutes=30)
"""The wait begins again if no attempt failed for this long: then the bot wasn't running. It is
longer than the pauses between attempts, unless Slack asks for longer ones."""


def must_wait(error: DeliveryError, message: AlertMessage, services: Services) -> bool:
    """Whether an alert waits because the history could not be read with this error.

    If not, it is sent, even if it may be in the history, and the next wait begins anew.
    """
    if error.code in TOKEN_PROBLEMS:  # nothing can be sent either, so nothing is lost by waiting
        return True
    if error.permanent:
        return False
    key, keys, now = f"history {message.key}", services.expiring_keys, services.clock()

    def first_failure(stored: str | None) -> tuple[str, datetime]:
        first = min(now, datetime.fromisoformat(stored)) if stored else now
        return first.isoformat(), first

    kept = _FORGOTTEN + timedelta(seconds=error.retry_after)
    if now - keys.update(key, first_failure, kept) < LONGEST_WAIT:
        return True
    keys.release(key)
    return False
