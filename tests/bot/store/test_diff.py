"""Large windows are replaced in several steps; after each of them the sums are right."""

from hypothesis import given
from hypothesis import strategies as st

from bot.store.encoding import ALL_OF, MEMBERS_OF, MODELS_OF, StoredView
from bot.store.usage.diff import changes
from bot.store.usage.filled_months import Mark, contain
from reports.usage.usage import ZERO, Usage

JANUARY, DAY = 1_767_225_600, 86_400
rows = st.dictionaries(
    st.tuples(
        st.sampled_from(StoredView),
        st.integers(0, 40).map(lambda n: JANUARY + n * DAY),
        st.integers(1, 4),
        st.integers(1, 3),
    ),
    st.builds(
        Usage,
        st.integers(1, 9),
        prompt=st.integers(0, 9),
        credits=st.integers(-9, 9),
        cached=st.just(0),
        saved=st.just(0),
    ),
    max_size=40,
)


def sums(kept):
    """What rows add up to, by dimension, member and bucket."""
    found = {}
    for (view, bucket, member, model), usage in kept.items():
        places = [(ALL_OF[view], 0), (MEMBERS_OF[view], member)]
        for dimension, one in [*places, (MODELS_OF[view], model)]:
            add(found, (dimension, one, bucket), usage)
    return found


def by_month(found):
    months = {}
    for (dimension, member, bucket), usage in found.items():
        first = JANUARY if bucket < JANUARY + 31 * DAY else JANUARY + 31 * DAY
        add(months, (dimension, member, first), usage)
    return months


def add(found, place, usage):
    found[place] = Usage(*map(sum, zip(found.get(place, ZERO), usage, strict=True)))


def used(found):
    return {place: usage for place, usage in found.items() if usage != ZERO}


def rows_by_month(kept, marks):
    """What rows by month contain, given how far."""
    found = {}
    for (view, bucket, member, model), usage in kept.items():
        if contain(marks, view, bucket, member):
            add(found, (view, JANUARY if bucket < JANUARY + 31 * DAY else JANUARY + 31 * DAY,
                        member, model), usage)  # fmt: skip
    return found


marks_of_days = st.dictionaries(
    st.sampled_from(StoredView),
    st.builds(Mark, st.integers(-1, 41).map(lambda n: JANUARY + n * DAY), st.integers(0, 5)),
)


@given(rows, rows, st.integers(1, 12), st.none() | marks_of_days)
def test_every_step_leaves_the_sums_right_and_the_last_one_the_rows(old, new, most, marks):
    kept, added, in_months = dict(old), sums(old), by_month(sums(old))
    month_rows = rows_by_month(old, marks or {})
    for change in changes(old, new, marks=marks, most=most):
        assert 0 < change.rows <= most
        for key in change.gone:
            del kept[key]
        assert not kept.keys() & dict(change.new).keys()
        assert kept.keys() >= dict(change.changed).keys()
        kept.update([*change.new, *change.changed])
        for place, usage in change.added.items():
            add(added, place, usage)
        for place, usage in change.months.items():
            add(in_months, place, usage)
        for place, usage in change.month_rows.items():
            add(month_rows, place, usage)
        assert used(added) == used(sums(kept))
        if marks is None:
            assert change.months == change.month_rows == {}
        else:
            assert used(in_months) == used(by_month(sums(kept)))
            assert used(month_rows) == used(rows_by_month(kept, marks))
    assert kept == new


def writes(change):
    """The rows that a step writes, with those by month, and the sums of members."""
    members = [one for one in (*change.added, *change.months) if one[0] in MEMBERS_OF.values()]
    return change.rows + len(change.month_rows) + len(members)


@given(rows, rows, st.integers(8, 40), marks_of_days)
def test_a_step_writes_no_more_rows_and_sums_than_it_may(old, new, most, marks):
    for change in changes(old, new, marks=marks, most=most):
        places = [*change.gone, *dict(change.new), *dict(change.changed)]
        days = {bucket for _, bucket, _, _ in places}
        # of a day that doesn't fit, each part has as many rows as another, but maybe more members
        assert writes(change) <= most or len(days) == 1
        assert change.rows <= most


@given(rows, rows, st.integers(1, 40), st.none() | marks_of_days)
def test_a_bucket_that_fits_is_changed_in_one_step(old, new, most, marks):
    different: dict[int, int] = {}
    for key in {*old, *new}:
        if old.get(key) != new.get(key):
            different[key[1]] = different.get(key[1], 0) + 1
    steps = {}
    for step, change in enumerate(changes(old, new, marks=marks, most=most)):
        for _, bucket, *_ in [*change.gone, *dict(change.new), *dict(change.changed)]:
            steps.setdefault(bucket, set()).add(step)
    for bucket, rows in different.items():
        # for each, at most a row, one by month, and the member's sums of the day and of the month
        assert 4 * rows > most or len(steps[bucket]) == 1


@given(rows, rows, st.none() | marks_of_days)
def test_what_fits_into_one_step_is_one(old, new, marks):
    assert len(changes(old, new, marks=marks, most=4 * len(old) + 4 * len(new))) <= 1


def test_what_is_the_same_is_left_alone():
    same = {(StoredView.KEY, JANUARY, 1, 1): Usage(1)}
    assert changes(same, dict(same), marks={}, most=9) == []
