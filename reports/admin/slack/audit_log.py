"""The log of who did what: its newest entries as a message, all of it as CSV."""

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

MOST = 20
KEPT_DAYS = 400
HEADER = "Time,Person,Email,Act,What,Where,Outcome"
_MENTION = re.compile(r"<([@#])[A-Z0-9]+\|([^<>|]*)>")
_MOST_CHARACTERS = 9_000
_LONGEST_TEXT = 3_800


def message(
    entries: Sequence[AuditEntry], count: int, asked: AuditRequest, command: str
) -> Message:
    """The newest entries; `count` is how many there are of what was asked for."""
    head = f"*Who did what*{_scope(asked)}"
    if not entries:
        return _message([f"{head}: nothing is noted.", _more(command)])
    told = fitting([_line(entry) for entry in entries], _MOST_CHARACTERS)
    shown = f"the newest {len(told)} of {count:,}" if count > len(told) else f"{count:,}"
    lines = [f"{head}, {shown} {'entry' if count == 1 else 'entries'}", *told]
    return _message([*lines, _more(command)])


def write_csv(entries: Iterable[AuditEntry], out: BinaryIO) -> int:
    """Write entries as CSV, newest first as they come; returns how many there were.

    What others chose or typed can be no formula in a spreadsheet. Times are UTC.
    """
    out.write(f"{HEADER}\n".encode())
    written = 0
    for one in entries:
        at = f"{one.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        ended = as_typed(plain(one.outcome))
        values = (at, one.person, one.email, one.act, one.what, one.where, ended)
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
    who = f"<@{one.person}>" if one.person.isalnum() else "somebody"
    return f"• {moment(one.at)} {who} {one.act}{what}{where}{ended}"


def _named(what: str) -> str:
    """What somebody typed, with people and channels as it was shown to them: @ada, #spend."""
    return _MENTION.sub(lambda found: found[1] + (found[2] or "(private)"), what)


def _plain(words: str) -> str:
    """Words said to somebody, with ids for mentions, and nothing that ends italics."""
    said = clean(as_typed(plain(words)), 80)
    return escape(said).replace("_", " ").replace("`", "'")


def _more(command: str) -> str:
    name = escape(command)
    return (
        f"`{name} audit csv` exports everything; `{name} audit @ada 7d` filters. Entries are"
        f" kept for {KEPT_DAYS} days."
    )


def _message(lines: list[str]) -> Message:
    blocks = tuple(section(part) for part in packed(lines))
    return Message("\n".join(fitting(lines, _LONGEST_TEXT)), blocks)
