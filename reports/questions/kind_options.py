"""Options of questions about limits, keys and models, and messages about parts that don't fit."""

from __future__ import annotations

import re
from datetime import date

from reports.wording.token_cursor import TokenCursor

_KEY_TRAITS = frozenset({"unused", "unlimited", "orphaned", "expiring"})
_MOST_DAYS = 3_650
_A_DAY = re.compile(r"[0-9]{4}-[0-9]{2}(-[0-9]{2})?")
_A_COUNT = re.compile(r"[0-9]+[a-z]?")
NO_TARGET = "Name the model to compare with after the arrow, as in `whatif opus -> sonnet`."
UNUSED_DAYS = f"`unused` takes a number of days from 1 to {_MOST_DAYS:,}, like `keys unused 60d`."
_NOW = "`{kind}` is about now, so it takes no {part}."
_ARROWS = {"->", "→", "=>", "to"}
_EVERYTHING = {"all", "everything", "any", "*"}


def me(word: str, _: TokenCursor) -> tuple[str, ...]:
    """Read `me` in `limits me`: the limits of the person who asks."""
    return ("me",) if word == "me" else ()


def key_traits(word: str, following: TokenCursor) -> tuple[str, ...]:
    """Read a trait of keys, or `me`; `unused` may be followed by a number of days, as `30d`.

    Raises ValueError for a number without `d`, or out of range.
    """
    if word not in _KEY_TRAITS:
        return me(word, following)
    after = following.peek().lower()
    if word == "unused" and not days_of(after) and _no_days(following):
        following.take()
        raise ValueError(UNUSED_DAYS)
    if word != "unused" or not days_of(after):
        return (word,)
    following.take()
    return (word, f"{days_of(after)}d")


def _no_days(following: TokenCursor) -> bool:
    """Whether a number without `d` follows; natural language reads `30 days`."""
    after = following.peek().lower()
    return bool(_A_COUNT.fullmatch(after)) and not (after.isdecimal() and following.peek(1))


def what_is_new(word: str, _: TokenCursor) -> tuple[str, ...]:
    """Read what `new` lists: `models`, `keys` or `creators`, also in the singular."""
    found = {"user": "creator", "member": "creator"}.get(one := word.removesuffix("s"), one)
    return (f"{found}s",) if found in {"model", "key", "creator"} else ()


def before_day(word: str, following: TokenCursor) -> tuple[str, ...]:
    """Read `before 2027-01` or `before 2027-01-15` in `retiring before ...`."""
    after = following.peek()
    if word != "before" or first_day(after) is None:
        return ()
    following.take()
    return (word, after)


def first_day(word: str) -> date | None:
    """A day (`2027-01-15`), or the first day of a month (`2027-01`); None for any other word."""
    if not _A_DAY.fullmatch(word):
        return None
    try:
        return date.fromisoformat(word if len(word) > len("2027-01") else f"{word}-01")
    except ValueError:
        return None


def two_models(word: str, following: TokenCursor) -> tuple[str, ...]:
    """Read `opus -> sonnet`: the model that is used, and the one to reprice it on.

    `all -> sonnet`, `everything -> sonnet` and `-> sonnet` reprice all models. Raises ValueError
    for an arrow with nothing after it.
    """
    arrows = _ARROWS - {"to"}
    if word in arrows and following:
        return ("all", "->", following.take().lower().strip('"'))
    if word in arrows or (following.peek() in arrows and len(following) == 1):
        following.take()
        raise ValueError(NO_TARGET)
    if len(following) < 2 or following.peek() not in _ARROWS:
        return ()
    following.take()
    source = "all" if word in _EVERYTHING else word.strip('"')
    return (source, "->", following.take().lower().strip('"'))


def days_of(word: str) -> int:
    """The number of days in a word like `30d` or `2w`, at most ten years; 0 for any other word."""
    count, unit = word[:-1], word[-1:]
    if unit not in {"d", "w"} or not (count.isascii() and count.isdecimal() and len(count) < 5):
        return 0
    days = int(count) * (7 if unit == "w" else 1)
    return days if days <= _MOST_DAYS else 0


LIMITS_UNFIT = {
    "metric": "Limits are limits on spend, so `limits` takes no metric.",
    "period": _NOW.format(kind="limits", part="period"),
    "model": "Limits are set for keys, members and workspaces, not for models, so `limits` can't be"
    " filtered by model.",
    "dimension": "`limits` lists each limit by itself, so it takes no `by`.",
    "comparison": _NOW.format(kind="limits", part="comparison"),
    "source": "Each limit says by itself whether BYOK counts, so `limits` takes no source.",
}
KEYS_UNFIT = {
    "metric": "`keys` lists keys with their spend of 30 days, so it takes no metric.",
    "model": "`keys` can be filtered by key and creator, but not by model.",
    "period": "`keys` is about now; only `unused` takes a number of days: `keys unused 60d`. `keys"
    " expiring` lists what expires within 14 days, with dates.",
    "dimension": "`keys` lists each key by itself, so it takes no `by`.",
    "comparison": _NOW.format(kind="keys", part="comparison"),
    "source": "`keys` shows all spend, so it takes no source.",
}
WHATIF_UNFIT = {
    "metric": "`whatif` reprices spend, so it takes no metric.",
    "comparison": "`whatif` compares two models, so it takes no `vs`.",
    "source": "`whatif` reprices all usage of a model, so it takes no source.",
}
RETIRING_UNFIT = {
    "by model": "`retiring` lists models anyway; `by key` or `by creator` says who uses them.",
    "metric": "`retiring` lists models with their usage of 30 days, so it takes no metric.",
    "period": _NOW.format(kind="retiring", part="period"),
    "comparison": _NOW.format(kind="retiring", part="comparison"),
    "source": "`retiring` shows all spend, so it takes no source.",
}
NEW_WHAT = "Say what to list: `new models`, `new keys` or `new creators`."
NEW_UNFIT = {
    "metric": "`new` lists what was first used, with its usage, so it takes no metric.",
    "dimension": "`new models`, `new keys` or `new creators` lists each by itself, so it takes no"
    " `by`.",
    "comparison": "`new` looks at everything before the period, so it takes no `vs`.",
    "source": "`new` shows all spend, so it takes no source.",
}

LATENCY_UNFIT = {
    "metric": "`latency` is the time that requests took, so it takes no metric.",
    "source": "`latency` is that of all requests, so it takes no source.",
}
ERRORS_UNFIT = {
    "metric": "`errors` counts requests that failed, so it takes no metric.",
    "source": "`errors` counts all requests that failed, so it takes no source.",
}


def is_unfit(problem: str) -> bool:
    """Whether a message says that a part of a question doesn't fit one of these kinds."""
    kinds = (LIMITS_UNFIT, KEYS_UNFIT, WHATIF_UNFIT, RETIRING_UNFIT, NEW_UNFIT, LATENCY_UNFIT,
             ERRORS_UNFIT)  # fmt: skip
    return problem == NEW_WHAT or any(problem in one.values() for one in kinds)
