"""Guardrails, key details and list prices as last fetched from OpenRouter."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from bot.store import Store
from bot.store.sync_state import parts
from bot.store.usage import openrouter_facts
from bot.store.usage.directory import IMPORTED, UNKNOWN, UNLISTED, Directory
from bot.store.usage.traces import FROM_TRACES
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
    """The directory's details of one key; `creator` is a user id, "" for none."""

    disabled: bool
    expires: datetime | None
    limited: bool
    workspace: str
    creator: str


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model in OpenRouter's list; `ends` is its last day, None if unknown."""

    slug: str
    name: str
    price: ListPrice | None
    ends: date | None


def members_known(store: Store, directory: Directory) -> bool:
    """Whether OpenRouter lists the organization's members, so that former ones are known."""
    people = directory.of[Dimension.CREATOR]
    synthetic = (IMPORTED, UNLISTED, UNKNOWN, FROM_TRACES)
    listed = any(one.ref and not one.gone and not one.ref.startswith(synthetic) for one in people)
    return listed and "members" not in parts(store)


def owner_left(directory: Directory, creator: str) -> bool:
    """Whether the creator of a key (a user id, "" for none) is no longer a member.

    Only valid if `members_known`.
    """
    owner = directory.members.get(directory.ids.get((Dimension.CREATOR, creator), 0))
    return bool(creator) and (owner is None or owner.gone)


def guardrails(store: Store) -> tuple[StoredGuardrail, ...] | None:
    """All guardrails with a budget; None if they were never fetched."""
    stored = _stored(store, openrouter_facts.GUARDRAILS)
    if stored is None:
        return None
    return tuple(
        StoredGuardrail(
            one["id"], one["name"], one["workspace"] or "", one["limit"], one["reset"],
            one["byok"], tuple(one["members"]), tuple(one["keys"]),
        )
        for one in stored["guardrails"]
    )  # fmt: skip


def guardrails_at(store: Store) -> datetime | None:
    """When guardrails were last fetched (UTC); None if never."""
    stored = _stored(store, openrouter_facts.GUARDRAILS)
    return datetime.fromisoformat(stored["at"]) if stored else None


def key_details(store: Store) -> Mapping[str, KeyDetails] | None:
    """All keys by their hash; None if they were never listed completely."""
    return store.gathered(_read_key_details, openrouter_facts.KEYS)


def _read_key_details(store: Store) -> Mapping[str, KeyDetails] | None:
    stored = _stored(store, openrouter_facts.KEYS)
    if stored is None:
        return None
    return {
        hash_: KeyDetails(
            one["disabled"],
            datetime.fromisoformat(one["expires"]) if one["expires"] else None,
            one["limited"],
            one["workspace"],
            one["creator"],
        )
        for hash_, one in stored["keys"].items()
    }


def models(store: Store) -> Mapping[str, StoredModel] | None:
    """Models by each of their slugs; None if the list was never fetched."""
    stored = _stored(store, openrouter_facts.MODELS)
    if stored is None:
        return None
    found: dict[str, StoredModel] = {}
    for one in stored["models"]:
        ends = date.fromisoformat(one["ends"]) if one["ends"] else None
        model = StoredModel(one["slugs"][0], one["name"], _price(one["price"]), ends)
        found |= dict.fromkeys(one["slugs"], model)
    return found


def listed_model(listed: Mapping[str, StoredModel], slug: str) -> StoredModel | None:
    """A model of the list by a slug in usage; None if it isn't in the list.

    Suffixes that only affect the routing of requests have no entry of their own.
    """
    base, _, variant = slug.partition(":")
    if slug in listed or variant not in {"exacto", "nitro", "floor"}:
        return listed.get(slug)
    return listed.get(base)


def _price(stored: Mapping[str, str | None] | None) -> ListPrice | None:
    if stored is None:
        return None
    prompt, completion, cached, reasoning, request = (
        None if (value := stored[name]) is None else Decimal(value)
        for name in ("prompt", "completion", "cached", "reasoning", "request")
    )
    nothing = Decimal(0)
    return ListPrice(prompt or nothing, completion or nothing, cached, reasoning,
                     request or nothing)  # fmt: skip


def _stored(store: Store, name: str) -> dict[str, Any] | None:
    text = store.fact(name)
    return json.loads(text) if text else None
