"""Requests in natural language that are recognized but can't be answered."""

from __future__ import annotations

from collections.abc import Sequence

from reports.natural.alert_wishes import asks_for_alert
from reports.wording.safe_text import plain

_LEAVE = {"quit", "exit", "logout", "close", "q", ":q"}
_ALL_TIME = ("all time", "all-time", "alltime", "forever", "ever", "lifetime", "life time",
             "since the beginning of time", "since inception", "to date")  # fmt: skip
_UNITS_TO_DATE = ("month to date", "year to date", "week to date", "quarter to date")
_NOT_COUNTED = {
    "error", "errors", "failure", "failures", "failed", "failing", "latency", "latencies",
    "throughput", "uptime", "downtime", "outages",
}  # fmt: skip
NOT_COUNTED = (
    "I can't show errors or speed: OpenRouter's usage data has spend, tokens and requests only."
)
NOTHING_TO_CLOSE = "There is nothing to close; `help` shows what you can ask."
NO_ALL_TIME = (
    "I can't show all time at once; name a period like `1y` (the past year) or `since 2025-01-01`."
)


def refusal(text: str) -> str:
    """Why a text that is no command can't be answered, in one sentence of plain text.

    Empty for everything else, including words that are merely unknown. Quoted names and filters
    are not looked at.
    """
    words = [word.strip("?!.,;()") for word in plain(text).casefold().split()]
    words = [word for word in words if word and '"' not in word and ":" not in word[1:]]
    if len(words) == 1 and words[0] in _LEAVE:
        return NOTHING_TO_CLOSE
    if asks_for_alert(words):  # `tell me if we ever spend $50 a day` is an alert
        return ""
    if _NOT_COUNTED & set(words):
        return NOT_COUNTED
    return NO_ALL_TIME if _asks_for_all_time(words) else ""


def _asks_for_all_time(words: Sequence[str]) -> bool:
    padded = f" {' '.join(words)} "
    if any(f" {phrase} " in padded for phrase in _UNITS_TO_DATE):
        return False
    return any(f" {phrase} " in padded for phrase in _ALL_TIME)
