"""What can be asked, in words: shown by `/activity help` and held against the README by a test."""

from __future__ import annotations

from collections.abc import Sequence

from reports.render.blocks import Message
from reports.render.parts import section
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
            ("vs last month", "what it was then beside it; also `vs before`, `vs last year`"),
            ("csv", "or `pdf`: the file as well"),
            ("share", "the answer is for the whole channel"),
        ),
    ),
)
TALK: tuple[tuple[str, str], ...] = (
    ("what did we spend on opus last week by person", "mention me, or write to me alone"),
    ("by key", "in the thread of an answer, report or alert; also `only gemini`, `vs last month`"),
    ("every monday 9:00", "there as well: the question again and again"),
    ("tell me if we spend more than $50 a day", "an alert, as you would say it"),
)
"""What only Slack has: people's own words, and threads that go on."""
_UNDER = "The selects under an answer change it in its place, and open one group after the other."
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
FILES: tuple[tuple[str, str], ...] = (
    ("spend 1m by key csv", "the answer, and its figures as a spreadsheet"),
    ("cost last month by creator pdf", "the same to print, or to send on"),
    ("requests 7d csv share", "the whole channel has both; else they are in our direct messages"),
)
ALERTS: tuple[tuple[str, str], ...] = (
    ("alert spend > $50 per day by creator", "or `key:prod`; also tokens, requests, per hour, ..."),
    ("alert budget 80% to owner", "limits as set at OpenRouter; to you, or `in #finance`"),
    ("alert spike by key", "far above its usual; `credits < $100`, `new model`, `new key`"),
    ("alert forecast > $5,000 per month", "what the month is going to end at"),
    ("alert quiet 22:00-7:00", "quiet hours, except for rules marked `urgent`"),
    ("alerts", "yours, with buttons: edit, pause, delete"),
)
"""What tells people by itself that something is unusual."""
RUNNING: tuple[tuple[str, str], ...] = (
    ("status", "how fresh the data is; to admins also what is next and what went out"),
    ("audit", "for admins: who asked for, exported, scheduled and changed what"),
    ("audit 7d csv", "of a time, as a file; `audit @ada` of one person"),
    ("help schedules", "one section alone, as `asking`, `files`, `alerts`, `running`"),
)
EXAMPLES = ("spend 1d by model", "tokens 1m by key top 5", "cost last month by creator csv")
_ABOUT = "Ask what your OpenRouter organisation uses"
_ORDER = "[what] [when] [whose] [how]"
_BESIDE = {
    "files": ("Files", FILES, "The buttons under an answer bring what it showed, to who clicks."),
    "schedules": ("Again and again", STANDING, ""),
    "alerts": ("When something is unusual", ALERTS, ""),
    "running": ("Running it", RUNNING, ""),
}
"""The sections beside asking, by what follows `help`: heading, entries, a sentence of its own."""


def help_message(command: str, topic: str = "") -> Message:
    """The help as a Slack message: all of it, or a section alone."""
    about = f"{_ABOUT}: `{escape(command)} {_ORDER}`, words in any order."
    parts = []
    if topic in {"", "asking"}:
        parts += [about, *(_entries(heading, entries) for heading, entries in SECTIONS)]
        parts.append("\n".join((_entries("Or in your own words", TALK), _UNDER)))
    for name, (heading, entries, more) in _BESIDE.items():
        if entries and topic in {"", name}:
            parts.append("\n".join(filter(None, (_entries(heading, entries), more))))
    if not parts:
        return help_message(command)
    if topic in {"", "asking"}:
        parts.append(_tries(command, EXAMPLES))
    else:
        parts.append(_tries(command, [words for words, _ in _BESIDE[topic][1][:2]]))
    return Message("\n\n".join(parts), tuple(section(text) for text in parts))


def _entries(heading: str, entries: Sequence[tuple[str, str]]) -> str:
    return "\n".join(
        [f"*{heading}*", *(f"`{escape(w)}`  {escape(meaning)}" for w, meaning in entries)]
    )


def _tries(command: str, examples: Sequence[str]) -> str:
    name = escape(command)
    return "\n".join(["*Try*", *(f"`{name} {escape(example)}`" for example in examples)])


def help_text(command: str) -> str:
    """The help for a terminal."""
    widest = max(len(words) for _, entries in SECTIONS for words, _ in entries)
    lines = [f"{_ABOUT}: {command} {_ORDER}, words in any order."]
    for heading, entries in SECTIONS:
        lines += ["", heading]
        lines += [f"  {words:<{widest}}  {meaning.replace('`', '')}" for words, meaning in entries]
    return "\n".join([*lines, "", "Try", *(f"  {command} {example}" for example in EXAMPLES)])
