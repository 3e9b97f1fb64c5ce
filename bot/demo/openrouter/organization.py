"""An organization as OpenRouter knows it: people, keys, workspaces and usage.

Everything is mutable, so that a test can rename a key or remove a record between two syncs. Money
is whole nano-dollars, time is aware UTC.
"""

from __future__ import annotations

import hashlib
import random
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Literal, Protocol

from bot.demo.openrouter.guardrails import SampleGuardrail
from bot.demo.openrouter.models import SampleModel

Reset = Literal["daily", "weekly", "monthly"]

DAY = timedelta(days=1)
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)


def key_hash(text: str) -> str:
    """A key hash (64 hex digits) that is always the same for the same text."""
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(slots=True)
class Member:
    """A person of the organization; both names may be missing."""

    id: str
    first_name: str | None
    last_name: str | None
    email: str | None
    role: Literal["org:admin", "org:member"] = "org:member"

    @property
    def display_name(self) -> str | None:
        """First and last name; None if neither is known."""
        return " ".join(part for part in (self.first_name, self.last_name) if part) or None


@dataclass(slots=True)
class Workspace:
    """A workspace; the first one of an organization is its default."""

    name: str
    id: str = ""
    slug: str = ""
    include_byok_in_budgets: bool = False

    def __post_init__(self) -> None:
        self.slug = self.slug or self.name.lower().replace(" ", "-")
        self.id = self.id or str(uuid.uuid5(uuid.NAMESPACE_URL, self.slug))


@dataclass(slots=True)
class Budget:
    """What a workspace may spend in nano-dollars; if `reset` is None, the budget never resets."""

    workspace: str
    limit_nano: int
    reset: Reset | None = "monthly"


@dataclass(slots=True)
class Key:
    """An API key. A deleted one is listed nowhere, but keeps its name in past usage."""

    name: str
    hash: str = ""
    creator: str | None = None
    workspace: str = ""
    limit_nano: int | None = None
    limit_reset: Reset | None = None
    include_byok_in_limit: bool = False
    disabled: bool = False
    deleted: bool = False
    created_at: datetime = LONG_AGO
    expires_at: datetime | None = None

    def __post_init__(self) -> None:
        self.hash = self.hash or key_hash(self.name)

    @property
    def label(self) -> str:
        """The shortened secret, as the site shows it."""
        return f"sk-or-v1-{self.hash[:3]}...{self.hash[-4:]}"


@dataclass(slots=True)
class Record:
    """Usage of one key, member and model at one time.

    `key` is a key's hash, "" for chatroom use; `member` is a user id, or "". Reasoning is a part of
    completion, cached (tokens read from a cache) normally of prompt. `saved_nano` is what caching
    saved; negative if writing to the cache cost more.
    """

    at: datetime
    key: str
    member: str
    model: str
    requests: int = 1
    byok_requests: int = 0
    prompt: int = 0
    completion: int = 0
    reasoning: int = 0
    credits_nano: int = 0
    byok_nano: int = 0
    cached: int = 0
    app: int = 0
    saved_nano: int = 0


class History(Protocol):
    """Usage that is computed on request instead of stored as records."""

    def records(self, start: datetime, end: datetime, step: timedelta) -> Iterator[Record]:
        """Usage of [start, end), at least as fine as `step`."""


@dataclass(slots=True)
class Organization:
    """The data that OpenRouter has; `members` is None for a personal account.

    `credits` are nano-dollars bought so far. Usage is `records` and, if given, a `history`.
    """

    members: list[Member] | None = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    workspaces: list[Workspace] = field(default_factory=lambda: [Workspace("Default")])
    records: list[Record] = field(default_factory=list)
    credits: int = 0
    budgets: list[Budget] = field(default_factory=list)
    apps: dict[int, str] = field(default_factory=dict)
    history: History | None = None
    guardrails: list[SampleGuardrail] = field(default_factory=list)
    models: list[SampleModel] = field(default_factory=list)

    def __post_init__(self) -> None:
        for key in self.keys:
            key.workspace = key.workspace or self.default_workspace

    @property
    def default_workspace(self) -> str:
        """The id of the workspace of keys and chatroom usage that don't name another one."""
        return self.workspaces[0].id

    def key(self, name_or_hash: str) -> Key:
        """The first key with a name or hash; KeyError if there is none."""
        for key in self.keys:
            if name_or_hash in (key.name, key.hash):
                return key
        raise KeyError(name_or_hash)

    def workspace_of(self, record: Record, keys: dict[str, Key]) -> str:
        """The id of the workspace a record counts for; `keys` are this organization's keys by
        hash."""
        key = keys.get(record.key)
        return (key.workspace if key else "") or self.default_workspace

    def usage(self, start: datetime, end: datetime, step: timedelta = DAY) -> Iterable[Record]:
        """Usage of [start, end), at least as fine as `step`; a sum needs no finer one."""
        written = (record for record in list(self.records) if start <= record.at < end)
        if self.history is None:
            return written
        return chain(written, self.history.records(start, end, step))


def synthetic(
    *,
    keys: int,
    models: int,
    members: int,
    days: int,
    seed: int,
    now: datetime,
    share: float = 1.0,
) -> Organization:
    """A generated organization of any size: each day, `share` of all pairs of key and model is
    used.

    Every seventh key has no owner. All usage lies in the `days` days before `now`.
    """
    rng = random.Random(seed)
    people = [
        Member(f"user_{n:06}", f"Member{n}", "Of Many", f"m{n}@example.com") for n in range(members)
    ]
    owned: list[Key] = []
    for n in range(keys):
        creator = people[n % members].id if members and n % 7 else None
        owned.append(Key(f"key-{n:05}", key_hash(f"{seed}/{n}"), creator))
    organization = Organization(people, owned, credits=10**15)
    slugs = [f"vendor-{n % 9}/model-{n:04}" for n in range(models)]
    for day in range(days):
        latest = now - day * DAY
        for key in owned:
            for slug in slugs:
                if share < 1 and rng.random() >= share:
                    continue
                organization.records.append(_drawn(rng, latest, key, slug))
    return organization


def _drawn(rng: random.Random, latest: datetime, key: Key, model: str) -> Record:
    at = latest - timedelta(seconds=rng.randrange(1, 86_400))
    prompt, completion = rng.randrange(1, 9_000), rng.randrange(1, 900)
    return Record(
        at,
        key.hash,
        key.creator or "",
        model,
        requests=rng.randrange(1, 20),
        prompt=prompt,
        completion=completion,
        reasoning=completion // 3,
        cached=prompt // 4,
        credits_nano=prompt * 1_000 + completion * 5_000,
        saved_nano=(prompt // 4) * 900,
    )
