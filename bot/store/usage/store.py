"""The interface to stored usage, the directory and facts, for the rest of the bot."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, TypeVar

from bot.store import leases
from bot.store.connection import Area, Connection
from bot.store.database import Database
from bot.store.encoding import DIMENSION, GRANULARITY, VIEWS, StoredView, from_seconds, to_seconds
from bot.store.usage import directory as members
from bot.store.usage import (
    figure_coverage,
    filled_months,
    imported,
    last_used,
    model_sums,
    month_filling,
    signed_parts,
    sums,
)
from bot.store.usage import read as reading
from bot.store.usage import read_by_group as sections
from bot.store.usage import window_records as records
from bot.store.usage.diff import Figures, RowChanges, RowKey, add_up, changes
from bot.store.usage.directory import Directory
from bot.store.usage.imported import Intake
from bot.store.usage.keys_with_creators import (
    CrossedKeys,
    crossed_rows,
    read_crossed,
    sum_crossed,
)
from bot.store.usage.latest_hours import Hours, LatestHours
from bot.store.usage.latest_rows import LatestRows
from bot.store.usage.read import Ranking, UsageTotals
from bot.store.usage.selection import Ids, Selection
from bot.store.usage.write import statements, window_rows, write
from reports.time.time_range import HOUR, Granularity, TimeRange, floor, next_bucket
from reports.usage.coverage import Coverage, Interval, gaps, intersection, merge
from reports.usage.dimensions import Dimension, Metric, MoneySource
from reports.usage.figure_table import OPTIONAL_NAMES
from reports.usage.usage import ZERO, Usage, minus, plus
from reports.usage.windows_to_fetch import QUARTER, Window

_GRANULARITY_OF = {code: granularity for granularity, code in GRANULARITY.items()}
T = TypeVar("T")
_TRIES = 5
_REPAIRED_AT_ONCE = 40
"""Buckets of which a call adds up the sums by model. At 10,000 keys a day takes about 15 ms, so the
sync waits for less than a second."""
_SECOND = timedelta(seconds=1)
_HOUR = int(HOUR.total_seconds())
_ZONE = re.compile(r"\btz ([A-Za-z0-9_+/-]+)")


@dataclass(frozen=True, slots=True)
class CacheState:
    """Which usage is stored, and when it was synced; decides what to fetch, and dates answers.

    `imported` is from files. Months are stored only if they were imported; all others are sums of
    days.
    """

    coverage: Coverage
    synced: Mapping[Granularity, datetime]
    imported: Coverage = field(default_factory=dict)

    @property
    def pulled(self) -> Coverage:
        """The intervals that were synced from OpenRouter, by granularity."""
        return {
            granularity: tuple(
                part
                for interval in intervals
                for part in gaps(interval, self.imported.get(granularity, ()))
            )
            for granularity, intervals in self.coverage.items()
        }


class Store:
    """The cache of one organization. Methods may be called from any thread and raise StoreError."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._directory: Directory | None = None
        self._latest, self._hours = LatestRows(), LatestHours()
        self._gathered: dict[Callable[[Store], Any], tuple[Sequence[object], Any]] = {}

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def now(self) -> datetime:
        """The current time (UTC) by the database's clock."""
        return self._db.now()

    # -- the directory

    def directory(self) -> Directory:
        """The current directory; kept in memory until a sync changes it."""
        with self._db.read() as connection:
            version = records.version(connection, "directory")
            known = self._directory
            if known is None or known.version != version:
                known = self._directory = members.read(connection, version)
            return known

    def list_members(
        self,
        keys: Iterable[tuple[str, str, str]] | None,
        people: Iterable[tuple[str, str, str]] | None,
        owners: Iterable[tuple[str, str]],
        since: Iterable[tuple[str, datetime]] = (),
        *,
        all_keys: bool = True,
    ) -> None:
        """Store OpenRouter's directory: keys and people as (ref, name, detail), owners of keys.

        None keeps the known keys or people; without `all_keys`, keys that aren't listed stay.
        `since` says when keys were created.
        """
        with self._db.write(Area.USAGE) as connection:
            adopted: list[int] = []
            if keys is not None:
                adopted = members.replace(connection, Dimension.KEY, keys, whole=all_keys)
            if people is not None:
                members.replace(connection, Dimension.CREATOR, people)
            members.set_owners(connection, owners)
            members.set_since(connection, since)
            if adopted:
                _give_to_owners(connection, adopted)
            records.increment_version(connection, "directory")

    def add_members(
        self,
        dimension: Dimension,
        found: Iterable[tuple[str, str, str]],
        owners: Iterable[tuple[str, str]] = (),
    ) -> Directory:
        """Add members that only occur in usage; returns the directory with them."""
        with self._db.write(Area.USAGE) as connection:
            members.add(connection, dimension, found)
            members.set_owners(connection, owners)
            records.increment_version(connection, "directory")
        return self.directory()

    # -- syncing

    def sum(self, window: Window) -> Usage:
        """The sum of all stored usage of a window."""
        code, start, end = (
            GRANULARITY[window.granularity],
            to_seconds(window.start),
            to_seconds(window.end),
        )
        with self._db.read() as connection:
            return reading.sum_of_all(connection, code, start, end)

    def note(self, window: Window, notes: Iterable[str]) -> None:
        """Replace the notes on what is wrong with a window; its usage stays."""
        with self._db.write(Area.USAGE) as connection:
            records.replace_notes(connection, GRANULARITY[window.granularity], window, notes)

    def state(self) -> CacheState:
        """Which usage is stored, and when each granularity was last synced."""
        with self._db.read() as connection:
            files = imported.all_imported(connection)
            coverage = imported.all_stored(connection)
            synced = {
                _GRANULARITY_OF[code]: from_seconds(at)
                for code, at in connection.execute("SELECT granularity, synced_at FROM sync")
            }
        coverage[Granularity.MONTH] = files[Granularity.MONTH]
        return CacheState(coverage, synced, files)

    def known(self, figures: Collection[str] = OPTIONAL_NAMES) -> Coverage:
        """The intervals for which all of these optional figures are known, by granularity."""
        found: dict[Granularity, tuple[Interval, ...]] = {}
        with self._db.read() as connection:
            for granularity, code in GRANULARITY.items():
                each = [figure_coverage.known(connection, code, name) for name in figures]
                found[granularity] = intersection(each)
        return found

    def unknown_buckets(
        self,
        wanted: TimeRange,
        stored: Granularity,
        figures: Collection[str] = OPTIONAL_NAMES,
    ) -> frozenset[int]:
        """The indexes of the buckets of a range for which optional figures are not known.

        The range is read at the granularity `stored`. In these buckets the figures that `read`
        returns are too small, or 0, and must not be shown. They are unknown if no usage of a bucket
        is stored, or if part of it lacks them.
        """
        with self._db.read() as connection:
            stored_spans = imported.stored(connection, GRANULARITY[stored])
            known = self.known(figures)[stored]
        unknown = set()
        for index, bucket in enumerate(pairwise([*wanted.buckets, wanted.end])):
            spans = intersection([[bucket], stored_spans])
            if not spans or any(gaps(span, known) for span in spans):
                unknown.add(index)
        return frozenset(unknown)

    def replace(
        self,
        window: Window,
        rows: Iterable[tuple[RowKey, Usage]],
        synced_at: datetime | None,
        notes: Iterable[str] = (),
        known: Collection[str] = (),
    ) -> int:
        """Replace all rows of a window in both views, in one transaction.

        The coverage, the notes on what is wrong with the window, and the sync mark (None for a
        window of the past) are written with them. `known` are the optional figures that the rows
        have; the others become unknown. Returns how many rows changed. Thousands of rows take
        several transactions, each with its sums; the window's records are written with the last
        one.
        """
        new = add_up(rows)
        for _ in range(_TRIES):
            with self._db.read() as connection:
                before = records.version(connection, "usage")
                old = self._latest.of(window, before)
                work = _work(connection, window, new, old)
            if self._apply(window, work, before, synced_at, notes, known):
                self._latest.remember(window, new, before, before + len(work))
                self._hours.wrote(window, before, before + len(work))
                return sum(change.rows for change in work)
        # other writers keep interfering, so compute the change while they wait
        with self._db.write(Area.USAGE) as connection:
            work = _work(connection, window, new)
            for change in work:
                write(connection, statements(window.granularity, change))
            records.record_window(connection, window, synced_at, notes, known)
            records.increment_version(connection, "usage")
        return sum(change.rows for change in work)

    def _apply(
        self,
        window: Window,
        work: Sequence[RowChanges],
        before: int,
        synced_at: datetime | None,
        notes: Iterable[str],
        known: Collection[str],
    ) -> bool:
        """Write one change after the other; False if another writer has interfered."""
        for number, change in enumerate(work):
            ready = statements(window.granularity, change)
            with self._db.write(Area.USAGE) as connection:
                if records.version(connection, "usage") != before + number:
                    return False
                write(connection, ready)
                if change is work[-1]:
                    records.record_window(connection, window, synced_at, notes, known)
                records.set_version(connection, "usage", before + number + 1)
        return True

    def fill_months(self, until: datetime, most: int = month_filling.MOST_AT_ONCE) -> None:
        """Add days before `until` to the rows by month, `most` rows in a transaction.

        Call it with the start of the days that are still fetched frequently. If other writers keep
        interfering, the remaining days wait for the next call.
        """
        tries = 0
        while tries < _TRIES:
            with self._db.read() as connection:
                before = records.version(connection, "usage")
                step = month_filling.next_step(connection, to_seconds(until), most)
            if step is None:
                return
            with self._db.write(Area.USAGE) as connection:
                if records.version(connection, "usage") == before:
                    month_filling.fill(connection, step)
                    records.increment_version(connection, "usage")
                else:
                    tries += 1

    def repair_model_sums(self, most: int = _REPAIRED_AT_ONCE) -> bool:
        """Add up the sums by model of the creator view that an earlier version left out.

        `most` buckets, each in a transaction. Returns whether all were right before.
        """
        with self._db.read() as connection:
            wrong = model_sums.wrong_buckets(connection)
        for bucket in wrong[:most]:
            with self._db.read() as connection:
                before = records.version(connection, "usage")
                found = model_sums.prepare(connection, bucket)
            with self._db.write(Area.USAGE) as connection:
                if records.version(connection, "usage") == before:  # else the next call does it
                    model_sums.repair(connection, found)
        return not wrong

    def free(self, file: Intake) -> list[Interval]:
        """The buckets of a file that may be filled from it."""
        with self._db.read() as connection:
            return imported.free(connection, file)

    def take(
        self,
        file: Intake,
        rows: Callable[[int], Iterable[tuple[RowKey, Usage]]],
        now: datetime,
    ) -> list[Interval]:
        """Fill the free buckets from a file, in one transaction; returns the buckets filled.

        `rows` returns the rows of a bucket (seconds), in both views.
        """
        code, days = GRANULARITY[file.granularity], file.granularity is Granularity.DAY
        with self._db.write(Area.USAGE) as connection:
            taken = imported.free(connection, file)
            marks = _marks(connection, file.granularity)
            for start, end in taken:
                old = window_rows(connection, Window(file.granularity, start, end))
                for change in _changes(connection, old, add_up(rows(to_seconds(start))), marks):
                    write(connection, statements(file.granularity, change))
            imported.record_import(connection, code, taken, file.buckets[-1][0], now)
            for start, end in merge(taken):
                if file.granularity is not Granularity.MONTH:
                    records.add_coverage(
                        connection, code, Window(file.granularity, start, min(end, now))
                    )
                if days:
                    imported.sum_complete_months(connection, start, end)
            if taken:
                records.increment_version(connection, "usage")
        return taken

    def take_logs(
        self,
        granularity: Granularity,
        known: Interval,
        rows: Callable[[int, int], Iterable[tuple[int, tuple[RowKey, RowKey], Usage]]],
    ) -> tuple[list[Interval], int]:
        """Add the requests of a Logs export that were not counted before, in one transaction.

        `known` is the time that the file covers. `rows` returns the requests of a bucket (its start
        and length in seconds): a number for each, its row in both views, and its usage. Buckets
        stored from other sources aren't changed. Returns the buckets that were filled or added to,
        and how many requests were new.
        """
        code, days = GRANULARITY[granularity], granularity is Granularity.DAY
        buckets = []
        start = floor(known[0], granularity)
        while start < known[1]:
            buckets.append((start, next_bucket(start, granularity)))
            start = buckets[-1][1]
        count = 0
        with self._db.write(Area.USAGE) as connection:
            taken = imported.open_to_logs(connection, code, buckets)
            marks = _marks(connection, granularity)
            for start, end in taken:
                at = to_seconds(start)
                requests = {
                    number: (keys, usage) for number, keys, usage in rows(at, to_seconds(end) - at)
                }
                new = imported.unseen(connection, code, at, requests)
                count += len(new)
                old = window_rows(connection, Window(granularity, start, end))
                added = add_up(
                    [(key, Usage(*figures)) for key, figures in old.items()]
                    + [(key, requests[n][1]) for n in sorted(new) for key in requests[n][0]]
                )
                for change in _changes(connection, old, added, marks):
                    write(connection, statements(granularity, change))
            imported.record_log_import(connection, code, taken, known)
            for start, end in merge(taken):
                window = Window(granularity, max(start, known[0]), min(end, known[1]))
                records.add_coverage(connection, code, window)
                if days:
                    imported.sum_complete_months(connection, start, end)
            if taken:
                records.increment_version(connection, "usage")
        return taken, count

    def forget(self, granularity: Granularity, before: datetime) -> None:
        """Delete fine-grained usage that coarser granularities contain, except from files.

        Usage from a file is stored nowhere else.
        """
        code, limit = GRANULARITY[granularity], to_seconds(before)
        kept = "bucket NOT IN (SELECT bucket FROM imported WHERE granularity = ?)"
        with self._db.write(Area.USAGE) as connection:
            connection.execute(
                f"DELETE FROM usage WHERE view IN ({VIEWS}) AND granularity = ? AND bucket < ?"
                f" AND {kept}",
                (code, limit, code),
            )
            connection.execute(
                f"DELETE FROM total WHERE granularity = ? AND bucket < ? AND {kept}",
                (code, limit, code),
            )
            records.forget_coverage(connection, code, before)
            figure_coverage.forget(connection, code, limit)
            for start, until in imported.imported(connection, code):
                records.add_coverage(connection, code, Window(granularity, start, until))
            connection.execute(
                "DELETE FROM note WHERE granularity = ? AND until <= ?", (code, limit)
            )
            records.increment_version(connection, "usage")

    def to_quarters(self, start: datetime, end: datetime) -> None:
        """Sum the minutes of whole hours into quarter hours, stored at their first minutes."""
        quarter = int(QUARTER.total_seconds())
        while start < end:
            window = Window(Granularity.MINUTE, start, start + HOUR)
            with self._db.write(Area.USAGE) as connection:
                old = window_rows(connection, window)
                new = add_up(
                    ((view, bucket - bucket % quarter, member, model), Usage(*figures))
                    for (view, bucket, member, model), figures in old.items()
                )
                different = _changes(connection, old, new, None)
                for change in different:
                    write(connection, statements(Granularity.MINUTE, change))
                if different:
                    records.increment_version(connection, "usage")
            start += HOUR

    def zones(self) -> set[str]:
        """The time zones of schedules and alert rules, and those in questions that people asked."""
        with self._db.read() as connection:
            zones = {
                row[0] for row in connection.execute("SELECT zone FROM schedule WHERE gone = 0")
            }
            words = connection.execute(
                "SELECT question FROM schedule WHERE gone = 0"
                " UNION ALL SELECT words FROM alert_rule WHERE gone = 0"
                " UNION ALL SELECT what FROM audit WHERE what LIKE '%tz %'"
            )
            return zones | {zone for row in words for zone in _ZONE.findall(row[0])}

    def lease(
        self, name: str, owner: str, length: timedelta, clock: Callable[[], datetime]
    ) -> bool:
        """Take or renew the lease on a name for `length`; False if another owner has it."""
        with self._db.write() as connection:
            return leases.take_lease(connection, name, owner, length, clock)

    def lease_holder(self, name: str, clock: Callable[[], datetime]) -> str:
        """The owner of the lease on a name; "" if there is none."""
        with self._db.read() as connection:
            return leases.lease_holder(connection, name, clock)

    # -- facts: small values by name

    def fact(self, name: str) -> str | None:
        """The value of a fact, or None."""
        with self._db.read() as connection:
            found = connection.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return found and str(found[0])

    def gathered(self, gather: Callable[[Store], T], *names: str) -> T:
        """What a function gathers from these facts and the directory; never change the result.

        It is kept in memory until one of them changes.
        """
        with self._db.read():
            directory, facts = self.directory(), [self.fact(name) for name in names]
            known = self._gathered.get(gather)
            if known is None or known[0][0] is not directory or known[0][1:] != facts:
                known = self._gathered[gather] = [directory, *facts], gather(self)
            found: T = known[1]
            return found

    def keep_fact(self, name: str, value: str) -> None:
        """Store a fact under its name."""
        with self._db.write() as connection:
            records.set_fact(connection, name, value)

    # -- answering

    def last_used(self, dimension: Dimension, members: Ids | None = None) -> Mapping[int, datetime]:
        """The start (UTC) of the last hour or day in which each member made a request, by id.

        With `members`, only of these.
        """
        with self._db.read() as connection:
            return last_used.last_used(connection, dimension, members)

    def read(
        self,
        selection: Selection,
        wanted: TimeRange,
        stored: Granularity,
        ranking: Ranking | None = None,
    ) -> UsageTotals:
        """The figures of a selection; with a ranking, series of its largest groups only."""
        with self._db.read() as connection:
            if selection.crossed:
                keys = CrossedKeys.of(selection, self.directory())
                return read_crossed(connection, selection, wanted, stored, keys, ranking)
            return reading.read(connection, selection, wanted, stored, ranking)

    def whole(
        self, selection: Selection, wanted: TimeRange, stored: Granularity
    ) -> tuple[Usage, ...]:
        """The usage of each bucket: what `read` returns as the whole, without the groups."""
        with self._db.read() as connection:
            if (keys := self._crossed_keys(selection)) is not None:
                return signed_parts.whole(connection, selection, wanted, stored, keys)
            return reading.read_whole(connection, selection, wanted, stored)

    def whole_spend(
        self, selection: Selection, wanted: TimeRange, stored: Granularity, source: MoneySource
    ) -> Sequence[int]:
        """Only the spend (nano-dollars, of a source of money) of each bucket in what `whole`
        returns."""
        with self._db.read() as connection:
            if (keys := self._crossed_keys(selection)) is not None:
                return signed_parts.whole_spend(connection, selection, wanted, stored, keys, source)
            return reading.read_whole_spend(connection, selection, wanted, stored, source)

    def sum_of(self, selection: Selection, wanted: TimeRange, stored: Granularity) -> Usage:
        """The usage of a whole range: the sum of what `whole` returns."""
        with self._db.read() as connection:
            if selection.crossed:
                keys = CrossedKeys.of(selection, self.directory())
                return sum_crossed(connection, selection, wanted, stored, keys)
            return reading.read_sum(connection, selection, wanted, stored)

    def rows(
        self, selection: Selection, wanted: TimeRange, stored: Granularity
    ) -> Iterator[reading.Row]:
        """Usage rows, newest bucket first: index of the bucket, member (or 0), model, usage."""
        with self._db.read() as connection:
            if selection.crossed:
                found = self._crossed_rows(connection, selection, wanted, stored)
                yield from sorted(found, key=lambda row: (-row[0], row[1], row[2]))
            else:
                yield from reading.rows(connection, selection, wanted, stored)

    def group_sums(
        self,
        selection: Selection,
        wanted: TimeRange,
        stored: Granularity,
        figures: Sequence[str] = Usage._fields,
    ) -> Mapping[int, Usage]:
        """The usage of a whole range by group (its id; 0 without a grouping).

        Only `figures` (names) are read; the others are 0.
        """
        with self._db.read() as connection:
            keys = self._crossed_keys(selection)
            names = [name for name in figures if name in selection.figures]
            return signed_parts.usage_by_group(connection, selection, wanted, stored, keys, names)

    def metric_sums(
        self,
        selection: Selection,
        wanted: TimeRange,
        stored: Granularity,
        metrics: Sequence[Metric],
        source: MoneySource = MoneySource.ALL,
        groups: Ids | None = None,
    ) -> Mapping[int, Sequence[int]]:
        """Only some metrics of a whole range by group, in the order of the metrics.

        Spend is in nano-dollars, of a source of money. `groups` are those that are asked for (None:
        all).
        """
        with self._db.read() as connection:
            keys, columns = self._crossed_keys(selection), reading.value_columns(metrics, source)
            return signed_parts.values_by_group(
                connection, selection, wanted, stored, keys, columns, groups
            )

    def series_of(
        self, selection: Selection, wanted: TimeRange, stored: Granularity, groups: Ids
    ) -> Mapping[int, Mapping[int, Usage]]:
        """The usage of some groups of a selection by index of the bucket; other than a filter, this
        changes nothing about what belongs to a group."""
        with self._db.read() as connection:
            keys = self._crossed_keys(selection)
            return signed_parts.series(connection, selection, wanted, stored, keys, groups)

    def spend_by_source(
        self, selection: Selection, wanted: TimeRange, stored: Granularity
    ) -> Mapping[int, tuple[int, int]]:
        """The spend (nano-dollars) of a whole range by group: from credits, and BYOK."""
        with self._db.read() as connection:
            if selection.crossed:
                used = self.group_sums(selection, wanted, stored, ("credits", "byok"))
                return {id_: (one.credits, one.byok) for id_, one in used.items()}
            found = reading.sums_by_group(
                connection, selection, wanted, stored, ("t.credits", "t.byok")
            )
            return {id_: (from_credits, byok) for id_, from_credits, byok in found}

    def spend_series(
        self, selection: Selection, wanted: TimeRange, stored: Granularity, source: MoneySource
    ) -> Mapping[int, Mapping[int, int]]:
        """Only the spend (nano-dollars, of a source) by group and index of the bucket."""
        with self._db.read() as connection:
            keys = self._crossed_keys(selection)
            return signed_parts.spend_series(connection, selection, wanted, stored, keys, source)

    def hourly_spend(
        self, selection: Selection, wanted: TimeRange, source: MoneySource
    ) -> Mapping[int, int]:
        """The spend (nano-dollars, of a source) of a selection without a grouping by index of the
        hour.

        It is kept in memory, so that later only the hours that were written since are read.
        """
        with self._db.read() as connection:

            def read(start: int, end: int) -> Hours:
                hours = tuple(from_seconds(at) for at in range(start, end, _HOUR))
                after = from_seconds(end)
                of = TimeRange(hours, after, Granularity.HOUR, after)
                found = self.spend_series(selection, of, Granularity.HOUR, source).get(0, {})
                return {start + index * _HOUR: spent for index, spent in found.items()}

            start, end = to_seconds(wanted.start), to_seconds(wanted.end)
            found = self._hours.of(
                (selection, source), (start, end), records.version(connection, "usage"), read
            )
        return {(at - start) // _HOUR: spent for at, spent in found.items()}

    def largest_buckets(
        self,
        selection: Selection,
        wanted: TimeRange,
        stored: Granularity,
        sources: Sequence[MoneySource],
    ) -> Sequence[Mapping[int, tuple[int, int]]]:
        """The spend (nano-dollars) of each group's largest stored bucket, and of all; for each of
        some sources."""
        with self._db.read() as connection:
            if not selection.crossed:
                return sums.largest_buckets(connection, selection, wanted, stored, sources)
            return [
                {
                    id_: (max(spent.values(), default=0), sum(spent.values()))
                    for id_, spent in self.spend_series(selection, wanted, stored, source).items()
                }
                for source in sources
            ]

    def pair_sums(
        self,
        selection: Selection,
        ranges: Sequence[sums.StoredRange],
        metrics: Sequence[Metric],
        source: MoneySource = MoneySource.ALL,
    ) -> list[sums.PairSums]:
        """Metrics (spend in nano-dollars, of a source) of whole ranges, by member and model.

        A pair that was used in one of the ranges has 0 for the others.
        """
        with self._db.read() as connection:
            keys, columns = self._crossed_keys(selection), reading.value_columns(metrics, source)
            return signed_parts.by_pair(connection, selection, ranges, columns, keys)

    def pair_usage(
        self,
        selection: Selection,
        wanted: TimeRange,
        stored: Granularity,
        groups: Ids | None = None,
        figures: Sequence[str] = Usage._fields,
    ) -> Mapping[tuple[int, int], Usage]:
        """The usage of a whole range by member and model (ids), in that order; the member is 0
        unless the selection is by key or creator.

        `groups` are the members that are asked for (None: all). Only `figures` (names) are read;
        the others are 0.
        """
        with self._db.read() as connection:
            keys = self._crossed_keys(selection)
            return signed_parts.usage_by_pair(
                connection, selection, wanted, stored, keys, groups, figures
            )

    def rows_by_group(
        self,
        selection: Selection,
        wanted: TimeRange,
        stored: Granularity,
        order: Sequence[int],
    ) -> Iterator[sections.Row]:
        """Usage rows by group in the given order, newest bucket first in each."""
        with self._db.read() as connection:
            if selection.crossed:
                found = self._crossed_rows(connection, selection, wanted, stored)
                yield from sections.sorted_by_group(found, selection, order)
            else:
                yield from sections.rows_by_group(connection, selection, wanted, stored, order)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All reads of this thread inside the block see one state of the database.

        Write nothing and wait for nothing inside: writers of all processes may have to wait for it.
        """
        with self._db.read():
            yield

    def notes(self, stored: Granularity, wanted: TimeRange) -> tuple[str, ...]:
        """Notes on what is wrong with the usage of a range.

        A bucket that is still being filled is not compared with anything itself, so the notes on
        the finer buckets in it are included.
        """
        parts = [(stored, wanted.start, wanted.end)]
        if wanted.unfinished:
            day, hour = (floor(wanted.until, each) for each in (Granularity.DAY, Granularity.HOUR))
            if stored is Granularity.DAY:
                parts.append((Granularity.HOUR, day, hour))
            if stored is not Granularity.MINUTE:
                parts.append((Granularity.MINUTE, hour, wanted.until))
        with self._db.read() as connection:
            found = [
                row[0]
                for granularity, start, end in parts
                for row in connection.execute(
                    "SELECT words FROM note WHERE granularity = ? AND start < ? AND until > ?"
                    " ORDER BY id",
                    (GRANULARITY[granularity], to_seconds(end), to_seconds(start)),
                )
            ]
        return tuple(dict.fromkeys(found))

    def noted(self, stored: Granularity, start: datetime, end: datetime) -> bool:
        """Whether there are notes on a time range at a granularity."""
        with self._db.read() as connection:
            found = connection.execute(
                "SELECT 1 FROM note WHERE granularity = ? AND start < ? AND until > ? LIMIT 1",
                (GRANULARITY[stored], to_seconds(end), to_seconds(start)),
            ).fetchone()
        return found is not None

    def _crossed_keys(self, selection: Selection) -> CrossedKeys | None:
        """The keys of a selection of keys and creators combined."""
        return CrossedKeys.of(selection, self.directory()) if selection.crossed else None

    def _crossed_rows(
        self,
        connection: Connection,
        selection: Selection,
        wanted: TimeRange,
        stored: Granularity,
    ) -> Iterator[reading.Row]:
        return crossed_rows(
            selection,
            CrossedKeys.of(selection, self.directory()),
            lambda part: reading.rows(connection, part, wanted, stored),
        )


def _work(
    connection: Connection,
    window: Window,
    new: Mapping[RowKey, Usage],
    old: Mapping[RowKey, Figures] | None = None,
) -> list[RowChanges]:
    """The changes to write for a window; at least one, because its records are written with the
    last.

    `old` are its stored rows; they are read where they are not known.
    """
    if old is None:
        old = window_rows(connection, window)
    return _changes(connection, old, new, _marks(connection, window.granularity)) or [RowChanges()]


def _changes(
    connection: Connection,
    old: Mapping[RowKey, Figures],
    new: Mapping[RowKey, Figures],
    marks: filled_months.Marks | None,
) -> list[RowChanges]:
    """The changes that turn old rows into new ones, each small enough for a transaction."""
    return changes(old, new, marks=marks, most=connection.writes_at_once)


def _marks(connection: Connection, granularity: Granularity) -> filled_months.Marks | None:
    """Which days the rows by month include, if rows of days change; else None."""
    return filled_months.marks(connection) if granularity is Granularity.DAY else None


def _give_to_owners(connection: Connection, keys: Sequence[int]) -> None:
    """Move imported usage of keys whose owners were unknown to these owners."""
    unknown = connection.execute(
        "SELECT id FROM member WHERE dimension = ? AND ref = ?",
        (DIMENSION[Dimension.CREATOR], members.UNKNOWN),
    ).fetchone()
    if unknown is None:
        return  # no file was imported
    listed = list(keys)
    owners = dict(
        connection.execute(
            "SELECT id, owner FROM member WHERE id IN (SELECT value FROM numbers(?) n)", (listed,)
        ).fetchall()
    )
    buckets = connection.execute(
        "SELECT DISTINCT u.granularity, u.bucket FROM imported i CROSS JOIN usage u"
        " WHERE u.view = 0 AND u.granularity = i.granularity AND u.bucket = i.bucket"
        " AND u.member IN (SELECT value FROM numbers(?) n)",
        (listed,),
    ).fetchall()
    for code, bucket in buckets:
        at = from_seconds(bucket)
        grain = _GRANULARITY_OF[code]
        old = window_rows(connection, Window(grain, at, at + _SECOND))
        new: dict[RowKey, Figures] = dict(old)
        for (view, _, member, model), usage in old.items():
            if view == StoredView.KEY and owners.get(member):
                for creator, moved in ((owners[member], usage), (unknown[0], minus(ZERO, usage))):
                    key = (StoredView.CREATOR, bucket, creator, model)
                    new[key] = plus(new.get(key, ZERO), moved)
        left = {key: usage for key, usage in new.items() if usage != ZERO}
        for change in _changes(connection, old, left, _marks(connection, grain)):
            write(connection, statements(grain, change))
    records.increment_version(connection, "usage")
