"""Keys, guardrails and models as OpenRouter reports them, for alert rules."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from bot.answers.guardrail_limits import guardrail_limits
from bot.answers.openrouter_details import (
    KeyDetails,
    StoredModel,
    key_details,
    members_known,
    models,
)
from bot.answers.openrouter_limits import TrackedLimit
from bot.store import Store
from bot.store.usage.directory import Directory


class OpenRouterDetails:
    """Keys, guardrails and models as OpenRouter reports them, parsed on first use."""

    def __init__(self, store: Store, directory: Directory) -> None:
        self._store = store
        self._directory = directory

    @cached_property
    def keys(self) -> Mapping[str, KeyDetails] | None:
        """See `key_details`."""
        return key_details(self._store)

    @cached_property
    def models(self) -> Mapping[str, StoredModel] | None:
        """See `models`."""
        return models(self._store)

    @cached_property
    def guardrail_limits(self) -> tuple[TrackedLimit, ...]:
        """The budgets of guardrails, with the guardrails' names as labels."""
        return tuple(guardrail_limits(self._store))

    @cached_property
    def members_known(self) -> bool:
        """See `members_known`."""
        return members_known(self._store, self._directory)
