"""Questions that ask in which direction something goes: `are costs going down?`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from reports.natural import vocabulary

_ASKING = {
    "is", "are", "was", "were", "am", "has", "have", "did", "do", "does", "isn't", "aren't",
    "hasn't", "haven't", "didn't", "how",
}  # fmt: skip
DIRECTIONS = {
    "growing", "grow", "grows", "grew", "grown", "shrinking", "shrink", "shrank", "shrunk",
    "increasing", "increase", "increased", "decreasing", "decrease", "decreased", "rising", "rise",
    "rose", "risen", "falling", "fall", "fell", "fallen", "dropping", "drop", "dropped", "climbing",
    "climb", "climbed", "jumping", "jump", "jumped", "spiking", "spike", "spiked", "declining",
    "decline", "declined", "trending", "gone",
}  # fmt: skip
"""Verbs that say in which direction something goes."""
GROWTH = {"growth", "increase", "increases", "decrease", "decreases"}
"""Nouns that ask for a change."""
_NORMAL = {"normal", "usual", "typical"}
QUALITY = {
    "better", "worse", "getting", "improve", "improves", "improving", "improved", "worsen",
    "worsens", "worsening", "worsened", "change", "changes", "changing", "changed",
}  # fmt: skip
"""Words that ask how something has changed that can be good or bad."""
_SIDES = {"up", "down", "higher", "lower"}
_AMOUNTS = {"more", "less", "fewer"}
_USING = {"use", "used", "using", "uses", "spend", "spends", "spent", "spending", "pay", "paid",
          "paying", "burn", "burned", "burning", "cost", "costs", "costing"}  # fmt: skip
_SUBJECTS = {*vocabulary.METRICS, "volume", "traffic", "budget"} - {"everything", "overview"}
_NOT_A_SIDE = {("up", "to"), ("down", "to"), ("break", "down"), ("broken", "down"), ("end", "up"),
               ("ended", "up"), ("add", "up")}  # fmt: skip


def asks_for_direction(words: Sequence[str]) -> bool:
    """Whether words (lower case, without names) ask if something goes up or down.

    A question that says what to compare with (`is spend up vs last month`) is one about usage.
    """
    given, pairs = set(words), set(pairwise(words))
    if not words or words[0] not in _ASKING or not given & (_SUBJECTS | _USING):
        return False
    if given & {"vs", "versus", "or"} or _compares(words):
        return False
    if words[0] == "how":
        return bool(given & DIRECTIONS)
    moves = given & (DIRECTIONS | _SIDES) and not pairs & _NOT_A_SIDE
    return bool(moves or (given & _AMOUNTS and given & _USING))


def asks_for_change(words: Sequence[str]) -> bool:
    """Whether words (lower case, without names) about latency or errors ask how that changed."""
    moves = set(words) & (DIRECTIONS | _SIDES | QUALITY)
    asked = bool(words) and words[0] in _ASKING
    return asked and bool(moves) and not set(pairwise(words)) & _NOT_A_SIDE


def asks_for_reasons(words: Sequence[str]) -> bool:
    """Whether words ask what made something change, or if it was volume or price.

    For example `what made our bill go up` and `did prices rise or did we use more`.
    """
    given, text = set(words), f" {' '.join(words)} "
    made = given & _MAKING and given & _WHAT
    if made and given & (DIRECTIONS | _SIDES | _AMOUNTS | _EXPENSIVE | {"change", "changed"}):
        return True
    if given & {"or", "vs", "versus"} and given & _PRICES and given & (_VOLUME | _USING | {"mix"}):
        return bool(given & (_VOLUME | {"mix"}) or given & _AMOUNTS)
    return any(f" {word} {usual} " in text for word in AGAINST for usual in _NORMAL)


AGAINST = ("compared to", "compared with", "in comparison to", "relative to", "against", "vs",
           "versus", "above", "below", "over", "under")  # fmt: skip
"""What comes before `normal` where that is the comparison."""
_MAKING = {"made", "makes", "making", "pushed", "pushing", "raised", "sent", "brought"}
_WHAT = {"what", "what's", "which", "who"}
_EXPENSIVE = {"expensive", "pricier", "costlier", "cheaper", "high", "bigger", "larger"}
_PRICES = {"price", "prices", "pricing"}
_VOLUME = {"volume", "volumes", "usage", "tokens", "traffic"}


def asks_what_grew(words: Sequence[str]) -> bool:
    """Whether words ask for growth, or what grew the most: `which key went up the most`."""
    given = set(words)
    if given & {"vs", "versus"} or _compares(words):
        return False
    if words and words[0] in _ASKING and given & _NORMAL:  # `is today normal`
        return True
    grew = given & (DIRECTIONS | {"up"}) and {"most", "fastest"} & given
    return bool(given & GROWTH or (grew and not set(pairwise(words)) & _NOT_A_SIDE))


def _compares(words: Sequence[str]) -> bool:
    """Whether words say what to compare with; `than usual` and `than before` do not."""
    return any(
        before in {"than", "against", "to"} and word not in {"usual", "normal", "before", "go"}
        for before, word in pairwise(words)
    )
