"""Gathers which models, keys or creators were first used in a period."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from bot.analysis.limits import owner_of
from bot.analysis.request import AnalysisRequest, PlannedAnalysis, planned
from bot.store import Store
from bot.store.usage.selection import Ids, Selection
from reports.analysis.document import AnalysisDocument
from reports.analysis.first_use import FirstUse, newest_first
from reports.analysis.first_use_answer import first_use_answer
from reports.questions.grammar import CommandError
from reports.time.time_range import Granularity, TimeRange, floor, next_bucket
from reports.usage.coverage import AnswerableRange
from reports.usage.dimensions import Dimension, Metric
from reports.usage.members import NO_CREATOR
from reports.usage.usage import Usage, total

_FEW = 100
"""Up to this many groups are sought one by one; more take longer than all of them."""
_WHAT = {"models": Dimension.MODEL, "keys": Dimension.KEY, "creators": Dimension.CREATOR}


def gather_first_use(request: AnalysisRequest) -> AnalysisDocument | CommandError:
    """What was used in a period and never before it, as far back as usage is stored.

    A CommandError if the question cannot be planned.
    """
    found = planned(request)
    if isinstance(found, CommandError):
        return found
    store, plan = request.store, found.plan
    what = _WHAT[request.query.extra[0]]
    span = plan.source.range
    history = _history(store)
    known = history is not None and history < floor(span.start, Granularity.DAY)
    new: list[FirstUse] = []
    if history is not None and known:
        wanted = plan.selection.grouped(what)
        ids = _used(store, wanted, plan.source)
        ids -= {store.directory().ids.get((one, "")) for one in _WHAT.values()}
        for earlier in _before(history, span.start):
            ids -= _used(store, wanted, earlier, ids)
        users = _users(store, found, what, ids)
        for id_, buckets in _series(store, wanted, plan.source, ids).items():
            first = min(index for index, usage in buckets.items() if usage.requests)
            whole = total(buckets.values())
            new.append(
                FirstUse(
                    found.labels[id_], span.buckets[first], whole.value(Metric.SPEND),
                    whole.tokens, whole.requests, users.get(id_, ()),
                )
            )  # fmt: skip
    return first_use_answer(
        plan.query,
        span,
        what,
        newest_first(new),
        history if known else None,
        as_of=found.as_of,
        partial=found.partial,
    )


def _used(store: Store, wanted: Selection, of: AnswerableRange, among: Ids | None = None) -> Ids:
    """The groups that made a request in a range; `among` are those that are asked for."""
    if among is not None and not among:
        return frozenset()
    groups = among if among is not None and len(among) <= _FEW else None
    sums = store.metric_sums(wanted, of.range, of.stored, (Metric.REQUESTS,), groups=groups)
    return frozenset(id_ for id_, (requests,) in sums.items() if requests)


def _series(
    store: Store, wanted: Selection, of: AnswerableRange, ids: Ids
) -> Mapping[int, Mapping[int, Usage]]:
    """The usage of some groups by the index of the bucket."""
    return store.series_of(wanted, of.range, of.stored, ids) if ids else {}


def _history(store: Store) -> datetime | None:
    """The first time (UTC) for which usage is stored, by day or by month."""
    coverage = store.state().coverage
    starts = [
        spans[0][0] for g in (Granularity.DAY, Granularity.MONTH) if (spans := coverage.get(g))
    ]
    return min(starts, default=None)


def _before(start: datetime, end: datetime) -> Iterator[AnswerableRange]:
    """The time before `end` in whole months, then days, then hours, so that few rows are read.

    Months before the last one come at the end: few groups are left to look for then.
    """
    at, earlier = floor(start, Granularity.MONTH), list[datetime]()
    for granularity in (Granularity.MONTH, Granularity.DAY, Granularity.HOUR):
        until, buckets = floor(end, granularity), list[datetime]()
        while at < until:
            buckets.append(at)
            at = next_bucket(at, granularity)
        if granularity is Granularity.MONTH:
            earlier, buckets = buckets[:-1], buckets[-1:]
        if buckets:
            yield _whole(buckets, until, granularity)
    if earlier:
        yield _whole(earlier, next_bucket(earlier[-1], Granularity.MONTH), Granularity.MONTH)


def _whole(buckets: Sequence[datetime], end: datetime, granularity: Granularity) -> AnswerableRange:
    stored = Granularity.DAY if granularity is Granularity.MONTH else granularity
    return AnswerableRange(TimeRange(tuple(buckets), end, granularity, end), stored)


def _users(
    store: Store, found: PlannedAnalysis, what: Dimension, ids: Ids
) -> Mapping[int, tuple[str, ...]]:
    """Who used each new model first, and who owns each new key."""
    if what is Dimension.KEY:
        owners = {id_: owner_of(store.directory(), found.labels, id_) for id_ in ids}
        return {id_: (owner,) for id_, owner in owners.items() if owner}
    if what is Dimension.CREATOR or not ids:
        return {}
    users = _first_users(store, found, Dimension.CREATOR, ids)
    keys = _first_users(store, found, Dimension.KEY, ids)
    # without a creator, the key is the closest known hint at who used it
    return {
        id_: tuple(name for name in names if name != NO_CREATOR) or keys.get(id_, ())
        for id_, names in users.items()
    }


def _first_users(
    store: Store, found: PlannedAnalysis, by: Dimension, ids: Ids
) -> Mapping[int, tuple[str, ...]]:
    """The names of the creators or keys of the first bucket in which each model was used."""
    wanted = found.plan.selection.grouped(by).only(Dimension.MODEL, ids)
    first: dict[int, int] = {}
    names: dict[int, dict[str, int]] = {}
    # newest bucket first
    for index, member, model, usage in store.rows(
        wanted, found.plan.source.range, found.plan.source.stored
    ):
        if not usage.requests:
            continue
        if first.get(model) != index:
            first[model], names[model] = index, {}
        names[model][found.labels[member]] = usage.requests
    return {
        model: tuple(sorted(users, key=lambda name: (-users[name], name)))
        for model, users in names.items()
    }
