"""The words that only questions about limits, keys and models take, and what does not fit them."""

from __future__ import annotations

import re

from reports.wording.token_cursor import TokenCursor

_KEY_TRAITS = frozenset({"unused", "unlimited", "orphaned", "expiring"})
_MOST_DAYS = 3_650
_A_COUNT = re.compile(r"[0-9]+[a-z]?")
UNUSED_DAYS = f"`unused` takes a number of days from 1 to {_MOST_DAYS:,}, like `keys unused 60d`."
_NOW = "`{kind}` is about now, so it takes no {part}."
_ARROWS = {"->", "→", "=>", "to"}


def me(word: str, _: TokenCursor) -> tuple[str, ...]:
    """Read `me` in `limits me`: one's own limits."""
    return ("me",) if word == "me" else ()


def key_traits(word: str, following: TokenCursor) -> tuple[str, ...]:
    """Read a trait of keys, or `me`; `unused` may be followed by a number of days, as `30d`.

    Raises ValueError for a number without days, or out of range.
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
    return (word, after)


def _no_days(following: TokenCursor) -> bool:
    """Whether a number without `d` follows; `30 days` is left to natural language."""
    after = following.peek().lower()
    return bool(_A_COUNT.fullmatch(after)) and not (after.isdecimal() and following.peek(1))


def what_is_new(word: str, _: TokenCursor) -> tuple[str, ...]:
    """Read what `new` is about: `models`, `keys` or `creators`, in the singular too."""
    found = {"user": "creator", "member": "creator"}.get(one := word.removesuffix("s"), one)
    return (f"{found}s",) if found in {"model", "key", "creator"} else ()


def two_models(word: str, following: TokenCursor) -> tuple[str, ...]:
    """Read `opus -> sonnet`: the model that is used, and the one to reprice it on."""
    if len(following) < 2 or following.peek() not in _ARROWS:
        return ()
    following.take()
    return (word.strip('"'), "->", following.take().lower().strip('"'))


def days_of(word: str) -> int:
    """The number of days in a word like `30d`, at most ten years; 0 for any other word."""
    count = word.removesuffix("d")
    right = word.endswith("d") and count.isascii() and count.isdecimal() and len(count) < 5
    return int(count) if right and 0 < int(count) <= _MOST_DAYS else 0


LIMITS_UNFIT = {
    "metric": "Limits are limits on spend, so `limits` takes no metric.",
    "period": _NOW.format(kind="limits", part="period"),
    "dimension": "`limits` lists each limit by itself, so it takes no `by`.",
    "comparison": _NOW.format(kind="limits", part="comparison"),
    "source": "Each limit says by itself whether BYOK counts, so `limits` takes no source.",
}
KEYS_UNFIT = {
    "metric": "`keys` lists keys with their spend of 30 days, so it takes no metric.",
    "period": "`keys` is about now; only `unused` takes a number of days: `keys unused 60d`.",
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
    "metric": "`retiring` lists models with their usage of 30 days, so it takes no metric.",
    "period": _NOW.format(kind="retiring", part="period"),
    "comparison": _NOW.format(kind="retiring", part="comparison"),
    "source": "`retiring` shows all spend, so it takes no source.",
}
NEW_WHAT = "Say what is to be new: `new models`, `new keys` or `new creators`."
NEW_UNFIT = {
    "metric": "`new` lists what was first used, with its usage, so it takes no metric.",
    "dimension": "`new models`, `new keys` or `new creators` lists each by itself, so it takes no"
    " `by`.",
    "comparison": "`new` looks at everything before the period, so it takes no `vs`.",
    "source": "`new` shows all spend, so it takes no source.",
}

LATENCY_UNFIT = {
    "metric": "`latency` is the time that requests took, so it takes no metric.",
    "comparison": "`latency` can't be compared with another time yet, so it takes no `vs`.",
    "source": "`latency` is that of all requests, so it takes no source.",
}
ERRORS_UNFIT = {
    "metric": "`errors` counts requests that failed, so it takes no metric.",
    "comparison": "`errors` can't be compared with another time yet, so it takes no `vs`.",
    "source": "`errors` counts all requests that failed, so it takes no source.",
}


def is_unfit(problem: str) -> bool:
    """Whether a sentence says that a part of a question makes no sense for one of these kinds."""
    kinds = (LIMITS_UNFIT, KEYS_UNFIT, WHATIF_UNFIT, RETIRING_UNFIT, NEW_UNFIT, LATENCY_UNFIT,
             ERRORS_UNFIT)  # fmt: skip
    return any(problem in one.values() for one in kinds)
