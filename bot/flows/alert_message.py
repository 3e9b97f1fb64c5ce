"""The message of an alert: what happened, what drives it, and how it stands by now."""

from __future__ import annotations

import logging

from bot.flows.alert_detail import as_told, detail
from bot.flows.alerting import Alerts, Judging
from bot.slack import DeliveryError
from bot.store.alert_states import EVERYTHING
from bot.store.alert_tellings import Pending, Telling
from reports.alert import Above, Forecast
from reports.alert_detail import Detail
from reports.alert_state import Kind
from reports.render import alerts as render
from reports.render.alerts import About
from reports.render.blocks import Message

log = logging.getLogger(__name__)


class Messages:
    """Makes the messages of events, and makes them anew when things have changed."""

    def __init__(self, alerts: Alerts, judging: Judging) -> None:
        self._at = alerts
        self._judging = judging

    def of(self, telling: Telling) -> Message | None:
        """A message as things stand now; None where nothing is known of its rules any more."""
        events = self._at.tellings.events(telling.id)
        today = [one for one in events if self._as_seen(one)]
        if len(today) < len(events) and telling.ts:
            return None  # what it says was seen by other eyes: it is left as it is
        events = today
        if not events:
            return None
        zone = self._zone(telling)
        if telling.root is not None:
            found = self._about(events[-1], zone, ())
            return render.reply(events[-1].event, *found) if found else None
        firsts = [one for one in events if one.event.kind is Kind.TRIGGERED]
        if len(firsts) == 1:
            return self._first(firsts[0], zone, (telling.note,) if telling.note else ())
        many = [
            (one.event, found[0])
            for one in firsts
            if (found := self._about(one, zone, (), looked_up=False))
        ]
        return render.together(many, self._at.asking.settings.command) if many else None

    def _first(self, one: Pending, zone: str, notes: tuple[str, ...]) -> Message | None:
        found = self._about(one, zone, notes)
        if found is None:
            return None
        last = self._at.tellings.latest(one)
        return render.alert(one.event, *found, last.event if last.id > one.id else None)

    def _as_seen(self, one: Pending) -> bool:
        entry = self._at.rules.find(one.rule)
        rule = self._judging.rule(entry) if entry else None
        if entry is None or rule is None:
            return True  # which is not drawn anyway
        return self._judging.as_seen(entry, rule, one.event.reading)

    def _about(
        self, one: Pending, zone: str, notes: tuple[str, ...], *, looked_up: bool = True
    ) -> tuple[About, Detail] | None:
        """Which alert it is and how it stands, with what drives it."""
        entry = self._at.rules.find(one.rule)
        rule = self._judging.rule(entry) if entry else None
        if entry is None or rule is None:
            return None
        reading = one.event.reading
        watched = as_told(self._judging.watched(entry, rule, entry.made_at), reading)
        zone = watched.zone if isinstance(rule.watch, Above | Forecast) else zone
        holds = self._at.states.holds()
        hold = holds.get((one.rule, EVERYTHING)) or holds.get((one.rule, one.subject))
        snoozed = hold.until if hold else None
        about = About(
            str(one.id),
            watched.rule,
            zone,
            entry.draft.maker,
            self._at.asking.settings.command,
            notes,
            self._at.states.acknowledged(one.place) or "",
            snoozed if snoozed and snoozed > self._at.asking.clock() else None,
            hold.person if hold and hold.until is None else "",
        )
        if not looked_up:
            return about, Detail()
        with self._at.asking.store.snapshot():
            seen = self._judging.seen(self._at.asking.clock())
            return about, detail(self._at.asking.store, watched, seen, reading, zone)

    def _zone(self, telling: Telling) -> str:
        """The zone that a reader's clock shows; in a channel that of the settings."""
        asking = self._at.asking
        place = telling.place
        if place[:1] not in {"U", "W"}:
            return asking.settings.zone
        try:
            return asking.slack.person(place).zone or asking.settings.zone
        except DeliveryError as error:
            log.info("Somebody's zone is not known: %s", error)
            return asking.settings.zone
