"""What an alert showed while its owner saw more than they do today is not shown anymore."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.demo.slack import LocalSlack
from bot.slack.types import MessageLocation, ReplyTarget
from reports.alerts.grammar import ListAlerts
from tests.bot.alerts.watch import DAY, DOLLAR, HOUR, MINUTE, Truth, Watch, watching

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)


@pytest.fixture
def slack() -> LocalSlack:
    return LocalSlack(file_delay=timedelta(0), rate_limits=False)


@pytest.fixture
def truth() -> Truth:
    found = Truth()
    found.use(NOON - 2 * DAY, 1)
    found.use(NOON - HOUR, 60, "prod")  # of Ada
    found.use(NOON - HOUR, 70, "evals")  # of Grace
    return found


@contextmanager
def narrowed(tmp_path: Path, slack: LocalSlack, truth: Truth, *rules: str) -> Iterator[Watch]:
    """Ada saw everything when her rules told of it, and sees her own usage only by now."""
    with watching(tmp_path / "activity.db", NOON, slack) as wide:
        wide.sync(truth, back=3 * DAY)
        limited(wide)
        for one in rules:
            wide.set_up(one)
        turn(wide, truth)
        own = Watch(tmp_path / "activity.db", wide.clock, slack, ACTIVITY_VISIBILITY="own")
        yield own
        own.close()


def limited(there: Watch) -> None:
    told: dict[str, Any] = {
        "at": there.clock().isoformat(),
        "credits": {"total": 1000 * DOLLAR, "used": 850 * DOLLAR},
        "keys": {
            f"hash_{name}": {
                "limit": 100 * DOLLAR, "remaining": 5 * DOLLAR, "reset": None, "byok": False
            }
            for name in ("prod", "evals")
        },
    }  # fmt: skip
    there.store.keep_fact("limits", json.dumps(told))


def turn(there: Watch, truth: Truth, by: timedelta = MINUTE) -> None:
    there.clock.now += by
    there.sync(truth)
    there.tick()


def listed(there: Watch) -> str:
    person = there.alerts.services.slack.person(there.slack.user("ada").id)
    cards, _ = there.alert_manager.cards_of(person.id, 10)
    standing = [reading.label for card in cards for reading in card.triggered]
    return there.alert_manager.listed(person, ListAlerts()).message.text + " ".join(standing)


WIDE = (
    "alert spend > $50 per day",
    "alert spend > $50 per day by key",
    "alert budget 80%",
    "alert credits < $200",
)


def test_the_list_leaves_out_alerts_measured_with_wider_visibility(tmp_path, slack, truth):
    with narrowed(tmp_path, slack, truth, *WIDE) as there:
        said = listed(there)
        assert "$130.00" not in said
        assert "evals" not in said
        assert "$150.00" not in said
        assert ":warning:" not in said


def test_a_rule_is_evaluated_again_with_the_narrower_visibility(tmp_path, slack, truth):
    with narrowed(tmp_path, slack, truth, *WIDE) as there:
        before = {one["ts"] for one in there.heard()}
        turn(there, truth)
        new = [one for one in there.heard() if one["ts"] not in before]
        said = " ".join(one["text"] for one in new)
        assert "$60.00 today, $10.00 over the $50.00 limit" in said
        assert "evals" not in said
        assert "$130.00" not in said
        assert "credits" not in said
        assert "$60.00 today" in listed(there)
        turn(there, truth)
        assert len(there.heard()) == len(before) + len(new)


def test_a_message_measured_with_wider_visibility_is_not_updated(tmp_path, slack, truth):
    with narrowed(tmp_path, slack, truth, "alert spend > $50 per day") as there:
        [old] = there.heard()
        for _ in range(4):
            turn(there, truth, 7 * HOUR)  # its period is over by then
        assert next(one for one in there.heard() if one["ts"] == old["ts"]) == old
        assert there.answers() == []


@pytest.mark.parametrize("act", ["acknowledge", "details", "snooze"])
def test_a_click_on_an_old_message_shows_no_new_figures(tmp_path, slack, truth, act):
    with narrowed(tmp_path, slack, truth, "alert spend > $50 per day by key") as there:
        [event, *_] = [one.event for one in there.told()]
        before = there.heard()
        ada = slack.user("ada").id
        im = slack.im("ada").id
        value = f"{event} 1h" if act == "snooze" else str(event)
        spot = MessageLocation(im, "", hidden=False)
        getattr(there.message_actions, act)(
            ReplyTarget("", ada, shared=True, channel=im), spot, value
        )
        said = [one["text"] for one in slack.messages(im) if one not in before]
        assert there.heard() == before
        assert "covers different usage now" in said[-1]


def test_a_pending_event_is_dropped_when_visibility_narrows(tmp_path, slack, truth):
    path = tmp_path / "activity.db"
    with watching(path, NOON, slack) as wide:
        wide.sync(truth, back=3 * DAY)
        wide.set_up("alert spend > $50 per day by key")
        wide.clock.now += MINUTE
        own = Watch(path, wide.clock, slack, ACTIVITY_VISIBILITY="own")
        own.delivery.tick()
        assert own.heard() == []
        turn(own, truth)
        assert "evals" not in json.dumps(own.heard())
        assert len(own.heard()) == 1
        own.close()


def test_a_rule_triggers_again_when_visibility_widens(tmp_path, slack, truth):
    path = tmp_path / "activity.db"
    with watching(path, NOON, slack, ACTIVITY_VISIBILITY="own") as own:
        own.sync(truth, back=3 * DAY)
        own.set_up("alert spend > $50 per day")
        turn(own, truth)
        [first] = own.heard()
        assert "$60.00 today" in first["text"]
        wide = Watch(path, own.clock, slack)
        turn(wide, truth)
        second = wide.heard()[-1]
        assert "$130.00 today" in second["text"]
        assert wide.heard()[0] == first
        wide.close()


def test_a_reminder_leaves_out_what_was_measured_with_wider_visibility(tmp_path, slack, truth):
    with narrowed(tmp_path, slack, truth, "alert credits < $200") as there:
        [rule] = [one.id for one in there.alerts.rules.of(None)]
        there.alerts.silences.add(rule, "*", there.clock() + HOUR, slack.user("ada").id)
        turn(there, truth, 2 * HOUR)
        assert len(there.heard()) == 1
        assert there.answers() == []


# -- whose own usage it is, where others read it


def in_spend(there: Watch) -> str:
    channel = there.slack.channel("spend")
    return f"in <#{channel.id}|spend>"


@pytest.mark.parametrize("visibility", ["own", "org"])
def test_other_readers_see_the_owners_name_instead_of_me(tmp_path, slack, truth, visibility):
    admin = slack.user("katherine").id
    with watching(
        tmp_path / "activity.db", NOON, slack, ACTIVITY_VISIBILITY=visibility, ACTIVITY_ADMINS=admin
    ) as there:
        there.sync(truth, back=3 * DAY)
        there.set_up(f"alert spend > $50 per day creator:me {in_spend(there)}")
        turn(there, truth)
        [message] = there.said(slack.channel("spend").id)
        assert 'over $50.00 today: creator:"Ada Lovelace"' in message["text"]
        assert "creator:me" not in json.dumps(message)
        person = there.alerts.services.slack.person(admin)
        assert (
            'creator:"Ada Lovelace"'
            in there.alert_manager.listed(person, ListAlerts()).message.text
        )
        assert "creator:me" in listed(there)  # who made it is meant


def details(there: Watch, user: str) -> str:
    """What somebody is answered who wants the details of the one alert that was told."""
    [event] = [one.event for one in there.told()]
    im = there.slack.im(user).id
    place = ReplyTarget("", there.slack.user(user).id, shared=True, channel=im)
    spot = MessageLocation(there.slack.channel("spend").id, "", hidden=False)
    there.message_actions.details(place, spot, str(event))
    return str(there.slack.messages(im)[-1]["text"])


def test_details_cover_the_owners_usage_for_every_person_who_clicks(tmp_path, slack, truth):
    with watching(tmp_path / "activity.db", NOON, slack) as there:
        there.sync(truth, back=3 * DAY)
        there.set_up(f"alert spend > $50 per day creator:me {in_spend(there)}")
        turn(there, truth)
        for user in ("ada", "grace"):
            said = details(there, user)
            assert "• prod: $60.00" in said
            assert "evals" not in said


def test_a_person_who_may_not_see_the_usage_learns_whose_it_is(tmp_path, slack, truth):
    with watching(tmp_path / "activity.db", NOON, slack, ACTIVITY_VISIBILITY="own") as there:
        there.sync(truth, back=3 * DAY)
        there.set_up(f"alert spend > $50 per day {in_spend(there)}")
        turn(there, truth)
        assert "• prod: $60.00" in details(there, "ada")
        said = details(there, "grace")
        assert f"about <@{slack.user('ada').id}>'s own usage, and you can only see yours" in said
