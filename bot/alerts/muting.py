"""Decides whether an event's message is held back: muted, snoozed, or during quiet hours.

To mute is to send nothing until the alert is unmuted, to snooze is to send nothing for a while, and
a silence is the stored record of either. Quiet hours apply to all of a person's alerts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.alerts.recipients import RecipientLookup
from bot.store.alerts.events import StoredEvent
from bot.store.alerts.quiet_hours import StoredQuietHours
from bot.store.alerts.silences import ALL_SUBJECTS, Silence
from reports.alerts.evaluation import EventKind


@dataclass(frozen=True, slots=True)
class HeldBack:
    """The reason why an event's message isn't sent now.

    `until` is when it is sent (UTC); None if it is never sent.
    """

    reason: str
    until: datetime | None


def silenced(
    one: StoredEvent, silences: Mapping[tuple[str, str], Silence], now: datetime
) -> HeldBack | None:
    """How a silence of the event's rule or subject holds it back; None if none does.

    A snoozed event is sent once the snooze ends, unless it only says that the alert has recovered.
    """
    silence = silences.get((one.rule, ALL_SUBJECTS)) or silences.get((one.rule, one.subject))
    if silence is None:
        return None
    if silence.until is None:
        return HeldBack("muted", None)
    if now >= silence.until:
        return None
    is_recovery = one.event.kind is EventKind.RECOVERED
    return HeldBack("snoozed", None if is_recovery else silence.until)


def in_quiet_hours(
    one: StoredEvent,
    recipient: str,
    quiet_hours: StoredQuietHours,
    people: RecipientLookup,
    now: datetime,
) -> HeldBack | None:
    """How the quiet hours of a recipient (a Slack id) hold an event back; None if they don't.

    They never apply to urgent events, or to channels.
    """
    if one.urgent or recipient[:1] not in {"U", "W"}:
        return None
    quiet = quiet_hours.get(recipient)
    until = quiet.until(now, people.zone(recipient)) if quiet else None
    return HeldBack("quiet hours", until) if until else None
