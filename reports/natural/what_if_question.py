"""Reads what-if questions: `what would october have cost on sonnet, by person`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from reports.commands import Command
from reports.natural import vocabulary
from reports.natural.names import AmbiguousNameError, KnownNames, named, with_joined_models
from reports.natural.parsed_text import ParsedText, of_command
from reports.natural.sentence import UNKNOWN, read_sentence
from reports.natural.what_if import ALL, AWAY, WHAT_IF_WORDS, models_moved
from reports.questions.grammar import (
    CommandError,
    QuestionCommand,
    parse,
)
from reports.questions.query import DEFAULT_PERIODS, Query, QueryKind
from reports.time.period import NAMED
from reports.usage.dimensions import Dimension, Filter
from reports.wording.safe_text import clean

_VERSIONED = re.compile(
    r"\b(opus|sonnet|haiku|gpt|gemini|grok|llama|kimi|glm) ([0-9]+(?:\.[0-9]+)?)\b", re.IGNORECASE
)
"""A model and its version as two words: `opus 4.6`."""

_ALL_BUT = re.compile(
    r"\b(everything|all(?: models)?|every model) (?:except(?: for)?|but(?: not)?|excluding|without"
    r"|other than|apart from|besides) (.{1,80}?) (to|onto|with|by|on|->|→|=>) (\S+)",
    re.IGNORECASE,
)
"""All models but some, and the model to move to, which the rules need beside each other."""


def read_what_if(typed: str, known: KnownNames, today: date) -> ParsedText | CommandError:
    """Parse a what-if question: the two models, then period and filters."""
    typed = with_joined_models(_VERSIONED.sub(r"\1-\2", typed), known)
    typed = _ALL_BUT.sub(r"\1 \3 \4 except \2", typed)
    plain_words = [word.strip('?!.,;()"') for word in typed.casefold().split()]
    moved = models_moved(plain_words)
    source, _, target = moved.partition(" -> ")
    if target and source != ALL and _is_no_model(source, known):
        moved = f"{ALL} -> {target}"
    said_by_kind = WHAT_IF_WORDS | (set(moved.split(" -> ")) if moved else AWAY)
    before_model = {(mark, name) for mark in ("on", "for") for name in moved.split(" -> ")}
    triples = zip(typed.split(), plain_words, [*plain_words[1:], ""], strict=True)
    rest = " ".join(
        word
        for word, bare, after in triples
        if bare not in said_by_kind and (bare, after) not in before_model
    )
    ignored = ""
    all_to = moved.removeprefix(f"{ALL} -> ") if moved.startswith(f"{ALL} -> ") else ""
    read = read_sentence(rest, known, today) if rest else None
    found = parse(read.words) if isinstance(read, ParsedText) else None
    words = _what_if_words(moved, found)
    if isinstance(read, ParsedText) and isinstance(found, QuestionCommand):
        if all_to and (other := _other_model(found.query.filters, rest)):
            return _which_way(all_to, other)
    elif isinstance(read, CommandError) and read.choices:  # a name or a date has several meanings
        choices = tuple(_what_if_words(moved, parse(one)) for one in read.choices)
        return replace(read, choices=choices)
    elif isinstance(read, CommandError) and read.problem.startswith((UNKNOWN, "`tz` needs")):
        return read  # a word that may be a key or a person, or a time zone, is never ignored
    elif rest:
        ignored = f"I ignored “{clean(rest, 60)}”."
    unfit = parse(words)
    if isinstance(unfit, CommandError):
        return unfit
    return of_command(words, (ignored,) if ignored else ())


def _is_no_model(word: str, known: KnownNames) -> bool:
    """Whether a word names a key, a person or a time, in place of the model to move away from."""
    if word in vocabulary.MONTHS or word in vocabulary.UNITS or word in NAMED:
        return True
    try:
        found = named(word, known)
    except AmbiguousNameError as wrong:
        return all(one.dimension is not Dimension.MODEL for one in wrong.filters)
    return found is not None and found.dimension is not Dimension.MODEL


def _what_if_words(moved: str, found: Command | CommandError | None) -> str:
    """The command of a what-if question; `found` has its other parts, such as its period."""
    kind = QueryKind.WHATIF
    typed = found.query if isinstance(found, QuestionCommand) else Query()
    dated = isinstance(found, QuestionCommand) and "period" in found.given
    period = typed.period if dated else DEFAULT_PERIODS[kind]
    extra = tuple(moved.split())
    return replace(typed, kind=kind, extra=extra, metric=None, period=period).words()


def _other_model(filters: Sequence[Filter], typed: str) -> str:
    """A model that is named by itself, not as `model:name`: `whatif opus sonnet` names two."""
    named = (one for one in filters if one.dimension is Dimension.MODEL and not one.exclude)
    return "" if "model:" in typed else next((one.pattern.strip("*") for one in named), "")


def _which_way(one: str, other: str) -> CommandError:
    """Two models without a word on which replaces which."""
    both = (f"{one} -> {other}", f"{other} -> {one}")
    return CommandError(
        f"Which of the two replaces the other, {clean(one, 40)} or {clean(other, 40)}?",
        examples=(),
        choices=tuple(f"{QueryKind.WHATIF} {words}" for words in both),
    )
