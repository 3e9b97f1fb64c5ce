"""Small pieces of Block Kit that cards, Home and forms are put together from."""

from __future__ import annotations

from typing import Any

from reports.text import clean

Block = dict[str, Any]


def plain(text: str, length: int = 2_000) -> Block:
    """Text as it stands."""
    return {"type": "plain_text", "text": clean(text, length)}


def mrkdwn(text: str) -> Block:
    """Text with marks; names within are not made links."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def section(text: str) -> Block:
    """A paragraph in mrkdwn."""
    return {"type": "section", "text": mrkdwn(text)}


def fields(*texts: str) -> Block:
    """Paragraphs in mrkdwn beside each other, two in a row; ten at most."""
    return {"type": "section", "fields": [mrkdwn(text) for text in texts]}


def header(text: str) -> Block:
    """A heading."""
    return {"type": "header", "text": plain(text, 150)}


def context(*texts: str) -> Block:
    """Small print in mrkdwn; ten at most."""
    return {"type": "context", "elements": [mrkdwn(text) for text in texts]}


def divider() -> Block:
    """A line across."""
    return {"type": "divider"}


def button(label: str, action: str, value: str = "", *, primary: bool = False) -> Block:
    """A button."""
    made: Block = {"type": "button", "action_id": action, "text": plain(label, 75)}
    if value:
        made["value"] = value
    return {**made, "style": "primary"} if primary else made


def actions(*elements: Block) -> Block:
    """A row of buttons; 25 at most."""
    return {"type": "actions", "elements": list(elements)}
