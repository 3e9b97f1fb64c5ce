"""Shows a section of the help."""

from __future__ import annotations

from bot.services import Asking, admit
from bot.slack.client import Place
from reports.admin.audit_log import Act
from reports.admin.slack.help import help_message


def show(asking: Asking, place: Place, topic: str, *, replace: bool) -> None:
    """Answer a click with a section of the help; `replace`: instead of what was clicked in."""
    if admit(asking, place, Act.LOOKED, f"help {topic}") is not None:
        message = help_message(asking.settings.command, topic)
        asking.slack.respond(place, message, replace=replace)
