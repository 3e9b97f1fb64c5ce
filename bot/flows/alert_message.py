"""The message of an alert: what happened, what drives it, and how it stands by now."""

from __future__ import annotations

from bot.flows.alerting import Alerts, Judging
from bot.store.alert_tellings import Telling
from reports.render.blocks import Message, sentence


class Messages:
    """Makes the messages of events, and makes them anew when things have changed."""

    def __init__(self, alerts: Alerts, judging: Judging) -> None:
        self._at = alerts
        self._judging = judging

    def of(self, telling: Telling) -> Message:
        """A message as things stand now."""
        events = self._at.tellings.events(telling.id)
        return sentence(
            "; ".join(
                f"{e.event.kind} {e.event.reading.label} {e.event.reading.value}" for e in events
            )
        )
