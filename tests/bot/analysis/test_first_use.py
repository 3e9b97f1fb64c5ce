"""`new models`, `new keys` and `new creators`: what was never used before a period."""

import json
from datetime import timedelta

import pytest

from bot.demo.openrouter.organization import Record
from bot.demo.slack import validate
from tests import world as worlds
from tests.world import DOLLAR

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """Two months: an old model used all the time, one that pauses, and two that are new."""
    at = worlds.now().replace(second=0, microsecond=0)
    organization = worlds.small(at)
    prod, evals, laptop = (key.hash for key in organization.keys)

    def used(days, key, member, model):
        moment = at - days * DAY - timedelta(minutes=3)
        return Record(moment, key, member, model, 2, prompt=10, credits_nano=DOLLAR)

    organization.records = [used(n, prod, "user_ada", "a/old") for n in range(1, 60, 3)]
    organization.records += [
        used(50, evals, "user_grace", "a/pausing"), used(2, evals, "user_grace", "a/pausing"),
        used(5, evals, "user_grace", "b/new"), used(1, prod, "user_ada", "b/new"),
        used(3, laptop, "", "c/newest"),
    ]  # fmt: skip
    path = tmp_path_factory.mktemp("new") / "activity.db"
    return worlds.filled(organization, path), path


def asked(ask, *words):
    code, out, err = ask("new", *words, "--json")
    assert code == 0, err
    return {one["label"]: one for one in json.loads(out)["new"]}


def test_models_are_listed_with_who_used_them_first(ask):
    found = asked(ask, "models", "10d")
    assert list(found) == ["c/newest", "b/new"]
    assert found["b/new"]["first_users"] == ["Grace Hopper"]
    assert (found["b/new"]["spend"], found["b/new"]["requests"]) == ("2", 4)
    assert found["c/newest"]["first_users"] == ["laptop"], "the key where no person is known"


def test_the_first_use_is_told_from_the_use_within_what_is_asked_about(ask):
    assert set(asked(ask, "models", "10d", "creator:ada@example.com")) == {"b/new"}
    assert set(asked(ask, "models", "4d", "creator:ada@example.com")) == {"b/new"}
    assert set(asked(ask, "models", "4d")) == {"c/newest"}


def test_keys_and_creators_are_listed_too(ask):
    assert set(asked(ask, "keys", "10d")) == {"laptop"}
    assert asked(ask, "creators", "10d") == {}
    assert set(asked(ask, "creators", "51d")) == {"Grace Hopper"}


@pytest.mark.parametrize("period", ["3h", "2d", "10d", "50d"])
def test_what_was_used_before_the_period_is_never_new(ask, period):
    assert "a/old" not in asked(ask, "models", period)


def test_it_is_said_in_slack(shared):
    payload = shared.ask("new models 10d")
    assert validate(payload["blocks"]) == []
    assert "2 models were used for the first time, for $3.00 so far" in payload["text"]
    assert "Grace Hopper" in payload["text"]
    assert "follow_period" in json.dumps(payload["blocks"])
    assert "follow_by" not in json.dumps(payload["blocks"])
    text = worlds.say(shared, "any new models in the last 10 days?")
    assert "I read that as `/activity new models 10d`." in text


def test_where_nothing_is_new_or_nothing_is_stored_before_it_is_said(ask):
    _, out, _ = ask("new", "models", "2h")
    assert "No model was used for the first time in this period." in out
    _, out, _ = ask("new", "models", "3y")
    assert "No usage is stored from before this period" in out


def test_who_sees_their_own_only_learns_nothing_of_others(own):
    text = own.words("new models 10d", user="grace")
    assert "b/new" in text
    for hidden in ("c/newest", "laptop", "Ada"):
        assert hidden not in text


@pytest.mark.parametrize("words", ["new models by key", "new models tokens", "new models byok"])
def test_what_does_not_fit_is_one_sentence(shared, words):
    assert "`new" in shared.words(words)
