"""The slash command."""

from __future__ import annotations

from typing import Any

from slack_bolt import Ack, App

from bot.access import FOREIGN, surely_foreign
from bot.flows.alert_desk import Desk
from bot.flows.ask import Asked, ask
from bot.flows.asking import REFUSED, Asking
from bot.flows.subscriptions import Subscriptions
from bot.listeners.work import Work
from bot.slack import Place
from reports.audit import Act


def register(
    app: App, asking: Asking, work: Work, subscriptions: Subscriptions, desk: Desk
) -> None:
    """Listen to the command. Nothing that can fail follows the acknowledgement."""

    def on_command(ack: Ack, body: dict[str, Any]) -> None:
        team = str(body.get("team_id"))
        identity = asking.slack.known_identity()
        place = Place(str(body.get("response_url", "")), str(body.get("user_id", "")))
        asked = Asked(str(body.get("text") or ""), team, str(body.get("channel_id", "")))
        if surely_foreign(identity, (team,), body.get("enterprise_id")):
            why = f"{REFUSED}: {FOREIGN}"
            asking.audit.note(Act.ASKED, place.user, asked.text, where=asked.channel, outcome=why)
            ack(FOREIGN)
            return
        work.hand_over(place, lambda: ask(asking, place, asked, subscriptions, desk))
        ack()

    app.command(asking.settings.command)(on_command)
