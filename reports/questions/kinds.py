"""Kinds of question: those with an answer, their own words, and the parts that they take.

To add a kind: add it to `ANSWERED`, its own words to `_EXTRA`, and parts that it doesn't take to
`_UNFIT`; the gatherer of its answer belongs in the registry of `bot.analysis`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from reports.questions import kind_options
from reports.questions.query import DEFAULT_PERIODS, LIVE, MEASURED, Query, QueryKind
from reports.time.period import DEFAULT, Calendar, Unit
from reports.usage.dimensions import NAMES, Dimension, Metric, MoneySource
from reports.wording.token_cursor import TokenCursor

ANSWERED = frozenset({
    QueryKind.PRICE, QueryKind.WHY, QueryKind.FORECAST, QueryKind.LIMITS, QueryKind.KEYS,
    QueryKind.CACHE, QueryKind.WHATIF, QueryKind.RETIRING, QueryKind.NEW, *MEASURED,
})  # fmt: skip
"""The kinds that have an answer, besides usage; their words are read as questions."""

STILL_RUNNING = (
    "I can forecast how a period that is still running ends: `today`, `this week`, `this month` or"
    " `this year`."
)
OVER_NOTHING = "Any spend is over $0; name a higher amount, like `forecast over $5000`."
ONE_AMOUNT = "A forecast can be compared with only one amount: {one} or {other}."
FORECAST_OF_SPEND = "I can forecast spend only, not {metric}."
NOT_LIVE = (
    "`{kind}` can't be grouped or filtered by {dimension}; spend, tokens, requests, `latency` and"
    " `errors` can."
)
ExtraWords = Callable[[str, TokenCursor], tuple[str, ...]]
"""Takes a word in lower case and a cursor over the words after it, some of which it may read.
Returns the words as stored in `Query.extra`, or () if the word isn't one of the kind's.
"""


def _limit(word: str, following: TokenCursor) -> tuple[str, ...]:
    """`over $5000`: what a forecast is compared with."""
    amount = following.peek().removeprefix("$").replace(",", "")
    plain = amount.isascii() and amount.replace(".", "", 1).isdigit() and len(amount) <= 12
    if word not in {"over", "under", "within"} or not plain:
        return ()
    following.take()
    return "over", f"${amount}"


_EXTRA: dict[QueryKind, ExtraWords] = {
    QueryKind.FORECAST: _limit,
    QueryKind.LIMITS: kind_options.me,
    QueryKind.KEYS: kind_options.key_traits,
    QueryKind.WHATIF: kind_options.two_models,
    QueryKind.NEW: kind_options.what_is_new,
    QueryKind.RETIRING: kind_options.before_day,
}
_UNFIT: dict[QueryKind, dict[str, str]] = {
    QueryKind.PRICE: {
        "metric": "A price is spend divided by tokens and requests, so `price` takes no metric.",
        "comparison": "`price` can't be compared yet. `why spend` shows what prices changed.",
    },
    QueryKind.FORECAST: {
        "comparison": "A forecast already shows the period before, so leave out `vs`.",
    },
    QueryKind.LIMITS: kind_options.LIMITS_UNFIT,
    QueryKind.KEYS: kind_options.KEYS_UNFIT,
    QueryKind.CACHE: {
        "metric": "`cache` shows tokens and what caching saved, so it takes no metric.",
        "comparison": "`cache` already says where the share fell, so it takes no `vs`.",
        "source": "OpenRouter doesn't split cached tokens by credits and BYOK, so `cache` takes no"
        " source.",
    },
    QueryKind.WHATIF: kind_options.WHATIF_UNFIT,
    QueryKind.RETIRING: kind_options.RETIRING_UNFIT,
    QueryKind.NEW: kind_options.NEW_UNFIT,
    QueryKind.LATENCY: kind_options.LATENCY_UNFIT,
    QueryKind.ERRORS: kind_options.ERRORS_UNFIT,
}
"""The sentence for each part of a question that doesn't fit a kind."""


LABELS = {
    QueryKind.USAGE: "Spend, tokens and requests",
    QueryKind.PRICE: "Price of tokens and requests",
    QueryKind.WHY: "What changed, and why",
    QueryKind.FORECAST: "How the period ends (forecast)",
    QueryKind.LIMITS: "Limits, and which is reached first",
    QueryKind.KEYS: "API keys: unused, unlimited, expiring",
    QueryKind.CACHE: "What caching saved",
    QueryKind.WHATIF: "What if: the same tokens on another model",
    QueryKind.RETIRING: "Models that are retired soon",
    QueryKind.NEW: "New models, keys or creators",
    QueryKind.LATENCY: "Latency of requests (needs ClickHouse)",
    QueryKind.ERRORS: "Failed requests (needs ClickHouse)",
}
"""The label of each kind in the form."""
EXAMPLES = {
    QueryKind.FORECAST: "over $5000",
    QueryKind.LIMITS: "me",
    QueryKind.KEYS: "unused 30d",
    QueryKind.WHATIF: "opus -> sonnet",
    QueryKind.NEW: "models",
    QueryKind.RETIRING: "before 2027-01",
}
"""An example of the words that only questions of a kind take."""
NEEDS_WORDS = frozenset({QueryKind.WHATIF, QueryKind.NEW})
"""Kinds that require such words."""


def choices() -> tuple[QueryKind, ...]:
    """The kinds that people can choose from, usage first."""
    return (QueryKind.USAGE, *(kind for kind in QueryKind if kind in ANSWERED))


def takes(kind: QueryKind, part: str) -> bool:
    """Whether a part (`metric`, `period`, `dimension`, ...) makes sense in questions of a kind."""
    if kind is QueryKind.FORECAST and part == "metric":
        return False  # it is only about spend, so naming it is unnecessary but allowed
    return part not in _UNFIT.get(kind, {})


def fitted(query: Query, typed: frozenset[str]) -> Query:
    """A question without parts that its kind doesn't take and nobody typed (`typed`: as
    `Ask.given`).

    Used if a question inherits parts from a question of another kind.
    """
    kind = query.kind
    if kind is QueryKind.USAGE:
        return query
    default = DEFAULT_PERIODS.get(kind, DEFAULT)
    if "metric" not in typed and not takes(kind, "metric"):
        query = replace(query, metric=None)
    if "period" not in typed and not takes(kind, "period"):
        query = replace(query, period=default)
    if kind is QueryKind.FORECAST and "period" not in typed and not _can_be_forecast(query):
        query = replace(query, period=default)
    lists_models = kind is QueryKind.RETIRING and query.by is Dimension.MODEL
    if "by" not in typed and (lists_models or not takes(kind, "dimension")):
        query = replace(query, by=None)
    query = _without_live(query, typed)
    if not takes(kind, "model"):
        kept = tuple(one for one in query.filters if one.dimension is not Dimension.MODEL)
        query = replace(query, filters=kept)
    if "versus" not in typed and not takes(kind, "comparison"):
        query = replace(query, versus=None)
    if "source" not in typed and not takes(kind, "source"):
        query = replace(query, source=MoneySource.ALL)
    return query


def _without_live(query: Query, typed: frozenset[str]) -> Query:
    """A question without what only ClickHouse has, if its kind can't be asked by that."""
    if query.kind in LIVE:
        return query
    if "by" not in typed and query.by and NAMES[query.by].live:
        query = replace(query, by=None)
    if "filter" not in typed:
        stored = (one for one in query.filters if not NAMES[one.dimension].live)
        query = replace(query, filters=tuple(stored))
    return query


def kind_of(word: str) -> QueryKind | None:
    """The kind whose command starts with a word (lower case); None for usage and other words."""
    return next((kind for kind in ANSWERED if kind == word), None)


def extra_words(kind: QueryKind, word: str, following: TokenCursor) -> tuple[str, ...]:
    """The words of `Query.extra` that start with a word; empty if it isn't one of the kind's
    own."""
    read = _EXTRA.get(kind)
    return read(word, following) if read else ()


def unfit(query: Query, typed: frozenset[str]) -> str:
    """The reason why the typed parts of a question don't fit its kind; empty if they do."""
    if query.kind is QueryKind.FORECAST and not _can_be_forecast(query):
        return STILL_RUNNING
    if query.kind is QueryKind.FORECAST and query.metric not in {None, Metric.SPEND}:
        return FORECAST_OF_SPEND.format(metric=query.metric)
    if query.kind is QueryKind.FORECAST and len(query.extra) > 2:
        return ONE_AMOUNT.format(one=query.extra[1], other=query.extra[3])
    if query.kind is QueryKind.FORECAST and query.extra and not Decimal(query.extra[1][1:]):
        return OVER_NOTHING
    if query.live_dimensions and query.kind not in LIVE:
        label = NAMES[query.live_dimensions[0]].label
        return NOT_LIVE.format(kind=query.kind, dimension=label)
    if query.kind is QueryKind.NEW and not query.extra:
        return kind_options.NEW_WHAT
    sentences = _UNFIT.get(query.kind, {})
    if any(one.dimension is Dimension.MODEL for one in query.filters):
        typed |= {"model"}
    if query.by is Dimension.MODEL:
        typed |= {"by model"}
    return next((said for part, said in sentences.items() if part in typed), "")


def _can_be_forecast(query: Query) -> bool:
    period = query.period
    return isinstance(period, Calendar) and not period.last and period.unit is not Unit.HOUR
