"""`budget` and `me` list every limit at OpenRouter with what was really used of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.demo.openrouter.guardrails import SampleGuardrail
from bot.demo.openrouter.organization import Budget, Workspace
from bot.demo.openrouter.server import LocalOpenRouter
from bot.demo.slack import validate
from tests import world as worlds
from tests.bot.analysis.conftest import Ask
from tests.world import DOLLAR, World


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[LocalOpenRouter, Path]:
    """The small organization with an exceeded key limit, budgets, and guardrails of one name."""
    organization = worlds.small()
    home, lab = organization.default_workspace, Workspace("Lab")
    organization.workspaces.append(lab)
    _, evals, laptop = organization.keys
    laptop.limit_nano, laptop.include_byok_in_limit = 4 * DOLLAR, True  # it has spent $5
    organization.budgets = [
        Budget(home, 1_000 * DOLLAR, "monthly"), Budget(home, 100 * DOLLAR, "daily")
    ]  # fmt: skip
    organization.guardrails = [
        SampleGuardrail("Cap", home, 500 * DOLLAR, "monthly", members=["user_grace"]),
        SampleGuardrail("Cap", lab.id, 300 * DOLLAR, "monthly", keys=[evals.hash]),
        SampleGuardrail("Team", home, 200 * DOLLAR, "monthly", members=["user_ada"]),
        SampleGuardrail("Team", lab.id, 250 * DOLLAR, "monthly", keys=[evals.hash]),
    ]
    path = tmp_path_factory.mktemp("budgets") / "activity.db"
    return worlds.filled(organization, path), path


def budgets(ask: Ask, *words: str) -> dict[str, Any]:
    code, out, err = ask(*words, "--json")
    assert code == 0, err
    return {one["label"]: one for one in json.loads(out)["budgets"]}


def test_a_budget_list_has_guardrails_and_tells_namesakes_apart(ask: Ask) -> None:
    assert set(budgets(ask, "budget")) == {
        "laptop",
        "workspace Default, monthly",
        "workspace Default, daily",
        "guardrail Cap (Default) for Grace Hopper",
        "guardrail Cap (Lab) for evals",
        "guardrail Team (Default) for Ada Lovelace",
        "guardrail Team (Lab) for evals",
    }


def test_what_was_used_beyond_a_limit_is_shown(ask: Ask) -> None:
    laptop = budgets(ask, "budget")["laptop"]
    assert (laptop["limit"], laptop["spent"], laptop["share"]) == ("4", "5", 1.25)
    _, out, _ = ask("budget")
    assert out.splitlines()[0] == "• laptop: $5.00 of $4.00 (125.0%), never resets"
    _, out, _ = ask("limits")
    assert "Key limit “laptop” is full and never resets: $5.00 of $4.00 used (125.0%)." in out


def test_a_list_of_budgets_and_the_answer_on_limits_have_the_same_figures(ask: Ask) -> None:
    listed = sorted((one["limit"], one["spent"]) for one in budgets(ask, "budget").values())
    code, out, err = ask("limits", "--json")
    assert code == 0, err
    walls = json.loads(out)["walls"]
    found = sorted((one["limit"], one["used"]) for one in walls if one["kind"] != "credits")
    assert found == listed


def test_my_month_has_the_guardrails_that_apply_to_me_and_my_keys(ask: Ask) -> None:
    mine = budgets(ask, "me", "--as", "grace@example.com")
    assert set(mine) == {
        "guardrail Cap (Default) for Grace Hopper",
        "guardrail Cap (Lab) for evals",
        "guardrail Team (Lab) for evals",
    }
    _, out, _ = ask("me", "--as", "grace@example.com")
    assert "\nYour limits:\n" in out


def test_who_sees_their_own_only_gets_their_own_guardrails(own: World) -> None:
    payload = own.ask("budget", user="grace")
    assert validate(payload["blocks"]) == []
    assert "guardrail Cap (Default) for Grace Hopper" in payload["text"]
    for hidden in ("laptop", "workspace"):
        assert hidden not in payload["text"]
    assert "Cap" not in own.words("budget", user="ada")


def test_who_sees_their_own_only_cannot_tell_that_a_guardrail_has_a_namesake(own: World) -> None:
    assert "guardrail Team for Ada Lovelace" in own.words("budget", user="ada")
