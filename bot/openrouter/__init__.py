"""OpenRouter's management API: requests and responses as values, and a client."""

from bot.openrouter.client import (
    KeyRefusedError,
    OpenRouter,
    OpenRouterError,
    RefusedError,
    TimedOutError,
)
from bot.openrouter.guardrails import Guardrail, GuardrailAssignment
from bot.openrouter.models import ListedModel
from bot.openrouter.wire import (
    CreditTotals,
    IdFilter,
    KeyInfo,
    OrganizationMember,
    QueryGrouping,
    UsageAnswer,
    WireRow,
    Workspace,
)

__all__ = [
    "CreditTotals",
    "Guardrail",
    "GuardrailAssignment",
    "IdFilter",
    "KeyInfo",
    "KeyRefusedError",
    "ListedModel",
    "OpenRouter",
    "OpenRouterError",
    "OrganizationMember",
    "QueryGrouping",
    "RefusedError",
    "TimedOutError",
    "UsageAnswer",
    "WireRow",
    "Workspace",
]
