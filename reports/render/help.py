"""What can be asked, in words: shown by `/activity help` and held against the README by a test."""

from __future__ import annotations

from reports.render.blocks import Block, Message
from reports.text import escape

SECTIONS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "What",
        (
            ("spend", "dollars: credits and BYOK, which is estimated (also `cost`)"),
            ("tokens", "prompt and completion; reasoning is part of completion"),
            ("requests", "calls, the chatroom's too; without any of these: all three"),
        ),
    ),
    (
        "When",
        (
            ("1h 1d 1w 1m 1y", "or `3h`, `7d`, ...; `1m` is a month; without any: `1d`"),
            ("today yesterday", "`mtd`, `ytd`, `this week`, `last month`, ..."),
            ("2026-10", "a month; a day `2026-10-03`; a span `2026-10-01..2026-10-15`"),
            ("tz Europe/Berlin", "days begin at midnight there, not at the default zone's"),
        ),
    ),
    (
        "Whose",
        (
            ("by model", "or `by key`, `by creator`: a table, and a line each in the chart"),
            ("model:claude*", "these alone; `*` stands for anything"),
            ('key:"Prod key"', "quotes around a name with spaces"),
            ("creator:me", "your own; or `creator:@ada`, `creator:ada@example.com`"),
        ),
    ),
    (
        "How",
        (
            ("credits", "or `byok` (your own provider keys): spend from that source alone"),
            ("top 5", "so many groups, the others added up (without it 10)"),
            ("csv", "or `pdf`: the file as well"),
            ("share", "the answer is for the whole channel"),
        ),
    ),
)
STANDING: tuple[tuple[str, str], ...] = (
    (
        "schedule weekly spend by creator",
        "here every Monday at 9:00: last week, who and what moved",
    ),
    ("schedule daily 8:30 to me", "or `weekdays`, `monthly 15`, `monthly last`, `0 9 * * 1`"),
    ("schedule weekly to creators", "each one privately their own part; `csv`, `pdf` as well"),
    ("schedules", "yours, with buttons: preview, run now, pause, edit, delete"),
)
"""What only Slack has: reports that come by themselves."""
EXAMPLES = ("spend 1d by model", "tokens 1m by key top 5", "cost last month by creator csv")
_ABOUT = "Ask what your OpenRouter organisation uses"
_ORDER = "[what] [when] [whose] [how]"


def help_message(command: str) -> Message:
    """The help as a Slack message."""
    name = escape(command)
    sections = [f"{_ABOUT}: `{name} {_ORDER}`, words in any order."]
    for heading, entries in SECTIONS:
        lines = [
            f"`{escape(words)}`  {meaning}" if words else meaning for words, meaning in entries
        ]
        sections.append("\n".join([f"*{heading}*", *lines]))
    lines = [f"`{escape(words)}`  {meaning}" for words, meaning in STANDING]
    sections.append("\n".join(["*Again and again*", *lines]))
    sections.append("\n".join(["*Try*", *(f"`{name} {example}`" for example in EXAMPLES)]))
    blocks: tuple[Block, ...] = tuple(_section(text) for text in sections)
    return Message("\n\n".join(sections), blocks)


def help_text(command: str) -> str:
    """The help for a terminal."""
    widest = max(len(words) for _, entries in SECTIONS for words, _ in entries)
    lines = [f"{_ABOUT}: {command} {_ORDER}, words in any order."]
    for heading, entries in SECTIONS:
        lines += ["", heading]
        lines += [f"  {words:<{widest}}  {meaning.replace('`', '')}" for words, meaning in entries]
    return "\n".join([*lines, "", "Try", *(f"  {command} {example}" for example in EXAMPLES)])


def _section(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}
