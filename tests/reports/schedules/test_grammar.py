"""The grammar of `schedule`, and its error messages."""

from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.commands import parse_command
from reports.questions.grammar import CommandError, HelpCommand, QuestionCommand
from reports.questions.query import FileFormat
from reports.schedules.grammar import (
    EXAMPLES,
    ListSchedules,
    ScheduledQuestion,
    ScheduleTarget,
    parse_schedule,
)
from reports.schedules.recurrence import WORKDAYS, Daily, Monthly, TargetKind, Weekly
from reports.usage.dimensions import Dimension, Metric

FINANCE = ScheduleTarget(TargetKind.CHANNEL, "C0FIN", "finance")


def said(text: str) -> ScheduledQuestion:
    found = parse_command(f"schedule {text}")
    assert isinstance(found, ScheduledQuestion), found
    return found


def test_it_reads_the_whole_of_it():
    found = said("weekly spend by creator in <#C0FIN|finance> mon 9:00 Europe/Berlin")
    assert (found.rule, found.at, found.zone) == (Weekly(), time(9), "Europe/Berlin")
    assert found.target == FINANCE
    assert (found.query.metric, found.query.by) == (Metric.SPEND, Dimension.CREATOR)
    assert str(found.query.period) == "last week"


def test_it_has_a_default_for_everything():
    found = said("weekly")
    assert found.words() == "weekly mon 09:00 spend last week by creator"
    assert (found.zone, found.target) == (None, ScheduleTarget())


@pytest.mark.parametrize(
    ("text", "rule", "period"),
    [
        ("daily", Daily(), "yesterday"),
        ("every day", Daily(), "yesterday"),
        ("weekdays", Weekly(WORKDAYS), "yesterday"),
        ("every monday", Weekly(), "last week"),
        ("mon,thu", Weekly(frozenset({0, 3})), "yesterday"),
        ("tue fri", Weekly(frozenset({1, 4})), "yesterday"),
        ("monthly", Monthly(1), "last month"),
        ("monthly 15", Monthly(15), "last month"),
        ("monthly on the 15th", Monthly(15), "last month"),
        ("monthly last", Monthly(None), "last month"),
        ("monthly last day", Monthly(None), "last month"),
        ("monthly last week", Monthly(1), "last week"),
        ("monthly last 3 months", Monthly(1), "3m"),
        ("weekly 1m", Weekly(), "last month"),
        ("daily mtd", Daily(), "last month"),
        ("weekly 1d", Weekly(), "yesterday"),
    ],
)
def test_it_reads_rhythms_and_makes_the_period_complete(text, rule, period):
    found = said(f"spend {text}")
    assert (found.rule, str(found.query.period)) == (rule, period)


@pytest.mark.parametrize(
    ("text", "at"),
    [("9:00", time(9)), ("17:30", time(17, 30)), ("9am", time(9)), ("5pm", time(17)),
     ("12:15am", time(0, 15)), ("12pm", time(12)), ("6:30 pm", time(18, 30))],
)  # fmt: skip
def test_it_reads_times(text, at):
    assert said(f"daily spend {text}").at == at


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("in <#C0FIN|finance>", FINANCE),
        ("<#C0FIN|finance>", FINANCE),
        ("in <#C0PRIV|>", ScheduleTarget(TargetKind.CHANNEL, "C0PRIV", "")),
        ("in &lt;#C0FIN|finance&gt;", FINANCE),
        ("to me", ScheduleTarget(TargetKind.PERSON)),
        ("to creators", ScheduleTarget(TargetKind.CREATORS)),
        ("here", ScheduleTarget()),
    ],
)
def test_it_reads_places(text, place):
    assert said(f"weekly spend {text}").target == place


def test_it_takes_files_and_filters_along():
    found = said('weekly spend by model key:"Prod key" csv pdf top 5 tz Asia/Kathmandu')
    assert found.query.files == (FileFormat.CSV, FileFormat.PDF)
    assert (found.query.top, found.zone) == (5, "Asia/Kathmandu")
    assert found.query.filters[0].pattern == "Prod key"


@pytest.mark.parametrize(
    "text", ['0 9 * * 1 spend', 'cron 0 9 * * 1 spend', '"0 9 * * 1" spend', "spend 0 9 * * mon"]
)  # fmt: skip
def test_it_reads_cron_wherever_it_stands(text):
    found = said(text)
    assert (found.at, str(found.query.period)) == (time(9), "last week")
    assert found.rule.matches.__self__.weekdays == frozenset({1})


@pytest.mark.parametrize(
    ("text", "problem", "suggestion"),
    [
        (
            "weekly spend by creator mon 9:00 Europe/Berln",
            "I don't recognize the time zone “Europe/Berln”. Use a name like Europe/Berlin.",
            "schedule weekly mon 09:00 Europe/Berlin spend last week by creator",
        ),
        ("daily spend 25:00", "I can't read “25:00” as a time. Write it like 9:00 or 17:30.", ""),
        (
            "daily spend 9",
            "I can't read “9” as a time or a period. Write a time like 9:00.",
            "schedule daily 09:00 spend yesterday",
        ),
        (
            "weekly spend #finanse",
            (
                "I can't tell which channel “#finanse” is. Pick it from the list that Slack shows"
                " while you type. For a private channel, use `here` inside it."
            ),
            "schedule weekly mon 09:00 spend last week here",
        ),
        ("0 9 31 2 * spend", "There is no such day in any year, so it would never run.", ""),
        (
            "weekly spend 2026-10 by model",
            (
                "A schedule can't report on “2026-10”. It reports on whole days, weeks, months or"
                " years, like yesterday, last week or `1m`."
            ),
            "",
        ),
        (
            "daily spend 1h",
            (
                "A schedule can't report on “1h”. It reports on whole days, weeks, months or years,"
                " like yesterday, last week or `1m`."
            ),
            "",
        ),
        (
            "weekly spend by creatr",
            "You can group by model, key or creator",
            "schedule weekly mon 09:00 spend last week by creator",
        ),
        (
            "wekly spend by model",
            "I don't recognize “wekly”.",
            "schedule weekly mon 09:00 spend last week by model",
        ),
        ("hourly spend", "A report can be sent at most once a day.", ""),
        ("monthly 32 spend", "No month has a day 32.", ""),
        ("daily mon spend", "`daily` already says which days. Keep it or the day, not both.", ""),
        ("daily weekly spend", "Choose either `daily` or `weekly`.", ""),
        ("daily spend 9:00 10:00", "There are two times, 09:00 and 10:00. Keep only one.", ""),
        (
            "daily spend UTC Europe/Berlin",
            "There are two time zones, UTC and Europe/Berlin. Keep only one.",
            "",
        ),
        (
            "daily spend to me here",
            "A schedule can only go to one place. Set up a second one for the other.",
            "",
        ),
        (
            "daily spend to <@U1|bob>",
            (
                "A report can go to a channel, to you, or to every creator, but not to another"
                " person. They can schedule it themselves."
            ),
            "schedule daily 09:00 spend yesterday to me",
        ),
        (
            "daily spend to bob",
            "After `to` I need a channel like #finance, or `to me` or `to creators`, not “bob”.",
            "schedule daily 09:00 spend yesterday to me",
        ),
        (
            "daily spend Berlin",
            "“Berlin” is a city. Use the name of its time zone.",
            "schedule daily 09:00 Europe/Berlin spend yesterday",
        ),
        (
            "daily 9:00 new york to me",
            "“new york” is a city. Use the name of its time zone.",
            "schedule daily 09:00 America/New_York spend yesterday by creator to me",
        ),
        (
            "daily spend CEST",
            (
                "I don't recognize the time zone “CEST”. Use a name like Europe/Berlin, or leave it"
                " out to use the one in your Slack profile."
            ),
            "",
        ),
        (
            "daily 9.30 spend",
            "I can't read “9.30” as a time. Write it with a colon.",
            "schedule daily 09:30 spend yesterday",
        ),
        (
            "daily noon spend",
            "I can't read “noon” as a time. Write it in digits.",
            "schedule daily 12:00 spend yesterday",
        ),
        (
            "yearly spend",
            "There's no shortcut for “yearly” yet. Use a cron expression.",
            "schedule 0 9 1 1 * spend last year",
        ),
        ("pause 1", "To pause a scheduled report, open `schedules` and press Pause.", "schedules"),
        ("fri 17:00 tokens by key for finance", "I don't recognize “for”.", ""),
        (
            "daily spend in",
            "After `in` I need a channel like #finance, or `to me` or `to creators`.",
            "schedule daily 09:00 spend yesterday here",
        ),
        (
            "0 9 * * 1 daily spend",
            "The cron expression already says which days. Leave out the other day.",
            "",
        ),
        (
            "monthly mon spend",
            "`monthly` needs a day of the month, like `monthly 15` or `monthly last`.",
            "schedule monthly last spend by creator",
        ),
        (
            'daily key:"abc',
            'A quotation mark is missing. Write names like `key:"Prod key"`.',
            "",
        ),
        ("daily " + "x" * 400, "That's 415 characters. A schedule can have at most 300.", ""),
    ],
)
def test_it_says_what_is_wrong_and_how_it_would_be_right(text, problem, suggestion):
    found = parse_command(f"schedule {text}")
    assert isinstance(found, CommandError)
    assert problem in found.problem
    if suggestion is not None:
        assert found.suggestion == suggestion
    if found.suggestion:
        assert isinstance(parse_command(found.suggestion), ScheduledQuestion | ListSchedules)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("shedule weekly spend", "schedule weekly mon 09:00 spend last week"),
        ("schedul daily", "schedule daily 09:00 spend yesterday by creator"),
        ("schedles", "schedules"),
    ],
)
def test_it_guesses_a_misspelt_first_word(text, meant):
    found = parse_command(text)
    assert isinstance(found, CommandError)
    assert found.suggestion == meant


def test_it_lists_schedules():
    assert parse_command("schedules") == ListSchedules()
    assert parse_command("Schedules 2") == ListSchedules(2)
    assert parse_command("schedule") == ListSchedules()
    assert isinstance(parse_command("schedules foo"), CommandError)


def test_it_leaves_questions_and_help_alone():
    assert isinstance(parse_command("spend 1d by model"), QuestionCommand)
    assert isinstance(parse_command("help"), HelpCommand)
    assert isinstance(parse_command("schedule help"), HelpCommand)


def test_its_examples_can_be_said():
    for example in EXAMPLES:
        assert not isinstance(parse_command(example), CommandError)


WORDS = st.sampled_from(
    ["weekly", "daily", "monthly", "weekdays", "mon", "last", "15", "9:00", "9", "Europe/Berlin",
     "in", "to", "me", "creators", "here", "<#C1|a>", "spend", "tokens", "by", "model", "last week",
     "0", "*", "1m", "csv", "top", "5", "tz", "cron", "every", "help", "share", '"', "#x", "1h"]
)  # fmt: skip


@given(st.lists(WORDS, max_size=9).map(" ".join) | st.text(max_size=60))
def test_it_answers_any_words_and_reads_its_own(text):
    found = parse_schedule(f"schedule {text}")
    if isinstance(found, ScheduledQuestion):
        again = parse_schedule(f"schedule {found.words()}")
        assert again == found
    elif isinstance(found, CommandError) and found.suggestion:
        assert not isinstance(parse_command(found.suggestion), CommandError)
