"""Kinds of question: which have an answer, the words that only they take, and what fits them.

To add a kind: add it to `ANSWERED`, its own words to `_EXTRA`, what makes no sense to `_UNFIT`; the
gatherer of its answer belongs into the registry of `bot.analysis`.
"""

from __future__ import annotations

from collections.abc import Callable

from reports.questions.query import Query, QueryKind

ANSWERED = frozenset({QueryKind.PRICE})
"""The kinds that have an answer, besides usage; their words are read as questions."""

ExtraWords = Callable[[str, list[str]], tuple[str, ...]]
"""Takes a word in lower case and the words after it, the next one last, from which it may pop.
Returns the words as `Query.extra` keeps them, or none where the word is not one of the kind's.
"""
_EXTRA: dict[QueryKind, ExtraWords] = {}
_UNFIT: dict[QueryKind, dict[str, str]] = {
    QueryKind.PRICE: {
        "metric": "A price is spend divided by tokens and requests, so `price` takes no metric.",
        "comparison": "`price` can't be compared yet. `why spend` shows what prices changed.",
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
