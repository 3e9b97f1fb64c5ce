"""What an answer's message carries: the same question comes back, whatever it and its names are."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.answers.answer_message import group_name
from bot.answers.answer_state import AnswerState, of_state, state_in_message, state_of, store_last
from bot.answers.answer_state import last_answer as last
from bot.answers.group_ids import group_id
from bot.answers.visibility import ANYONE
from bot.store import Database
from bot.store.expiring_keys import ExpiringKeys
from bot.store.usage.directory import Directory
from reports.questions.follow_up import inside
from reports.questions.grammar import QuestionCommand, parse
from reports.questions.query import Query
from reports.usage.dimensions import STORED, Dimension
from reports.usage.members import Member
from tests import databases
from tests.reports.render.anything import EVIL, names

NOW = datetime(2026, 11, 22, 10, 31, 7, tzinfo=UTC)
words = st.one_of(st.sampled_from(EVIL), st.text(max_size=300)).map(lambda text: text[:300])
shapes = st.builds(
    AnswerState,
    words,
    st.just(NOW),
    st.sampled_from(["UTC", "America/Argentina/ComodRivadavia"]),
    st.sampled_from(["", "U0DEMO00001"]),
)


@pytest.fixture
def services(tmp_path: Path) -> SimpleNamespace:
    return SimpleNamespace(
        expiring_keys=ExpiringKeys(Database(databases.at(tmp_path / "a.db")), lambda: NOW)
    )


@settings(max_examples=200)
@given(what=shapes)
def test_every_question_comes_back_from_a_block(
    services: SimpleNamespace, what: AnswerState
) -> None:
    if any("\ud800" <= char <= "\udfff" for char in what.words):  # no question has them
        return
    state = state_of(services, what)
    assert 0 < len(state) <= 255
    assert of_state(services, state) == what
    assert state_in_message(services, {"blocks": [{"block_id": "b1"}, {"block_id": state}]}) == what
    assert AnswerState.of_value(what.value()) == what
    assert len(what.value()) <= 2_000


@pytest.mark.parametrize(
    "state", ["", "q", "q|", "q|x|UTC|U1|1d", "k|", "k|nobody", "q|²|UTC|U1|1d", "z|1|UTC|U1|1d"]
)
def test_an_invalid_block_has_no_answer_state(services: SimpleNamespace, state: str) -> None:
    assert of_state(services, state) is None


def test_a_thread_goes_on_from_what_was_answered_last(services: SimpleNamespace) -> None:
    first, second = (AnswerState(text, NOW, "UTC", "U1") for text in ("1d", "spend 1w"))
    assert last(services, "C1", "1.0") is None
    store_last(services, "C1", "1.0", first)
    store_last(services, "C1", "1.0", second)
    assert last(services, "C1", "1.0") == second
    assert last(services, "C1", "2.0") is None
    assert last(services, "C2", "1.0") is None


@settings(max_examples=150)
@given(st.lists(st.tuples(st.sampled_from(list(STORED)), names), min_size=1, max_size=8))
def test_every_group_can_be_looked_into_by_a_filter_that_means_it(
    found: list[tuple[Dimension, str]],
) -> None:
    members = {
        n: Member(n, dimension, f"ref-{n}", name, f"d{n}@example.com" if n % 2 else "")
        for n, (dimension, name) in enumerate(found, 2)
    }
    directory = Directory(
        {0: Member(0, Dimension.KEY, "", "(chatroom)"), 1: Member(1, Dimension.CREATOR, "", "-")}
        | members
    )
    ids = {group_id(member) for member in directory.members.values()}
    assert len(ids) == len(directory.members)
    for member in members.values():
        name = group_name(directory, ANYONE, member.dimension, group_id(member))
        assert name
        assert member.id in directory.find(member.dimension, name)
        asked = inside(Query(by=member.dimension), name)
        read = parse(asked.words())
        if isinstance(read, QuestionCommand) and read.query == asked:
            assert member.id in directory.find(member.dimension, read.query.filters[0].pattern)


def test_a_group_that_nobody_knows_any_more_has_no_name() -> None:
    directory = Directory({0: Member(0, Dimension.KEY, "", "(chatroom)")})
    assert group_name(directory, ANYONE, Dimension.KEY, "f" * 24) is None
