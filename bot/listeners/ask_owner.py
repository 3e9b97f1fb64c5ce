"""Listener for the menu that asks the owner of an API key."""

from __future__ import annotations

from functools import partial
from typing import Any

from slack_bolt import Ack, App

from bot.analysis.ask_owner import ask_owner
from bot.listeners.background import BackgroundWork
from bot.listeners.clicks import Clicks, SharedClicks, foreign, message_location, reply_target
from bot.services import Services, refuse
from reports.admin.audit_log import Act
from reports.analysis.slack.ask_owner import ASK_OWNER


def register(app: App, services: Services, work: BackgroundWork) -> None:
    """Register the menu. Permissions are checked for the person who clicks."""
    latest = Clicks(shared=services.expiring_keys.shared)
    shared = SharedClicks(services)

    def on_choice(ack: Ack, body: dict[str, Any], action: dict[str, Any]) -> None:
        at, location = reply_target(body), message_location(body)
        chosen = str((action.get("selected_option") or {}).get("value", ""))
        if words := foreign(services.slack.known_identity(), body):
            work.submit(at, lambda: refuse(services, at, words, Act.CLICKED))
        elif len(chosen) > 1 and not latest.is_repeated(at.user, location, chosen, action):
            ask = partial(ask_owner, services, at, chosen)
            work.submit(at, shared.once(at, location, chosen, action, ask), repeatable=True)
        ack()

    app.action(ASK_OWNER)(on_choice)
