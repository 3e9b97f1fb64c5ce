"""The question form asks for every kind of answer, over the real app."""

from __future__ import annotations

import pytest

from bot.demo.slack import validate_view
from reports.block_kit.inputs import Meta
from reports.questions.form_error import FormError
from reports.questions.form_fields import (
    FORECAST_PERIODS,
    QuestionField,
    QuestionFields,
    periods_for,
    read_fields,
)
from reports.questions.grammar import QuestionCommand, parse
from reports.questions.kinds import ANSWERED, EXAMPLES, NEEDS_WORDS, choices
from reports.questions.query import QueryKind
from reports.questions.slack.form import KINDS, view
from tests.bot.modals.test_forms import asked, elements, errors, looked


def test_every_kind_can_be_chosen_and_has_a_name():
    assert {kind for kind, _ in KINDS} == {QueryKind.USAGE, *ANSWERED}
    assert len({label for _, label in KINDS}) == len(KINDS)
    assert KINDS[0][0] is QueryKind.USAGE


@pytest.mark.parametrize("kind", choices())
def test_the_fields_of_every_kind_make_a_question_of_that_kind(kind):
    fields = QuestionFields(kind=kind, extra=EXAMPLES.get(kind, ""))
    query = read_fields(fields)
    assert not isinstance(query, FormError)
    assert query.kind is kind
    again = parse(query.words())
    assert isinstance(again, QuestionCommand)
    assert again.query == query
    assert validate_view(view(fields, Meta(), "x")) == []


@pytest.mark.parametrize("kind", choices())
def test_every_period_that_is_offered_fits_the_kind(kind):
    for period, _ in periods_for(kind):
        fields = QuestionFields(
            kind=kind, period=period, span=period, other="2w", extra=EXAMPLES.get(kind, "")
        )
        found = read_fields(fields)
        assert not isinstance(found, FormError), (period, found)


def test_one_model_alone_means_that_everything_is_repriced_on_it():
    query = read_fields(QuestionFields(kind=QueryKind.WHATIF, extra="sonnet"))
    assert not isinstance(query, FormError)
    assert query.words() == "whatif all -> sonnet 1m"


def test_a_forecast_has_only_periods_that_are_still_running():
    assert {words for words, _ in periods_for(QueryKind.FORECAST)} > FORECAST_PERIODS
    left_over = QuestionFields(kind=QueryKind.FORECAST, span="last month", metric="tokens")
    query = read_fields(left_over)
    assert not isinstance(query, FormError)
    assert query.words() == "forecast this month"


@pytest.mark.parametrize("kind", sorted(NEEDS_WORDS))
def test_what_a_kind_cannot_do_without_is_asked_for_at_its_field(kind):
    for extra in ("", "by key"):
        found = read_fields(QuestionFields(kind=kind, extra=extra))
        assert isinstance(found, FormError) or not found.extra
        if isinstance(found, FormError):
            assert found.field == QuestionField.EXTRA


def test_answers_of_other_kinds_come_from_the_form(administered):
    form = asked(administered)
    said = looked(administered, form, QuestionField.KIND, "price")
    assert "`/activity price 1m`" in said
    assert "for a million tokens" in said
    shown = elements(form)
    assert QuestionField.METRIC not in shown
    assert QuestionField.SPAN in shown
    values = {QuestionField.KIND: "price", QuestionField.BY: "model"}
    assert administered.bot_client.submit("ada", form["id"], values).body == ""
    form = asked(administered)
    said = looked(administered, form, QuestionField.KIND, "limits")
    assert "`/activity limits`" in said
    assert QuestionField.BY not in elements(form)
    values = {QuestionField.KIND: "limits"}
    assert administered.bot_client.submit("ada", form["id"], values).body == ""
    dm = administered.slack.im("ada").id
    administered.slack.wait_for(lambda: len(administered.slack.messages(dm)) == 2)
    titles = sorted(one["text"].split(",")[0] for one in administered.slack.messages(dm))
    assert titles[0].startswith("Limits")
    assert titles[1] == "Price by model"


def test_plain_words_are_read_in_the_fields_and_mistakes_are_said_there(administered):
    form = asked(administered)
    looked(administered, form, QuestionField.KIND, "why")
    said = looked(
        administered, form, QuestionField.SPAN, "other",
        **{QuestionField.KIND: "why", QuestionField.SPAN: "other"},
    )  # fmt: skip
    values = {
        QuestionField.KIND: "why",
        QuestionField.SPAN: "other",
        QuestionField.OTHER: "the last three days",
        QuestionField.WHOSE: "only grace",
    }
    said = looked(administered, form, QuestionField.OTHER, "the last three days", **values)
    assert "why spend 3d creator:" in said
    assert "grace" in said.lower()
    looked(administered, form, QuestionField.KIND, "whatif", **{QuestionField.KIND: "whatif"})
    values = {QuestionField.KIND: "whatif", QuestionField.EXTRA: "opus ->"}
    wrong = errors(administered.bot_client.submit("ada", form["id"], values))
    assert list(wrong) == [QuestionField.EXTRA]
