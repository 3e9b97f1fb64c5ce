"""Pending events of a rule that is edited or paused are not lost: it is evaluated again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from bot.alerts.deliver import AlertDelivery
from bot.slack.posting import Posted, Posting
from bot.slack.types import ReplyTarget
from bot.store.alerts.rules import StoredRule
from reports.alerts.grammar import rule_of
from reports.alerts.periods import QuietHours
from tests.bot.alerts.alert_bot import DAY, HOUR, AlertBot, Truth, running_bot

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
STEP = timedelta(minutes=10)


@pytest.fixture
def quiet(tmp_path: Path) -> Iterator[AlertBot]:
    """Ada's rules at noon; she wants to hear of nothing until three."""
    with running_bot(tmp_path / "alerts.db", NOON) as watch:
        watch.alerts.quiet_hours.set(watch.slack.user("ada").id, QuietHours(time(12), time(16)))
        yield watch


def crossed(watch: AlertBot, words: str, dollars: int) -> tuple[StoredRule, Truth]:
    """A rule, and usage that crosses it in her quiet hours."""
    truth = Truth()
    truth.use(NOON - 2 * DAY, 1, "prod")
    watch.sync(truth, back=3 * DAY)
    entry = watch.set_up(words)
    truth.use(NOON, dollars, "prod")
    go_on(watch, truth, STEP)
    assert watch.direct_messages() == []
    return entry, truth


def go_on(watch: AlertBot, truth: Truth, length: timedelta) -> None:
    end = watch.clock.now + length
    while watch.clock.now < end:
        watch.clock.now += STEP
        watch.sync(truth)
        watch.tick()


def edit(watch: AlertBot, entry: StoredRule, words: str) -> None:
    person = watch.alerts.services.slack.person(entry.draft.owner)
    draft = watch.alert_manager.draft(person, rule_of(words), "")
    assert not isinstance(draft, str | Exception)
    assert watch.alert_manager.change(entry, draft)


def delivered(watch: AlertBot) -> list[str]:
    return [message["text"] for message in watch.direct_messages()]


def test_a_crossing_is_delivered_though_its_threshold_was_edited_before(quiet: AlertBot) -> None:
    entry, truth = crossed(quiet, "alert spend > $50 per day", 60)
    edit(quiet, entry, "spend > $55 per day")
    go_on(quiet, truth, 6 * HOUR)
    [only] = delivered(quiet)
    assert "$55.00" in only


def test_a_threshold_raised_out_of_reach_sends_nothing(quiet: AlertBot) -> None:
    entry, truth = crossed(quiet, "alert spend > $50 per day", 60)
    edit(quiet, entry, "spend > $70 per day")
    go_on(quiet, truth, 6 * HOUR)
    assert delivered(quiet) == []


def test_a_crossing_is_delivered_after_its_rule_was_paused(quiet: AlertBot) -> None:
    entry, truth = crossed(quiet, "alert spend > $50 per day", 60)
    quiet.alerts.rules.pause(entry.id, "by ada")
    go_on(quiet, truth, STEP)
    quiet.alert_manager.resume(ReplyTarget("", entry.draft.owner, home=True), entry.id)
    go_on(quiet, truth, 6 * HOUR)
    [only] = delivered(quiet)
    assert "$60.00" in only


def test_a_process_that_stops_leaves_leased_messages_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_bot(tmp_path / "alerts.db", NOON) as watch:
        truth = Truth()
        truth.use(NOON - 2 * DAY, 1, "prod")
        watch.sync(truth, back=3 * DAY)
        for user in ("ada", "grace", "katherine"):
            watch.set_up("alert spend > $50 per day", user=user)
        truth.use(NOON, 60, "prod")
        watch.clock.now += STEP
        watch.sync(truth)
        post = Posting.post

        def stop_meanwhile(posting: Posting, *arguments: Any, **more: Any) -> Posted:
            watch.alerts.stopping.set()
            watch.delivery.release()
            return post(posting, *arguments, **more)

        with monkeypatch.context() as patch:
            patch.setattr(Posting, "post", stop_meanwhile)
            watch.tick()
        users = ("ada", "grace", "katherine")
        assert sorted(len(watch.direct_messages(user)) for user in users) == [0, 0, 1]
        other = AlertDelivery(replace(watch.alerts, stopping=Event()), watch.evaluator)
        other.tick()
        assert [len(watch.direct_messages(user)) for user in users] == [1, 1, 1]
