"""Defines the entries of the audit log."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reports.wording.safe_text import visible

LONGEST_WHAT = 300  # characters: the length of the longest question
LONGEST_OUTCOME = 120  # characters: a sentence
DONE = "done"
HIDDEN = "***"
_SECRET = re.compile(r"\b(?:sk-|xox[a-z]{1,2}-|xapp-|eyJ)[A-Za-z0-9_-]{16,}")
"""Keys and tokens that people paste by mistake; a key's short label with dots doesn't match."""


class Act(StrEnum):
    """What a person did or tried to do."""

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
    """One entry: time (UTC), Slack user id, e-mail address, act, subject, channel id, outcome.

    `outcome` is `done` or a reason.
    """

    at: datetime
    person: str
    email: str
    act: str
    what: str
    where: str
    outcome: str


def masked(text: str, secrets: tuple[str, ...] = ()) -> str:
    """A text on one line with keys and secrets masked, cut to LONGEST_WHAT."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return _SECRET.sub(HIDDEN, " ".join(visible(text).split()))[:LONGEST_WHAT]
