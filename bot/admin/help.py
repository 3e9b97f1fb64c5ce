"""Shows a section of the help."""

from __future__ import annotations

from bot.services import Services, admit
from bot.slack.types import ReplyTarget
from reports.admin.audit_log import Act
from reports.admin.slack.help import help_message


def show(services: Services, reply_to: ReplyTarget, topic: str, *, replace: bool) -> None:
    """Answer a click with a section of the help; `replace`: replace the clicked message."""
    if admit(services, reply_to, Act.LOOKED, f"help {topic}") is not None:
        message = help_message(services.settings.command, topic)
        services.slack.respond(reply_to, message, replace=replace)
