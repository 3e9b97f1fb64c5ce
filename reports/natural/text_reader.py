"""Reads the words of a text from left to right, and collects what they mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from reports.natural import vocabulary
from reports.natural.names import AmbiguousNameError, KnownNames, named
from reports.natural.written_dates import Order
from reports.questions.query import QueryKind
from reports.usage.dimensions import Dimension, Filter, Metric

LONGEST_DATES = 14
"""The number of words searched for a date; the longest spelling of a range has fewer."""


@dataclass(slots=True)
class TextReader:
    """The words of a text, how far they were read (`at`), and the parts of a command so far.

    `known` are the names of members, `today` is the asker's date. `kind`, `order` (of day and month
    in dates) and `schedules` (whether `weekly` alone makes a schedule) are given by the caller.
    `given` has the words of each part of the command, `extra` those of its kind; `filters`,
    `remarks` and `ignored` are as in `ParsedText`. The rest is recorded while reading and used once
    all words were read: `spending` (for each metric, whether it is a verb), `several` (a dimension
    named in the plural), `superlative` (`the most expensive`), `over` (an amount), `ranked` (a unit
    of time whose buckets were to be ranked), `proportion` (a share of the whole was requested),
    `implied_period` (the period if none is named).
    """

    known: KnownNames
    today: date
    words: list[str] = field(default_factory=list)
    at: int = 0
    given: dict[str, list[str]] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)
    schedule_words: list[str] = field(default_factory=list)
    spending: list[bool] = field(default_factory=list)
    asks_how_much: bool = False
    compares: bool = False
    schedules: bool = False
    several: Dimension | None = None
    filters: list[Filter] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    superlative: bool = False
    plural: bool = False
    order: Order = ""
    kind: QueryKind | None = None
    extra: tuple[str, ...] = ()
    over: str = ""
    whole_day: bool = False
    ranked: str = ""
    proportion: bool = False
    implied_period: str = ""

    @property
    def recurrence(self) -> str:
        """How often a schedule runs, in the grammar's words; "" without a schedule."""
        return " ".join(self.schedule_words)

    def give(self, kind: str, words: str) -> None:
        """Add words to a part of the command, such as "period"."""
        there = self.given.setdefault(kind, [])
        if words not in there:
            there.append(words)

    def add_filter(self, one: Filter) -> None:
        """Add a filter, once."""
        if one not in self.filters:
            self.filters.append(one)
        self.give("filter", str(one))

    def word(self, ahead: int = 0) -> str:
        """The word at an offset, in lower case, without a period and `'s`; "" past the end."""
        at = self.at + ahead
        if not 0 <= at < len(self.words):
            return ""
        return _bare(self.words[at])

    def ahead(self, count: int) -> tuple[str, ...]:
        """The next `count` words, as `word` returns them."""
        there = tuple(map(_bare, self.words[self.at : self.at + count]))
        return there + ("",) * (count - len(there))

    def number(self, ahead: int) -> str:
        """A count (`5` or `five`) as digits; "" if the word isn't one."""
        word = vocabulary.NUMBERS.get(self.word(ahead), self.word(ahead))
        return word if word.isascii() and word.isdigit() else ""

    def skip(self, ahead: int, words: set[str]) -> int:
        """The index of the first word, starting at `ahead`, that isn't one of `words`."""
        while self.word(ahead) in words:
            ahead += 1
        return ahead

    def remark(self, sentence: str) -> None:
        """Add a sentence for people on how the text was understood, once."""
        if sentence not in self.remarks:
            self.remarks.append(sentence)

    def has_filler_at_an_end(self, count: int) -> bool:
        """Whether words start or end with a filler word, and so cannot be a name."""
        ends = {self.word(), self.word(count - 1)}
        return bool(ends & (vocabulary.FILLERS | vocabulary.BY | vocabulary.WHO))

    def is_named(self, at: int) -> bool:
        """Whether a word is a known name."""
        word = self.words[at].casefold().strip(".,") if at < len(self.words) else ""
        try:
            return bool(word) and bool(named(word, self.known))
        except AmbiguousNameError:
            return True

    def is_about_spend(self) -> bool:
        """Whether the question is about spend, judging by the words so far."""
        metrics = self.given.get("metric", [])
        return not metrics or metrics == [str(Metric.SPEND)]


@lru_cache(maxsize=1024)  # the rules look at each word many times
def _bare(word: str) -> str:
    word = word.casefold().rstrip(".")
    return word.removesuffix("'s") if word not in {"what's", "let's"} else word
