"""Gathers what is known about each API key: owner, limit, creation, last use and spend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bot.analysis.limits import keys_meant, owner_of, unread, with_me
from bot.analysis.request import AnalysisRequest
from bot.answers import visibility
from bot.answers.answer import make_plan
from bot.answers.group_ids import group_id
from bot.answers.openrouter_details import KeyDetails, key_details, members_known, owner_left
from bot.answers.openrouter_limits import stored_limits
from bot.store import Store
from bot.store.usage.directory import Directory
from bot.store.usage.selection import Ids, Selection
from reports.alerts.limits_and_forecast import SpendLimit
from reports.analysis.document import AnalysisDocument
from reports.analysis.keys import UNUSED_FOR, KeyFacts, KeyTrait, review
from reports.analysis.keys_answer import UNKNOWN, keys_answer
from reports.analysis.limits import LimitKind
from reports.questions.grammar import CommandError
from reports.questions.kind_options import days_of
from reports.time.time_range import HOUR, Granularity, TimeRange, floor
from reports.usage.dimensions import Dimension, Metric

_SPEND_OF = timedelta(days=30)
_MOST_READ_ALONE = 1_000
"""The spend of more keys than these is not read alone: reading that of all takes no longer."""


def gather_keys(request: AnalysisRequest) -> AnalysisDocument | CommandError:
    """The keys that the asker may see, with their traits; a CommandError if they are unknown."""
    store, query, now = request.store, with_me(request), request.now
    plan = make_plan(store, query, now, request.zone, request.asker)
    if isinstance(plan, CommandError):
        return plan
    details, directory = key_details(store), store.directory()
    if details is None:
        return CommandError(UNKNOWN)
    meant = keys_meant(
        directory, plan.selection.ids(Dimension.KEY), plan.selection.ids(Dimension.CREATOR)
    )
    labels = visibility.labels(directory, request.asker)
    facts = _facts(store, details, directory, labels, now, meant)
    wanted = frozenset(KeyTrait(word) for word in query.extra if not days_of(word))
    days = next((days_of(word) for word in query.extra if days_of(word)), 0)
    unused_for = timedelta(days=days) if days else UNUSED_FOR
    found = keys_answer(
        plan.query,
        review(facts, now, wanted, unused_for),
        wanted,
        unused_for,
        now,
        as_of=store.state().synced.get(Granularity.HOUR),
        partial=unread(store, "keys", "workspaces", "members"),
    )
    ids = {labels.get(one.id): group_id(one) for one in directory.of[Dimension.KEY] if one.ref}
    return replace(found, ask_about=tuple((label, ids[label]) for label in found.groups))


def _spend(store: Store, now: datetime, meant: Ids | None) -> Mapping[int, int]:
    """What each key (id) spent in the past 30 days, in nano-dollars, rounded to whole hours; at
    least of those that are meant (None: all)."""
    last = floor(now, Granularity.HOUR)
    hours = tuple(last - number * HOUR for number in range(_SPEND_OF // HOUR, -1, -1))
    of = TimeRange(hours, last + HOUR, Granularity.HOUR, now)
    by_key = Selection(Dimension.KEY)
    if meant is not None and len(meant) <= _MOST_READ_ALONE:
        by_key = by_key.only(Dimension.KEY, meant)
    found = store.metric_sums(by_key, of, Granularity.HOUR, (Metric.SPEND,))
    return {id_: spend for id_, (spend,) in found.items()}


def _facts(
    store: Store,
    details: Mapping[str, KeyDetails],
    directory: Directory,
    labels: Mapping[int, str],
    now: datetime,
    meant: Ids | None,
) -> list[KeyFacts]:
    """What is known of the keys that are meant (None: all)."""
    limits = {
        id_: one.cap
        for one in stored_limits(store).caps
        if one.kind is LimitKind.KEY
        for id_ in one.ids
    }
    used = store.last_used(Dimension.KEY)
    spend = _spend(store, now, meant)
    known = members_known(store, directory)
    found = []
    for hash_, one in details.items():
        id_ = directory.ids.get((Dimension.KEY, hash_))
        if id_ is None or (meant is not None and id_ not in meant):
            continue
        facts = KeyFacts(
            label=labels.get(id_, directory.labels[id_]),
            owner=owner_of(directory, labels, id_),
            owner_left=known and owner_left(directory, one.creator),
            created=directory.since.get(id_),
            last_used=used.get(id_),
            expires=one.expires,
            limit=limits[id_].limit if one.limited and id_ in limits else None,
            limit_reset=limits[id_].reset or "" if one.limited and id_ in limits else "",
            limit_known=not one.limited or id_ in limits,
            spend_30d=spend.get(id_, 0),
            disabled=one.disabled,
            limit_used=_used(limits[id_], now) if one.limited and id_ in limits else None,
        )
        found.append(facts)
    return found


def _used(cap: SpendLimit, now: datetime) -> int | None:
    """What was used of a limit since its last reset; None if OpenRouter's report is older."""
    return cap.used if cap.reported_in(cap.periods(now, now)[-1]) else None
