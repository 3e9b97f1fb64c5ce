"""The life of API keys."""

from datetime import UTC, datetime, timedelta

from reports.analysis.keys import KeyFacts, KeyTrait, review, traits

NOW = datetime(2026, 11, 29, 9, tzinfo=UTC)


def key(label: str = "prod", **more) -> KeyFacts:
    facts = {
        "owner": "Ada", "owner_left": False, "created": NOW - timedelta(days=90),
        "last_used": NOW, "expires": None, "limit": 10, "limit_known": True, "spend_30d": 0,
    }  # fmt: skip
    return KeyFacts(label, **(facts | more))


def test_a_key_in_use_with_a_limit_and_an_owner_is_unremarkable():
    assert traits(key(), NOW) == set()


def test_unused_counts_from_the_last_use_or_else_from_when_it_was_made():
    assert traits(key(last_used=NOW - timedelta(days=30)), NOW) == {KeyTrait.UNUSED}
    assert traits(key(last_used=NOW - timedelta(days=29)), NOW) == set()
    assert traits(key(last_used=None), NOW) == {KeyTrait.UNUSED}
    assert traits(key(last_used=None, created=NOW - timedelta(days=3)), NOW) == set()
    assert traits(key(last_used=NOW - timedelta(days=8)), NOW, timedelta(days=7)) == {
        KeyTrait.UNUSED
    }


def test_an_unknown_limit_is_not_no_limit():
    assert traits(key(limit=None), NOW) == {KeyTrait.UNLIMITED}
    assert traits(key(limit=None, limit_known=False), NOW) == set()
    assert traits(key(limit=None, disabled=True), NOW) == set()


def test_a_key_whose_creator_left_is_orphaned():
    assert traits(key(owner_left=True), NOW) == {KeyTrait.ORPHANED}


def test_a_key_expires_within_two_weeks():
    assert traits(key(expires=NOW + timedelta(days=14)), NOW) == {KeyTrait.EXPIRING}
    assert traits(key(expires=NOW + timedelta(days=15)), NOW) == set()
    assert traits(key(expires=NOW - timedelta(days=1)), NOW) == set()


def test_only_keys_with_every_trait_asked_for_are_listed_and_all_are_counted():
    keys = [
        key("a", limit=None, spend_30d=5),
        key("b", limit=None, owner_left=True, spend_30d=9),
        key("c", owner_left=True),
    ]
    found = review(keys, NOW, frozenset({KeyTrait.UNLIMITED}))
    assert [one.facts.label for one in found.keys] == ["b", "a"]
    assert found.keys[0].traits == (KeyTrait.UNLIMITED, KeyTrait.ORPHANED)
    assert found.total == 3
    assert found.counts == {
        KeyTrait.UNUSED: 0, KeyTrait.UNLIMITED: 2, KeyTrait.ORPHANED: 2, KeyTrait.EXPIRING: 0,
    }  # fmt: skip
