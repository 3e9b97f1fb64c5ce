"""The naive peer: the same usage in flat tables, as sqlite-utils' `upsert_all` makes them.

A row names its key by hash and name, its creator by id, name and address, and its model by slug:
what OpenRouter knows of them, and what our directory keeps once.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import sqlite_utils

from bot.store import Database, Store
from bot.store.encoding import FIGURES, GRANULARITY, StoredView
from bot.store.usage.diff import RowKey
from reports.time.time_range import Granularity, TimeRange
from reports.usage.dimensions import Dimension
from reports.usage.members import Member
from reports.usage.usage import NANO, Usage
from tests.bench.organizations import FOLDER, Organization, database

TABLES = {StoredView.KEY: "usage_by_key", StoredView.CREATOR: "usage_by_creator"}
COLUMNS = {StoredView.KEY: "key_hash", StoredView.CREATOR: "user_id"}
TOP = 10
_COUNTS = ("requests", "byok_requests", "prompt_tokens", "completion_tokens", "reasoning_tokens")
_SUMS = ", ".join(f"SUM({name})" for name in (*_COUNTS, "credits", "byok"))

Row = dict[str, str | int | float]
Series = dict[str, tuple[float, ...]]
"""Figures by bucket."""


def naive_database(organization: Organization) -> Path:
    """All usage of an organization in tables of text, made unless it is there already."""
    path = FOLDER / f"naive-{database(organization).name}"
    if not path.exists():
        unfinished = path.with_suffix(".making")
        unfinished.unlink(missing_ok=True)
        db = sqlite_utils.Database(unfinished)
        for view in StoredView:
            upsert(db, view, _everything(organization, view))
        db.close()
        unfinished.rename(path)
    return path


def upsert(db: sqlite_utils.Database, view: StoredView, rows: Iterable[Row]) -> None:
    """Take up rows of a view."""
    pk = ("granularity", "bucket", COLUMNS[view], "model")
    db.table(TABLES[view]).upsert_all(rows, pk=pk)


def as_text(
    rows: Iterable[tuple[RowKey, Usage]], granularity: Granularity, members: Mapping[int, Member]
) -> Iterator[Row]:
    """Our rows as a naive program would keep them."""
    for (view, bucket, member, model), usage in rows:
        who = members[member]
        yield {
            "granularity": str(granularity),
            "bucket": datetime.fromtimestamp(bucket, UTC).isoformat(),
            COLUMNS[StoredView(view)]: who.ref,
            "name": who.name,
            **({"email": who.detail} if view == StoredView.CREATOR else {}),
            "model": members[model].ref,
            **dict(zip(_COUNTS, usage[:5], strict=True)),
            "credits": usage.credits / NANO,
            "byok": usage.byok / NANO,
            "cached_tokens": usage.cached,
            "cache_savings": usage.saved / NANO,
        }


def members_of(organization: Organization) -> Mapping[int, Member]:
    """The organization's directory."""
    store = Store(Database(database(organization)))
    members = store.directory().members
    store.close()
    return members


def answer(
    connection: sqlite3.Connection, dimension: Dimension, wanted: TimeRange
) -> list[tuple[str, Series]]:
    """The groups with the most tokens, and their series: one GROUP BY, the rest in Python."""
    days = wanted.granularity is Granularity.MONTH
    bucket = "substr(bucket, 1, 7)" if days else "bucket"
    view = StoredView.CREATOR if dimension is Dimension.CREATOR else StoredView.KEY
    column = "model" if dimension is Dimension.MODEL else COLUMNS[view]
    found = connection.execute(
        f"SELECT {column}, {bucket}, {_SUMS} FROM {TABLES[view]}"
        " WHERE granularity = ? AND bucket >= ? AND bucket < ? GROUP BY 1, 2",
        (
            str(Granularity.DAY if days else wanted.granularity),
            wanted.start.isoformat(),
            wanted.end.isoformat(),
        ),
    )
    groups: dict[str, Series] = defaultdict(dict)
    for name, at, *figures in found:
        groups[name][at] = tuple(figures)
    return sorted(groups.items(), key=lambda group: -tokens(group[1]))[:TOP]


def tokens(series: Series) -> float:
    return sum(figures[2] + figures[3] for figures in series.values())


def _everything(organization: Organization, view: StoredView) -> Iterator[Row]:
    members = members_of(organization)
    with sqlite3.connect(database(organization)) as connection:
        for granularity, code in GRANULARITY.items():
            if granularity is Granularity.MONTH:
                continue  # it adds up days
            found = connection.execute(
                f"SELECT view, bucket, member, model, {FIGURES} FROM usage"
                " WHERE view = ? AND granularity = ?",
                (int(view), code),
            )
            rows = ((row[:4], Usage(*row[4:])) for row in found)
            yield from as_text(rows, granularity, members)
