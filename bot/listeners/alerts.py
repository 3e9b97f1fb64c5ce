"""The buttons of alerts and of their rules, and the dialog that edits a rule."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from slack_bolt import Ack, App

from bot.flows.alert_desk import Desk
from bot.flows.asking import REFUSED, Asking, turn_away
from bot.listeners import clicks
from bot.listeners.clicks import foreign
from bot.listeners.work import Work
from bot.slack import Place
from reports.alert import Rule
from reports.audit import Act
from reports.grammar import CommandError
from reports.grammar_alert import parse_alert
from reports.render.alert_cards import DELETE, EDIT, EDITOR, PAUSE, RESUME, WORDS
from reports.render.alerts import ACKNOWLEDGE, CHANGE, DETAILS, MUTE, SNOOZE

Do = Callable[[Place, str], None]
View = Callable[[Place, str], dict[str, Any] | None]
_NOT_SO = "Those are no words of an alert; for example: spend > $50 per day by creator."


def register(app: App, asking: Asking, desk: Desk, work: Work) -> None:
    """Listen to the buttons. Whoever clicks is judged, not who made the rule."""
    slack = asking.slack
    acts: dict[str, Do] = {
        DETAILS: desk.details,
        ACKNOWLEDGE: desk.acknowledge,
        SNOOZE: desk.snooze,
        MUTE: desk.mute,
        PAUSE: desk.pause,
        RESUME: desk.resume,
        DELETE: desk.delete,
    }
    views: dict[str, View] = {EDIT: desk.editor, CHANGE: desk.threshold}

    def _open(place: Place, name: str, value: str, trigger: str) -> None:
        view = views[name](place, value)
        if view is not None:
            slack.call("views.open", trigger_id=trigger, view=view)

    def on_click(ack: Ack, body: dict[str, Any], action: dict[str, Any]) -> None:
        place, name, value = clicks.place(body), str(action["action_id"]), _value(action)
        trigger = str(body.get("trigger_id", ""))
        if words := foreign(slack.known_identity(), body):
            work.hand_over(place, lambda: turn_away(asking, place, words, Act.CLICKED, name))
        elif name in views:
            work.hand_over(place, lambda: _open(place, name, value, trigger))
        else:
            work.hand_over(place, lambda: acts[name](place, value))
        ack()

    def on_edit(ack: Ack, body: dict[str, Any]) -> None:
        place = clicks.place(body)
        if words := foreign(slack.known_identity(), body):
            note = asking.audit.note
            work.hand_over(place, lambda: note(Act.CHANGED_ALERT, place.user, outcome=REFUSED))
            ack(response_action="errors", errors={WORDS: words})
            return
        view = body.get("view", {})
        read = parse_alert(f"alert {_entered(view.get('state', {}).get('values', {}))}")
        if not isinstance(read, Rule):
            ack(response_action="errors", errors={WORDS: _wrong(read)})
            return
        id_ = str(view.get("private_metadata", ""))
        if id_:
            work.hand_over(place, lambda: desk.edit(place, id_, read))
        else:
            work.hand_over(place, lambda: desk.begin(place, read))
        ack()

    named = "|".join(map(re.escape, (*acts, *views)))
    app.action(re.compile(f"^({named})$"))(on_click)
    app.view(EDITOR)(on_edit)


def _value(action: dict[str, Any]) -> str:
    """What a button or a select stands for."""
    chosen = action.get("selected_option") or {}
    return str(action.get("value") or chosen.get("value") or "")


def _entered(values: dict[str, Any]) -> str:
    return str(values.get(WORDS, {}).get(WORDS, {}).get("value") or "")


def _wrong(read: object) -> str:
    if not isinstance(read, CommandError):
        return _NOT_SO
    meant = read.suggestion.removeprefix("alert ")
    return (read.problem + (f" For example: {meant}" if meant else ""))[:1_000]
