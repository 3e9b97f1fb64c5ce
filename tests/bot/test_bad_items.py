"""One bad item never stops a loop: rows of another version, and items that fail, one per loop."""

import json
from contextlib import contextmanager
from datetime import timedelta

import pytest

from bot import __version__
from bot.demo.slack import LocalSlack
from bot.store.readable import UNREADABLE
from reports.schedules.grammar import ListSchedules
from tests.bot.alerts.alert_bot import DAY, HOUR, MINUTE, NOON, Truth, running_bot
from tests.bot.schedules.report_bot import report_bot
from tests.bot.schedules.test_deliver import MONDAY, SATURDAY, cache, week  # noqa: F401 - fixtures

BROKEN = RuntimeError("one bad item")


@pytest.fixture
def truth():
    """The usage so far: next to nothing, two days ago."""
    found = Truth()
    found.use(NOON - 2 * DAY, 1)
    return found


@pytest.fixture
def admin(tmp_path, truth):
    """A process whose admin is Katherine, with usage in its cache."""
    slack = LocalSlack(file_delay=timedelta(0), rate_limits=False)
    named = slack.user("katherine").id
    with running_bot(tmp_path / "activity.db", NOON, slack, ACTIVITY_ADMINS=named) as bot:
        bot.sync(truth, back=3 * DAY)
        yield bot


def turn(bot, truth, by=MINUTE) -> None:
    bot.clock.now += by
    bot.sync(truth)
    bot.tick()


def edit(bot, statement, *values) -> int:
    with bot.database.write() as connection:
        return connection.execute(statement, values).rowcount


def pending(bot) -> list[tuple[int, dict]]:
    with bot.database.read() as connection:
        found = connection.execute("SELECT id, facts FROM alert_event ORDER BY id").fetchall()
    return [(id_, json.loads(facts)) for id_, facts in found]


def add_unknown_field(bot, id_, facts) -> None:
    facts["reading"]["confidence"] = 0.9
    edit(bot, "UPDATE alert_event SET facts = ? WHERE id = ?", json.dumps(facts), id_)


def notices(bot) -> list[str]:
    with bot.database.read() as connection:
        found = connection.execute("SELECT person, message FROM notice ORDER BY id").fetchall()
    return [f"{person}: {json.loads(message)['text']}" for person, message in found]


def two_crossings(bot, truth) -> None:
    """Two events that wait to be delivered, of which the first has a field of a newer version."""
    bot.set_up("alert spend > $40 per day")
    bot.set_up("alert spend > $50 per day")
    truth.use(NOON, 60)
    bot.clock.now += MINUTE
    bot.sync(truth)
    (first, facts), _ = pending(bot)
    add_unknown_field(bot, first, facts)


def test_an_unreadable_event_is_set_aside_and_the_others_are_delivered(admin, truth):
    two_crossings(admin, truth)
    for _ in range(3):
        admin.tick()
    assert len(admin.direct_messages()) == 1
    (first, _), _ = pending(admin)
    with admin.database.read() as connection:
        kept = connection.execute(
            "SELECT state, why, facts FROM alert_event WHERE id = ?", (first,)
        ).fetchone()
    assert kept[:2] == ("dropped", UNREADABLE)
    assert "confidence" in kept[2]
    [said] = [one for one in notices(admin) if "couldn't read" in one]
    assert said.startswith(admin.slack.user("katherine").id)
    assert "1 alert " in said
    assert __version__ in said


def test_an_event_that_was_set_aside_is_delivered_after_the_upgrade(admin, truth):
    two_crossings(admin, truth)
    admin.tick()
    (first, facts), _ = pending(admin)
    del facts["reading"]["confidence"]  # a version that knows the field reads it like this
    edit(admin, "UPDATE alert_event SET facts = ? WHERE id = ?", json.dumps(facts), first)
    admin.tick()
    assert len(admin.direct_messages()) == 1, "not before the restart that an upgrade is"
    admin.restart()
    admin.tick()
    assert len(admin.direct_messages()) == 2


def test_an_event_that_becomes_unreadable_in_a_message_leaves_the_rest_of_it(admin, truth):
    for limit in range(10, 17):  # so many at once are one message
        admin.set_up(f"alert spend > ${limit} per day")
    truth.use(NOON, 60)
    admin.clock.now += MINUTE
    admin.sync(truth)
    events = admin.alerts.events.claim(100)
    admin.delivery.batches.create(events)
    id_, facts = pending(admin)[0]
    add_unknown_field(admin, id_, facts)
    admin.tick()
    [message] = admin.direct_messages()
    assert message["text"].startswith("6 ")
    assert [one for one in notices(admin) if "1 alert " in one]
    admin.clock.now += HOUR
    admin.tick()
    assert len(admin.direct_messages()) == 1


def test_old_events_that_cannot_be_read_hide_no_list_and_stop_no_update(admin, truth):
    admin.set_up("alert spend > $50 per day")
    truth.use(NOON, 60)
    turn(admin, truth)
    id_, facts = pending(admin)[0]
    add_unknown_field(admin, id_, facts)
    truth.use(NOON + MINUTE, 60)
    turn(admin, truth)
    owner = admin.slack.user("ada").id
    cards, count = admin.alert_manager.cards_of(owner, 5)
    assert (len(cards), count) == (1, 1)


def test_an_unreadable_state_counts_as_none_and_stops_nothing(admin, truth):
    admin.set_up("alert spend > $50 per day")
    admin.set_up("alert requests > 10k per day")
    truth.use(NOON, 60)
    turn(admin, truth)
    assert edit(admin, 'UPDATE alert_state SET data = \'{"phase": "dormant"}\'') == 1
    admin.set_up("alert spend > $55 per day")
    turn(admin, truth)
    assert any("over the $55" in message["text"] for message in admin.direct_messages())
    admin.alerts.states.delete_old(NOON + 200 * DAY)


def test_a_crossing_whose_state_was_forgotten_is_no_news_and_undoes_nothing(admin, truth):
    admin.set_up("alert spend > $50 per day")
    truth.use(NOON, 60)
    turn(admin, truth)
    edit(admin, "DELETE FROM alert_state")
    admin.set_up("alert spend > $55 per day")
    turn(admin, truth)
    assert len(admin.direct_messages()) == 2


def test_a_rule_with_unknown_words_is_reported_to_its_owner_once_and_stops_no_other(admin, truth):
    bad = admin.set_up("alert spend > $40 per day")
    admin.set_up("alert spend > $50 per day")
    words = "latency > 3 s per hour"
    edit(admin, "UPDATE alert_rule SET words = ? WHERE id = ?", words, bad.id)
    truth.use(NOON, 60)
    for _ in range(3):
        admin.restart()
        turn(admin, truth)
    assert len(admin.direct_messages()) == 1
    [said] = [one for one in notices(admin) if "doesn't understand" in one]
    assert said.startswith(admin.slack.user("ada").id)
    assert "latency" in said
    assert admin.alerts.rules.get(bad.id)


def test_a_rule_row_that_cannot_be_read_hides_no_other(admin, truth):
    bad = admin.set_up("alert spend > $40 per day")
    admin.set_up("alert spend > $50 per day")
    edit(admin, "UPDATE alert_rule SET made_at = ? WHERE id = ?", 10**18, bad.id)
    truth.use(NOON, 60)
    turn(admin, truth)
    assert len(admin.direct_messages()) == 1
    assert len(admin.alert_manager.cards_of(admin.slack.user("ada").id, 5)[0]) == 1


def test_limits_that_cannot_be_read_stop_no_other_alert(admin, truth):
    admin.set_up("alert budget 80%")
    admin.set_up("alert spend > $50 per day")
    admin.store.keep_fact("limits", '{"from": "a newer version"}')
    truth.use(NOON, 60)
    turn(admin, truth)
    assert len(admin.direct_messages()) == 1


@contextmanager
def failing(monkeypatch, owner, name, when):
    """A method that raises for some of its arguments."""
    real = getattr(owner, name)

    def sometimes(*arguments, **named):
        if when(*arguments):
            raise BROKEN
        return real(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, sometimes)
        yield


def test_a_reminder_that_fails_loses_neither_the_others_nor_itself(admin, truth, monkeypatch):
    bad = admin.set_up("alert spend > $40 per day")
    good = admin.set_up("alert spend > $50 per day")
    truth.use(NOON, 60)
    turn(admin, truth)
    for entry in (bad, good):
        admin.alerts.silences.add(entry.id, "", admin.clock() + HOUR, "U1")
    admin.clock.now += HOUR
    with failing(
        monkeypatch, admin.evaluator, "current_measurements", lambda entry, _: entry.id == bad.id
    ):
        admin.sync(truth, evaluate=False)
        admin.tick()
        admin.clock.now += MINUTE
        admin.tick()
        assert [hold.rule for hold in admin.alerts.silences.ended()] == [bad.id]
        assert len(admin.thread_replies()) == 1
    admin.clock.now += HOUR
    admin.tick()
    assert admin.alerts.silences.ended() == []
    assert len(admin.thread_replies()) == 2


@pytest.mark.parametrize(
    ("part", "step"),
    [("delivery", "_check_clock"), ("owner_check", "tick"), ("reminders", "add")],
)
def test_delivery_goes_on_where_a_step_before_it_fails(admin, truth, monkeypatch, part, step):
    admin.set_up("alert spend > $50 per day")
    truth.use(NOON, 60)
    admin.clock.now += MINUTE
    admin.sync(truth)
    failing_part = getattr(admin.delivery, part, admin.delivery)
    with failing(monkeypatch, failing_part, step, lambda: True):
        admin.delivery.tick()
    assert len(admin.direct_messages()) == 1


def test_an_owner_who_cannot_be_checked_stops_no_delivery(admin, truth, monkeypatch):
    admin.set_up("alert spend > $40 per day")
    admin.set_up("alert spend > $50 per day", user="grace")
    ada = admin.slack.user("ada").id
    truth.use(NOON, 60)
    admin.clock.now += MINUTE
    admin.sync(truth)
    people = admin.delivery._people
    with failing(monkeypatch, people, "present", lambda entry: entry.draft.owner == ada):
        admin.delivery.tick()
    assert len(admin.direct_messages("grace")) == 1


def test_a_place_whose_messages_fail_stops_no_other_place(admin, truth, monkeypatch):
    admin.set_up("alert spend > $40 per day")
    admin.set_up("alert spend > $50 per day", user="grace")
    ada = admin.slack.user("ada").id
    truth.use(NOON, 60)
    admin.clock.now += MINUTE
    admin.sync(truth)
    with failing(monkeypatch, admin.delivery.batches, "_create_for", lambda to, *_: to == ada):
        admin.delivery.tick()
    assert len(admin.direct_messages("grace")) == 1
    admin.clock.now += 3 * MINUTE
    admin.tick()
    assert len(admin.direct_messages()) == 1


def test_what_fails_in_judging_gives_the_lease_back(admin, truth, monkeypatch):
    admin.set_up("alert spend > $50 per day")
    truth.use(NOON, 60)
    admin.clock.now += MINUTE
    admin.sync(truth, evaluate=False)
    with (
        failing(monkeypatch, admin.evaluator, "_changes", lambda *_: True),
        pytest.raises(RuntimeError),
    ):
        admin.evaluator.evaluate_all()
    with second_process(admin) as other:
        assert other.evaluator.evaluate_all() == 1


@contextmanager
def second_process(bot):
    """A second process on the same database."""
    from tests.bot.alerts.alert_bot import AlertBot  # noqa: PLC0415 - only here

    other = AlertBot(bot.database.address, bot.clock, bot.slack)
    yield other
    other.close()


# -- reports


@pytest.fixture
def alert_manager(cache):  # noqa: F811
    slack = LocalSlack(file_delay=timedelta(0), rate_limits=False)
    with report_bot(cache, SATURDAY, slack, ACTIVITY_ADMINS=slack.user("katherine").id) as found:
        found.tick()
        yield found


def test_an_unreadable_schedule_is_paused_and_reported_and_the_others_are_posted(alert_manager):
    bad = alert_manager.set_up("schedule weekly tokens mon 9:00 UTC")
    alert_manager.set_up("schedule weekly spend mon 9:00 UTC")
    edit(alert_manager, "UPDATE schedule SET rule = 'fortnightly mon' WHERE id = ?", bad.id)
    alert_manager.tick(MONDAY)
    alert_manager.tick(MONDAY + MINUTE)
    assert len(alert_manager.posted()) == 1
    [said] = [one for one in alert_manager.direct_messages() if "can't read" in one]
    assert "tokens" in said
    assert len(alert_manager.reports.schedules.of(None)) == 1
    edit(alert_manager, "UPDATE schedule SET rule = 'weekly mon' WHERE id = ?", bad.id)
    alert_manager.__post_init__()  # an upgrade is a restart
    alert_manager.tick(MONDAY + HOUR)
    [again] = [one for one in alert_manager.reports.schedules.of(None) if one.id == bad.id]
    assert again.paused is None
    assert again.next.at == MONDAY + 7 * DAY


def test_an_unreadable_schedule_is_listed_as_unreadable(alert_manager):
    bad = alert_manager.set_up("schedule weekly tokens mon 9:00 UTC")
    alert_manager.set_up("schedule weekly spend mon 9:00 UTC", user="grace")
    edit(alert_manager, "UPDATE schedule SET rule = 'fortnightly mon' WHERE id = ?", bad.id)

    def listed(user):
        slack = alert_manager.reports.services.slack
        person = slack.person(alert_manager.slack.user(user).id)
        return alert_manager.subscriptions.listed(person, ListSchedules()).message.text

    assert ":warning: Unreadable: `tokens last week`. " in listed("ada")
    assert "Unreadable" not in listed("grace")
    assert f"set up by <@{bad.draft.owner}>. A newer version" in listed("katherine")


def test_a_schedule_that_cannot_be_planned_stops_no_other(alert_manager, monkeypatch):
    bad = alert_manager.set_up("schedule weekly tokens mon 9:00 UTC")
    alert_manager.set_up("schedule weekly spend mon 9:00 UTC")
    from bot.store.schedules import planning  # noqa: PLC0415 - patched below

    with failing(monkeypatch, planning, "plan", lambda _, known, *__: known.id == bad.id):
        alert_manager.tick(MONDAY)
        assert len(alert_manager.posted()) == 1
    alert_manager.tick(MONDAY + 2 * HOUR)
    assert len(alert_manager.posted()) == 2


def test_an_unreadable_run_fails_and_the_others_are_posted(alert_manager):
    bad = alert_manager.set_up("schedule weekly tokens mon 9:00 UTC", channel="spend")
    alert_manager.set_up("schedule weekly spend mon 9:00 UTC")
    alert_manager.now = MONDAY
    alert_manager.reports.runs.plan(lambda *_: {})
    edit(alert_manager, "UPDATE schedule SET target = 'email' WHERE id = ?", bad.id)
    alert_manager.tick(MONDAY)
    alert_manager.tick(MONDAY + MINUTE)
    assert len(alert_manager.posted()) == 1
    assert sorted(state for _, state, _ in alert_manager.states()) == ["failed", "sent"]
    [said] = [one for one in alert_manager.direct_messages("katherine") if "couldn't read" in one]
    assert "1 scheduled report" in said


def test_a_run_that_keeps_failing_stops_no_other_and_is_given_up(alert_manager, monkeypatch):
    bad = alert_manager.set_up("schedule weekly tokens mon 9:00 UTC", channel="spend")
    alert_manager.set_up("schedule weekly spend mon 9:00 UTC")
    with failing(
        monkeypatch, alert_manager.reporting, "_process", lambda run: run.entry.id == bad.id
    ):
        alert_manager.tick(MONDAY)
        assert len(alert_manager.posted()) == 1
        alert_manager.tick(MONDAY + 4 * DAY)
    assert ("failed", "gave_up") in [state[1:] for state in alert_manager.states()]


def test_an_unreadable_notice_keeps_no_other_back(alert_manager):
    for number, text in enumerate(
        ('{"kind": "canvas"}', "no JSON", '{"text": "hi", "blocks": []}')
    ):
        alert_manager.reports.notices.add(
            f"note {number}", alert_manager.slack.user("ada").id, {"text": "", "blocks": []}
        )
        edit(alert_manager, "UPDATE notice SET message = ? WHERE key = ?", text, f"note {number}")
    alert_manager.tick(MONDAY)
    alert_manager.tick(MONDAY + MINUTE)
    assert alert_manager.direct_messages() == ["hi"]


def test_a_notice_that_fails_keeps_no_other_back(alert_manager, monkeypatch):
    ada, grace = (alert_manager.slack.user(name).id for name in ("ada", "grace"))
    for person in (ada, grace):
        alert_manager.reports.notices.add(f"to {person}", person, {"text": "hi", "blocks": []})
    notices = alert_manager.reporting._failure_notices
    with failing(monkeypatch, notices, "_send_one", lambda notice: notice.person == ada):
        alert_manager.tick(MONDAY)
    assert alert_manager.direct_messages("grace") == ["hi"]


@pytest.mark.parametrize("step", ["repair_future_times", "offer", "send_due"])
def test_reports_are_sent_even_if_another_step_fails(alert_manager, monkeypatch, step):
    alert_manager.set_up("schedule weekly spend mon 9:00 UTC")
    alert_manager.reporting._latest = None
    alert_manager.reporting._offered = False
    owner = (
        alert_manager.reports.runs
        if step == "repair_future_times"
        else alert_manager.reporting._failure_notices
    )
    with failing(monkeypatch, owner, step, lambda: True):
        alert_manager.tick(MONDAY)
    assert len(alert_manager.posted()) == 1


@pytest.mark.parametrize("address", ["nonsense", "http://[", "http://127.0.0.1:9/", None])
def test_a_report_goes_out_without_the_file_that_cannot_be_uploaded(
    cache,  # noqa: F811
    address,
    monkeypatch,
):
    with report_bot(cache, SATURDAY, pictures=True) as bot:
        bot.set_up("schedule weekly spend csv mon 9:00 UTC")
        call = bot.reports.posting.slack.call

        def garbled(method, **arguments):
            said = call(method, **arguments)
            if method == "files.getUploadURLExternal":
                return {**said, "upload_url": address}
            return said

        monkeypatch.setattr(bot.reports.posting.slack, "call", garbled)
        bot.tick(MONDAY)
        [message] = bot.posted()
        assert "The CSV couldn't be uploaded" in json.dumps(message["blocks"])
        assert [state for _, state, _ in bot.states()] == ["sent"]
