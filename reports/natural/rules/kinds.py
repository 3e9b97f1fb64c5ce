"""Reads the words that belong to a kind of question, such as `price` or `forecast`."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import takewhile

from reports.alerts.threshold import amount
from reports.natural import vocabulary, written_dates
from reports.natural.names import LONGEST_NAME_WORDS
from reports.natural.rules.end_dates import read_end_date
from reports.natural.text_reader import LONGEST_DATES, TextReader
from reports.natural.topics import NEW_OF, topic_words
from reports.questions.kinds import FORECAST_OF_SPEND, ONE_AMOUNT, STILL_RUNNING
from reports.questions.query import QueryKind
from reports.time.period import Month
from reports.usage.dimensions import Dimension, Metric

_WITHOUT_METRIC = {
    QueryKind.PRICE, QueryKind.FORECAST, QueryKind.CACHE, QueryKind.RETIRING, QueryKind.NEW,
    QueryKind.WHATIF, QueryKind.LATENCY, QueryKind.ERRORS,
}  # fmt: skip


_PERCENT = re.compile(r"[0-9]{1,3}%")
_AMOUNT = re.compile(r"\$?[0-9][0-9,.]*k?|\$[0-9][0-9,.]*[km]?")
SHOWN_BESIDE = "The forecast shows the period before beside it."
NOT_NARROWED = "I can't leave out limits by how much is used; the list shows that of each."
ABOUT_NOW = "This answer is about now, so I left out the period."
_LONGEST_TOPIC = 6
"""Words of the longest phrase that names a kind of question."""


def read_words_of_kind(reader: TextReader) -> int:
    """Skip words that only name the kind of the question, but not those of a longer name."""
    if reader.kind is None or _begins_name(reader):
        return 0
    of = NEW_OF.get(reader.word())
    if reader.kind is QueryKind.NEW and of and (not reader.extra or reader.word(-1) == "new"):
        reader.extra = (of,)
        return 1
    rule = _RULES_OF.get(reader.kind)
    if rule and (taken := rule(reader)):
        return taken
    return topic_words(reader.kind, reader.ahead(_LONGEST_TOPIC))


def _begins_name(reader: TextReader) -> bool:
    """Whether the next words are a name of several words, such as that of a key `slow bot`.

    After `of` or `for` it may be one word.
    """
    words = reader.words[reader.at : reader.at + LONGEST_NAME_WORDS]
    least = 1 if reader.word(-1) in {"of", "for"} else 2
    return any(reader.known.has(" ".join(words[:count])) for count in range(least, len(words) + 1))


def _read_of_change(reader: TextReader) -> int:
    """`since last week`: this week compared with the one before."""
    if reader.ahead(2) == ("since", "yesterday"):
        reader.give("period", "today")
        return 2
    unit = vocabulary.UNITS.get(reader.word(2))
    if reader.ahead(2) != ("since", "last") or not unit:
        return 0
    reader.give("period", f"this {unit}" if unit != "day" else "today")
    return 3


def _read_of_forecast(reader: TextReader) -> int:
    """The amount that a forecast is compared with, and the period that it is for."""
    if taken := _read_forecast_amount(reader):
        return taken
    if reader.word() in {"next", "tomorrow"}:
        raise ValueError(STILL_RUNNING)
    if taken := _read_current_month(reader):
        return taken
    if reader.word() in vocabulary.UNITS and "period" not in reader.given:
        reader.give("period", f"this {vocabulary.UNITS[reader.word()]}")
        return 1
    return 0


def _read_share_of_limit(reader: TextReader) -> int:
    """`over 80%`: which limits are meant, but all are listed, and a remark says so."""
    at = reader.skip(0, {"over", "above", "at", "more", "than", "past", "under", "below"})
    if not _PERCENT.fullmatch(reader.word(at)):
        return 0
    reader.remark(NOT_NARROWED)
    return at + 1


def _read_current_month(reader: TextReader) -> int:
    """Read `november` during November: the current month."""
    ahead = list(takewhile(bool, reader.ahead(LONGEST_DATES)))
    found = written_dates.days(ahead, reader.today, reader.order)
    month = Month(reader.today.year, reader.today.month)
    if found is None or found[1] != (month.first, month.last):
        return 0
    reader.give("period", "this month")
    return found[0]


def _read_forecast_amount(reader: TextReader) -> int:
    """`over $5000`, `within our budget of 5000`."""
    at = reader.skip(0, vocabulary.HELD_AGAINST)
    typed = reader.word(at)
    found = amount(typed) if _AMOUNT.fullmatch(typed) else None
    compared = at and reader.word(at - 1) != "and"
    if found is None or not (compared or found.dollars):
        return 0
    whole = not found.value % 1
    dollars = f"${found.value:.0f}" if whole else f"${found.value.normalize():f}"
    if reader.extra and reader.extra[1] != dollars:
        raise ValueError(ONE_AMOUNT.format(one=reader.extra[1], other=dollars))
    reader.extra = ("over", dollars)
    return reader.skip(at + 1, {"dollars", "usd", "dollar", "bucks"})


_RULES_OF: dict[QueryKind, Callable[[TextReader], int]] = {
    QueryKind.RETIRING: read_end_date,
    QueryKind.FORECAST: _read_of_forecast,
    QueryKind.LIMITS: _read_share_of_limit,
    QueryKind.WHY: _read_of_change,
}


_FALLING = {"fall", "fell", "fallen", "drop", "drops", "dropped", "worse", "worsened", "down",
            "broke", "broken", "decrease", "decreased", "decline", "declined"}  # fmt: skip
"""Words that ask where the cache is used less than before."""


def _group_falls(reader: TextReader) -> None:
    """Group a question on why the cache is used less by key, because the fall of each is dated."""
    falls = _FALLING & {word.casefold().strip("?!.,") for word in reader.words}
    if falls and "by" not in reader.given:
        reader.give("by", f"by {Dimension.KEY}")


def _apply_about_now(reader: TextReader) -> None:
    """Keep the parts of a question about limits or keys now, in which nothing is grouped."""
    reader.remarks = [one for one in reader.remarks if one == NOT_NARROWED]
    if "period" in reader.given:
        reader.remark(ABOUT_NOW)
    kept = ("kind", "filter", "zone", "file", "share")
    reader.given = {one: reader.given[one] for one in kept if one in reader.given}


def apply_kind(reader: TextReader, kind: QueryKind) -> None:
    """The parsed text as a question of `kind`."""
    reader.given["kind"] = [" ".join((kind, *reader.extra))]
    reader.superlative = False
    reader.given.pop("top", None)
    if kind is QueryKind.PRICE and "cheapest" in {word.casefold() for word in reader.words}:
        reader.remark(
            "The most expensive come first, so the cheapest come last, and free ones at the end."
        )
    metrics = set(reader.given.get("metric", ()))
    if kind is QueryKind.FORECAST and metrics and Metric.SPEND not in metrics:
        raise ValueError(FORECAST_OF_SPEND.format(metric=min(metrics)))
    if kind in _WITHOUT_METRIC:
        reader.given.pop("metric", None)
    if kind is QueryKind.RETIRING:
        if reader.given.pop("period", None):
            reader.remark(ABOUT_NOW)
        # it lists models, so only their users can be chosen
        reader.given["by"] = [one for one in reader.given.get("by", ()) if "model" not in one]
    if kind is QueryKind.NEW:
        by = reader.given.pop("by", [])
        if not reader.extra and len(by) == 1:  # `who joined this month`
            reader.given["kind"] = [f"{kind} {by[0].removeprefix('by ')}s"]
    if kind is QueryKind.CACHE:
        _group_falls(reader)
    if kind in {QueryKind.LIMITS, QueryKind.KEYS}:
        _apply_about_now(reader)
    if kind is QueryKind.FORECAST:
        if reader.given.pop("versus", []):
            reader.remark(SHOWN_BESIDE)
        reader.ignored.clear()  # "per month" says which period the forecast is for
