"""The words after /activity: read into a Command, or into a CommandError with what to say.

    question  = { metric | period | "by" dimension | filter | option }      in any order
    metric    = "spend" | "cost" | "tokens" | "requests"
    period    = COUNT ("h" | "d" | "w" | "m" | "y") | "today" | "yesterday" | "mtd" | "ytd"
              | ("this" | "last") ("hour" | "day" | "week" | "month" | "year")
              | "last" COUNT ("hours" | "days" | "weeks" | "months" | "years")
              | DATE | DATE ".." DATE            a DATE is 2026-10 or 2026-10-03
    dimension = "model" | "key" | "api key" | "creator" | "user" | "member"
    filter    = dimension ":" NAME               NAME may be "quoted", `*` is a wildcard
    option    = "credits" | "byok" | "top" N | "csv" | "pdf" | "share" | "tz" ZONE

Nothing is read with a regular expression or with `int()` alone: both accept more than they should.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from difflib import get_close_matches

from reports.period import LETTERS, NAMED, Calendar, Counted, Month, Period, Span, Unit
from reports.query import Dimension, File, Filter, Metric, Query, Source
from reports.timerange import zone_names

LONGEST = 300
MOST_FILTERS = 20
MOST_TOP = 50

METRICS = {
    "spend": Metric.SPEND,
    "cost": Metric.SPEND,
    "tokens": Metric.TOKENS,
    "requests": Metric.REQUESTS,
}
DIMENSIONS = {
    "model": Dimension.MODEL,
    "key": Dimension.KEY,
    "creator": Dimension.CREATOR,
    "user": Dimension.CREATOR,
    "member": Dimension.CREATOR,
}
_PLURAL = {f"{word}s": dimension for word, dimension in DIMENSIONS.items()}
_UNITS = {str(unit): unit for unit in Unit}
_OPTIONS = ("credits", "byok", "top", "csv", "pdf", "share", "tz", "help")
WORDS = (*METRICS, *DIMENSIONS, *NAMED, *_OPTIONS, "by", "this", "last")
EXAMPLES = ("spend 1d by model", "tokens 1m by key", "cost last month by creator csv")

_PLAIN = str.maketrans(
    {
        "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
        "‘": "'", "’": "'", "\u00a0": " ", "\u2007": " ", "\u202f": " ", "\ufeff": " ",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to answer."""

    query: Query


@dataclass(frozen=True, slots=True)
class Help:
    """The person wants to know what can be asked."""


Command = Ask | Help


@dataclass(frozen=True, slots=True)
class CommandError:
    """Words that were not understood: the sentence to say, and the command they may have meant."""

    problem: str
    understood: str = ""
    suggestion: str = ""


class _Wrong(Exception):  # noqa: N818 - never leaves this file
    def __init__(self, problem: str, suggestion: str = "") -> None:
        super().__init__(problem)
        self.suggestion = suggestion


def parse(text: str) -> Command | CommandError:
    """Read the words of a question, as Slack sends them or as a shell does."""
    plain = _unescape(text.translate(_PLAIN)).strip()
    if len(plain) > LONGEST:
        return CommandError(f"That is {len(plain):,} characters; a question has at most {LONGEST}.")
    reader = _Reader()
    try:
        reader.read(_tokens(plain))
    except _Wrong as wrong:
        reader.wrong.append(wrong)
    if reader.help:
        return Help()
    return reader.error() if reader.wrong else Ask(reader.query)


def _unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _tokens(text: str) -> list[str]:
    """Split at spaces, but not inside double quotes; quotes stay where they stand."""
    tokens, current, quoted = [], "", False
    for char in text:
        if char == '"':
            quoted = not quoted
        if char.isspace() and not quoted:
            tokens.append(current)
            current = ""
        else:
            current += char
    if quoted:
        raise _Wrong('A quote is opened and not closed. Write it like `key:"Prod key"`.')
    return [token for token in (*tokens, current) if token]


@dataclass(slots=True)
class _Reader:
    """Reads one word after the other into a query; each kind of word may stand once."""

    query: Query = field(default_factory=Query)
    seen: dict[str, str] = field(default_factory=dict)
    help: bool = False
    words: list[str] = field(default_factory=list)
    wrong: list[_Wrong] = field(default_factory=list)

    def read(self, tokens: list[str]) -> None:
        """Read on after a wrong word, so that the rest of what was meant is not lost."""
        self.words = tokens[::-1]
        rules: tuple[Callable[[str], bool], ...] = (
            self._filter, self._by, self._metric, self._period, self._option,
        )  # fmt: skip
        while self.words:
            word = self.words.pop()
            try:
                if not any(rule(word) for rule in rules):
                    raise _unknown(word)
            except _Wrong as wrong:
                self.wrong.append(wrong)

    def error(self) -> CommandError:
        """What to say of the first wrong word; the suggestion is a whole question."""
        first, understood = self.wrong[0], self.query.words() if self.seen else ""
        if not first.suggestion:
            return CommandError(str(first), understood)
        corrected = _Reader(self.query, dict(self.seen))
        corrected.read(_tokens(first.suggestion))
        mended = not corrected.wrong and not corrected.help
        return CommandError(
            str(first), understood, corrected.query.words() if mended else first.suggestion
        )

    def _once(self, kind: str, word: str) -> None:
        before = self.seen.setdefault(kind, word)
        if before is not word:
            raise _Wrong(f"There are two {kind}s, {_quoted(before)} and {_quoted(word)}: keep one.")

    def _metric(self, word: str) -> bool:
        metric = METRICS.get(word.lower())
        if metric:
            self._once("metric", word)
            self.query = replace(self.query, metric=metric)
        return bool(metric)

    def _by(self, word: str) -> bool:
        if word.lower() != "by":
            return False
        named = self.words.pop() if self.words else ""
        if named.lower() == "api" and self.words and self.words[-1].lower() in {"key", "keys"}:
            named = self.words.pop()
        dimension = (DIMENSIONS | _PLURAL).get(named.lower())
        if not dimension:
            nearest = _nearest(named, DIMENSIONS) or "model"
            said = f"{_quoted(named)} is none of them" if named else "nothing follows"
            raise _Wrong(f"After `by` stands model, key or creator; {said}.", f"by {nearest}")
        self._once("dimension", f"by {named}")
        self.query = replace(self.query, by=dimension)
        return True

    def _filter(self, word: str) -> bool:
        kind, colon, pattern = word.partition(":")
        dimension = (DIMENSIONS | _PLURAL).get(kind.lower())
        if not colon or not dimension:
            return False
        if not pattern and self.words:
            pattern = self.words.pop()
        pattern = " ".join(pattern.replace('"', "").split())
        if not pattern:
            raise _Wrong(f"Nothing follows `{kind}:`.", f"{dimension}:{_EXAMPLE_NAMES[dimension]}")
        self.seen[f"filter {len(self.query.filters)}"] = word
        asked = Filter(dimension, pattern)
        if asked not in self.query.filters:
            self.query = replace(self.query, filters=(*self.query.filters, asked))
        if len(self.query.filters) > MOST_FILTERS:
            raise _Wrong(f"There are more than {MOST_FILTERS} filters; `*` is a wildcard.")
        return True

    def _period(self, word: str) -> bool:
        lower = word.lower()
        if lower in {"this", "last"}:
            unit = self.words.pop() if self.words else ""
            count = _integer(unit) if lower == "last" else None
            if count is not None and self.words and self.words[-1].lower().rstrip("s") in _UNITS:
                self.words.append(f"{unit}{self.words.pop()[0].lower()}")
                return self._period(self.words.pop())
            if unit.lower() not in _UNITS:
                meant = _nearest(unit, _UNITS) or "month"
                said = f"not {_quoted(unit)}" if unit else "and nothing follows"
                raise _Wrong(
                    f"After `{lower}` stands hour, day, week, month or year, {said}.",
                    f"{lower} {meant}",
                )
            period: Period | None = Calendar(_UNITS[unit.lower()], last=lower == "last")
            word = f"{word} {unit}"
        else:
            period = NAMED.get(lower) or _counted(lower) or _dates(lower)
        if period:
            self._once("period", word)
            self.query = replace(self.query, period=period)
        return period is not None

    def _option(self, word: str) -> bool:
        match word.lower():
            case "credits" | "byok" as source:
                self._once("source", word)
                self.query = replace(self.query, source=Source(source))
            case "top":
                self._top()
            case "csv" | "pdf" as file:
                self.seen[file] = word
                files = {*self.query.files, File(file)}
                self.query = replace(self.query, files=tuple(sorted(files)))
            case "share":
                self.seen["share"] = word
                self.query = replace(self.query, share=True)
            case "tz":
                self._zone()
            case "help" | "?":
                self.help = True
            case _:
                return False
        return True

    def _top(self) -> None:
        word = self.words.pop() if self.words else ""
        count = _integer(word)
        if not count or count > MOST_TOP:
            said = f"not {_quoted(word)}" if word else "and nothing follows"
            raise _Wrong(f"After `top` stands a number from 1 to {MOST_TOP}, {said}.", "top 10")
        self._once("`top`", f"top {word}")
        self.query = replace(self.query, top=count)

    def _zone(self) -> None:
        word = self.words.pop() if self.words else ""
        zone = zone_names().get(word.lower())
        if not zone:
            meant = _nearest(word.lower(), zone_names())
            said = f"{_quoted(word)} is none" if word else "nothing follows"
            raise _Wrong(
                f"After `tz` stands a time zone such as Europe/Berlin; {said}.",
                f"tz {zone_names()[meant] if meant else 'Europe/Berlin'}",
            )
        self._once("zone", f"tz {word}")
        self.query = replace(self.query, zone=zone)


_EXAMPLE_NAMES = {
    Dimension.MODEL: "claude*",
    Dimension.KEY: '"Prod key"',
    Dimension.CREATOR: "me",
}


def _counted(word: str) -> Period | None:
    count = _integer(word[:-1])
    unit = LETTERS.get(word[-1:])
    if count is None:
        return None
    if unit is None:
        if word[-1:].isalpha() or word[-1:].isdigit():
            return None
        raise _unknown(word)
    try:
        return Counted(count, unit)
    except ValueError as error:
        raise _Wrong(f"{_quoted(word)} is no period: {error}.", f"1{unit[0]}") from None


def _dates(word: str) -> Period | None:
    first, dots, last = word.partition("..")
    if not dots:
        return _date(first) if _looks_like_date(first) else None
    if not (_looks_like_date(first) or _looks_like_date(last)):
        return None
    try:
        return Span(_ends(first)[0], _ends(last)[1])
    except ValueError as error:
        raise _Wrong(f"{_quoted(word)} is no span: {error}.", "2026-10-01..2026-10-15") from None


def _looks_like_date(word: str) -> bool:
    return len(word) >= 6 and word[:4].isascii() and word[:4].isdigit() and word[4] == "-"


def _date(word: str) -> Period:
    """A month or a day. Raises _Wrong if the calendar has no such date."""
    numbers = [_integer(part) for part in word.split("-")]
    shaped = [len(part) for part in word.split("-")] in ([4, 2], [4, 2, 2])
    try:
        match numbers:
            case [int(year), int(month)] if shaped:
                return Month(date(year, month, 1).year, month)
            case [int(year), int(month), int(day)] if shaped:
                return Span(date(year, month, day), date(year, month, day))
    except ValueError:
        raise _Wrong(f"The calendar has no {_quoted(word)}.", "2026-10") from None
    raise _Wrong(
        f"{_quoted(word)} is no date; write a month as 2026-10 or a day as 2026-10-03.", "2026-10"
    )


def _ends(word: str) -> tuple[date, date]:
    named = _date(word)
    if isinstance(named, Month | Span):
        return named.first, named.last
    raise TypeError("a date is a month or a day")


def _integer(word: str) -> int | None:
    """A whole number in plain ASCII digits; `int()` would also take other scripts and `1_000`."""
    return int(word) if word.isascii() and word.isdigit() and len(word) <= 12 else None


def _unknown(word: str) -> _Wrong:
    kind, colon, _ = word.partition(":")
    if colon:
        meant = _nearest(kind, DIMENSIONS)
        return _Wrong(
            f"{_quoted(kind)} is nothing to filter by; model, key and creator are.",
            f"{meant}:{_EXAMPLE_NAMES[DIMENSIONS[meant]]}" if meant else "",
        )
    if word[:1].isdigit() and word[:1].isascii():
        return _Wrong(
            f"{_quoted(word)} is no period. Periods are 1h, 1d, 1w, 1m (a month), 1y and other"
            " counts, a month such as 2026-10 or a day such as 2026-10-03.",
            "1h" if word.lower().endswith(("min", "mins", "minutes")) else "",
        )
    return _Wrong(f"{_quoted(word)} is no word I know.", _nearest(word, WORDS) or "")


def _nearest(word: str, known: object) -> str | None:
    names = list(known) if isinstance(known, dict | tuple) else []
    found = get_close_matches(word.lower()[:40], names, n=1, cutoff=0.6)
    return found[0] if found else None


def _quoted(word: str) -> str:
    return f"“{word[:40]}{'…' if len(word) > 40 else ''}”"
