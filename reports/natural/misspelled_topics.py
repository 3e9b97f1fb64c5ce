"""Finds misspelled words that name a kind of answer: `forcast`, `limts`, `retireing`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reports.natural import vocabulary
from reports.natural.names import KnownNames
from reports.natural.topics import TOPIC_WORDS
from reports.wording import suggestions as nearest

_SHORTEST = 4
"""Shorter words aren't corrected: with one letter changed they are often other words."""


_LONG = 8
"""Longer words may have two typos, so more letters must be right: `production` is no prediction."""


def spelled_right(typed: str, problem: str, known: KnownNames) -> Iterator[tuple[str, str, str]]:
    """Texts with a misspelled word replaced by one that names a kind of answer.

    Yields the wrong word, the right one, and the whole text with it. Only words that `problem`
    quotes as unknown are replaced.
    """
    words = typed.split()
    for at, word in enumerate(words):
        wrong = word.casefold().strip("?!.,;()")
        unknown = len(wrong) >= _SHORTEST and wrong.isalpha() and f"“{wrong}”" in problem.casefold()
        if not unknown or known.has(wrong) or wrong in vocabulary.FILLERS:
            continue
        if right := nearest.word(wrong, _alike(wrong)):
            yield wrong, right, " ".join((*words[:at], right, *words[at + 1 :]))


def _alike(word: str) -> Iterable[str]:
    """The words to compare with: those that are about as long and begin with the same letter."""
    same = 1 if len(word) <= _LONG else 3
    return (
        one for one in TOPIC_WORDS if abs(len(one) - len(word)) < 2 and one[:same] == word[:same]
    )
