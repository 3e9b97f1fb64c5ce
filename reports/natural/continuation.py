"""Determines which messages continue the previous question, and what they inherit from it.

A message with a kind of question or a metric is complete and starts over with its own default
period. Only a fragment ("and by model?", "only gemini", "same for october", "pdf") changes the
question before it. In the thread of an answer, even a metric, a period or a kind of question alone
changes that answer's question.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from reports.alerts.grammar import parse_alert
from reports.alerts.kinds.above import Above
from reports.alerts.kinds.forecast import Forecast
from reports.alerts.rule import Rule
from reports.questions.grammar import QuestionCommand, parse
from reports.questions.kinds import takes
from reports.questions.query import Query
from reports.time.period import Calendar, DateSpan, Month, Period, Unit
from reports.time.period_to_range import NotStartedError, ranges
from reports.usage.dimensions import Dimension, Filter, Metric, MoneySource

_CONNECTIVES = {
    "also", "and", "but", "just", "now", "only", "plus", "same", "then", "instead", "again",
}  # fmt: skip
_WHAT_ABOUT = {("what", "about"), ("how", "about"), ("what", "of")}
_COMPARED = {("compare", "with"), ("compare", "to"), ("compared", "with"), ("compared", "to")}
_POINTING = {"it", "that", "them", "this", "those", "these"}
_UNITS_OF_TIME = {"hour", "day", "week", "month", "quarter", "year", "morning"}
_QUESTION_WORDS = {
    "who", "who's", "whose", "whom", "which", "what", "what's", "whats", "how", "when", "where",
    "why", "is", "are", "was", "were", "do", "does", "did", "has", "have", "had", "will", "total",
    "compare", "break", "list",
}  # fmt: skip
_POLITE = {
    "please", "pls", "ok", "okay", "so", "hey", "hi", "hello", "show", "give", "tell", "send",
    "get", "me", "us", "can", "could", "would", "you", "i", "we", "want", "need", "to", "see",
}  # fmt: skip


def goes_on(text: str, given: frozenset[str], *, in_thread: bool) -> bool:
    """Whether a message changes the previous question, instead of being complete.

    `given` are the parts of a question that it names (`kind`, `metric`, `period`, `by`, ...).
    """
    words = [word.strip("?!.,;:").casefold() for word in text.split()]
    words = [word for word in words if word]
    while words and words[0] in _POLITE:
        words = words[1:]
    if not words:
        return not {"kind", "metric", "period"} & given
    if words[0] in _CONNECTIVES:
        return in_thread or not _is_complete(given)
    asked, dated = bool({"kind", "metric"} & given), "period" in given
    if tuple(words[:2]) in _WHAT_ABOUT | _COMPARED or _points(words):
        return not (asked and dated)
    if words[0] == "why":  # refers to the change that was shown, unless it names another one
        return not {"period", "by", "filter", *(() if in_thread else ("metric",))} & given
    if words[0] in _QUESTION_WORDS:
        return False
    return not (asked and dated) if in_thread else not (asked or dated)


def _is_complete(given: frozenset[str]) -> bool:
    """Whether a message has a metric or kind, a period and a grouping."""
    return bool({"kind", "metric"} & given) and {"period", "by"} <= given


def _points(words: list[str]) -> bool:
    """Whether a word refers to what was shown, as in `break it down by key`."""
    following = [*words[1:], ""]
    return any(
        word in _POINTING and after not in _UNITS_OF_TIME
        for word, after in zip(words, following, strict=True)
    )


@dataclass(frozen=True, slots=True)
class Inherited:
    """A question that continues another one, and what it inherited from that.

    `period` is the inherited period if the question would have been complete without it, with its
    own default; the answer then mentions it.
    """

    query: Query
    filters: tuple[Filter, ...] = ()
    period: Period | None = None

    @property
    def people(self) -> bool:
        """Whether inherited filters restrict the question to certain people."""
        return bool(self.filters) and all(
            one.dimension is Dimension.CREATOR and not one.exclude for one in self.filters
        )

    def without(self) -> Query:
        """The question without the inherited filters."""
        kept = tuple(one for one in self.query.filters if one not in self.filters)
        return replace(self.query, filters=kept)


def inherited(before: Query, after: Query, said: Query, *, alone: bool = False) -> Inherited:
    """What a question (`after`) inherited from the previous one; `said` is what was typed.

    `alone`: what was typed would have been complete.
    """
    taken = (one for one in after.filters if one in before.filters and one not in said.filters)
    same = after.period == before.period and after.period != said.period
    dated = alone and same and takes(after.kind, "period")
    return Inherited(after, tuple(taken), after.period if dated else None)


def pinned(query: Query, at: datetime, now: datetime, zone: str) -> Query:
    """A question of an earlier time (`at`), asked again `now`, about the same days.

    A calendar period that means other days by now, such as `last week` in a report from a month
    ago, is replaced by its dates. Counted periods run up to now.
    """
    period, zone = query.period, query.zone or zone
    if not isinstance(period, Calendar) or period.unit is Unit.HOUR:
        return query
    try:
        then, today = ranges(period, at, zone).current, ranges(period, now, zone).current
    except NotStartedError:
        return query
    if then.start == today.start:
        return query
    fixed = _days_of(period, then.start, zone)
    return replace(query, period=fixed) if fixed else query


def dated(query: Query, at: datetime, zone: str) -> Query:
    """A question about a whole calendar period before `at`, such as `last week`, with its dates."""
    period, zone = query.period, query.zone or zone
    if not isinstance(period, Calendar) or not period.last or period.unit is Unit.HOUR:
        return query
    fixed = _days_of(period, ranges(period, at, zone).current.start, zone)
    return replace(query, period=fixed) if fixed else query


def _days_of(period: Calendar, start: datetime, zone: str) -> Period | None:
    first = start.astimezone(ZoneInfo(zone)).date()
    match period.unit:
        case Unit.DAY:
            return DateSpan(first, first)
        case Unit.WEEK:
            return DateSpan(first, first + timedelta(days=6))
        case Unit.MONTH:
            return Month(first.year, first.month)
        case Unit.YEAR:
            return DateSpan(first, first.replace(month=12, day=31))
    return None


def same_day(one: datetime, other: datetime, zone: str) -> bool:
    """Whether two times are on the same day in a time zone."""
    there = ZoneInfo(zone)
    return one.astimezone(there).date() == other.astimezone(there).date()


def alert_about(rule: Rule, before: Query) -> Rule:
    """An alert requested under an answer, limited to the usage that the answer shows.

    A rule with its own filters keeps them; one that can't be filtered isn't changed.
    """
    if rule.filters:
        return rule
    watch = rule.watch
    spends = isinstance(watch, Forecast) or (
        isinstance(watch, Above) and watch.metric is Metric.SPEND
    )
    if isinstance(watch, Above | Forecast) and spends and watch.source is MoneySource.ALL:
        watch = replace(watch, source=before.source)
    narrowed = replace(rule, watch=watch, filters=before.filters)
    return narrowed if isinstance(parse_alert(f"alert {narrowed.words()}"), Rule) else rule


def typed_query(words: str) -> Query:
    """The question in some words, or the default one if they are something else."""
    read = parse(words)
    return read.query if isinstance(read, QuestionCommand) else Query()
