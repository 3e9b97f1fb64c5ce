"""Large windows are replaced in several steps; after each of them the sums are right."""

from hypothesis import given
from hypothesis import strategies as st

from bot.store.encoding import ALL_OF, MEMBERS_OF, MODELS, StoredView
from bot.store.usage.diff import changes
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
        for dimension, one in places + [(MODELS, model)] * (view is StoredView.KEY):
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


@given(rows, rows, st.integers(1, 12), st.booleans())
def test_every_step_leaves_the_sums_right_and_the_last_one_the_rows(old, new, most, months):
    kept, added, in_months = dict(old), sums(old), by_month(sums(old))
    for change in changes(old, new, months=months, most=most):
        assert 0 < change.rows <= most
        for key in change.gone:
            del kept[key]
        kept.update(change.written)
        for place, usage in change.added.items():
            add(added, place, usage)
        for place, usage in change.months.items():
            add(in_months, place, usage)
        assert used(added) == used(sums(kept))
        if months:
            assert used(in_months) == used(by_month(sums(kept)))
        else:
            assert change.months == {}
    assert kept == new


@given(rows, rows, st.integers(1, 12))
def test_a_bucket_that_fits_is_changed_in_one_step(old, new, most):
    touched = {}
    for step, change in enumerate(changes(old, new, months=False, most=most)):
        for view, bucket, *place in [*change.gone, *(key for key, _ in change.written)]:
            touched.setdefault(bucket, []).append((step, view, *place))
    for steps in touched.values():
        assert len(steps) > most or len({step for step, *_ in steps}) == 1


def test_what_is_the_same_is_left_alone():
    same = {(StoredView.KEY, JANUARY, 1, 1): Usage(1)}
    assert changes(same, dict(same), months=True) == []
