"""Answers of any organization: empty, huge, with names that try to break what shows them."""

from __future__ import annotations

from hypothesis import strategies as st

from reports.questions.query import Query, Versus
from reports.questions.summary import ALL, Summary, UsageFigures, summarize
from reports.time.period import Calendar, Counted, DateSpan, Month, Period, Unit
from reports.time.period_to_range import NotStartedError, ranges
from reports.usage.dimensions import Dimension, Filter, Metric, MoneySource
from reports.usage.usage import Usage, total

from .samples import HOSTILE, KEYS, NOW

EVIL = (
    *HOSTILE,
    "<@U1>",
    "<#C1|general>",
    "<https://evil.example|invoice>",
    "a&b",
    "&lt;!channel&gt;",
    "`code` *bold* _it_ ~no~",
    ">quote\n>quote",
    "@channel @here",
    ":boom:",
    "prod",
    "ρrod",
    "prоd",
    "p\u200brod",
    "Z̷͉̭a̶l̸g̵o̴" * 50,
    "🔥" * 200,
    "\u0600" * 90,
    "&" * 300,
    "<" * 300,
    "x" * 19 + "/" + "y" * 30,
)

names = st.one_of(st.sampled_from([*KEYS, *EVIL]), st.text(max_size=40))
_counts = st.one_of(st.just(0), st.integers(0, 9), st.integers(0, 10**15))
usages = st.builds(Usage, *[_counts] * len(Usage._fields))
periods: st.SearchStrategy[Period] = st.one_of(
    st.builds(Counted, st.integers(1, 120), st.sampled_from([Unit.HOUR, Unit.DAY])),
    st.builds(Counted, st.integers(1, 10), st.sampled_from(list(Unit))),
    st.builds(Calendar, st.sampled_from(list(Unit)), last=st.booleans()),
    st.builds(Month, st.integers(2020, 2026), st.integers(1, 12)),
    st.dates(NOW.date().replace(2024), NOW.date()).map(lambda day: DateSpan(day, day)),
    st.dates(NOW.date().replace(2024), NOW.date()).map(lambda day: DateSpan(day, NOW.date())),
)
_filters = st.lists(
    st.builds(Filter, st.sampled_from(list(Dimension)), names, st.booleans()), max_size=3
)
queries = st.builds(
    Query,
    metric=st.one_of(st.none(), st.sampled_from(list(Metric))),
    period=periods,
    by=st.one_of(st.none(), st.sampled_from(list(Dimension))),
    filters=_filters.map(tuple),
    source=st.sampled_from(list(MoneySource)),
    top=st.integers(1, 50),
    zone=st.sampled_from([None, "Europe/Berlin", "Asia/Kathmandu"]),
    versus=st.one_of(st.none(), st.sampled_from(list(Versus))),
)
NOTES = ("no data for this period", "the last sync failed: <!channel> & so on." * 9)


@st.composite
def summaries(
    draw: st.DrawFn, *, whole: bool = False, asked: st.SearchStrategy[Query] = queries
) -> Summary:
    """Any answer at all, to one of these questions; with `whole` no group is left out of it."""
    query = draw(asked)
    try:
        span = ranges(query.period, NOW, query.zone or "UTC").current
    except NotStartedError:
        span = ranges(Counted(1, Unit.DAY), NOW).current
    labels = draw(st.lists(names, unique=True, max_size=12)) if query.by else [ALL]
    places = st.dictionaries(st.integers(0, len(span.buckets) - 1), usages, max_size=2)
    series = {label: draw(places) for label in labels}
    left = draw(usages) if query.by and not whole and draw(st.booleans()) else Usage()
    buckets = [Usage()] * len(span.buckets)
    for one in series.values():
        for index, usage in one.items():
            buckets[index] = total([buckets[index], usage])
    buckets[-1] = total([buckets[-1], left])
    more = draw(st.integers(1, 10**6)) if left != Usage() else 0
    known = {label: draw(usages) for label in labels if draw(st.booleans())}
    before = known if query.versus and query.by and draw(st.booleans()) else None
    lengths = st.lists(usages, max_size=len(span.buckets) + 2).map(tuple)
    course = draw(lengths) if query.versus and not query.by and draw(st.booleans()) else None
    previous = draw(st.none() | usages)
    figures = UsageFigures(tuple(buckets), series, len(labels) + more, previous, before, course)
    partial = tuple(draw(st.lists(st.sampled_from(NOTES), max_size=7)))
    as_of = draw(st.sampled_from([None, NOW]))
    return summarize(query, span, figures, as_of, partial)
