"""Kinds of question: which have an answer, the words that only they take, and what fits them.

To add a kind: add it to `ANSWERED`, its own words to `_EXTRA`, what makes no sense to `_UNFIT`; the
gatherer of its answer belongs into the registry of `bot.analysis`.
"""

from __future__ import annotations

from collections.abc import Callable

from reports.questions.query import Query, QueryKind

ANSWERED = frozenset({QueryKind.PRICE, QueryKind.LIMITS, QueryKind.KEYS})
"""The kinds that have an answer, besides usage; their words are read as questions."""

ExtraWords = Callable[[str, list[str]], tuple[str, ...]]
"""Takes a word in lower case and the words after it, the next one last, from which it may pop.
Returns the words as `Query.extra` keeps them, or none where the word is not one of the kind's.
"""


def _me(word: str, _: list[str]) -> tuple[str, ...]:
    return ("me",) if word == "me" else ()


def _key_traits(word: str, following: list[str]) -> tuple[str, ...]:
    """A trait of keys; `unused` may be followed by a number of days, as `30d`."""
    if word not in _KEY_TRAITS:
        return ()
    after = following[-1].lower() if following else ""
    if word != "unused" or not days_of(after):
        return (word,)
    following.pop()
    return (word, after)


def days_of(word: str) -> int:
    """The number of days in a word like `30d`, at most ten years; 0 for any other word."""
    count = word.removesuffix("d")
    right = word.endswith("d") and count.isascii() and count.isdecimal() and len(count) < 5
    return int(count) if right and 0 < int(count) <= _MOST_DAYS else 0


_KEY_TRAITS = frozenset({"unused", "unlimited", "orphaned", "expiring"})
_MOST_DAYS = 3_650
_NOW = "`{kind}` is about now, so it takes no {part}."
_EXTRA: dict[QueryKind, ExtraWords] = {QueryKind.LIMITS: _me, QueryKind.KEYS: _key_traits}
_UNFIT: dict[QueryKind, dict[str, str]] = {
    QueryKind.PRICE: {
        "metric": "A price is spend divided by tokens and requests, so `price` takes no metric.",
        "comparison": "`price` can't be compared yet. `why spend` shows what prices changed.",
    },
    QueryKind.LIMITS: {
        "metric": "Limits are limits on spend, so `limits` takes no metric.",
        "period": _NOW.format(kind="limits", part="period"),
        "dimension": "`limits` lists each limit by itself, so it takes no `by`.",
        "comparison": _NOW.format(kind="limits", part="comparison"),
        "source": "Each limit says by itself whether BYOK counts, so `limits` takes no source.",
    },
    QueryKind.KEYS: {
        "metric": "`keys` lists keys with their spend of 30 days, so it takes no metric.",
        "period": "`keys` is about now; only `unused` takes a number of days: `keys unused 60d`.",
        "dimension": "`keys` lists each key by itself, so it takes no `by`.",
        "comparison": _NOW.format(kind="keys", part="comparison"),
        "source": "`keys` shows all spend, so it takes no source.",
    },
}
"""The sentence about each part of a question that makes no sense for a kind."""


def kind_of(word: str) -> QueryKind | None:
    """The kind that a word in lower case begins; None for usage and for words of no kind."""
    return next((kind for kind in ANSWERED if kind == word), None)


def extra_words(kind: QueryKind, word: str, following: list[str]) -> tuple[str, ...]:
    """The words of `Query.extra` that begin with a word; none where it is not the kind's own."""
    read = _EXTRA.get(kind)
    return read(word, following) if read else ()


def unfit(query: Query, typed: frozenset[str]) -> str:
    """Why a question makes no sense, from the parts that were typed; empty where it does."""
    sentences = _UNFIT.get(query.kind, {})
    return next((said for part, said in sentences.items() if part in typed), "")
