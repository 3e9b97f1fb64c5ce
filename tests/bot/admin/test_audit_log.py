"""The log of who did what, the status and the help, as people meet them in Slack."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from bot.demo.openrouter.server import LocalOpenRouter
from bot.demo.slack import Forge, escaped
from tests import world as worlds
from tests.world import World, wait_until


def noted(world: World, count: int) -> list[tuple[str, str, str, str]]:
    """The newest entries, oldest first, as soon as there are so many."""
    audit = world.bot.audit
    wait_until(lambda: audit.count() >= count)
    names = {user.id: user.name for user in world.slack.workspace.users.values()}
    return [(names[e.person], e.act, e.what, e.outcome) for e in audit.last(count)[::-1]]


def test_it_notes_who_asked_shared_and_exported_what(administered: World) -> None:
    administered.ask("tokens 7d by key")
    noted(administered, 1)  # an entry is written when its answer is out
    administered.ask("spend 1d share", user="grace", channel="spend")
    noted(administered, 2)
    administered.ask("spend 7d csv", user="grace")
    assert noted(administered, 4) == [
        ("ada", "asked", "tokens 7d by key", "done"),
        ("grace", "shared", "spend 1d share", "done"),
        ("grace", "asked", "spend 7d csv", "done"),
        ("grace", "exported", "spend 7d csv", "done"),
    ]


def test_it_notes_a_click_by_who_clicked(administered: World) -> None:
    administered.ask("spend 7d share", channel="spend")
    [shared] = administered.slack.messages("spend")
    administered.bot_client.click("grace", "spend", shared["ts"], "export_csv")
    assert noted(administered, 2)[1] == ("grace", "exported", "spend 7d csv", "done")


def test_it_notes_what_becomes_of_schedules(administered: World) -> None:
    administered.ask("schedule weekly spend by creator to me")
    noted(administered, 1)
    for done, action in enumerate(("pause", "resume", "delete")):
        administered.ask("schedules")
        noted(administered, 2 * done + 2)
        message = administered.slack.ephemerals("ada", "general")[-1]
        row = next(block for block in message["blocks"] if block["type"] == "actions")
        before = len(administered.slack.responses)
        administered.bot_client.click("ada", "general", message["ts"], f"schedule_{action}",
                         block_id=row["block_id"])  # fmt: skip
        administered.slack.wait_for(lambda before=before: administered.slack.responses[before:])
        noted(administered, 2 * done + 3)
    acts = [act for _, act, _, _ in noted(administered, 7)]
    assert acts == ["scheduled", "looked at", "paused", "looked at", "resumed",
                    "looked at", "deleted"]  # fmt: skip
    assert (
        noted(administered, 7)[2][2] == "spend last week by creator weekly mon 09:00 Europe/Berlin"
    )


def test_it_notes_those_who_were_refused(administered: World) -> None:
    administered.ask("spend", user="guest")
    noted(administered, 1)
    administered.ask("spend", user="otto")
    noted(administered, 2)
    administered.send("spend", forge=Forge(team_id="T0OTHER0001"))
    noted(administered, 3)
    administered.ask("audit", user="ada")
    outcomes = [(who, act, how.partition(":")[0]) for who, act, _, how in noted(administered, 4)]
    asked = [(who, "asked", "refused") for who in ("guest", "otto", "ada")]
    assert outcomes == [*asked, ("ada", "looked at", "refused")]


def test_a_key_that_is_pasted_by_mistake_is_not_noted(administered: World) -> None:
    administered.ask("sk-or-v1-0123456789abcdef0123456789abcdef")
    assert noted(administered, 1) == [("ada", "asked", "***", "misunderstood")]


def test_only_admins_read_the_audit_log_and_others_learn_who_the_admins_are(
    administered: World,
) -> None:
    administered.ask("spend 7d", user="grace")
    noted(administered, 1)
    admin = administered.slack.user("katherine").id
    said = administered.words("audit", user="grace")
    assert said == f"Only bot admins can see the audit log. Ask <@{admin}>."
    read = administered.words("audit", user="katherine")
    assert f"<@{administered.slack.user('grace').id}> asked `spend 7d`" in read


def test_slacks_own_admins_are_none_of_ours(administered: World) -> None:
    assert administered.slack.user("ada").is_admin
    assert administered.words("audit", user="ada").startswith(
        "Only bot admins can see the audit log"
    )


def test_where_there_are_no_admins_it_says_how_to_name_one(world: World) -> None:
    ada = world.slack.user("ada").id
    assert f"`ACTIVITY_ADMINS={ada}`" in world.words("audit")


def test_an_admin_picks_a_person_and_a_time(administered: World) -> None:
    administered.ask("spend 7d", user="grace")
    administered.ask("spend 1d", user="ada")
    noted(administered, 2)
    asked = escaped(administered.slack.workspace, "audit @grace today")
    said = administered.words(asked, user="katherine")
    assert "spend 7d" in said
    assert "spend 1d" not in said
    assert "no entries" in administered.words("audit 2020-01", user="katherine")
    assert "there is nothing to show yet" in administered.words("audit 2029-01", user="katherine")


def test_as_a_file_it_comes_into_the_admins_dm(administered: World) -> None:
    administered.ask("=cmd()", user="grace")
    noted(administered, 1)
    said = administered.words("audit csv", user="katherine")
    assert "to your DM." in said
    [file] = administered.slack.files
    assert file.name.startswith("activity-audit-")
    posted = administered.slack.messages(administered.slack.im("katherine").id)
    assert file.name in str(posted)
    [row] = csv.DictReader(io.StringIO(file.data.decode()))
    assert (row["Email"], row["What"]) == ("grace@example.com", "'=cmd()")
    assert (row["Act"], row["Outcome"]) == ("asked", "misunderstood")


def test_a_file_that_slack_does_not_take_is_said(administered: World) -> None:
    administered.slack.uploads.uploads_disabled = True
    assert "Slack didn't accept the file" in administered.words("audit csv", user="katherine")


def test_status_shows_how_fresh_the_data_is_and_admins_more(
    administered: World, openrouter: LocalOpenRouter, database: Path
) -> None:
    worlds.fill(openrouter, database)  # the one that all tests share may be old by now
    administered.ask(
        "schedule weekly spend by creator in #spend".replace("#spend", _spend(administered))
    )
    said = administered.words("status", user="grace")
    assert said.startswith("*Activity 0.2.0*\n:white_check_mark: The data is up to date.")
    assert "Next reports" not in said
    whole = administered.words("status", user="katherine")
    assert "spend last week by creator, in <#" in whole
    assert "• 1 schedule, 0 alerts" in whole
    assert f"• admins: <@{administered.slack.user('katherine').id}>" in whole
    for user in ("guest", "otto"):
        assert "Activity 0" not in administered.words("status", user=user)


def test_help_has_sections(administered: World) -> None:
    assert "`running`" in administered.words("help nonsense")
    running = administered.words("help running")
    assert running.startswith("*Status and audit*")
    assert "spend" not in running


def _spend(world: World) -> str:
    return escaped(world.slack.workspace, "#spend")
