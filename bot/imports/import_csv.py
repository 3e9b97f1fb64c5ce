"""Imports exported CSV files: each file is validated completely, then fills gaps in the cache.

A file grouped by model has no keys and creators; one by key has creators if the keys' owners are
known; one by creator has no keys. Missing members are shown as unknown, so that both views add up
to the same totals. A Logs export has a row per request; requests are summed by hour and day, and
each counts once even if several files contain it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO

from bot.imports.match_names import MatchedMembers, find_members
from bot.store import Store
from bot.store.encoding import StoredView
from bot.store.usage.diff import RowKey
from bot.store.usage.imported import Intake
from bot.store.usage.staging import Staging
from reports.imports.activity_csv import LONGEST_LINE, BadFileError, FileRow, read_csv
from reports.imports.granularity import Dates, find_granularity
from reports.time.time_range import HOUR, Granularity
from reports.usage.coverage import Interval
from reports.usage.dimensions import Dimension
from reports.usage.usage import Usage
from reports.wording.safe_text import clean

LARGEST = 64 * 2**20
"""In bytes; a month of a very large organization, by key and day, takes tens of megabytes."""


class FileRefusedError(Exception):
    """A file can't be imported; the text names the file, the line and the reason."""


@dataclass(slots=True)
class Staged:
    """A validated file that isn't in the cache yet.

    `dates` maps buckets to their first line; `names` and `models` map to the numbers used in staged
    rows.
    """

    name: str
    staging: Staging
    by: Dimension = Dimension.MODEL
    unknown: tuple[str, ...] = ()
    dates: dict[datetime, int] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    models: dict[str, int] = field(default_factory=dict)
    dates_found: Dates | None = None
    logs: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """The result for a file: its buckets, the imported ones, and row counts by bucket (seconds)."""

    name: str
    by: Dimension
    dates_found: Dates | None
    imported: tuple[Interval, ...]
    counts: Mapping[int, int]
    unmatched: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    requests: int | None = None
    """The number of new requests in a Logs export; None for other files."""


def import_files(
    store: Store, files: Sequence[str], now: datetime, granularity: Granularity | None = None
) -> list[Imported]:
    """Validate all files, then import from each, in order, what isn't stored yet.

    Raises FileRefusedError before anything is written. Each file is one transaction.
    """
    with ExitStack() as stack:
        staged = [_stage(stack, file, now, granularity) for file in files]
        return [_import(store, staged_file, now) for staged_file in staged]


def _stage(stack: ExitStack, file: str, now: datetime, granularity: Granularity | None) -> Staged:
    staged_file = Staged(clean(file, 200), stack.enter_context(Staging()))
    try:
        with Path(file).open("rb") as opened:
            _check_size(os.fstat(opened.fileno()).st_size)
            found = read_csv(_lines(opened), now)
            staged_file.by, staged_file.unknown = found.by, found.unknown
            staged_file.logs = found.logs
            if found.logs:
                staged_file.staging.fill_logs(_requests(staged_file, found.rows))
            else:
                staged_file.staging.fill(_numbered(staged_file, found.rows))
        if staged_file.dates and not staged_file.logs:
            staged_file.dates_found = find_granularity(staged_file.dates, granularity)
    except BadFileError as error:
        why = str(error).removesuffix(".")
        raise FileRefusedError(f"{staged_file.name}: {why}. Nothing was imported.") from None
    except OSError as error:
        raise FileRefusedError(
            f"{staged_file.name}: {error.strerror}. Nothing was imported."
        ) from None
    return staged_file


def _check_size(size: int) -> None:
    if size > LARGEST:
        raise BadFileError(
            f"larger than {LARGEST // 2**20} MiB; export shorter periods and import the files"
            " together"
        )


def _lines(opened: BinaryIO) -> Iterator[bytes]:
    """The lines of a file; overlong ones are cut. Raises BadFileError above LARGEST bytes."""
    size = 0
    while line := opened.readline(LONGEST_LINE + 1):
        size += len(line)
        _check_size(size)
        yield line


def _numbered(
    staged_file: Staged, rows: Iterable[FileRow]
) -> Iterator[tuple[datetime, int, int, Usage]]:
    dates, names, models = staged_file.dates, staged_file.names, staged_file.models
    for line, bucket, slug, member, usage, _ in rows:
        dates.setdefault(bucket, line)
        name = names.setdefault(member, len(names))
        yield bucket, name, models.setdefault(slug, len(models)), usage


def _requests(
    staged_file: Staged, rows: Iterable[FileRow]
) -> Iterator[tuple[str, datetime, int, int, Usage]]:
    for row in rows:
        for bucket, name, model, usage in _numbered(staged_file, [row]):
            yield row.request, bucket, name, model, usage


def _import(store: Store, staged_file: Staged, now: datetime) -> Imported:
    if staged_file.logs and staged_file.dates:
        return _import_logs(store, staged_file, now)
    counts = staged_file.staging.counts()
    if staged_file.dates_found is None:
        return Imported(staged_file.name, staged_file.by, None, (), counts)
    intake = Intake(
        staged_file.dates_found.granularity, staged_file.dates_found.buckets, frozenset(counts)
    )
    if not store.free(intake):
        return Imported(staged_file.name, staged_file.by, staged_file.dates_found, (), counts)
    named = find_members(store, staged_file.by, list(staged_file.names))
    rows = partial(_rows, staged_file.staging, named, _models(store, list(staged_file.models)))
    imported = store.take(intake, rows, now)
    return Imported(
        staged_file.name,
        staged_file.by,
        staged_file.dates_found,
        tuple(imported),
        counts,
        named.unmatched,
        staged_file.unknown,
    )


def _import_logs(store: Store, staged_file: Staged, now: datetime) -> Imported:
    """Add the requests of a Logs export to the usage by hour and day."""
    known = min(staged_file.dates), min(max(staged_file.dates) + HOUR, now)
    named = find_members(store, Dimension.KEY, list(staged_file.names))
    models = _models(store, list(staged_file.models))

    def rows(bucket: int, length: int) -> Iterator[tuple[int, tuple[RowKey, RowKey], Usage]]:
        for number, member, model, usage in staged_file.staging.requests(bucket, length):
            key, creator = named.key_and_creator[member]
            places = (
                (StoredView.KEY, bucket, key, models[model]),
                (StoredView.CREATOR, bucket, creator, models[model]),
            )
            yield number, places, usage

    hours, new_by_hour = store.take_logs(Granularity.HOUR, known, rows)
    _, new_by_day = store.take_logs(Granularity.DAY, known, rows)
    fresh = max(new_by_hour, new_by_day)
    counts = staged_file.staging.counts(logs=True)
    dates_found = find_granularity(staged_file.dates, Granularity.HOUR)
    return Imported(
        staged_file.name,
        staged_file.by,
        dates_found,
        tuple(hours),
        counts,
        named.unmatched,
        staged_file.unknown,
        fresh,
    )


def _rows(
    staging: Staging, named: MatchedMembers, models: Sequence[int], bucket: int
) -> Iterator[tuple[RowKey, Usage]]:
    """The rows of a bucket in both views."""
    for member, model, usage in staging.rows(bucket):
        key, creator = named.key_and_creator[member]
        yield (StoredView.KEY, bucket, key, models[model]), usage
        yield (StoredView.CREATOR, bucket, creator, models[model]), usage


def _models(store: Store, slugs: Sequence[str]) -> list[int]:
    known = store.directory().ids
    new = [(slug, slug, "") for slug in slugs if (Dimension.MODEL, slug) not in known]
    if new:
        known = store.add_members(Dimension.MODEL, new).ids
    return [known[Dimension.MODEL, slug] for slug in slugs]
