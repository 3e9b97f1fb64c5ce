"""The Home that opens: the event in, a view out."""

from __future__ import annotations

from typing import Any

from slack_bolt import Ack, App

from bot.flows.home import Homes
from bot.listeners.work import Work
from bot.slack import Place, Slack


def register(app: App, slack: Slack, homes: Homes, work: Work) -> None:
    """Listen to people who open the Home; the messages tab beside it is none of ours."""

    def on_opened(ack: Ack, body: dict[str, Any], event: dict[str, Any]) -> None:
        user = str(event.get("user", ""))
        identity = slack.known_identity()
        ours = identity is None or body.get("team_id") == identity.team_id
        if user and ours and event.get("tab") == "home":
            work.hand_over(Place("", user), lambda: homes.opened(user))
        ack()

    app.event("app_home_opened")(on_opened)
