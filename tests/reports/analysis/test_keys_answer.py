"""What the answer `keys` says about each key, and why a key is in the list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reports.analysis.document import AnalysisDocument
from reports.analysis.keys import UNUSED_FOR, KeyFacts, KeyTrait, review
from reports.analysis.keys_answer import keys_answer
from reports.questions.query import Query, QueryKind

NOW = datetime(2026, 11, 29, 9, tzinfo=UTC)


def key(
    label: str = "prod",
    *,
    last_used: datetime | None = NOW,
    created: datetime | None = NOW - timedelta(days=90),
    expires: datetime | None = None,
    limit: int | None = 10**9,
    limit_known: bool = True,
    disabled: bool = False,
    owner_left: bool = False,
    limit_used: int | None = None,
) -> KeyFacts:
    return KeyFacts(
        label, "Ada", owner_left, created, last_used, expires, limit, limit_known, 0, disabled,
        limit_used=limit_used,
    )  # fmt: skip


def answer(*keys: KeyFacts, wanted: tuple[KeyTrait, ...] = ()) -> AnalysisDocument:
    query, traits = Query(kind=QueryKind.KEYS), frozenset(wanted)
    return keys_answer(query, review(keys, NOW, traits), traits, UNUSED_FOR, NOW, as_of=NOW)


@pytest.mark.parametrize(
    ("facts", "note"),
    [
        (key(), "–"),
        (key(last_used=NOW - timedelta(days=49)), "unused for 49 days"),
        (key(last_used=None), "never used"),
        (key(last_used=None, created=NOW - timedelta(days=400)), "unused for a year"),
        (key(limit=None), "unlimited"),
        (key(limit_used=10**9 - 1), "–"),
        (key(limit_used=104 * 10**7), "limit is full (104.0% used)"),
        (key(limit=0, limit_used=0), "limit is full"),
        (key(owner_left=True), "orphaned: its owner left"),
        (key(expires=NOW + timedelta(days=9)), "expires 8 Dec, in 9 days"),
        (key(expires=NOW + timedelta(hours=1)), "expires 29 Nov, today"),
        (key(expires=NOW - timedelta(days=9)), "expired 20 Nov"),
        (
            key(last_used=NOW - timedelta(days=30), limit=None, disabled=True),
            "unused for 30 days; disabled",
        ),
    ],
)
def test_a_row_says_what_is_worth_knowing_about_a_key(facts: KeyFacts, note: str) -> None:
    assert answer(facts).rows[0][1] == note


def test_disabled_keys_without_a_limit_are_counted_apart() -> None:
    found = answer(key(limit=None), key("old", limit=None, disabled=True), key("web"))
    assert "1 without a limit (and 1 disabled)," in found.sentences[0]
    assert "(and" not in answer(key(limit=None)).sentences[0]


def test_the_days_without_use_are_those_since_the_last_use() -> None:
    row = answer(key(last_used=NOW - timedelta(days=30, hours=12))).rows[0]
    assert (row[1], row[3]) == ("unused for 31 days", "31 days ago")


def test_expiring_keys_are_listed_by_when_they_expire() -> None:
    later = key("a", expires=NOW + timedelta(days=9))
    sooner = key("b", expires=NOW + timedelta(days=2))
    found = answer(later, sooner, key("c"), wanted=(KeyTrait.EXPIRING,))
    assert [row[0] for row in found.rows] == ["b", "a"]
    assert found.sentences[-1] == "b expires first on 1 Dec, in 2 days."


def test_that_no_key_is_unused_says_for_how_long() -> None:
    assert answer(key(), wanted=(KeyTrait.UNUSED,)).sentences[-1] == (
        "No key is unused for 30 days."
    )


def test_a_limit_that_is_not_known_is_not_none_in_the_csv() -> None:
    rows = answer(key(limit=None, limit_known=False), key("free", limit=None)).exact().rows
    assert [row[5:7] for row in rows] == [("", ""), ("unknown", "unknown")]
