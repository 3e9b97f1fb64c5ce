"""Fetches guardrails, key details and list prices, for answers about limits, keys and prices.

Each part is stored as its own fact (JSON) with the time of the request. A part that can't be
fetched keeps its stored value.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from bot.openrouter import KeyInfo, ListedModel, OpenRouter
from bot.store import Store
from bot.store.usage.openrouter_facts import GUARDRAILS, KEYS, MODELS

T = TypeVar("T")

MODELS_EVERY = timedelta(hours=6)
"""The list of models is long, and its prices only change a few times per month."""


class Attempt(Protocol):
    """Makes a call and returns its result, or None after recording its failure."""

    def __call__(self, part: str, call: Callable[[], T]) -> T | None:
        """`part` is the name under which a failure is recorded."""


class DetailsSync:
    """Stores guardrails, details of keys, and the list of models."""

    def __init__(self, api: OpenRouter, store: Store, attempt: Attempt) -> None:
        self._api = api
        self._store = store
        self._try = attempt

    def sync(self, keys: list[KeyInfo] | None, at: datetime) -> None:
        """Fetch and store the details; `keys` are all keys, None if they couldn't all be listed."""
        if keys is not None:
            self._keep(KEYS, at, {"keys": {key.hash: _key(key) for key in keys}})
        self._guardrails(at)
        if self._older(MODELS, at - MODELS_EVERY):
            models = self._try("models", self._api.models)
            if models is not None:
                self._keep(MODELS, at, {"models": [_model(one) for one in models]})

    def _guardrails(self, at: datetime) -> None:
        guardrails = self._try("guardrails", self._api.guardrails)
        members = self._try("guardrails", self._api.member_guardrails) if guardrails else []
        keys = self._try("guardrails", self._api.key_guardrails) if members is not None else None
        if guardrails is None or members is None or keys is None:
            return
        found = [
            {
                "id": one.id, "name": one.name, "workspace": one.workspace_id, "limit": one.limit,
                "reset": one.reset, "byok": one.include_byok,
                "members": [each.ref for each in members if each.guardrail_id == one.id],
                "keys": [each.ref for each in keys if each.guardrail_id == one.id],
            }
            for one in guardrails
            if one.limit is not None
        ]  # fmt: skip
        self._keep(GUARDRAILS, at, {"guardrails": found})

    def _older(self, name: str, than: datetime) -> bool:
        stored = self._store.fact(name)
        return not stored or datetime.fromisoformat(json.loads(stored)["at"]) <= than

    def _keep(self, name: str, at: datetime, value: dict[str, Any]) -> None:
        self._store.keep_fact(name, json.dumps({"at": at.isoformat(), **value}))


def _key(key: KeyInfo) -> dict[str, Any]:
    return {
        "disabled": key.disabled,
        "expires": key.expires.isoformat() if key.expires else None,
        "limited": key.limit is not None,
        "workspace": key.workspace_id or "",
        "creator": key.creator_id or "",
    }


def _model(one: ListedModel) -> dict[str, Any]:
    price = one.price
    prices = None if price is None else {
        "prompt": str(price.prompt), "completion": str(price.completion),
        "cached": None if price.cached is None else str(price.cached),
        "reasoning": None if price.reasoning is None else str(price.reasoning),
        "request": str(price.request),
    }  # fmt: skip
    ends = one.ends.isoformat() if one.ends else None
    return {"slugs": list(one.slugs), "name": one.name, "price": prices, "ends": ends}
