"""The budgets of guardrails: one limit for each member and key that a guardrail applies to."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from bot.answers.openrouter_details import (
    KeyDetails,
    StoredGuardrail,
    guardrails,
    guardrails_at,
    key_details,
)
from bot.answers.openrouter_limits import TrackedLimit
from bot.store import Store
from bot.store.usage.directory import Directory
from bot.store.usage.openrouter_facts import GUARDRAILS, KEYS
from bot.store.usage.selection import Ids
from reports.alerts.limits_and_forecast import SpendLimit
from reports.analysis.limits import LimitKind
from reports.usage.dimensions import Dimension


def guardrail_limits(store: Store, seen: Collection[int] | None = None) -> Iterator[TrackedLimit]:
    """The limits of members and of keys that aren't disabled; with `seen`, of these ids only.

    Yields nothing until the guardrails have been fetched. Labels are the guardrails' names, told
    apart where several of them are alike; one that applies to nobody in `seen` has no effect on
    them. The default guardrail of a workspace applies to all of its members and keys without an
    assignment.
    """
    every, workspaces = store.gathered(_every, GUARDRAILS, KEYS, "limits")
    limits = {
        guardrail: found if seen is None else [one for one in found if one.member in seen]
        for guardrail, found in every.items()
    }
    listed = [one for one, found in limits.items() if found]
    for guardrail, name in _names(listed, workspaces):
        for one in limits[guardrail]:
            renamed = name != guardrail.name
            yield replace(one, cap=replace(one.cap, label=name)) if renamed else one


def _every(
    store: Store,
) -> tuple[Mapping[StoredGuardrail, Sequence[TrackedLimit]], Mapping[str, str]]:
    """All limits of each guardrail, and the names of workspaces."""
    as_of, details, directory = guardrails_at(store), key_details(store), store.directory()
    if as_of is None or details is None:
        return {}, {}
    workspaces = _Workspaces(store, details, directory)
    limits = {
        one: (
            *_of_members(one, workspaces, as_of, directory),
            *_of_keys(one, workspaces, as_of, details, directory),
        )
        for one in guardrails(store) or ()
    }
    return limits, workspaces.names


def _names(
    found: Iterable[StoredGuardrail], workspaces: Mapping[str, str]
) -> Iterator[tuple[StoredGuardrail, str]]:
    """Guardrails with different names: those of one name get their workspace's name or their id."""
    found = tuple(found)
    names = Counter(one.name for one in found)
    homes = Counter((one.name, workspaces.get(one.workspace, "")) for one in found)
    for one in found:
        home = workspaces.get(one.workspace, "")
        suffix = home if home and homes[one.name, home] == 1 else one.id[:8]
        yield one, f"{one.name} ({suffix})" if names[one.name] > 1 else one.name


def _of_members(
    guardrail: StoredGuardrail, workspaces: _Workspaces, as_of: datetime, directory: Directory
) -> Iterator[TrackedLimit]:
    everybody = guardrail.id in workspaces.defaults
    for user in workspaces.people(guardrail.workspace) if everybody else guardrail.members:
        id_ = directory.ids.get((Dimension.CREATOR, user))
        if id_ is None:
            continue
        by, ids = workspaces.counted(guardrail.workspace, user, id_)
        cap = SpendLimit(
            f"member {id_} {guardrail.id}", guardrail.name, guardrail.limit, guardrail.reset, None,
            as_of, directory.members[id_].detail,
        )  # fmt: skip
        yield TrackedLimit(cap, ids, guardrail.byok, LimitKind.MEMBER_GUARDRAIL, by, id_)


def _of_keys(
    guardrail: StoredGuardrail,
    workspaces: _Workspaces,
    as_of: datetime,
    details: Mapping[str, KeyDetails],
    directory: Directory,
) -> Iterator[TrackedLimit]:
    everybody = guardrail.id in workspaces.defaults
    for hash_ in workspaces.keys(guardrail.workspace) if everybody else guardrail.keys:
        id_ = directory.ids.get((Dimension.KEY, hash_))
        if id_ is None or hash_ not in details or details[hash_].disabled:
            continue
        creator = directory.members.get(directory.owners.get(id_, 0))
        cap = SpendLimit(
            f"guardrail key {id_} {guardrail.id}", guardrail.name, guardrail.limit,
            guardrail.reset, None, as_of, creator.detail if creator else "",
        )  # fmt: skip
        kind = LimitKind.KEY_GUARDRAIL
        yield TrackedLimit(cap, frozenset({id_}), guardrail.byok, kind, Dimension.KEY, id_)


class _Workspaces:
    """Maps workspaces to their keys and people."""

    def __init__(
        self, store: Store, details: Mapping[str, KeyDetails], directory: Directory
    ) -> None:
        kept = json.loads(store.fact("limits") or "{}")
        listed = kept.get("workspaces")
        self.defaults = {
            one.get("default_guardrail") for one in (listed if isinstance(listed, list) else ())
        } - {None, ""}
        self.names: Mapping[str, str] = {
            one["id"]: one["name"] for one in (listed if isinstance(listed, list) else ())
        }
        self._default = kept.get("default") or ""
        self._directory = directory
        self._keys: dict[str, list[str]] = defaultdict(list)
        self._people: dict[str, dict[str, None]] = defaultdict(dict)
        self._own: dict[str, dict[str, str]] = defaultdict(dict)
        for hash_, one in details.items():
            self._keys[one.workspace].append(hash_)
            if one.creator:
                self._people[one.workspace][one.creator] = None
                self._own[one.creator][hash_] = one.workspace

    def keys(self, workspace: str) -> list[str]:
        """The hashes of the keys of a workspace."""
        return self._keys.get(workspace, [])

    def people(self, workspace: str) -> list[str]:
        """The user ids of those who created keys of a workspace."""
        return list(self._people.get(workspace, ()))

    def counted(self, workspace: str, user: str, creator: int) -> tuple[Dimension, Ids]:
        """Whose usage counts toward a member's budget in a workspace.

        If all of the member's keys are in the default workspace: all of their usage, including the
        chatroom. Otherwise, only the usage of their keys in this workspace.
        """
        own = self._own.get(user, {})
        if workspace == self._default and set(own.values()) <= {workspace}:
            return Dimension.CREATOR, frozenset({creator})
        ids = (
            self._directory.ids.get((Dimension.KEY, hash_))
            for hash_, home in own.items()
            if home == workspace
        )
        return Dimension.KEY, frozenset(id_ for id_ in ids if id_ is not None)
