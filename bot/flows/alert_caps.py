"""Limits, budgets and credits as the last look at OpenRouter's directory told them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.flows.alert_figures import Ids
from bot.store.directory import Directory
from reports.alert_caps import Cap
from reports.query import Dimension


@dataclass(frozen=True, slots=True)
class Limited:
    """A limit or budget, the keys whose use counts for it, and whether BYOK counts too."""

    cap: Cap
    keys: Ids
    byok: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """Everything that OpenRouter limits; `bought` and `used` are credits in nano-dollars."""

    told: datetime | None = None
    bought: int | None = None
    used: int | None = None
    caps: tuple[Limited, ...] = field(default=())


def limits_of(text: str | None, directory: Directory) -> Limits:
    """What was kept of the last look; nothing where there was none."""
    if not text:
        return Limits()
    kept: dict[str, Any] = json.loads(text)
    told = datetime.fromisoformat(kept["at"])
    credits_ = kept.get("credits", {})
    caps = [*_keys(kept, told, directory), *_workspaces(kept, told, directory)]
    return Limits(told, credits_.get("total"), credits_.get("used"), tuple(caps))


def _keys(kept: Mapping[str, Any], told: datetime, directory: Directory) -> list[Limited]:
    found = []
    for hash_, one in kept.get("keys", {}).items():
        id_ = directory.ids.get((Dimension.KEY, hash_))
        if id_ is None or not one["limit"]:
            continue
        remaining = one["remaining"]
        used = None if remaining is None else one["limit"] - remaining
        owner = directory.members.get(directory.owners.get(id_, 0))
        cap = Cap(
            f"key {hash_}", directory.labels[id_], one["limit"], one["reset"] or "", used, told,
            owner.detail if owner else "",
        )  # fmt: skip
        found.append(Limited(cap, frozenset({id_}), bool(one.get("byok"))))
    return found


def _workspaces(kept: Mapping[str, Any], told: datetime, directory: Directory) -> list[Limited]:
    found = []
    for number, (name, budgets) in enumerate(kept.get("budgets", {}).items()):
        hashes = kept.get("workspaces", {}).get(name, [])
        ids = {directory.ids.get((Dimension.KEY, hash_)) for hash_ in hashes}
        if number == 0:  # use without a key counts for the first workspace, which is the default
            ids.add(directory.ids.get((Dimension.KEY, "")))
        keys = frozenset(id_ for id_ in ids if id_ is not None)
        for one in budgets:
            reset = one["reset"] or ""
            subject = f"workspace {name} {reset}".strip()
            cap = Cap(subject, f"workspace {name}", one["limit"], reset, None, told)
            found.append(Limited(cap, keys))
    return found
