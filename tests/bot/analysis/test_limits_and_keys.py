"""`limits` and `keys` by every way of asking, for everybody and for who sees their own only."""

import csv
import io
import json
import re
from datetime import timedelta

import pytest

from bot.demo.openrouter.guardrails import SampleGuardrail
from bot.demo.openrouter.models import SampleModel
from bot.demo.openrouter.organization import Budget
from bot.demo.openrouter.server import LocalOpenRouter
from bot.demo.slack import validate
from reports.wording.safe_text import plain
from tests import world as worlds
from tests.bot.analysis.test_schedules_and_buttons import posted_on_schedule
from tests.world import DOLLAR


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """The small organization with limits of every kind, a key that expires, and who left."""
    organization = worlds.small()
    home = organization.default_workspace
    prod, evals, laptop = organization.keys
    prod.limit_nano, prod.limit_reset = 100 * DOLLAR, "monthly"
    evals.expires_at = worlds.now() + timedelta(days=3)
    laptop.creator = "user_left"
    organization.budgets = [Budget(home, 1_000 * DOLLAR, "monthly")]
    organization.guardrails = [
        SampleGuardrail("Cap", home, 5 * DOLLAR, "monthly", members=["user_grace"]),
        SampleGuardrail("Key cap", home, 80 * DOLLAR, "monthly", keys=[evals.hash]),
        SampleGuardrail("Only rules", home, default=True),
    ]
    organization.models = [
        SampleModel("anthropic/claude-opus-4.5", 5_000, 25_000),
        SampleModel("anthropic/claude-haiku-4.5", 1_000, 5_000),
        SampleModel("free/one", 0, 0),
    ]
    path = tmp_path_factory.mktemp("limits") / "activity.db"
    openrouter: LocalOpenRouter = worlds.filled(organization, path)
    return openrouter, path


def asked(ask, *words):
    code, out, err = ask(*words, "--json")
    assert code == 0, err
    return json.loads(out)


def test_limits_of_every_kind_are_listed_with_who_is_behind_them(ask):
    found = asked(ask, "limits")
    walls = {(one["kind"], one["label"], one["owner"]): one for one in found["walls"]}
    assert set(walls) == {
        ("key", "prod", "Ada Lovelace"),
        ("workspace", "Default, monthly", ""),
        ("member guardrail", "Cap", "Grace Hopper"),
        ("key guardrail", "Key cap for evals", "Grace Hopper"),
        ("credits", "Credits", ""),
    }
    key = walls["key", "prod", "Ada Lovelace"]
    assert key["limit"] == "100"
    assert walls["credits", "Credits", ""]["used"] == "35"
    hits = [one["full"]["at"] for one in found["walls"] if one["full"]]
    assert hits == sorted(hits)
    assert [one["full"] is None for one in found["walls"]] == sorted(
        one["full"] is None for one in found["walls"]
    )
    assert found["unlimited"] == {"keys": 2, "spend_30d": "13"}


def test_limits_can_be_narrowed_to_a_key_or_a_person(ask):
    by_key = asked(ask, "limits", "key:evals")["walls"]
    assert [one["label"] for one in by_key] == ["Key cap for evals"]
    by_person = asked(ask, "limits", "creator:grace@example.com")["walls"]
    assert {one["label"] for one in by_person} == {"Cap", "Key cap for evals"}


@pytest.mark.parametrize(
    "words", [["limits", "7d"], ["limits", "by", "model"], ["limits", "tokens"], ["keys", "unused",
              "30d", "7d"], ["keys", "vs", "last", "month"]],
)  # fmt: skip
def test_what_does_not_fit_is_one_sentence(ask, words):
    code, out, err = ask(*words, "--json")
    assert code == 1
    assert out == ""
    assert len(err.strip().splitlines()) == 1


def test_limits_in_slack_say_what_is_hit_first(shared):
    payload = shared.ask("limits")
    assert validate(payload["blocks"]) == []
    assert "Member guardrail “Cap” for Grace Hopper" in payload["text"]
    assert "2 keys have no limit and spent $13.00 in the past 30 days." in payload["text"]


def test_times_of_limits_are_in_the_zone_of_who_reads_them(shared):
    # a month ends at midnight UTC, which is still the day before in New York
    shared.slack.workspace.change_user("grace", tz="America/New_York")
    tables = {}
    for user, zone in (("ada", "Europe/Berlin"), ("grace", "America/New_York")):
        payload = shared.ask("limits", user=user)
        assert f"Times are in {zone}." in payload["text"]
        [tables[user]] = [block for block in payload["blocks"] if block["type"] == "table"]
    assert tables["ada"] != tables["grace"]


def test_keys_are_counted_and_listed_with_what_is_worth_knowing(ask):
    found = asked(ask, "keys")
    assert found["counts"] == {
        "keys": 3, "unused": 0, "unlimited": 2, "orphaned": 1, "expiring": 1
    }  # fmt: skip
    keys = {one["label"]: one for one in found["keys"]}
    assert keys["prod"]["limit"] == "100"
    assert keys["evals"]["is"] == ["unlimited", "expiring"]
    assert keys["laptop"]["is"] == ["unlimited", "orphaned"]
    assert keys["laptop"]["spend_30d"] == "5"
    assert keys["laptop"]["last_used"] is not None


def test_keys_can_be_narrowed_to_a_trait(ask):
    assert [one["label"] for one in asked(ask, "keys", "orphaned")["keys"]] == ["laptop"]
    assert asked(ask, "keys", "unused", "60d")["keys"] == []


def test_the_csv_of_keys_has_the_period_of_a_limit_and_what_is_disabled(ask):
    code, out, err = ask("keys", "--csv", "-")
    assert code == 0, err
    rows = {row["API Key"]: row for row in csv.DictReader(io.StringIO(out))}
    limits = {name: (row["Limit"], row["Limit Reset"]) for name, row in rows.items()}
    assert limits == {"prod": ("100", "monthly"), "evals": ("", ""), "laptop": ("", "")}
    assert {row["Disabled"] for row in rows.values()} == {"no"}
    assert [one["disabled"] for one in asked(ask, "keys")["keys"]] == [False] * 3


def test_an_expiring_key_says_when(shared):
    payload = shared.ask("keys expiring")
    assert validate(payload["blocks"]) == []
    assert re.search(r"evals expires on \d+ \w+( \d{4})?, in 3 days\.", payload["text"])


def test_keys_in_slack_name_those_of_people_who_left(shared):
    payload = shared.ask("keys orphaned")
    assert validate(payload["blocks"]) == []
    assert "1 key of people who left still spends: $5.00 in the past 30 days." in payload["text"]


def test_who_sees_their_own_only_gets_neither_others_limits_nor_the_balance(own):
    said = own.words("limits", user="grace")
    assert "Cap" in said
    assert "evals" in said
    for hidden in ("prod", "Ada", "Credits", "Default", "laptop"):
        assert hidden not in said
    keys = own.words("keys", user="grace")
    assert "evals" in keys
    for hidden in ("prod", "Ada", "laptop"):
        assert hidden not in keys
    assert "laptop" not in own.words("keys orphaned", user="grace")


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("which key has no limit?", "keys unlimited"),
        ("which keys are unused?", "keys unused"),
        ("which keys can we delete?", "keys unused"),
        ("what keys are safe to remove?", "keys unused"),
        ("which keys do we no longer need?", "keys unused"),
        ("what's the budget left for my key?", "limits me"),
        ("what if we moved opus to haiku?", "whatif opus -> haiku 1m"),
    ],
)
def test_plain_words_lead_there(shared, words, command):
    payload = shared.ask(words)
    assert f"/activity {command}`" in plain(json.dumps(payload["blocks"]))


def test_whatif_reprices_the_same_tokens_and_says_the_error(ask):
    found = asked(ask, "whatif", "opus", "->", "haiku", "7d")
    assert (found["from"], found["to"]) == (
        "anthropic/claude-opus-4.5", "anthropic/claude-haiku-4.5"
    )  # fmt: skip
    tokens = 27_000 * 5_000 + 2_700 * 25_000
    assert found["billed"] == "27"
    assert found["repriced_same"] == f"{tokens / DOLLAR:.4f}".rstrip("0")
    assert found["repriced"] == f"{tokens / 5 / DOLLAR:.4f}".rstrip("0")
    assert found["error"] == pytest.approx(tokens / DOLLAR / 27 - 1)
    by = asked(ask, "whatif", "opus", "->", "free/one", "7d", "by", "creator")
    assert by["repriced"] == "0"
    assert {one["label"] for one in by["groups"]} == {"Ada Lovelace", "Grace Hopper"}


def test_whatif_is_posted_on_a_schedule(administered):
    message = posted_on_schedule(administered, "weekly whatif opus -> haiku")
    assert validate(message["blocks"]) == []
    assert message["text"].startswith("What if, last week: ")


def test_limits_on_a_schedule_are_in_its_zone(administered):
    message = posted_on_schedule(administered, "weekly limits Asia/Kathmandu")
    assert message["text"].startswith("Limits")
    assert "Times are in Asia/Kathmandu." in message["text"]


def test_a_model_whose_price_is_not_known_is_one_sentence(ask):
    code, _, err = ask("whatif", "gpt-5.1", "->", "haiku")
    assert code == 1
    assert "OpenRouter lists no price for openai/gpt-5.1, so I can't reprice it." in err
    code, _, err = ask("whatif", "opus", "->", "nosuch")
    assert "no model like" in err


def test_where_no_limit_is_known_only_those_of_the_organization_apply(ask):
    _, out, _ = ask("limits", "key:laptop")
    assert "No limit is set for these keys, so only the organization's own limits apply." in out
