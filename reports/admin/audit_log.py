"""Who did what: the entries of the log that admins read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reports.wording.safe_text import visible

LONGEST_WHAT = 300
LONGEST_OUTCOME = 120
DONE = "done"
HIDDEN = "***"
_SECRET = re.compile(r"\b(?:sk-|xox[a-z]{1,2}-|xapp-|eyJ)[A-Za-z0-9_-]{16,}")
"""How keys and tokens look that people paste by mistake; a key's short label has dots and stays."""


class Act(StrEnum):
    """What somebody did, or tried to do."""

    ASKED = "asked"
    SHARED = "shared"
    EXPORTED = "exported"
    SCHEDULED = "scheduled"
    LOOKED = "looked at"
    PREVIEWED = "previewed"
    RAN = "ran"
    EDITED = "edited"
    PAUSED = "paused"
    RESUMED = "resumed"
    DELETED = "deleted"
    DECIDED = "decided"
    ALERTED = "set an alert"
    CHANGED_ALERT = "changed an alert"
    HOME = "opened the home"
    CLICKED = "clicked"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the log: when (UTC), which Slack user, their address, what, where, how it ended.

    `where` is a channel's id. `outcome` is `done`, or says why not.
    """

    at: datetime
    person: str
    email: str
    act: str
    what: str
    where: str
    outcome: str


def masked(text: str, secrets: tuple[str, ...] = ()) -> str:
    """A text on one line without anything that looks like a key, cut to what the log keeps."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return _SECRET.sub(HIDDEN, " ".join(visible(text).split()))[:LONGEST_WHAT]
