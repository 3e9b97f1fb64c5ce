"""Names in natural language: the words of a key's name, in any number of keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.natural import name_index
from reports.natural.name_index import WORD, folded
from reports.natural.names import KnownNames, keys_with
from reports.usage.dimensions import Dimension, Filter
from reports.usage.members import matches

PARTS = st.sampled_from(("ci", "main", "mainly", "nightly", "agent", "eu", "1", "12", "2.0", "Ü"))
KEYS = st.lists(
    st.builds(str.join, st.sampled_from(("-", "_", " ", ":", "")), st.lists(PARTS, min_size=1)),
    max_size=8,
)
WORDS = st.lists(PARTS | st.sampled_from(("ci-main", "e", "*", "“ci”", "AGENT")), max_size=3)


def slowly_found(name: str, known: KnownNames) -> Filter | None:
    """The keys that have all words in order, by looking at each key."""
    words = folded(name).split()
    if len(words) < 2 or not all(word[0].isascii() and word[0].isalnum() for word in words):
        return None
    folded_keys = {folded(key): key for key in reversed(known.keys)}

    def has(key: str) -> bool:
        rest = iter(WORD.findall(key))
        return all(word in rest for word in words)

    meant = {key for key in folded_keys if has(key)}
    pattern = f"*{'*'.join(words)}*"
    if len(meant) == 1:
        return Filter(Dimension.KEY, folded_keys[meant.pop()])
    alike = {key for key in folded_keys if matches(pattern, key)}
    return Filter(Dimension.KEY, pattern) if meant and meant == alike else None


@pytest.mark.parametrize("common", [0, 1, 50])
def test_keys_are_found_by_words_of_their_names_as_if_each_was_looked_at(common, monkeypatch):
    monkeypatch.setattr(name_index, "_COMMON", common)

    @given(KEYS, WORDS)
    def alike(keys, words):
        name_index.key_index.cache_clear()
        known, name = KnownNames(keys=tuple(keys)), " ".join(words)
        assert keys_with(name, known) == slowly_found(name, known)
        assert keys_with(name, known) == slowly_found(name, known)  # from the cache

    alike()
    name_index.key_index.cache_clear()


def test_words_are_not_found_within_other_words_unless_a_pattern_is_exact():
    known = KnownNames(keys=("nightly-agent", "nightly agent 2", "day-agent"))
    assert keys_with("nightly agent", known) == Filter(Dimension.KEY, "*nightly*agent*")
    known = KnownNames(keys=("nightly-agent", "nightly agent 2", "nightly-reagent"))
    assert keys_with("nightly agent", known) is None
    known = KnownNames(keys=("nightly-agent", "nightly-reagent"))
    assert keys_with("nightly agent", known) == Filter(Dimension.KEY, "nightly-agent")
