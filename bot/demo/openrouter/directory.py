"""The endpoints of the local OpenRouter besides usage: keys, members, credits, daily activity.

Each function takes an organization and returns a body; ApiError has the status of an error.
"""

from __future__ import annotations

import re
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bot.demo.openrouter.guardrails import default_id
from bot.demo.openrouter.organization import DAY, LONG_AGO, Key, Organization, Record

Body = dict[str, Any]
Arguments = Mapping[str, str]

KEYS_A_PAGE = 100
ACTIVITY_DAYS = 30
EVER = datetime(1970, 1, 1, tzinfo=UTC)


class ApiError(Exception):
    """A response other than 200: its status and the message in its body."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class Spent:
    """What each key spent in the current UTC day, week and month, and in total; in nano-dollars."""

    def __init__(self, organization: Organization, now: datetime) -> None:
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        starts = {
            "daily": day,
            "weekly": day - day.weekday() * DAY,
            "monthly": day.replace(day=1),
            "": EVER,
        }
        self._by_key = {
            name: _by_key(organization.usage(start, now)) for name, start in starts.items()
        }

    def of(self, key: Key, window: str = "") -> tuple[int, int]:
        """A key's credits and BYOK spend in nano-dollars: "daily", "weekly", "monthly" or in
        total."""
        credits_nano, byok_nano = self._by_key[window][key.hash]
        return credits_nano, byok_nano

    def total_credits(self) -> int:
        """All credits ever spent, in nano-dollars."""
        return sum(credits_nano for credits_nano, _ in self._by_key[""].values())


def _by_key(records: Iterable[Record]) -> defaultdict[str, list[int]]:
    spent: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for record in records:
        sums = spent[record.key]
        sums[0] += record.credits_nano
        sums[1] += record.byok_nano
    return spent


def keys(organization: Organization, arguments: Arguments, now: datetime) -> Body:
    """A page of 100 keys of one workspace; of the default one if none is named."""
    offset = _number(arguments, "offset", 0, 0, 10**9)
    workspace = arguments.get("workspace_id") or organization.default_workspace
    listed = [
        key
        for key in organization.keys
        if key.workspace == workspace
        and not key.deleted
        and (not key.disabled or arguments.get("include_disabled") == "true")
    ]
    spent = Spent(organization, now)
    some = listed[offset : offset + KEYS_A_PAGE]
    return {"data": [_key(key, spent) for key in some]}


def _key(key: Key, spent: Spent) -> Body:
    body: Body = {
        "hash": key.hash,
        "name": key.name,
        "label": key.label,
        "disabled": key.disabled,
        "creator_user_id": key.creator,
        "workspace_id": key.workspace,
        "include_byok_in_limit": key.include_byok_in_limit,
        "created_at": stamp(key.created_at),
        "updated_at": None,
        "expires_at": stamp(key.expires_at) if key.expires_at else None,
        **_limit(key, spent),
    }
    for window in ("", "daily", "weekly", "monthly"):
        suffix = f"_{window}" if window else ""
        credits_nano, byok_nano = spent.of(key, window)
        body[f"usage{suffix}"] = credits_nano / 10**9
        body[f"byok_usage{suffix}"] = byok_nano / 10**9
    return body


def _limit(key: Key, spent: Spent) -> Body:
    if key.limit_nano is None:
        return {"limit": None, "limit_remaining": None, "limit_reset": None}
    credits_nano, byok_nano = spent.of(key, key.limit_reset or "")
    used = credits_nano + (byok_nano if key.include_byok_in_limit else 0)
    return {
        "limit": key.limit_nano / 10**9,
        "limit_remaining": max(0, key.limit_nano - used) / 10**9,
        "limit_reset": key.limit_reset,
    }


def own_key(label: str, *, management: bool) -> Body:
    """`GET /key`: the key that sent the request."""
    nothing = {
        f"{kind}{window}": 0
        for kind in ("usage", "byok_usage")
        for window in ("", "_daily", "_weekly", "_monthly")
    }
    return {
        "data": {
            "label": label,
            "limit": None,
            "limit_remaining": None,
            "limit_reset": None,
            "include_byok_in_limit": False,
            "is_free_tier": False,
            "is_management_key": management,
            "is_provisioning_key": management,
            "creator_user_id": None,
            "expires_at": None,
            "rate_limit": {"requests": -1, "interval": "10s", "note": "deprecated"},
            **nothing,
        }
    }


def members(organization: Organization, arguments: Arguments) -> Body:
    """A page of members; 404 for a personal account."""
    if organization.members is None:
        raise ApiError(404, "Resource not found")
    everyone = [
        {
            "id": member.id,
            "first_name": member.first_name,
            "last_name": member.last_name,
            "email": member.email,
            "role": member.role,
        }
        for member in organization.members
    ]
    return page(everyone, arguments)


def workspaces(organization: Organization, arguments: Arguments) -> Body:
    """A page of workspaces."""
    everything = [
        {
            "id": one.id,
            "name": one.name,
            "slug": one.slug,
            "description": None,
            "include_byok_in_budgets": one.include_byok_in_budgets,
            "default_guardrail_id": default_id(one.id),
            "default_text_model": None,
            "default_image_model": None,
            "default_provider_sort": None,
            "is_observability_io_logging_enabled": False,
            "is_observability_broadcast_enabled": False,
            "is_data_discount_logging_enabled": False,
            "io_logging_sampling_rate": 1,
            "io_logging_api_key_ids": None,
            "created_at": stamp(LONG_AGO),
            "updated_at": None,
            "created_by": None,
        }
        for one in organization.workspaces
    ]
    return page(everything, arguments)


def budgets(organization: Organization, id_or_slug: str) -> Body:
    """A workspace's budgets; 404 for an unknown workspace."""
    for workspace in organization.workspaces:
        if id_or_slug in {workspace.id, workspace.slug}:
            break
    else:
        raise ApiError(404, "Resource not found")
    return {
        "data": [
            {
                "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{workspace.id}/{budget.reset}")),
                "workspace_id": workspace.id,
                "limit_usd": budget.limit_nano / 10**9,
                "reset_interval": budget.reset,
                "created_at": stamp(LONG_AGO),
                "updated_at": stamp(LONG_AGO),
            }
            for budget in organization.budgets
            if budget.workspace == workspace.id
        ],
        "include_byok_in_budgets": workspace.include_byok_in_budgets,
    }


def credit(organization: Organization, now: datetime) -> Body:
    """Credits bought and used so far, in dollars."""
    used = Spent(organization, now).total_credits()
    return {"data": {"total_credits": organization.credits / 10**9, "total_usage": used / 10**9}}


def activity(organization: Organization, arguments: Arguments, now: datetime) -> Body:
    """Usage of the last 30 completed UTC days, a row for each date and model."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    start, end = today - ACTIVITY_DAYS * DAY, today
    if "date" in arguments:
        start = _completed_day(arguments["date"], start, end)
        end = start + DAY
    split = arguments.get("group_by") == "workspace"
    found: dict[tuple[str, ...], list[Record]] = defaultdict(list)
    owners = {key.hash: key for key in organization.keys}
    for record in organization.usage(start, end):
        workspace = organization.workspace_of(record, owners)
        if _wanted(record, workspace, arguments):
            at = f"{record.at:%Y-%m-%d}"
            found[(at, record.model, workspace if split else "")].append(record)
    return {"data": [_activity(group, found[group]) for group in sorted(found, reverse=True)]}


def _completed_day(text: str, first: datetime, today: datetime) -> datetime:
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise ApiError(400, "Invalid date format. Use YYYY-MM-DD") from error
    if not first <= day < today:
        raise ApiError(400, "Date must be within the last 30 (completed) UTC days")
    return day


def _wanted(record: Record, workspace: str, arguments: Arguments) -> bool:
    return (
        arguments.get("api_key_hash", record.key) == record.key
        and arguments.get("user_id", record.member) == record.member
        and arguments.get("workspace_id", workspace) == workspace
    )


def _activity(group: tuple[str, ...], records: Sequence[Record]) -> Body:
    date, model, workspace = group
    body: Body = {
        "date": date,
        "model": model,
        "model_permaslug": model,
        "endpoint_id": str(uuid.uuid5(uuid.NAMESPACE_URL, model)),
        "provider_name": model.partition("/")[0].title(),
        "usage": sum(record.credits_nano for record in records) / 10**9,
        "byok_usage_inference": sum(record.byok_nano for record in records) / 10**9,
        "requests": sum(record.requests for record in records),
        "prompt_tokens": sum(record.prompt for record in records),
        "completion_tokens": sum(record.completion for record in records),
        "reasoning_tokens": sum(record.reasoning for record in records),
    }
    return body | ({"workspace_id": workspace} if workspace else {})


def page(everything: Sequence[Body], arguments: Arguments) -> Body:
    """A page of a list, by `offset` and `limit`."""
    offset = _number(arguments, "offset", 0, 0, 10**9)
    limit = _number(arguments, "limit", 50, 1, 100)
    return {"data": everything[offset : offset + limit], "total_count": len(everything)}


def _number(arguments: Arguments, name: str, default: int, least: int, most: int) -> int:
    text = arguments.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
        raise ApiError(400, f"{name}: expected a number from {least} to {most}")
    return int(text)


def stamp(at: datetime) -> str:
    """A time as the directory endpoints format it."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
