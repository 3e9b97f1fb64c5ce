"""The slash command, and buttons that run a command."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from slack_bolt import Ack, App

from bot.access.policy import FOREIGN, surely_foreign
from bot.alerts.manage import Desk
from bot.commands.conversation import run
from bot.commands.dispatch import Asked, ask
from bot.listeners import clicks
from bot.listeners.background import Work
from bot.listeners.clicks import Clicks
from bot.schedules.manage import Subscriptions
from bot.services import REFUSED, Asking, turn_away, typed_words
from bot.slack.client import Place
from reports.admin.audit_log import Act
from reports.questions.slack.answer import RUN


def register(
    app: App, asking: Asking, work: Work, subscriptions: Subscriptions, desk: Desk
) -> None:
    """Register the command and the run buttons. Nothing that can fail follows an ack."""
    latest = Clicks()

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
        work.hand_over(place, lambda: answer(place, asked))
        ack()

    def answer(place: Place, asked: Asked) -> None:
        words = typed_words(asking, asked.text)
        ask(asking, place, replace(asked, text=words), subscriptions, desk)

    def on_run(ack: Ack, body: dict[str, Any], action: dict[str, Any]) -> None:
        place, spot = clicks.place(body), clicks.spot(body)
        words = str(action.get("value", ""))
        if refused := clicks.foreign(asking.slack.known_identity(), body):
            work.hand_over(place, lambda: turn_away(asking, place, refused, Act.ASKED, words))
        elif words and not latest.again(place.user, spot, f"run {words}", action):
            work.hand_over(place, lambda: run(asking, place, spot, words, subscriptions, desk))
        ack()

    app.command(asking.settings.command)(on_command)
    app.action(re.compile(rf"^{RUN}\d$"))(on_run)
