"""What an import did, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.imports.import_csv import Imported
from bot.store.encoding import to_seconds
from reports.imports.granularity import Dates
from reports.time.timerange import Granularity
from reports.usage.coverage import Interval
from reports.usage.dimensions import NAMES
from reports.wording.safe_text import clean

_STAMPS = {Granularity.MONTH: "%Y-%m", Granularity.DAY: "%Y-%m-%d"}
_NAMED = 3


def summary(done: Imported) -> str:
    """One line on what was imported from a file, then indented lines with details.

    `2024.csv: 1,204 rows of 31 days imported (2024-03-01 to 2024-03-31, by model); 2 days were held
    already and left as they are.`
    """
    if done.cut is None:
        return f"{done.name}: no rows; nothing imported."
    if done.requests is not None:
        return _logs(done, done.cut, done.requests)
    granularity = done.cut.granularity
    taken = set(done.taken)
    left = [bucket for bucket in done.cut.buckets if bucket not in taken]
    partly = ", or days of them," if granularity is Granularity.MONTH else ""
    held = f"{_number(len(left), granularity)}{partly} were held already and left as they are."
    if len(left) == 1:
        partly = ", or days of it," if granularity is Granularity.MONTH else ""
        held = f"1 {granularity}{partly} was held already and left as it is."
    if not done.taken:
        return f"{done.name}: nothing imported; {held}"
    rows = sum(done.counts.get(to_seconds(start), 0) for start, _ in done.taken)
    line = (
        f"{done.name}: {_number(rows, 'row')} of {_number(len(done.taken), granularity)} imported"
        f" ({_span(done.taken, granularity)}, by {NAMES[done.by].label})"
    )
    return "\n  ".join([f"{line}; {held}" if left else f"{line}.", *_notes(done, granularity)])


def _logs(done: Imported, cut: Dates, new: int) -> str:
    """What became of a Logs export: `log.csv: 812 requests imported (...); 3 were counted ...`."""
    total = sum(done.counts.values())
    span = _span(cut.buckets, Granularity.HOUR)
    if not new:
        return (
            f"{done.name}: nothing new in {_number(total, 'request')} ({span}): they were counted"
            " already, or OpenRouter itself has their hours and days."
        )
    line = f"{done.name}: {_number(new, 'request')} imported ({span}, by hour and by day)"
    if total > new:
        line += f"; {total - new:,} more were counted already, or came from OpenRouter itself"
    return "\n  ".join([f"{line}.", *_apart(done)])


def _notes(done: Imported, granularity: Granularity) -> Iterator[str]:
    if done.cut and done.cut.note:
        yield done.cut.note
    idle = sum(to_seconds(start) not in done.counts for start, _ in done.taken)
    if idle:
        yield f"{_number(idle, granularity)} without rows between them: nothing was used."
    if done.cut and done.taken[-1] == done.cut.buckets[-1]:
        newest = _stamp(done.taken[-1], granularity)
        yield (
            f"The newest {granularity}, {newest}, may have been unfinished when the file was made:"
            " a sync, or a file that goes on after it, will replace it."
        )
    if granularity in {Granularity.HOUR, Granularity.MINUTE}:
        yield f"They count in questions by {granularity}, not in those by day or month."
    if granularity is Granularity.MONTH:
        yield "They count in questions by month, until all days of a month are held."
    if done.unknown:
        names = ", ".join(clean(name, 40) or "one without a name" for name in done.unknown[:_NAMED])
        yield f"These columns are not known and were ignored: {names}. Their rows were added up."
    yield "Exports do not say how many requests were BYOK: imported usage counts none."
    yield from _apart(done)


def _apart(done: Imported) -> Iterator[str]:
    if done.apart:
        names = ", ".join(clean(name, 40) for name in done.apart[:_NAMED])
        more = f" and {len(done.apart) - _NAMED} more" if len(done.apart) > _NAMED else ""
        yield (
            f"OpenRouter lists no key or person with this name, or several: {names}{more}. Their"
            " usage is shown under that name until a sync finds exactly one."
        )


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _span(buckets: Sequence[Interval], granularity: Granularity) -> str:
    first, last = _stamp(buckets[0], granularity), _stamp(buckets[-1], granularity)
    return first if first == last else f"{first} to {last}"


def _stamp(bucket: Interval, granularity: Granularity) -> str:
    return bucket[0].strftime(_STAMPS.get(granularity, "%Y-%m-%d %H:%M UTC"))
