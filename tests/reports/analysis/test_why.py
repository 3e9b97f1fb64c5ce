"""Parting a change into volume, mix and price."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.analysis.rounding import largest_remainder
from reports.analysis.why import Cells, CellUsage, ChangeParts, explain

amounts = st.integers(0, 10**13)
tokens = st.integers(0, 10**10)
cells = st.lists(
    st.builds(
        CellUsage,
        st.sampled_from(["prod", "evals", "ci"]),
        st.sampled_from(["opus", "sonnet", "gpt"]),
        tokens,
        tokens,
        amounts,
        amounts,
        st.sampled_from(["Ada", "Grace"]),
    ),
    max_size=12,
)
priced = st.builds(
    lambda key, model, count, price: (key, model, count, price),
    st.sampled_from(["prod", "evals", "ci"]),
    st.sampled_from(["opus", "sonnet", "gpt"]),
    st.integers(1, 10**9),
    st.integers(1, 10**6),
)
distinct = st.lists(priced, min_size=1, max_size=9, unique_by=lambda one: one[:2])


def explained(found, group_of=None):
    return explain(Cells.of(found, group_of))


def one_after_another(found, tokens_before, tokens_now):
    """The parts of cells, rounded one by one: each carries over what those before it are off."""
    off = [Fraction(0)] * 3
    for cell in found:
        change = cell.spend_now - cell.spend_before
        volume, price = Fraction(0), Fraction(0)
        if not tokens_before:
            volume = Fraction(change)
        elif cell.tokens_before:
            volume = Fraction(cell.spend_before * (tokens_now - tokens_before), tokens_before)
            price = cell.spend_now - Fraction(
                cell.tokens_now * cell.spend_before, cell.tokens_before
            )
        else:
            price = Fraction(-cell.spend_before if cell.tokens_now else change)
        exact = [
            one + more
            for one, more in zip(off, (volume, change - volume - price, price), strict=True)
        ]
        parts = largest_remainder(exact, change)
        off = [one - part for one, part in zip(exact, parts, strict=True)]
        yield parts


@given(cells)
def test_the_parts_add_up_to_the_change_of_the_whole_of_each_cell_and_of_each_group(found):
    told = explained(found, lambda cell: cell.creator)
    assert told.parts.change == told.change == told.now - told.before
    for cell in told.cells:
        assert cell.parts.change == cell.usage.spend_now - cell.usage.spend_before
    for parts in ("volume", "mix", "price"):
        whole = getattr(told.parts, parts)
        assert sum(getattr(cell.parts, parts) for cell in told.cells) == whole
        assert sum(getattr(group.parts, parts) for group in told.groups) == whole
    assert sum(group.now for group in told.groups) == told.now


@given(cells)
def test_the_whole_is_the_exact_formula_rounded_by_less_than_two_units(found):
    told = explained(found)
    before = [cell.usage for cell in told.cells if cell.usage.tokens_before]
    v0 = sum(cell.tokens_before for cell in before)
    v1 = sum(cell.usage.tokens_now for cell in told.cells)
    if not v0:
        assert (told.parts.mix, told.parts.price) == (0, 0)
        return
    volume = Fraction(v1 - v0) * sum(cell.spend_before for cell in before) / v0
    assert abs(told.parts.volume - volume) < 2


@given(cells)
def test_cells_and_groups_are_rounded_one_after_another(found):
    added = list(Cells.of(found).rows)
    told = explained(found, lambda cell: cell.model)
    before, now = (sum(cell[at] for cell in added) for at in (2, 3))
    expected = list(one_after_another(added, before, now))
    parts = {cell.usage[:2] + cell.usage[6:]: cell.parts for cell in told.cells}
    assert [parts[cell[:2] + cell[6:]] for cell in added] == expected
    for group in told.groups:
        of_group = [
            one for cell, one in zip(added, expected, strict=True) if cell[1] == group.label
        ]
        assert group.parts == tuple(map(sum, zip(*of_group, strict=True)))


@given(cells, st.integers(1, 4), st.sampled_from([1, -1]), st.integers(0, 10**9))
def test_the_largest_cells_are_the_first_of_all(found, count, sign, least):
    told = explained(found)
    spent = [cell for cell in told.cells if cell.usage.spend_before or cell.usage.spend_now]
    all_ = spent or list(told.cells)
    assert told.largest(count) == (all_[:count], len(all_))
    for part in range(3):
        towards = [cell for cell in told.cells if sign * cell.parts[part] > least]
        towards.sort(key=lambda cell: -abs(cell.parts[part]))
        assert told.towards(part, sign, least, count) == towards[:count]


@given(distinct, st.integers(2, 5))
def test_the_same_usage_several_times_over_is_volume_alone(found, times):
    told = explained(
        CellUsage(k, m, count, count * times, count * price, count * price * times)
        for k, m, count, price in found
    )
    assert (told.parts.mix, told.parts.price) == (0, 0)
    assert told.parts.volume == told.change


@given(distinct, st.integers(1, 10**6))
def test_another_price_of_the_same_tokens_is_price_alone(found, more):
    changed = [
        CellUsage(k, m, count, count, count * price, count * (price + (more if n == 0 else 0)))
        for n, (k, m, count, price) in enumerate(found)
    ]
    told = explained(changed)
    assert (told.parts.volume, told.parts.mix) == (0, 0)
    assert told.parts.price == found[0][2] * more
    assert told.cells[0].usage == changed[0]


@given(distinct, st.data())
def test_merging_two_cells_of_one_price_changes_nothing(found, data):
    key, model, count, price = found[0]
    first = data.draw(st.integers(0, count))
    now = data.draw(st.integers(0, 10**9))
    apart = data.draw(st.integers(0, now))
    rest = [CellUsage(k, m, c, 2 * c, c * p, c * p) for k, m, c, p in found[1:]]
    merged = [CellUsage(key, model, count, now, count * price, now * price), *rest]
    parted = [
        CellUsage(key, "a", first, apart, first * price, apart * price),
        CellUsage(key, "b", count - first, now - apart, (count - first) * price,
                  (now - apart) * price),
        *rest,
    ]  # fmt: skip
    one, two = explained(merged).parts, explained(parted).parts
    for name in ("volume", "mix", "price"):
        assert abs(getattr(one, name) - getattr(two, name)) <= 1


def test_new_and_gone_cells_are_mix():
    told = explained(
        [CellUsage("old", "opus", 100, 0, 500, 0), CellUsage("new", "gpt", 0, 100, 0, 50)]
    )
    assert told.parts == ChangeParts(0, -450, 0)


def test_spend_without_tokens_is_price():
    told = explained(
        [CellUsage("k", "image", 0, 0, 30, 70), CellUsage("k", "opus", 10, 10, 10, 10)]
    )
    assert told.parts == ChangeParts(0, 0, 40)


def test_without_earlier_tokens_all_is_volume():
    assert explained([CellUsage("k", "opus", 0, 10, 0, 70)]).parts == ChangeParts(70, 0, 0)
    assert explained([]).parts == ChangeParts(0, 0, 0)


@given(st.lists(st.fractions(-1000, 1000), max_size=8))
def test_rounded_parts_add_up_and_are_off_by_less_than_one(parts):
    total = round(sum(parts, Fraction(0)))
    rounded = largest_remainder(parts, total)
    assert sum(rounded) == total
    assert all(abs(given - part) <= 1 for given, part in zip(rounded, parts, strict=True))


def test_a_total_that_is_no_rounding_is_refused():
    with pytest.raises(ValueError, match="not the rounded sum"):
        largest_remainder([Fraction(1, 2)], 7)
