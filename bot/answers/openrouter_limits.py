"""Limits, budgets and credits as last fetched from OpenRouter."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.store import Store
from bot.store.usage.directory import Directory
from bot.store.usage.selection import Ids
from reports.alerts.limits_and_forecast import SpendLimit
from reports.analysis.limits import LimitKind
from reports.usage.dimensions import Dimension


@dataclass(frozen=True, slots=True)
class TrackedLimit:
    """A limit or budget, and the members whose usage counts toward it.

    `ids` are members of `by`: keys or creators. `byok` says whether BYOK spend counts too. `member`
    is the key or creator that it is a limit of, None for a workspace.
    """

    cap: SpendLimit
    ids: Ids
    byok: bool = False
    kind: LimitKind = LimitKind.KEY
    by: Dimension = Dimension.KEY
    member: int | None = None


@dataclass(frozen=True, slots=True)
class OpenRouterLimits:
    """All limits in OpenRouter; `bought` and `used` are credits in nano-dollars.

    `reported_at` is when the credits were fetched (UTC). Credits are None until OpenRouter reported
    them.
    """

    reported_at: datetime | None = None
    bought: int | None = None
    used: int | None = None
    caps: tuple[TrackedLimit, ...] = field(default=())


def are_known(store: Store) -> bool:
    """Whether OpenRouter's limits were ever read; if not, none found doesn't mean none set."""
    return store.fact("limits") is not None


def stored_limits(store: Store) -> OpenRouterLimits:
    """OpenRouter's limits; empty if they were never read."""
    return store.gathered(_read, "limits")


def _read(store: Store) -> OpenRouterLimits:
    return limits_of(store.fact("limits"), store.directory())


def limits_of(text: str | None, directory: Directory) -> OpenRouterLimits:
    """Parse the stored limits (JSON); empty if there are none."""
    if not text:
        return OpenRouterLimits()
    stored: dict[str, Any] = json.loads(text)
    at = datetime.fromisoformat(stored["at"])
    reported_at, keys_reported_at = (
        datetime.fromisoformat(stored.get(name, stored["at"])) for name in ("credits_at", "keys_at")
    )
    credits_ = stored.get("credits", {})
    caps = [*_keys(stored, keys_reported_at, directory), *_workspaces(stored, at, directory)]
    return OpenRouterLimits(reported_at, credits_.get("total"), credits_.get("used"), tuple(caps))


def _keys(
    stored_limits: Mapping[str, Any], reported_at: datetime, directory: Directory
) -> list[TrackedLimit]:
    """The limits of keys. The used amount includes BYOK only if the key says so, and starts over
    with the limit's reset."""
    limits = []
    for key_hash, stored in stored_limits.get("keys", {}).items():
        id_ = directory.ids.get((Dimension.KEY, key_hash))
        if id_ is None or stored["limit"] is None:  # a limit of $0 is one, too
            continue
        owner = directory.members.get(directory.owners.get(id_, 0))
        cap = SpendLimit(
            f"key {key_hash}", directory.labels[id_], stored["limit"], stored["reset"] or "",
            _used(stored), reported_at, owner.detail if owner else "",
        )  # fmt: skip
        byok = bool(stored.get("byok"))
        limits.append(TrackedLimit(cap, frozenset({id_}), byok, member=id_))
    return limits


def _used(stored: Mapping[str, Any]) -> int | None:
    """How much of a key's limit is used, in nano-dollars; None if unknown.

    That is the limit minus what remains. Nothing remains of a limit that is exceeded, too: then the
    key's usage says how much was really used. Data of earlier versions lacks it.
    """
    limit: int = stored["limit"]
    remaining: int | None = stored["remaining"]
    used: int | None = stored.get("used")
    if remaining is None:
        return used
    if remaining > 0 or used is None:
        return limit - remaining
    return max(limit - remaining, used)


def _workspaces(
    stored: Mapping[str, Any], reported_at: datetime, directory: Directory
) -> list[TrackedLimit]:
    """The budgets of workspaces. OpenRouter doesn't report their use, so it is read from usage."""
    found = []
    workspaces = _stored_workspaces(stored)
    names = Counter(one["name"] for one in workspaces)
    default = stored.get("default") or next((one["id"] for one in workspaces), "")
    for one in workspaces:
        ids = {directory.ids.get((Dimension.KEY, hash_)) for hash_ in one["keys"]}
        if one["id"] == default:  # usage without a key counts for the default workspace
            ids.add(directory.ids.get((Dimension.KEY, "")))
        keys = frozenset(id_ for id_ in ids if id_ is not None)
        distinguishing_suffix = (
            f" ({one.get('slug') or one['id'][:8]})" if names[one["name"]] > 1 else ""
        )
        for budget in one["budgets"]:
            reset = budget["reset"] or ""
            subject = f"workspace {one['id']} {reset}".strip()
            # a workspace may have several budgets, each with its own interval
            label = f"workspace {one['name']}{distinguishing_suffix}, {reset or 'lifetime'}"
            cap = SpendLimit(subject, label, budget["limit"], reset, None, reported_at)
            found.append(TrackedLimit(cap, keys, bool(one["byok"]), LimitKind.WORKSPACE))
    return found


def _stored_workspaces(stored: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The stored workspaces, also in the format of earlier versions (by name)."""
    workspaces = stored.get("workspaces", [])
    if isinstance(workspaces, list):
        return workspaces
    return [
        {
            "id": name, "name": name, "keys": workspaces.get(name, []), "byok": False,
            "budgets": budgets,
        }
        for name, budgets in stored.get("budgets", {}).items()
    ]  # fmt: skip
