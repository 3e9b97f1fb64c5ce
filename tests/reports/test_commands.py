"""Words that stumble between questions, schedules and alerts end at the right place."""

from __future__ import annotations

import pytest

from reports.alerts.grammar import QUIETS, ListAlerts
from reports.commands import parse_command
from reports.questions.grammar import CommandError
from reports.schedules.grammar import ListSchedules


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("quiet 22:00-7:00", "alert quiet 22:00-07:00"),
        ("quiet 10pm to 8am", "alert quiet 22:00-08:00"),
        ("quiet off", "alert quiet off"),
        ("quiet", "alert quiet 22:00-7:00"),
        ("quite 22:00-7:00", "alert quiet 22:00-07:00"),
    ],
)
def test_quiet_hours_are_recognised_without_the_word_alert(typed: str, meant: str) -> None:
    said = "Quiet hours are set with `alert quiet`."
    assert parse_command(typed) == CommandError(said, "", meant, QUIETS)


@pytest.mark.parametrize("words", ["", "25:00", "7:00", "22:00-22:00", "tomorrow"])
def test_wrong_quiet_hours_are_answered_with_examples_only(words: str) -> None:
    found = parse_command(f"alert quiet {words}")
    assert isinstance(found, CommandError)
    assert found.suggestion == ""
    assert found.examples == QUIETS


@pytest.mark.parametrize("example", QUIETS)
def test_the_examples_of_quiet_hours_are_understood(example: str) -> None:
    assert not isinstance(parse_command(example), CommandError)


def test_a_misspelt_quiet_stays_about_quiet_hours() -> None:
    found = parse_command("alert quite 22:00-7:00")
    assert isinstance(found, CommandError)
    assert found.suggestion == "alert quiet 22:00-07:00"


@pytest.mark.parametrize("begun", ["alert", "alerts", "schedule", "schedules"])
@pytest.mark.parametrize("word", ["delete", "pause", "edit", "stop", "remove", "Delete", "resume"])
def test_what_has_a_button_is_pointed_to_it(begun: str, word: str) -> None:
    listing = begun.removesuffix("s") + "s"
    for typed in (f"{begun} {word}", f"{begun} {word} 2", f"{word} {begun}", f"{word} my {begun}"):
        found = parse_command(typed)
        assert isinstance(found, CommandError), typed
        assert found.suggestion == listing
        what = "an alert" if listing == "alerts" else "a scheduled report"
        assert found.problem.startswith(f"To {word.lower()} {what}, open `{listing}` and press ")


@pytest.mark.parametrize(
    ("word", "button"),
    [("stop", "Delete"), ("cancel", "Delete"), ("pause", "Pause"), ("unmute", "Resume")],
)
def test_a_lone_verb_is_answered_with_the_list_and_the_button(word: str, button: str) -> None:
    found = parse_command(word)
    assert isinstance(found, CommandError)
    assert found.problem.startswith(f"To {word} an alert, open `alerts` and press {button}.")
    assert found.suggestion == "alerts"


@pytest.mark.parametrize(
    "typed",
    [
        "alert errors > 5%",
        "alert latency > 3 seconds",
        "alert spend > $1.500,50 per day",
        "alert spend < $50 per day",
        "alert spend > 50 EUR per day",
        "alert tokens > 5% per day",
        "alert spend > -$50 per day",
        "alert spend > $50 per fortnight",
        "alert spend > $50 per 2 days",
        "alert spend > $50 per year",
        "alert spend > 10 000 per day",
        "alert spend > $50 per day without opus",
        "alert budget $500",
        "schedule weekly spend at 25:00",
        "schedule spend every 2 weeks",
        "schedule weekly blah",
    ],
)
def test_no_suggestion_drops_a_number_a_sign_a_unit_or_a_name(typed: str) -> None:
    found = parse_command(typed)
    assert isinstance(found, CommandError)
    assert found.suggestion == ""


@pytest.mark.parametrize("word", ["list", "List", "show", "all"])
def test_the_list_is_shown_to_who_asks_for_it_in_another_word(word: str) -> None:
    assert parse_command(f"alert {word}") == parse_command(f"alerts {word}") == ListAlerts()
    assert parse_command(f"schedule {word}") == parse_command(f"schedules {word}")
    assert parse_command(f"schedule {word}") == ListSchedules()


@pytest.mark.parametrize("typed", ["my alerts", "list alerts", "show my alerts", "which alerts?"])
def test_the_list_is_offered_where_its_name_comes_last(typed: str) -> None:
    found = parse_command(typed)
    assert isinstance(found, CommandError)
    assert found.suggestion == "alerts"


def test_a_number_after_schedule_is_no_page() -> None:
    assert parse_command("schedules 2") == ListSchedules(2)
    assert isinstance(parse_command("schedule 2"), CommandError)


def test_a_question_about_something_named_so_is_none_about_the_list() -> None:
    found = parse_command("spend by alert")
    assert isinstance(found, CommandError)
    assert found.suggestion == ""
