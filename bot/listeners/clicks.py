"""Whose click it is: people of other companies can click what they see in a shared channel."""

from __future__ import annotations

from typing import Any

from bot.access import FOREIGN
from bot.slack import Identity


def foreign(identity: Identity | None, body: dict[str, Any]) -> str | None:
    """What is said to a clicker of another workspace; None for our own people.

    A click's `team` is ours even then: the clicker's own stands beside the user.
    """
    user = body.get("user", {})
    teams = {body.get("team", {}).get("id"), user.get("team_id")} - {None, ""}
    return FOREIGN if identity and teams - {identity.team_id} else None
