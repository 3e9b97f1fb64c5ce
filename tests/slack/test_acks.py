"""Everything is acknowledged before anything else is done: no database, no network."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bot.slack.client import Slack
from bot.store import Database

from ..world import World


@contextmanager
def nobody_answers(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """The database and Slack's Web API say nothing, until this ends."""
    ends = threading.Event()
    read, write, call = Database.read, Database.write, Slack._call
    respond = Slack._use_response_url

    def after(what: Any) -> Any:
        def late(*arguments: Any, **more: Any) -> Any:
            assert ends.wait(100)
            return what(*arguments, **more)

        return late

    patch.setattr(Database, "read", after(read))
    patch.setattr(Database, "write", after(write))
    patch.setattr(Slack, "_call", after(call))
    # what is misunderstood needs neither of them, and is answered by a response URL
    patch.setattr(Slack, "_use_response_url", after(respond))
    try:
        yield
    finally:
        ends.set()


def test_nothing_is_done_before_an_acknowledgement(
    there: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    there.ask("spend 7d by key share", channel="spend")
    [shared] = there.slack.messages("spend")
    answered = len(there.slack.responses)
    door = there.door
    with nobody_answers(monkeypatch):
        acks = [
            there.send("spend 7d"),
            there.send("spned"),
            there.send("alerts", user="guest"),
            door.click("grace", "spend", shared["ts"], "export_csv"),
            door.click("guest", "spend", shared["ts"], "export_csv"),
            door.home_opened("ada"),
            door.shortcut("ada", "activity_report"),
            door.message("ada", "what did we spend last week"),
            door.mention("ada", "spend", "spend by key"),
        ]
        assert [ack.status for ack in acks] == [200] * len(acks)
        assert len(there.slack.responses) == answered
    there.slack.wait_for(lambda: len(there.slack.responses) >= answered + 5)
