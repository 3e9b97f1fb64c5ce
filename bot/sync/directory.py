"""Fetches OpenRouter's directory: keys and members, credits, limits and budgets.

Usage doesn't depend on it. A part that can't be fetched is recorded for answers and the status,
and retried with the next listing.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from bot.openrouter import KeyInfo, OpenRouter, OpenRouterError, OrganizationMember, Workspace
from bot.store import Store
from bot.store.sync_state import UNAVAILABLE
from bot.store.usage.trace_members import SYNTHETIC_REFS
from bot.sync.details import DetailsSync
from bot.sync.measured_intervals import RefreshPlanner
from reports.usage.dimensions import Dimension
from reports.usage.windows_to_fetch import Window

log = logging.getLogger(__name__)

T = TypeVar("T")

CREDITS_EVERY = timedelta(minutes=15)
"""Credits take one request, so they are fetched this often even if the directory is long."""


class DirectorySync:
    """Updates the stored directory when it is old or a name is unknown."""

    def __init__(
        self,
        api: OpenRouter,
        store: Store,
        clock: Callable[[], datetime],
        alive: Callable[[], object],
        planner: RefreshPlanner,
    ) -> None:
        self._planner = planner
        self._api = api
        self._store = store
        self._clock = clock
        self._alive = alive
        self._listed: datetime | None = None
        self._credits_read: datetime | None = None
        self._failed: dict[str, str] = {}
        self._default: str | None = None
        self.key_count = 0
        self._details = DetailsSync(api, store, self._try)

    def list_when_old(self) -> None:
        """Fetch the directory if it is old; credits are fetched more often."""
        if not self._listed_within(self._planner.plan.list_every):
            self.list_now()
        elif not self._within(self._credits_read, CREDITS_EVERY):
            self._read_credits_alone()

    def list_for(self, window: Window) -> None:
        """Fetch the directory because it lacks a name in a window's rows.

        Usage from before the last listing may be a deleted key's; then fetch at most once per
        minute, or less often if the directory is long.
        """
        listed = self._listed_within(self._planner.plan.list_unknown)
        if not listed or self._listed is None or window.end > self._listed:
            self.list_now()

    def _listed_within(self, age: timedelta) -> bool:
        return self._within(self._listed, age)

    def _within(self, at: datetime | None, age: timedelta) -> bool:
        return at is not None and timedelta() <= self._clock() - at < age

    def list_now(self) -> None:
        """Fetch keys, people, credits and budgets, and store the results."""
        at, before = self._clock(), self._api.requests
        self._failed = {}
        workspaces = self._try("workspaces", self._api.workspaces)
        keys, all_keys = self._keys(workspaces)
        people = self._people()
        self._store.list_members(
            None if keys is None else [(key.hash, key.name, key.label) for key in keys],
            None if people is None else [(one.id, one.name, one.email) for one in people],
            [(key.hash, key.creator_id or "") for key in keys or ()],
            [(key.hash, key.created) for key in keys or () if key.created],
            all_keys=all_keys,
        )
        if keys is not None:
            self.key_count = len(keys)
        self._listed = at
        self._keep_limits(workspaces, keys, at)
        self._details.sync(keys if "keys" not in self._failed else None, at)
        self._store_failures()
        self._planner.listed(self._api.requests - before)

    def _read_credits_alone(self) -> None:
        at = self._clock()
        limits: dict[str, Any] = json.loads(self._store.fact("limits") or "{}")
        self._failed.pop("credits", None)
        self._read_credits(limits, at)
        self._store.keep_fact("limits", json.dumps(limits))
        self._store_failures()

    def _try(self, part: str, call: Callable[[], T]) -> T | None:
        """Make a call; returns its result, or None after recording its failure under the part's
        name."""
        self._alive()
        try:
            return call()
        except OpenRouterError as error:
            log.warning("Sync: could not fetch %s: %s", part, error)
            self._failed.setdefault(part, str(error))
            return None

    def _keys(self, workspaces: list[Workspace] | None) -> tuple[list[KeyInfo] | None, bool]:
        """The keys that could be listed (None: no list at all), and whether they are complete."""
        found: dict[str, KeyInfo] = {}
        lists = [self._try("keys", self._api.keys)]
        for workspace in workspaces or ():
            if "keys" in self._failed:
                break
            lists.append(self._try("keys", partial(self._api.keys, workspace)))
        if lists[0]:
            self._default = next((key.workspace_id for key in lists[0] if key.workspace_id), None)
        for keys in lists:
            found = {key.hash: key for key in keys or ()} | found
        all_keys = workspaces is not None and "keys" not in self._failed
        return (None if lists[0] is None and not found else list(found.values())), all_keys

    def _people(self) -> list[OrganizationMember] | None:
        """The organization's members, empty for a personal account; None if unknown."""
        people = self._try("members", self._api.people)
        if people == []:
            creators = self._store.directory().of[Dimension.CREATOR]
            if any(
                one.ref and not one.ref.startswith(SYNTHETIC_REFS) and not one.gone
                for one in creators
            ):
                self._failed["members"] = "OpenRouter doesn't list any members anymore"
                return None
        return people

    def _keep_limits(
        self, workspaces: list[Workspace] | None, keys: list[KeyInfo] | None, at: datetime
    ) -> None:
        """Store credits, limits and budgets with their times; keep what couldn't be fetched."""
        stored: dict[str, Any] = json.loads(self._store.fact("limits") or "{}")
        now = at.isoformat()
        before = stored.get("at", now)
        limits: dict[str, Any] = stored | {"at": now}
        limits.setdefault("credits_at", before)
        limits.setdefault("keys_at", before)
        self._read_credits(limits, at)
        if keys is not None and "keys" not in self._failed:
            limits["keys"] = {key.hash: _limit(key) for key in keys if key.limit is not None}
            limits["keys_at"] = now
        stored_workspaces = limits.get("workspaces")
        if workspaces is not None:
            earlier = (
                {one["id"]: one for one in stored_workspaces}
                if isinstance(stored_workspaces, list)
                else {}
            )
            limits["workspaces"] = [
                self._workspace(one, keys, earlier.get(one.id)) for one in workspaces
            ]
            limits["default"] = self._default or limits.get("default") or ""
        limits.pop("budgets", None)  # the format of earlier versions, without workspace ids
        self._store.keep_fact("limits", json.dumps(limits))

    def _read_credits(self, limits: dict[str, Any], at: datetime) -> None:
        """Read credits into `limits`; keep the values that can't be fetched."""
        self._credits_read = at
        credits_ = self._try("credits", self._api.credits)
        if credits_ is not None:
            limits["credits"] = {"total": credits_.total, "used": credits_.used}
            limits["credits_at"] = at.isoformat()

    def _workspace(
        self,
        workspace: Workspace,
        keys: list[KeyInfo] | None,
        earlier: dict[str, Any] | None,
    ) -> dict[str, Any]:
        found: dict[str, Any] = (earlier or {"keys": [], "byok": False, "budgets": []}) | {
            "id": workspace.id, "name": workspace.name, "slug": workspace.slug,
            "default_guardrail": workspace.default_guardrail,
        }  # fmt: skip
        if keys is not None and "keys" not in self._failed:
            found["keys"] = [key.hash for key in keys if key.workspace_id == workspace.id]
        if "budgets" in self._failed:
            return found
        budgets = self._try("budgets", partial(self._api.budgets, workspace))
        if budgets is not None:
            found["byok"] = budgets.include_byok
            found["budgets"] = [{"limit": b.limit, "reset": b.reset} for b in budgets.budgets]
        return found

    def _store_failures(self) -> None:
        noted = json.dumps(self._failed) if self._failed else ""
        if noted != (self._store.fact(UNAVAILABLE) or ""):
            self._store.keep_fact(UNAVAILABLE, noted)


def _limit(key: KeyInfo) -> dict[str, Any]:
    return {
        "limit": key.limit,
        "remaining": key.remaining,
        "used": key.used,
        "reset": key.reset,
        "byok": key.include_byok,
    }
