"""Listeners for the buttons of alerts and alert rules."""

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
"""The buttons that open a rule's form."""


def register(
    app: App,
    services: Services,
    alert_manager: AlertManager,
    message_actions: MessageActions,
    work: BackgroundWork,
    form: AlertForm,
    homes: Homes,
) -> None:
    """Register the buttons. Permissions are checked for the person who clicks."""
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
        LIST: lambda reply_to, _: alert_manager.list_rules(reply_to),
    }

    def _open(
        reply_to: ReplyTarget, location: MessageLocation, name: str, value: str, trigger: str
    ) -> None:
        rule = value if name == EDIT else message_actions.rule_of(reply_to, location, value)
        if rule is not None:
            form.edit(reply_to, trigger, rule)

    def _do(reply_to: ReplyTarget, location: MessageLocation, name: str, value: str) -> None:
        if name in on_message:
            on_message[name](reply_to, location, value)
        else:
            on_rule[name](reply_to, value)
        if reply_to.home:
            homes.changed(reply_to.user)

    def on_click(ack: Ack, body: dict[str, Any], action: dict[str, Any]) -> None:
        reply_to, location = clicks.reply_target(body), clicks.message_location(body)
        name, value = str(action["action_id"]), _value(action)
        trigger = str(body.get("trigger_id", ""))
        if refused := foreign(slack.known_identity(), body):
            work.submit(reply_to, lambda: refuse(services, reply_to, refused, Act.CLICKED, name))
        elif name in OPENS:
            work.submit(reply_to, lambda: _open(reply_to, location, name, value, trigger))
        else:
            work.submit(reply_to, lambda: _do(reply_to, location, name, value))
        ack()

    named = "|".join(map(re.escape, (*on_message, *on_rule, *OPENS)))
    app.action(re.compile(f"^({named})$"))(on_click)


def _value(action: dict[str, Any]) -> str:
    """The value of a button, or of a menu's selected option."""
    chosen = action.get("selected_option") or {}
    return str(action.get("value") or chosen.get("value") or "")
