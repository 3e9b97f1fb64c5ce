"""Gathers every limit at OpenRouter with its use so far and the pace at which it fills."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from bot.analysis.expected_spend import ExpectedSpend
from bot.analysis.forecast import root_of
from bot.analysis.forecast_usage import forecast_period
from bot.analysis.request import AnalysisRequest
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
from bot.store.usage.selection import Ids, Selection
from bot.store.usage.store import CacheState
from reports.alerts.limits_and_forecast import SpendLimit
from reports.analysis.document import AnalysisDocument
from reports.analysis.limits import (
    HOUR,
    FullAt,
    HourlyPace,
    LimitForecast,
    LimitKind,
    at_level,
    full_at,
    in_order,
    may_fill,
    recent_pace,
)
from reports.analysis.limits_answer import NOT_READ, UnlimitedKeys, limits_answer
from reports.questions.grammar import CommandError
from reports.questions.query import Query
from reports.time.period import Unit
from reports.time.time_range import DAY, Granularity, TimeRange, floor
from reports.usage.coverage import Interval, gaps
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
_SETTLED = timedelta(minutes=10)
"""So long after its end, a day has all of its hours' usage when it is synced."""
_MOMENT = timedelta(microseconds=1)
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


class HourlySpend:
    """What members spent in each hour of the past month, and their pace: the forecast's.

    Sums of days are read once for all limits, hours only of the members that are asked for. With
    `members`, only these can be asked for; without, all. `root` is everything that the asker may
    see.
    """

    def __init__(
        self,
        store: Store,
        now: datetime,
        members: Mapping[Dimension, Ids] | None = None,
        root: Selection = _EVERYTHING,
    ) -> None:
        self._now, self._root = now, root
        self._outlooks: dict[bool, ExpectedSpend] = {}
        start = floor(now - _LOOKED_BACK, Granularity.HOUR)
        count = (floor(now, Granularity.HOUR) - start) // HOUR + 1
        self.hours = tuple(start + number * HOUR for number in range(count))
        self._store, self._members = store, members
        # the last hour is still running
        paced, end = self.hours[-_PACE_HOURS - 1 : -1], self.hours[-1]
        self._paced = TimeRange(paced, end, Granularity.HOUR, end)
        self._paces: dict[_Asked, HourlyPace] = {}
        self._today: dict[tuple[Dimension, bool], Mapping[int, int]] = {}
        self._days: dict[tuple[Dimension, bool], dict[datetime, Mapping[int, int]]] = {}
        self._spans: dict[tuple[Dimension, Interval, bool], Mapping[int, int]] = {}
        self._since: dict[tuple[Dimension, bool, datetime], Mapping[int, int]] = {}
        self._hours: dict[tuple[Dimension, bool], dict[int, Mapping[int, int]]] = {}

    def since(self, by: Dimension, ids: Ids, start: datetime, *, byok: bool) -> int:
        """What these members spent since a time (UTC) in nano-dollars, rounded to whole hours."""
        asked = by, byok, start
        if asked not in self._since:
            self._since[asked] = self._each_since(by, max(start, self.hours[0]), byok=byok)
        each = self._since[asked]
        return sum([each.get(id_, 0) for id_ in ids])

    def may_fill(self, asked: _Asked, left: int, now: datetime, resets: datetime | None) -> bool:
        """Whether these members may use up what is left, as far as can be told without hours."""
        if self._only_today(asked):
            return True
        week, rest, running = self._level(asked)
        return may_fill(left, week, rest + running, now, resets)

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
        of_all = Selection().only(by, ids)
        return self._store.spend_series(of_all, self._paced, Granularity.HOUR, source).values()

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
        if (by, byok) not in self._today:
            day = floor(self._now, Granularity.DAY)
            source = MoneySource.ALL if byok else MoneySource.CREDITS
            found = self._store.metric_sums(
                self._selection(by), TimeRange((day,), day + DAY, Granularity.DAY, day + DAY),
                Granularity.DAY, (Metric.SPEND,), source,
            )  # fmt: skip
            self._today[by, byok] = {id_: spend for id_, (spend,) in found.items()}
        return any(self._today[by, byok].get(id_, 0) > 0 for id_ in ids)

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

    def _outlook(self, *, byok: bool) -> ExpectedSpend:
        if byok not in self._outlooks:
            period = forecast_period(self._state, Unit.MONTH, self._now, "UTC")
            source = MoneySource.ALL if byok else MoneySource.CREDITS
            self._outlooks[byok] = ExpectedSpend(self._store, period, source, self._root)
        return self._outlooks[byok]

    def _selection(self, by: Dimension) -> Selection:
        """The members that can be asked for."""
        if self._members is None:
            return Selection(by)
        return Selection(by).only(by, self._members.get(by, frozenset()))

    def _each_since(self, by: Dimension, start: datetime, *, byok: bool) -> Mapping[int, int]:
        """What each member spent since a time: on whole days, and in the hours around them."""
        first = floor(start + DAY - _MOMENT, Granularity.DAY)
        end = self.hours[-1] + HOUR
        days = first, self._whole_days(first)
        if days[0] >= days[1]:
            return self._spent(by, (start, end), Granularity.HOUR, byok=byok)
        each = self._since_day(by, days, byok=byok)
        for hours in ((start, days[0]), (days[1], end)):
            each = _added(each, self._spent(by, hours, Granularity.HOUR, byok=byok))
        return each

    def _since_day(self, by: Dimension, days: Interval, *, byok: bool) -> Mapping[int, int]:
        """What each member spent on whole days, without reading the days since a later reset
        again."""
        first, until = days
        known = self._days.setdefault((by, byok), {})
        if first not in known:
            later = min((start for start in known if start > first), default=until)
            found = self._spent(by, (first, later), Granularity.DAY, byok=byok)
            known[first] = _added(found, known.get(later, {}))
        return known[first]

    def _whole_days(self, first: datetime) -> datetime:
        """Until when usage since the day `first` is read by day, which has far fewer rows.

        The hours of a day are more recent than the day until the days were synced some time after
        its end; and all are read by hour where not all of the days are stored.
        """
        synced = self._state.synced.get(Granularity.DAY)
        if synced is None:
            return first
        until = floor(min(synced - _SETTLED, self._now), Granularity.DAY)
        stored = self._state.coverage.get(Granularity.DAY, ())
        return first if first < until and gaps((first, until), stored) else until

    def _spent(
        self, by: Dimension, span: Interval, grain: Granularity, *, byok: bool
    ) -> Mapping[int, int]:
        """What each member spent in whole hours or days; read once, as several limits have them."""
        asked = by, span, byok
        if asked not in self._spans:
            start, end = span
            step = DAY if grain is Granularity.DAY else HOUR
            buckets = tuple(start + n * step for n in range((end - start) // step))
            found: Mapping[int, Sequence[int]] = {}
            if buckets:
                source = MoneySource.ALL if byok else MoneySource.CREDITS
                found = self._store.metric_sums(
                    self._selection(by), TimeRange(buckets, end, grain, end), grain,
                    (Metric.SPEND,), source,
                )  # fmt: skip
            self._spans[asked] = {id_: spend for id_, (spend,) in found.items()}
        return self._spans[asked]

    @cached_property
    def _state(self) -> CacheState:
        return self._store.state()


def _added(some: Mapping[int, int], more: Mapping[int, int]) -> Mapping[int, int]:
    """The sums of amounts by member."""
    if not some or not more:
        return some or more
    found = defaultdict(int, some)
    for id_, spend in more.items():
        found[id_] += spend
    return found


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
    spend = HourlySpend(store, now, members, root_of(directory, request.asker))
    unknown = [one.cap.label for one in counted if not use_is_known(one)]
    found = _forecasts([one for one in counted if use_is_known(one)], spend, now)
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
    directory, details = store.directory(), key_details(store)
    known = stored_limits(store)
    found = [
        *_key_limits(known, details, labels, directory),
        *_guardrail_limits(store, labels, directory),
    ]
    if keys is not None:
        return [one for one in found if _concerns(one, keys, creators)]
    return found + _workspace_limits(known)


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
    counted: Iterable[CountedLimit], spend: HourlySpend, now: datetime
) -> list[LimitForecast]:
    """When limits are full. Most can't be before they reset, and some are already; hours are read
    of the others only."""
    found = [_unforecast(one, spend, now) for one in counted]
    near = [
        (at, asked)
        for at, (one, forecast) in enumerate(found)
        if forecast.used < forecast.limit
        and spend.may_fill(
            asked := (one.by, one.ids, one.byok), forecast.limit - forecast.used, now,
            forecast.resets,
        )
    ]  # fmt: skip
    spend.read_hours(asked for _, asked in near)
    forecasts = [
        replace(one, full=FullAt(now, now, now)) if one.used >= one.limit else one
        for _, one in found
    ]
    for at, (by, ids, byok) in near:
        one = forecasts[at]
        full = full_at(one.limit - one.used, spend.pace(by, ids, byok=byok), now, one.resets)
        forecasts[at] = replace(one, full=full)
    return forecasts


def _unforecast(
    one: CountedLimit, spend: HourlySpend, now: datetime
) -> tuple[CountedLimit, LimitForecast]:
    """A limit with what was used of it, before it is worked out when it is full."""
    cap, (used, resets) = one.cap, use_of(one, spend, now)
    return one, LimitForecast(one.kind, cap.label, one.owner, cap.limit, used, resets, None)


def use_of(one: CountedLimit, spend: HourlySpend, now: datetime) -> tuple[int, datetime | None]:
    """What was used of a limit since its last reset (nano-dollars), and its next reset (UTC).

    Only valid if `use_is_known`.
    """
    cap, period = one.cap, one.cap.periods(now, now)[-1]
    resets = period.end if period else None
    if cap.reported_in(period) and cap.used is not None:
        return cap.used, resets
    start = period.start if period else spend.hours[0]
    return spend.since(one.by, one.ids, start, byok=one.byok), resets


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
