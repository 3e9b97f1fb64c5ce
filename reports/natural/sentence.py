"""Reads the words of a sentence, one rule after the other, and what to say about wrong ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from itertools import islice

from reports.natural import vocabulary
from reports.natural.assembly import assemble
from reports.natural.date_ranges import OpenStartError
from reports.natural.names import AmbiguousNameError, KnownNames
from reports.natural.parsed_text import ParsedText, Read
from reports.natural.rules.amounts import read_currency, read_minimum, refuse_amount
from reports.natural.rules.comparisons import read_comparison
from reports.natural.rules.filters import (
    read_exclusion,
    read_filter,
    read_long_name,
    read_mention,
    read_name,
    read_self,
)
from reports.natural.rules.groupings import read_grouping, read_top
from reports.natural.rules.kinds import read_words_of_kind
from reports.natural.rules.options import read_filler, read_metric, read_option, read_token_part
from reports.natural.rules.periods import (
    read_date,
    read_date_range,
    read_half_year,
    read_hours,
    read_part_of_day,
    read_period,
    read_ranked_time,
)
from reports.natural.rules.recurrences import read_recurrence
from reports.natural.text_reader import TextReader
from reports.natural.written_dates import AmbiguousDateError, Order
from reports.questions.grammar import (
    CommandError,
    tokens,
)
from reports.questions.query import QueryKind
from reports.time.period import NAMED
from reports.wording import suggestions as nearest
from reports.wording.safe_text import clean

MOST_COMPARED = 2_000
"""The number of names compared with an unknown word; more would take too long."""
VOCABULARY = (
    *vocabulary.METRICS,
    *vocabulary.DIMENSIONS,
    *NAMED,
    *vocabulary.FILES,
    *vocabulary.UNITS,
    *vocabulary.MONTHS,
    "last",
    "without",
)
SENTENCE_WORDS = vocabulary.FILLERS - {"total", "number", "chart"}
"""Words of sentences that no command contains."""
_SPELLED = {
    *(word for word in (*VOCABULARY, *vocabulary.FILLERS) if len(word) > 3 and word.isalpha()),
    "spend", "tokens", "requests", "yesterday", "today", "much", "many",
}  # fmt: skip
"""The words to which misspelled ones are corrected."""
_SHORTEST_TYPO = 4
"""Shorter words aren't corrected: with one letter changed they are often other words."""
_MOST_TYPOS = 3
"""With more corrections, the result would have little to do with what was typed."""
UNDERSTOOD = (
    "I can't filter ",
    "I can't pick out ",
    "I can compare ",
    "I can only ",
    "With or without ",
)
"""The beginnings of refusals of a correctly understood text, which isn't searched for typos."""
UNKNOWN = "I don't recognize "


class UnknownWordError(ValueError):
    """Raised for a word that may matter but is unknown."""

    def __init__(self, word: str) -> None:
        super().__init__(
            f"{UNKNOWN}“{clean(word, 40)}”. It isn't a command word, model, API key or person."
        )


def read_sentence(
    typed: str,
    known: KnownNames,
    today: date,
    *,
    again: bool = True,
    schedules: bool = False,
    order: Order = "",
    kind: QueryKind | None = None,
) -> Read:
    """Parse a sentence about usage, or about the topic `kind`.

    `again`: an unclear sentence is read again for each meaning, and with typos corrected.
    `schedules`: `weekly` alone asks for a schedule. `order`: of day and month in dates like
    10/03/2026; "" asks.
    """
    reader = TextReader(known, today, schedules=schedules, order=order, kind=kind)
    try:
        return _read_words(reader, tokens(typed))
    except AmbiguousDateError as wrong:
        if order or not again:
            return CommandError(str(wrong))
        both = {
            label: read_sentence(
                typed, known, today, again=False, schedules=schedules, order=first, kind=kind
            )
            for first, label in wrong.labels.items()
        }
        sensible = {k: one for k, one in both.items() if isinstance(one, ParsedText)}
        if len(sensible) == 1:
            # `10/1/2026 to 10/15/2026`: another date shows the order
            return next(iter(sensible.values()))
        meant = {label: one.canonical for label, one in sensible.items()}
        return CommandError(str(wrong), choices=tuple(meant.values()), labels=tuple(meant))
    except OpenStartError as wrong:
        end = reader.at + wrong.count
        spans: dict[str, str] = {}
        for label, period in wrong.periods.items():
            words = " ".join((*reader.words[: reader.at], period, *reader.words[end:]))
            whole = read_sentence(words, known, today, again=False, schedules=schedules, kind=kind)
            spans |= {label: whole.canonical} if isinstance(whole, ParsedText) else {}
        return CommandError(
            str(wrong), examples=(), choices=tuple(spans.values()), labels=tuple(spans)
        )
    except AmbiguousNameError as wrong:
        texts = [_instead(reader, wrong.name, str(one)) for one in wrong.filters] if again else []
        read = [
            read_sentence(
                text, known, today, again=False, schedules=schedules, order=order, kind=kind
            )
            for text in texts
        ]
        choices = tuple(one.canonical for one in read if isinstance(one, ParsedText))
        return CommandError(str(wrong), choices=choices)
    except UnknownWordError as wrong:
        if again and (text := _without_typos(reader, known)):
            corrected = read_sentence(
                text[0], known, today, again=False, schedules=schedules, order=order, kind=kind
            )
            if isinstance(corrected, ParsedText):
                return replace(corrected, remarks=(text[1], *corrected.remarks))
        return CommandError(str(wrong), *_meant(reader, known, today) if again else ())
    except ValueError as wrong:
        if str(wrong).startswith(UNDERSTOOD):
            return CommandError(str(wrong), examples=())
        return CommandError(str(wrong))


ONLY_NAMED = {"credit", "credits", "balance", "budget", "budgets", "left", "remaining", "enough"}
"""Words that only say that a question is about the balance or budgets."""


def read_leniently(typed: str, known: KnownNames, today: date) -> tuple[TextReader, list[str]]:
    """The parts of a command that are in a text, and the words that are none."""
    reader, unknown = TextReader(known, today), list[str]()
    reader.words = [_without_punctuation(word, known) for word in tokens(typed)]
    while reader.at < len(reader.words):
        taken = 1 if reader.word() in ONLY_NAMED else 2 if reader.ahead(2) == ("top", "up") else 0
        try:
            taken = taken or next((count for rule in _RULES if (count := rule(reader))), 0)
        except ValueError:  # such as an ambiguous date
            taken = 0
        if not taken:
            unknown.append(reader.words[reader.at])
        reader.at += taken or 1
    return reader, unknown


def _without_typos(reader: TextReader, known: KnownNames) -> tuple[str, str] | None:
    """The sentence with its misspelled words corrected, and a list of those words.

    Only sentences are corrected, to filler words or the grammar's own words. For a typo in a
    command, or in a possible name, the bot asks instead.
    """
    words = list(reader.words)
    lower = [word.casefold().strip(".") for word in words]
    if not SENTENCE_WORDS & set(lower):
        return None
    changed: list[str] = []
    for at, word in enumerate(lower):
        plain_word = len(word) >= _SHORTEST_TYPO and word.isascii() and word.isalpha()
        if not plain_word or word in _SPELLED or word in vocabulary.NUMBERS or known.has(word):
            continue
        close = [one for one in _SPELLED if abs(len(one) - len(word)) < 2 and one[0] == word[0]]
        meant = nearest.word(word, close)
        if not meant or nearest.word(word, names_alike(word, known)):
            continue
        if len(changed) == _MOST_TYPOS:
            return None
        words[at] = meant
        changed.append(f"“{clean(word, 40)}” for “{meant}”")
    return (" ".join(words), f"I took {' and '.join(changed)}.") if changed else None


def names_alike(word: str, known: KnownNames) -> list[str]:
    """Names that start like a word and are about as long."""
    names = islice((*known.by_key, *known.full_names), MOST_COMPARED)
    return [one for one in names if one[:1] == word[:1] and abs(len(one) - len(word)) < 2]


def _instead(reader: TextReader, name: str, words: str) -> str:
    """The text with `words` instead of a name at which parsing stopped."""
    typed = reader.words
    count = len(name.split())
    for at in range(reader.at, len(typed) - count + 1):
        there = " ".join(typed[at : at + count]).casefold()
        if there.removesuffix("'s").strip(".,") == name.casefold():
            return " ".join((*typed[:at], words, *typed[at + count :]))
    return ""


def _meant(reader: TextReader, known: KnownNames, today: date) -> tuple[str, str]:
    """Suggestions for an unknown word: the command without it, and with the most similar name."""
    names = islice((*known.by_key, *known.full_names), MOST_COMPARED)
    like = nearest.word(reader.words[reader.at], (*VOCABULARY, *names))
    texts = [
        " ".join((*reader.words[: reader.at], *instead, *reader.words[reader.at + 1 :]))
        for instead in ((), (like,) if like else ())
    ]
    found = [read_sentence(text, known, today, again=False, kind=reader.kind) for text in texts]
    left, meant = (one.canonical if isinstance(one, ParsedText) else "" for one in found)
    return left, meant if like else ""


_RULES: tuple[Callable[[TextReader], int], ...] = (
    read_words_of_kind,
    read_filter,
    read_mention,
    read_long_name,
    read_currency,
    read_minimum,
    refuse_amount,
    read_part_of_day,
    read_hours,
    read_half_year,
    read_date_range,
    read_recurrence,
    read_comparison,
    read_grouping,
    read_top,
    read_ranked_time,
    read_date,
    read_period,
    read_option,
    read_metric,
    read_token_part,
    read_self,
    read_exclusion,
    read_name,
    read_filler,
)
"""The rules in the order in which they are tried."""


def _read_words(reader: TextReader, words: list[str]) -> ParsedText | CommandError | None:
    """Parse all words. Raises ValueError, with a message for people, for an unknown word."""
    bare = [_without_punctuation(word, reader.known) for word in words]
    reader.words = [part for word in bare for part in _split(word, reader.known)]
    while reader.at < len(reader.words):
        taken = next((count for rule in _RULES if (count := rule(reader))), 0)
        if not taken:
            raise UnknownWordError(reader.words[reader.at])
        reader.at += taken
    return assemble(reader)


def _without_punctuation(word: str, known: KnownNames) -> str:
    """A word without punctuation around it; parentheses stay if they are part of a name."""
    bare = word.strip("?!,;").removesuffix("'") or word
    if ":" in bare or known.has(bare):
        return bare
    return bare.strip("()") or bare


_RANGE = re.compile(
    r"((?:[0-9]{1,2}[./]){1,2}(?:[0-9]{2,4})?)-((?:[0-9]{1,2}[./]){1,2}(?:[0-9]{2,4})?)"
)


def _split(word: str, known: KnownNames) -> list[str]:
    """Split a word into several: `oct-nov`, `1.10.2026-15.10.2026`, `top5`, `(last`.

    Parts of a key's name aren't split.
    """
    lower = word.casefold()
    if known.in_a_key(lower) or '"' in word:
        return [word]
    if ("(" in word) != (")" in word):
        word = word.strip("()") or word
    if lower.startswith("top") and lower[3:].isdigit():
        return ["top", lower[3:]]
    first, _, last = lower.partition("-")
    both = {first, last}
    if both <= set(vocabulary.MONTHS) or both <= vocabulary.WEEKDAYS:
        return [first, "-", last]
    if found := _RANGE.fullmatch(lower):
        return [found[1], "-", found[2]]
    return [word]
