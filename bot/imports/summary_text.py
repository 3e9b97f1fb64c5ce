"""Describes the result of an import, as text for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.imports.import_csv import Imported
from bot.store.encoding import to_seconds
from reports.imports.granularity import Dates
from reports.time.time_range import Granularity
from reports.usage.coverage import Interval
from reports.usage.dimensions import NAMES
from reports.wording.safe_text import clean

_STAMPS = {Granularity.MONTH: "%Y-%m", Granularity.DAY: "%Y-%m-%d"}
_NAMED = 3  # names listed in a note


def summary(result: Imported) -> str:
    """One line about the file's import, then indented lines with details.

    `2024.csv: 1,204 rows of 31 days imported (2024-03-01 to 2024-03-31, by model); 2 days were
    already stored and weren't changed.`
    """
    if result.dates_found is None:
        return f"{result.name}: no rows; nothing imported."
    if result.requests is not None:
        return _logs(result, result.dates_found, result.requests)
    granularity = result.dates_found.granularity
    taken = set(result.imported)
    already_stored = [bucket for bucket in result.dates_found.buckets if bucket not in taken]
    partly = ", at least in part," if granularity is Granularity.MONTH else ""
    skipped = _number(len(already_stored), granularity)
    stored_text = f"{skipped} were already stored{partly} and weren't changed."
    if len(already_stored) == 1:
        stored_text = f"1 {granularity} was already stored{partly} and wasn't changed."
    if not result.imported:
        return f"{result.name}: nothing imported; {stored_text}"
    rows = sum(result.counts.get(to_seconds(start), 0) for start, _ in result.imported)
    line = (
        f"{result.name}: {_number(rows, 'row')} of"
        f" {_number(len(result.imported), granularity)} imported"
        f" ({_span(result.imported, granularity)}, by {NAMES[result.by].label})"
    )
    return "\n  ".join(
        [f"{line}; {stored_text}" if already_stored else f"{line}.", *_notes(result, granularity)]
    )


def _logs(result: Imported, dates_found: Dates, new: int) -> str:
    """The result of a Logs export: `log.csv: 812 requests imported (...); 3 were counted ...`."""
    total = sum(result.counts.values())
    span = _span(dates_found.buckets, Granularity.HOUR)
    if not new:
        return (
            f"{result.name}: nothing new in {_number(total, 'request')} ({span}): they were already"
            " counted, or synced from OpenRouter."
        )
    line = f"{result.name}: {_number(new, 'request')} imported ({span}, by hour and by day)"
    if total > new:
        line += f"; {total - new:,} more were already counted, or synced from OpenRouter"
    return "\n  ".join([f"{line}.", *_unmatched_note(result)])


def _notes(result: Imported, granularity: Granularity) -> Iterator[str]:
    if result.dates_found and result.dates_found.note:
        yield result.dates_found.note
    idle = sum(to_seconds(start) not in result.counts for start, _ in result.imported)
    if idle:
        have, were = ("has", "was") if idle == 1 else ("have", "were")
        yield (
            f"{_number(idle, granularity)} in this range {have} no rows and {were} imported as zero"
            " usage."
        )
    if result.dates_found and result.imported[-1] == result.dates_found.buckets[-1]:
        newest = _stamp(result.imported[-1], granularity)
        yield (
            f"The newest {granularity}, {newest}, may have been unfinished when the file was made:"
            " a sync, or a later file, will replace it."
        )
    if granularity in {Granularity.HOUR, Granularity.MINUTE}:
        hourly = "hourly" if granularity is Granularity.HOUR else "by-minute"
        yield f"This usage is included in {hourly} answers, but not in daily or monthly ones."
    if granularity is Granularity.MONTH:
        yield "This usage is included in monthly answers until all days of a month are stored."
    if result.unknown:
        names = ", ".join(
            clean(name, 40) or "one without a name" for name in result.unknown[:_NAMED]
        )
        yield (
            f"Unknown columns were ignored: {names}. Rows that differed only in those columns were"
            " combined."
        )
    yield "Exports don't contain the number of BYOK requests, so imported usage has none."
    yield from _unmatched_note(result)


def _unmatched_note(result: Imported) -> Iterator[str]:
    if result.unmatched:
        names = ", ".join(clean(name, 40) for name in result.unmatched[:_NAMED])
        more = (
            f" and {len(result.unmatched) - _NAMED} more" if len(result.unmatched) > _NAMED else ""
        )
        yield (
            "These names match no key or person in OpenRouter, or more than one:"
            f" {names}{more}. Their usage is shown under these names until a sync finds exactly one"
            " match."
        )


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _span(buckets: Sequence[Interval], granularity: Granularity) -> str:
    first, last = _stamp(buckets[0], granularity), _stamp(buckets[-1], granularity)
    return first if first == last else f"{first} to {last}"


def _stamp(bucket: Interval, granularity: Granularity) -> str:
    return bucket[0].strftime(_STAMPS.get(granularity, "%Y-%m-%d %H:%M UTC"))
