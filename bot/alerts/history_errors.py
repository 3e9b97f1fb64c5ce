"""What becomes of an alert while Slack doesn't let the bot read the recipient's history."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.slack.types import TOKEN_PROBLEMS, DeliveryError

LONGEST_WAIT = timedelta(hours=1)
"""How long an alert waits for the history. Most outages of Slack are over by then, and an alert
that arrives twice is better than one that arrives after the money is gone."""


def must_wait(error: DeliveryError, since: datetime, now: datetime) -> bool:
    """Whether an alert waits because the history could not be read with this error.

    If not, it is sent, even if it may be in the history. `since` (UTC) is when it was first to be
    searched for.
    """
    if error.code in TOKEN_PROBLEMS:  # nothing can be sent either, so nothing is lost by waiting
        return True
    return not error.permanent and now - since < LONGEST_WAIT
