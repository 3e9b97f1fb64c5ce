"""Creates the message of an alert: what happened, what drives it, and its current state."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from bot.alerts.context import MeasurementContext, WatchedRule
from bot.alerts.current_measurement import current_measurement
from bot.alerts.evaluate import RuleEvaluator
from bot.alerts.message_details import detail
from bot.alerts.services import AlertServices
from bot.answers.answer_state import answer_state, state_of
from bot.runtime.isolation import isolated
from bot.slack.types import DeliveryError
from bot.store.alerts.events import StoredEvent
from bot.store.alerts.messages import AlertMessage
from bot.store.alerts.silences import ALL_SUBJECTS
from reports.alerts.evaluation import AlertEvent, EventKind
from reports.alerts.message_details import Detail, question
from reports.alerts.slack import messages as render
from reports.alerts.slack.messages import AlertContext
from reports.alerts.slack.sentences import share_of_limit
from reports.block_kit.message import Message

log = logging.getLogger(__name__)


class MessageComposer:
    """Creates the messages of events, and recreates them when things have changed."""

    def __init__(self, alerts: AlertServices, evaluator: RuleEvaluator) -> None:
        self._alerts = alerts
        self._evaluator = evaluator

    def compose(self, message: AlertMessage) -> Message | None:
        """The current version of a message; None if its rules no longer exist."""
        events = self._alerts.events.of_message(message.id)
        today = [one for one in events if self._has_current_visibility(one)]
        if len(today) < len(events) and message.ts:
            return None  # parts of it were measured with another visibility: leave it as it is
        events = today
        if not events:
            return None
        zone = self._zone(message)
        notes = tuple(message.note.splitlines())
        firsts = [one for one in events if one.event.kind is EventKind.TRIGGERED]
        if message.root is not None or not firsts:
            return self._replies(events, message.root, zone, notes)
        if len(firsts) == 1:
            return self._first(firsts[0], zone, notes)
        command = self._alerts.services.settings.command
        many = self._items(firsts, zone)
        return render.together(many, command, notes) if many else None

    def _items(self, firsts: Sequence[StoredEvent], zone: str) -> list[render.Item]:
        """Several alerts for one message; the largest that aren't over say what drives them."""
        found = [
            (render.Item(self._dated(one), about[0], self._latest(one)), about[1])
            for one in firsts
            if (about := self._about(one, zone))
        ]
        waiting = [(item, watched) for item, watched in found if not item.over]
        largest = sorted(waiting, key=lambda one: -share_of_limit(one[0].event.measurement))
        details = {}
        with self._alerts.services.store.snapshot():
            context = self._evaluator.context(self._alerts.services.clock())
            for item, watched in largest[: render.MOST_DETAILED]:
                shown = render.event_to_show(item.event, watched.rule, item.latest)
                with isolated(log, "The details of an alert could not be looked up"):
                    details[item.about.id] = self._detail(watched, context, shown, item.about.zone)
        return [replace(item, detail=details.get(item.about.id)) for item, _ in found]

    def _replies(
        self, events: Sequence[StoredEvent], root: int | None, zone: str, notes: tuple[str, ...]
    ) -> Message | None:
        """The latest event of each crossing, with a headline if the message above has several."""
        last = {self._crossing(one): one for one in events}
        above = self._alerts.events.of_message(root) if root is not None else []
        if len(last) == sum(one.event.kind is EventKind.TRIGGERED for one in above) == 1:
            return self._reply(events[-1], zone)
        many = [
            (self._dated(one), found[0])
            for one in last.values()
            if (found := self._about(one, zone))
        ]
        return render.replies(many, notes) if many else None

    def _crossing(self, one: StoredEvent) -> int:
        first = self._alerts.events.crossing_start(one)
        return first.id if first else one.id

    def _first(self, one: StoredEvent, zone: str, notes: tuple[str, ...]) -> Message | None:
        found = self._about(one, zone, notes)
        if found is None:
            return None
        about, watched = found
        event, latest = self._dated(one), self._latest(one)
        with self._alerts.services.store.snapshot():
            context = self._evaluator.context(self._alerts.services.clock())
            base = render.event_to_show(event, watched.rule, latest).measurement
            moves = not render.is_over(latest) or watched.rule.watch.compares_hours
            now = current_measurement(watched, context, base) if moves else None
            shown = render.event_to_show(event, watched.rule, latest, now)
            drawn = self._detail(watched, context, shown, about.zone)
        message = render.alert(event, about, drawn, latest, now)
        return self._standing_for(message, watched, event)

    def _standing_for(self, message: Message, watched: WatchedRule, event: AlertEvent) -> Message:
        """The message and its question, for follow-ups in its thread."""
        query = question(watched.rule, event.measurement, watched.zone)
        if query is None:
            return message
        services, owner = self._alerts.services, watched.entry.draft.owner
        what = answer_state(query, event.at, services.settings.zone, watched.asker, owner)
        return message.with_state(state_of(services, what))

    def _reply(self, one: StoredEvent, zone: str) -> Message | None:
        found = self._about(one, zone)
        if found is None:
            return None
        about, watched = found
        event = self._dated(one)
        with self._alerts.services.store.snapshot():
            context = self._evaluator.context(self._alerts.services.clock())
            drawn = self._detail(watched, context, event, about.zone)
        return render.reply(event, about, drawn)

    def _detail(
        self, watched: WatchedRule, context: MeasurementContext, event: AlertEvent, zone: str
    ) -> Detail:
        """What drives the alert, with the threshold at which it was evaluated."""
        measured = replace(watched, rule=render.with_limit_of(watched.rule, event.measurement))
        return detail(self._alerts.services.store, measured, context, event.measurement, zone)

    def _latest(self, one: StoredEvent) -> AlertEvent | None:
        """The newest event of a crossing after its first, if measured with the same visibility."""
        last = self._alerts.events.newest_of_crossing(one)
        return (
            self._dated(last) if last.id > one.id and self._has_current_visibility(last) else None
        )

    def _dated(self, one: StoredEvent) -> AlertEvent:
        """An event, marked as past if its period has ended by now."""
        event = one.event
        period = event.measurement.period
        if period is None or self._alerts.services.clock() < period.end:
            return event
        return replace(event, measurement=replace(event.measurement, part=False))

    def _has_current_visibility(self, one: StoredEvent) -> bool:
        entry = self._alerts.rules.get(one.rule, deleted=True)
        rule = self._evaluator.rule(entry) if entry else None
        if entry is None or rule is None:
            return True  # it isn't shown anyway
        return self._evaluator.has_current_visibility(entry, rule, one.event.measurement)

    def _about(
        self, one: StoredEvent, zone: str, notes: tuple[str, ...] = ()
    ) -> tuple[AlertContext, WatchedRule] | None:
        """The subject of a message, as its recipient sees it, and its rule."""
        entry = self._alerts.rules.get(one.rule, deleted=True)
        rule = self._evaluator.rule(entry) if entry else None
        if entry is None or rule is None:
            return None
        watched = self._evaluator.watched(entry, rule, entry.created_at)
        zone = watched.zone if rule.watch.has_zone else zone
        silences = self._alerts.silences.all()
        silence = silences.get((one.rule, ALL_SUBJECTS)) or silences.get((one.rule, one.subject))
        snoozed = silence.until if silence else None
        about = AlertContext(
            str(one.id),
            self._evaluator.for_reader(entry, watched.rule, self._reader(one)),
            zone,
            entry.draft.owner,
            self._alerts.services.settings.command,
            notes,
            self._alerts.states.acknowledged_by(one.key) or "",
            snoozed if snoozed and snoozed > self._alerts.services.clock() else None,
            silence.person if silence and silence.until is None else "",
        )
        return about, watched

    def _reader(self, one: StoredEvent) -> str:
        """The Slack id of the person or channel that the message of an event went to."""
        message = self._alerts.messages.get(one.message_id or 0)
        return self._first_message(message).recipient if message else ""

    def _first_message(self, message: AlertMessage) -> AlertMessage:
        """The message whose thread a message belongs to; itself if it isn't a reply."""
        root = self._alerts.messages.get(message.root) if message.root is not None else None
        return root or message

    def _zone(self, message: AlertMessage) -> str:
        """The recipient's time zone; for a channel, the one in the settings."""
        services, recipient = self._alerts.services, self._first_message(message).recipient
        if recipient[:1] not in {"U", "W"}:
            return services.settings.zone
        try:
            return services.slack.person(recipient).zone or services.settings.zone
        except DeliveryError as error:
            log.info("Could not look up a time zone: %s", error)
            return services.settings.zone
