"""Words about the bot itself, and what is said to those that come close."""

import pytest

from reports.admin.grammar import AuditRequest, HelpRequest, StatusRequest, parse_period
from reports.commands import parse_command
from reports.questions.grammar import CommandError, HelpCommand, QuestionCommand

WEEK = parse_period("7d")


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("status", StatusRequest()),
        (" STATUS ", StatusRequest()),
        ("audit", AuditRequest()),
        ("audit csv", AuditRequest(csv=True)),
        ("audit 7d", AuditRequest(period=WEEK)),
        ("Audit CSV 7d <@U1|ada>", AuditRequest("U1", WEEK, csv=True)),
        ("audit &lt;@U1&gt; last month", AuditRequest("U1", parse_period("last month"))),
        ("audit creator:<@U1>", AuditRequest("U1")),
        ("help files", HelpRequest("files")),
        ("help running it", HelpRequest("running")),
        ("help Schedule", HelpRequest("schedules")),
        ("help", HelpCommand()),
        ("help nonsense", HelpRequest("", "nonsense")),
    ],
)
def test_it_reads_them(words, meant):
    assert parse_command(words) == meant


@pytest.mark.parametrize("asked", [AuditRequest(), AuditRequest("U1", WEEK, csv=True)])
def test_its_words_say_the_same(asked):
    assert parse_command(asked.words()) == asked


@pytest.mark.parametrize(
    ("words", "problem", "suggestion"),
    [
        ("status please", "takes no further words", "status"),
        ("audit everything", "“everything” is neither", "audit 7d"),
        ("audit spend 7d", "“spend 7d” is neither", "audit 7d"),
        ("audit csv key:prod", "“key:prod” is neither", "audit 7d csv"),
        ("audit @ada", "Choose people from Slack's list", "audit"),
        ('audit "7d', "quotation mark", "audit"),
        ("statsu", "", "status"),
        ("audti", "", "audit"),
    ],
)
def test_it_says_what_is_wrong_and_what_would_be_right(words, problem, suggestion):
    found = parse_command(words)
    assert isinstance(found, CommandError)
    assert problem in found.problem
    assert found.suggestion == suggestion
    assert not isinstance(parse_command(found.suggestion), CommandError)


@pytest.mark.parametrize("words", ["spend by key", "key:status", "model:audit 7d"])
def test_names_that_look_like_them_are_no_words_of_theirs(words):
    assert isinstance(parse_command(words), QuestionCommand)
