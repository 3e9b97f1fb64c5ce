"""Everything is acknowledged before anything else is done: no database, no network."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bot.slack.client import Slack
from bot.store import Database
from tests.world import World


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
    administered: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    administered.ask("spend 7d by key share", channel="spend")
    [shared] = administered.slack.messages("spend")
    answered = len(administered.slack.responses)
    bot_client = administered.bot_client
    with nobody_answers(monkeypatch):
        acks = [
            administered.send("spend 7d"),
            administered.send("spned"),
            administered.send("alerts", user="guest"),
            bot_client.click("grace", "spend", shared["ts"], "export_csv"),
            bot_client.click("guest", "spend", shared["ts"], "export_csv"),
            bot_client.home_opened("ada"),
            bot_client.shortcut("ada", "activity_report"),
            bot_client.message("ada", "what did we spend last week"),
            bot_client.mention("ada", "spend", "spend by key"),
        ]
        assert [ack.status for ack in acks] == [200] * len(acks)
        assert len(administered.slack.responses) == answered
    administered.slack.wait_for(lambda: len(administered.slack.responses) >= answered + 5)
