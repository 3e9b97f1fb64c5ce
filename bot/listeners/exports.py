"""Listeners for the export buttons under an answer."""

from __future__ import annotations

import re
from typing import Any

from slack_bolt import Ack, App

from bot.access.policy import clicks_stay_private
from bot.answers.export import TOO_OLD, Shown, Where, export
from bot.answers.write_file import Format
from bot.listeners.background import Work
from bot.listeners.clicks import Clicks, foreign, spot
from bot.services import Asking, turn_away
from bot.slack.client import Place
from reports.admin.audit_log import Act
from reports.questions.slack.controls import EXPORT


def register(app: App, asking: Asking, work: Work) -> None:
    """Register the buttons. Permissions are checked for the person who clicks."""
    latest = Clicks()

    def on_click(ack: Ack, body: dict[str, Any], action: dict[str, Any]) -> None:
        user = str(body.get("user", {}).get("id", ""))
        place = Place(str(body.get("response_url", "")), user)
        what = Shown.of_value(str(action.get("value", "")))
        format_ = Format(str(action["action_id"]).removeprefix(EXPORT))
        where = _where(body, private=clicks_stay_private(asking.settings))
        if words := foreign(asking.slack.known_identity(), body):
            work.hand_over(place, lambda: turn_away(asking, place, words, Act.EXPORTED))
        elif what is None:
            work.hand_over(place, lambda: asking.slack.say(place, TOO_OLD))
        elif not latest.again(user, spot(body), f"{format_} {what}", action):
            work.hand_over(place, lambda: export(asking, place, where, what, format_))
        ack()

    formats = "|".join((Format.CSV, Format.PDF))
    app.action(re.compile(f"^{EXPORT}({formats})$"))(on_click)


def _where(body: dict[str, Any], *, private: bool) -> Where:
    container = body.get("container", {})
    channel = body.get("channel", {}).get("id") or container.get("channel_id", "")
    shared = container.get("is_ephemeral") is False and not private
    return Where(str(channel), shared, str(container.get("message_ts", "")) or None)
