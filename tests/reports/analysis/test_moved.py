from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from reports.analysis.document import AnalysisDocument
from reports.analysis.moved import Moved, Names
from reports.analysis.moved_answer import moved_answer
from reports.analysis.why_answer import ComparedRanges, DataStatus
from reports.questions.query import Query, QueryKind
from reports.time.period import Counted, Unit
from reports.time.time_range import Granularity, TimeRange
from reports.usage.dimensions import Dimension, Metric
from reports.usage.format import figure

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)

Used = dict[Names, tuple[int, int]]
"""What groups used before and now."""

used = st.tuples(st.integers(0, 9), st.integers(0, 9))  # so few that many changes are equal
pairs = st.dictionaries(st.tuples(st.text("ab", min_size=1), st.sampled_from("mno")), used)
groups = st.dictionaries(st.tuples(st.text("abc", min_size=1)), used)


def of(found: Used, looked_up: list[Names] | None = None) -> Moved:
    names = list(found)

    def named(at: int) -> Names:
        if looked_up is not None:
            looked_up.append(names[at])
        return names[at]

    return Moved(
        [before for before, _ in found.values()], [now for _, now in found.values()], named
    )


def answer(moved: Moved, top: int, by: Dimension | None = None) -> AnalysisDocument:
    now = TimeRange((NOON,), NOON + DAY, Granularity.DAY, NOON + DAY)
    before = TimeRange((NOON - DAY,), NOON, Granularity.DAY, NOON)
    query = Query(Metric.TOKENS, Counted(1, Unit.DAY), by, kind=QueryKind.WHY, top=top)
    return moved_answer(query, ComparedRanges(before, now), moved, DataStatus(NOON))


def signed(change: int) -> str:
    return f"{'+' if change > 0 else ''}{figure(Metric.TOKENS, change)}"


def row(names: Names, all_: list[tuple[int, int]]) -> tuple[str, ...]:
    before, now = (sum(one[at] for one in all_) for at in (0, 1))
    return (*names, *(figure(Metric.TOKENS, one) for one in (before, now)), signed(now - before))


def from_all(found: Used, top: int, blank: Names) -> tuple[list[tuple[str, ...]], str]:
    """The rows and the sentence about the largest changes, from all groups."""
    changes = [(names, one) for names, one in found.items() if one[0] != one[1]]
    changes.sort(key=lambda one: (-abs(one[1][1] - one[1][0]), one[0]))
    rows = [row(names, [one]) for names, one in changes[:top]]
    if others := [one for _, one in changes[top:]]:
        rows.append(row((f"Others ({len(others)})", *blank), others))
    if len(changes) > 1:
        rows.append(row(("All", *blank), list(found.values())))
    named = (
        f"{' × '.join(names)} {signed(now - before)}"
        for names, (before, now) in changes[: min(3, top)]
    )
    return rows, f"Largest changes: {', '.join(named)}."


@given(pairs, st.integers(1, 6))
def test_a_message_shows_the_same_of_pairs_as_if_all_were_named(found: Used, top: int) -> None:
    shown, (rows, sentence) = answer(of(found), top), from_all(found, top, ("",))
    assert list(shown.rows) == rows
    assert (sentence in shown.sentences) == bool(rows)


@given(groups, st.integers(1, 6))
def test_a_message_shows_the_same_of_groups_as_if_all_were_named(found: Used, top: int) -> None:
    shown = answer(of(found), top, Dimension.KEY)
    rows, sentence = from_all(found, top, ())
    assert list(shown.rows) == rows
    assert (sentence in shown.sentences) == bool(rows)
    assert list(shown.groups) == [one[0] for one in rows[: len(shown.groups)]]


@given(pairs, st.integers(1, 6))
def test_files_have_every_pair_that_changed(found: Used, top: int) -> None:
    shown = answer(of(found), top)
    changed = {names: one for names, one in found.items() if one[0] != one[1]}
    told = [(one["key"], one["model"], one["from"], one["to"]) for one in shown.data()["cells"]]
    assert told == [line[:4] for line in shown.exact().rows]
    assert {line[:2]: line[2:4] for line in told} == changed
    sizes = [(-abs(line[3] - line[2]), line[:2]) for line in told]
    assert sizes == sorted(sizes)


@given(pairs, st.integers(1, 6))
def test_only_pairs_that_change_as_much_as_those_shown_are_named(found: Used, top: int) -> None:
    looked_up: list[Names] = []
    answer(of(found, looked_up), top)
    sizes = {names: abs(now - before) for names, (before, now) in found.items()}
    least = sorted((size for size in sizes.values() if size), reverse=True)[:top][-1:]
    assert sorted(looked_up) == sorted(
        names for names, size in sizes.items() if least and size >= least[0]
    )


def test_tokens_and_requests_are_parted_by_who_moved() -> None:
    moved = of({("Ada",): (5, 1), ("Alan",): (2, 2), ("Grace",): (0, 3)})
    assert moved.largest() == [(("Ada",), 5, 1), (("Grace",), 0, 3)]
    assert [one.change for one in moved.largest()] == [-4, 3]
    assert moved.without(moved.largest(1)) == (1, 0, 3)
