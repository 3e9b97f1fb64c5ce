"""Listeners for the export buttons under an answer."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from slack_bolt import Ack, App

from bot.access.policy import clicks_stay_private
from bot.answers.answer_state import TOO_OLD, AnswerState
from bot.answers.export import Where, export
from bot.answers.write_file import Format
from bot.listeners.background import BackgroundWork
from bot.listeners.clicks import Clicks, SharedClicks, foreign, message_location
from bot.services import Services, refuse
from bot.slack.types import ReplyTarget
from reports.admin.audit_log import Act
from reports.questions.slack.controls import EXPORT


def register(app: App, services: Services, work: BackgroundWork) -> None:
    """Register the buttons. Permissions are checked for the person who clicks."""
    latest = Clicks(shared=services.expiring_keys.shared)
    shared = SharedClicks(services)

    def on_click(ack: Ack, body: dict[str, Any], action: dict[str, Any]) -> None:
        user = str(body.get("user", {}).get("id", ""))
        reply_to = ReplyTarget(str(body.get("response_url", "")), user)
        location = message_location(body)
        what = AnswerState.of_value(str(action.get("value", "")))
        format_ = Format(str(action["action_id"]).removeprefix(EXPORT))
        where = _where(body, private=clicks_stay_private(services.settings))
        if refused := foreign(services.slack.known_identity(), body):
            work.submit(reply_to, lambda: refuse(services, reply_to, refused, Act.EXPORTED))
        elif what is None:
            work.submit(reply_to, lambda: services.slack.say(reply_to, TOO_OLD))
        elif not latest.is_repeated(user, location, f"{format_} {what}", action):
            write = partial(export, services, reply_to, where, what, format_)
            once = shared.once(reply_to, location, f"{format_} {what}", action, write)
            work.submit(reply_to, once, repeatable=True)
        ack()

    formats = "|".join((Format.CSV, Format.PDF))
    app.action(re.compile(f"^{EXPORT}({formats})$"))(on_click)


def _where(body: dict[str, Any], *, private: bool) -> Where:
    container = body.get("container", {})
    channel = body.get("channel", {}).get("id") or container.get("channel_id", "")
    shared = container.get("is_ephemeral") is False and not private
    return Where(str(channel), shared, str(container.get("message_ts", "")) or None)
