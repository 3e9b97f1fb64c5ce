"""Reads the words that belong to a kind of question, such as `price` or `forecast`."""

from __future__ import annotations

from itertools import takewhile

from reports.natural import vocabulary, written_dates
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


ABOUT_NOW = "This answer is about now, so I left out the period."
_LONGEST_TOPIC = 6
"""Words of the longest phrase that names a kind of question."""


def read_words_of_kind(reader: TextReader) -> int:
    """Skip words that only name the kind of the question."""
    if reader.kind is None:
        return 0
    if reader.kind is QueryKind.NEW and (of := NEW_OF.get(reader.word())):
        reader.extra = (of,)
        return 1
    if reader.kind is QueryKind.FORECAST and (taken := _read_forecast_amount(reader)):
        return taken
    if reader.kind is QueryKind.WHY and reader.ahead(2) == ("since", "last"):
        unit = vocabulary.UNITS.get(reader.word(2))
        if unit:  # since last week: this week compared with the one before
            reader.give("period", f"this {unit}" if unit != "day" else "today")
            return 3
    if reader.kind is QueryKind.FORECAST:
        if reader.word() in {"next", "tomorrow"}:
            raise ValueError(STILL_RUNNING)
        if taken := _read_current_month(reader):
            return taken
        if reader.word() in vocabulary.UNITS and "period" not in reader.given:
            reader.give("period", f"this {vocabulary.UNITS[reader.word()]}")
            return 1
    return topic_words(reader.kind, reader.ahead(_LONGEST_TOPIC))


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
    amount = reader.word(at)
    if not amount.startswith("$") and not (at and reader.number(at)):
        return 0
    count = amount.removeprefix("$").replace(",", "")
    if count.endswith("k") and count[:-1].isdigit():
        count = f"{count[:-1]}000"
    if reader.extra and reader.extra != ("over", f"${count}"):
        raise ValueError(ONE_AMOUNT)
    reader.extra = ("over", f"${count}")
    return at + 1


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
        reader.given.pop("period", None)
        # it lists models, so only their users can be chosen
        reader.given["by"] = [one for one in reader.given.get("by", ()) if "model" not in one]
    if kind is QueryKind.NEW:
        by = reader.given.pop("by", [])
        if not reader.extra and by == [f"by {Dimension.CREATOR}"]:  # `who joined this month`
            reader.given["kind"] = [f"{kind} creators"]
    if kind in {QueryKind.LIMITS, QueryKind.KEYS}:  # about now, and nothing is grouped
        reader.remarks.clear()
        if "period" in reader.given:
            reader.remark(ABOUT_NOW)
        reader.given = {one: reader.given[one] for one in ("kind", "filter") if one in reader.given}
    if kind is QueryKind.FORECAST:
        reader.ignored.clear()  # "per month" says which period the forecast is for
