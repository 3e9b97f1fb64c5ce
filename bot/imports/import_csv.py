"""Importing exported CSV files: each file is checked as a whole, then fills what is not held.

A file grouped by model has no keys and no creators; one by key has the creator where the key's
owner is known; one by creator has no keys. What is not known is shown as unknown, so that both
views add up to the same. A Logs export has a row for each request; they are summed by hour and by
day, and each request counts once, in however many files it is.
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
from reports.time.timerange import HOUR, Granularity
from reports.usage.coverage import Interval
from reports.usage.dimensions import Dimension
from reports.usage.usage import Usage
from reports.wording.safe_text import clean

LARGEST = 64 * 2**20
"""Bytes; a month of the largest organization, by key and day, has some tens of megabytes."""


class FileRefusedError(Exception):
    """A file cannot be imported; the text says which, on which line, and why."""


@dataclass(slots=True)
class Staged:
    """A file that can be imported; nothing of it is in the cache yet.

    `names` and `models` have the numbers that the staged rows use for them.
    """

    name: str
    staging: Staging
    by: Dimension = Dimension.MODEL
    unknown: tuple[str, ...] = ()
    dates: dict[datetime, int] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    models: dict[str, int] = field(default_factory=dict)
    cut: Dates | None = None
    logs: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """The result for a file: its buckets, those imported, and how many rows each (seconds) has."""

    name: str
    by: Dimension
    cut: Dates | None
    taken: tuple[Interval, ...]
    counts: Mapping[int, int]
    apart: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    requests: int | None = None
    """How many requests of a Logs export were not counted before; None for other files."""


def import_files(
    store: Store, files: Sequence[str], now: datetime, granularity: Granularity | None = None
) -> list[Imported]:
    """Check all files, and if all are good import from each, in order, what is not held.

    Raises FileRefusedError before anything is written. Each file is one transaction.
    """
    with ExitStack() as stack:
        staged = [_stage(stack, file, now, granularity) for file in files]
        return [_take(store, one, now) for one in staged]


def _stage(stack: ExitStack, file: str, now: datetime, granularity: Granularity | None) -> Staged:
    one = Staged(clean(file, 200), stack.enter_context(Staging()))
    try:
        with Path(file).open("rb") as opened:
            _check_size(os.fstat(opened.fileno()).st_size)
            found = read_csv(_lines(opened), now)
            one.by, one.unknown = found.by, found.unknown
            one.logs = found.logs
            if found.logs:
                one.staging.fill_logs(_requests(one, found.rows))
            else:
                one.staging.fill(_numbered(one, found.rows))
        if one.dates and not one.logs:
            one.cut = find_granularity(one.dates, granularity)
    except BadFileError as error:
        why = str(error).removesuffix(".")
        raise FileRefusedError(f"{one.name}: {why}. Nothing was imported.") from None
    except OSError as error:
        raise FileRefusedError(f"{one.name}: {error.strerror}. Nothing was imported.") from None
    return one


def _check_size(size: int) -> None:
    if size > LARGEST:
        raise BadFileError(
            f"larger than {LARGEST // 2**20} MiB; export shorter periods and import the files"
            " together"
        )


def _lines(opened: BinaryIO) -> Iterator[bytes]:
    """The lines of a file, cut where one is too long. Raises BadFileError above LARGEST bytes."""
    size = 0
    while line := opened.readline(LONGEST_LINE + 1):
        size += len(line)
        _check_size(size)
        yield line


def _numbered(one: Staged, rows: Iterable[FileRow]) -> Iterator[tuple[datetime, int, int, Usage]]:
    dates, names, models = one.dates, one.names, one.models
    for line, bucket, slug, member, usage, _ in rows:
        dates.setdefault(bucket, line)
        name = names.setdefault(member, len(names))
        yield bucket, name, models.setdefault(slug, len(models)), usage


def _requests(
    one: Staged, rows: Iterable[FileRow]
) -> Iterator[tuple[str, datetime, int, int, Usage]]:
    for row in rows:
        for bucket, name, model, usage in _numbered(one, [row]):
            yield row.request, bucket, name, model, usage


def _take(store: Store, one: Staged, now: datetime) -> Imported:
    if one.logs and one.dates:
        return _take_logs(store, one, now)
    counts = one.staging.counts()
    if one.cut is None:
        return Imported(one.name, one.by, None, (), counts)
    intake = Intake(one.cut.granularity, one.cut.buckets, frozenset(counts))
    if not store.free(intake):
        return Imported(one.name, one.by, one.cut, (), counts)
    named = find_members(store, one.by, list(one.names))
    rows = partial(_rows, one.staging, named, _models(store, list(one.models)))
    taken = store.take(intake, rows, now)
    return Imported(one.name, one.by, one.cut, tuple(taken), counts, named.apart, one.unknown)


def _take_logs(store: Store, one: Staged, now: datetime) -> Imported:
    """Add the requests of a Logs export to hours and days."""
    known = min(one.dates), min(max(one.dates) + HOUR, now)
    named = find_members(store, Dimension.KEY, list(one.names))
    models = _models(store, list(one.models))

    def rows(bucket: int, length: int) -> Iterator[tuple[int, tuple[RowKey, RowKey], Usage]]:
        for number, member, model, usage in one.staging.requests(bucket, length):
            key, creator = named.places[member]
            places = (
                (StoredView.KEY, bucket, key, models[model]),
                (StoredView.CREATOR, bucket, creator, models[model]),
            )
            yield number, places, usage

    hours, new_by_hour = store.take_logs(Granularity.HOUR, known, rows)
    _, new_by_day = store.take_logs(Granularity.DAY, known, rows)
    fresh = max(new_by_hour, new_by_day)
    counts = one.staging.counts(logs=True)
    cut = find_granularity(one.dates, Granularity.HOUR)
    return Imported(one.name, one.by, cut, tuple(hours), counts, named.apart, one.unknown, fresh)


def _rows(
    staging: Staging, named: MatchedMembers, models: Sequence[int], bucket: int
) -> Iterator[tuple[RowKey, Usage]]:
    """The rows of a bucket in both views."""
    for member, model, usage in staging.rows(bucket):
        key, creator = named.places[member]
        yield (StoredView.KEY, bucket, key, models[model]), usage
        yield (StoredView.CREATOR, bucket, creator, models[model]), usage


def _models(store: Store, slugs: Sequence[str]) -> list[int]:
    known = store.directory().ids
    new = [(slug, slug, "") for slug in slugs if (Dimension.MODEL, slug) not in known]
    if new:
        known = store.add_members(Dimension.MODEL, new).ids
    return [known[Dimension.MODEL, slug] for slug in slugs]
