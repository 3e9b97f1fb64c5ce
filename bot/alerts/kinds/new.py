"""Finds members that were used for the first time, and newly created keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.alerts.listed_keys import creator_words
from bot.alerts.scope import allowed_members
from bot.alerts.usage_lookup import UsageLookup
from bot.answers import visibility
from bot.store.alerts.usage_sums import GranularInterval, UsageKey
from bot.store.usage.selection import Ids, Selection
from reports.alerts.evaluation import Measurement
from reports.alerts.kinds.new import New, first_use, first_use_words
from reports.alerts.needed_usage import Needed
from reports.alerts.periods import SETTLED, AlertPeriod
from reports.time.time_range import DAY, HOUR, Granularity, floor
from reports.usage.dimensions import Dimension, Metric
from reports.usage.members import NO_CREATOR
from reports.usage.usage import ZERO, Usage
from reports.usage.windows_to_fetch import HISTORY

if TYPE_CHECKING:
    pass

from bot.alerts.context import MeasurementContext, WatchedRule

_MINUTE = timedelta(minutes=1)
_RECENT = 3 * DAY
"""How late the usage of a first use may arrive, for example after an outage."""


def _made(watched: WatchedRule, context: MeasurementContext) -> Iterator[Measurement]:
    """Keys that were created after the rule and have not been used yet."""
    now = context.now
    since, at = _news_since(watched, now), context.synced_at or now
    new = [key for key, made in context.directory.since.items() if since <= made <= now]
    known = {subject for subject, _ in context.states.get(watched.entry.id, {})}
    if all(str(key) in known for key in new):
        return
    span = AlertPeriod(floor(since, Granularity.HOUR), at + _MINUTE)
    used = context.usage.sums(Dimension.KEY, context.figures.intervals(span))
    unused: dict[UsageKey, Usage] = {
        key: Usage(requests=1) for key in new if not used.get(key, ZERO).requests
    }
    wanted = allowed_members(context.directory, watched.rule, watched.asker, watched.members)
    labels = visibility.labels(context.directory, watched.asker)
    for one in _candidates(context, labels, Dimension.KEY, wanted, unused, by_creator=False):
        if one.subject not in known:
            first = first_use(one.subject, one.label, 0, since, since, at, one.email)
            yield replace(first, unused=True)


def _news_since(watched: WatchedRule, now: datetime) -> datetime:
    """The time after which a first use counts as new, even if its usage arrives late."""
    return max(watched.entry.created_at, min(now - _RECENT, watched.since - SETTLED))


def _firsts(watched: WatchedRule, context: MeasurementContext, watch: New) -> Iterator[Measurement]:
    """First uses since the rule was set up, once the cache has all earlier usage."""
    now = context.now
    complete_from = context.figures.complete_from(Granularity.DAY)
    if (
        complete_from is None
        or complete_from > floor(now - HISTORY[Granularity.DAY], Granularity.DAY) + DAY
    ):
        return
    since = _news_since(watched, now)
    at = context.synced_at or now
    wanted = allowed_members(context.directory, watched.rule, watched.asker, watched.members)
    by_creator = watched.rule.by is not None
    pairs = watch.what is Dimension.MODEL and (by_creator or Dimension.CREATOR in wanted)
    today = floor(since, Granularity.DAY)
    earlier = _until(today, since, context.figures)
    recent = context.figures.intervals(AlertPeriod(floor(since, Granularity.HOUR), at + _MINUTE))
    found: dict[UsageKey, Usage] = {}
    if pairs:
        old = context.usage.before(None, today) | context.usage.users(earlier).keys()
        found.update(context.usage.users(recent).items())
    else:
        old = (
            context.usage.before(watch.what, today) | context.usage.sums(watch.what, earlier).keys()
        )
        found.update(context.usage.sums(watch.what, recent).items())
    labels = visibility.labels(context.directory, watched.asker)
    known = {subject for subject, _ in context.states.get(watched.entry.id, {})}
    used = dict.fromkeys(old, Usage(requests=1))
    earlier_ones = _candidates(context, labels, watch.what, wanted, used, by_creator=by_creator)
    known |= {one.subject for one in earlier_ones}
    for one in _candidates(context, labels, watch.what, wanted, found, by_creator=by_creator):
        if one.subject in known:
            continue
        cost = sum(found[key].value(Metric.SPEND) for key in one.keys)
        yield first_use(one.subject, one.label, cost, since, since, at, one.email)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A subject that may be new, with its usage keys; `email` is the address of its creator."""

    subject: str
    label: str
    email: str
    keys: list[UsageKey] = field(default_factory=list)


def _candidates(
    context: MeasurementContext,
    labels: Mapping[int, str],
    what: Dimension,
    wanted: Mapping[Dimension, Ids],
    usage: Mapping[UsageKey, Usage],
    *,
    by_creator: bool,
) -> Iterable[_Candidate]:
    """The members with usage that a rule watches.

    `wanted` are the members that the rule is limited to, `usage` is the usage of each member (or of
    each model by each creator). With `by_creator`, each creator's use of a member is a subject.
    """
    directory = context.directory
    members, creators = wanted.get(what), wanted.get(Dimension.CREATOR)
    found: dict[str, _Candidate] = {}
    for key, used in usage.items():
        creator, id_ = key if isinstance(key, tuple) else (None, key)
        if creator is None and what is Dimension.KEY:
            creator = directory.owners.get(id_)
        if what is Dimension.CREATOR:
            creator = id_
        member = directory.members.get(id_)
        if member is None or not member.ref or not used.requests:
            continue
        if (members is not None and id_ not in members) or (
            creators is not None and creator not in creators
        ):
            continue
        person = directory.members.get(creator) if creator is not None else None
        subject, label = str(id_), labels[id_]
        if by_creator and creator is not None:
            subject, label = f"{creator}:{id_}", f"{label}, used by {labels[creator]}"
        new = _Candidate(subject, label, person.detail if person else "")
        found.setdefault(subject, new).keys.append(key)
    return found.values()


def _until(today: datetime, since: datetime, figures: UsageLookup) -> list[GranularInterval]:
    """The part of a day before `since`: hours, and minutes if the cache has them."""
    hour = floor(since, Granularity.HOUR)
    complete_from = figures.complete_from(Granularity.MINUTE)
    if complete_from is None or complete_from > hour:
        return [(Granularity.HOUR, (today, hour + HOUR))]
    return [(Granularity.HOUR, (today, hour)), (Granularity.MINUTE, (hour, since))]


def measure(watched: WatchedRule, context: MeasurementContext) -> Iterator[Measurement]:
    """The new members; keys count as soon as they are created."""
    watch = watched.rule.watch
    if isinstance(watch, New):
        if watch.what is Dimension.KEY:
            yield from _made(watched, context)
        yield from _firsts(watched, context, watch)


def explain(
    watched: WatchedRule, context: MeasurementContext, measurement: Measurement, zone: str
) -> Iterator[str]:
    """Say who created a new key or used a new model, and which models a new creator used."""
    del zone
    watch, id_ = watched.rule.watch, measurement.subject.rpartition(":")[2]
    if not isinstance(watch, New) or not id_.isdecimal():
        return
    member, labels = int(id_), visibility.labels(context.directory, watched.asker)
    if watch.what is Dimension.KEY:
        yield creator_words(context.directory, labels, member)
    elif watched.rule.by is None:
        of_model = watch.what is Dimension.MODEL
        wanted = allowed_members(context.directory, watched.rule, watched.asker, watched.members)
        wanted[watch.what] = frozenset({member})
        at = context.synced_at or context.now
        needed = Needed(
            Dimension.CREATOR if of_model else Dimension.MODEL,
            (),
            AlertPeriod(floor(at - _RECENT, Granularity.HOUR), at + _MINUTE),
        )
        used = context.figures.sums(needed, Selection.of(None, wanted))
        ranked = sorted(used, key=lambda one: (-used[one].value(Metric.SPEND), labels.get(one, "")))
        names = [labels[one] for one in ranked if one in labels and used[one].requests]
        names = [name for name in names if name != NO_CREATOR]
        yield first_use_words("Used by" if of_model else "With", names)
