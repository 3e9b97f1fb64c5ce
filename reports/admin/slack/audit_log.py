"""Shows the audit log: its newest entries as a message, or all entries as CSV."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import BinaryIO

from reports.admin.audit_log import DONE, AuditEntry
from reports.admin.grammar import AuditRequest
from reports.block_kit.elements import code, fitting, moment, packed, section
from reports.block_kit.message import Message
from reports.questions.wording import period_words
from reports.render.csv import quoted
from reports.wording.safe_text import as_typed, clean, escape, plain

MOST = 20  # entries in a message
KEPT_DAYS = 400
HEADER = "Time,Person,Email,Act,What,Where,Outcome"
_MENTION = re.compile(r"<([@#])[A-Z0-9]+\|([^<>|]*)>")
_MOST_CHARACTERS = 9_000  # a message holds about 13,200 in all blocks
_LONGEST_TEXT = 3_800  # below Slack's recommended 4,000 characters


def message(
    entries: Sequence[AuditEntry], count: int, asked: AuditRequest, command: str
) -> Message:
    """The newest entries; `count` is the number of matching entries."""
    title = f"*Audit log*{_scope(asked)}"
    if not entries:
        return _message([f"{title}: no entries.", _more(command)])
    entry_lines = fitting([_line(entry) for entry in entries], _MOST_CHARACTERS)
    shown_count = (
        f"the newest {len(entry_lines)} of {count:,}" if count > len(entry_lines) else f"{count:,}"
    )
    lines = [f"{title}, {shown_count} {'entry' if count == 1 else 'entries'}", *entry_lines]
    return _message([*lines, _more(command)])


def write_csv(entries: Iterable[AuditEntry], out: BinaryIO) -> int:
    """Write entries as CSV, in the given order; returns their number.

    Spreadsheets can't run untrusted text as formulas. Times are UTC.
    """
    out.write(f"{HEADER}\n".encode())
    written = 0
    for one in entries:
        at = f"{one.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        outcome = as_typed(plain(one.outcome))
        values = (at, one.person, one.email, one.act, one.what, one.where, outcome)
        out.write((",".join(map(quoted, values)) + "\n").encode())
        written += 1
    return written


def file_name(at: datetime) -> str:
    """The name of the file."""
    return f"activity-audit-{at:%Y%m%d-%H%M%S}.csv"


def _scope(asked: AuditRequest) -> str:
    of = f" of <@{asked.person}>" if asked.person else ""
    return of + (f", {escape(period_words(asked.period))}" if asked.period else "")


def _line(one: AuditEntry) -> str:
    what = f" {code(_named(one.what), 120)}" if one.what else ""
    where = f" in <#{one.where}>" if one.where[:1] in {"C", "G"} else ""
    ended = "" if one.outcome == DONE else f": _{_plain(one.outcome)}_"
    who = f"<@{one.person}>" if one.person.isalnum() else "someone"
    return f"• {moment(one.at)} {who} {one.act}{what}{where}{ended}"


def _named(what: str) -> str:
    """Typed text with names instead of mentions: @ada, #spend."""
    return _MENTION.sub(lambda found: found[1] + (found[2] or "(private)"), what)


def _plain(words: str) -> str:
    """Text for italics in mrkdwn, without mentions and characters that end it."""
    text = clean(as_typed(plain(words)), 80)
    return escape(text).replace("_", " ").replace("`", "'")


def _more(command: str) -> str:
    name = escape(command)
    return (
        f"`{name} audit csv` exports everything; `{name} audit @ada 7d` filters. Entries are"
        f" kept for {KEPT_DAYS} days."
    )


def _message(lines: list[str]) -> Message:
    blocks = tuple(section(part) for part in packed(lines))
    return Message("\n".join(fitting(lines, _LONGEST_TEXT)), blocks)
