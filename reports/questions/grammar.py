"""The grammar of questions: parses the words after /activity into a Command or a CommandError.

    question  = { kind | metric | period | "by" dimension | filter | option }      in any order
    metric    = "spend" | "cost" | "tokens" | "requests"
    period    = COUNT ("h" | "d" | "w" | "m" | "y") | "today" | "yesterday" | "mtd" | "ytd"
              | ("this" | "last") ("hour" | "day" | "week" | "month" | "year")
              | "last" COUNT ("h" | "hours" | "d" | "days" | ... | "y" | "years")
              | DATE | DATE ".." DATE            a DATE is 2026-10 or 2026-10-03
    dimension = "model" | "key" | "api key" | "creator" | "user" | "member"
              | "provider" | "end-user" | "end user"               these two need ClickHouse
    filter    = ["-"] dimension ":" NAME         NAME may be "quoted", `*` is a wildcard, and
                                                 "-" leaves out what it names
    kind      = "price" | "why" | "forecast" | ...  what is asked of the usage, at most one
    option    = "credits" | "byok" | "top" N | "csv" | "pdf" ["summary"] | "share" | "tz" ZONE
              | "vs" ("before" | "yesterday" | "last" ("day" | "week" | "month" | "year"))

Regular expressions and plain `int()` aren't used, because both accept more than they should.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import takewhile

from reports.questions.kind_options import NEW_WHAT
from reports.questions.kinds import extra_words, kind_of, unfit
from reports.questions.query import (
    DEFAULT_PERIODS,
    DEFAULT_TOP,
    FileFormat,
    Query,
    QueryKind,
    Versus,
)
from reports.questions.topics import not_yet, ungroupable
from reports.time.period import (
    LETTERS,
    LONGEST_YEARS,
    NAMED,
    YEARS,
    Calendar,
    Counted,
    DateSpan,
    Month,
    Period,
    Unit,
)
from reports.time.time_range import zone_names
from reports.usage.dimensions import NAMES, STORED, Filter, Metric, MoneySource
from reports.wording import suggestions as nearest
from reports.wording.safe_text import clean, plain
from reports.wording.token_cursor import TokenCursor

LONGEST = 300  # characters; more than any question needs, and little work to parse
MOST_FILTERS = 20
MOST_TOP = 50  # rows that fit a Slack message
MOST_WRONG = 10  # errors after which parsing stops

METRICS = {
    "spend": Metric.SPEND,
    "cost": Metric.SPEND,
    "tokens": Metric.TOKENS,
    "requests": Metric.REQUESTS,
}
DIMENSIONS = {word: one for one, names in NAMES.items() for word in names.words}
_PLURAL = {f"{word}s": dimension for word, dimension in DIMENSIONS.items()}
_UNITS = {str(unit): unit for unit in Unit}
_OPTIONS = ("credits", "byok", "top", "csv", "pdf", "share", "tz", "vs", "help")
_VERSUS = {
    "before": Versus.BEFORE,
    "previous": Versus.BEFORE,
    "yesterday": Versus.DAY,
    "day": Versus.DAY,
    "week": Versus.WEEK,
    "month": Versus.MONTH,
    "year": Versus.YEAR,
}
WORDS = (*METRICS, *DIMENSIONS, *NAMED, *_OPTIONS, "by", "this", "last")
_GIVEN = {
    "dimension": "by", "comparison": "versus", "`top`": "top", "csv": "file", "pdf": "file",
}  # fmt: skip
_ONE_ONLY = {"kind": "kind", "zone": "time zone", "source": "source of money", "`top`": "`top`"}
_DATES = "`7d`, `last month`, `2026-10` or `2026-10-03`"
EXAMPLES = ("spend 1d by model", "tokens 1m by key", "cost last month by creator csv")

_BEGUN = {
    "by": "by model",
    "this": "this month",
    "last": "last month",
    "top": "top 10",
    "tz": "tz Europe/Berlin",
    "vs": "vs last month",
} | {word: f"by {word}" for word in DIMENSIONS}
"""Words that need another word, with a complete example."""


@dataclass(frozen=True, slots=True)
class QuestionCommand:
    """A question to answer; `dated`: its period was typed, and isn't the default.

    `given` names what was typed: `kind`, `metric`, `period`, `by`, `filter`, `source`, `top`,
    `versus`, `zone`, `file`, `share`.
    """

    query: Query
    dated: bool = field(default=False, compare=False)
    given: frozenset[str] = field(default=frozenset(), compare=False)


@dataclass(frozen=True, slots=True)
class HelpCommand:
    """A request for help."""


Command = QuestionCommand | HelpCommand


@dataclass(frozen=True, slots=True)
class CommandError:
    """An invalid command: the problem as a sentence, and the command that was probably meant.

    `understood` is the valid part. `suggestion` is a complete command without the command's name;
    `choices` are several commands if the words are ambiguous, and `labels` are their button labels
    if the commands don't explain the difference. `examples` are for new users. `certain`: the words
    are the grammar's own, so reading them as natural language would only leave some out.
    """

    problem: str
    understood: str = ""
    suggestion: str = ""
    examples: tuple[str, ...] = EXAMPLES
    choices: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    certain: bool = field(default=False, compare=False)

    @property
    def candidates(self) -> tuple[str, ...]:
        """The commands to offer."""
        return self.choices or ((self.suggestion,) if self.suggestion else ())


class _Wrong(ValueError):  # noqa: N818 - internal
    """`certain`: the words are the grammar's own, and no other reading of them makes sense."""

    def __init__(self, problem: str, suggestion: str = "", *, certain: bool = False) -> None:
        super().__init__(problem)
        self.suggestion = suggestion
        self.certain = certain


def parse(text: str) -> Command | CommandError:
    """Parse the words of a question, from Slack or a shell; problems are returned."""
    question = text.strip()
    if len(question) <= LONGEST * len("&amp;"):
        question = plain(question).strip()
    if len(question) > LONGEST:
        return _too_long(len(question))
    reader = _QuestionReader()
    try:
        reader.read(tokens(question))
    except _Wrong as wrong:
        reader.wrong.append(wrong)
    if reader.help:
        return HelpCommand()
    if reader.wrong:
        return reader.error()
    if wrong_for_kind := unfit(reader.query, frozenset(reader.seen)):
        choices = _new_of_each(reader.query) if wrong_for_kind == NEW_WHAT else ()
        return CommandError(wrong_for_kind, choices=choices)
    written_out = len(reader.query.words())
    dated = "period" in reader.seen
    given = frozenset(_GIVEN.get(kind.partition(" ")[0], kind) for kind in reader.seen)
    return (
        QuestionCommand(reader.query, dated, given)
        if written_out <= LONGEST
        else _too_long(written_out)
    )


def _new_of_each(query: Query) -> tuple[str, ...]:
    """The questions that `new` may mean: new models, keys or creators."""
    each = (replace(query, extra=(f"{of}s",)) for of in STORED)
    return tuple(one.words() for one in each)


def _too_long(length: int) -> CommandError:
    return CommandError(f"That is {length:,} characters; a question can have at most {LONGEST}.")


def tokens(text: str) -> list[str]:
    """Split at spaces outside double quotes; quotes are kept.

    Raises ValueError if a quotation mark is missing.
    """
    found, current, quoted = [], "", False
    for char in text:
        if char == '"':
            quoted = not quoted
        if char.isspace() and not quoted:
            found.append(current)
            current = ""
        else:
            current += char
    if quoted:
        raise _Wrong('A quotation mark is missing. Write names like `key:"Prod key"`.')
    return [token for token in (*found, current) if token]


@dataclass(slots=True)
class _QuestionReader:
    """Parses words from left to right into a query; each kind of word may occur once."""

    query: Query = field(default_factory=Query)
    seen: dict[str, str] = field(default_factory=dict)
    help: bool = False
    words: TokenCursor = field(default_factory=TokenCursor)
    wrong: list[_Wrong] = field(default_factory=list)

    def read(self, words: list[str]) -> None:
        """Parse words, continuing after an error so that the rest is understood."""
        self.words = TokenCursor(words)
        rules: tuple[Callable[[str], bool], ...] = (
            self._kind, self._filter, self._by, self._metric, self._period, self._option,
        )  # fmt: skip
        while self.words and len(self.wrong) < MOST_WRONG:
            word = self.words.take()
            try:
                if not any(rule(word) for rule in rules):
                    raise self._unknown(word)
            except _Wrong as wrong:
                self.wrong.append(wrong)

        if "period" not in self.seen and self.query.kind in DEFAULT_PERIODS:
            self.query = replace(self.query, period=DEFAULT_PERIODS[self.query.kind])

    def error(self) -> CommandError:
        """The error for the first wrong word; the suggestion is a complete question."""
        first, understood = self.wrong[0], self.query.words() if self.seen else ""
        guesses = [wrong.suggestion for wrong in self.wrong if wrong.suggestion]
        certain = all(wrong.certain for wrong in self.wrong)
        if len(guesses) < len(self.wrong):
            return CommandError(
                str(first), understood, certain=certain
            )  # don't suggest a question without a word that can't be corrected
        corrected = _QuestionReader(self.query, dict(self.seen))
        for guess in guesses:
            corrected.read(tokens(guess))
        suggestion = corrected.query.words()
        # a guess that equals the default is still a correction if something else was understood
        changed = corrected.query != self.query or (self.seen and guesses and not corrected.wrong)
        if not changed or corrected.help or len(suggestion) > LONGEST:
            suggestion = first.suggestion if _is_valid(*tokens(first.suggestion)) else ""
        return CommandError(str(first), understood, suggestion, certain=certain)

    def _unknown(self, word: str) -> _Wrong:
        kind, colon, _ = word.partition(":")
        following = self.words.peek()
        if colon:
            minus = "-" if kind.startswith("-") else ""
            meant = nearest.word(kind.removeprefix("-"), DIMENSIONS)
            name = following_name(word)
            return _Wrong(
                f"You can filter by model, key or creator, not by {_quoted(kind)}.",
                f"{minus}{meant}:{name}" if meant and name else "",
            )
        if word[0].isdigit() and word[0].isascii():
            unit = word.lstrip("0123456789")
            apart = not unit and following.lower().rstrip("s") in _UNITS
            count = word.removesuffix(unit)
            meant = nearest.period(count, self.words.take() if apart else unit)
            return _Wrong(
                f"I can't read {_quoted(word)} as a date. Try {_DATES}.",
                meant if _is_counted(meant) else "",
            )
        if word.lower() in DIMENSIONS:
            example = NAMES[DIMENSIONS[word.lower()]].example
            said = f"{_quoted(word)} needs `by` before it or a name after it: `{word}:{example}`."
            return _Wrong(said, f"by {word}")
        return _Wrong(f"I don't recognize {_quoted(word)}.", self._guess(word, following))

    def _guess(self, word: str, following: str) -> str:
        count = word.lower().removeprefix("top")
        if count != word.lower() and _integer(count):
            return f"top {count}"
        meant = nearest.word(word, WORDS)
        if meant not in _BEGUN:
            return meant
        if not following or not _is_valid(meant, following):
            return _BEGUN[meant]
        self.words.take()
        return f"{meant} {following}"

    def _once(self, kind: str, word: str) -> None:
        before = self.seen.setdefault(kind, word)
        if before is not word:
            raise _Wrong(_only_one_problem(kind, before, word), certain=kind == "kind")

    def _kind(self, word: str) -> bool:
        """Parse the word of a kind, or a word that only its questions have."""
        kind = kind_of(word.lower())
        if kind is QueryKind.KEYS and (self.seen or self.wrong):
            kind = None  # otherwise it may be a dimension, or the subject of `new`
        if kind:
            self._once("kind", word)
            self.query = replace(self.query, kind=kind)
            return True
        try:
            extra = extra_words(self.query.kind, word.lower(), self.words)
        except ValueError as error:
            raise _Wrong(str(error), certain=True) from error
        self.query = replace(self.query, extra=(*self.query.extra, *extra))
        return bool(extra)

    def _metric(self, word: str) -> bool:
        metric = METRICS.get(word.lower())
        if metric:
            self._once("metric", word)
            self.query = replace(self.query, metric=metric)
        return bool(metric)

    def _by(self, word: str) -> bool:
        if word.lower() != "by":
            return False
        named = self.words.take()
        if named.lower() == "api" and self.words.peek().lower() in {"key", "keys"}:
            named = self.words.take()
        if named.lower() == "end" and self.words.peek().lower() in {"user", "users"}:
            named = f"end-{self.words.take()}"
        dimension = (DIMENSIONS | _PLURAL).get(named.lower())
        if not dimension:
            topic = ungroupable(("by", named.lower()))
            if topic:
                raise _Wrong(not_yet(topic))
            meant = nearest.word(named, DIMENSIONS) or ("" if named else "model")
            raise _Wrong(grouping(named), f"by {meant}" if meant else "")
        self._once("dimension", f"by {named}")
        self.query = replace(self.query, by=dimension)
        return True

    def _filter(self, word: str) -> bool:
        kind, colon, pattern = word.partition(":")
        exclude = kind.startswith("-")
        dimension = (DIMENSIONS | _PLURAL).get(kind.removeprefix("-").lower())
        if not colon or not dimension:
            return False
        if not pattern and self.words:
            pattern = self.words.take()
        pattern = " ".join(plain(pattern.replace('"', "")).split())
        if not pattern:
            raise _Wrong(
                f"`{kind}:` needs a name after it.",
                f"{'-' if exclude else ''}{dimension}:{NAMES[dimension].example}",
            )
        asked = Filter(dimension, pattern, exclude)
        if asked in self.query.filters:
            return True
        if len(self.query.filters) == MOST_FILTERS:
            raise _Wrong(
                f"A question can have at most {MOST_FILTERS} filters; `*` matches several names."
            )
        self.seen[f"filter {len(self.query.filters)}"] = word
        self.query = replace(self.query, filters=(*self.query.filters, asked))
        return True

    def _period(self, word: str) -> bool:
        lower = word.lower()
        if lower == "last" and self.words and self._count_follows():
            word = self.words.take().lower()
            period: Period | None = _counted(word)
        elif lower in {"this", "last"}:
            unit = self.words.take()
            if unit.lower() not in _UNITS:
                raise _Wrong(
                    f"`{lower}` needs hour, day, week, month or year after it{_not(unit)}.",
                    self._with_similar_unit(lower, unit),
                )
            period = Calendar(_UNITS[unit.lower()], last=lower == "last")
            word = f"{word} {unit}"
        else:
            period = NAMED.get(lower) or _counted(lower) or _dates(lower)
        if period:
            self._once("period", word)
            self.query = replace(self.query, period=period)
        return period is not None

    def _follows(self, word: str) -> bool:
        return self.words.peek().lower() == word

    def _count_follows(self) -> bool:
        """Whether a counted period follows; `3 days` is replaced by `3d`."""
        count, unit = self.words.peek(), self.words.peek(1).lower()
        if _integer(count) is not None and unit.removesuffix("s") in _UNITS:
            self.words.take_many(2)
            self.words.put_back(f"{count}{unit[0]}")
        return _is_counted(self.words.peek().lower())

    def _with_similar_unit(self, word: str, unit: str) -> str:
        if _integer(unit) and self.words:
            counted = nearest.word(self.words.take().removesuffix("s"), _UNITS)
            return f"{unit}{counted[0]}" if counted else ""
        meant = nearest.word(unit, _UNITS) if unit else "month"
        return f"{word} {meant}" if meant else ""

    def _option(self, word: str) -> bool:
        match word.lower():
            case "credits" | "byok" as source:
                self._once("source", word)
                self.query = replace(self.query, source=MoneySource(source))
            case "top":
                self._top()
            case "csv" | "pdf" as file:
                self._file(file)
            case "summary" if self._follows("pdf"):
                self._file(self.words.take().lower(), summary=True)
            case "share":
                self.seen["share"] = word
                self.query = replace(self.query, share=True)
            case "tz":
                self._zone()
            case "vs" | "versus":
                self._versus()
            case "help" | "?":
                self.help = True
            case _:
                return False
        return True

    def _file(self, word: str, *, summary: bool = False) -> None:
        """Add a file; `pdf summary`, in either order, means only the first pages of the PDF."""
        if word == "pdf" and self._follows("summary"):
            self.words.take()
            summary = True
        file = FileFormat.SUMMARY if summary else FileFormat(word)
        self.seen[file] = file
        self.query = replace(self.query, files=tuple(sorted({*self.query.files, file})))

    def _top(self) -> None:
        word = self.words.take()
        count = _integer(word)
        if not count or count > MOST_TOP:
            said = f"`top` needs a number from 1 to {MOST_TOP}, like `top 5`."
            digits = _integer("".join(takewhile(str.isdigit, word)))
            meant = f"top {min(digits, MOST_TOP) if digits else DEFAULT_TOP}"
            raise _Wrong(said, meant, certain=count is not None)
        self._once("`top`", f"top {word}")
        self.query = replace(self.query, top=count)

    def _versus(self) -> None:
        word = self.words.take()
        if word.lower() == "last":
            word = self.words.take()
        versus = _VERSUS.get(word.lower())
        if not versus:
            known = "before, yesterday, last week, last month or last year"
            said = f"`vs` needs {known}{_not(word)}."
            meant = nearest.word(word, _VERSUS) if word else "month"
            raise _Wrong(said, f"vs {_VERSUS[meant]}" if meant else "")
        self._once("comparison", f"vs {word}")
        self.query = replace(self.query, versus=versus)

    def _zone(self) -> None:
        word = self.words.take()
        zone = zone_names().get(word.lower())
        if not zone:
            following = self.words.peek()
            meant = nearest.zone(word, following) if word else "Europe/Berlin"
            if meant and meant.lower().endswith(f"{word}_{following}".lower()):
                self.words.take()
            raise _Wrong(
                f"`tz` needs a time zone like Europe/Berlin{_not(word)}.",
                f"tz {meant}" if meant else "",
            )
        self._once("zone", f"tz {word}")
        self.query = replace(self.query, zone=zone)


def _counted(word: str) -> Period | None:
    count, unit = _integer(word[:-1]), LETTERS.get(word[-1:])
    if count is None or unit is None:
        return None
    try:
        return Counted(count, unit)
    except ValueError as error:
        nearest_count = f"{LONGEST_YEARS}y" if count else f"1{unit[0]}"
        raise _Wrong(f"I can't use {_quoted(word)}: {error}.", nearest_count) from None


def _is_counted(word: str) -> bool:
    return _integer(word[:-1]) is not None and word[-1] in LETTERS


def _dates(word: str) -> Period | None:
    parts = word.split("-")
    half = len(parts) // 2
    if [len(part) for part in parts] in ([4, 2, 2, 4, 2, 2], [4, 2, 4, 2]):
        word = f"{'-'.join(parts[:half])}..{'-'.join(parts[half:])}"  # typed with a dash
    first, dots, last = word.replace("...", "..").partition("..")
    if not (_looks_like_date(first) or _looks_like_date(last)):
        return None
    if not dots:
        return _date(word)
    meant = nearest.span(first, last)
    if not (first and last):
        raise _Wrong("A date range needs a start and an end, like `2026-10-01..2026-10-15`.", meant)
    try:
        return DateSpan(_date(first).first, _date(last).last)
    except _Wrong as wrong:
        raise _Wrong(str(wrong), meant) from None
    except ValueError as error:
        in_order = meant == word
        said = f"I can't use {_quoted(word)}: {error}."
        raise _Wrong(said, f"{LONGEST_YEARS}y" if in_order else meant) from None


def _looks_like_date(word: str) -> bool:
    return len(word) >= 6 and word[:4].isascii() and word[:4].isdigit() and word[4] == "-"


def _date(word: str) -> Month | DateSpan:
    """A month or a day. Raises _Wrong if the calendar has no such date."""
    numbers = [_integer(part) for part in word.split("-")]
    shaped = [len(part) for part in word.split("-")] in ([4, 2], [4, 2, 2])
    if not shaped or None in numbers:
        said = f"I can't read {_quoted(word)} as a date. Try {_DATES}."
        raise _Wrong(said, nearest.day(word))
    year, month, day = (*(number or 0 for number in numbers), 1)[:3]
    if year not in YEARS:
        said = f"I can't use {_quoted(word)}: years run from {YEARS[0]} to {YEARS[-1]}."
        raise _Wrong(said, nearest.day(word))
    try:
        on = date(year, month, day)
    except ValueError:
        raise _Wrong(f"There is no such date as {_quoted(word)}.", nearest.day(word)) from None
    return DateSpan(on, on) if len(numbers) == 3 else Month(year, month)


def _integer(word: str) -> int | None:
    """A whole number in ASCII digits; `int()` would also accept other scripts and `1_000`."""
    return int(word) if word.isascii() and word.isdigit() and len(word) <= 12 else None


def _is_valid(*words: str) -> bool:
    probe = _QuestionReader()
    probe.read(list(words))
    return bool(words) and not probe.wrong


def following_name(word: str) -> str:
    """The name in a misspelled filter such as `modle:gpt*`, with quotes if needed."""
    name = " ".join(plain(word.partition(":")[2].replace('"', "")).split())
    return f'"{name}"' if " " in name else name


def grouping(word: str) -> str:
    """The problem with `by` followed by a word that isn't a dimension."""
    not_by = f", not by {_quoted(word)}" if word else ""
    return f"You can group by model, key or creator{not_by}."


def _only_one_problem(kind: str, before: str, word: str) -> str:
    """The problem with two words if a question can have only one of them."""
    if kind == "dimension":
        one, other = (said.removeprefix("by ") for said in (before, word))
        return f"You can group by only one thing: {clean(one, 40)} or {clean(other, 40)}."
    name = _ONE_ONLY.get(kind, kind)
    return f"A question can have only one {name}: {_quoted(before)} or {_quoted(word)}."


def _not(word: str) -> str:
    return f", not {_quoted(word)}" if word else ""


def _quoted(word: str) -> str:
    return f"“{clean(word, 40)}”"
