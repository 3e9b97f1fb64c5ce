"""A form makes what words make: the same values, the same defaults, the same sentences."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.natural.names import KnownNames
from reports.questions.form_error import FormError
from reports.questions.grammar import CommandError
from reports.questions.query import FileFormat, Query
from reports.reader import Clock, read
from reports.schedules import cron
from reports.schedules.form_fields import ScheduleField, ScheduleFields, fields_of, read_fields
from reports.schedules.grammar import ScheduledQuestion, ScheduleTarget, parse_schedule
from reports.schedules.recurrence import Daily, Monthly, TargetKind, Weekly, usual_period
from reports.usage.dimensions import STORED, Filter, Metric

rules = st.one_of(
    st.just(Daily()),
    st.builds(Weekly, st.frozensets(st.integers(0, 6), min_size=1)),
    st.builds(Monthly, st.none() | st.integers(1, 31)),
)
places = st.sampled_from(
    [
        ScheduleTarget(TargetKind.PERSON),
        ScheduleTarget(TargetKind.CREATORS),
        ScheduleTarget(TargetKind.CHANNEL, "C1"),
    ]
)
filters = st.lists(
    st.builds(Filter, st.sampled_from(STORED), st.sampled_from(["prod", "me", "Prod key", "a*"])),
    max_size=2,
    unique=True,
)


@st.composite
def standings(draw: st.DrawFn) -> ScheduledQuestion:
    """Anything that words can set up."""
    rule = draw(rules)
    query = Query(
        metric=draw(st.none() | st.sampled_from(Metric)),
        period=usual_period(draw(st.just(rule) | rules)),
        by=draw(st.none() | st.sampled_from(STORED)),
        filters=tuple(draw(filters)),
        top=draw(st.sampled_from([10, 3])),
        files=tuple(
            draw(st.sampled_from([(), (FileFormat.CSV,), (FileFormat.CSV, FileFormat.PDF)]))
        ),
    )
    at = time(draw(st.integers(0, 23)), draw(st.integers(0, 59)))
    zone = draw(st.sampled_from(["Europe/Berlin", "UTC", "Asia/Kathmandu"]))
    made = ScheduledQuestion(query, rule, at, zone, draw(places))
    found = parse_schedule(f"schedule {made.words()}")
    assert isinstance(found, ScheduledQuestion)
    return replace(found, target=made.target)


@given(standings())
def test_what_words_set_up_goes_through_a_form_unchanged(standing):
    assert read_fields(fields_of(standing, "UTC")) == standing


def test_a_cron_expression_goes_through_a_form_unchanged():
    rule, at = cron.parse("30 8 * * 1-5")
    standing = parse_schedule("schedule 30 8 * * 1-5 spend by key UTC to me")
    assert isinstance(standing, ScheduledQuestion)
    assert (standing.rule, standing.at) == (rule, at)
    assert read_fields(fields_of(standing, "UTC")) == standing


def test_an_empty_form_is_what_the_bare_words_are():
    usual = parse_schedule("schedule weekly to me UTC")
    assert read_fields(ScheduleFields()) == usual


def test_another_rhythm_brings_another_period():
    weekly = parse_schedule("schedule weekly spend by key UTC to me")
    assert isinstance(weekly, ScheduledQuestion)
    fields = fields_of(weekly, "UTC")
    assert fields.question == "spend by key"
    daily = read_fields(replace(fields, often="daily"))
    assert daily == parse_schedule("schedule daily spend by key UTC to me")


@pytest.mark.parametrize(
    ("changes", "field", "problem"),
    [
        ({"zone": "Europe/Berln"}, ScheduleField.ZONE, "Did you mean Europe/Berlin?"),
        ({"zone": ""}, ScheduleField.ZONE, "Enter a time zone."),
        ({"days": ()}, ScheduleField.DAYS, "Choose at least one day of the week."),
        ({"at": ""}, ScheduleField.AT, "Choose a time of day."),
        ({"at": "24:00"}, ScheduleField.AT, "Choose a time of day."),
        ({"at": "25:00"}, ScheduleField.AT, "Choose a time of day."),
        ({"often": "cron", "cron": "* * * * *"}, ScheduleField.CRON, "For example: "),
        ({"often": "cron", "cron": "nonsense"}, ScheduleField.CRON, "For example: "),
        ({"to": "channel"}, ScheduleField.CHANNEL, "Choose a channel"),
        ({"question": "spnd by key"}, ScheduleField.QUESTION, "Did you mean: spend by key"),
        ({"question": "spnd 30d by key"}, ScheduleField.QUESTION, "Did you mean: spend 30d by key"),
        ({"question": "spend by key daily"}, ScheduleField.QUESTION, "their own fields"),
        ({"question": "help"}, ScheduleField.QUESTION, "Enter a question"),
        ({"question": "spend 2026-10"}, ScheduleField.QUESTION, "can't report on"),
        ({"question": "spend daily"}, ScheduleField.QUESTION, ""),
        ({"question": "spend in #finance"}, ScheduleField.QUESTION, ""),
        ({"question": "spend tz Europe/Berlin"}, ScheduleField.QUESTION, "their own fields"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(changes, field, problem):
    found = read_fields(replace(ScheduleFields(), **changes))
    assert isinstance(found, FormError)
    assert found.field == field
    assert problem in found.problem
    assert 0 < len(found.problem) <= 1_000


text = st.text(max_size=40)


@given(
    st.builds(
        ScheduleFields,
        question=text,
        often=st.sampled_from(["daily", "weekly", "monthly", "cron"]),
        month_day=st.sampled_from(["1", "31", "last"]),
        cron=text,
        at=text,
        zone=text | st.just("UTC"),
        to=st.sampled_from(list(TargetKind)),
    )
)
def test_whatever_is_typed_is_read_or_said_to_be_wrong(fields):
    found = read_fields(fields)
    assert isinstance(found, ScheduledQuestion | FormError)


def test_the_question_may_be_in_natural_language() -> None:
    today = Clock(datetime(2026, 11, 22, 10, 31, tzinfo=UTC))
    known = KnownNames(models=("openai/gpt-5.1",), people=(("Grace", "grace@example.com"),))

    def rewrite(text: str) -> str | CommandError:
        found = read(text, lambda: known, today)
        assert found is not None
        return found if isinstance(found, CommandError) else found.words

    typed = replace(ScheduleFields(), question="how much did grace spend on gpt")
    plain = replace(ScheduleFields(), question="spend creator:grace@example.com model:*gpt*")
    assert read_fields(typed, rewrite) == read_fields(plain)
    wrong = read_fields(replace(typed, question="how much did linus spend"), rewrite)
    assert isinstance(wrong, FormError)
    assert wrong.field == ScheduleField.QUESTION
    assert "“linus”" in wrong.problem
