"""The slash command, and buttons that run a command."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import Any

from slack_bolt import Ack, App

from bot.access.policy import FOREIGN, is_certainly_foreign
from bot.alerts.manage import AlertManager
from bot.commands.conversation import run
from bot.commands.dispatch import CommandRequest, ask
from bot.listeners import clicks
from bot.listeners.background import BackgroundWork
from bot.listeners.clicks import Clicks, SharedClicks
from bot.schedules.manage import ScheduleManager
from bot.services import REFUSED, Services, refuse, typed_words
from bot.slack.types import ReplyTarget
from reports.admin.audit_log import Act
from reports.block_kit.message import RUN


def register(
    app: App,
    services: Services,
    work: BackgroundWork,
    schedule_manager: ScheduleManager,
    alert_manager: AlertManager,
) -> None:
    """Register the command and the run buttons. Acks come after all that can fail."""
    latest = Clicks(shared=services.expiring_keys.shared)
    shared = SharedClicks(services)

    def on_command(ack: Ack, body: dict[str, Any]) -> None:
        team = str(body.get("team_id"))
        identity = services.slack.known_identity()
        reply_to = ReplyTarget(str(body.get("response_url", "")), str(body.get("user_id", "")))
        asked = CommandRequest(str(body.get("text") or ""), team, str(body.get("channel_id", "")))
        if is_certainly_foreign(identity, (team,), body.get("enterprise_id")):
            why = f"{REFUSED}: {FOREIGN}"
            services.audit.note(
                Act.ASKED, reply_to.user, asked.text, where=asked.channel, outcome=why
            )
            ack(FOREIGN)
            return
        work.submit(reply_to, lambda: answer(reply_to, asked))
        ack()

    def answer(reply_to: ReplyTarget, asked: CommandRequest) -> None:
        words = typed_words(services, asked.text)
        ask(services, reply_to, replace(asked, text=words), schedule_manager, alert_manager)

    def on_run(ack: Ack, body: dict[str, Any], action: dict[str, Any]) -> None:
        reply_to, location = clicks.reply_target(body), clicks.message_location(body)
        words = str(action.get("value", ""))
        if refused := clicks.foreign(services.slack.known_identity(), body):
            work.submit(reply_to, lambda: refuse(services, reply_to, refused, Act.ASKED, words))
        elif words and not latest.is_repeated(reply_to.user, location, f"run {words}", action):
            again = partial(
                run, services, reply_to, location, words, schedule_manager, alert_manager
            )
            once = shared.once(reply_to, location, f"run {words}", action, again)
            work.submit(reply_to, once, repeatable=True)
        ack()

    app.command(services.settings.command)(on_command)
    app.action(re.compile(rf"^{RUN}\d$"))(on_run)
