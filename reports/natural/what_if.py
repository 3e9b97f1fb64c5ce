"""Which models a what-if question is about: `what if we moved opus to sonnet?`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

ARROWS = {"->", "→", "=>", "-->"}
WHAT_IF_WORDS = {
    "whatif", "simulate", "hypothetically", "swap", "swapped", "swapping", "replace", "replacing",
    "what", "how", "much", "if", "we", "i", "would", "could", "have", "had", "has", "it", "instead",
    "of", "to", "with", "by", "onto", "move", "moved", "switch", "switched", "replaced", "use",
    "used", "using", "cost", "costs", "save", "saved", "what-if", "our", "all", "the", "be",
    "spend", "spent", "from", "everything", "everyone", "everybody", "been", "for", "in", "do",
    "did", "happen", "only", "just", "ran", "run", "running", "us", "a", "were", "was", "went",
    "go", "money", "savings", "saving", "saves", "cheaper", "than", "should", "migrate", "migrated",
    "there", "any", "get", "moving", "switching", "we'd", "i'd", "might", "more", "less", "uses",
    "expensive", "difference", "replaces", *ARROWS,
}  # fmt: skip
"""Words that only say that a question is about other prices."""
_NO_MODEL = {
    "everything", "another", "other", "else", "model", "models", "key", "keys", "creator", "user",
    "move", "moved", "switch", "switched", "change", "changed", "the", "all", "this", "that", "our",
    "something", "cheaper", "month", "week", "day", "year", "last", "use", "used", "cost", "have",
    "costs", "been", "save", "happen", "ran", "run", "runs", "running", "went", "were", "was",
    "everyone", "everybody", "only", "just", "us", "it", "today", "yesterday", "less", "more",
    "money",
}  # fmt: skip
"""Words around `to`, `instead of` and `on` that name no model."""
_TARGET_MARKS = ({"to", "onto"}, {"with", "using"}, {"on"}, {"used", "use", "whatif"}, {"would"})
"""Words before the one model of a question, those that say it most clearly first."""
AWAY = {
    "stop", "stopped", "stopping", "drop", "dropped", "dropping", "without", "away", "rid", "cut",
    "remove", "removed", "leave", "left", "off", "replace", "replaced", "replacing", "no", "got",
    "get",
}  # fmt: skip
"""With these, a single model is the one to move away from."""
ALL = "all"
_EVERY = {ALL, "everything", "any", "*", "models", "else", "whatif", ""}
"""Words before an arrow that name no single model."""


def models_moved(words: Sequence[str]) -> str:
    """`a -> b` if words (lower case) ask to move from one model to another; else "".

    `all -> b` where only the other model is named.
    """
    if after := _after_arrow_from_all(words):
        return f"{ALL} -> {after}"
    if both := _two_models(words):
        return both
    if AWAY & set(words):
        return ""
    target = _one_model(words)
    return f"{ALL} -> {target}" if target else ""


def _after_arrow_from_all(words: Sequence[str]) -> str:
    """The model after an arrow that starts at all models: `all -> kimi`; else ""."""
    triples = zip(("", *words), words, words[1:], strict=False)
    return next((b for a, mark, b in triples if mark in ARROWS and a in _EVERY and len(b) > 1), "")


def _two_models(words: Sequence[str]) -> str:
    padded = [*words, "", ""]
    found = [
        _moved(padded, at)
        for marks in (ARROWS, {"instead"}, {"than"}, {"to", "with", "by", "onto"}, {"for", "on"})
        for at, word in enumerate(words)
        if at and word in marks
    ]
    return " -> ".join(next((pair for pair in found if all(map(_is_name, pair))), ()))


def _one_model(words: Sequence[str]) -> str:
    found = (
        after
        for marks in _TARGET_MARKS
        for word, after in pairwise(words)
        if word in marks and _is_name(after) and after not in WHAT_IF_WORDS
    )
    return next(found, "")


def _is_name(word: str) -> bool:
    """Whether a word may name a model; periods like `1m` and filters do not."""
    return len(word) > 2 and word not in _NO_MODEL and ":" not in word and not word[0].isdigit()


def _moved(padded: Sequence[str], at: int) -> tuple[str, str]:
    """The words for the model before and after, around `to` or `instead of`."""
    if padded[at] == "on" and "would" in padded:  # `what would opus cost on sonnet`
        return padded[padded.index("would") + 1], padded[at + 1]
    if padded[at] == "than":  # `how much cheaper would kimi be than sonnet`
        would = "would" in padded and "cheaper" in padded
        return (padded[at + 1], padded[padded.index("would") + 1]) if would else ("", "")
    if padded[at] != "instead":
        return padded[at - 1], padded[at + 1]
    if padded[at + 1] != "of":
        return "", ""
    to = padded[at - 1]
    if to in _NO_MODEL and "would" in padded:  # `what would haiku have cost instead of opus`
        to = padded[padded.index("would") + 1]
    return padded[at + 2], to
