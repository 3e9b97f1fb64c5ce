"""What the subjects of a rule show now: figures of the cache made the readings of its watch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bot.alerts.scope import RuleMembers, Scope, allowed, creator_of, scope
from bot.alerts.usage_lookup import UsageLookup
from bot.answers import visibility
from bot.answers.openrouter_limits import OpenRouterLimits, TrackedLimit
from bot.store.alerts.usage_sums import AlertUsage, Place, Stretch
from bot.store.encoding import from_seconds, to_seconds
from bot.store.usage.selection import Ids, Selection
from reports.alerts.evaluation import AlertState, Baseline, Measurement, Phase
from reports.alerts.limits_and_forecast import balance, budget, forecast
from reports.alerts.measurements import above, first_use, stale
from reports.alerts.needed_usage import Needed, needed
from reports.alerts.periods import SETTLED, AlertPeriod
from reports.alerts.rule import Above, Budget, Credits, Forecast, New, Rule, Spike, Stale
from reports.alerts.spike import Hour, known_past, may_spike, spike, usual
from reports.time.timerange import DAY, HOUR, Granularity, floor
from reports.usage.dimensions import Dimension, Metric, MoneySource
from reports.usage.sync_windows import REACH
from reports.usage.usage import ZERO, Usage

if TYPE_CHECKING:
    from bot.answers.visibility import Asker
    from bot.store.alerts.rules import StoredRule
    from bot.store.usage.directory import Directory

_MINUTE = timedelta(minutes=1)
_RECENT = 3 * DAY
WHOLE = "all"


@dataclass(frozen=True, slots=True)
class WatchedRule:
    """A rule that is judged: `zone` is its own or the default, `asker` its maker today.

    `since` is when judging last ended well, or when the rule was made if that is later.
    """

    entry: StoredRule
    rule: Rule
    zone: str
    asker: Asker
    named: RuleMembers
    since: datetime

    @property
    def whose_own(self) -> bool:
        """Whether it is about its maker alone."""
        return self.asker.own_only or visibility.ME in self.rule.filters

    @property
    def visibility(self) -> str:
        """As far as whose eyes its figures are seen; empty where they see everything.

        What was told under one sight is not told, nor shown anew, under another.
        """
        if not self.asker.own_only or isinstance(self.rule.watch, Stale):
            return ""
        return f"own {self.asker.email or ''}"


@dataclass(frozen=True, slots=True)
class MeasurementContext:
    """Everything that readings are made of, as it was at one moment."""

    figures: UsageLookup
    usage: AlertUsage
    directory: Directory
    limits: OpenRouterLimits
    now: datetime
    states: dict[str, dict[tuple[str, str], AlertState]]
    """What is known of each rule, by subject and period."""
    awake: bool = True
    """Whether whoever judges has been there for long enough to have synced."""
    everything: bool = False
    """Whether readings are wanted also of what is far below its line."""

    def phase(self, rule: str, subject: str) -> Phase:
        """How a subject stands that has no period."""
        known = self.states.get(rule, {}).get((subject, ""))
        return known.phase if known else Phase.UNKNOWN

    @property
    def fresh(self) -> datetime | None:
        """When usage was last synced; None: never."""
        at = self.figures.fresh
        return at and min(at, self.now)


def readings(watched: WatchedRule, seen: MeasurementContext) -> Iterator[Measurement]:
    """The readings of all subjects of a rule; of one subject, the older come first."""
    visibility_ = watched.visibility
    for reading in _readings(watched, seen):
        yield replace(reading, visibility=visibility_) if visibility_ else reading


def _readings(watched: WatchedRule, seen: MeasurementContext) -> Iterator[Measurement]:
    rule, limits = watched.rule, seen.limits
    match rule.watch:
        case Stale():
            if seen.awake:
                synced = seen.figures.synced.get(Granularity.MINUTE)
                yield stale(rule, synced, watched.entry.made_at, seen.now)
        case Credits():
            if limits.told and not watched.asker.own_only:
                yield balance(rule, limits.bought, limits.used, limits.told)
        case _:
            if seen.fresh is not None:
                yield from _of_usage(watched, seen)


def _of_usage(watched: WatchedRule, seen: MeasurementContext) -> Iterator[Measurement]:
    whose = scope(seen.directory, watched.rule, watched.asker, watched.named)
    match watched.rule.watch:
        case Above() as watch:
            yield from _above(watched, seen, whose, watch)
        case Spike():
            yield from _spikes(watched, seen, whose)
        case Forecast() as watch:
            yield from _forecasts(watched, seen, whose, watch)
        case New() as watch:
            if watch.what is Dimension.KEY:
                yield from _made(watched, seen)
            yield from _firsts(watched, seen, watch)
        case Budget():
            for one in seen.limits.caps:
                if _concerns(watched, seen, one):
                    yield from _budget(watched, seen, _called(watched, seen, one))


def subjects(
    seen: MeasurementContext, asker: Asker, whose: Scope, found: Mapping[int, Usage]
) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """The subjects of a rule with their labels and members: each on its own, or all together."""
    labels = visibility.labels(seen.directory, asker)
    if whose.members is not None:
        few = len(whose.members) < len(found)
        members = [
            m for m in (whose.members if few else found) if m in found and m in whose.members
        ]
    else:
        members = list(found)
    if whose.apart:
        for member in members:
            yield str(member), labels.get(member, "?"), (member,)
    else:
        yield "", label_of(labels, whose), tuple(members)


def label_of(labels: Mapping[int, str], whose: Scope) -> str:
    """What the whole of a rule is called: its one member, or all."""
    members = whose.members
    if members is not None and len(members) == 1:
        return labels.get(next(iter(members)), WHOLE)
    return WHOLE


def _above(
    watched: WatchedRule, seen: MeasurementContext, whose: Scope, watch: Above
) -> Iterator[Measurement]:
    at = seen.fresh or seen.now
    known = seen.states.get(watched.entry.id, {})
    for span in _spans(watched, seen):
        found = seen.figures.sums(Needed(whose.by, (), span), whose.narrow)
        for subject, label, members in subjects(seen, watched.asker, whose, found):
            value = _value(found, members, watch.metric, watch.source)
            near = value > watch.limit or (subject, key_of(span)) in known
            if near or seen.everything:
                owner = creator_of(seen.directory, whose, subject) if value > watch.limit else ""
                yield above(watched.rule, subject, label, value, span, min(at, span.end), owner)


def key_of(span: AlertPeriod) -> str:
    """The period of a span, as states are kept under it."""
    return f"{span.start:%Y-%m-%dT%H:%M}"


def closing(
    watched: WatchedRule, seen: MeasurementContext, last: Measurement, span: AlertPeriod
) -> Measurement:
    """The reading of a period that is over, after the last one that was told of it."""
    rule, watch = watched.rule, watched.rule.watch
    if isinstance(watch, Above):
        whose = scope(seen.directory, rule, watched.asker, watched.named)
        found = seen.figures.sums(Needed(whose.by, (), span), whose.narrow)
        for subject, _, members in subjects(seen, watched.asker, whose, found):
            if subject == last.subject:
                value = _value(found, members, watch.metric, watch.source)
                closed = above(rule, subject, last.label, value, span, span.end, last.owner)
                return replace(closed, visibility=last.visibility)
    return replace(last, at=max(last.at, span.end), part=False)


def _spans(watched: WatchedRule, seen: MeasurementContext) -> Iterator[AlertPeriod]:
    """The periods to judge; what ended before the rule was made is none of its business."""
    for one in needed(watched.rule, watched.zone, watched.since, seen.now):
        if one.span.end > watched.entry.made_at:
            yield one.span


def _spikes(watched: WatchedRule, seen: MeasurementContext, whose: Scope) -> Iterator[Measurement]:
    recent, *past = needed(watched.rule, watched.zone, watched.since, seen.now)
    found = seen.figures.series(_as(recent, whose), whose.narrow)
    at, made = seen.fresh or seen.now, watched.entry.made_at
    hours = []
    hour = recent.span.start
    while hour < recent.span.end and hour <= at:
        hours += [hour] if hour + HOUR > made else []
        hour += HOUR
    for subject, label, members in subjects(
        seen, watched.asker, whose, _flat(watched, seen, found)
    ):
        values = {hour: _at(found, members, hour) for hour in hours}
        spiking = seen.phase(watched.entry.id, subject) is Phase.TRIGGERED
        if not hours or not (spiking or may_spike(watched.rule, max(values.values()))):
            continue
        series = [seen.figures.series(_as(one, whose), whose.narrow) for one in past]
        beside = [
            Hour(hour, value, _usual(watched.rule, seen, whose, members, hour, series))
            for hour, value in values.items()
        ]
        owner = creator_of(seen.directory, whose, subject)
        yield spike(watched.rule, subject, label, beside, at, owner)


def _usual(
    rule: Rule,
    seen: MeasurementContext,
    whose: Scope,
    members: tuple[int, ...],
    hour: datetime,
    series: list[Mapping[int, Mapping[int, Usage]]],
) -> Baseline | None:
    """What the members usually use together in an hour of the week."""
    figures: dict[datetime, int] = {}
    for found in series:
        for member in members:
            for at, usage in found.get(member, {}).items():
                when = from_seconds(at)
                figures[when] = figures.get(when, 0) + usage.value(Metric.SPEND)
    held = seen.figures.held_from(Granularity.HOUR) or hour
    first: datetime | None = held
    if whose.by is not None and len(members) == 1:
        first = seen.usage.first(whose.by, members[0], hour - timedelta(weeks=5))
    floor_ = rule.watch.floor if isinstance(rule.watch, Spike) else 0
    return usual(known_past(figures, hour, first, held), floor_)


def _forecasts(
    watched: WatchedRule, seen: MeasurementContext, whose: Scope, watch: Forecast
) -> Iterator[Measurement]:
    [wanted] = needed(watched.rule, watched.zone, watched.since, seen.now)
    found = seen.figures.series(_as(wanted, whose), whose.narrow)
    at, zone = seen.fresh or seen.now, ZoneInfo(watched.zone)
    first = seen.figures.held_from(Granularity.DAY)
    if first is None:
        return
    days, day = [], max(wanted.span.start, first).astimezone(zone).date()
    while day <= at.astimezone(zone).date():
        days.append(day)
        day += DAY
    for subject, label, members in subjects(
        seen, watched.asker, whose, _flat(watched, seen, found)
    ):
        figures = dict.fromkeys(days, 0)
        for member in members:
            for start, usage in found.get(member, {}).items():
                local = from_seconds(start).astimezone(zone).date()
                if local in figures:
                    figures[local] += usage.value(Metric.SPEND, watch.source)
        owner = creator_of(seen.directory, whose, subject)
        yield forecast(watched.rule, subject, label, figures, watched.zone, at, owner)


def _flat(watched: WatchedRule, seen: MeasurementContext, found: Iterable[int]) -> dict[int, Usage]:
    """Those with any usage, and those of whom something was told that may be over."""
    told = [
        int(subject)
        for (subject, _), state in seen.states.get(watched.entry.id, {}).items()
        if state.phase is Phase.TRIGGERED and subject.isdecimal()
    ]
    return dict.fromkeys((*found, *told), ZERO)


def _made(watched: WatchedRule, seen: MeasurementContext) -> Iterator[Measurement]:
    """Keys that were made after the rule was, and that nobody has used yet."""
    now = seen.now
    since, at = _news_since(watched, now), seen.fresh or now
    new = [key for key, made in seen.directory.since.items() if since <= made <= now]
    known = {subject for subject, _ in seen.states.get(watched.entry.id, {})}
    if all(str(key) in known for key in new):
        return
    span = AlertPeriod(floor(since, Granularity.HOUR), at + _MINUTE)
    used = seen.usage.sums(Dimension.KEY, seen.figures.stretches(span))
    unused: dict[Place, Usage] = {
        key: Usage(requests=1) for key in new if not used.get(key, ZERO).requests
    }
    wanted = allowed(seen.directory, watched.rule, watched.asker, watched.named)
    labels = visibility.labels(seen.directory, watched.asker)
    for subject, label, _, owner in _news(
        seen, labels, Dimension.KEY, wanted, apart=False, found=unused
    ):
        if subject not in known:
            first = first_use(subject, label, 0, since, since, at, owner)
            yield replace(first, unused=True)


def _news_since(watched: WatchedRule, now: datetime) -> datetime:
    """Since when what was not there before is new; what comes late still is."""
    return max(watched.entry.made_at, min(now - _RECENT, watched.since - SETTLED))


def _firsts(watched: WatchedRule, seen: MeasurementContext, watch: New) -> Iterator[Measurement]:
    """First uses since the rule was made, as soon as all history is held that could tell better."""
    now = seen.now
    held = seen.figures.held_from(Granularity.DAY)
    if held is None or held > floor(now - REACH[Granularity.DAY], Granularity.DAY) + DAY:
        return
    since = _news_since(watched, now)
    at = seen.fresh or now
    wanted = allowed(seen.directory, watched.rule, watched.asker, watched.named)
    apart = watched.rule.by is not None
    pairs = watch.what is Dimension.MODEL and (apart or Dimension.CREATOR in wanted)
    today = floor(since, Granularity.DAY)
    earlier = _until(today, since, seen.figures)
    recent = seen.figures.stretches(AlertPeriod(floor(since, Granularity.HOUR), at + _MINUTE))
    found: dict[Place, Usage] = {}
    if pairs:
        old = seen.usage.before(None, today) | seen.usage.users(earlier).keys()
        found.update(seen.usage.users(recent).items())
    else:
        old = seen.usage.before(watch.what, today) | seen.usage.sums(watch.what, earlier).keys()
        found.update(seen.usage.sums(watch.what, recent).items())
    labels = visibility.labels(seen.directory, watched.asker)
    known = {subject for subject, _ in seen.states.get(watched.entry.id, {})}
    used = dict.fromkeys(old, Usage(requests=1))
    known |= {subject for subject, *_ in _news(seen, labels, watch.what, wanted, apart, used)}
    for subject, label, places, owner in _news(seen, labels, watch.what, wanted, apart, found):
        if subject in known:
            continue
        cost = sum(found[one].value(Metric.SPEND) for one in places)
        yield first_use(subject, label, cost, since, since, at, owner)


def _news(
    seen: MeasurementContext,
    labels: Mapping[int, str],
    what: Dimension,
    wanted: Mapping[Dimension, Ids],
    apart: bool,
    found: Mapping[Place, Usage],
) -> Iterator[tuple[str, str, list[Place], str]]:
    """What was used that a rule watches: subject, label, whose figures it is, its owner."""
    directory = seen.directory
    whose = wanted.get(Dimension.CREATOR)
    together: dict[str, tuple[str, list[Place], str]] = {}
    for place, usage in found.items():
        creator, member = place if isinstance(place, tuple) else (None, place)
        if creator is None and what is Dimension.KEY:
            creator = directory.owners.get(member)
        one, only = directory.members.get(member), wanted.get(what)
        if one is None or not one.ref or not usage.requests:
            continue
        if (only is not None and member not in only) or (
            whose is not None and creator not in whose
        ):
            continue
        person = directory.members.get(creator) if creator is not None else None
        owner = person.detail if person else ""
        subject, label = str(member), labels[member]
        if apart and creator is not None:
            subject, label = f"{creator}:{member}", f"{label}, used by {labels[creator]}"
        together.setdefault(subject, (label, [], owner))[1].append(place)
    for subject, (label, places, owner) in together.items():
        yield subject, label, places, owner


def _until(today: datetime, since: datetime, figures: UsageLookup) -> list[Stretch]:
    """The part of a day before a moment: hours, and minutes where they are held."""
    hour = floor(since, Granularity.HOUR)
    held = figures.held_from(Granularity.MINUTE)
    if held is None or held > hour:
        return [(Granularity.HOUR, (today, hour + HOUR))]
    return [(Granularity.HOUR, (today, hour)), (Granularity.MINUTE, (hour, since))]


def _concerns(watched: WatchedRule, seen: MeasurementContext, one: TrackedLimit) -> bool:
    """Whether a limit is one that a rule watches, and its maker may see."""
    wanted = allowed(seen.directory, watched.rule, watched.asker, watched.named)
    of_key = one.cap.subject.startswith("key ")
    if not wanted:
        return of_key or watched.rule.by is not Dimension.KEY
    keys, creators = wanted.get(Dimension.KEY), wanted.get(Dimension.CREATOR)
    owners = seen.directory.owners
    return of_key and all(
        (keys is None or key in keys) and (creators is None or owners.get(key) in creators)
        for key in one.keys
    )


def _called(watched: WatchedRule, seen: MeasurementContext, one: TrackedLimit) -> TrackedLimit:
    """A limit by the name that its key has before the rule's maker."""
    if not watched.asker.own_only or len(one.keys) != 1:
        return one
    labels = visibility.labels(seen.directory, watched.asker)
    label = labels.get(next(iter(one.keys)), one.cap.label)
    return replace(one, cap=replace(one.cap, label=label))


def _budget(
    watched: WatchedRule, seen: MeasurementContext, one: TrackedLimit
) -> Iterator[Measurement]:
    at = seen.fresh or seen.now
    for period in one.cap.periods(watched.since, seen.now):
        if period and period.end <= watched.entry.made_at:
            continue
        start, end = (period.start, period.end) if period else (one.cap.told, at + _MINUTE)
        if one.cap.told_in(period):
            start = max(start, floor(one.cap.told, Granularity.MINUTE) + _MINUTE)
        elif period is None:
            continue  # nobody says what was used of one that never begins anew
        used = 0
        if start < end:
            found = seen.figures.sums(
                Needed(Dimension.KEY, (), AlertPeriod(start, end)), Selection()
            )
            source = MoneySource.ALL if one.byok else MoneySource.CREDITS
            used = _value(found, tuple(one.keys), Metric.SPEND, source)
        yield budget(one.cap, period, used, at)


def _as(wanted: Needed, whose: Scope) -> Needed:
    return Needed(whose.by, (), wanted.span, wanted.step, wanted.zone)


def _value(
    found: Mapping[int, Usage], members: tuple[int, ...] | Ids, metric: Metric, source: MoneySource
) -> int:
    return sum(found.get(member, ZERO).value(metric, source) for member in members)


def _at(found: Mapping[int, Mapping[int, Usage]], members: tuple[int, ...], hour: datetime) -> int:
    at = to_seconds(hour)
    return sum(found.get(one, {}).get(at, ZERO).value(Metric.SPEND) for one in members)
