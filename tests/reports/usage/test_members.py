"""What members are called: every label is one member's, and every label finds its member."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reports.questions.grammar import LONGEST, QuestionCommand, parse
from reports.usage.dimensions import Dimension
from reports.usage.members import (
    CHATROOM,
    Member,
    filter_names,
    find,
    index_by_name,
    labels,
    look_up,
    matches,
    nearest_name,
)
from reports.wording.safe_text import clean, plain


def key(number: int, name: str, detail: str = "", ref: str | None = None) -> Member:
    return Member(number, Dimension.KEY, f"hash{number:04}" if ref is None else ref, name, detail)


def person(number: int, name: str, address: str) -> Member:
    return Member(number, Dimension.CREATOR, f"user_{number}", name, address)


def model(number: int, slug: str) -> Member:
    return Member(number, Dimension.MODEL, slug, slug)


def test_a_name_that_nobody_shares_is_the_label() -> None:
    assert labels([key(1, "prod", "sk-or-v1-0e6...1c96"), key(2, "dev")]) == {1: "prod", 2: "dev"}


def test_keys_with_one_name_are_told_apart_by_their_own_label() -> None:
    keys = [
        key(1, "prod-000", "sk-or-v1-0e6...1c96"),
        key(2, "prod-000", "sk-or-v1-77a...02fd"),
        key(3, "dev"),
    ]
    assert labels(keys) == {
        1: "prod-000 (sk-or-v1-0e6...1c96)",
        2: "prod-000 (sk-or-v1-77a...02fd)",
        3: "dev",
    }


def test_people_with_one_name_are_told_apart_by_their_address() -> None:
    people = [person(1, "Ada", "ada@example.com"), person(2, "Ada", "ada@example.org")]
    assert labels(people) == {1: "Ada (ada@example.com)", 2: "Ada (ada@example.org)"}


def test_namesakes_without_a_detail_are_told_apart_by_what_openrouter_calls_them() -> None:
    keys = [key(1, "prod", ref="aaaaaaaaaaaa"), key(2, "prod", ref="bbbbbbbbbbbb")]
    assert labels(keys) == {1: "prod (aaaaaaaa)", 2: "prod (bbbbbbbb)"}


def test_a_deleted_namesake_is_called_deleted() -> None:
    keys = [key(1, "prod", "sk-or-v1-0e6...1c96"), key(2, "prod", ref="deleted:prod")]
    assert labels(keys) == {1: "prod (sk-or-v1-0e6...1c96)", 2: "prod (deleted)"}


def test_names_that_look_alike_when_shown_are_namesakes() -> None:
    keys = [key(1, "prod", "d1"), key(2, "pr\u200bod", "d2"), key(3, " prod\n", "d3")]
    assert labels(keys) == {1: "prod (d1)", 2: "prod (d2)", 3: "prod (d3)"}


def test_namesakes_that_share_their_detail_too_are_numbered() -> None:
    assert labels([key(1, "prod", "d"), key(2, "prod", "d")]) == {
        1: "prod (d) #1",
        2: "prod (d) #2",
    }


def test_nobody_takes_the_label_that_tells_others_apart() -> None:
    keys = [key(1, "prod", "d"), key(2, "prod", "d"), key(3, "prod (d) #1")]
    found = labels(keys)
    assert found[3] == "prod (d) #1"
    assert len(set(found.values())) == 3


def test_use_without_a_key_keeps_its_name_whatever_a_key_is_called() -> None:
    keys = [key(1, CHATROOM, ref=""), key(2, CHATROOM, "sk-or-v1-0e6...1c96")]
    assert labels(keys) == {1: CHATROOM, 2: "(chatroom) (sk-or-v1-0e6...1c96)"}


_texts = st.text(st.sampled_from("ab *\"'#()1<&;éß\u200b“’"), max_size=6) | st.text(max_size=6)
_members = st.lists(st.tuples(_texts, _texts, st.booleans()), max_size=8).map(
    lambda found: [
        key(n, name, detail, ref=f"deleted:{name}{n}" if gone else None)
        for n, (name, detail, gone) in enumerate(found, 1)
    ]
)


@given(_members)
@settings(max_examples=150, deadline=None)
@example([key(1, "a"), key(2, "a"), key(3, "a (hash0001)"), key(4, "a (hash0001) #1")])
@example([key(1, "a", "b"), key(2, "a", "b"), key(3, "a (b) #1"), key(4, "a (b) #1 #1")])
def test_no_two_members_have_one_label(members: list[Member]) -> None:
    found = labels(members)
    assert set(found) == {member.id for member in members}
    assert len(set(found.values())) == len(members)
    shown = {member.id: clean(member.name) for member in members}
    assert all(found[number].startswith(name) for number, name in shown.items())
    assert labels(reversed(members)) == found


@given(_members)
@settings(max_examples=150, deadline=None)
@example([key(1, "R&amp;D")])
@example([key(1, "&am“p;")])
@example([key(1, 'my "best" key')])
@example([key(1, "ada’s laptop")])
@example([key(1, "e\u200b\u0301")])
@example([key(1, "x" * 200)])
def test_a_label_typed_as_a_filter_finds_its_member(members: list[Member]) -> None:
    named = labels(members)
    for member in members:
        assert member.id in find(named[member.id], members, named)
        typed = plain(named[member.id]).replace('"', "")  # a name in quotes has none inside
        asked = parse(f'key:"{typed}"')
        if isinstance(asked, QuestionCommand):
            assert member.id in find(asked.query.filters[0].pattern, members, named)
        else:
            assert not plain(typed).strip() or len(typed) > LONGEST - 6


@pytest.mark.parametrize(
    ("pattern", "text", "same"),
    [
        ("prod", "prod", True),
        ("PROD", "prod", True),
        ("prod", "prod-1", False),
        ("prod*", "prod-1", True),
        ("*prod", "my prod", True),
        ("*o*", "prod", True),
        ("p*d", "prod", True),
        ("p*o*d", "prod", True),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("*ab*ab*", "ab", False),
        ("*ab*b", "abab", True),
        ("*", "", True),
        ("**", "anything", True),
        ("", "", True),
        ("", "x", False),
        ("p?od", "prod", False),
        ("[p]rod", "prod", False),
        ("prod.*", "prod-1", False),
        ("STRASSE", "straße", True),
        ("ada's*", "ada’s laptop", True),
        ("my best key", 'my "best" key', True),
        ("R&D", "R&amp;D", True),
        ("caf\u00e9", "cafe\u0301", True),
        ("evil*exe", "evil\u202egpj.exe", True),
    ],
)
def test_patterns_match_as_people_expect(pattern: str, text: str, same: bool) -> None:
    assert matches(pattern, text) is same


_letters = st.text(st.sampled_from("ab."), max_size=9)


@given(st.text(st.sampled_from("ab.*"), max_size=9), _letters)
@settings(max_examples=250, deadline=None)
def test_patterns_match_like_a_regular_expression(pattern: str, text: str) -> None:
    expression = ".*".join(re.escape(piece) for piece in pattern.split("*"))
    assert matches(pattern, text) is bool(re.fullmatch(expression, text))


PEOPLE = [person(1, "Ada Lovelace", "ada@example.com"), person(2, "Grace", "grace@example.com")]
MODELS = [model(1, "anthropic/claude-opus-4.5"), model(2, "z-ai/glm-4.6:exacto")]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("Ada Lovelace", {1}),
        ("ada@example.com", {1}),
        ("@ada", {1}),
        ("*@example.com", {1, 2}),
        ("ada", set()),
        ("nobody", set()),
        ("*", {1, 2}),
    ],
)
def test_people_are_found_by_name_address_and_handle(pattern: str, found: set[int]) -> None:
    assert find(pattern, PEOPLE, labels(PEOPLE)) == found


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("anthropic/claude-opus-4.5", {1}),
        ("claude*", {1}),
        ("anthropic/*", {1}),
        ("glm-4.6:exacto", {2}),
        ("glm-4.6", set()),
    ],
)
def test_models_are_found_with_and_without_their_author(pattern: str, found: set[int]) -> None:
    assert find(pattern, MODELS, labels(MODELS)) == found


def test_a_key_is_found_by_its_own_label_and_namesakes_together_by_name() -> None:
    keys = [key(1, "prod", "sk-or-v1-0e6...1c96"), key(2, "prod", "sk-or-v1-77a...02fd")]
    named = labels(keys)
    assert find("prod", keys, named) == {1, 2}
    assert find("sk-or-v1-0e6*", keys, named) == {1}
    assert find("@*", keys, named) == frozenset()
    assert find("prod (sk-or-v1-77a...02fd)", keys, named) == {2}


def test_a_member_without_a_detail_is_not_found_by_nothing() -> None:
    assert find("", [key(1, "prod")], {1: "prod"}) == frozenset()
    assert filter_names(key(1, "prod"), "prod") == ("prod",)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("lovelace", "Ada Lovelace"),
        ("*lovelac*", "Ada Lovelace"),
        ("Grcae", "Grace"),
        ("grace@exampel.com", "grace@example.com"),
        ("xyzzy", None),
        ("*", None),
    ],
)
def test_the_name_most_like_a_wrong_one_is_offered(pattern: str, name: str | None) -> None:
    assert nearest_name(pattern, PEOPLE, labels(PEOPLE)) == name


def test_what_is_offered_can_be_asked() -> None:
    keys = [key(1, 'the “best "\nkey\u202e')]
    named = labels(keys)
    offered = nearest_name("best", keys, named)
    assert offered == "the best key"
    assert find(offered, keys, named) == {1}


@given(
    st.lists(st.text('aAbB *é#"', max_size=4), min_size=1, max_size=5),
    st.text("aAbB *é", max_size=4),
)
def test_looking_a_name_up_gives_what_a_search_finds(given_names: list[str], pattern: str) -> None:
    members = [key(n, name) for n, name in enumerate(given_names)]
    named = labels(members)
    at_once = look_up(pattern, index_by_name(members, named))
    assert at_once == (None if "*" in pattern else find(pattern, members, named))
