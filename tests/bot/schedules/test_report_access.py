"""Standing questions are judged at each run: what was set up before may show less today."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from bot.demo.slack import LocalSlack
from tests import world as worlds
from tests.bot.schedules.report_bot import ReportBot, report_bot
from tests.bot.schedules.test_deliver import MONDAY, SATURDAY

OTHERS = ("prod", "laptop", "Ada", "ada@example.com", "$39", "$20")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache whose usage lies in the week before the newest Monday."""
    path = tmp_path / "activity.db"
    worlds.filled(worlds.small(MONDAY - timedelta(hours=30)), path)
    return path


def later(cache: Path, at: str = "own") -> tuple[LocalSlack, dict[str, str]]:
    """A workspace and the settings of after the change."""
    slack = LocalSlack(file_delay=timedelta(0), rate_limits=False)
    admin = slack.user("katherine").id
    return slack, {"ACTIVITY_VISIBILITY": at, "ACTIVITY_ADMINS": admin}


def set_up(cache: Path, words: str, user: str = "grace") -> None:
    """While everybody still sees all."""
    with report_bot(cache, SATURDAY) as before:
        before.set_up(words, user=user)


def rename(bot: ReportBot, name: str, new: str) -> None:
    with bot.database.write() as connection:
        connection.execute("UPDATE member SET name = ? WHERE name = ?", (new, name))
        connection.execute("UPDATE fact SET value = value || '0' WHERE name = 'directory'")


def sent(bot: ReportBot, *users: str) -> str:
    """Everything that was posted to channels, or to these people."""
    places = ["general", "spend", *(bot.slack.im(user).id for user in users)]
    return json.dumps([bot.slack.messages(place) for place in places])


def test_a_members_report_shows_their_own_part_alone_from_then_on(cache: Path) -> None:
    set_up(cache, "schedule weekly spend by key mon 9:00 UTC")
    slack, own = later(cache)
    with report_bot(cache, SATURDAY, slack, **own) as bot:
        bot.tick(MONDAY)
        [message] = bot.posted()
        assert "$8" in message["text"]
        assert "only `creator:me`" in json.dumps(message)
        assert not [word for word in OTHERS if word in sent(bot, "grace")]


@pytest.mark.parametrize("target", ["", "to me"])
def test_a_report_about_somebody_elses_key_is_made_no_more(cache: Path, target: str) -> None:
    set_up(cache, f"schedule weekly spend key:prod mon 9:00 UTC {target}")
    slack, own = later(cache)
    with report_bot(cache, SATURDAY, slack, **own) as bot:
        rename(bot, "prod", "project-x")
        bot.tick(MONDAY)
        assert bot.posted() == []
        [notice] = bot.direct_messages("grace")
        assert "No key of yours is called “prod”." in notice
        assert "project-x" not in sent(bot, "grace")


def test_the_report_to_every_creator_of_a_former_admin_is_not_sent(cache: Path) -> None:
    first = LocalSlack(file_delay=timedelta(0), rate_limits=False)
    with report_bot(cache, SATURDAY, first, ACTIVITY_ADMINS=first.user("grace").id) as before:
        before.set_up("schedule weekly spend mon 9:00 UTC to creators", user="grace")
    slack, own = later(cache)
    with report_bot(cache, SATURDAY, slack, **own) as bot:
        bot.tick(MONDAY)
        assert {state for _, state, _ in bot.states()} <= {"skipped", "failed"}
        assert bot.direct_messages("ada") == []
        assert not [word for word in OTHERS if word in sent(bot, "ada", "grace")]


def test_an_admins_report_goes_on_as_it_was(cache: Path) -> None:
    set_up(cache, "schedule weekly spend by creator mon 9:00 UTC", user="katherine")
    slack, own = later(cache)
    with report_bot(cache, SATURDAY, slack, **own) as bot:
        bot.tick(MONDAY)
        [message] = bot.posted()
        assert "$39" in message["text"]


def test_a_report_of_somebody_who_has_become_a_guest_is_left_out(cache: Path) -> None:
    set_up(cache, "schedule weekly spend by creator mon 9:00 UTC")
    slack, everything = later(cache, "org")
    slack.workspace.change_user("grace", is_restricted=True)
    with report_bot(cache, SATURDAY, slack, **everything) as bot:
        bot.tick(MONDAY)
        assert bot.posted() == []
        assert not [word for word in ("$", *OTHERS) if word in sent(bot, "grace")]
        assert {state for _, state, _ in bot.states()} <= {"skipped", "failed"}
