"""Listeners for mentions and direct messages."""

from __future__ import annotations

import re
from typing import Any

from slack_bolt import Ack, App

from bot.access.policy import FOREIGN, Refusal, is_certainly_foreign
from bot.alerts.manage import AlertManager
from bot.commands.conversation import IncomingMessage, talk
from bot.listeners.background import BackgroundWork
from bot.schedules.manage import ScheduleManager
from bot.services import Services, refuse
from bot.slack.types import Identity
from reports.admin.audit_log import Act


def register(
    app: App,
    services: Services,
    work: BackgroundWork,
    schedule_manager: ScheduleManager,
    alert_manager: AlertManager,
) -> None:
    """Register mentions and direct messages."""

    def on_message(ack: Ack, body: dict[str, Any], event: dict[str, Any]) -> None:
        identity = services.slack.known_identity()
        message = _incoming_message(identity, body, event)
        if message is not None:
            reply_to = message.reply_target
            if _foreign(identity, body, event):
                work.submit(
                    reply_to,
                    lambda: refuse(services, reply_to, Refusal(FOREIGN), Act.ASKED, message.text),
                )
            else:
                work.submit(
                    reply_to,
                    lambda: talk(services, message, schedule_manager, alert_manager),
                    repeatable=True,  # a message is answered once
                )
        ack()

    app.event("app_mention")(on_message)
    app.event("message")(on_message)


def _incoming_message(
    identity: Identity | None, body: dict[str, Any], event: dict[str, Any]
) -> IncomingMessage | None:
    """A person's message for the bot; None for edits, joins, other bots and the bot itself."""
    direct = event.get("type") == "message" and event.get("channel_type") == "im"
    user, channel, ts = (str(event.get(name) or "") for name in ("user", "channel", "ts"))
    is_own = identity is not None and user == identity.user_id
    is_automatic = event.get("bot_id") or event.get("subtype") or event.get("edited")
    if not (direct or event.get("type") == "app_mention") or is_automatic or is_own:
        return None
    if not (user and channel and ts):
        return None
    thread = str(event.get("thread_ts") or "")
    text = _without(identity, str(event.get("text") or ""))
    return IncomingMessage(user, str(body.get("team_id", "")), channel, ts, thread, text)


def _without(identity: Identity | None, text: str) -> str:
    """The text without the mention of the bot."""
    name = re.escape(identity.user_id) if identity else r"\w+"
    return re.sub(rf"<@{name}(\|[^>]*)?>", " ", text).strip()


def _foreign(identity: Identity | None, body: dict[str, Any], event: dict[str, Any]) -> bool:
    """Whether the author certainly belongs to another company."""
    names = ("team", "user_team", "source_team")
    teams = (body.get("team_id"), *(event.get(name) for name in names))
    return is_certainly_foreign(identity, teams, body.get("enterprise_id"))
