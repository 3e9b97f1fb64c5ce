"""OpenRouter's guardrails: spending limits of members and keys, and their assignments.

A guardrail's budget applies to each member and key separately; they don't share it. A workspace's
default guardrail applies to all its members without an assignment.
Source: OpenRouter's API description of its guardrail endpoints.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.openrouter import wire


@dataclass(frozen=True, slots=True)
class Guardrail:
    """A guardrail. `limit` is its budget in nano-dollars, None if it only restricts models.

    `reset` is daily, weekly, monthly, or "" for a budget that never resets.
    """

    id: str
    name: str
    workspace_id: str | None
    limit: int | None
    reset: str
    include_byok: bool


@dataclass(frozen=True, slots=True)
class GuardrailAssignment:
    """The assignment of a guardrail to a member (`ref`: user id) or a key (`ref`: hash)."""

    guardrail_id: str
    ref: str


def read_guardrails(body: bytes) -> tuple[Guardrail, ...]:
    """Parse a page of guardrails, without entries that lack an id. Raises BadAnswerError."""
    return tuple(
        Guardrail(
            id=wire.text(entry.get("id")),
            name=wire.text(entry.get("name")) or wire.text(entry.get("id"))[:8],
            workspace_id=wire.text(entry.get("workspace_id")) or None,
            limit=wire.dollars(entry.get("limit_usd")),
            reset=wire.text(entry.get("reset_interval")),
            include_byok=entry.get("include_byok_in_budgets") is True,
        )
        for entry in wire.entries(body)
        if wire.text(entry.get("id"))
    )


def read_member_assignments(body: bytes) -> tuple[GuardrailAssignment, ...]:
    """Parse a page of assignments to members, skipping incomplete ones. Raises BadAnswerError."""
    return _assignments(body, "user_id")


def read_key_assignments(body: bytes) -> tuple[GuardrailAssignment, ...]:
    """Parse a page of assignments to keys, skipping incomplete ones. Raises BadAnswerError."""
    return _assignments(body, "key_hash")


def _assignments(body: bytes, ref: str) -> tuple[GuardrailAssignment, ...]:
    found = (
        GuardrailAssignment(wire.text(entry.get("guardrail_id")), wire.text(entry.get(ref)))
        for entry in wire.entries(body)
    )
    return tuple(one for one in found if one.guardrail_id and one.ref)
