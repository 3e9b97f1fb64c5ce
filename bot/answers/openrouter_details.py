"""Guardrails, details of keys and list prices as OpenRouter gave them when they were last read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from bot.store import Store
from bot.store.sync_state import parts
from bot.store.usage import details
from bot.store.usage.directory import IMPORTED, UNKNOWN, UNLISTED, Directory
from reports.analysis.whatif import ListPrice
from reports.usage.dimensions import Dimension


@dataclass(frozen=True, slots=True)
class StoredGuardrail:
    """A guardrail with a budget in nano-dollars; `members` are user ids, `keys` key hashes."""

    id: str
    name: str
    workspace: str
    limit: int
    reset: str
    byok: bool
    members: tuple[str, ...]
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeyDetails:
    """What the directory says of one key; `creator` is a user id, empty for a key without one."""

    disabled: bool
    expires: datetime | None
    limited: bool
    workspace: str
    creator: str


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model of OpenRouter's list; `ends` is its last day, None where no end is known."""

    slug: str
    name: str
    price: ListPrice | None
    ends: date | None


def members_known(store: Store, directory: Directory) -> bool:
    """Whether OpenRouter lists the organization's members, so that it is known who left."""
    people = directory.of[Dimension.CREATOR]
    made_up = (IMPORTED, UNLISTED, UNKNOWN)
    listed = any(one.ref and not one.gone and not one.ref.startswith(made_up) for one in people)
    return listed and "members" not in parts(store)


def owner_left(directory: Directory, creator: str) -> bool:
    """Whether the creator of a key (a user id, empty for none) is no longer a member.

    Only where `members_known`.
    """
    owner = directory.members.get(directory.ids.get((Dimension.CREATOR, creator), 0))
    return bool(creator) and (owner is None or owner.gone)


def guardrails(store: Store) -> tuple[StoredGuardrail, ...] | None:
    """All guardrails with a budget; None where they were never read."""
    kept = _kept(store, details.GUARDRAILS)
    if kept is None:
        return None
    return tuple(
        StoredGuardrail(
            one["id"], one["name"], one["workspace"] or "", one["limit"], one["reset"],
            one["byok"], tuple(one["members"]), tuple(one["keys"]),
        )
        for one in kept["guardrails"]
    )  # fmt: skip


def guardrails_at(store: Store) -> datetime | None:
    """When guardrails were last read (UTC); None where they never were."""
    kept = _kept(store, details.GUARDRAILS)
    return datetime.fromisoformat(kept["at"]) if kept else None


def key_details(store: Store) -> Mapping[str, KeyDetails] | None:
    """All listed keys by their hash; None where they were never all listed."""
    kept = _kept(store, details.KEYS)
    if kept is None:
        return None
    return {
        hash_: KeyDetails(
            one["disabled"],
            datetime.fromisoformat(one["expires"]) if one["expires"] else None,
            one["limited"],
            one["workspace"],
            one["creator"],
        )
        for hash_, one in kept["keys"].items()
    }


def models(store: Store) -> Mapping[str, StoredModel] | None:
    """Models by each of their slugs; None where the list was never read."""
    kept = _kept(store, details.MODELS)
    if kept is None:
        return None
    found: dict[str, StoredModel] = {}
    for one in kept["models"]:
        ends = date.fromisoformat(one["ends"]) if one["ends"] else None
        model = StoredModel(one["slugs"][0], one["name"], _price(one["price"]), ends)
        found |= dict.fromkeys(one["slugs"], model)
    return found


def listed_model(listed: Mapping[str, StoredModel], slug: str) -> StoredModel | None:
    """A model of the list by a slug that usage names; None where the list has it not.

    Suffixes that only decide where a request goes have no entry of their own.
    """
    base, _, variant = slug.partition(":")
    if slug in listed or variant not in {"exacto", "nitro", "floor"}:
        return listed.get(slug)
    return listed.get(base)


def _price(kept: Mapping[str, str | None] | None) -> ListPrice | None:
    if kept is None:
        return None
    prompt, completion, cached, reasoning, request = (
        None if (value := kept[name]) is None else Decimal(value)
        for name in ("prompt", "completion", "cached", "reasoning", "request")
    )
    nothing = Decimal(0)
    return ListPrice(prompt or nothing, completion or nothing, cached, reasoning,
                     request or nothing)  # fmt: skip


def _kept(store: Store, name: str) -> dict[str, Any] | None:
    text = store.fact(name)
    return json.loads(text) if text else None
