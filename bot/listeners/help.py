"""The buttons of the help, which show its sections."""

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
    """Listen to the buttons; a section replaces the help that is only shown to one person."""

    def on_click(ack: Ack, body: dict[str, Any], action: dict[str, Any]) -> None:
        place, spot = clicks.place(body), clicks.spot(body)
        topic = str(action["action_id"]).removeprefix(ACTION)
        if refused := clicks.foreign(services.slack.known_identity(), body):
            work.submit(place, lambda: refuse(services, place, refused, Act.CLICKED, "help"))
        else:
            work.submit(place, lambda: show(services, place, topic, replace=spot.hidden))
        ack()

    app.action(re.compile(f"^{ACTION}({'|'.join(TOPICS)})$"))(on_click)
