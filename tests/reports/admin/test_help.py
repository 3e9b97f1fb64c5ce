"""The help: everything it names can be asked, and everything that can be asked is named."""

import re
from datetime import date

import pytest

from bot.demo.slack import validate
from reports.admin.grammar import TOPICS, AuditRequest, HelpRequest, StatusRequest
from reports.admin.slack.help import (
    ALERTS,
    EXAMPLES,
    FILES,
    IN_YOUR_OWN_WORDS,
    RUNNING,
    SCHEDULES,
    SECTIONS,
    help_message,
    help_text,
)
from reports.admin.slack.help import TOPICS as SECTIONS_BY_NAME
from reports.alerts.grammar import ListAlerts, SetQuiet
from reports.alerts.rule import Rule
from reports.commands import parse_command
from reports.natural.names import KnownNames
from reports.natural.parsed_text import ParsedText
from reports.natural.parser import parse_text
from reports.questions import grammar
from reports.questions.grammar import QuestionCommand, parse
from reports.schedules.grammar import ListSchedules, ScheduledQuestion

ENTRIES = [entry for _, entries in SECTIONS for entry in entries]
NAMED = {
    *(words for words, _ in ENTRIES if not words.startswith(("1h", "today"))),
    *["1h", "1d", "1w", "1m", "1y", "today", "yesterday"],
    *(found for _, meaning in ENTRIES for found in re.findall("`([^`]+)`", meaning)),
} - {"*"}


@pytest.mark.parametrize("words", sorted(NAMED))
def test_everything_it_names_can_be_asked(words):
    assert isinstance(parse(words), QuestionCommand)


@pytest.mark.parametrize("words", [words for words, _ in SCHEDULES])
def test_every_schedule_it_names_can_be_set_up(words):
    assert isinstance(parse_command(words), ScheduledQuestion | ListSchedules)
    [meaning] = [meaning for named, meaning in SCHEDULES if named == words]
    for more in re.findall("`([^`]+)`", meaning):
        assert isinstance(parse_command(f"schedule {more} spend"), ScheduledQuestion)


@pytest.mark.parametrize("words", [words for words, _ in ALERTS])
def test_every_alert_that_it_names_can_be_set_up(words):
    assert isinstance(parse_command(words), Rule | ListAlerts | SetQuiet)


@pytest.mark.parametrize("words", [words for words, _ in IN_YOUR_OWN_WORDS])
def test_everything_that_it_says_in_own_words_is_understood(words):
    known = KnownNames(("anthropic/claude-opus-4.5", "google/gemini-3-pro"))
    [meaning] = [meaning for named, meaning in IN_YOUR_OWN_WORDS if named == words]
    for said in (words, *re.findall("`([^`]+)`", meaning)):
        assert isinstance(parse_text(said, known, date(2026, 11, 22)), ParsedText)


@pytest.mark.parametrize("words", [words for words, _ in FILES])
def test_every_file_that_it_names_can_be_asked(words):
    asked = parse(words)
    assert isinstance(asked, QuestionCommand)
    assert asked.query.files


@pytest.mark.parametrize("words", [words for words, _ in RUNNING])
def test_everything_about_the_bot_that_it_names_is_understood(words):
    assert isinstance(parse_command(words), StatusRequest | AuditRequest | HelpRequest)


@pytest.mark.parametrize("topic", sorted(set(TOPICS.values())))
def test_it_has_a_section_for_every_topic(topic):
    message = help_message("/" + "a" * 31, topic)
    assert "*Try*" in message.text
    assert len(message.text) < 3_900
    assert validate(list(message.blocks)) == []


def test_its_overview_is_short_and_has_a_button_for_each_section():
    message = help_message("/activity")
    assert len(message.text) < 600
    assert validate(list(message.blocks)) == []
    assert [one["value"] for one in message.blocks[-1]["elements"]] == list(SECTIONS_BY_NAME)
    assert set(TOPICS.values()) == set(SECTIONS_BY_NAME)


def test_an_unknown_section_is_said_with_those_there_are():
    message = help_message("/activity", "", "<!channel>")
    assert message.text.startswith("There is no help section “&lt;!channel&gt;”.")
    assert all(f"`{name}`" in message.text for name in SECTIONS_BY_NAME)


@pytest.mark.parametrize("example", EXAMPLES)
def test_its_examples_can_be_asked(example):
    assert isinstance(parse(example), QuestionCommand)


def test_everything_that_can_be_asked_is_named():
    said = " ".join(NAMED)
    words = [*grammar.METRICS, "model", "key", "creator", "credits", "byok", "top", "csv", "pdf"]
    for word in (*words, "share", "tz", "today", "yesterday", "mtd", "ytd", "this", "last"):
        assert re.search(rf"\b{word}\b", said), word


def test_it_calls_the_command_by_its_name():
    assert "`/usage [what]" in help_message("/usage").text
    assert "/activity" not in help_message("/usage").text


def test_blocks_and_text_say_the_same():
    for topic in ("", *SECTIONS_BY_NAME):
        message = help_message("/activity", topic)
        shown = [block["text"]["text"] for block in message.blocks if block["type"] == "section"]
        assert shown == message.text.split("\n\n")


def test_in_a_terminal_it_is_plain():
    text = help_text("activity ask")
    assert "`" not in text
    assert "\nWhat\n  spend " in text
    assert "  activity ask tokens 1m by key top 5" in text
    assert max(map(len, text.splitlines())) <= 110
