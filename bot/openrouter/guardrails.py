"""OpenRouter's guardrails: what members and keys may spend, and who is assigned to which.

A guardrail's budget is each member's and each key's own, not one that they share. A workspace's
default guardrail applies to everybody there without an assignment.
Source: OpenRouter's API description of its guardrail endpoints.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.openrouter import wire


@dataclass(frozen=True, slots=True)
class Guardrail:
    """A guardrail. `limit` is its budget in nano-dollars, None where it only restricts models.

    `reset` is daily, weekly, monthly, or empty for a budget that never resets.
    """

    id: str
    name: str
    workspace_id: str | None
    limit: int | None
    reset: str
    include_byok: bool


@dataclass(frozen=True, slots=True)
class GuardrailAssignment:
    """That a guardrail applies to a member (`ref` is a user id) or to a key (`ref` is its hash)."""

    guardrail_id: str
    ref: str


def read_guardrails(body: bytes) -> tuple[Guardrail, ...]:
    """One page of guardrails; entries without an id are left out."""
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
    """One page of members' assignments; entries without a guardrail or a user are left out."""
    return _assignments(body, "user_id")


def read_key_assignments(body: bytes) -> tuple[GuardrailAssignment, ...]:
    """One page of keys' assignments; entries without a guardrail or a key are left out."""
    return _assignments(body, "key_hash")


def _assignments(body: bytes, ref: str) -> tuple[GuardrailAssignment, ...]:
    found = (
        GuardrailAssignment(wire.text(entry.get("guardrail_id")), wire.text(entry.get(ref)))
        for entry in wire.entries(body)
    )
    return tuple(one for one in found if one.guardrail_id and one.ref)
