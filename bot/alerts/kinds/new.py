"""Finds first uses, and keys that were created."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.alerts.scope import allowed
from bot.alerts.usage_lookup import UsageLookup
from bot.answers import visibility
from bot.store.alerts.usage_sums import Place, Stretch
from bot.store.usage.selection import Ids
from reports.alerts.evaluation import Measurement
from reports.alerts.kinds.new import New, first_use
from reports.alerts.periods import SETTLED, AlertPeriod
from reports.time.timerange import DAY, HOUR, Granularity, floor
from reports.usage.dimensions import Dimension, Metric
from reports.usage.sync_windows import HISTORY
from reports.usage.usage import ZERO, Usage

if TYPE_CHECKING:
    pass

from bot.alerts.context import MeasurementContext, WatchedRule

_MINUTE = timedelta(minutes=1)
_RECENT = 3 * DAY
"""How far back a first use is found that arrives late, as after an outage."""


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
    if held is None or held > floor(now - HISTORY[Granularity.DAY], Granularity.DAY) + DAY:
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
        if what is Dimension.CREATOR:
            creator = member
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


def measure(watched: WatchedRule, seen: MeasurementContext) -> Iterator[Measurement]:
    """The members that are new; keys as soon as they are created."""
    watch = watched.rule.watch
    if isinstance(watch, New):
        if watch.what is Dimension.KEY:
            yield from _made(watched, seen)
        yield from _firsts(watched, seen, watch)
