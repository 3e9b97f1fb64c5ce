"""Listeners for App Home: opening it, its buttons, and global shortcuts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from slack_bolt import Ack, App

from bot.access.policy import is_certainly_foreign
from bot.home.home import Homes
from bot.listeners import clicks
from bot.listeners.background import BackgroundWork
from bot.services import Services, refuse
from bot.slack.types import ReplyTarget
from reports.admin.audit_log import Act

Opens = Callable[[ReplyTarget, str], None]


def register(
    app: App,
    services: Services,
    homes: Homes,
    work: BackgroundWork,
    opens: Mapping[str, Opens],
    shortcuts: Mapping[str, Opens],
) -> None:
    """Register App Home; opening the messages tab next to it is ignored.

    `opens` maps the action ids of its top buttons to functions that open a modal with a trigger id;
    `shortcuts` does the same for callback ids of global shortcuts.
    """
    slack = services.slack

    def on_opened(ack: Ack, body: dict[str, Any], event: dict[str, Any]) -> None:
        user = str(event.get("user", ""))
        identity = slack.known_identity()
        ours = not is_certainly_foreign(identity, (body.get("team_id"),), body.get("enterprise_id"))
        if user and ours and event.get("tab") == "home":
            opened = ReplyTarget("", user)
            work.submit(opened, lambda: homes.opened(user), waiting="", repeatable=True)
        ack()

    def on_button(ack: Ack, body: dict[str, Any], action: dict[str, Any]) -> None:
        reply_to, trigger = clicks.reply_target(body), str(body.get("trigger_id", ""))
        name = str(action["action_id"])
        if refused := clicks.foreign(slack.known_identity(), body):
            work.submit(reply_to, lambda: refuse(services, reply_to, refused, Act.CLICKED, name))
        else:
            work.submit(reply_to, lambda: opens[name](reply_to, trigger))
        ack()

    def on_shortcut(ack: Ack, body: dict[str, Any]) -> None:
        reply_to, trigger = clicks.reply_target(body), str(body.get("trigger_id", ""))
        name = str(body.get("callback_id", ""))
        if refused := clicks.foreign(slack.known_identity(), body):
            work.submit(reply_to, lambda: refuse(services, reply_to, refused, Act.CLICKED, name))
        else:
            work.submit(reply_to, lambda: shortcuts[name](reply_to, trigger))
        ack()

    for name in shortcuts:
        app.shortcut(name)(on_shortcut)
    app.event("app_home_opened")(on_opened)
    for name in opens:
        app.action(name)(on_button)
