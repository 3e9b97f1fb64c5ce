"""Listener for the menu that asks the owner of an API key."""

from __future__ import annotations

from typing import Any

from slack_bolt import Ack, App

from bot.analysis.ask_owner import ask_owner
from bot.listeners.background import BackgroundWork
from bot.listeners.clicks import Clicks, foreign, message_location, reply_target
from bot.services import Services, refuse
from reports.admin.audit_log import Act
from reports.analysis.slack.ask_owner import ASK_OWNER


def register(app: App, services: Services, work: BackgroundWork) -> None:
    """Register the menu. Permissions are checked for the person who clicks."""
    latest = Clicks()

    def on_choice(ack: Ack, body: dict[str, Any], action: dict[str, Any]) -> None:
        at = reply_target(body)
        chosen = str((action.get("selected_option") or {}).get("value", ""))
        if words := foreign(services.slack.known_identity(), body):
            work.submit(at, lambda: refuse(services, at, words, Act.CLICKED))
        elif len(chosen) > 1 and not latest.is_repeated(
            at.user, message_location(body), chosen, action
        ):
            work.submit(at, lambda: ask_owner(services, at, chosen))
        ack()

    app.action(ASK_OWNER)(on_choice)
