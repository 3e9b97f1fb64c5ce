"""The help: an overview with a button for each section, and the sections."""

from __future__ import annotations

from collections.abc import Sequence

from reports.alerts.kinds.registry import KINDS
from reports.block_kit.elements import actions, button, section
from reports.block_kit.message import Message
from reports.wording.safe_text import clean, escape

SECTIONS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "What",
        (
            ("spend", "credits plus estimated BYOK cost, in dollars (also `cost`)"),
            ("tokens", "prompt and completion; reasoning is part of completion"),
            ("requests", "number of calls, including the chatroom; default: all three"),
        ),
    ),
    (
        "When",
        (
            ("1h 1d 1w 1m 1y", "also `3h`, `7d`, ...; `1m` is a month; default: `1d`"),
            ("today yesterday", "also `mtd`, `ytd`, `this week`, `last month`, ..."),
            ("2026-10", "a month; a day: `2026-10-03`; a range: `2026-10-01..2026-10-15`"),
            ("tz Europe/Berlin", "use this time zone for days instead of the default"),
        ),
    ),
    (
        "Whose",
        (
            ("by model", "group by model; also `by key`, `by creator`"),
            ("model:claude*", "only these; `*` matches anything"),
            ('key:"Prod key"', "use quotes around a name with spaces"),
            ("creator:me", "your own usage; also `creator:@ada`, `creator:ada@example.com`"),
        ),
    ),
    (
        "How",
        (
            ("credits", "only spend from credits; `byok`: only your own provider keys"),
            ("top 5", "show the top 5 (default 10); the rest become Others"),
            ("vs last month", "compare with last month; also `vs before`, `vs last year`"),
            ("csv", "also attach a CSV file; or `pdf`"),
            ("share", "post the answer in the channel"),
        ),
    ),
)
IN_YOUR_OWN_WORDS: tuple[tuple[str, str], ...] = (
    ("what did we spend on opus last week by person", "mention me, or send me a DM"),
    ("by key", "reply in the thread of an answer; also `only gemini`, `vs last month`"),
    ("every monday 9:00", "reply in a thread to schedule its question"),
    ("tell me if we spend more than $50 a day", "sets up an alert"),
)
"""Natural language and replies, which only work in Slack."""
_UNDER = "Use the menus under an answer to change it or drill down."
SCHEDULES: tuple[tuple[str, str], ...] = (
    ("schedule weekly spend by creator", "here, every Monday at 9:00, about last week"),
    ("schedule daily 8:30 to me", "also `weekdays`, `monthly 15`, `monthly last`, `0 9 * * 1`"),
    ("schedule weekly to creators", "admins only: each creator gets their own usage; also `csv`"),
    ("schedules", "list yours to preview, run, pause, edit or delete them"),
)
"""Scheduled reports."""
FILES: tuple[tuple[str, str], ...] = (
    ("spend 1m by key csv", "a spreadsheet with all figures"),
    ("cost last month by creator pdf", "a document to print or forward"),
    ("requests 7d csv share", "posts both in the channel; otherwise sent to your DM"),
)
UNDERSTANDING: tuple[tuple[str, str], ...] = (
    (
        "price 1m by model",
        "dollars per million tokens and per request; also `by key`, `by creator`",
    ),
    ("why spend last week", "what changed: more tokens, other models and keys, or other prices"),
    ("why spend mtd by creator", "the same for each creator; also `why tokens`, `why requests`"),
    ("forecast", "how the month ends and how sure that is; also `forecast today`, `this week`"),
    ("forecast over $5000", "whether it is likely to go over an amount"),
    ("new models this month", "what was first used, and by whom; also `new keys`, `new creators`"),
    ("retiring", "models that end soon, who still uses them and for how much"),
    ("cache 1m by key", "the share of prompt tokens from a cache, and what caching saved"),
    ("latency 1w by model", "p50 and p95 of how long requests take; needs ClickHouse"),
    ("errors 1w by provider", "how many requests failed; needs ClickHouse, as `by provider` does"),
    (
        "whatif opus -> sonnet 1m",
        "the same at another model's list prices; also `whatif all -> sonnet`",
    ),
    ("limits", "every limit in the order in which it will be full; also `limits me`"),
    ("keys", "who owns each API key and when it was last used; also `keys unused 60d`"),
    ("balance", "the credits that are left and when they run out; also `balance this month`"),
    ("me", "your own month against your usual, and your limits"),
)
"""Questions that explain usage."""
ALERTS: tuple[tuple[str, str], ...] = (
    *(entry for kind in KINDS for entry in kind.help),
    ("alert quiet 22:00-7:00", "send no alerts at night, unless marked `urgent`"),
    ("alerts", "list yours to edit, pause or delete them"),
)
RUNNING: tuple[tuple[str, str], ...] = (
    ("status", "how fresh the data is; admins also see recent and upcoming deliveries"),
    ("audit", "admins only: who asked, exported, scheduled and changed what"),
    ("audit 7d csv", "the audit log of a period as a file; `audit @ada` filters by person"),
    ("help schedules", "one section of this help"),
)
EXAMPLES = ("spend 1d by model", "tokens 1m by key top 5", "cost last month by creator csv")
ACTION = "help_"
"""The prefix of the buttons' action ids; the section's name follows."""
TOPICS = {
    "asking": "Questions",
    "understanding": "Prices, changes and forecasts",
    "files": "Files",
    "schedules": "Schedules",
    "alerts": "Alerts",
    "running": "Status and audit",
}
"""Section names and their headings."""
_ABOUT = "Ask about your OpenRouter usage"
_ORDER = "[what] [when] [whose] [how]"
_ENTRIES = {
    "understanding": UNDERSTANDING,
    "files": FILES,
    "schedules": SCHEDULES,
    "alerts": ALERTS,
    "running": RUNNING,
}
_MORE = {"files": "The CSV and PDF buttons under an answer export what it shows."}
_OVERVIEW = (
    "Or mention me in a channel or send me a DM, in your own words. `schedules` and `alerts` list"
    " your scheduled reports and alerts; `status` shows how fresh the data is."
)


def help_message(command: str, topic: str = "", unknown: str = "") -> Message:
    """The help as a Slack message: an overview, or the section of a topic in TOPICS.

    `unknown` is the requested topic if it isn't a section. Buttons lead to all sections.
    """
    parts = [_unknown(unknown)] if unknown else []
    if topic == "asking":
        parts += [_entries(heading, entries) for heading, entries in SECTIONS]
        parts += [
            _entries("In your own words", IN_YOUR_OWN_WORDS),
            _UNDER,
            _tries(command, EXAMPLES),
        ]
    elif topic in _ENTRIES:
        entries = _ENTRIES[topic]
        parts.append(_entries(TOPICS[topic], entries))
        parts += [_MORE[topic]] if topic in _MORE else []
        parts.append(_tries(command, [words for words, _ in entries[:2]]))
    else:
        parts.append(f"*{_ABOUT}:* `{escape(command)} {_ORDER}`, words in any order.")
        parts += [_tries(command, EXAMPLES), _OVERVIEW]
    buttons = [button(label, f"{ACTION}{name}", name) for name, label in TOPICS.items()]
    return Message("\n\n".join(parts), (*map(section, parts), actions(*buttons)))


def _unknown(typed: str) -> str:
    names = ", ".join(f"`{name}`" for name in TOPICS)
    return f"There is no help section “{escape(clean(typed, 40))}”. The sections are {names}."


def _entries(heading: str, entries: Sequence[tuple[str, str]]) -> str:
    return "\n".join(
        [f"*{heading}*", *(f"`{escape(w)}`  {escape(meaning)}" for w, meaning in entries)]
    )


def _tries(command: str, examples: Sequence[str]) -> str:
    name = escape(command)
    return "\n".join(["*Try*", *(f"`{name} {escape(example)}`" for example in examples)])


def help_text(command: str) -> str:
    """The help as text for the terminal; `command` is the command's name there."""
    widest = max(len(words) for _, entries in SECTIONS for words, _ in entries)
    lines = [f"{_ABOUT}: {command} {_ORDER}, words in any order."]
    for heading, entries in SECTIONS:
        lines += ["", heading]
        lines += [f"  {words:<{widest}}  {meaning.replace('`', '')}" for words, meaning in entries]
    return "\n".join([*lines, "", "Try", *(f"  {command} {example}" for example in EXAMPLES)])
