"""The kinds of question besides usage, and the one function that answers any question.

A kind has a pure file of arithmetic and one of presentation in `reports.analysis`, a gatherer here,
and its line in `GATHERERS`; dispatch, menus, files, schedules and the terminal need nothing more.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from bot.analysis.cache import gather_cache
from bot.analysis.first_use import gather_first_use
from bot.analysis.forecast import gather_forecast
from bot.analysis.keys import gather_keys
from bot.analysis.limits import gather_limits
from bot.analysis.price import gather_price
from bot.analysis.request import AnalysisRequest
from bot.analysis.retiring import gather_retiring
from bot.analysis.whatif import gather_whatif
from bot.analysis.why import gather_why
from bot.answers.answer import answer
from bot.answers.visibility import ANYONE, Asker
from bot.store import Store
from reports.analysis.document import AnalysisDocument
from reports.questions.grammar import CommandError
from reports.questions.query import Query, QueryKind
from reports.questions.summary import Summary

if TYPE_CHECKING:
    from bot.clickhouse import ClickHouse


def _gather_latency(request: AnalysisRequest) -> AnalysisDocument | CommandError:
    from bot.analysis.live import gather_latency  # noqa: PLC0415 - loads the client of ClickHouse

    return gather_latency(request)


def _gather_errors(request: AnalysisRequest) -> AnalysisDocument | CommandError:
    from bot.analysis.live import gather_errors  # noqa: PLC0415 - loads the client of ClickHouse

    return gather_errors(request)


GATHERERS: dict[QueryKind, Callable[[AnalysisRequest], AnalysisDocument | CommandError]] = {
    QueryKind.PRICE: gather_price,
    QueryKind.WHY: gather_why,
    QueryKind.FORECAST: gather_forecast,
    QueryKind.LIMITS: gather_limits,
    QueryKind.KEYS: gather_keys,
    QueryKind.CACHE: gather_cache,
    QueryKind.WHATIF: gather_whatif,
    QueryKind.RETIRING: gather_retiring,
    QueryKind.NEW: gather_first_use,
    QueryKind.LATENCY: _gather_latency,
    QueryKind.ERRORS: _gather_errors,
}


def analyze(
    store: Store,
    query: Query,
    now: datetime,
    zone: str,
    asker: Asker = ANYONE,
    *,
    traces: ClickHouse | None = None,
    whole: bool = True,
) -> AnalysisDocument | CommandError:
    """The answer to a question of a kind in the registry, from one snapshot of the database.

    `zone` is the default zone of calendar periods; `traces` is the organization's ClickHouse.
    `whole` reads what only JSON needs, too.
    """
    request = AnalysisRequest(store, query, now, zone, asker, traces, whole)
    if query.live:  # no snapshot is held while another server works
        return GATHERERS[query.kind](request)
    with store.snapshot():
        return GATHERERS[query.kind](request)


def answer_any(
    store: Store,
    query: Query,
    now: datetime,
    zone: str,
    asker: Asker = ANYONE,
    *,
    whole: bool,
    traces: ClickHouse | None = None,
) -> Summary | AnalysisDocument | CommandError:
    """The answer to a question of any kind; the arguments are those of `answer` and `analyze`."""
    if query.kind in GATHERERS:
        return analyze(store, query, now, zone, asker, traces=traces, whole=whole)
    if query.live:
        from bot.analysis.live import live_usage  # noqa: PLC0415 - loads the client of ClickHouse

        found = live_usage(AnalysisRequest(store, query, now, zone, asker, traces, whole))
        return found if isinstance(found, CommandError) else found.summary
    return answer(store, query, now, zone, asker, whole=whole)
