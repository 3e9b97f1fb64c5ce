"""Enterprise Grid: members whose home is another workspace of the organization are ours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.access.policy import FOREIGN, Refusal, is_certainly_foreign, is_member
from bot.demo.openrouter.server import LocalOpenRouter
from bot.demo.slack import Forge, LocalSlack
from bot.listeners.clicks import foreign
from bot.slack.scopes import SCOPES
from bot.slack.types import Identity, SlackUser
from tests.bot.commands.test_conversation import answers
from tests.world import World, running, wait_until

OURS, HOME, CORP, EVIL = "T0DEMO00001", "T0OTHER0002", "E0CORP", "E0EVIL"
FROM_HOME = Forge(team_id=HOME, enterprise_id=CORP)
FROM_EVIL = Forge(team_id="T0EVIL", enterprise_id=EVIL)
STRANGERS: dict[str, dict[str, Any]] = {
    "of another workspace of the organization": {
        "team_id": HOME, "enterprise_id": CORP, "teams": (HOME,),
    },
    "of another organization": {"team_id": "T0EVIL", "enterprise_id": EVIL, "teams": ("T0EVIL",)},
    "of another organization that lists our workspace": {
        "team_id": OURS, "enterprise_id": EVIL, "teams": ("T0EVIL", OURS),
    },
    "of a workspace without an organization": {"team_id": "T0EVIL"},
    "of Slack Connect": {
        "team_id": HOME, "enterprise_id": CORP, "teams": (HOME, OURS), "is_stranger": True,
    },
}  # fmt: skip


@pytest.fixture
def grid(openrouter: LocalOpenRouter, database: Path) -> Iterator[World]:
    """A workspace of an Enterprise Grid organization; Lin is a member whose home is another."""
    with LocalSlack(scopes=SCOPES, rate_limits=False, file_delay=timedelta(0)) as slack:
        slack.workspace.enterprise_id = CORP
        slack.workspace.add_user(
            "lin", "Lin", "lin@example.com", team_id=HOME, enterprise_id=CORP, teams=(HOME, OURS)
        )
        with running(openrouter, slack, database) as world:
            yield world


def command(world: World, user: str, forge: Forge) -> str:
    """What somebody is answered to a command."""
    before = len(world.slack.responses)
    ack = world.bot_client.command(user, "general", "tokens 7d", forge=forge)
    assert ack.status == 200
    if ack.body:
        return ack.body
    answer = world.slack.wait_for(lambda: world.slack.responses[before:])
    return str(answer[-1]["payload"]["text"])


@pytest.mark.parametrize("forge", [FROM_HOME, Forge(enterprise_id=CORP), Forge(team_id=HOME)])
def test_a_member_from_another_workspace_of_the_organization_is_answered(
    grid: World, forge: Forge
) -> None:
    assert "38.5K" in command(grid, "lin", forge)


def test_so_are_their_clicks_their_home_and_what_they_say(grid: World) -> None:
    command(grid, "lin", FROM_HOME)
    shown = grid.slack.ephemerals("lin", "general")[-1]
    before = len(grid.slack.responses)
    ack = grid.bot_client.click("lin", "general", shown["ts"], "export_csv", forge=FROM_HOME)
    assert ack.status == 200
    grid.slack.wait_for(lambda: grid.slack.responses[before:])
    assert not any(FOREIGN in str(one) for one in grid.slack.responses)
    grid.bot_client.home_opened("lin", forge=FROM_HOME)
    home = grid.slack.wait_for(lambda: grid.slack.home("lin"))
    assert FOREIGN not in str(home)
    grid.bot_client.message("lin", "tokens 7d", forge=FROM_HOME)
    dm = grid.slack.im("lin").id
    wait_until(lambda: [one for one in answers(grid, dm) if "38.5K" in one["text"]])


@pytest.mark.parametrize("who", STRANGERS.values(), ids=STRANGERS.keys())
@pytest.mark.parametrize("forge", [FROM_HOME, FROM_EVIL, Forge(enterprise_id=CORP)])
def test_strangers_get_nothing_whatever_a_request_names(
    grid: World, who: dict[str, Any], forge: Forge
) -> None:
    grid.slack.workspace.add_user("eve", "Eve", "eve@example.com", **who)
    assert command(grid, "eve", forge) == FOREIGN
    shown = grid.ask("tokens 7d share", user="ada")
    assert shown
    before = len(grid.slack.responses)
    [posted] = answers(grid, "general")
    grid.bot_client.click("eve", "general", posted["ts"], "export_csv", forge=forge)
    said = grid.slack.wait_for(lambda: grid.slack.responses[before:])
    assert said[-1]["payload"]["text"] == FOREIGN
    grid.bot_client.message("eve", "tokens 7d", forge=forge)
    dm = grid.slack.im("eve").id
    wait_until(lambda: answers(grid, dm))
    assert [one["text"] for one in answers(grid, dm)] == [FOREIGN]
    assert [file.name for file in grid.slack.files] == ["chart.png"]  # of the shared answer


ADA = SlackUser("U1", OURS, None, None, *[False] * 5)


@pytest.mark.parametrize(
    ("of", "identity", "member"),
    [
        ({}, Identity(OURS, "B1", "UB"), True),
        ({"team_id": HOME}, Identity(OURS, "B1", "UB"), False),
        ({"team_id": HOME, "enterprise_id": CORP, "teams": frozenset({OURS})},
         Identity(OURS, "B1", "UB"), False),
        ({"team_id": CORP, "enterprise_id": CORP, "teams": frozenset({OURS})},
         Identity(OURS, "B1", "UB", "", CORP), True),
        ({"team_id": CORP, "enterprise_id": CORP}, Identity(OURS, "B1", "UB", "", CORP), False),
        ({"team_id": HOME, "enterprise_id": CORP, "teams": frozenset({HOME})},
         Identity(CORP, "B1", "UB", "", CORP), True),
        ({"team_id": HOME, "enterprise_id": EVIL, "teams": frozenset({HOME})},
         Identity(CORP, "B1", "UB", "", CORP), False),
    ],
)  # fmt: skip
def test_membership_is_what_users_info_says(
    of: dict[str, Any], identity: Identity, member: bool
) -> None:
    assert is_member(replace(ADA, **of), identity) is member


def test_clicks_of_an_organization_wide_installation_carry_no_team() -> None:
    """As Slack sends them: `team` is null, and the person's home is beside their id."""
    body = {
        "type": "block_actions",
        "team": None,
        "enterprise": {"id": CORP, "name": "Corp"},
        "is_enterprise_install": True,
        "user": {"id": "U1", "username": "lin", "team_id": HOME},
    }
    ours = Identity(OURS, "B1", "UB", "", CORP)
    assert foreign(ours, body) is None
    assert foreign(ours, {**body, "enterprise": {"id": EVIL, "name": "Evil"}}) == Refusal(FOREIGN)
    assert foreign(Identity(OURS, "B1", "UB"), body) == Refusal(FOREIGN)


def test_without_an_organization_another_workspace_is_foreign_at_once() -> None:
    ours = Identity(OURS, "B1", "UB")
    assert is_certainly_foreign(ours, (OURS, HOME), None)
    assert is_certainly_foreign(ours, (HOME,), CORP)
    assert not is_certainly_foreign(ours, (OURS, "", None), CORP)
    assert not is_certainly_foreign(None, (HOME,), None)
