"""The buttons of alerts and of their rules."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from slack_bolt import Ack, App

from bot.flows.alert_desk import Desk
from bot.flows.alert_form import AlertForm
from bot.flows.asking import Asking, turn_away
from bot.flows.home import Homes
from bot.listeners import clicks
from bot.listeners.clicks import foreign
from bot.listeners.work import Work
from bot.slack import Place
from reports.audit import Act
from reports.render.alert_cards import DELETE, EDIT, PAUSE, RESUME
from reports.render.alerts import ACKNOWLEDGE, CHANGE, DETAILS, LIST, MUTE, SNOOZE

Do = Callable[[Place, str], None]
OPENS = (EDIT, CHANGE)
"""What opens the form of a rule."""


def register(
    app: App, asking: Asking, desk: Desk, work: Work, form: AlertForm, homes: Homes
) -> None:
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
        LIST: lambda place, _: desk.rules(place),
    }

    def _open(place: Place, name: str, value: str, trigger: str) -> None:
        form.edit(place, trigger, value if name == EDIT else desk.rule_behind(value))

    def _do(place: Place, name: str, value: str) -> None:
        acts[name](place, value)
        if place.home:
            homes.changed(place.user)

    def on_click(ack: Ack, body: dict[str, Any], action: dict[str, Any]) -> None:
        place, name, value = clicks.place(body), str(action["action_id"]), _value(action)
        trigger = str(body.get("trigger_id", ""))
        if words := foreign(slack.known_identity(), body):
            work.hand_over(place, lambda: turn_away(asking, place, words, Act.CLICKED, name))
        elif name in OPENS:
            work.hand_over(place, lambda: _open(place, name, value, trigger))
        else:
            work.hand_over(place, lambda: _do(place, name, value))
        ack()

    named = "|".join(map(re.escape, (*acts, *OPENS)))
    app.action(re.compile(f"^({named})$"))(on_click)


def _value(action: dict[str, Any]) -> str:
    """What a button or a select stands for."""
    chosen = action.get("selected_option") or {}
    return str(action.get("value") or chosen.get("value") or "")
