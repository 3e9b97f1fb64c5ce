"""A key limit of $0 is a limit that is full, not a missing one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.demo.openrouter.server import LocalOpenRouter
from tests import world as worlds
from tests.bot.analysis.conftest import Ask
from tests.world import DOLLAR


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[LocalOpenRouter, Path]:
    """The small organization with a key that may not spend anything, and one that may."""
    organization = worlds.small()
    prod, evals, _ = organization.keys
    prod.limit_nano, prod.limit_reset = 100 * DOLLAR, "monthly"
    evals.limit_nano, evals.limit_reset = 0, "daily"
    path = tmp_path_factory.mktemp("zero") / "activity.db"
    return worlds.filled(organization, path), path


def test_limits_lists_it_as_full(ask: Ask) -> None:
    _, out, _ = ask("limits")
    assert "Key limit “evals” is full until it resets on" in out
    assert "1 of 3 limits is full" in out
    assert "1 key has no limit" in out
    code, out, err = ask("limits", "--json")
    assert code == 0, err
    found = {one["label"]: one for one in json.loads(out)["walls"]}["evals"]
    assert (found["limit"], found["remaining"]) == ("0", "0")
    assert found["full"]


def test_budget_lists_it_as_full(ask: Ask) -> None:
    _, out, _ = ask("budget")
    [line] = [line for line in out.splitlines() if "evals" in line]
    assert "of $0 (100.0%), resets" in line
    code, out, err = ask("budget", "--json")
    assert code == 0, err
    found = {one["label"]: one for one in json.loads(out)["budgets"]}["evals"]
    assert (found["limit"], found["share"]) == ("0", 1)


def test_keys_shows_it(ask: Ask) -> None:
    _, out, _ = ask("keys")
    [row] = [line for line in out.splitlines() if line.startswith("evals ")]
    assert "$0 daily" in row
    assert "1 without a limit" in out
