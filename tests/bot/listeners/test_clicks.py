"""Clicks: nothing is done twice, and what is meant is done."""

import pytest

from bot.listeners.clicks import DOUBLE_CLICK_SECONDS, Clicks
from bot.slack.types import MessageLocation

AT = MessageLocation("C1", "1.0", hidden=True)


@pytest.mark.parametrize(
    ("clicks", "done"),
    [
        ([("in", 1.0), ("in", 1.2)], [True, False]),
        ([("in", 1.0), ("in", 1.0 + DOUBLE_CLICK_SECONDS)], [True, True]),
        ([("in", 1.0), ("out", 1.5), ("in", 2.0)], [True, True, True]),
        ([("in", 1.0), ("out", 1.5), ("in", 1.0)], [True, True, False]),
        ([("in", 1.0), ("out", 1.5), ("out", 1.6)], [True, True, False]),
    ],
    ids=[
        "a double click",
        "later",
        "there and back",
        "a retry that comes late",
        "the second twice",
    ],
)
def test_the_same_click_again_is_none_unless_another_came_between(clicks, done):
    known = Clicks()
    found = [not known.is_repeated("U1", AT, what, {"action_ts": str(at)}) for what, at in clicks]
    assert found == done


def test_each_persons_clicks_are_their_own():
    known = Clicks()
    assert not known.is_repeated("U1", AT, "in", {"action_ts": "1.0"})
    assert not known.is_repeated("U2", AT, "in", {"action_ts": "1.0"})
