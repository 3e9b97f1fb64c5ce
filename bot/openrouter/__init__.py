"""OpenRouter's management API: requests and responses as values, and a client."""

from bot.openrouter.client import (
    KeyRefusedError,
    OpenRouter,
    OpenRouterError,
    RefusedError,
    TimedOutError,
)
from bot.openrouter.wire import Answer, Credits, KeyInfo, Only, Person, View, WireRow, Workspace

__all__ = [
    "Answer",
    "Credits",
    "KeyInfo",
    "KeyRefusedError",
    "Only",
    "OpenRouter",
    "OpenRouterError",
    "Person",
    "RefusedError",
    "TimedOutError",
    "View",
    "WireRow",
    "Workspace",
]
