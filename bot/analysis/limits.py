"""Gathers every limit at OpenRouter with its use so far and the pace at which it fills."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.analysis.request import AnalysisRequest
from bot.answers import visibility
from bot.answers.answer import make_plan
from bot.answers.guardrail_limits import guardrail_limits
from bot.answers.openrouter_details import KeyDetails, key_details
from bot.answers.openrouter_limits import OpenRouterLimits, TrackedLimit, limits_of
from bot.store import Store
from bot.store.sync_state import COSTS, parts
from bot.store.usage.directory import Directory
from bot.store.usage.selection import Ids, Selection
from reports.alerts.limits_and_forecast import SpendLimit
from reports.analysis.document import AnalysisDocument
from reports.analysis.limits import (
    HOUR,
    FullAt,
    HourlyPace,
    LimitForecast,
    LimitKind,
    full_at,
    in_order,
    recent_pace,
)
from reports.analysis.limits_answer import UnlimitedKeys, limits_answer
from reports.questions.grammar import CommandError
from reports.questions.query import Query
from reports.time.timerange import Granularity, TimeRange, floor
from reports.usage.dimensions import Dimension, MoneySource
from reports.usage.members import NO_CREATOR

_LOOKED_BACK = timedelta(days=31)
"""As long as the longest month, so that it covers the use of a monthly limit."""
_PACE_HOURS = 28 * 24
"""Four whole weeks: every hour of the week four times."""
_SPEND_OF = timedelta(days=30)
_SHARED = "Workspace budgets and credits are shared; `limits` without a filter lists them too."


@dataclass(frozen=True, slots=True)
class _Counted:
    """A limit, and the members whose usage counts toward it: ids of keys or of creators.

    `member` is the key or creator that it is a limit of.
    """

    kind: LimitKind
    cap: SpendLimit
    by: Dimension
    ids: Ids
    byok: bool
    owner: str = ""
    member: int | None = None


class HourlySpend:
    """What members spent in each hour of the past month, read once for all limits."""

    def __init__(self, store: Store, now: datetime) -> None:
        start = floor(now - _LOOKED_BACK, Granularity.HOUR)
        count = (floor(now, Granularity.HOUR) - start) // HOUR + 1
        self.hours = tuple(start + number * HOUR for number in range(count))
        self._store = store
        self._range = TimeRange(self.hours, self.hours[-1] + HOUR, Granularity.HOUR, now)
        self._sums: dict[tuple[Dimension, Ids, bool], Sequence[int]] = {}
        self._paces: dict[tuple[Dimension, Ids, bool], HourlyPace] = {}
        self._read: dict[tuple[Dimension, bool], Mapping[int, Mapping[int, int]]] = {}

    def of(self, by: Dimension, ids: Ids, *, byok: bool) -> Sequence[int]:
        """What these members spent in each of `hours`, in nano-dollars."""
        asked = by, ids, byok
        if asked not in self._sums:
            sums = [0] * len(self.hours)
            series = self._series(by, byok=byok)
            for id_ in ids:
                for at, spent in series.get(id_, {}).items():
                    sums[at] += spent
            self._sums[asked] = sums
        return self._sums[asked]

    def since(self, by: Dimension, ids: Ids, start: datetime, *, byok: bool) -> int:
        """What these members spent since a time (UTC) in nano-dollars, rounded to whole hours."""
        return sum(self.of(by, ids, byok=byok)[bisect_left(self.hours, start) :])

    def pace(self, by: Dimension, ids: Ids, *, byok: bool) -> HourlyPace:
        """The usual week of these members; a key and its guardrail share one."""
        asked = by, ids, byok
        if asked not in self._paces:
            self._paces[asked] = self._usual(self.of(by, ids, byok=byok))
        return self._paces[asked]

    def of_credits(self) -> list[int]:
        """What was spent from credits in each whole hour of the past four weeks, in order."""
        usage = self._store.whole(Selection(), self._range, Granularity.HOUR)
        return [one.credits for one in usage][-_PACE_HOURS - 1 : -1]

    def pace_of_credits(self) -> HourlyPace:
        """The usual week of all that is spent from credits."""
        return recent_pace(self.hours[-_PACE_HOURS - 1], self.of_credits())

    def _usual(self, costs: Sequence[int]) -> HourlyPace:
        # the last hour is still running
        return recent_pace(self.hours[-_PACE_HOURS - 1], costs[-_PACE_HOURS - 1 : -1])

    def _series(self, by: Dimension, *, byok: bool) -> Mapping[int, Mapping[int, int]]:
        if (by, byok) not in self._read:
            source = MoneySource.ALL if byok else MoneySource.CREDITS
            self._read[by, byok] = self._store.spend_series(
                Selection(by), self._range, Granularity.HOUR, source
            )
        return self._read[by, byok]


def gather_limits(request: AnalysisRequest) -> AnalysisDocument | CommandError:
    """Every limit that the asker may see, in the order in which they will be reached."""
    store, query, now = request.store, with_me(request), request.now
    plan = make_plan(store, query, now, request.zone, request.asker)
    if isinstance(plan, CommandError):
        return plan
    directory, details = store.directory(), key_details(store)
    creators = plan.selection.ids(Dimension.CREATOR)
    keys = keys_meant(directory, plan.selection.ids(Dimension.KEY), creators)
    labels = visibility.labels(directory, request.asker)
    spend = HourlySpend(store, now)
    known = limits_of(store.fact("limits"), directory)
    counted = [
        *_key_limits(known, details, labels, directory),
        *_guardrail_limits(store, details, labels, directory),
    ]
    narrowed = keys is not None
    if keys is not None:
        counted = [one for one in counted if _concerns(one, keys, creators)]
    else:
        counted += _workspace_limits(known)
    unknown = [one.cap.label for one in counted if not _known(one)]
    found = [_forecast(one, spend, now) for one in counted if _known(one)]
    if not narrowed:
        found += filter(None, [credits_forecast(known, spend, now)])
    return limits_answer(
        plan.query,
        in_order(found),
        _unlimited(details, directory, keys, spend),
        now,
        query.zone or request.zone,
        whose=_whose(request, narrowed=narrowed),
        notes=(_SHARED,) if narrowed and not request.asker.own_only else (),
        as_of=store.state().synced.get(Granularity.HOUR),
        partial=(
            *unread(store, "keys", "workspaces", "budgets", "credits", "guardrails"),
            *(f"what was used of {name} is not known, because it never resets" for name in unknown),
        ),
    )


def _whose(request: AnalysisRequest, *, narrowed: bool) -> str:
    """Whose limits were asked for, where not all were."""
    if request.asker.own_only or visibility.SELF in request.query.extra:
        return "your keys"
    return "these keys" if narrowed else ""


def with_me(request: AnalysisRequest) -> Query:
    """The question with `me` among its extra words replaced by its filter."""
    query = request.query
    if "me" not in query.extra:
        return query
    extra = tuple(word for word in query.extra if word != visibility.SELF)
    return replace(query, extra=extra, filters=(*query.filters, visibility.ME))


def unread(store: Store, *names: str) -> tuple[str, ...]:
    """What an answer lacks because parts of the directory could not be read."""
    failed = parts(store)
    return tuple(
        f"OpenRouter's {name} could not be read: {COSTS[name]}" for name in names if name in failed
    )


def keys_meant(directory: Directory, keys: Ids | None, creators: Ids | None) -> Ids | None:
    """The keys that match filters by key and creator; None if there is no such filter."""
    if creators is None:
        return keys
    owned = frozenset(key for key, owner in directory.owners.items() if owner in creators)
    return owned if keys is None else owned & keys


def _concerns(one: _Counted, keys: Ids, creators: Ids | None) -> bool:
    """Whether a limit is one of these keys, or of these people."""
    if one.kind is LimitKind.MEMBER_GUARDRAIL:
        return creators is not None and one.member in creators
    return one.ids <= keys


def _key_limits(
    known: OpenRouterLimits,
    details: Mapping[str, KeyDetails] | None,
    labels: Mapping[int, str],
    directory: Directory,
) -> Iterable[_Counted]:
    for one in known.caps:
        hash_ = one.cap.subject.partition(" ")[2]
        disabled = details and hash_ in details and details[hash_].disabled
        if one.kind is not LimitKind.KEY or disabled:
            continue
        (id_,) = one.ids
        cap = replace(one.cap, label=labels.get(id_, one.cap.label))
        yield _Counted(LimitKind.KEY, cap, Dimension.KEY, one.ids, one.byok,
                       owner_of(directory, labels, id_))  # fmt: skip


def _workspace_limits(known: OpenRouterLimits) -> list[_Counted]:
    return [
        _Counted(LimitKind.WORKSPACE, _unprefixed(one), Dimension.KEY, one.ids, one.byok)
        for one in known.caps
        if one.kind is LimitKind.WORKSPACE
    ]


def _unprefixed(one: TrackedLimit) -> SpendLimit:
    name = one.cap.label.removeprefix("workspace ")
    return replace(one.cap, label=f"{name}, {one.cap.reset or 'lifetime'}")


def _guardrail_limits(
    store: Store,
    details: Mapping[str, KeyDetails] | None,
    labels: Mapping[int, str],
    directory: Directory,
) -> Iterable[_Counted]:
    """The budgets of guardrails: one for each member and key that a guardrail applies to."""
    for one in guardrail_limits(store, details, directory):
        if one.member is None:
            continue
        label, cap = labels.get(one.member, ""), one.cap
        if one.kind is LimitKind.MEMBER_GUARDRAIL:
            yield _Counted(one.kind, cap, one.by, one.ids, one.byok, label, one.member)
        else:
            cap = replace(cap, label=f"{cap.label} for {label}")
            owner = owner_of(directory, labels, one.member)
            yield _Counted(one.kind, cap, one.by, one.ids, one.byok, owner, one.member)


def _known(one: _Counted) -> bool:
    """Whether it can be known what was used: OpenRouter says so, or usage since the reset does."""
    return one.cap.used is not None or bool(one.cap.reset)


def _forecast(one: _Counted, spend: HourlySpend, now: datetime) -> LimitForecast:
    cap, period = one.cap, one.cap.periods(now, now)[-1]
    if cap.reported_in(period) and cap.used is not None:
        used = cap.used
    else:
        start = period.start if period else spend.hours[0]
        used = spend.since(one.by, one.ids, start, byok=one.byok)
    resets = period.end if period else None
    pace = spend.pace(one.by, one.ids, byok=one.byok)
    full = full_at(cap.limit - used, pace, now, resets)
    return LimitForecast(one.kind, cap.label, one.owner, cap.limit, used, resets, full)


def limit_full(limit: TrackedLimit, spend: HourlySpend, now: datetime) -> FullAt | None:
    """When one limit is full, as the answer says it; None where that is not before its reset."""
    counted = _Counted(limit.kind, limit.cap, limit.by, limit.ids, limit.byok)
    return _forecast(counted, spend, now).full if _known(counted) else None


def credits_forecast(
    known: OpenRouterLimits, spend: HourlySpend, now: datetime
) -> LimitForecast | None:
    """The credits as a limit, and when they run out; None where none were bought or are known."""
    if not known.bought or known.used is None:  # where none were ever bought, none run out
        return None
    left = known.bought - known.used
    full = full_at(left, spend.pace_of_credits(), now, None)
    return LimitForecast(LimitKind.CREDITS, "Credits", "", known.bought, known.used, None, full)


def _unlimited(
    details: Mapping[str, KeyDetails] | None,
    directory: Directory,
    keys: Ids | None,
    spend: HourlySpend,
) -> UnlimitedKeys | None:
    if details is None:
        return None
    ids = {
        directory.ids.get((Dimension.KEY, hash_))
        for hash_, one in details.items()
        if not one.limited and not one.disabled
    } - {None}
    found = frozenset(id_ for id_ in ids if id_ is not None and (keys is None or id_ in keys))
    since = spend.hours[-1] - _SPEND_OF
    return UnlimitedKeys(len(found), spend.since(Dimension.KEY, found, since, byok=True))


def owner_of(directory: Directory, labels: Mapping[int, str], key: int) -> str:
    """What the creator of a key is called; empty for a key without one, or one not to be named."""
    name = labels.get(directory.owners.get(key, 0), "")
    return "" if name == NO_CREATOR else name
