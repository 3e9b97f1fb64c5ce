"""Listeners for mentions and direct messages."""

from __future__ import annotations

import re
from typing import Any

from slack_bolt import Ack, App

from bot.access.policy import FOREIGN, Refusal, surely_foreign
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
    subscriptions: ScheduleManager,
    alert_manager: AlertManager,
) -> None:
    """Register the events of mentions and messages."""

    def on_said(ack: Ack, body: dict[str, Any], event: dict[str, Any]) -> None:
        identity = services.slack.known_identity()
        spoken = _spoken(identity, body, event)
        if spoken is not None:
            place = spoken.reply_target
            if _foreign(identity, body, event):
                work.submit(
                    place, lambda: refuse(services, place, Refusal(FOREIGN), Act.ASKED, spoken.text)
                )
            else:
                work.submit(place, lambda: talk(services, spoken, subscriptions, alert_manager))
        ack()

    app.event("app_mention")(on_said)
    app.event("message")(on_said)


def _spoken(
    identity: Identity | None, body: dict[str, Any], event: dict[str, Any]
) -> IncomingMessage | None:
    """The message of a person for the bot; None for edits, joins, other bots and ourselves."""
    direct = event.get("type") == "message" and event.get("channel_type") == "im"
    user, channel, ts = (str(event.get(name) or "") for name in ("user", "channel", "ts"))
    ours = identity is not None and user == identity.user_id
    machine = event.get("bot_id") or event.get("subtype") or event.get("edited")
    if not (direct or event.get("type") == "app_mention") or machine or ours:
        return None
    if not (user and channel and ts):
        return None
    thread = str(event.get("thread_ts") or "")
    text = _without(identity, str(event.get("text") or ""))
    return IncomingMessage(user, str(body.get("team_id", "")), channel, ts, thread, text)


def _without(identity: Identity | None, text: str) -> str:
    """The text without the mention of the bot itself."""
    name = re.escape(identity.user_id) if identity else r"\w+"
    return re.sub(rf"<@{name}(\|[^>]*)?>", " ", text).strip()


def _foreign(identity: Identity | None, body: dict[str, Any], event: dict[str, Any]) -> bool:
    """Whether the author belongs to another company; the event may name their team, or ours."""
    names = ("team", "user_team", "source_team")
    teams = (body.get("team_id"), *(event.get(name) for name in names))
    return surely_foreign(identity, teams, body.get("enterprise_id"))
