"""Block Kit elements for messages, App Home and modals.

Each function enforces Slack's text limits. Limits on counts (25 elements in an actions block, 100
options in a menu) are the caller's responsibility.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from reports.questions.wording import stamp
from reports.wording.safe_text import clean, escape

Block = dict[str, Any]

LONGEST_SECTION = 2_900
"""The length that callers fill sections to; Slack's limit is 3,000 characters."""
LONGEST_CODE = 1_200
"""The default length of a code span: enough for a long command, with room for text in the
section."""
_SECTION_CUT = 2_950
# Slack's limits: fields or context elements in a block, then characters in labels, titles of
# confirmations and headers. Sections are cut below the limit of 3,000.
_MOST_BESIDE = 10
_LABEL, _TITLE, _HEADER = 75, 100, 150


def plain(text: str, length: int = 2_000) -> Block:
    """Plain text on one line, cut to a length."""
    return {"type": "plain_text", "text": clean(text, length)}


def mrkdwn(text: str) -> Block:
    """mrkdwn text in which URLs and channel names don't become links automatically."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def section(text: str) -> Block:
    """A paragraph of mrkdwn, cut to Slack's limit."""
    return {"type": "section", "text": mrkdwn(text[:_SECTION_CUT])}


def fields(*texts: str) -> Block:
    """Paragraphs of mrkdwn in two columns; only the first ten."""
    return {
        "type": "section",
        "fields": [mrkdwn(text) for text in texts[:_MOST_BESIDE]],
    }


def header(text: str) -> Block:
    """A header of plain text, cut to 150 characters."""
    return {"type": "header", "text": plain(text, _HEADER)}


def context(*texts: str) -> Block:
    """Small gray mrkdwn texts; only the first ten."""
    return {
        "type": "context",
        "elements": [mrkdwn(text) for text in texts[:_MOST_BESIDE]],
    }


def divider() -> Block:
    """A horizontal line."""
    return {"type": "divider"}


def table(rows: Sequence[Sequence[str]]) -> Block:
    """A table of plain text cells, headers first; all columns but the first are right-aligned."""
    settings = [{"is_wrapped": True}, *({"align": "right"} for _ in rows[0][1:])]
    return {
        "type": "table",
        "column_settings": settings,
        "rows": [[{"type": "raw_text", "text": cell} for cell in row] for row in rows],
    }


def button(
    label: str, action: str, value: str = "", *, style: str = "", confirm: Block | None = None
) -> Block:
    """A button; `style` is `primary`, `danger` or ""; the label is cut to 75 characters."""
    element: Block = {"type": "button", "action_id": action, "text": plain(label, _LABEL)}
    if value:
        element["value"] = value
    if style:
        element["style"] = style
    return {**element, "confirm": confirm} if confirm else element


def confirmation(title: str, text: str, yes: str) -> Block:
    """A confirmation dialog for a button; `yes` labels its confirm button, the other says Keep."""
    return {
        "title": plain(title, _TITLE),
        "text": plain(text, 300),
        "confirm": plain(yes, 30),
        "deny": plain("Keep", 30),
    }


def option(label: str, value: str) -> Block:
    """A menu option; the label is cut to 75 characters."""
    return {"text": plain(label, _LABEL), "value": str(value)}


def menu(action: str, label: str, options: list[Block], chosen: str = "") -> Block:
    """A menu; `chosen` is the value of the selected option, "" to show the label instead."""
    selected = [one for one in options if chosen and one["value"] == chosen]
    return {
        "type": "static_select",
        "action_id": str(action),
        "placeholder": plain(label, _HEADER),
        "options": options,
        **({"initial_option": selected[0]} if selected else {}),
    }


def actions(*elements: Block) -> Block:
    """A row of buttons and menus; Slack allows at most 25."""
    return {"type": "actions", "elements": list(elements)}


def moment(at: datetime, fallback: str = "") -> str:
    """An aware time as mrkdwn, shown in each reader's zone; `fallback` must be escaped."""
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} {{time}}|{fallback or stamp(at)}>"


def code(text: str, length: int = LONGEST_CODE) -> str:
    """Untrusted text as an mrkdwn code span, cut to a length; back-ticks in it are replaced."""
    return f"`{fit(escape(clean(text, length).replace('`', chr(39))), LONGEST_CODE)}`"


def fit(escaped: str, longest: int) -> str:
    """Escaped text cut to a length, but not inside an entity such as `&amp;`."""
    if len(escaped) <= longest:
        return escaped
    cut = escaped[: longest - 1]
    entity = cut.rfind("&")
    return (cut if entity < 0 or ";" in cut[entity:] else cut[:entity]) + "…"


def fitting(lines: Iterable[str], longest: int) -> list[str]:
    """The first lines, as many as fit in `longest` characters."""
    fitted: list[str] = []
    room = longest + 1
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        fitted.append(line)
    return fitted


def packed(lines: Iterable[str]) -> list[str]:
    """Lines joined into as few section-sized texts as possible."""
    texts: list[str] = []
    for line in lines:
        if texts and len(texts[-1]) + len(line) < LONGEST_SECTION:
            texts[-1] += f"\n{line}"
        else:
            texts.append(line)
    return texts
