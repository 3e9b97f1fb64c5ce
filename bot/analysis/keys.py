"""Gathers what is known about each API key: owner, limit, creation, last use and spend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from bot.analysis.limits import keys_meant, unread, with_me
from bot.analysis.request import AnalysisRequest
from bot.analysis.spend_since import SpendSince
from bot.answers import visibility
from bot.answers.answer import make_plan
from bot.answers.group_ids import group_id
from bot.answers.openrouter_details import key_details, members_known, owner_left
from bot.answers.openrouter_limits import stored_limits
from bot.store import Store
from bot.store.usage import openrouter_facts
from bot.store.usage.directory import Directory
from bot.store.usage.selection import Ids
from reports.alerts.limits_and_forecast import SpendLimit
from reports.analysis.document import AnalysisDocument
from reports.analysis.keys import UNUSED_FOR, KeyFacts, KeyTrait, review
from reports.analysis.keys_answer import UNKNOWN, keys_answer
from reports.analysis.limits import LimitKind
from reports.questions.grammar import CommandError
from reports.questions.kind_options import days_of
from reports.time.time_range import Granularity, floor
from reports.usage.dimensions import Dimension
from reports.usage.members import NO_CREATOR

_SPEND_OF = timedelta(days=30)


class _ListedKey(NamedTuple):
    """What OpenRouter lists of a key; `label` is its name for those who see all keys, `owner` the
    id of its creator, and `owner_left` only valid if the members are known."""

    id: int
    label: str
    owner: int
    owner_left: bool
    created: datetime | None
    expires: datetime | None
    limited: bool
    limit: SpendLimit | None
    disabled: bool


def gather_keys(request: AnalysisRequest) -> AnalysisDocument | CommandError:
    """The keys that the asker may see, with their traits; a CommandError if they are unknown."""
    store, query, now = request.store, with_me(request), request.now
    plan = make_plan(store, query, now, request.zone, request.asker)
    if isinstance(plan, CommandError):
        return plan
    directory = store.directory()
    if key_details(store) is None:
        return CommandError(UNKNOWN)
    meant = keys_meant(
        directory, plan.selection.ids(Dimension.KEY), plan.selection.ids(Dimension.CREATOR)
    )
    labels = visibility.labels(directory, request.asker)
    facts = _facts(store, directory, labels, now, meant)
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
    shown, ids = frozenset(found.groups), {}
    for one in directory.of[Dimension.KEY]:
        if one.ref and (label := labels.get(one.id)) in shown:
            ids[label] = group_id(one)
    return replace(found, ask_about=tuple((label, ids[label]) for label in found.groups))


def _listed(store: Store) -> Sequence[_ListedKey]:
    """The keys that OpenRouter lists; empty if it never listed all of them."""
    return store.gathered(_read_listed, openrouter_facts.KEYS, "limits")


def _read_listed(store: Store) -> Sequence[_ListedKey]:
    directory, details = store.directory(), key_details(store) or {}
    limits = {
        id_: one.cap
        for one in stored_limits(store).caps
        if one.kind is LimitKind.KEY
        for id_ in one.ids
    }
    known = ((directory.ids.get((Dimension.KEY, hash_)), one) for hash_, one in details.items())
    return [
        _ListedKey(
            id_, directory.labels[id_], directory.owners.get(id_, 0),
            owner_left(directory, one.creator), directory.since.get(id_), one.expires,
            one.limited, limits.get(id_) if one.limited else None, one.disabled,
        )
        for id_, one in known
        if id_ is not None
    ]  # fmt: skip


def _facts(
    store: Store,
    directory: Directory,
    labels: Mapping[int, str],
    now: datetime,
    meant: Ids | None,
) -> list[KeyFacts]:
    """What is known of the keys that are meant (None: all)."""
    listed = _listed(store)
    if meant is not None:
        listed = [one for one in listed if one.id in meant]
    used = store.last_used(Dimension.KEY, meant)
    since = floor(now, Granularity.HOUR) - _SPEND_OF
    members = None if meant is None else {Dimension.KEY: meant}
    spend = SpendSince(store, now, members).each(Dimension.KEY, since, byok=True)
    known, spans = members_known(store, directory), {}
    found = []
    for id_, label, owner, left, created, expires, limited, limit, disabled in listed:
        limit_used = None
        if limit is not None:
            if limit.reset not in spans:
                spans[limit.reset] = limit.periods(now, now)[-1]
            # OpenRouter's report may be older than the last reset
            limit_used = limit.used if limit.reported_in(spans[limit.reset]) else None
        name = labels.get(owner, "")
        found.append(
            KeyFacts(
                labels.get(id_, label), "" if name == NO_CREATOR else name, known and left,
                created, used.get(id_), expires, limit.limit if limit else None,
                not limited or limit is not None, spend.get(id_, 0), disabled,
                limit.reset or "" if limit else "", limit_used,
            )
        )  # fmt: skip
    return found
