"""Gathers every limit at OpenRouter with its use so far and the pace at which it fills."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import NamedTuple

from bot.analysis.expected_spend import ExpectedSpend
from bot.analysis.forecast import root_of
from bot.analysis.forecast_usage import ForecastPeriod, forecast_period
from bot.analysis.request import AnalysisRequest
from bot.analysis.shared_reads import SharedReads
from bot.analysis.spend_since import SpendSince, at_least
from bot.answers import visibility
from bot.answers.answer import make_plan
from bot.answers.guardrail_limits import guardrail_limits
from bot.answers.openrouter_details import KeyDetails, key_details
from bot.answers.openrouter_limits import (
    OpenRouterLimits,
    TrackedLimit,
    are_known,
    stored_limits,
)
from bot.store import Store
from bot.store.sync_state import COSTS, parts
from bot.store.usage.directory import Directory
from bot.store.usage.openrouter_facts import GUARDRAILS, KEYS
from bot.store.usage.selection import Ids, Selection
from bot.store.usage.store import CacheState
from reports.alerts.limits_and_forecast import SpendLimit
from reports.alerts.periods import AlertPeriod
from reports.analysis.document import AnalysisDocument
from reports.analysis.limits import (
    HOUR,
    HOURS_A_WEEK,
    FullAt,
    HourlyPace,
    LimitForecast,
    LimitKind,
    at_level,
    full_at,
    may_fill,
    recent_pace,
    weeks_until,
)
from reports.analysis.limits_answer import NOT_READ, UnlimitedKeys, limits_answer
from reports.questions.grammar import CommandError
from reports.questions.query import Query
from reports.time.period import Unit
from reports.time.time_range import DAY, Granularity, TimeRange, floor
from reports.usage.dimensions import Dimension, Metric, MoneySource
from reports.usage.members import NO_CREATOR

_LOOKED_BACK = timedelta(days=31)
"""As long as the longest month, so that it covers the use of a monthly limit."""
_PACE_HOURS = 28 * 24
"""Four whole weeks: every hour of the week four times."""
_READ_EACH = 100
"""Members whose hours are read one by one, because they may have other limits too; of more members,
such as those of a workspace, the database adds them up."""
_SPEND_OF = timedelta(days=30)
_SHARED = "Workspace budgets and credits are shared; `limits` without a filter lists them too."


@dataclass(frozen=True, slots=True)
class CountedLimit:
    """A limit, and the members whose usage counts toward it: ids of keys or of creators.

    `owner` is the label of its creator or, for the guardrail of a member, of that member. `member`
    is the key or creator that it is a limit of.
    """

    kind: LimitKind
    cap: SpendLimit
    by: Dimension
    ids: Ids
    byok: bool
    owner: str = ""
    member: int | None = None


_EVERYTHING = Selection()
_Asked = tuple[Dimension, Ids, bool]
"""Members of a dimension, and whether what they spent from their own keys counts too."""


class _Bound(NamedTuple):
    """What members can use up until a reset: at most what they spent recently times `factor`, plus
    `more`, divided by the `whole` that everybody spent. So limits are compared without working out
    shares; almost all of thousands aren't near.
    """

    recent: Mapping[int, int]
    whole: int
    factor: int
    more: int


class HourlySpend:
    """What members spent in each hour of the past month, and their pace: the forecast's.

    Sums of days are read once for all limits, hours only of the members that are asked for. With
    `members`, only these can be asked for; without, all. `root` is everything that the asker may
    see. What is expected of `sources` of money is read together.
    """

    def __init__(
        self,
        store: Store,
        now: datetime,
        members: Mapping[Dimension, Ids] | None = None,
        root: Selection = _EVERYTHING,
        sources: Sequence[MoneySource] = (),
    ) -> None:
        self._now, self._root, self._sources = now, root, sources
        self._outlooks: dict[bool, ExpectedSpend] = {}
        start = floor(now - _LOOKED_BACK, Granularity.HOUR)
        count = (floor(now, Granularity.HOUR) - start) // HOUR + 1
        self.hours = tuple(start + number * HOUR for number in range(count))
        self._store, self._spent = store, SpendSince(store, now, members, both=True)
        # the last hour is still running
        paced, end = self.hours[-_PACE_HOURS - 1 : -1], self.hours[-1]
        self._paced = TimeRange(paced, end, Granularity.HOUR, end)
        self._paces: dict[_Asked, HourlyPace] = {}
        self._today: dict[tuple[Dimension, bool], dict[int, int]] = {}
        self._hours: dict[tuple[Dimension, bool], dict[int, Mapping[int, int]]] = {}

    def since(self, by: Dimension, ids: Ids, start: datetime, *, byok: bool) -> int:
        """What these members spent since a time (UTC) in nano-dollars, rounded to whole hours."""
        each = self.each_since(by, start, byok=byok)
        return sum([each.get(id_, 0) for id_ in ids])

    def each_since(self, by: Dimension, start: datetime, *, byok: bool) -> Mapping[int, int]:
        """The same of each member; members that spent nothing may be missing."""
        return self._spent.each(by, max(start, self.hours[0]), byok=byok)

    def near(self, wanted: Sequence[tuple[_Asked, int, datetime | None]]) -> list[int]:
        """The indexes of the members that may use up what is left before its reset, as far as can
        be told without their hours; each with what is left and the reset."""
        bounds: dict[tuple[Dimension, bool, datetime | None], _Bound] = {}
        idle: dict[tuple[Dimension, bool], set[int]] = defaultdict(set)
        found = []
        for at, ((by, ids, byok), left, resets) in enumerate(wanted):
            kind = by, byok, resets
            if kind not in bounds:
                bounds[kind] = self._bound(by, resets, byok=byok)
            recent, whole, factor, more = bounds[kind]
            spent = sum([recent.get(id_, 0) for id_ in ids])
            if not spent:
                idle[by, byok] |= ids
            elif left * whole > spent * factor + more:
                continue
            found.append(at)
        for (by, byok), some in idle.items():
            self._read_today(by, some, byok=byok)
        return [at for at in found if self._may_fill(*wanted[at])]

    def _bound(self, by: Dimension, resets: datetime | None, *, byok: bool) -> _Bound:
        outlook, weeks = self._outlook(byok=byok), weeks_until(self._now, resets)
        # as in `may_fill`, with two shares rounded up, and all of what is running
        most = weeks * (HOURS_A_WEEK + 1) + 2 * HOURS_A_WEEK + 1 + outlook.rest.running
        factor = weeks * outlook.week + outlook.usual_rest_of_today
        return _Bound(outlook.spent(by), outlook.all_recent, factor, most * outlook.all_recent)

    def _may_fill(self, asked: _Asked, left: int, resets: datetime | None) -> bool:
        if self._only_today(asked):
            return True
        week, rest, running = self._level(asked)
        return may_fill(left, week, rest + running, self._now, resets)

    def read_hours(self, wanted: Iterable[_Asked]) -> None:
        """Read the hours of some sets of members, before `pace` is asked for them."""
        needed: dict[tuple[Dimension, bool], set[int]] = defaultdict(set)
        for by, ids, byok in wanted:
            if len(ids) <= _READ_EACH:
                needed[by, byok] |= ids
        for (by, byok), members in needed.items():
            known = self._hours.setdefault((by, byok), {})
            missing = frozenset(members - known.keys())
            if missing:
                source = MoneySource.ALL if byok else MoneySource.CREDITS
                selection = Selection(by).only(by, missing)
                known |= {id_: {} for id_ in missing}
                known |= self._store.spend_series(selection, self._paced, Granularity.HOUR, source)

    def pace(self, by: Dimension, ids: Ids, *, byok: bool) -> HourlyPace:
        """The usual week of these members; a key and its guardrail share one."""
        asked = by, ids, byok
        if asked not in self._paces:
            costs = [0] * len(self._paced.buckets)
            for series in self._series(asked):
                for at, spent in series.items():
                    costs[at] += spent
            self._paces[asked] = self._usual(asked, costs)
        return self._paces[asked]

    def _series(self, asked: _Asked) -> Iterable[Mapping[int, int]]:
        """What these members spent by index of the hour: of each, or of many the database's sum."""
        by, ids, byok = asked
        if len(ids) <= _READ_EACH:
            self.read_hours([asked])
            return [self._hours[by, byok][id_] for id_ in ids]
        source = MoneySource.ALL if byok else MoneySource.CREDITS
        return [self._store.hourly_spend(Selection().only(by, ids), self._paced, source)]

    def of_credits(self) -> list[int]:
        """What was spent from credits in each whole hour of the past four weeks, in order."""
        usage = self._store.whole(Selection(), self._paced, Granularity.HOUR)
        return [one.credits for one in usage]

    def pace_of_credits(self) -> HourlyPace:
        """The usual week of all that is spent from credits."""
        pace = recent_pace(self._paced.start, self.of_credits())
        outlook = self._outlook(byok=False)
        if not outlook.forecaster.days:
            return pace
        return at_level(
            pace, outlook.week, outlook.usual_rest_of_today, outlook.rest.running,
            self._now,
        )  # fmt: skip

    def _usual(self, asked: _Asked, costs: Sequence[int]) -> HourlyPace:
        pace = recent_pace(self._paced.start, costs)
        if self._only_today(asked):
            return pace
        return at_level(pace, *self._level(asked), self._now)

    def _only_today(self, asked: _Asked) -> bool:
        """Whether all that these members spent recently is of today, so that only hours say at what
        pace; their share in the forecast is nothing then."""
        by, ids, byok = asked
        if self._outlook(byok=byok).spent_by(by, ids):
            return False
        self._read_today(by, ids, byok=byok)
        return any(self._today[by, byok][id_] > 0 for id_ in ids)

    def _read_today(self, by: Dimension, ids: Iterable[int], *, byok: bool) -> None:
        """Read what some members spent today, unless that is known."""
        known = self._today.setdefault((by, byok), {})
        missing = frozenset(ids) - known.keys()
        if not missing:
            return
        day = floor(self._now, Granularity.DAY)
        source = MoneySource.ALL if byok else MoneySource.CREDITS
        found = self._store.metric_sums(
            at_least(self._store, by, missing),
            TimeRange((day,), day + DAY, Granularity.DAY, day + DAY),
            Granularity.DAY, (Metric.SPEND,), source,
        )  # fmt: skip
        known |= dict.fromkeys(missing, 0)
        known |= {id_: spend for id_, (spend,) in found.items()}

    def _level(self, asked: _Asked) -> tuple[int, int, int]:
        """What these members are expected to spend, without regard to limits: in a week, in the
        rest of today as usual, and by heavy use that is going on."""
        by, ids, byok = asked
        outlook = self._outlook(byok=byok)
        spent = outlook.spent_by(by, ids)
        return (
            outlook.share(outlook.week, spent),
            outlook.share(outlook.usual_rest_of_today, spent),
            outlook.running_of(by, ids),
        )

    @cached_property
    def _period(self) -> ForecastPeriod:
        return forecast_period(self._state, Unit.MONTH, self._now, "UTC")

    @cached_property
    def _reads(self) -> SharedReads:
        return SharedReads(self._store, self._period, self._sources)

    def _outlook(self, *, byok: bool) -> ExpectedSpend:
        if byok not in self._outlooks:
            source = MoneySource.ALL if byok else MoneySource.CREDITS
            self._outlooks[byok] = ExpectedSpend(
                self._store, self._period, source, self._root, reads=self._reads
            )
        return self._outlooks[byok]

    @cached_property
    def _state(self) -> CacheState:
        return self._store.state()


def gather_limits(request: AnalysisRequest) -> AnalysisDocument | CommandError:
    """Every limit that the asker may see, in the order in which they will be reached."""
    store, query, now = request.store, with_me(request), request.now
    plan = make_plan(store, query, now, request.zone, request.asker)
    if isinstance(plan, CommandError):
        return plan
    directory, details = store.directory(), key_details(store)
    if details is None and not are_known(store):
        return CommandError(NOT_READ)
    creators = plan.selection.ids(Dimension.CREATOR)
    keys = keys_meant(directory, plan.selection.ids(Dimension.KEY), creators)
    labels = visibility.labels(directory, request.asker)
    known = stored_limits(store)
    counted, narrowed = counted_limits(store, labels, keys, creators), keys is not None
    members = None if keys is None else members_of(counted, keys)
    sources = [MoneySource.ALL if byok else MoneySource.CREDITS for byok in _counting(counted)]
    spend = HourlySpend(store, now, members, root_of(directory, request.asker), sources)
    unknown = [one.cap.label for one in counted if not use_is_known(one)]
    found = _forecasts([one for one in counted if use_is_known(one)], spend, now)
    if not narrowed:
        found += filter(None, [credits_forecast(known, spend, now)])
    return limits_answer(
        plan.query,
        found,
        _unlimited(details, directory, keys, spend),
        now,
        query.zone or request.zone,
        whose=_whose(request, narrowed=narrowed),
        notes=(_SHARED,) if narrowed and not request.asker.own_only else (),
        as_of=store.state().synced.get(Granularity.HOUR),
        partial=(
            *unread(store, "keys", "workspaces", "budgets", "credits", "guardrails"),
            *(
                f"how much of “{name}” is used isn't known: OpenRouter says so only of what resets"
                for name in unknown
            ),
        ),
    )


def counted_limits(
    store: Store, labels: Mapping[int, str], keys: Ids | None, creators: Ids | None
) -> list[CountedLimit]:
    """The limits of keys, workspaces and guardrails, named by the labels of an asker.

    With `keys`, only those of these keys and of the members in `creators`.
    """
    if labels is store.directory().labels:
        found = store.gathered(_limits_of_all, "limits", GUARDRAILS, KEYS)
    else:
        found = _limits_of_members(store, labels)
    if keys is not None:
        return [one for one in found if _concerns(one, keys, creators)]
    return [*found, *_workspace_limits(stored_limits(store))]


def _limits_of_all(store: Store) -> Sequence[CountedLimit]:
    """The limits of all keys and people, named as for those who see all of them."""
    return _limits_of_members(store, store.directory().labels)


def _limits_of_members(store: Store, labels: Mapping[int, str]) -> Sequence[CountedLimit]:
    """The limits of keys and of guardrails, named by the labels of an asker."""
    directory = store.directory()
    return [
        *_key_limits(stored_limits(store), key_details(store), labels, directory),
        *_guardrail_limits(store, labels, directory),
    ]


def _counting(counted: Iterable[CountedLimit]) -> Sequence[bool]:
    """Whether BYOK spend counts toward limits: both if it does for some and not for others."""
    return sorted({one.byok for one in counted})


def members_of(counted: Iterable[CountedLimit], keys: Ids) -> Mapping[Dimension, Ids]:
    """The members whose usage counts toward some limits, and some keys."""
    found: dict[Dimension, set[int]] = defaultdict(set, {Dimension.KEY: set(keys)})
    for one in counted:
        found[one.by] |= one.ids
    return {by: frozenset(ids) for by, ids in found.items()}


def _whose(request: AnalysisRequest, *, narrowed: bool) -> str:
    """Whose limits were requested, if not all were."""
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


def _concerns(one: CountedLimit, keys: Ids, creators: Ids | None) -> bool:
    """Whether a limit is one of these keys, or of these people."""
    if one.kind is LimitKind.MEMBER_GUARDRAIL:
        return creators is not None and one.member in creators
    return one.ids <= keys


def _key_limits(
    known: OpenRouterLimits,
    details: Mapping[str, KeyDetails] | None,
    labels: Mapping[int, str],
    directory: Directory,
) -> Iterable[CountedLimit]:
    for one in known.caps:
        hash_ = one.cap.subject.partition(" ")[2]
        disabled = details and hash_ in details and details[hash_].disabled
        if one.kind is not LimitKind.KEY or disabled:
            continue
        (id_,) = one.ids
        cap = replace(one.cap, label=labels.get(id_, one.cap.label))
        yield CountedLimit(LimitKind.KEY, cap, Dimension.KEY, one.ids, one.byok,
                       owner_of(directory, labels, id_))  # fmt: skip


def _workspace_limits(known: OpenRouterLimits) -> list[CountedLimit]:
    return [
        CountedLimit(LimitKind.WORKSPACE, _unprefixed(one), Dimension.KEY, one.ids, one.byok)
        for one in known.caps
        if one.kind is LimitKind.WORKSPACE
    ]


def _unprefixed(one: TrackedLimit) -> SpendLimit:
    return replace(one.cap, label=one.cap.label.removeprefix("workspace "))


def _guardrail_limits(
    store: Store,
    labels: Mapping[int, str],
    directory: Directory,
) -> Iterable[CountedLimit]:
    """The budgets of guardrails: one for each member and key that a guardrail applies to."""
    for one in guardrail_limits(store, labels.keys()):
        if one.member is None:
            continue
        label, cap = labels.get(one.member, ""), one.cap
        if one.kind is LimitKind.MEMBER_GUARDRAIL:
            yield CountedLimit(one.kind, cap, one.by, one.ids, one.byok, label, one.member)
        else:
            cap = replace(cap, label=f"{cap.label} for {label}")
            owner = owner_of(directory, labels, one.member)
            yield CountedLimit(one.kind, cap, one.by, one.ids, one.byok, owner, one.member)


def use_is_known(one: CountedLimit) -> bool:
    """Whether it can be known what was used: OpenRouter says so, or usage since the reset does."""
    return one.cap.used is not None or bool(one.cap.reset)


def _forecasts(
    counted: Sequence[CountedLimit], spend: HourlySpend, now: datetime
) -> list[LimitForecast]:
    """When limits are full. Most can't be before they reset, and some are already; hours are read
    of the others only."""
    at_once = FullAt(now, now, now)
    found = [
        LimitForecast(
            one.kind, one.cap.label, one.owner, one.cap.limit, used, resets,
            at_once if used >= one.cap.limit else None,
        )
        for one, (used, resets) in zip(counted, uses_of(counted, spend, now), strict=True)
    ]  # fmt: skip
    not_full = [at for at, one in enumerate(found) if one.full is None]
    wanted = [
        ((one.by, one.ids, one.byok), found[at].limit - found[at].used, found[at].resets)
        for at in not_full
        for one in [counted[at]]
    ]
    near = spend.near(wanted)
    spend.read_hours(wanted[number][0] for number in near)
    for number in near:
        (by, ids, byok), left, resets = wanted[number]
        full = full_at(left, spend.pace(by, ids, byok=byok), now, resets)
        found[not_full[number]] = found[not_full[number]]._replace(full=full)
    return found


def uses_of(
    counted: Iterable[CountedLimit], spend: HourlySpend, now: datetime
) -> list[tuple[int, datetime | None]]:
    """What was used of limits since their last resets (nano-dollars), and their next resets (UTC).

    Only valid for those of which `use_is_known`.
    """
    periods: dict[str, AlertPeriod | None] = {}
    each: dict[tuple[str, Dimension, bool], Mapping[int, int]] = {}
    found = []
    for one in counted:
        cap = one.cap
        if cap.reset not in periods:
            periods[cap.reset] = cap.periods(now, now)[-1]
        period = periods[cap.reset]
        if cap.used is not None and cap.reported_in(period):
            used = cap.used
        else:
            kind = cap.reset, one.by, one.byok
            if kind not in each:
                start = period.start if period else spend.hours[0]
                each[kind] = spend.each_since(one.by, start, byok=one.byok)
            spent = each[kind]
            used = sum([spent.get(id_, 0) for id_ in one.ids])
        found.append((used, period.end if period else None))
    return found


def limit_full(limit: TrackedLimit, spend: HourlySpend, now: datetime) -> FullAt | None:
    """When one limit is full, as the answer says it; None if that isn't before its reset."""
    counted = CountedLimit(limit.kind, limit.cap, limit.by, limit.ids, limit.byok)
    return _forecasts([counted], spend, now)[0].full if use_is_known(counted) else None


def credits_forecast(
    known: OpenRouterLimits, spend: HourlySpend, now: datetime
) -> LimitForecast | None:
    """The credits as a limit, and when they run out; None if none were bought or known."""
    if not known.bought or known.used is None:  # if none were ever bought, none can run out
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
    ids = (
        directory.ids.get((Dimension.KEY, hash_))
        for hash_, one in details.items()
        if not one.limited and not one.disabled
    )
    found = frozenset(id_ for id_ in ids if id_ is not None and (keys is None or id_ in keys))
    since = spend.hours[-1] - _SPEND_OF
    return UnlimitedKeys(len(found), spend.since(Dimension.KEY, found, since, byok=True))


def owner_of(directory: Directory, labels: Mapping[int, str], key: int) -> str:
    """What the creator of a key is called; empty for a key without one, or one not to be named."""
    name = labels.get(directory.owners.get(key, 0), "")
    return "" if name == NO_CREATOR else name
