"""What stands under an answer: the present question is chosen, every group can be looked into."""

import pytest

from reports.questions.follow_up import Choice, FollowUpAction, chosen
from reports.questions.grammar import QuestionCommand, parse
from reports.questions.query import Query, Versus
from reports.questions.slack.answer import answer
from reports.questions.slack.controls import Controls
from reports.questions.summary import Summary
from reports.time.period import Calendar, Counted, DateSpan, Unit
from reports.usage.dimensions import Dimension, Filter, Metric
from tests.reports.render.samples import KEYS, MODELS, MONTH, NOW, rows, time_range
from tests.reports.render.samples import answer as answered

SPAN = time_range(MONTH)
BY_KEY = Query(Metric.TOKENS, MONTH, Dimension.KEY)


def controls(query: Query, **more: object) -> Controls:
    names = MODELS if query.by is Dimension.MODEL else KEYS
    return Controls("s", "v", {name: f"id of {name}" for name in names}, **more)


def shown(query: Query, used: bool = True) -> Summary:
    return answered(query, rows(SPAN, by=query.by or Dimension.KEY) if used else [], SPAN)


def elements(summary: Summary, **more: object) -> dict[str, dict]:
    blocks = answer(summary, controls=controls(summary.query, **more)).blocks
    rows_ = [block for block in blocks if block["type"] == "actions"]
    return {element["action_id"]: element for row in rows_ for element in row["elements"]}


def words(select: dict) -> list[str]:
    return [option["text"]["text"] for option in select["options"]]


@pytest.mark.parametrize(
    ("query", "present"),
    [
        (BY_KEY, ["Tokens", "Past month", "By API key"]),
        (Query(), ["All metrics", "Past day", "Not grouped"]),
        (Query(period=Counted(7, Unit.DAY)), ["All metrics", "Past 7 days", "Not grouped"]),
        (Query(None, Calendar(Unit.DAY, last=True)), ["All metrics", "Yesterday", "Not grouped"]),
        (
            Query(period=DateSpan(NOW.date(), NOW.date())),
            ["All metrics", "22 Nov 2026", "Not grouped"],
        ),
    ],
)
def test_the_present_question_is_what_is_chosen(query, present):
    selects = [e for e in elements(shown(query)).values() if e["type"] == "static_select"][:4]
    chosen_ = [select["initial_option"]["text"]["text"] for select in selects]
    assert chosen_ == [*present, "Compare with …"]
    assert all(select["initial_option"] in select["options"] for select in selects)


def test_every_option_is_a_question():
    found = elements(shown(BY_KEY))
    for follow in (
        FollowUpAction.METRIC,
        FollowUpAction.PERIOD,
        FollowUpAction.BY,
        FollowUpAction.VERSUS,
    ):
        for option in found[follow]["options"]:
            assert chosen(BY_KEY, Choice(follow, option["value"])) is not None


def test_a_chosen_option_stands_for_what_it_says():
    select = elements(shown(BY_KEY))[FollowUpAction.PERIOD]
    for option in select["options"][1:]:
        read = parse(option["value"])
        assert isinstance(read, QuestionCommand)
        again = elements(shown(Query(period=read.query.period)))[FollowUpAction.PERIOD]
        assert again["initial_option"] == option


@pytest.mark.parametrize(
    ("period", "offered"),
    [
        ("3h", ["vs the 3 hours before", "vs a day earlier", "vs a week earlier"]),
        ("5d", ["vs the 5 days before", "vs a week earlier"]),
        ("2y", ["vs the 2 years before"]),
    ],
)
def test_it_is_compared_with_nothing_that_it_is_longer_than(period, offered):
    read = parse(period)
    assert isinstance(read, QuestionCommand)
    span = time_range(read.query.period)
    select = elements(answered(read.query, rows(span), span))[FollowUpAction.VERSUS]
    found = words(select)[1:]
    assert found[: len(offered)] == offered
    longer = ["vs a day earlier", "vs a week earlier", "vs a month earlier", "vs a year earlier"]
    assert found[1:] == longer[len(longer) - len(found) + 1 :]


@pytest.mark.parametrize(
    ("period", "offered"),
    [
        ("1d", ["the day before", "a week earlier", "a month earlier", "a year earlier"]),
        ("24h", ["the 24 hours before", "a week earlier", "a month earlier", "a year earlier"]),
        ("yesterday", ["the day before", "a week earlier", "a month earlier", "a year earlier"]),
        ("2026-10-03", ["the day before", "a week earlier", "a month earlier", "a year earlier"]),
        ("7d", ["the 7 days before", "a month earlier", "a year earlier"]),
        ("last week", ["the week before", "a month earlier", "a year earlier"]),
        ("this month", ["the month before", "a year earlier"]),
        ("2026-10", ["the month before", "a year earlier"]),
        ("1y", ["the year before"]),
    ],
)
def test_what_means_the_same_is_offered_once(period, offered):
    read = parse(period)
    assert isinstance(read, QuestionCommand)
    span = time_range(read.query.period)
    select = elements(answered(read.query, rows(span), span))[FollowUpAction.VERSUS]
    assert words(select)[1:] == [f"vs {one}" for one in offered]


def test_what_was_chosen_stays_on_offer_in_its_own_words():
    query = Query(Metric.SPEND, Counted(1, Unit.DAY), versus=Versus.DAY)
    span = time_range(query.period)
    select = elements(answered(query, rows(span), span))[FollowUpAction.VERSUS]
    assert words(select)[1:] == [
        "vs a day earlier", "vs a week earlier", "vs a month earlier", "vs a year earlier"
    ]  # fmt: skip
    assert select["initial_option"]["text"]["text"] == "vs a day earlier"


def test_each_group_that_is_shown_can_be_looked_into_and_the_others_cannot():
    select = elements(shown(BY_KEY))[FollowUpAction.INSIDE]
    table = next(b for b in answer(shown(BY_KEY)).blocks if b["type"] == "table")
    in_table = [row[0]["text"] for row in table["rows"][1:-2]]
    assert words(select) == in_table
    assert select["placeholder"]["text"] == "Look inside an API key"
    assert [option["value"] for option in select["options"]] == [f"id of {n}" for n in in_table]


def test_a_filter_can_be_left_again():
    query = Query(Metric.SPEND, MONTH, None, (Filter(Dimension.KEY, "beebox"),))
    select = elements(shown(query))[FollowUpAction.INSIDE]
    assert words(select) == ["‹ Without key:beebox"]
    assert select["placeholder"]["text"] == "Filters"


def test_an_answer_that_is_neither_grouped_nor_filtered_has_nothing_to_look_into():
    assert FollowUpAction.INSIDE not in elements(shown(Query()))


def test_an_empty_answer_asks_for_something_else_and_exports_nothing():
    query = Query(Metric.SPEND, MONTH, Dimension.KEY, (Filter(Dimension.KEY, "beebox"),))
    found = elements(shown(query, used=False))
    assert list(found) == [
        FollowUpAction.METRIC,
        FollowUpAction.PERIOD,
        FollowUpAction.BY,
        FollowUpAction.INSIDE,
    ]
    assert words(found[FollowUpAction.INSIDE]) == ["‹ Without key:beebox"]


def test_only_an_answer_for_one_among_several_can_be_shared():
    assert "answer_share" in elements(shown(BY_KEY), private=True)
    assert "answer_share" not in elements(shown(BY_KEY))


def test_there_are_two_rows_and_the_selects_carry_the_state():
    blocks = answer(shown(BY_KEY), controls=controls(BY_KEY)).blocks
    selects, buttons = [block for block in blocks if block["type"] == "actions"]
    assert selects["block_id"] == "s"
    assert {element["value"] for element in buttons["elements"]} == {"v"}


def test_who_sees_their_own_use_alone_is_offered_no_way_out_of_it():
    filters = (Filter(Dimension.KEY, "prod"), Filter(Dimension.CREATOR, "me"))
    query = Query(Metric.TOKENS, MONTH, filters=filters)
    ways = elements(shown(query))[FollowUpAction.INSIDE]["options"]
    assert [one["text"]["text"] for one in ways] == ["‹ Without key:prod", "‹ Without creator:me"]
    assert elements(shown(query), own_only=True)[FollowUpAction.INSIDE]["options"] == ways[:1]
    alone = Query(Metric.TOKENS, MONTH, filters=filters[1:])
    assert FollowUpAction.INSIDE not in elements(shown(alone), own_only=True)
