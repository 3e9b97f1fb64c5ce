"""Shows the balance and limits as a Slack message, as text for the terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from reports.analysis.balance import Balance, lasting_sentence
from reports.analysis.limits_answer import NOT_READ, ZONE_NOTE, full_json
from reports.analysis.own_month import OwnMonth, usual_sentence
from reports.block_kit.elements import Block, context, header, moment, section, table
from reports.block_kit.message import Message, RunButton, run_buttons, text_message
from reports.questions.topics import BalanceAsked, balance_words
from reports.questions.wording import stamp
from reports.usage.format import money, percent
from reports.usage.limits import Limit
from reports.usage.usage import dollars
from reports.wording.safe_text import clean, escape

UNKNOWN = (
    "I don't know the balance: OpenRouter hasn't reported the organization's credits. It may not"
    " be allowed for this key; `status` says more."
)
NO_LIMITS = "No key, member or workspace that you can see has a spending limit at OpenRouter."
_PACE_NOTE = (
    "The usual pace is what `forecast` expects of a week, spread over its hours as in the past four"
    " weeks; the times in parentheses are for a busy and a quiet week."
)
MOST_LIMITS = 25
MOST_OWN = 10
_NAME = 60
_RUNS = (
    RunButton("Credits spent, past week", "spend 7d credits"),
    RunButton("Limits and budgets", "budget"),
)


def balance_message(balance: Balance | None, zone: str) -> Message:
    """The remaining credits and when they run out, with times in the reader's zone."""
    if balance is None:
        return text_message(UNKNOWN)
    blocks = [credits_card(balance, zone)]
    if note := _times_note(balance, zone):
        blocks.append(context(note))
    return Message(escape(balance_text(balance, zone)), (*blocks, *run_buttons(_RUNS)))


def balance_text(balance: Balance | None, zone: str) -> str:
    """The same as plain text."""
    if balance is None:
        return UNKNOWN
    lasts = lasting_words(balance, zone).removeprefix(":warning: ")
    if not balance.bought and not balance.left:
        return lasts
    head = f"Credits: {money(balance.left)} left, as of {stamp(balance.reported_at)}"
    first = (lasts, head) if balance.enough else (head, lasts)  # what is asked is answered first
    return "\n".join(filter(None, (*first, _times_note(balance, zone))))


def balance_json(
    balance: Balance | None, command: str, as_of: datetime | None, asked: BalanceAsked | None = None
) -> dict[str, Any]:
    """The same as JSON values: money as decimal strings, times in UTC; null is unknown.

    `asked` is the request; by default one without a time zone.
    """
    asked = asked or BalanceAsked(balance.goal.unit if balance and balance.goal else None)
    found: dict[str, Any] = {
        "query": {"command": f"{command} {balance_words(asked)}"},
        "as_of": None if as_of is None else _iso(as_of),
        "partial": [] if balance else ["the balance is not known"],
    }
    if balance is None:
        nothing = dict.fromkeys(("bought", "left", "pace", "lasts", "full"))
        return {**found, **nothing}
    lasts, full = balance.lasts, balance.full
    return {
        **found,
        "as_of": _iso(balance.reported_at),
        "bought": dollars(balance.bought),
        "left": dollars(balance.left),
        "pace": {"spend": dollars(balance.spent), "hours": balance.hours},
        "lasts": None if lasts is None or full is None else {
            "hours": int(lasts.total_seconds() // 3600), "until": _iso(full.at)
        },
        "full": None if full is None else full_json(full),
        **({"until": _iso(balance.goal.end), "enough": balance.enough} if balance.goal else {}),
    }  # fmt: skip


def limits_message(limits: Sequence[Limit], *, known: bool = True) -> Message:
    """Limits as a table, fullest first. `known`: whether OpenRouter's limits were ever read."""
    if not limits:
        return text_message(NO_LIMITS if known else NOT_READ)
    rows = [["Limit", "Used", "Of", "Share", "Resets"], *map(_row, limits[:MOST_LIMITS])]
    return Message(escape(limits_text(limits)), (header("Limits and budgets"), table(rows)))


def limits_section(limits: Sequence[Limit]) -> list[Block]:
    """The limits of a person and their keys as a section; empty if there are none."""
    if not limits:
        return []
    lines = escape(limits_text(limits[:MOST_OWN]))
    return [section(f"*Your limits*\n{lines}")]


def usual_section(month: OwnMonth) -> list[Block]:
    """A section that compares a person's month with their usual one."""
    return [section(f"*Your usual*\n{escape(usual_sentence(month))}")]


def limits_text(limits: Sequence[Limit], *, known: bool = True) -> str:
    """Limits as plain text. `known`: whether OpenRouter's limits were ever read."""
    lines = []
    for one in limits[:MOST_LIMITS]:
        name, used, limit, share, resets = _row(one)
        when = f"resets {resets}" if one.resets_at else "never resets"
        lines.append(f"• {name}: {used} of {limit} ({share}), {when}")
    if len(limits) > MOST_LIMITS:
        lines.append(f"{len(limits) - MOST_LIMITS} more")
    return "\n".join(lines) or (NO_LIMITS if known else NOT_READ)


def limits_json(limits: Sequence[Limit], command: str, as_of: datetime | None) -> dict[str, Any]:
    """Limits as JSON values: money as decimal strings, `share` as a number; null is unknown."""
    return {
        "query": {"command": f"{command} budget"},
        "as_of": None if as_of is None else _iso(as_of),
        "partial": [],
        "budgets": budgets_json(limits),
    }


def budgets_json(limits: Sequence[Limit]) -> list[dict[str, Any]]:
    """Each limit as JSON values."""
    return [
        {
            "label": one.label,
            "limit": dollars(one.limit),
            "spent": None if one.used is None else dollars(one.used),
            "share": None if one.share is None else float(one.share),
            "resets": None if one.resets_at is None else _iso(one.resets_at),
        }
        for one in limits
    ]


def _row(one: Limit) -> list[str]:
    used = "unknown" if one.used is None else money(one.used)
    share = "–" if one.share is None else percent(one.share)
    resets = (
        f"{one.resets_at:%a} {one.resets_at.day} {one.resets_at:%b}" if one.resets_at else ("never")
    )
    return [clean(one.label, _NAME), used, money(one.limit), share, resets]


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def credits_card(balance: Balance, zone: str) -> Block:
    """The remaining credits and when they run out, in the reader's zone."""
    head = f"*Credits*  *{money(balance.left)}* left, as of {moment(balance.reported_at)}"
    lasts = lasting_words(balance, zone)
    if not balance.bought and not balance.left:
        return section(f"*Credits*  {lasts}")
    return section(f"{lasts}\n{head}" if balance.enough else f"{head}\n{lasts}")


def lasting_words(balance: Balance, zone: str) -> str:
    """When the credits run out and how long that is, as a sentence in mrkdwn."""
    mark = ":warning: " if balance.low else ""
    return f"{mark}{lasting_sentence(balance, zone)}"


def _times_note(balance: Balance, zone: str) -> str:
    """A note on what the times mean and which zone they are in; empty if there are none."""
    return f"{_PACE_NOTE} {ZONE_NOTE.format(zone=zone)}" if balance.lasts else ""
