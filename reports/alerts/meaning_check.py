"""Checks that a suggested alert keeps everything typed: each number, sign, unit and name."""

from __future__ import annotations

from collections.abc import Sequence

from reports.alerts.threshold import MULTIPLIERS, Amount, amount, currency_of, is_currency
from reports.alerts.vocabulary import ABOVE, BELOW, FILLERS, FREQUENCIES, PER, WATCHES, unit_of
from reports.questions.grammar import DIMENSIONS, METRICS
from reports.wording import suggestions as nearest

_IGNORED = FILLERS | PER | {"alert", "alerts", "to", "in", "by", "api"}


def keeps_meaning(typed: Sequence[str], meant: str) -> bool:
    """Whether each typed word is in a suggestion, or is a misspelling of a word in it.

    `typed` are the words after `alert`, with signs split off. An amount keeps its value, currency
    and percent sign, a threshold its direction, a period its length. False for no suggestion.
    """
    words = meant.lower().split()[1:]
    if not words:
        return False
    amounts = [found for word in words if (found := amount(word))]
    remaining = list(typed)
    while remaining:
        word = remaining.pop(0)
        found = amount(word)
        if found and not (found.value == 1 and word.lower() in FREQUENCIES):
            if not _keeps_amount(found, remaining, amounts):
                return False
        elif not _keeps_word(word.lower().strip(",.!?"), words):
            return False
    return True


def _keeps_amount(found: Amount, remaining: list[str], amounts: Sequence[Amount]) -> bool:
    """Whether an amount is kept, along with the multiplier, currency or percent sign after it."""
    value, percent, currency = found.value, found.percent, found.currency
    if remaining and remaining[0].lower() in MULTIPLIERS:
        value *= MULTIPLIERS[remaining.pop(0).lower()]
    if remaining and remaining[0].lower() in {"%", "percent"}:
        remaining.pop(0)
        percent = True
    elif remaining and is_currency(remaining[0].lower()):
        currency = currency_of(remaining.pop(0))[1]
    # a missing percent sign may be added, but not dropped
    return not currency and any(
        one.value == value and (one.percent or not percent) for one in amounts
    )


def _keeps_word(word: str, words: Sequence[str]) -> bool:
    if not word or word in _IGNORED:
        return True
    if word in ABOVE:
        return ">" in words
    if word in BELOW:
        return "<" in words
    unit = FREQUENCIES.get(word) or unit_of(word)
    known = unit or METRICS.get(word) or WATCHES.get(word) or DIMENSIONS.get(word)
    if known:
        return str(known) in words
    return word in " ".join(words) or bool(nearest.word(word, words))
