"""Listeners for the help buttons, which show its sections."""

from __future__ import annotations

import re
from typing import Any

from slack_bolt import Ack, App

from bot.admin.help import show
from bot.listeners import clicks
from bot.listeners.background import BackgroundWork
from bot.services import Services, refuse
from reports.admin.audit_log import Act
from reports.admin.slack.help import ACTION, TOPICS


def register(app: App, services: Services, work: BackgroundWork) -> None:
    """Register the buttons; a section replaces a help message that only one person sees."""

    def on_click(ack: Ack, body: dict[str, Any], action: dict[str, Any]) -> None:
        reply_to, location = clicks.reply_target(body), clicks.message_location(body)
        topic = str(action["action_id"]).removeprefix(ACTION)
        if refused := clicks.foreign(services.slack.known_identity(), body):
            work.submit(reply_to, lambda: refuse(services, reply_to, refused, Act.CLICKED, "help"))
        else:
            work.submit(reply_to, lambda: show(services, reply_to, topic, replace=location.hidden))
        ack()

    app.action(re.compile(f"^{ACTION}({'|'.join(TOPICS)})$"))(on_click)
