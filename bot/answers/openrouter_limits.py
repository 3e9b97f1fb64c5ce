"""Limits, budgets and credits as OpenRouter's directory had them when it was last read."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.store.usage.directory import Directory
from bot.store.usage.selection import Ids
from reports.alerts.limits_and_forecast import SpendLimit
from reports.usage.dimensions import Dimension


@dataclass(frozen=True, slots=True)
class TrackedLimit:
    """A limit or budget, the keys whose usage counts toward it, and whether BYOK counts too."""

    cap: SpendLimit
    keys: Ids
    byok: bool = False


@dataclass(frozen=True, slots=True)
class OpenRouterLimits:
    """Everything that OpenRouter limits; `bought` and `used` are credits in nano-dollars.

    `told` is when the credits were read (UTC); they are None where OpenRouter never gave them.
    """

    told: datetime | None = None
    bought: int | None = None
    used: int | None = None
    caps: tuple[TrackedLimit, ...] = field(default=())


def limits_of(text: str | None, directory: Directory) -> OpenRouterLimits:
    """Parse the stored limits; empty where there are none."""
    if not text:
        return OpenRouterLimits()
    kept: dict[str, Any] = json.loads(text)
    at = datetime.fromisoformat(kept["at"])
    told, keys_told = (
        datetime.fromisoformat(kept.get(name, kept["at"])) for name in ("credits_at", "keys_at")
    )
    credits_ = kept.get("credits", {})
    caps = [*_keys(kept, keys_told, directory), *_workspaces(kept, at, directory)]
    return OpenRouterLimits(told, credits_.get("total"), credits_.get("used"), tuple(caps))


def _keys(kept: Mapping[str, Any], told: datetime, directory: Directory) -> list[TrackedLimit]:
    """The limits of keys. What is used of one is its limit without what OpenRouter says remains.

    That counts BYOK only where the key says so, and starts over with the limit's own reset.
    """
    found = []
    for hash_, one in kept.get("keys", {}).items():
        id_ = directory.ids.get((Dimension.KEY, hash_))
        if id_ is None or not one["limit"]:
            continue
        remaining = one["remaining"]
        used = None if remaining is None else one["limit"] - remaining
        owner = directory.members.get(directory.owners.get(id_, 0))
        cap = SpendLimit(
            f"key {hash_}", directory.labels[id_], one["limit"], one["reset"] or "", used, told,
            owner.detail if owner else "",
        )  # fmt: skip
        found.append(TrackedLimit(cap, frozenset({id_}), bool(one.get("byok"))))
    return found


def _workspaces(
    kept: Mapping[str, Any], told: datetime, directory: Directory
) -> list[TrackedLimit]:
    """The budgets of workspaces. OpenRouter does not say what is used of one: usage does."""
    found = []
    workspaces = _listed(kept)
    names = Counter(one["name"] for one in workspaces)
    default = kept.get("default") or next((one["id"] for one in workspaces), "")
    for one in workspaces:
        ids = {directory.ids.get((Dimension.KEY, hash_)) for hash_ in one["keys"]}
        if one["id"] == default:  # usage without a key counts for the default workspace
            ids.add(directory.ids.get((Dimension.KEY, "")))
        keys = frozenset(id_ for id_ in ids if id_ is not None)
        apart = f" ({one.get('slug') or one['id'][:8]})" if names[one["name"]] > 1 else ""
        for budget in one["budgets"]:
            reset = budget["reset"] or ""
            subject = f"workspace {one['id']} {reset}".strip()
            label = f"workspace {one['name']}{apart}"
            cap = SpendLimit(subject, label, budget["limit"], reset, None, told)
            found.append(TrackedLimit(cap, keys, bool(one["byok"])))
    return found


def _listed(kept: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The workspaces as they are stored now, or as earlier versions stored them: by name."""
    workspaces = kept.get("workspaces", [])
    if isinstance(workspaces, list):
        return workspaces
    return [
        {
            "id": name, "name": name, "keys": workspaces.get(name, []), "byok": False,
            "budgets": budgets,
        }
        for name, budgets in kept.get("budgets", {}).items()
    ]  # fmt: skip
