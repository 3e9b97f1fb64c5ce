"""What OpenRouter lists besides usage, for an organization of the benchmark.

Limits, guardrails, the details of keys, and list prices: without them there is nothing to answer
`limits`, `keys`, `whatif` and `retiring` from. Every second key has a limit, each belongs
to a workspace with a budget, everybody has a guardrail, and every fifth model ends.
"""

from __future__ import annotations

import json
from datetime import timedelta

from bot.store import Store
from bot.store.usage import openrouter_facts
from reports.usage.dimensions import Dimension
from reports.usage.usage import NANO
from tests.bench.organizations import NOW

_AT = NOW.isoformat()
_WORKSPACES = ("default", "research", "support")


def store_listed_facts(store: Store) -> None:
    """Store the facts as a sync does."""
    directory = store.directory()
    keys = [key for key in directory.of[Dimension.KEY] if key.ref]
    places = {key.ref: _WORKSPACES[n % len(_WORKSPACES)] for n, key in enumerate(keys)}
    owner = {key.ref: directory.members[directory.owners[key.id]].ref for key in keys}
    facts = {
        "limits": {
            "at": _AT,
            "credits": {"total": 10**9 * NANO, "used": 9 * 10**8 * NANO},
            "default": _WORKSPACES[0],
            "keys": {
                key.ref: {"limit": 10**6 * NANO, "remaining": 4 * 10**5 * NANO, "reset": "monthly",
                          "byok": False}
                for key in keys[::2]
            },
            "workspaces": [
                {"id": name, "name": name, "slug": name, "byok": True,
                 "keys": [ref for ref, place in places.items() if place == name],
                 "budgets": [{"limit": 10**8 * NANO, "reset": "monthly"}],
                 "default_guardrail": f"guardrail-{name}"}
                for name in _WORKSPACES
            ],
        },
        openrouter_facts.GUARDRAILS: {
            "at": _AT,
            "guardrails": [
                {"id": f"guardrail-{name}", "name": f"{name} people", "workspace": name,
                 "limit": 10**6 * NANO, "reset": "weekly", "byok": False, "members": [], "keys": []}
                for name in _WORKSPACES
            ],
        },
        openrouter_facts.KEYS: {
            "keys": {
                key.ref: {"disabled": False, "limited": n % 2 == 0, "workspace": places[key.ref],
                          "creator": owner[key.ref],
                          "expires": (NOW + timedelta(days=n)).isoformat() if n % 7 == 0 else None}
                for n, key in enumerate(keys)
            },
        },
        openrouter_facts.MODELS: {
            "models": [
                {"slugs": [model.ref], "name": model.name,
                 "ends": (NOW + timedelta(days=n + 1)).date().isoformat() if n % 5 == 0 else None,
                 "price": {"prompt": "0.000001", "completion": "0.000005", "cached": "0.0000001",
                           "reasoning": None, "request": None}}
                for n, model in enumerate(directory.of[Dimension.MODEL])
            ],
        },
    }  # fmt: skip
    for name, value in facts.items():
        store.keep_fact(name, json.dumps(value))
