"""The log of who did what, the status and the help, as people meet them in Slack."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from bot.demo.openrouter.server import LocalOpenRouter
from bot.demo.slack import Forge, escaped

from .. import world as worlds
from ..world import World, wait_until


def noted(world: World, count: int) -> list[tuple[str, str, str, str]]:
    """The newest entries, oldest first, as soon as there are so many."""
    audit = world.bot.audit
    wait_until(lambda: audit.count() >= count)
    names = {user.id: user.name for user in world.slack.workspace.users.values()}
    return [(names[e.person], e.act, e.what, e.outcome) for e in audit.last(count)[::-1]]


def test_it_notes_who_asked_shared_and_exported_what(there: World) -> None:
    there.ask("tokens 7d by key")
    noted(there, 1)  # an entry is written when its answer is out
    there.ask("spend 1d share", user="grace", channel="spend")
    noted(there, 2)
    there.ask("spend 7d csv", user="grace")
    assert noted(there, 4) == [
        ("ada", "asked", "tokens 7d by key", "done"),
        ("grace", "shared", "spend 1d share", "done"),
        ("grace", "asked", "spend 7d csv", "done"),
        ("grace", "exported", "spend 7d csv", "done"),
    ]


def test_it_notes_a_click_by_who_clicked(there: World) -> None:
    there.ask("spend 7d share", channel="spend")
    [shared] = there.slack.messages("spend")
    there.door.click("grace", "spend", shared["ts"], "export_csv")
    assert noted(there, 2)[1] == ("grace", "exported", "spend 7d csv", "done")


def test_it_notes_what_becomes_of_schedules(there: World) -> None:
    there.ask("schedule weekly spend by creator to me")
    noted(there, 1)
    for done, action in enumerate(("pause", "resume", "delete")):
        there.ask("schedules")
        noted(there, 2 * done + 2)
        message = there.slack.ephemerals("ada", "general")[-1]
        row = next(block for block in message["blocks"] if block["type"] == "actions")
        before = len(there.slack.responses)
        there.door.click("ada", "general", message["ts"], f"schedule_{action}",
                         block_id=row["block_id"])  # fmt: skip
        there.slack.wait_for(lambda before=before: there.slack.responses[before:])
        noted(there, 2 * done + 3)
    acts = [act for _, act, _, _ in noted(there, 7)]
    assert acts == ["scheduled", "looked at", "paused", "looked at", "resumed",
                    "looked at", "deleted"]  # fmt: skip
    assert noted(there, 7)[2][2] == "spend last week by creator weekly mon 09:00 Europe/Berlin"


def test_it_notes_those_who_were_refused(there: World) -> None:
    there.ask("spend", user="guest")
    noted(there, 1)
    there.ask("spend", user="otto")
    noted(there, 2)
    there.send("spend", forge=Forge(team_id="T0OTHER0001"))
    noted(there, 3)
    there.ask("audit", user="ada")
    outcomes = [(who, act, how.partition(":")[0]) for who, act, _, how in noted(there, 4)]
    asked = [(who, "asked", "refused") for who in ("guest", "otto", "ada")]
    assert outcomes == [*asked, ("ada", "looked at", "refused")]


def test_a_key_that_is_pasted_by_mistake_is_not_noted(there: World) -> None:
    there.ask("sk-or-v1-0123456789abcdef0123456789abcdef")
    assert noted(there, 1) == [("ada", "asked", "***", "misunderstood")]


def test_only_admins_read_it_and_others_are_told_who_they_are(there: World) -> None:
    there.ask("spend 7d", user="grace")
    noted(there, 1)
    admin = there.slack.user("katherine").id
    said = there.words("audit", user="grace")
    assert said == f"Only bot admins can see the audit log. Ask <@{admin}>."
    read = there.words("audit", user="katherine")
    assert f"<@{there.slack.user('grace').id}> asked `spend 7d`" in read


def test_slacks_own_admins_are_none_of_ours(there: World) -> None:
    assert there.slack.user("ada").is_admin
    assert there.words("audit", user="ada").startswith("Only bot admins can see the audit log")


def test_where_there_are_no_admins_it_says_how_to_name_one(world: World) -> None:
    ada = world.slack.user("ada").id
    assert f"`ACTIVITY_ADMINS={ada}`" in world.words("audit")


def test_an_admin_picks_a_person_and_a_time(there: World) -> None:
    there.ask("spend 7d", user="grace")
    there.ask("spend 1d", user="ada")
    noted(there, 2)
    asked = escaped(there.slack.workspace, "audit @grace today")
    said = there.words(asked, user="katherine")
    assert "spend 7d" in said
    assert "spend 1d" not in said
    assert "nothing is noted" in there.words("audit 2020-01", user="katherine")
    assert "there is nothing to show yet" in there.words("audit 2029-01", user="katherine")


def test_as_a_file_it_comes_into_the_admins_dm(there: World) -> None:
    there.ask("=cmd()", user="grace")
    noted(there, 1)
    said = there.words("audit csv", user="katherine")
    assert "is in our direct messages" in said
    [file] = there.slack.files
    assert file.name.startswith("activity-audit-")
    posted = there.slack.messages(there.slack.im("katherine").id)
    assert file.name in str(posted)
    [row] = csv.DictReader(io.StringIO(file.data.decode()))
    assert (row["Email"], row["What"]) == ("grace@example.com", "'=cmd()")
    assert (row["Act"], row["Outcome"]) == ("asked", "misunderstood")


def test_a_file_that_slack_does_not_take_is_said(there: World) -> None:
    there.slack.uploads.uploads_disabled = True
    assert "Slack did not take the file" in there.words("audit csv", user="katherine")


def test_everybody_is_told_how_fresh_the_data_is_and_admins_the_rest(
    there: World, openrouter: LocalOpenRouter, database: Path
) -> None:
    worlds.fill(openrouter, database)  # the one that all tests share may be old by now
    there.ask("schedule weekly spend by creator in #spend".replace("#spend", _spend(there)))
    said = there.words("status", user="grace")
    assert said.startswith("*Activity 0.1.0*\n:white_check_mark: The data is up to date.")
    assert "Next reports" not in said
    whole = there.words("status", user="katherine")
    assert "spend last week by creator, in <#" in whole
    assert "• 1 schedule, 0 alerts" in whole
    assert f"• admins: <@{there.slack.user('katherine').id}>" in whole
    for user in ("guest", "otto"):
        assert "Activity 0" not in there.words("status", user=user)


def test_help_has_sections(there: World) -> None:
    assert "`running`" in there.words("help nonsense")
    running = there.words("help running")
    assert running.startswith("*Status and audit*")
    assert "spend" not in running


def _spend(world: World) -> str:
    return escaped(world.slack.workspace, "#spend")
