"""The balance and limits as a Slack message, as text for the terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from reports.block_kit.elements import Block, header, moment, section, table
from reports.block_kit.message import Message, RunButton, run_buttons, text_message
from reports.questions.wording import stamp
from reports.usage.balance import Balance, duration_words
from reports.usage.format import money, percent
from reports.usage.limits import Limit
from reports.usage.usage import dollars
from reports.wording.safe_text import clean, escape

UNKNOWN = (
    "I don't know the balance: OpenRouter hasn't reported the organization's credits. It may not"
    " be allowed for this key; `status` says more."
)
NO_LIMITS = "No key or workspace that you can see has a spending limit at OpenRouter."
MOST_LIMITS = 25
MOST_OWN = 10
_NAME = 60
_RUNS = (
    RunButton("Credits spent, past week", "spend 7d credits"),
    RunButton("Limits and budgets", "budget"),
)


def balance_message(balance: Balance | None) -> Message:
    """The remaining credits and how long they last."""
    if balance is None:
        return text_message(UNKNOWN)
    card = credits_card(balance)
    return Message(escape(balance_text(balance)), (card, *run_buttons(_RUNS)))


def balance_text(balance: Balance | None) -> str:
    """The same as plain text."""
    if balance is None:
        return UNKNOWN
    lasts = lasting_words(balance).removeprefix(":warning: ")
    return f"Credits: {money(balance.left)} left, as of {stamp(balance.reported_at)}\n{lasts}"


def balance_json(balance: Balance | None, command: str, as_of: datetime | None) -> dict[str, Any]:
    """The same as JSON values: money as decimal strings, times in UTC; null is unknown."""
    found: dict[str, Any] = {
        "query": {"command": f"{command} balance"},
        "as_of": None if as_of is None else _iso(as_of),
        "partial": [] if balance else ["the balance is not known"],
    }
    if balance is None:
        return {**found, "bought": None, "left": None, "pace": None, "lasts": None}
    over = balance.over.total_seconds()
    lasts, runs_out = balance.lasts, balance.runs_out
    return {
        **found,
        "as_of": _iso(balance.reported_at),
        "bought": dollars(balance.bought),
        "left": dollars(balance.left),
        "pace": {"spend": dollars(balance.used), "hours": round(over / 3600, 3)},
        "lasts": None if lasts is None else {
            "hours": int(lasts.total_seconds() // 3600),
            "until": None if runs_out is None else _iso(runs_out),
        },
    }  # fmt: skip


def limits_message(limits: Sequence[Limit]) -> Message:
    """Limits as a table, fullest first."""
    if not limits:
        return text_message(NO_LIMITS)
    rows = [["Limit", "Used", "Of", "Share", "Resets"], *map(_row, limits[:MOST_LIMITS])]
    return Message(escape(limits_text(limits)), (header("Limits and budgets"), table(rows)))


def limits_section(limits: Sequence[Limit]) -> list[Block]:
    """The limits of a person's own keys as a section; empty if there are none."""
    if not limits:
        return []
    lines = escape(limits_text(limits[:MOST_OWN]))
    return [section(f"*Limits of your keys*\n{lines}")]


def limits_text(limits: Sequence[Limit]) -> str:
    """Limits as plain text."""
    lines = []
    for one in limits[:MOST_LIMITS]:
        name, used, limit, share, resets = _row(one)
        when = f"resets {resets}" if one.resets_at else "never resets"
        lines.append(f"• {name}: {used} of {limit} ({share}), {when}")
    if len(limits) > MOST_LIMITS:
        lines.append(f"{len(limits) - MOST_LIMITS} more")
    return "\n".join(lines) or NO_LIMITS


def limits_json(limits: Sequence[Limit], command: str, as_of: datetime | None) -> dict[str, Any]:
    """Limits as JSON values: money as decimal strings, `share` as a number; null is unknown."""
    return {
        "query": {"command": f"{command} budget"},
        "as_of": None if as_of is None else _iso(as_of),
        "partial": [],
        "budgets": [
            {
                "label": one.label,
                "limit": dollars(one.limit),
                "spent": None if one.used is None else dollars(one.used),
                "share": None if one.share is None else float(one.share),
                "resets": None if one.resets_at is None else _iso(one.resets_at),
            }
            for one in limits
        ],
    }


def _row(one: Limit) -> list[str]:
    used = "unknown" if one.used is None else money(one.used)
    share = "–" if one.share is None else percent(one.share)
    resets = (
        f"{one.resets_at:%a} {one.resets_at.day} {one.resets_at:%b}" if one.resets_at else ("never")
    )
    return [clean(one.label, _NAME), used, money(one.limit), share, resets]


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def credits_card(balance: Balance) -> Block:
    """The remaining credits and how long they last."""
    head = f"*Credits*  *{money(balance.left)}* left, as of {moment(balance.reported_at)}"
    return section(f"{head}\n{lasting_words(balance)}")


def lasting_words(balance: Balance) -> str:
    """How long the credits last, as a sentence in mrkdwn."""
    mark = ":warning: " if balance.low else ""
    if balance.left <= 0:
        return f"{mark}The credits are used up."
    if balance.lasts is None:
        return "No credits were spent in the past week."
    pace = f"At last week's pace ({money(balance.used)})"
    return f"{mark}{pace} this lasts {duration_words(balance.lasts)}."
