"""Following a question up: every choice makes a question that can be asked in words."""

from hypothesis import given
from hypothesis import strategies as st

from reports.questions.follow_up import (
    EVERYTHING,
    OUT,
    PERIODS,
    REFRESH,
    UNGROUPED,
    Choice,
    FollowUpAction,
    chosen,
    fits,
    inside,
)
from reports.questions.grammar import QuestionCommand, parse
from reports.questions.query import Query
from reports.schedules.suggestion import suggest_schedule
from reports.usage.dimensions import Dimension, Filter, Metric
from tests.reports.render.anything import queries

_values = st.one_of(
    st.sampled_from([EVERYTHING, UNGROUPED, REFRESH, *PERIODS, *Metric, *Dimension]),
    st.integers(-3, 30).map(lambda n: f"{OUT}{n}"),
    st.text(max_size=20),
)
_choices = st.builds(Choice, st.sampled_from(list(FollowUpAction)), _values)


def asked(words: str) -> Query:
    read = parse(words)
    assert isinstance(read, QuestionCommand)
    return read.query


def after(words: str, follow: FollowUpAction, value: str) -> str:
    query = chosen(asked(words), Choice(follow, value))
    return query.words() if query else "nothing"


@given(queries, _choices)
def test_every_choice_makes_a_question_or_no_sense(query, choice):
    changed = chosen(query, choice)
    assert changed is None or isinstance(changed.words(), str)


@given(queries, st.sampled_from(list(FollowUpAction)), _values)
def test_a_choice_made_twice_changes_nothing_more(query, follow, value):
    once = chosen(query, Choice(follow, value))
    if once is None or follow is FollowUpAction.INSIDE:
        return
    assert chosen(once, Choice(follow, value)) == once


def test_metric_period_and_dimension_are_put_in_the_place_of_those_asked():
    assert after("spend 7d by key", FollowUpAction.METRIC, "tokens") == "tokens 7d by key"
    assert after("spend 7d by key", FollowUpAction.METRIC, EVERYTHING) == "7d by key"
    assert (
        after("spend 7d by key", FollowUpAction.PERIOD, "last month") == "spend last month by key"
    )
    assert after("spend 7d by key", FollowUpAction.BY, "creator") == "spend 7d by creator"
    assert after("spend 7d by key", FollowUpAction.BY, UNGROUPED) == "spend 7d"
    assert (
        after("spend 7d by key top 3 byok", FollowUpAction.PERIOD, "1y")
        == "spend 1y by key byok top 3"
    )


def test_only_another_period_asks_about_now():
    renewing = [f for f in FollowUpAction if Choice(f, "1d").renews]
    assert renewing == [FollowUpAction.PERIOD]
    assert after("spend 7d", FollowUpAction.PERIOD, REFRESH) == "spend 7d"


def test_inside_a_key_are_its_models_and_inside_a_model_the_people_who_use_it():
    assert inside(asked("tokens 1m by key"), "prod").words() == "tokens 1m by model key:prod"
    assert inside(asked("1m by model"), "gpt").words() == "1m by creator model:gpt"
    assert inside(asked("1m by creator"), "ada").words() == "1m by model creator:ada"
    assert (
        inside(asked("1m by model key:prod"), "gpt").words() == "1m by creator key:prod model:gpt"
    )
    deepest = asked("1m by key creator:ada model:gpt")
    assert inside(deepest, "prod").words() == "1m creator:ada model:gpt key:prod"


def test_inside_a_group_its_own_name_takes_the_place_of_wider_filters():
    assert inside(asked("1m by key key:prod*"), "prod-7").words() == "1m by model key:prod-7"


def test_the_way_out_drops_one_filter_and_groups_by_what_it_was_about():
    assert (
        after("1m by model key:prod model:gpt*", FollowUpAction.INSIDE, "out:0")
        == "1m by key model:gpt*"
    )
    assert after("1m by model key:prod", FollowUpAction.INSIDE, "out:1") == "nothing"
    assert after("1m by model key:prod", FollowUpAction.INSIDE, "out:²") == "nothing"


def test_a_question_too_long_for_words_does_not_fit():
    query = Query(filters=tuple(Filter(Dimension.KEY, f"{n:050}") for n in range(6)))
    assert not fits(query)
    assert fits(asked("1m by key"))


def test_what_becomes_a_schedule_keeps_what_it_is_compared_with():
    words = suggest_schedule(asked("spend 1m by creator vs last month")).words()
    assert "spend last month by creator vs last month" in words
