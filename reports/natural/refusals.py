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
_OTHER_QUANTILE = re.compile(r"p(?:75|80|9(?!5$)[0-9](?:\.?9+)?)")  # others may name a key: `p40`
_TIMES = {"latency", "latencies", "response", "slow", "seconds", "respond", "p50", "p95"}
_PEOPLE = {"who", "who's", "users", "user", "people", "person", "members", "creators", "anyone",
           "employees", "nobody"}  # fmt: skip
_IDLE = {"inactive", "idle", "never"}
_DOES_NOT = {"haven't", "hasn't", "didn't", "doesn't", "don't", "isn't", "aren't"}
_DOING = {"touched", "tried", "spent", "spend", "used", "use", "using", "uses", "made", "active"}
_CATALOG = ("access to", "models are available", "models available", "available models",
            "models can we use", "models exist", "models are there", "models does openrouter",
            "models openrouter has")  # fmt: skip
_CHEAPEST = ("cheapest alternative", "cheapest replacement", "cheaper alternative to",
             "cheaper replacement")  # fmt: skip
_NAMELESS = ("a cheaper model", "cheaper models", "cheaper alternative", "cheaper alternatives",
             "a cheaper one", "cheaper option", "cheaper options", "less expensive model",
             "another model", "different model", "other models")  # fmt: skip
_MOVING = {"save", "if", "would", "could", "switch", "move", "use", "try", "there", "should",
           "moved", "switched", "used"}  # fmt: skip
_HOLIDAYS = {"christmas", "xmas", "thanksgiving", "easter", "holidays", "holiday", "halloween",
             "ramadan", "hanukkah", "diwali"}  # fmt: skip
_FISCAL = {"fiscal", "fy", "fy25", "fy26", "fy27"}
_CHANGING = {"create", "raise", "lower", "increase", "decrease", "set", "block", "unblock",
             "rotate", "disable", "enable", "revoke", "rename", "delete", "remove", "add", "change",
             "give",
             "make", "ban", "kill", "stop", "invite", "unlimit"}  # fmt: skip
_CHANGED = {"key", "keys", "limit", "limits", "user", "member", "model", "models", "budget",
            "guardrail", "access"}  # fmt: skip
_ALWAYS_CHANGING = {"block", "unblock", "rotate", "ban", "revoke", "invite"}
_ASKING_FOR = {"report", "list", "chart", "alert", "alerts", "schedule", "me", "us", "breakdown",
               "csv", "pdf", "summary", "table"}  # fmt: skip
_PAYMENTS = {"refund", "refunds", "refunded", "fee", "fees", "tax", "taxes", "vat", "markup",
             "payment", "payments", "receipt", "receipts", "invoices", "bought", "purchased",
             "surcharge", "topups", "top-ups"}  # fmt: skip
_OF_PAYING = ("did we buy", "we buy", "last top up", "topped up", "top up history", "credit card",
              "payment method")  # fmt: skip
_ANNUAL = {"annual", "annualized", "annualised", "annually"}
_TIMES_OF_DAY = ("which weekday", "what weekday", "by weekday", "per weekday", "day of the week",
                 "days of the week", "time of day", "time of the day", "hour of the day",
                 "at night", "on weekdays", "office hours", "working hours",
                 "business hours")  # fmt: skip
UNUSUAL = (
    "I can't look for unusual usage; `alert spike by key` finds it, and `why today` explains a"
    " change."
)
NO_OTHER_QUANTILES = (
    "I can show p50 and p95 of how long requests take, and no other percentiles: `latency`."
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
READ_ONLY = (
    "I only read: keys, limits, budgets and models are changed at openrouter.ai/settings. `alert`"
    " can tell you when an amount is reached."
)
NO_PAYMENTS = (
    "I don't see payments, invoices, fees or refunds; `balance` shows the credits that are left,"
    " and `spend last month` what was used."
)
NO_EMAIL = "I can't send e-mail; I can attach a file here, like `spend last month csv`."
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
    unusual = _UNUSUAL & set(words) or " out of control " in said
    if unusual and "why" not in words:
        return UNUSUAL
    if words and (found := _about_what_is_not_known(words, said)):
        return found
    if {"remind", "reminder", "reminders"} & set(words):
        return NO_REMINDERS
    if any(f" {phrase} " in said for phrase in _TIMES_OF_DAY):
        return NO_TIMES_OF_DAY
    return NO_ALL_TIME if _asks_for_all_time(words) else ""


_NOT_KNOWN: tuple[tuple[set[str], tuple[str, ...], str], ...] = (
    (_PAYMENTS, _OF_PAYING, NO_PAYMENTS),
    (set(), ("by email", "via email", "by e-mail"), NO_EMAIL),
    (_HOLIDAYS, ("black friday", "new year's"), NO_HOLIDAYS),
    (_FISCAL, ("business day", "business days", "working day", "working days"), NO_FISCAL_CALENDAR),
    (set(), ("tokens per request", "tokens per call", "request size"), NO_REQUEST_SIZE),
    (set(), _CHEAPEST, NAME_A_MODEL),
    (_ANNUAL, (), NOT_ANNUALIZED),
)
"""Words and phrases, any of which is sufficient, and the refusal."""


def _about_what_is_not_known(words: Sequence[str], said: str) -> str:
    """The refusal of a question about something that isn't stored; empty for other questions."""
    given = set(words)
    for triggers, phrases, refused in _NOT_KNOWN:
        if triggers & given or any(f" {phrase} " in said for phrase in phrases):
            return refused
    if any(map(_OTHER_QUANTILE.fullmatch, given)):
        return NO_OTHER_QUANTILES
    if _MEDIANS & given and not _TIMES & given:
        return NO_MEDIANS
    if words[0] in {"email", "e-mail", "mail"}:
        return NO_EMAIL
    asks_to_change = words[0] in _CHANGING and not _ASKING_FOR & given
    if asks_to_change and (_CHANGED & given or words[0] in _ALWAYS_CHANGING):
        return READ_ONLY
    return _about_members(given, said)


def _about_members(given: set[str], said: str) -> str:
    """The refusal of a question about people, keys and models that aren't stored."""
    if any(word.startswith("cach") for word in given):
        return ""
    keys = {"key", "keys"} & given
    idle = _IDLE & given or (_DOES_NOT & given and _DOING & given)
    if idle and _PEOPLE & given and not keys:
        return NO_IDLE_PEOPLE
    if keys and {"disabled", "deactivated"} & given:
        return NO_DISABLED_KEYS
    if any(f" {phrase} " in said for phrase in _CATALOG) and not keys:
        return NO_CATALOG
    nameless = any(f" {phrase} " in said for phrase in _NAMELESS)
    return NAME_A_MODEL if nameless and _MOVING & given else ""


def _asks_for_all_time(words: Sequence[str]) -> bool:
    padded = f" {' '.join(words)} "
    if any(f" {phrase} " in padded for phrase in _UNITS_TO_DATE) or _QUARTER_TO_DATE.search(padded):
        return False
    return any(f" {phrase} " in padded for phrase in _ALL_TIME)
