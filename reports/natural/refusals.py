"""Recognizes requests in natural language that can't be answered."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reports.alerts.threshold import is_currency
from reports.natural.alert_wishes import asks_for_alert
from reports.natural.short_messages import needs_an_answer, short_message
from reports.wording.safe_text import plain

_LEAVE = {"quit", "exit", "logout", "close", "q", ":q"}
_ALL_TIME = ("all time", "all-time", "alltime", "forever", "ever", "lifetime", "life time",
             "since the beginning of time", "since inception", "to date")  # fmt: skip
_UNITS_TO_DATE = ("month to date", "year to date", "week to date", "quarter to date")
_QUARTER_TO_DATE = re.compile(r" q[1-4] to date ")
_NOT_COUNTED = {
    "throughput", "uptime", "downtime", "outages", "tps",
}  # fmt: skip
_UNDO = {"undo", "back", "go back", "revert", "undo that", "previous", "undo it"}
_FEWER = {"less", "fewer", "shorter"}
_CURRENCY = {"in", "show", "me", "as", "please", "convert", "to", "and", "it", "that", "can", "you"}
NO_UNDO = (
    "I can't undo a question; to continue from an earlier one, reply in the thread of its answer."
)
IN_DOLLARS = "Amounts are in US dollars, as OpenRouter bills them."
FEWER = "To see fewer groups, say how many, like `top 3`."
NOT_COUNTED = (
    "I can't show throughput or uptime. With ClickHouse I can show `latency` and `errors`."
)
_UNUSUAL = {"unusual", "anomaly", "anomalies", "anomalous", "abnormal", "weird", "strange", "odd",
            "suspicious", "outlier", "outliers", "unexpected"}  # fmt: skip
_MEDIANS = {"median", "percentile", "percentiles", "deviation", "stddev", "quartile"}
_TIMES = {"latency", "latencies", "response", "slow", "seconds", "respond", "p50", "p95"}
_PEOPLE = {"who", "who's", "users", "user", "people", "person", "members", "creators", "anyone",
           "employees", "nobody"}  # fmt: skip
_IDLE = {"inactive", "idle", "never"}
_DOES_NOT = {"haven't", "hasn't", "didn't", "doesn't", "don't", "isn't", "aren't"}
_DOING = {"spent", "spend", "used", "use", "using", "uses", "made", "active"}
_CATALOG = ("access to", "models are available", "models available", "available models",
            "models can we use", "models exist", "models are there", "models does openrouter",
            "models openrouter has")  # fmt: skip
_NAMELESS = ("a cheaper model", "cheaper models", "cheaper alternative", "cheaper alternatives",
             "a cheaper one", "cheaper option", "cheaper options", "less expensive model",
             "another model", "different model", "other models")  # fmt: skip
_MOVING = {"save", "if", "would", "could", "switch", "move", "use", "try", "there", "should",
           "moved", "switched", "used"}  # fmt: skip
_HOLIDAYS = {"christmas", "xmas", "thanksgiving", "easter", "holidays", "holiday", "halloween",
             "ramadan", "hanukkah", "diwali"}  # fmt: skip
_FISCAL = {"fiscal", "fy", "fy25", "fy26", "fy27"}
_ANNUAL = {"annual", "annualized", "annualised", "annually"}
_TIMES_OF_DAY = ("which weekday", "what weekday", "by weekday", "per weekday", "day of the week",
                 "days of the week", "time of day", "time of the day", "hour of the day",
                 "at night", "on weekdays", "office hours", "working hours",
                 "business hours")  # fmt: skip
UNUSUAL = (
    "I can't look for unusual usage; `alert spike by key` finds it, and `why today` explains a"
    " change."
)
NO_MEDIANS = (
    "I can show averages, not medians or percentiles: `price` has the average cost of a request."
)
NO_IDLE_PEOPLE = (
    "I can't list people without usage. `spend 1m by creator top 50` lists those who used"
    " something, and `keys unused` the keys that nobody used."
)
NO_CATALOG = (
    "I only know the models that you used: `1y by model` lists them. OpenRouter's whole list is at"
    " openrouter.ai/models."
)
NAME_A_MODEL = (
    "I can reprice usage on a model that you name, like `whatif opus -> sonnet`; `price by model`"
    " shows which models cost less."
)
NOT_ANNUALIZED = (
    "I can't turn a pace into a yearly amount; `forecast this year` shows how this year ends, and"
    " `spend 1y` each month."
)
NO_HOLIDAYS = "I don't know when holidays are; name the dates, like `spend dec 24-26`."
NO_FISCAL_CALENDAR = (
    "I don't know business days or fiscal years; name the dates, like"
    " `spend 2026-04-01..2026-06-30`."
)
NO_REQUEST_SIZE = (
    "I don't divide tokens by requests; `1m` shows both, and `price` what a request costs."
)
NO_DISABLED_KEYS = (
    "I can't pick out disabled keys; `keys` lists all keys, and `keys unused` those nobody used."
)
NO_REMINDERS = "I can't remind you, but I can send a report: `schedule weekly spend by key to me`."
NO_TIMES_OF_DAY = (
    "I can't compare weekdays or hours of the day; `spend 1m` shows each day, `spend 1d` each hour."
)
NOTHING_TO_CLOSE = "There is nothing to close; `help` shows what you can ask."
NO_ALL_TIME = (
    "I can't show all time at once; name a period like `1y` (the past year) or `since 2025-01-01`."
)


def refusal(text: str) -> str:
    """Why a text that isn't a command can't be answered, in one sentence of plain text.

    Empty for everything else, including words that are just unknown. Ignores quoted names and
    filters.
    """
    words = [word.strip("?!.,;()") for word in plain(text).casefold().split()]
    words = [word for word in words if word and '"' not in word and ":" not in word[1:]]
    if len(words) == 1 and words[0] in _LEAVE:
        return NOTHING_TO_CLOSE
    if short_message(text):
        return needs_an_answer(plain(text))
    if " ".join(words) in _UNDO:
        return NO_UNDO
    if words and set(words) - {"show", "groups"} <= _FEWER and _FEWER & set(words):
        return FEWER
    others = [word for word in words if word not in _CURRENCY]
    if len(words) > 1 and len(others) == 1 and is_currency(others[0]):
        return IN_DOLLARS
    if asks_for_alert(words):  # `tell me if we ever spend $50 a day` is an alert
        return ""
    said = f" {' '.join(words)} "
    if _NOT_COUNTED & set(words) or " per second " in said:
        return NOT_COUNTED
    if _UNUSUAL & set(words) and "why" not in words:
        return UNUSUAL
    if found := _about_what_is_not_known(set(words), said):
        return found
    if {"remind", "reminder", "reminders"} & set(words):
        return NO_REMINDERS
    if any(f" {phrase} " in said for phrase in _TIMES_OF_DAY):
        return NO_TIMES_OF_DAY
    return NO_ALL_TIME if _asks_for_all_time(words) else ""


def _about_what_is_not_known(given: set[str], said: str) -> str:
    """The refusal of a question about something that isn't stored; empty for other questions."""
    if _MEDIANS & given and not _TIMES & given:
        return NO_MEDIANS
    keys = {"key", "keys"} & given
    if _HOLIDAYS & given or " black friday " in said or " new year's " in said:
        return NO_HOLIDAYS
    if _FISCAL & given or " business day" in said or " working day" in said:
        return NO_FISCAL_CALENDAR
    if " tokens per request " in said or " tokens per call " in said or " request size " in said:
        return NO_REQUEST_SIZE
    if any(word.startswith("cach") for word in given):
        return ""
    idle = _IDLE & given or (_DOES_NOT & given and _DOING & given)
    if idle and _PEOPLE & given and not keys:
        return NO_IDLE_PEOPLE
    if keys and {"disabled", "deactivated"} & given:
        return NO_DISABLED_KEYS
    if any(f" {phrase} " in said for phrase in _CATALOG) and "key" not in said:
        return NO_CATALOG
    if any(f" {phrase} " in said for phrase in _NAMELESS) and _MOVING & given:
        return NAME_A_MODEL
    return NOT_ANNUALIZED if _ANNUAL & given else ""


def _asks_for_all_time(words: Sequence[str]) -> bool:
    padded = f" {' '.join(words)} "
    if any(f" {phrase} " in padded for phrase in _UNITS_TO_DATE) or _QUARTER_TO_DATE.search(padded):
        return False
    return any(f" {phrase} " in padded for phrase in _ALL_TIME)
