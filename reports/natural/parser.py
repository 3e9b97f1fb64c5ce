"""Parses natural language into commands of the grammar.

Nothing is guessed silently: what was taken is shown as a command, what says nothing is dropped,
what cannot be asked is named as left out, and a word that may matter and is not known is an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from itertools import islice, takewhile

from reports.alerts.rule import Rule
from reports.alerts.threshold import amount, currency_of
from reports.commands import Command, parse_command
from reports.natural import vocabulary, written_dates
from reports.natural.alert_wishes import asks_for_alert, parse_alert_wish
from reports.natural.dates import OpenStartError, stretch
from reports.natural.names import LONGEST_NAME_WORDS, AmbiguousNameError, KnownNames, named
from reports.natural.topics import (
    NEW_OF,
    WHAT_IF_WORDS,
    flags,
    greets,
    topic_of,
    topic_words,
    two_models,
)
from reports.natural.written_dates import AmbiguousDateError, Order
from reports.questions.grammar import (
    LONGEST,
    CommandError,
    HelpCommand,
    QuestionCommand,
    grouping,
    parse,
    tokens,
)
from reports.questions.kinds import FORECAST_OF_SPEND, STILL_RUNNING, fitted, kind_of, takes
from reports.questions.query import DEFAULT_PERIODS, Query, QueryKind, Versus
from reports.questions.topics import BUDGET, TopicAsked
from reports.questions.words_of_kinds import is_unfit
from reports.time.period import DEFAULT, NAMED, DateSpan, Month
from reports.time.timerange import NotBegunError, ranges, zone_names
from reports.usage.dimensions import Dimension, Filter, Metric, form_label
from reports.wording import suggestions as nearest
from reports.wording.safe_text import clean, plain
from reports.wording.shared_grammar import list_request

_ORDER = (
    "kind", "metric", "period", "by", "filter", "source", "top", "versus", "zone", "file", "share",
)  # fmt: skip
_WITHOUT_METRIC = {
    QueryKind.PRICE, QueryKind.FORECAST, QueryKind.CACHE, QueryKind.RETIRING, QueryKind.NEW,
    QueryKind.WHATIF,
}  # fmt: skip
MOST_COMPARED = 2_000
"""Names that are compared with an unknown word: more would take too long for an answer."""
_LONGEST_STRETCH = 14
_LONGEST_TOPIC = 6
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
_SENTENCE = vocabulary.FILLERS - {"total", "number", "chart"}
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
ONLY_EARLIER = (
    "I can compare a period only with the one right before it, or with the same one a week, month"
    " or year earlier."
)
_BEGINNINGS = {
    "schedule", "schedules", "alert", "alerts", "quiet", "audit", "status", "help",
}  # fmt: skip
_FIELDS = {
    "kind": ("kind", "extra"),
    "metric": ("metric",), "period": ("period",), "by": ("by",), "source": ("source",),
    "top": ("top",), "versus": ("versus",), "zone": ("zone",), "file": ("files",),
    "share": ("share",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ParsedText:
    """The result of parsing: a command of the grammar (`words`).

    `given`: the parts of a question that were typed, as in `QuestionCommand.given`. `ignored`:
    words that were left out. `is_strict`: the text was in the grammar already. `recurrence`: how
    often a schedule runs, in the grammar's words, or "". `remarks`: further notes on how the text
    was understood, each a sentence of plain text.
    """

    words: str
    given: frozenset[str] = frozenset()
    ignored: tuple[str, ...] = ()
    is_strict: bool = False
    recurrence: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def canonical(self) -> str:
        """The command with its defaults written out: `spend 1d` for `spend`."""
        return canonical(self.words)

    def note(self, command: str = "/activity", words: str = "") -> str:
        """The sentences (plain text) to show above the answer, or "".

        `words` is the command that is answered, if that differs from this one.
        """
        read = parse_command(words or self.words)
        if isinstance(read, TopicAsked | HelpCommand):
            return ""
        written = canonical(words or self.words)
        shown = clean(f"{command} {written}", 400).replace("`", "'")
        changed = bool(words) and words != self.words
        parts = [] if self.is_strict and not changed else [f"I read that as `{shown}`."]
        if self.ignored:
            ignored = ", ".join(f"“{clean(one, 40)}”" for one in self.ignored)
            parts.append(f"I ignored {ignored}; the chart picks its own interval for this period.")
        return " ".join((*parts, *self.remarks))

    def onto(self, before: Query) -> str:
        """The command for `before` with the parts replaced that were typed, as a follow-up."""
        question = self.words
        if self.recurrence:
            question = question.removeprefix(f"schedule {self.recurrence}").strip()
        read = parse(question)
        if not isinstance(read, QuestionCommand):
            return self.words
        typed = read.query
        changes = {
            name: getattr(typed, name) for kind in self.given for name in _FIELDS.get(kind, ())
        }
        replaced = {one.dimension for one in typed.filters if not one.exclude}
        kept = tuple(
            one
            for one in before.filters
            if one.dimension not in replaced and one not in typed.filters
        )
        filters = (*kept, *typed.filters) if "filter" in self.given else before.filters
        merged = replace(before, filters=filters, share=typed.share, files=typed.files)
        merged = replace(merged, **changes)
        if "period" in self.given and "versus" not in self.given and merged.versus:
            # what one period is compared with may be shorter than the next
            merged = replace(merged, versus=Versus.BEFORE)
        merged = self._of_one_kind(merged, before)
        if not self.recurrence:
            return merged.words()
        return f"schedule {self.recurrence} {merged.words()}"

    def _of_one_kind(self, merged: Query, before: Query) -> Query:
        """`merged` without the inherited parts that its kind cannot have."""
        if "kind" not in self.given:
            if "metric" in self.given and not takes(before.kind, "metric"):
                return replace(merged, kind=QueryKind.USAGE, extra=())
            return merged
        # a day, which usage is about by default, has too few requests for most other kinds
        short = before.kind is QueryKind.USAGE and before.period == DEFAULT
        if short and "period" not in self.given and merged.kind is not QueryKind.WHY:
            merged = replace(merged, period=DEFAULT_PERIODS.get(merged.kind, DEFAULT))
        return fitted(merged, self.given)


Read = ParsedText | CommandError | None


NO_WEEKENDS = "I can't pick out all weekends; `last weekend` and `this weekend` work."
UNDERSTOOD = (
    "I can't filter ",
    "I can't pick out ",
    "I can compare ",
    "I can only ",
    "With or without ",
)
"""How refusals of a correctly understood text begin: no typo is searched for in it."""


class UnknownWordError(ValueError):
    """Raised for a word that may matter but is unknown."""

    def __init__(self, word: str) -> None:
        super().__init__(
            f"I don't recognize “{clean(word, 40)}”. It isn't a command word, model, API key or"
            " person."
        )


def parse_text(text: str, known: KnownNames, today: date) -> Read:
    """Parse a text (without the bot's mention); None if it contains no question or command."""
    typed = " ".join(plain(text).split())
    if len(typed) > LONGEST:
        return CommandError(
            f"That is {len(typed):,} characters; a question can have at most {LONGEST}."
        )
    words = [word.casefold().strip("?!.,") for word in typed.split()]
    letters = [word for word in words if any(c.isalnum() for c in word)]
    if not letters or greets(letters):
        return None
    strict = parse_command(typed)
    if not isinstance(strict, CommandError):
        return strictly(typed, strict)
    if is_unfit(strict.problem):
        return strict
    if there := list_request(words):
        if there.button:
            return CommandError(there.instructions(), "", there.listing, ())
        return ParsedText(there.listing)
    if words[0] in _BEGINNINGS:
        rest = typed.partition(" ")[2] if words[0] == "schedule" else ""
        found = _read(rest, known, today, again=False, schedules=True) if rest else None
        if isinstance(found, ParsedText) and found.recurrence:
            return found
        return _alert(typed, words, known) or ParsedText(typed, is_strict=True)
    bare = _without_names(typed, known)
    if not asks_for_alert(words) and (topic := topic_of(bare)):
        return _of_topic(topic, typed, bare, known, today)
    found = _read(typed, known, today)
    return _alert(typed, words, known) or found if isinstance(found, CommandError) else found


_RANKED_TIME = re.compile(r"\b(?:which|what) (hour|day|week|month)s?\b")
_NOBODY = {"the", "this", "our", "us", "all", "everything", "everyone", "month", "week", "year",
           "day", "today", "now", "team", "organization", "org", "company", "openrouter", "and",
           "limits", "keys", "workspaces", "a", "my", "me"}  # fmt: skip
"""Words after `budget for` that name no member."""


def _of_topic(topic: str, typed: str, bare: list[str], known: KnownNames, today: date) -> Read:
    """Parse a question about a topic other than usage; `bare` are its words without names."""
    kind = kind_of(topic)
    if kind is None:
        return ParsedText(topic, remarks=_all_budgets(typed) if topic == BUDGET else ())
    own = flags(topic, bare)
    if kind is QueryKind.WHATIF:
        return _what_if(typed, known, today)
    read = _read(typed, known, today, kind=kind)
    if kind in {QueryKind.LIMITS, QueryKind.KEYS}:
        return _narrowed(kind, own, read)
    return read


def _all_budgets(typed: str) -> tuple[str, ...]:
    """A remark if one budget is meant (`for marketing`), because the answer lists all budgets."""
    words = typed.strip(" ?!.").split()
    at = next((n for n, word in enumerate(words) if word.casefold() in {"for", "of"}), len(words))
    after = [word for word in words[at + 1 :] if word.casefold() not in _NOBODY]
    shown = clean(" ".join(words[at:]), 40)
    return (f"These are all budgets and limits; I didn't look for “{shown}”.",) if after else ()


def _what_if(typed: str, known: KnownNames, today: date) -> ParsedText:
    """Parse a what-if question: the two models, then period and filters."""
    plain_words = [word.strip('?!.,;()"') for word in typed.casefold().split()]
    moved = two_models(plain_words)
    said_by_kind = WHAT_IF_WORDS | set(moved.split(" -> "))
    pairs = zip(typed.split(), plain_words, strict=True)
    rest = " ".join(word for word, bare in pairs if bare not in said_by_kind)
    words, ignored = [str(QueryKind.WHATIF), moved], ""
    read = _read(rest, known, today) if rest else None
    found = parse(read.words) if isinstance(read, ParsedText) else None
    if isinstance(read, ParsedText) and isinstance(found, QuestionCommand):
        words += [str(found.query.period)] * ("period" in found.given)
        words += [f"by {found.query.by}"] * ("by" in found.given)
        words += map(str, found.query.filters)
    elif rest and moved:
        ignored = f"I ignored “{clean(rest, 60)}”."
    return _as_is(" ".join(filter(None, words)), (ignored,) if ignored else ())


def _narrowed(kind: QueryKind, own: str, read: ParsedText | CommandError | None) -> ParsedText:
    """A question about the present: its own words, and the filters that were recognized."""
    recurrence = read.recurrence if isinstance(read, ParsedText) else ""
    start = f"schedule {recurrence} " if recurrence else ""
    found = parse(read.words.removeprefix(start)) if isinstance(read, ParsedText) else None
    filters = found.query.filters if isinstance(found, QuestionCommand) else ()
    if own == "me":  # says it already
        filters = tuple(one for one in filters if one != Filter(Dimension.CREATOR, "me"))
    typed = _as_is(" ".join((f"{kind} {own}".strip(), *map(str, filters))))
    return replace(typed, words=f"{start}{typed.words}", recurrence=recurrence)


def _as_is(words: str, remarks: tuple[str, ...] = ()) -> ParsedText:
    """A parsed text whose parts are all in `words`."""
    found = parse(words)
    given = found.given if isinstance(found, QuestionCommand) else frozenset[str]()
    return ParsedText(words, given, remarks=remarks)


def _without_names(typed: str, known: KnownNames) -> list[str]:
    """The words in lower case, without quoted text, filters and names of members."""
    found = []
    for word in typed.casefold().split():
        bare = word.strip("?!.,;()")
        named_so = bare.removesuffix("'s") in known.by_key or ":" in bare or bare.startswith("<@")
        if bare and not named_so and '"' not in bare:
            found.append(bare)
    return found


def canonical(words: str) -> str:
    """A command of the grammar with its defaults written out."""
    read = parse_command(words)
    return read.query.words() if isinstance(read, QuestionCommand) else words


def strictly(text: str, read: Command) -> ParsedText:
    """The parsed text for a text that is in the grammar already (`read` is its command)."""
    typed = " ".join(plain(text).split())
    return ParsedText(
        typed, read.given if isinstance(read, QuestionCommand) else frozenset(), is_strict=True
    )


def _alert(typed: str, words: list[str], known: KnownNames) -> ParsedText | CommandError | None:
    """The alert that a text asks for, or what is wrong with it; None if it asks for none."""
    found = parse_alert_wish(typed, known) if asks_for_alert(words) else None
    return ParsedText(f"alert {found.words()}") if isinstance(found, Rule) else found


def _read(
    typed: str,
    known: KnownNames,
    today: date,
    *,
    again: bool = True,
    schedules: bool = False,
    order: Order = "",
    kind: QueryKind | None = None,
) -> Read:
    reader = _TextReader(known, today, schedules=schedules, order=order, kind=kind)
    try:
        return reader.read(tokens(typed))
    except AmbiguousDateError as wrong:
        if order or not again:
            return CommandError(str(wrong))
        both = {
            label: _read(
                typed, known, today, again=False, schedules=schedules, order=first, kind=kind
            )
            for first, label in wrong.labels.items()
        }
        sensible = {k: one for k, one in both.items() if isinstance(one, ParsedText)}
        if len(sensible) == 1:
            # `10/1/2026 to 10/15/2026`: another date says which order it is
            return next(iter(sensible.values()))
        meant = {label: one.canonical for label, one in sensible.items()}
        return CommandError(str(wrong), choices=tuple(meant.values()), labels=tuple(meant))
    except OpenStartError as wrong:
        end = reader.at + wrong.count
        spans: dict[str, str] = {}
        for label, period in wrong.periods.items():
            words = " ".join((*reader.words[: reader.at], period, *reader.words[end:]))
            whole = _read(words, known, today, again=False, schedules=schedules, kind=kind)
            spans |= {label: whole.canonical} if isinstance(whole, ParsedText) else {}
        return CommandError(
            str(wrong), examples=(), choices=tuple(spans.values()), labels=tuple(spans)
        )
    except AmbiguousNameError as wrong:
        texts = [_instead(reader, wrong.name, str(one)) for one in wrong.filters] if again else []
        read = [
            _read(text, known, today, again=False, schedules=schedules, order=order, kind=kind)
            for text in texts
        ]
        choices = tuple(one.canonical for one in read if isinstance(one, ParsedText))
        return CommandError(str(wrong), choices=choices)
    except UnknownWordError as wrong:
        if again and (text := _without_typos(reader, known)):
            corrected = _read(
                text[0], known, today, again=False, schedules=schedules, order=order, kind=kind
            )
            if isinstance(corrected, ParsedText):
                return replace(corrected, remarks=(text[1], *corrected.remarks))
        return CommandError(str(wrong), *_meant(reader, known, today) if again else ())
    except ValueError as wrong:
        if str(wrong).startswith(UNDERSTOOD):
            return CommandError(str(wrong), examples=())
        return CommandError(str(wrong))


def _without_typos(reader: _TextReader, known: KnownNames) -> tuple[str, str] | None:
    """The sentence with its misspelled words corrected, and a list of those words.

    Only sentences are corrected, by words that say nothing or the grammar's own: a command with a
    typo is asked about, and so is what may be a name.
    """
    words = list(reader.words)
    lower = [word.casefold().strip(".") for word in words]
    if not _SENTENCE & set(lower):
        return None
    changed: list[str] = []
    for at, word in enumerate(lower):
        plain_word = len(word) >= _SHORTEST_TYPO and word.isascii() and word.isalpha()
        if not plain_word or word in _SPELLED or known.has(word):
            continue
        close = [one for one in _SPELLED if abs(len(one) - len(word)) < 2 and one[0] == word[0]]
        meant = nearest.word(word, close)
        if not meant or nearest.word(word, _alike(word, known)):
            continue
        if len(changed) == _MOST_TYPOS:
            return None
        words[at] = meant
        changed.append(f"“{clean(word, 40)}” for “{meant}”")
    return (" ".join(words), f"I took {' and '.join(changed)}.") if changed else None


def _alike(word: str, known: KnownNames) -> list[str]:
    """Names that start like a word and are about as long."""
    names = islice((*known.by_key, *known.full_names), MOST_COMPARED)
    return [one for one in names if one[:1] == word[:1] and abs(len(one) - len(word)) < 2]


def _instead(reader: _TextReader, name: str, words: str) -> str:
    """The text with a name, at which parsing stopped, replaced by `words`."""
    typed = reader.words
    count = len(name.split())
    for at in range(reader.at, len(typed) - count + 1):
        there = " ".join(typed[at : at + count]).casefold()
        if there.removesuffix("'s").strip(".,") == name.casefold():
            return " ".join((*typed[:at], words, *typed[at + count :]))
    return ""


def _meant(reader: _TextReader, known: KnownNames, today: date) -> tuple[str, str]:
    """Suggestions for an unknown word: the command without it, and with the most similar name."""
    names = islice((*known.by_key, *known.full_names), MOST_COMPARED)
    like = nearest.word(reader.words[reader.at], (*VOCABULARY, *names))
    texts = [
        " ".join((*reader.words[: reader.at], *instead, *reader.words[reader.at + 1 :]))
        for instead in ((), (like,) if like else ())
    ]
    found = [_read(text, known, today, again=False, kind=reader.kind) for text in texts]
    left, meant = (one.canonical if isinstance(one, ParsedText) else "" for one in found)
    return left, meant if like else ""


@dataclass(slots=True)
class _TextReader:
    """Parses the words of a text from left to right and collects the parts of a command."""

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

    @property
    def recurrence(self) -> str:
        return " ".join(self.schedule_words)

    def read(self, words: list[str]) -> ParsedText | CommandError | None:
        """Parse all words. Raises ValueError, with a message for people, for an unknown word."""
        bare = [self._without_punctuation(word) for word in words]
        self.words = [part for word in bare for part in _split(word, self.known)]
        rules: tuple[Callable[[], int], ...] = (
            self._topic, self._filter, self._mention, self._long_name, self._currency,
            self._over_amount, self._amount, self._part_of_day, self._hours, self._half_year,
            self._stretch, self._standing,
            self._versus, self._by, self._top, self._ranked_time, self._dated, self._period,
            self._option, self._metric, self._token_part, self._self, self._leaving_out,
            self._name, self._filler,
        )  # fmt: skip
        while self.at < len(self.words):
            taken = next((count for rule in rules if (count := rule())), 0)
            if not taken:
                raise UnknownWordError(self.words[self.at])
            self.at += taken
        return self._heard()

    def _without_punctuation(self, word: str) -> str:
        """A word without punctuation around it; parentheses stay if they are part of a name."""
        bare = word.strip("?!,;") or word
        if ":" in bare or self.known.has(bare):
            return bare
        return bare.strip("()") or bare

    def _heard(self) -> ParsedText | CommandError | None:
        if self.kind:
            self._of_kind(self.kind)
        elif self.asks_how_much and "metric" not in self.given:
            self._give("metric", str(Metric.SPEND))
        self._leave_out_verbs()
        self._no_rank_of_times()
        self._group()
        if self.superlative and not self.plural and "by" in self.given:
            self.given.setdefault("top", ["top 1"])
        if self.whole_day and "period" not in self.given:
            self._give("period", "today")
        if self.over:
            self._largest_first()
        if self.ranked and not self.given:
            self._give("metric", "")
        if not self.given and not self.schedule_words:
            return None
        unclear = (
            self.given
            and {word.casefold() for word in self.schedule_words} <= vocabulary.RECURRENCES
        )
        if self.schedule_words and unclear and not self.schedules:
            raise ValueError(self._one_way_or_the_other())
        typed = dict(self.given)
        if not self.schedule_words and (implied := self._implied()):
            typed.setdefault("period", [implied])
        parts = [word for kind in _ORDER for word in typed.get(kind, ()) if word]
        words = " ".join(
            (["schedule", *self.schedule_words] if self.schedule_words else []) + parts
        )
        if self.over and "by" not in self.given:
            return _over_what(self.over, words)
        read = parse_command(words)
        if isinstance(read, CommandError):
            return read
        ignored, remarks = self._ignored(read), tuple(self.remarks)
        return ParsedText(
            words, frozenset(self.given), ignored, recurrence=self.recurrence, remarks=remarks
        )

    def _largest_first(self) -> None:
        """A condition like `over $100`: the question then lists groups, the largest first."""
        if "metric" not in self.given:
            self._give("metric", str(Metric.SPEND))
        self.given["top"] = ["top 50"]
        if "by" in self.given:
            self._remark(
                f"I can't leave out what is below {clean(self.over, 20)}; the list begins with the"
                " largest."
            )

    def _leave_out_verbs(self) -> None:
        """`tokens spent` asks for tokens: a verb is not a metric if another metric is named."""
        metrics = self.given.get("metric", [])
        if len(metrics) > 1 and self.spending and all(self.spending):
            self.given["metric"] = [one for one in metrics if one != Metric.SPEND]

    def _implied(self) -> str:
        """The default period of a question that names none; it doesn't count as given.

        `vs last month` compares this month; `per month` is drawn over a year.
        """
        versus = self.given.get("versus", [""])[0]
        unit = vocabulary.UNITS.get(versus.rpartition(" ")[2])
        if unit or versus.endswith("yesterday"):
            return f"this {unit}" if unit else "today"
        units = [words.casefold().split()[-1].rstrip("s") for words in self.ignored]
        units += [self.ranked]
        return next((vocabulary.DRAWN[unit] for unit in units if unit in vocabulary.DRAWN), "")

    def _group(self) -> None:
        """The dimension that the wording of a question implies, if it names none."""
        if "by" in self.given or not self.words or self.kind is QueryKind.WHATIF:
            return
        filters = self.filters
        several = {one.dimension for one in filters if not one.exclude}
        first, last = self.words[0].casefold(), self.words[-1].casefold().rstrip(".")
        either = self.compares or "or" in {word.casefold() for word in self.words}
        compared = either and len(filters) > 1 and len(several) == 1
        on_what = first in {"what", "what's", "whats", "where"} and (
            last in {"on", "use", "using", "uses", "used", "go", "going"} or first == "where"
        )
        if compared:
            self._give("by", f"by {several.pop()}")
        elif self.several:
            self._give("by", f"by {self.several}")
        elif (on_what and self.given) or self.superlative:
            self._give("by", f"by {Dimension.MODEL}")

    def _ignored(self, read: Command) -> tuple[str, ...]:
        """The ignored words, without a unit of time that the chart uses anyway."""
        if not isinstance(read, QuestionCommand):
            return tuple(self.ignored)
        now = datetime.combine(self.today, time(12), UTC)
        try:
            drawn = str(ranges(read.query.period, now).current.granularity)
        except NotBegunError:
            return tuple(self.ignored)
        same = {"date": "day", "hourly": "hour", "daily": "day", "monthly": "month"}
        units = [(words, words.casefold().split()[-1].rstrip("s")) for words in self.ignored]
        return tuple(words for words, unit in units if same.get(unit, unit) != drawn)

    def _one_way_or_the_other(self) -> str:
        word = clean(self.recurrence, 40)
        return (
            f"Do you want this on a schedule? Then say `schedule {word} ...`. Otherwise leave out"
            f" “{word}”."
        )

    def _give(self, kind: str, words: str) -> None:
        there = self.given.setdefault(kind, [])
        if words not in there:
            there.append(words)

    def _narrow(self, one: Filter) -> None:
        if one not in self.filters:
            self.filters.append(one)
        self._give("filter", str(one))

    def _word(self, ahead: int = 0) -> str:
        at = self.at + ahead
        if not 0 <= at < len(self.words):
            return ""
        word = self.words[at].casefold().rstrip(".")
        return word.removesuffix("'s") if word not in {"what's", "let's"} else word

    def _ahead(self, count: int) -> tuple[str, ...]:
        return tuple(self._word(n) for n in range(count))

    def _number(self, ahead: int) -> str:
        """A count (`5` or `five`) as digits; "" if the word is none."""
        word = vocabulary.NUMBERS.get(self._word(ahead), self._word(ahead))
        return word if word.isascii() and word.isdigit() else ""

    def _skip(self, ahead: int, words: set[str]) -> int:
        while self._word(ahead) in words:
            ahead += 1
        return ahead

    def _of_kind(self, kind: QueryKind) -> None:
        """The parsed text as a question of `kind`."""
        self.given["kind"] = [" ".join((kind, *self.extra))]
        self.superlative = False
        self.given.pop("top", None)
        if kind is QueryKind.PRICE and "cheapest" in {word.casefold() for word in self.words}:
            self._remark("The dearest come first, so the cheapest are last, free ones at the end.")
        metrics = set(self.given.get("metric", ()))
        if kind is QueryKind.FORECAST and metrics and Metric.SPEND not in metrics:
            raise ValueError(FORECAST_OF_SPEND.format(metric=min(metrics)))
        if kind in _WITHOUT_METRIC:
            self.given.pop("metric", None)
        if kind is QueryKind.RETIRING:
            self.given.pop("period", None)
            # it lists models, so only who uses them can be chosen
            self.given["by"] = [one for one in self.given.get("by", ()) if "model" not in one]
        if kind is QueryKind.NEW:
            self.given.pop("by", None)
        if kind in {QueryKind.LIMITS, QueryKind.KEYS}:  # about now, and nothing is grouped
            self.given = {one: self.given[one] for one in ("kind", "filter") if one in self.given}
        if kind is QueryKind.FORECAST:
            self.ignored.clear()  # "per month" says of which period the end is meant

    # -- rules: each says how many words it took

    def _topic(self) -> int:
        """Skip words that only name the kind of the question."""
        if self.kind is None:
            return 0
        if self.kind is QueryKind.NEW and (of := NEW_OF.get(self._word())):
            self.extra = (of,)
            return 1
        if self.kind is QueryKind.FORECAST and (taken := self._held_against()):
            return taken
        if self.kind is QueryKind.WHY and self._ahead(2) == ("since", "last"):
            unit = vocabulary.UNITS.get(self._word(2))
            if unit:  # since last week: this week beside the one before
                self._give("period", f"this {unit}" if unit != "day" else "today")
                return 3
        if self.kind is QueryKind.FORECAST:
            if self._word() in {"next", "tomorrow"}:
                raise ValueError(STILL_RUNNING)
            if self._word() in vocabulary.UNITS and "period" not in self.given:
                self._give("period", f"this {vocabulary.UNITS[self._word()]}")
                return 1
        return topic_words(self.kind, self._ahead(_LONGEST_TOPIC))

    def _held_against(self) -> int:
        """`over $5000`, `within our budget of 5000`."""
        at = self._skip(0, vocabulary.HELD_AGAINST)
        amount = self._word(at)
        if not amount.startswith("$") and not (at and self._number(at)):
            return 0
        count = amount.removeprefix("$").replace(",", "")
        if count.endswith("k") and count[:-1].isdigit():
            count = f"{count[:-1]}000"
        self.extra = ("over", f"${count}")
        return at + 1

    def _filter(self) -> int:
        kind, colon, name = self.words[self.at].partition(":")
        if kind.startswith("-") and not colon and len(kind) > 1:  # `-opus`
            meant = named(kind[1:], self.known)
            if meant:
                self._narrow(replace(meant, exclude=True))
            return int(meant is not None)
        if kind == "-" and self._is_named(self.at + 1):
            name = clean(self.words[self.at + 1], 40)
            raise ValueError(f"With or without “{name}”? Leave out the dash, or say `without`.")
        exclude, kind = kind.startswith("-"), kind.removeprefix("-")
        if not colon or kind.casefold() not in vocabulary.DIMENSIONS:
            return 0
        dimension = vocabulary.DIMENSIONS[kind.casefold()]
        count = 1 if name else 2
        pattern = (name or "".join(self.words[self.at + 1 : self.at + 2])).replace('"', "")
        if not pattern:
            raise ValueError(f"`{kind}:` needs a name after it.")
        self._narrow(Filter(dimension, pattern, exclude))
        return count

    def _mention(self) -> int:
        word = self.words[self.at]
        if not (word.startswith("<@") and word.rstrip(".").endswith(">")):
            return 0
        self._narrow(Filter(Dimension.CREATOR, word.rstrip(".")))
        return 1

    def _long_name(self) -> int:
        """Parse a name of several words, or in quotes, whose words mean nothing by themselves."""
        for count in range(min(LONGEST_NAME_WORDS, len(self.words) - self.at), 0, -1):
            name = " ".join(self.words[self.at : self.at + count])
            quoted = count == 1 and name.startswith('"')
            if not (quoted or (count > 1 and (self.known.has(name) or not self._filled(count)))):
                continue
            found = named(name, self.known)
            if found:
                self._narrow(found)
                return count
        return 0

    def _currency(self) -> int:
        """`in euros`, `in £`: figures stay in dollars, and a remark says so."""
        dollars, other = currency_of(self._word())
        if not other or dollars or asks_for_alert(self.words):
            return 0
        self._remark(f"OpenRouter bills in US dollars, so these are dollars, not {other}.")
        return 1

    def _over_amount(self) -> int:
        """`over $100`, `> 100`: the largest groups come first, so those are at the top."""
        sign = self._word()[:1] if self._word()[:1] in {">", "≥"} else ""
        rest = self._word().lstrip(">≥=") if sign else ""
        at = 1 if rest else self._skip(0, vocabulary.OVER_AMOUNT)
        word = rest or self._word(at)
        found = amount(word) if at else None
        if found is None or found.percent or found.currency or not (sign or found.dollars):
            return 0
        if asks_for_alert(self.words) or self._word(-1) in {"less", "fewer"} or found.value <= 0:
            return 0
        self.over = f"${word.removeprefix('$')}" if self._of_spend() else word
        return at if rest else at + 1

    def _of_spend(self) -> bool:
        """Whether the question is about spend, judging by the words so far."""
        metrics = self.given.get("metric", [])
        return not metrics or metrics == [str(Metric.SPEND)]

    def _amount(self) -> int:
        """Refuse an amount, which questions can't use, rather than ignore it."""
        at = 1 if self._word() in {"than", "over", "above", "below", "under"} else 0
        word = self._word(at)
        if not (any(sign in word for sign in "$€£¥%") or word[:1] in {">", "<", "≥", "≤"}):
            return 0
        raise ValueError(
            f"I can't filter by “{clean(word, 40)}”. Amounts work in alerts, like"
            " `alert spend > $50 per day`."
        )

    def _part_of_day(self) -> int:
        """`last night`, `this morning`: the whole day, since days cannot be cut."""
        word, following = self._word(), self._word(1)
        at = 1 if word in {"overnight", "tonight"} else 2
        if (
            word in {"last", "this"}
            and following in vocabulary.PARTS_OF_DAY
            and not self.schedule_words
        ):
            day = "yesterday" if word == "last" else "today"
        elif word in {"overnight", "tonight"}:
            day = "yesterday" if word == "overnight" else "today"
        elif word in vocabulary.PARTS_OF_DAY and "period" in self.given and not self.schedule_words:
            day, at = "", 1
        else:
            return 0
        if day:
            self._give("period", day)
        self.remarks.append("I can't look at a part of a day, so this is the whole day.")
        return at

    def _hours(self) -> int:
        """`between 9am and 5pm`, `after 18:00`: the whole day, since days cannot be cut."""
        if self.schedule_words or self._word() not in {"between", "from", "after", "before", "at"}:
            return 0
        if not _is_time(self._word(1)):
            return 0
        at = 2
        if self._word(2) in {"and", "to", "until", "till", "-", "–"} and _is_time(self._word(3)):
            at = 4
        self._remark("I can't look at single hours of a day, so this is the whole day.")
        self.whole_day = True
        return at

    def _half_year(self) -> int:
        """`half year`, `half a year`, `last half year`: six months."""
        at = 1 if self._word() in vocabulary.PAST or self._word() in {"past", "a"} else 0
        if self._word(-1) in {"first", "second", "1st", "2nd"}:
            return 0
        if self._word(at) == "half-year":
            count = at + 1
        elif self._word(at) == "half":
            count = self._skip(at + 1, {"a", "the"}) + 1
            if self._word(count - 1) != "year":
                return 0
        else:
            return 0
        self._give("period", "6m")
        return count

    def _remark(self, sentence: str) -> None:
        if sentence not in self.remarks:
            self.remarks.append(sentence)

    def _filled(self, count: int) -> bool:
        """Whether words start or end with a filler word, and so cannot be a name."""
        ends = {self._word(), self._word(count - 1)}
        return bool(ends & (vocabulary.FILLERS | vocabulary.BY | vocabulary.WHO))

    def _standing(self) -> int:
        word, following = self._word(), self._word(1)
        if word in vocabulary.RECURRENCES and vocabulary.AVERAGE & {following, self._word(-1)}:
            self.ignored.append(self.words[self.at])
            return 1
        days = vocabulary.WEEKDAYS | {"day", "weekday", "week", "month"}
        if word in vocabulary.EVERY and following in days:
            count = 2
        elif word in vocabulary.RECURRENCES:
            count = 2 if word == "monthly" and (following.isdigit() or following == "last") else 1
        elif word in vocabulary.EVERY and following == vocabulary.MORNING:
            self.schedule_words += ["daily", "9:00"]
            return 2
        elif self.schedule_words and (word in vocabulary.WEEKDAYS or _is_time(word)):
            count = 1
        elif self.schedule_words and word == "at" and following.isdigit() and len(following) < 3:
            self.schedule_words.append(f"{following}:00")
            return 2
        elif self.schedule_words and (word, following) in {("to", "me"), ("to", "creators")}:
            count = 2
        elif self.schedule_words and (word == "here" or word.startswith("<#")):
            self.schedule_words += ["in"] if word.startswith("<#") else []
            count = 1
        else:
            return 0
        self.schedule_words += self.words[self.at : self.at + count]
        return count

    def _versus(self) -> int:
        for phrase, unit in vocabulary.OVER.items():
            if self._ahead(len(phrase)) == phrase:
                self._give("versus", f"vs last {unit}" if unit != "day" else "vs yesterday")
                return len(phrase)
        if self._word() in vocabulary.COMPARE:
            self.compares = True
            return 1
        if compared := self._with_a_date():
            return compared
        if turned := self._turned_round():
            return turned
        if not (self._word() in vocabulary.VERSUS or self._with_earlier()):
            return 0
        at = self._skip(1, {"to", "with", "the", "a", "an", "same", "period", "in", "of", "one"})
        if self._word(at) in vocabulary.UNITS and self._word(at + 1) in {"last", "previous"}:
            at += 1  # `vs the same month last year`
        word = self._word(at)
        if word in {"before", "yesterday"}:
            self._give("versus", f"vs {word}")
            return self._skip(at + 1, {"period"})
        if word in {"last", "previous"} and self._word(at + 1) not in vocabulary.UNITS:
            self._give("versus", "vs before")
            return self._skip(at + 1, {"period", "one"})
        at = self._skip(at, {"last", "previous"})
        unit = vocabulary.UNITS.get(self._word(at), "")
        if not unit and self._is_named(self.at + at):  # `opus vs sonnet`
            self.compares = True
            return 1
        if unit not in {"day", "week", "month", "year"}:
            raise ValueError(
                "`vs` needs before, yesterday, last week, last month or last year"
                + (f", not “{clean(word, 40)}”." if word else ".")
            )
        self._give("versus", "vs yesterday" if unit == "day" else f"vs last {unit}")
        return self._skip(at + 1, {"before", "earlier", "ago"})

    def _with_earlier(self) -> bool:
        """Whether `with` or `to` after `compare` begins what a period is compared with.

        Raises ValueError for a day or month that it can't be compared with, such as `last tuesday`.
        """
        if "period" in self.given or not self.compares:
            return self.compares and self._word() in {"with", "to", "and"}
        if self._word() not in {"with", "to"}:
            return False
        at = self._skip(1, {"the"})
        word, unit = self._word(at), vocabulary.UNITS.get(self._word(at + 1))
        if word in {"yesterday", "before"} or (word in {"last", "previous"} and unit):
            return True
        if word in vocabulary.PAST and unit:  # `compare to this month` is the period itself
            return False
        ahead = list(takewhile(bool, self._ahead(at + _LONGEST_STRETCH)[at:]))
        if written_dates.days(ahead, self.today, self.order):
            raise ValueError(ONLY_EARLIER)
        return False

    def _turned_round(self) -> int:
        """`last month vs this month` is `this month vs last month`."""
        joined = vocabulary.VERSUS | ({"with", "to", "and"} if self.compares else set())
        if self._word() not in joined:
            return 0
        earlier, (word, unit) = self.given.get("period"), (self._word(1), self._word(2))
        if earlier == ["yesterday"] and word == "today":
            self.given["period"] = ["today"]
            self._give("versus", "vs yesterday")
            return 2
        if word in {"this", "current"} and earlier == [f"last {unit}"]:
            self.given["period"] = [f"this {unit}"]
            self._give("versus", f"vs last {unit}")
            return 3
        return 0

    def _is_named(self, at: int) -> bool:
        """Whether a word is a name that may be asked for."""
        word = self.words[at].casefold().strip(".,") if at < len(self.words) else ""
        try:
            return bool(word) and bool(named(word, self.known))
        except AmbiguousNameError:
            return True

    def _with_a_date(self) -> int:
        """`vs september`, after the period that it is compared with."""
        joined = vocabulary.VERSUS | ({"with", "to", "and"} if self.compares else set())
        if self._word() not in joined or "period" not in self.given:
            return 0
        at = self._skip(1, {"to", "with", "the", "in", "of"})
        ahead = list(takewhile(bool, self._ahead(at + _LONGEST_STRETCH)[at:]))
        found = written_dates.days(ahead, self.today, self.order)
        read = parse(self.given["period"][-1])
        if found is None or not isinstance(read, QuestionCommand):
            return 0
        period = read.query.period
        if not isinstance(period, Month | DateSpan):
            return 0
        ours, theirs = (period.first, period.last), found[1]
        later, earlier = max(ours, theirs), min(ours, theirs)
        versus = written_dates.apart(earlier, later)
        if not versus:
            raise ValueError(ONLY_EARLIER)
        self.given["period"] = [written_dates.period_of(*later)]
        self._give("versus", f"vs {versus}")
        return at + found[0]

    def _by(self) -> int:
        if self._word() in vocabulary.WHO:
            self._give("by", "by creator")
            return 1
        if self._word() not in vocabulary.BY:
            return self._bare_dimension()
        at = self._skip(1, {"the", "each", "every", "api", "of", "our", "my", "single"})
        word = self._word(at)
        if word in vocabulary.DIMENSIONS:
            self._group_by(vocabulary.DIMENSIONS[word], word)
            return at + 1
        if word in vocabulary.UNITS or word in {"minute", "date", "time"}:
            self.ignored.append(" ".join(self.words[self.at : self.at + at + 1]))
            return at + 1
        if word in vocabulary.WHO:
            return at
        ranks = self.superlative or "top" in self.given or "by" in self.given
        if ranks and (metric := vocabulary.METRICS.get(word)):  # `top 5 models by cost`
            self._give("metric", str(metric))
            return at + 1
        return 1 if self._word() in {"which", "each", "across"} else self._by_somebody(at)

    def _by_somebody(self, at: int) -> int:
        """`by ada` is a filter, not a grouping."""
        word = self._word(at)
        person = word in vocabulary.SELF or word.startswith("<@")
        if person or named(word, self.known, Dimension.CREATOR):
            return at
        raise ValueError(grouping(word))

    def _bare_dimension(self) -> int:
        """`key prod` is a filter, `models` a grouping."""
        word, skipped = self._word(), 1 if self._word() == "api" else 0
        dimension = vocabulary.DIMENSIONS.get(self._word(skipped))
        if dimension is None:
            return 0
        following = self.words[self.at + skipped + 1 : self.at + skipped + 2]
        if following and not self._word(skipped).endswith("s") and word != "people":
            found = named(following[0], self.known, dimension)
            if found and self._word(skipped + 1) not in vocabulary.FILLERS:
                self._narrow(found)
                return skipped + 2
        if word in vocabulary.SPENDERS:
            self._give("metric", str(Metric.SPEND))
        self._group_by(dimension, self._word(skipped))
        return skipped + 1

    def _no_rank_of_times(self) -> None:
        """`which day was the most expensive` is answered with all days, and a remark says so."""
        found = _RANKED_TIME.search(" ".join(self.words).casefold())
        if found and self.superlative and "by" not in self.given:
            self.superlative = False
            self.remarks.append(f"I can't rank {found[1]}s; the chart shows the usage over time.")

    def _group_by(self, dimension: Dimension, word: str) -> None:
        self.plural = self.plural or word.endswith("s") or word == "people"
        self._give("by", f"by {dimension}")

    def _top(self) -> int:
        word, following = self._word(), self._word(1)
        if word in vocabulary.LEAST:
            named_ = (vocabulary.DIMENSIONS.get(one.casefold().strip("?.")) for one in self.words)
            by = next(filter(None, named_), Dimension.MODEL)
            raise ValueError(
                f"I can only rank from the largest, not by “{word}”; `spend by {by} top 50` lists"
                " the smallest last."
            )
        if (count := self._number(0)) and following in vocabulary.TOP | vocabulary.MOST:
            self._give("top", f"top {int(count[:4])}")
            return 2
        if word in vocabulary.MOST:
            self.superlative = True
            return 1
        if word not in vocabulary.TOP:
            return 0
        if count := self._number(1):
            self._give("top", f"top {int(count[:4])}")
            return 2
        self.superlative = True
        if vocabulary.METRICS.get(word):
            self._give("metric", str(vocabulary.METRICS[word]))
        if vocabulary.METRICS.get(following) and following.endswith("s"):
            self.plural = True  # `our biggest costs` are several
        return 1

    def _ranked_time(self) -> int:
        """`5 most expensive days`, `peak hour`: buckets are not ranked, and that is said."""
        word = self._word()
        at = 1 if word == "peak" else 0
        unit = vocabulary.UNITS.get(self._word(1) if at else word)
        if unit is None:
            return 0
        before = self._word(-1)
        first = self._number(-1) and self._word(-2) in vocabulary.TOP  # `top 5 days`
        largest = before in vocabulary.TOP | vocabulary.MOST or (
            before in vocabulary.METRICS and (self.superlative or "top" in self.given)
        )
        if not (at or first or largest):
            return 0
        self.superlative = False
        self.given.pop("top", None)
        self.ranked = unit
        self._remark(f"I can't rank {unit}s; the chart shows the usage over time.")
        return at + 1

    def _stretch(self) -> int:
        """Parse a range from one day to another, or until now."""
        if self.compares or (self.schedule_words and self._word() in vocabulary.WEEKDAYS):
            return 0
        if self.kind is QueryKind.FORECAST and self._word() in {"until", "before", "after"}:
            return 0
        ahead = list(takewhile(bool, self._ahead(_LONGEST_STRETCH)))
        found = stretch(ahead, self.today, self.order)
        if found is None:
            return 0
        self._give("period", found[1])
        return found[0]

    def _period(self) -> int:
        for phrase, period in vocabulary.TO_DATE.items():
            if self._ahead(3) == phrase:
                self._give("period", period)
                return 3
        if fortnights := self._fortnights():
            return fortnights
        word = self._word()
        if word in vocabulary.PAST or word == "past":
            return self._relative()
        if (count := self._number(0)) and self._word(1) in vocabulary.UNITS:
            self._give("period", f"{int(count[:6])}{vocabulary.UNITS[self._word(1)][0]}")
            return 2
        read = parse(word) if word in NAMED or word[:1].isdigit() else None
        if isinstance(read, QuestionCommand) and read.dated:
            self._give("period", word)
            return 1
        if isinstance(read, CommandError):
            raise ValueError(read.problem)
        return 0

    def _fortnights(self) -> int:
        """`fortnight`, `last fortnight`, `2 fortnights`, `past two fortnights`: 14 days each."""
        at = 1 if self._word() in vocabulary.PAST or self._word() == "past" else 0
        count = self._number(at)
        at += bool(count)
        if self._word(at) not in {"fortnight", "fortnights"}:
            return 0
        self._give("period", f"{14 * int(count[:4] or 1)}d")
        return at + 1

    def _relative(self) -> int:
        word, following = self._word(), self._word(1)
        if count := self._number(1):
            at = self._skip(2, {"of"})
            unit = vocabulary.UNITS.get(self._word(at))
            if unit:
                self._give("period", f"{int(count[:6])}{unit[0]}")
                drawn = "hour" if unit == "hour" else "day"
                self.remarks.append(
                    f"The last {drawn} is still running; the average counts it as a whole {drawn}."
                )
                return at + 1
            if self._word(at).startswith("min"):
                raise ValueError("I can't look at single minutes. The shortest period is `1h`.")
        counted = parse(following) if following[:1].isdigit() else None
        if isinstance(counted, QuestionCommand):
            self._give("period", following)
            return 2
        last = vocabulary.PAST.get(word) == "last"
        unit = vocabulary.UNITS.get(following)
        if unit is None and (last or word == "past"):
            typed = f", not “{clean(following, 40)}”" if following else ""
            raise ValueError(
                f"`{word}` needs a unit of time after it, like `{word} week` or `{word} 3 weeks`"
                f"{typed}."
            )
        if unit is None:
            return 0
        self._give("period", f"1{unit[0]}" if word == "past" else f"{vocabulary.PAST[word]} {unit}")
        return 2

    def _dated(self) -> int:
        """Parse a day, month, quarter or year in any common spelling."""
        if self.schedule_words and self._word() in vocabulary.WEEKDAYS:
            return 0
        may = self._word() == "may" and self._word(-1) not in {"in", "for", "of"}
        if may and not self._word(1)[:1].isdigit():
            return 0
        ahead = list(takewhile(bool, self._ahead(_LONGEST_STRETCH)))
        if ahead[:1] == ["weekends"]:
            raise ValueError(NO_WEEKENDS)
        found = written_dates.days(ahead, self.today, self.order)
        if found is None:
            return 0
        if found[1][0] > self.today:
            raise ValueError(f"{found[1][0]} is in the future, so there is nothing to show yet.")
        self._give("period", written_dates.period_of(*found[1]))
        return found[0]

    def _option(self) -> int:
        word = self._word()
        if {word, self._word(1)} == {"pdf", "summary"}:
            self._give("file", "pdf summary")
            return 2
        if word in vocabulary.FILES:
            self._give("file", vocabulary.FILES[word])
        elif word in vocabulary.EXPORTING:
            if not any(one.casefold().strip(".?!") in vocabulary.FILES for one in self.words):
                self._give("file", "csv")
        elif word in vocabulary.PROPORTIONS or (word == "share" and self._is_proportion()):
            raise ValueError(
                "I show shares when an answer is grouped. Try `spend this month by model`."
            )
        elif word in {"credits", "byok"}:
            self._give("source", word)
        elif word == "share":
            self._give("share", word)
        elif word == "tz" or word in zone_names():
            at = 1 if word == "tz" else 0
            self._give("zone", f"tz {zone_names().get(self._word(at), self._word(at))}")
            return at + 1
        else:
            return 0
        return 1

    def _is_proportion(self) -> bool:
        """Whether `share` means a proportion rather than posting the answer."""
        before = self.words[self.at - 1].casefold() if self.at else ""
        return self._word(1) == "of" or before.endswith("'s") or before in vocabulary.POSSESSIVES

    def _metric(self) -> int:
        if self._ahead(2) == ("how", "much"):
            self.asks_how_much = True
            return 2
        if self._word() not in vocabulary.METRICS:
            return 0
        metric, word = vocabulary.METRICS[self._word()], self._word()
        if metric is Metric.SPEND:
            after = {one.casefold() for one in self.words[: self.at]} & vocabulary.VERBS_AFTER
            verb = word in vocabulary.ALWAYS_VERBS or (word in {"spend", "pay"} and bool(after))
            self.spending.append(verb)
        self._give("metric", str(metric) if metric else "")
        return 1

    def _token_part(self) -> int:
        """`output tokens`: means tokens, whose answer shows prompt and completion tokens."""
        if self._word() not in vocabulary.TOKEN_PARTS:
            return 0
        self.given.pop("metric", None)
        self._give("metric", str(Metric.TOKENS))
        self.asks_how_much = False
        self._remark(
            "Tokens are shown with their parts: prompt (input), completion (output) and reasoning,"
            " which is part of completion. The CSV has them for each group."
        )
        return 1

    def _self(self) -> int:
        word = self._word()
        if word not in vocabulary.SELF:
            return 0
        asks_for_alert = word == "i" and self._word(1) in vocabulary.WANTING
        given = word == "me" and self._word(-1) in vocabulary.GIVING
        ours = word == "my" and vocabulary.SPENDERS & set(self._ahead(4))  # of all, who spends
        if not (asks_for_alert or given or ours):
            self._narrow(Filter(Dimension.CREATOR, "me"))
        return 1

    def _leaving_out(self) -> int:
        """`without opus`, `except ada and grace`, `not counting the ci key`."""
        phrase = next((p for p in vocabulary.LEAVING_OUT if self._ahead(len(p)) == p), ())
        if not phrase and self._word() == "but" and self._word(-1) in vocabulary.ALL_BUT:
            phrase = ("but",)
        if not phrase:
            return 0
        at, found = len(phrase), list[Filter]()
        if other := {"byok": "credits", "credits": "byok"}.get(self._word(at)):
            self._give("source", other)
            self._give("metric", str(Metric.SPEND))  # `credits` alone asks for the balance
            return at + 1
        while taken := self._left_out(at):
            found.append(taken[1])
            at = taken[0]
            if self._word(at) in {"and", "or", "nor"} and self._left_out(at + 1):
                at += 1
        for one in found:
            self._narrow(replace(one, exclude=True))
        if not found:
            raise ValueError(
                f"I don't recognize what to leave out after “{clean(' '.join(phrase), 40)}”."
                " Try `without opus`, `-key:ci*` or `-creator:ada@example.com`."
            )
        return at

    def _left_out(self, at: int) -> tuple[int, Filter] | None:
        """The name that starts at a word, and the index at which it ends."""
        at = self._skip(at, {"the", "any", "all", "for", "from", "using", "use", "of", "our"})
        dimension: Dimension | None = None
        if self._word(at) == "api":
            at += 1
        if self._word(at) in vocabulary.DIMENSIONS:
            dimension = vocabulary.DIMENSIONS[self._word(at)]
            at += 1
        word = self._word(at)
        kind, colon, name = word.removeprefix("-").partition(":")
        if colon and name and kind in vocabulary.DIMENSIONS:
            return at + 1, Filter(vocabulary.DIMENSIONS[kind], name.replace('"', ""))
        if word.startswith("<@"):
            return at + 1, Filter(Dimension.CREATOR, self.words[self.at + at].rstrip("."))
        if word in vocabulary.SELF:
            return at + 1, Filter(Dimension.CREATOR, "me")
        for count in range(LONGEST_NAME_WORDS, 0, -1):
            words = self.words[self.at + at : self.at + at + count]
            if len(words) < count or (count == 1 and word in vocabulary.FILLERS):
                continue
            shown = " ".join(words)
            if count > 1 and not self.known.has(shown) and not named(shown, self.known, dimension):
                continue
            one = named(shown, self.known, dimension) or named(
                self._word(at) if count == 1 else shown, self.known, dimension
            )
            if one:
                at = self._skip(at + count, {"api"})
                same = vocabulary.DIMENSIONS.get(self._word(at)) is one.dimension
                return at + same, one
        return None

    def _name(self) -> int:
        if self._word() in vocabulary.FILLERS:
            return 0
        found = named(self._word(), self.known) or named(self.words[self.at], self.known)
        if not found:
            return 0
        self._narrow(found)
        following = 2 if self._word(1) == "api" else 1
        if vocabulary.DIMENSIONS.get(self._word(following)) is not found.dimension:
            return 1
        if self._word(following).endswith("s"):
            # `the prod key` is one key, `claude models` are several, to be told apart
            self.several = found.dimension
        return following + 1

    def _filler(self) -> int:
        if self._ahead(2) in {("month", "of"), ("week", "of"), ("year", "of"), ("over", "time")}:
            return 2
        if self._word() == "hourly":
            self.ignored.append(self.words[self.at])
            return 1
        sign = not any(c.isalnum() or c.isascii() for c in self._word())  # such as an emoji
        return (
            1
            if sign or self._word() in vocabulary.FILLERS or not self._word().strip("-–—:&+/()")
            else 0
        )


def _over_what(over: str, words: str) -> CommandError:
    """The error for `spend > 100`, which doesn't say what is to be above it."""
    choices = {form_label(by): canonical(f"{words} by {by}") for by in Dimension}
    return CommandError(
        f"What is to be over {clean(over, 20)}: each model, each API key or each creator?",
        choices=tuple(choices.values()),
        labels=tuple(choices),
    )


_RANGE = re.compile(
    r"((?:[0-9]{1,2}[./]){1,2}(?:[0-9]{2,4})?)-((?:[0-9]{1,2}[./]){1,2}(?:[0-9]{2,4})?)"
)


def _split(word: str, known: KnownNames) -> list[str]:
    """The words within one: `oct-nov`, `1.10.2026-15.10.2026`, `top5`, `(last`.

    What is part of a key's name stays as it is.
    """
    lower = word.casefold()
    if lower in known.all_keys or '"' in word:
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


def _is_time(word: str) -> bool:
    hour = word.removesuffix("am").removesuffix("pm")
    parts = hour.split(":")
    return (
        len(parts) <= 2
        and all(p.isascii() and p.isdigit() and len(p) <= 2 for p in parts)
        and (":" in word or word.endswith(("am", "pm")))
    )
