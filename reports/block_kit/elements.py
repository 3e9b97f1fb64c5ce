"""The pieces of Block Kit that messages, the Home and modals are put together from.

Each keeps its own limit of Slack's. What a row holds at most (25 buttons and menus, 100 options)
is for whoever fills it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from reports.questions.wording import stamp
from reports.wording.safe_text import clean, escape

Block = dict[str, Any]

LONGEST_SECTION = 2_900
"""Up to here sections are filled; Slack takes 3,000 characters."""
LONGEST_CODE = 1_200
_SECTION_CUT = 2_950
_MOST_BESIDE = 10
_LABEL, _TITLE, _HEADER = 75, 100, 150


def plain(text: str, length: int = 2_000) -> Block:
    """Text as it stands, on one line."""
    return {"type": "plain_text", "text": clean(text, length)}


def mrkdwn(text: str) -> Block:
    """Text with marks; an address or a channel that a name contains does not become a link."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def section(text: str) -> Block:
    """A paragraph in mrkdwn, cut where Slack would not take it."""
    return {"type": "section", "text": mrkdwn(text[:_SECTION_CUT])}


def fields(*texts: str) -> Block:
    """Paragraphs in mrkdwn beside each other, two in a row; the first ten."""
    return {
        "type": "section",
        "fields": [mrkdwn(text) for text in texts[:_MOST_BESIDE]],
    }


def header(text: str) -> Block:
    """A heading, of at most 150 characters."""
    return {"type": "header", "text": plain(text, _HEADER)}


def context(*texts: str) -> Block:
    """Small print in mrkdwn; the first ten."""
    return {
        "type": "context",
        "elements": [mrkdwn(text) for text in texts[:_MOST_BESIDE]],
    }


def divider() -> Block:
    """A line across."""
    return {"type": "divider"}


def table(rows: Sequence[Sequence[str]]) -> Block:
    """A table, its heads first; all but the first column is set to the right."""
    settings = [{"is_wrapped": True}, *({"align": "right"} for _ in rows[0][1:])]
    return {
        "type": "table",
        "column_settings": settings,
        "rows": [[{"type": "raw_text", "text": cell} for cell in row] for row in rows],
    }


def button(
    label: str, action: str, value: str = "", *, style: str = "", confirm: Block | None = None
) -> Block:
    """A button; its style may be `primary` or `danger`, its label has at most 75 characters."""
    made: Block = {"type": "button", "action_id": action, "text": plain(label, _LABEL)}
    if value:
        made["value"] = value
    if style:
        made["style"] = style
    return {**made, "confirm": confirm} if confirm else made


def confirmation(title: str, text: str, yes: str) -> Block:
    """What a button asks before it does something; the way out is to keep things as they are."""
    return {
        "title": plain(title, _TITLE),
        "text": plain(text, 300),
        "confirm": plain(yes, 30),
        "deny": plain("Keep", 30),
    }


def option(label: str, value: str) -> Block:
    """Something to choose, with a label of at most 75 characters."""
    return {"text": plain(label, _LABEL), "value": str(value)}


def menu(action: str, label: str, options: list[Block], chosen: str = "") -> Block:
    """A menu; `chosen` is the value of the option that stands in it, else its label does."""
    present = [one for one in options if chosen and one["value"] == chosen]
    return {
        "type": "static_select",
        "action_id": str(action),
        "placeholder": plain(label, _HEADER),
        "options": options,
        **({"initial_option": present[0]} if present else {}),
    }


def actions(*elements: Block) -> Block:
    """A row of buttons and menus; 25 at most."""
    return {"type": "actions", "elements": list(elements)}


def moment(at: datetime, fallback: str = "") -> str:
    """A moment in mrkdwn, as each reader's own clock shows it; the fallback is escaped."""
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} {{time}}|{fallback or stamp(at)}>"


def code(text: str, length: int = LONGEST_CODE) -> str:
    """What others chose or typed, as code in mrkdwn cut to a length; nothing in it ends it."""
    return f"`{fit(escape(clean(text, length).replace('`', chr(39))), LONGEST_CODE)}`"


def fit(escaped: str, longest: int) -> str:
    """Escaped text cut to a length, but not within an entity."""
    if len(escaped) <= longest:
        return escaped
    cut = escaped[: longest - 1]
    entity = cut.rfind("&")
    return (cut if entity < 0 or ";" in cut[entity:] else cut[:entity]) + "…"


def fitting(lines: Iterable[str], longest: int) -> list[str]:
    """As many of the first lines as fit together into so many characters."""
    found: list[str] = []
    room = longest + 1
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        found.append(line)
    return found


def packed(lines: Iterable[str]) -> list[str]:
    """Lines in as few texts as hold them, each short enough for a section if every line is."""
    texts: list[str] = []
    for line in lines:
        if texts and len(texts[-1]) + len(line) < LONGEST_SECTION:
            texts[-1] += f"\n{line}"
        else:
            texts.append(line)
    return texts
