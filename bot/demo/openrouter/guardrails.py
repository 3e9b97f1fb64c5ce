"""The local OpenRouter's guardrails: what they allow, and who they are assigned to."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

Body = dict[str, Any]
_MADE = "2026-01-12T09:00:00Z"


@dataclass(slots=True)
class SampleGuardrail:
    """A guardrail of a workspace and its assignments: members by user id, keys by hash.

    With `default` it is the workspace's default one, which applies without an assignment.
    `limit_nano` is its budget in nano-dollars, None for one that only restricts models.
    """

    name: str
    workspace: str
    limit_nano: int | None = None
    reset: str | None = "monthly"
    include_byok: bool = False
    default: bool = False
    members: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        """A stable id; that of a default guardrail is derived from its workspace."""
        return default_id(self.workspace) if self.default else _uuid(self.workspace, self.name)


def default_id(workspace: str) -> str:
    """The id of a workspace's default guardrail, whether or not it was ever set up."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, workspace))


def listed(guardrails: list[SampleGuardrail]) -> list[Body]:
    """All entries of `GET /guardrails`."""
    return [
        {
            "id": one.id,
            "name": one.name,
            "description": None,
            "workspace_id": one.workspace,
            "limit_usd": None if one.limit_nano is None else one.limit_nano / 10**9,
            "reset_interval": one.reset if one.limit_nano is not None else None,
            "include_byok_in_budgets": one.include_byok,
            "allowed_models": None,
            "allowed_providers": None,
            "created_at": _MADE,
            "updated_at": None,
        }
        for one in guardrails
    ]


def member_assignments(guardrails: list[SampleGuardrail]) -> list[Body]:
    """All entries of `GET /guardrails/assignments/members`."""
    return [
        _assignment(one, user) | {"user_id": user, "organization_id": "org_local"}
        for one in guardrails
        for user in one.members
    ]


def key_assignments(guardrails: list[SampleGuardrail]) -> list[Body]:
    """All entries of `GET /guardrails/assignments/keys`."""
    return [
        _assignment(one, key) | {"key_hash": key, "key_name": None, "key_label": None}
        for one in guardrails
        for key in one.keys
    ]


def _assignment(one: SampleGuardrail, ref: str) -> Body:
    return {
        "id": _uuid(one.id, ref),
        "guardrail_id": one.id,
        "assigned_by": None,
        "created_at": _MADE,
    }


def _uuid(*names: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(names)))
