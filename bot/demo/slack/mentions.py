"""Escapes what people type, like Slack."""

import re

from bot.demo.slack.workspace import Channel, User, Workspace


def escaped(workspace: Workspace, text: str) -> str:
    """The text as sent with ``should_escape``: mentions by id, ``& < >`` as entities."""
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(sign, entity)

    def mention(found: re.Match[str]) -> str:
        sign, name = found.groups()
        try:
            known = workspace.user(name.lower()) if sign == "@" else workspace.channel(name)
        except KeyError:
            return found[0]
        return f"<{sign}{known.id}|{'' if _is_private(known) else known.name}>"

    return re.sub(r"(?<!\w)([@#])([\w.-]+)", mention, text)


def _is_private(known: User | Channel) -> bool:
    return isinstance(known, Channel) and known.kind == "private"
