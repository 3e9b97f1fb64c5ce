"""The buttons of alerts and of their rules."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from slack_bolt import Ack, App

from bot.alerts.form import AlertForm
from bot.alerts.manage import AlertManager
from bot.alerts.message_actions import MessageActions
from bot.home.home import Homes
from bot.listeners import clicks
from bot.listeners.background import BackgroundWork
from bot.listeners.clicks import foreign
from bot.services import Services, refuse
from bot.slack.types import MessageLocation, ReplyTarget
from reports.admin.audit_log import Act
from reports.alerts.slack.cards import DELETE, EDIT, PAUSE, RESUME, UNMUTE, UNMUTE_LISTED
from reports.alerts.slack.messages import ACKNOWLEDGE, CHANGE, DETAILS, LIST, MUTE, SNOOZE, WHY

OnRule = Callable[[ReplyTarget, str], None]
OnMessage = Callable[[ReplyTarget, MessageLocation, str], None]
OPENS = (EDIT, CHANGE)
"""The buttons that open the form of a rule."""


def register(
    app: App,
    services: Services,
    alert_manager: AlertManager,
    message_actions: MessageActions,
    work: BackgroundWork,
    form: AlertForm,
    homes: Homes,
) -> None:
    """Listen to the buttons. Permissions are checked for the person who clicks."""
    slack = services.slack
    on_message: dict[str, OnMessage] = {
        DETAILS: message_actions.details,
        WHY: message_actions.why,
        ACKNOWLEDGE: message_actions.acknowledge,
        SNOOZE: message_actions.snooze,
        MUTE: message_actions.mute,
        UNMUTE: message_actions.unmute,
    }
    on_rule: dict[str, OnRule] = {
        UNMUTE_LISTED: message_actions.unmute_listed,
        PAUSE: alert_manager.pause,
        RESUME: alert_manager.resume,
        DELETE: alert_manager.delete,
        LIST: lambda place, _: alert_manager.list_rules(place),
    }

    def _open(
        place: ReplyTarget, spot: MessageLocation, name: str, value: str, trigger: str
    ) -> None:
        rule = value if name == EDIT else message_actions.rule_of(place, spot, value)
        if rule is not None:
            form.edit(place, trigger, rule)

    def _do(place: ReplyTarget, spot: MessageLocation, name: str, value: str) -> None:
        if name in on_message:
            on_message[name](place, spot, value)
        else:
            on_rule[name](place, value)
        if place.home:
            homes.changed(place.user)

    def on_click(ack: Ack, body: dict[str, Any], action: dict[str, Any]) -> None:
        place, spot = clicks.place(body), clicks.spot(body)
        name, value = str(action["action_id"]), _value(action)
        trigger = str(body.get("trigger_id", ""))
        if refused := foreign(slack.known_identity(), body):
            work.submit(place, lambda: refuse(services, place, refused, Act.CLICKED, name))
        elif name in OPENS:
            work.submit(place, lambda: _open(place, spot, name, value, trigger))
        else:
            work.submit(place, lambda: _do(place, spot, name, value))
        ack()

    named = "|".join(map(re.escape, (*on_message, *on_rule, *OPENS)))
    app.action(re.compile(f"^({named})$"))(on_click)


def _value(action: dict[str, Any]) -> str:
    """The value of a button, or the chosen one of a menu."""
    chosen = action.get("selected_option") or {}
    return str(action.get("value") or chosen.get("value") or "")
