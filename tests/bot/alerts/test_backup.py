"""A database restored from a backup doubles no alert, and loses none that was waiting."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from bot.alerts.fingerprints import Fingerprints
from bot.demo.slack import LocalSlack
from bot.demo.slack.api import SCOPES
from bot.store import Database
from bot.store.alerts.events import StoredEvent
from reports.alerts.evaluation import AlertEvent, EventKind, Measurement
from reports.alerts.periods import QuietHours
from reports.alerts.rule import Rule
from reports.commands import parse_command
from reports.usage.dimensions import Dimension
from tests import databases
from tests.bot.alerts.alert_bot import DAY, DOLLAR, HOUR, MINUTE, NOON, AlertBot, Truth
from tests.bot.alerts.test_evaluate import limits
from tests.bot.alerts.test_storm import KEYS, LIMITS, Storm
from tests.clock import Clock


class Machine:
    """A bot whose database is backed up and restored while it is stopped; Slack goes on."""

    def __init__(self, folder: Path, slack: LocalSlack) -> None:
        self.database, self.copy = folder / "activity.db", folder / "copy.db"
        self.clock, self.slack, self.truth = Clock(NOON), slack, Truth()
        slack.workspace.clock = self.clock
        self.bot = AlertBot(self.database, self.clock, slack)
        self.bot.set_up_workspace()
        self.truth.use(NOON - 2 * DAY, 1)
        self.bot.sync(self.truth, back=366 * DAY)

    def turn(self, by: timedelta = MINUTE) -> None:
        """Time passes, then a sync and what follows it."""
        self.clock.now += by
        self.bot.sync(self.truth, back=3 * DAY)
        self.bot.tick()

    def back_up(self) -> None:
        self._replace(self.database, self.copy)

    def use_new_models(self, *names: str) -> None:
        """OpenRouter lists models that the bot doesn't know, and somebody uses them."""
        for name in names:
            self.bot.store.add_members(Dimension.MODEL, [(name, name, "")])
            self.truth.use(self.clock(), 60, model=name)

    def restore(self, dollars: int | None = None, new_models: Sequence[str] = ()) -> None:
        """Some minutes after whatever came last; the bot catches up, also with the balance."""
        self.clock.now += 5 * MINUTE
        self._replace(self.copy, self.database)
        self.use_new_models(*new_models)
        if dollars is not None:
            balance(self.bot, dollars)
        for _ in range(8):
            self.turn(15 * MINUTE)

    def _replace(self, source: Path, to: Path) -> None:
        self.bot.close()
        databases.copy(source, to)
        self.bot = AlertBot(self.database, self.clock, self.slack)

    def restart(self, after: timedelta = 5 * MINUTE) -> None:
        """The bot isn't running for some time."""
        self.clock.now += after
        self.bot.restart()
        self.bot.evaluator.tick()

    def histories(self) -> list[datetime]:
        """Since when a history was read, for each time that it was."""
        return [
            datetime.fromtimestamp(float(call.args["oldest"]), UTC)
            for call in self.slack.calls
            if call.method == "conversations.history"
        ]

    def heard(self) -> list[str]:
        """The texts of all alerts in direct messages and the channel, with replies."""
        places = [self.slack.im(user).id for user in ("ada", "grace")]
        texts = []
        for place in (*places, self.slack.channel("spend").id):
            texts += [
                str(message["text"])
                for message in self.slack.messages(place)
                if message.get("metadata", {}).get("event_payload", {}).get("about")
            ]
        return texts

    def unsent(self) -> int:
        with self.bot.database.read() as connection:
            (events,) = connection.execute(
                "SELECT count(*) FROM alert_event WHERE state NOT IN ('told', 'dropped')"
            ).fetchone()
            (messages,) = connection.execute(
                "SELECT count(*) FROM alert_telling WHERE state <> 'sent' OR stale = 1"
            ).fetchone()
        return int(events) + int(messages)


@pytest.fixture
def slack() -> Iterator[LocalSlack]:
    with LocalSlack(file_delay=timedelta(0), rate_limits=False) as started:
        yield started


@pytest.fixture
def machine(tmp_path: Path, slack: LocalSlack) -> Iterator[Machine]:
    found = Machine(tmp_path, slack)
    yield found
    found.bot.close()


def balance(bot: AlertBot, dollars: int) -> None:
    limits(bot, credits={"total": 1_000 * DOLLAR, "used": (1_000 - dollars) * DOLLAR})


def hold_until(machine: Machine, hours: int) -> None:
    """Ada wants to hear nothing from noon (UTC) on."""
    ada = machine.slack.user("ada").id
    machine.bot.alerts.quiet_hours.set(ada, QuietHours(time(12), time(13 + hours)))


@pytest.mark.parametrize(
    "words",
    [
        "alert spend > $50 per day",
        "alert spend > $50 per month by key",
        "alert spend > $20 per hour key:prod urgent",
        "alert new model",
        "alert spend > $50 per day in <#{spend}|spend>",
        "alert spend > $50 per day by key to owner",
    ],
)
def test_a_crossing_after_the_backup_is_sent_once(machine: Machine, words: str):
    machine.bot.set_up(words.format(spend=machine.slack.channel("spend").id), user="grace")
    machine.back_up()
    machine.truth.use(NOON, 60, model="c/z")
    machine.turn()
    [first] = machine.heard()
    machine.restore()
    assert len(machine.heard()) == 1, first
    assert machine.unsent() == 0


@pytest.mark.parametrize(
    "words",
    ["alert new model", "alert new model by creator", "alert spend > $50 per day by model"],
)
def test_members_that_come_in_another_order_after_the_restore_are_not_confused(
    machine: Machine, words: str
):
    machine.bot.set_up(words)
    machine.back_up()
    machine.use_new_models("first")
    machine.turn()
    assert len(machine.heard()) == 1
    machine.restore(new_models=("second", "first"))
    texts = machine.heard()
    assert len(texts) == 2
    assert "first" in texts[0]
    assert "second" in texts[1]
    assert machine.unsent() == 0


def test_a_rule_that_was_changed_after_the_backup_is_another_one(machine: Machine):
    entry = machine.bot.set_up("alert spend > $50 per day tz UTC")
    machine.back_up()
    changed = parse_command("alert spend > $50 per day key:lab tz UTC")
    assert isinstance(changed, Rule)
    machine.bot.alerts.rules.change(entry.id, replace(entry.draft, words=changed.words()))
    machine.truth.use(NOON, 60, "lab")
    machine.turn()
    assert len(machine.heard()) == 1
    machine.restore()
    assert len(machine.heard()) == 2
    assert machine.unsent() == 0


def test_an_alert_that_waited_in_the_backup_and_was_sent_since_is_sent_once(machine: Machine):
    hold_until(machine, 2)
    machine.bot.set_up("alert spend > $50 per day")
    machine.truth.use(NOON, 60)
    machine.turn()
    machine.back_up()
    assert machine.heard() == []
    machine.turn(2 * HOUR)
    assert len(machine.heard()) == 1
    machine.restore()
    assert len(machine.heard()) == 1
    assert machine.unsent() == 0


def test_an_alert_that_waited_in_the_backup_and_was_not_sent_since_is_sent(machine: Machine):
    hold_until(machine, 2)
    machine.bot.set_up("alert spend > $50 per day")
    machine.truth.use(NOON, 60)
    machine.turn()
    machine.back_up()
    machine.turn(HOUR)
    assert machine.heard() == []
    machine.restore()
    assert len(machine.heard()) == 1
    assert machine.unsent() == 0


def test_a_message_that_slack_did_not_take_before_the_backup_is_sent_once(machine: Machine):
    machine.bot.set_up("alert spend > $50 per day")
    machine.truth.use(NOON, 60)
    machine.slack.faults.add("*", (503,), 10_000, 1)
    machine.turn()
    machine.back_up()
    machine.slack.faults.clear()
    assert machine.heard() == []
    machine.turn(15 * MINUTE)
    assert len(machine.heard()) == 1
    machine.restore()
    assert len(machine.heard()) == 1
    assert machine.unsent() == 0


@pytest.mark.parametrize("known", [True, False])
def test_what_follows_in_the_thread_is_sent_once(machine: Machine, known: bool):
    limits(machine.bot)
    machine.bot.set_up("alert budget 80% 100% key:lab")
    if not known:
        machine.back_up()
    machine.truth.use(NOON + MINUTE, 3, "lab")
    machine.turn(2 * MINUTE)
    if known:
        machine.back_up()
    machine.truth.use(NOON + 2 * MINUTE, 10, "lab")
    machine.turn(2 * MINUTE)
    assert len(machine.heard()) == 2
    machine.restore()
    assert len(machine.heard()) == 2
    assert machine.unsent() == 0


def test_a_threshold_that_was_passed_only_after_the_restore_is_sent(machine: Machine):
    limits(machine.bot)
    machine.bot.set_up("alert budget 80% 100% key:lab")
    machine.back_up()
    machine.truth.use(NOON + MINUTE, 3, "lab")
    machine.turn(2 * MINUTE)
    assert len(machine.heard()) == 1
    machine.truth.use(NOON + 2 * MINUTE, 10, "lab")
    machine.restore()
    assert len(machine.heard()) == 2
    assert "107% used" in machine.heard()[-1]
    assert machine.unsent() == 0


def test_a_reminder_is_sent_once(machine: Machine):
    entry = machine.bot.set_up("alert spend > $50 per day")
    machine.truth.use(NOON, 60)
    machine.turn()
    machine.bot.alerts.silences.add(entry.id, "", machine.clock() + HOUR, "U1")
    machine.back_up()
    machine.turn(2 * HOUR)
    assert len(machine.heard()) == 2
    machine.restore()
    assert len(machine.heard()) == 2
    assert machine.unsent() == 0


@pytest.mark.parametrize("known", [True, False])
def test_a_recovery_is_sent_once(machine: Machine, known: bool):
    balance(machine.bot, 500)
    machine.bot.set_up("alert credits < $100")
    if not known:
        machine.back_up()
    balance(machine.bot, 50)
    machine.turn()
    if known:
        machine.back_up()
    balance(machine.bot, 500)
    machine.turn()
    assert len(machine.heard()) == 2
    machine.restore(dollars=500)
    assert len(machine.heard()) == 2
    assert machine.unsent() == 0


def test_a_balance_that_is_still_low_is_sent_once_and_then_as_restored(machine: Machine):
    balance(machine.bot, 500)
    machine.bot.set_up("alert credits < $100")
    machine.back_up()
    balance(machine.bot, 50)
    machine.turn()
    machine.restore(dollars=50)
    assert len(machine.heard()) == 1
    balance(machine.bot, 500)
    machine.turn()
    first, reply = machine.heard()
    assert "back above $100.00" in reply
    assert first
    assert machine.unsent() == 0


def test_a_balance_that_falls_again_after_the_restore_is_sent_again(machine: Machine):
    balance(machine.bot, 500)
    machine.bot.set_up("alert credits < $100")
    machine.back_up()
    for dollars in (50, 500):
        balance(machine.bot, dollars)
        machine.turn()
    machine.restore(dollars=40)
    assert len(machine.heard()) == 3
    assert machine.unsent() == 0


def test_a_second_crossing_is_sent_while_it_is_unknown_whether_the_first_one_was(machine: Machine):
    """The process ends right after Slack took the first one; another one starts minutes later."""
    balance(machine.bot, 200)
    machine.bot.set_up("alert credits < $100")
    machine.turn()
    balance(machine.bot, 90)
    machine.turn()
    assert len(machine.heard()) == 1
    machine.bot.close()
    database = Database(databases.at(machine.database))
    with closing(database), database.write() as connection:
        unknown = "state = 'sending', channel = '', ts = '', next_at = next_at + 900000"
        connection.execute(f"UPDATE alert_telling SET {unknown}")
        connection.execute("UPDATE alert_event SET state = 'telling'")
    machine.bot = AlertBot(machine.database, machine.clock, machine.slack)
    for dollars in (200, 90):
        balance(machine.bot, dollars)
        machine.turn(4 * MINUTE)
    for _ in range(4):
        machine.turn(10 * MINUTE)
    low = [text for text in machine.heard() if text.startswith("OpenRouter credits low")]
    assert len(low) == 2
    assert machine.unsent() == 0


def test_a_balance_that_falls_again_long_after_the_restore_is_sent(machine: Machine):
    balance(machine.bot, 500)
    machine.bot.set_up("alert credits < $100")
    machine.back_up()
    balance(machine.bot, 50)
    machine.turn()
    machine.restore(dollars=500)  # two hours
    balance(machine.bot, 50)
    machine.turn()
    assert len(machine.heard()) == 2
    assert machine.unsent() == 0


def test_a_clock_that_was_a_year_ahead_at_the_start_is_no_gap(machine: Machine):
    machine.bot.set_up("alert spend > $50 per day")
    machine.restart(365 * DAY)
    machine.clock.now -= 365 * DAY
    machine.truth.use(machine.clock(), 60)
    machine.turn()
    assert len(machine.heard()) == 1
    machine.restart()
    machine.truth.use(machine.clock() + DAY, 60)
    machine.turn(DAY)
    machine.turn()
    assert len(machine.heard()) == 2
    assert machine.histories() == [NOON + MINUTE - 10 * MINUTE]


def test_after_a_pause_each_fall_of_the_balance_is_sent(machine: Machine):
    balance(machine.bot, 500)
    entry = machine.bot.set_up("alert credits < $100")
    machine.restart()
    balance(machine.bot, 50)
    machine.turn()
    # nobody hears that it is over
    machine.bot.alerts.silences.add(entry.id, "", machine.clock() + 5 * MINUTE, "U1")
    balance(machine.bot, 500)
    machine.turn()
    machine.turn(10 * MINUTE)
    assert len(machine.heard()) == 1
    machine.bot.restart()  # so that it reads the history again
    balance(machine.bot, 50)
    machine.turn()
    assert len(machine.heard()) == 2
    assert machine.unsent() == 0


def test_after_a_pause_each_reminder_is_sent(machine: Machine):
    entry = machine.bot.set_up("alert spend > $50 per day")
    machine.restart()
    machine.truth.use(machine.clock(), 60)
    machine.turn()
    for count in (2, 3):
        machine.bot.alerts.silences.add(entry.id, "", machine.clock() + HOUR, "U1")
        machine.turn(2 * HOUR)
        assert len(machine.heard()) == count
    assert machine.unsent() == 0


@pytest.mark.parametrize("before", [0, 1, 6])
def test_alerts_in_a_combined_message_are_sent_once(machine: Machine, before: int):
    """Some of them were in messages of their own when the backup was made, or since."""
    for dollars in range(before):
        machine.bot.set_up(f"alert spend > ${10 + dollars} per day")
    machine.back_up()
    if before == 1:
        machine.truth.use(NOON, 10.5)
        machine.turn()
    machine.truth.use(NOON, 60)
    machine.turn()
    sent = len(machine.heard())
    machine.restore()
    assert len(machine.heard()) == sent == min(before, 1)
    assert machine.unsent() == 0


def test_the_thread_of_a_combined_message_is_read_once(machine: Machine):
    for dollars in range(10, 20):
        machine.bot.set_up(f"alert spend > ${dollars} per day")
    machine.back_up()
    machine.truth.use(NOON, 60)
    machine.turn()
    machine.restore()
    assert len(machine.heard()) == 1
    assert [one.method for one in machine.slack.calls].count("conversations.replies") == 1


def test_alerts_that_were_sent_apart_are_not_sent_together(machine: Machine):
    for dollars in range(10, 70, 10):
        machine.bot.set_up(f"alert spend > ${dollars} per day")
    machine.back_up()
    for _ in range(4):
        machine.truth.use(machine.clock(), 11)
        machine.turn()
    assert len(machine.heard()) == 4
    machine.truth.use(machine.clock(), 30)
    machine.restore()
    texts = machine.heard()
    assert len(texts) == 5
    assert "2 OpenRouter alerts" in texts[-1]
    assert "over $50.00" in texts[-1]
    assert "over $60.00" in texts[-1]
    assert machine.unsent() == 0


def test_an_alert_that_went_to_its_owner_instead_is_sent_once(machine: Machine):
    channel = machine.slack.channel("spend").id
    machine.bot.set_up(f"alert spend > $50 per day in <#{channel}|spend>")
    machine.slack.workspace.change_channel("spend", is_archived=True)
    machine.back_up()
    machine.truth.use(NOON, 60)
    machine.turn()
    machine.turn()
    [message] = machine.bot.direct_messages()
    machine.restore()
    assert [one["ts"] for one in machine.bot.direct_messages()] == [message["ts"]]
    assert machine.unsent() == 0


def test_without_the_history_an_alert_may_be_sent_again_and_the_log_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    scopes = SCOPES - {"channels:history", "groups:history", "im:history"}
    with LocalSlack(scopes=scopes, file_delay=timedelta(0), rate_limits=False) as slack:
        machine = Machine(tmp_path, slack)
        machine.bot.set_up("alert spend > $50 per day")
        machine.back_up()
        machine.truth.use(NOON, 60)
        machine.turn()
        with caplog.at_level(logging.WARNING):
            machine.restore()
        assert len(machine.heard()) == 2
        assert "The history cannot be read, so alert" in caplog.text
        machine.bot.close()


def test_while_the_history_cannot_be_read_an_alert_waits(machine: Machine):
    machine.bot.set_up("alert spend > $50 per day")
    machine.back_up()
    machine.truth.use(NOON, 60)
    machine.turn()
    machine.slack.faults.add("conversations.history", (500,), 3, 1)
    machine.restore()
    assert len(machine.heard()) == 1
    assert machine.unsent() == 0


def test_if_the_history_cannot_be_read_for_an_hour_an_alert_is_sent(
    machine: Machine, caplog: pytest.LogCaptureFixture
):
    machine.bot.set_up("alert spend > $50 per day")
    machine.restart()
    machine.slack.faults.add("conversations.history", (500,), 100_000, 1)
    machine.truth.use(machine.clock(), 60)
    for _ in range(5):
        machine.turn(10 * MINUTE)
        assert machine.heard() == []
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            machine.turn(10 * MINUTE)
    assert len(machine.heard()) == 1
    assert machine.unsent() == 0
    assert "may be sent twice" in caplog.text


def test_after_a_long_outage_an_alert_sent_since_the_backup_is_not_sent_again(machine: Machine):
    machine.bot.set_up("alert spend > $50 per day")
    machine.turn()
    machine.back_up()
    machine.truth.use(machine.clock(), 60)
    machine.turn()
    assert len(machine.heard()) == 1
    for method in ("conversations.history", "chat.postMessage"):
        machine.slack.faults.add(method, (503,), 100_000, 1)
    machine.restore()
    machine.slack.faults.clear()
    for _ in range(6):
        machine.turn(10 * MINUTE)
    assert len(machine.heard()) == 1
    assert machine.unsent() == 0


def test_a_running_bot_reads_no_history_for_a_new_alert(machine: Machine):
    machine.bot.set_up("alert spend > $50 per day")
    machine.turn(6 * HOUR)
    machine.truth.use(machine.clock(), 60)
    machine.turn()
    assert len(machine.heard()) == 1
    assert machine.histories() == []


def test_after_a_pause_each_history_is_read_once(machine: Machine):
    machine.restart()
    for dollars in (50, 100, 150):
        machine.bot.set_up(f"alert spend > ${dollars} per day")
        machine.truth.use(machine.clock(), 60)
        machine.turn()
    assert len(machine.heard()) == 3
    assert len(machine.histories()) == 1


def test_a_bot_that_pauses_every_night_reads_only_the_histories_of_the_last_days(
    machine: Machine,
):
    machine.bot.set_up("alert spend > $50 per day")
    for _ in range(10):
        machine.turn(23 * HOUR)
        machine.restart(HOUR)
    machine.truth.use(machine.clock(), 60)
    machine.turn()
    assert len(machine.heard()) == 1
    [since] = machine.histories()
    assert since > machine.clock() - 4 * DAY


def test_a_pause_after_the_restore_does_not_hide_what_was_sent_before(machine: Machine):
    machine.bot.set_up("alert spend > $50 per month")
    machine.back_up()
    machine.truth.use(NOON, 60)
    machine.turn()
    used, machine.truth.used = machine.truth.used, {}
    machine.restore()
    machine.turn(30 * HOUR)
    machine.restart()
    machine.truth.used = used  # it arrives late
    machine.turn()
    assert len(machine.heard()) == 1
    assert machine.unsent() == 0


class Restored(Storm):
    """The same storm, in which the database is backed up and restored now and then."""

    @rule()
    def back_up(self) -> None:
        self.replace("activity.db", "copy.db")
        self.in_copy = self.judged, frozenset(self.expected)

    @precondition(lambda self: hasattr(self, "in_copy"))
    @rule(stopped=st.sampled_from([5 * MINUTE, 4 * HOUR]), key=st.sampled_from(["", *KEYS]))
    def restore(self, stopped: timedelta, key: str) -> None:
        if key:  # a crossing that the copy doesn't know
            self.somebody_uses(70, key, 0)
            self.clock.now += MINUTE
            self.sync(1, 1)
            self.deliver(1)
        self.clock.now += stopped
        self.replace("copy.db", "activity.db")
        # what was found above its limit since, but not sent, may have been corrected
        self.possible = self.expected | getattr(self, "possible", set())
        self.judged, self.expected = self.in_copy[0], set(self.in_copy[1])
        self.sync(0, 2)

    def replace(self, source: str, to: str) -> None:
        for one in self.processes:
            one.close()
        folder = Path(self.folder.name)
        databases.copy(folder / source, folder / to)
        database = folder / "activity.db"
        self.processes = [AlertBot(database, self.clock, self.slack) for _ in range(3)]

    def check(self) -> None:
        first = self.processes[0]
        ids = {label: id_ for id_, label in first.store.directory().labels.items()}
        rules = {unit: id_ for id_, unit in self.rules.items()}
        expected, possible = (
            {
                fingerprint(first, (rules[unit], str(ids[key]), key_of(start)), LIMITS[unit])
                for unit, start, key in found
            }
            for found in (self.expected, self.expected | getattr(self, "possible", set()))
        )
        sent = Counter(
            about
            for message in first.direct_messages()
            for about in message["metadata"]["event_payload"]["about"].split()
        )
        assert expected <= set(sent) <= possible
        assert set(sent.values()) <= {1}


def key_of(start: datetime) -> str:
    """The period part of a state's key."""
    return f"{start:%Y-%m-%dT%H:%M}"


def fingerprint(bot: AlertBot, key: tuple[str, str, str], dollars: int) -> str:
    """That of the event that a sum of a period is above its limit."""
    measured = Measurement(key[1], "", 0, dollars * DOLLAR, NOON)
    event = AlertEvent(EventKind.TRIGGERED, measured, 1, NOON)
    stored = StoredEvent(0, key[0], 1, *key[1:], event, False, 0)
    [found] = Fingerprints(bot.store.directory()).of([stored])
    return found


Restored.TestCase.settings = settings(max_examples=20, stateful_step_count=50)
TestRestored = Restored.TestCase


def test_an_alert_whose_fingerprints_are_too_long_for_slack_is_sent_without(machine: Machine):
    machine.bot.set_up("alert spend > $50 per day")
    machine.slack.fail("chat.postMessage", "metadata_too_large")
    machine.truth.use(NOON, 60)
    machine.turn()
    [sent] = [
        one for one in machine.slack.messages(machine.slack.im("ada").id) if "metadata" in one
    ]
    assert "about" not in sent["metadata"]["event_payload"]
    assert machine.unsent() == 0
