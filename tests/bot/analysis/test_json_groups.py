"""The groups of every kind of answer in JSON: one rule for all."""

import json

import pytest

QUESTIONS = ("price 7d", "why spend 1d", "forecast", "cache 7d")
"""`whatif`, which needs prices, is tested with the models."""


@pytest.mark.parametrize("question", QUESTIONS)
def test_without_a_grouping_there_is_one_group_called_all(ask, question):
    code, out, err = ask(*question.split(), "--json")
    assert code == 0, err
    found = json.loads(out)
    whole = found.get("blended", found)
    [group] = found["groups"]
    assert group.pop("label") == "all"
    shared = group.keys() & whole.keys()
    assert shared - {"groups"}
    assert {name: group[name] for name in shared} == {name: whole[name] for name in shared}


@pytest.mark.parametrize("question", QUESTIONS)
def test_with_a_grouping_the_groups_are_its_members_and_none_is_called_all(ask, question):
    found = json.loads(ask(*question.split(), "by", "key", "--json")[1])
    assert found["groups"]
    assert "all" not in {group["label"] for group in found["groups"]}
