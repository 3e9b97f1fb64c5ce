"""Reading guardrails, their assignments, and the list of models."""

import json
from datetime import date
from decimal import Decimal

import pytest

from bot.demo.openrouter.guardrails import SampleGuardrail
from bot.demo.openrouter.models import SampleModel
from bot.demo.openrouter.organization import Key, Member, Organization
from bot.demo.openrouter.server import LocalOpenRouter
from bot.openrouter import OpenRouter
from bot.openrouter.guardrails import read_guardrails, read_key_assignments
from bot.openrouter.models import read_models
from bot.openrouter.wire import BadAnswerError
from reports.analysis.whatif import ListPrice

DOLLAR = 10**9


@pytest.fixture
def connect():
    made = []

    def open_one(organization):
        server = LocalOpenRouter(organization).start()
        server.requests_per_minute = None
        api = OpenRouter(server.base_url, server.key, wait=lambda _: None, requests_a_minute=10**6)
        made.append((api, server))
        return api, server

    yield open_one
    for api, server in made:
        api.close()
        server.stop()


def body(*entries):
    return json.dumps({"data": entries}).encode()


def test_guardrails_come_with_budgets_in_nano_dollars_and_their_assignments(connect):
    organization = Organization([Member("user_ada", "Ada", None, None)], [Key("prod")])
    home, key = organization.default_workspace, organization.keys[0].hash
    organization.guardrails = [
        SampleGuardrail("Team", home, 12_500_000_000, "weekly", members=["user_ada"], keys=[key]),
        SampleGuardrail("Rules only", home, default=True),
    ]
    api, server = connect(organization)
    team, rules = api.guardrails()
    assert (team.name, team.limit, team.reset, team.workspace_id) == (
        "Team", 12_500_000_000, "weekly", home
    )  # fmt: skip
    assert (rules.limit, rules.id) == (None, api.workspaces()[0].default_guardrail)
    assert [(one.guardrail_id, one.ref) for one in api.member_guardrails()] == [
        (team.id, "user_ada")
    ]
    assert [(one.guardrail_id, one.ref) for one in api.key_guardrails()] == [(team.id, key)]
    assert server.writes == []


def test_more_assignments_than_a_page_holds_are_all_read(connect):
    organization = Organization([])
    users = [f"user_{number}" for number in range(230)]
    organization.guardrails = [
        SampleGuardrail("All", organization.default_workspace, DOLLAR, members=users)
    ]
    api, _ = connect(organization)
    assert [one.ref for one in api.member_guardrails()] == users


def test_models_come_with_exact_prices_and_their_last_day(connect):
    organization = Organization([])
    organization.models = [
        SampleModel("a/opus", 5_000, 25_000, 500, date(2026, 12, 24)),
        SampleModel("a/free", 0, 0),
    ]
    api, _ = connect(organization)
    opus, free = api.models()
    assert (opus.slugs, opus.ends) == (("a/opus",), date(2026, 12, 24))
    assert opus.price == ListPrice(Decimal("0.000005"), Decimal("0.000025"), Decimal("0.0000005"))
    assert (free.price, free.ends) == (ListPrice(Decimal(0), Decimal(0)), None)


@pytest.mark.parametrize(
    "pricing",
    [None, {}, [], {"prompt": "1"}, {"prompt": "-1", "completion": "-1"},
     {"prompt": "NaN", "completion": "0"}, {"prompt": "1e999999", "completion": "0"},
     {"prompt": True, "completion": "0"}, {"prompt": "x", "completion": "0"}],
)  # fmt: skip
def test_a_price_that_makes_no_sense_is_unknown_and_never_free(pricing):
    (model,) = read_models(body({"id": "a/x", "pricing": pricing, "expiration_date": "soon"}))
    assert (model.price, model.ends) == (None, None)


def test_a_model_is_known_by_both_of_its_slugs_and_reasoning_has_its_own_price():
    pricing = {"prompt": "0.1", "completion": 0.2, "internal_reasoning": "0.3", "request": "0.4"}
    (model,) = read_models(
        body({"id": "a/x", "canonical_slug": "a/x-20260101", "pricing": pricing}, {"name": "none"})
    )
    assert model.slugs == ("a/x", "a/x-20260101")
    assert model.price == ListPrice(
        Decimal("0.1"), Decimal("0.2"), None, Decimal("0.3"), Decimal("0.4")
    )


def test_entries_that_make_no_sense_are_left_out():
    read = read_guardrails(body({"id": "g", "limit_usd": "much"}, {"name": "no id"}, 5))
    assert [(one.id, one.name, one.limit) for one in read] == [("g", "g", None)]
    assert read_key_assignments(body({"guardrail_id": "g"}, {"key_hash": "k"}, None)) == ()
    with pytest.raises(BadAnswerError):
        read_guardrails(b'{"data": {}}')
