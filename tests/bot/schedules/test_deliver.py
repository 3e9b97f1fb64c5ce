"""Scheduled reports from their due time to the message, and what happens on the way."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.demo.slack import LocalSlack
from bot.demo.slack.api import SCOPES
from bot.schedules import deliver
from bot.schedules.deliver import ReportDelivery
from bot.slack.posting import Posting
from bot.store.schedules.runs import ReportRuns
from tests import databases
from tests import world as worlds
from tests.bot.schedules.report_bot import ReportBot, report_bot

DAY = timedelta(days=1)
HISTORY = {"channels:history", "groups:history", "im:history"}


def last_monday(at: datetime) -> datetime:
    """Nine o'clock UTC on the newest Monday whose week is over, whatever day it is."""
    monday = (at - timedelta(days=at.weekday())).replace(hour=9, minute=0, second=0, microsecond=0)
    return monday - 7 * DAY


MONDAY = last_monday(worlds.now())
SATURDAY = MONDAY - 2 * DAY


@pytest.fixture(scope="module")
def week(tmp_path_factory):
    """A cache whose usage lies in the week before the newest Monday."""
    organization = worlds.small(MONDAY - timedelta(hours=30))
    path = tmp_path_factory.mktemp("week") / "activity.db"
    worlds.filled(organization, path)
    return organization, path


@pytest.fixture
def cache(week, tmp_path):
    path = tmp_path / "activity.db"
    databases.copy(week[1], path)
    return path


@pytest.fixture
def bot(cache):
    with report_bot(cache, SATURDAY) as found:
        yield found


def table_of(message) -> list[list[str]]:
    [table] = [block for block in message["blocks"] if block["type"] == "table"]
    return [[cell["text"] for cell in row] for row in table["rows"]]


def test_it_posts_every_monday_once(cache, week):
    with report_bot(cache, SATURDAY, pictures=True) as bot:
        once_every_monday(bot, week)


def once_every_monday(bot: ReportBot, week):
    bot.set_up("schedule weekly spend by creator mon 9:00 UTC")
    bot.tick(MONDAY - timedelta(minutes=1))
    assert bot.posted() == []
    bot.tick(MONDAY)
    bot.tick(MONDAY + timedelta(minutes=1))
    [message] = bot.posted()
    whole = sum(r.credits_nano + r.byok_nano for r in week[0].records) / worlds.DOLLAR
    assert whole == 39
    assert "$39.00" in message["text"]
    rows = table_of(message)
    assert rows[0] == ["Creator", "Spend", "Share", "Change", "Top model"]
    assert [row[0] for row in rows[1:]] == ["Ada Lovelace", "Grace Hopper", "(no creator)", "Total"]
    assert rows[1][1] == "$26.00"
    assert rows[1][4] == "claude-opus-4.5"
    assert [block["type"] for block in message["blocks"]].count("image") == 1
    assert message["metadata"]["event_payload"]["key"].endswith(bot.slack.channel("general").id)
    assert bot.states() == [(MONDAY.date().isoformat(), "sent", "")]


def test_it_says_what_moved_most(bot: ReportBot):
    bot.set_up("schedule weekly spend by creator mon 9:00 UTC")
    bot.tick(MONDAY)
    [message] = bot.posted()
    assert "+$18.00: Ada Lovelace, claude-opus-4.5, key prod" in message["text"]


def test_it_puts_its_files_into_the_thread(cache):
    with report_bot(cache, SATURDAY, pictures=True) as bot:
        files_in_the_thread(bot)


def files_in_the_thread(bot: ReportBot):
    bot.set_up("schedule weekly spend by creator mon 9:00 UTC csv pdf")
    bot.tick(MONDAY)
    [message] = bot.posted()
    [reply] = [m for m in bot.slack.messages("general") if m.get("thread_ts")]
    assert reply["thread_ts"] == message["ts"]
    assert [file["name"].rpartition(".")[2] for file in reply["files"]] == ["csv", "pdf"]
    [state] = bot.states()
    assert state[1] == "sent"


def test_it_says_so_when_slack_takes_no_files(cache):
    with report_bot(cache, SATURDAY, pictures=True) as bot:
        bot.slack.uploads.uploads_disabled = True
        bot.set_up("schedule weekly spend by creator mon 9:00 UTC csv")
        bot.tick(MONDAY)
        [message] = bot.posted()
        assert "The CSV couldn't be uploaded (file_uploads_disabled)." in message["text"]
        assert "$39" in message["text"]


@pytest.fixture
def with_admins(cache: Path) -> Iterator[ReportBot]:
    """A bot whose admins are Katherine and Alan."""
    slack = LocalSlack(file_delay=timedelta(0), rate_limits=False)
    admins = ",".join(slack.user(name).id for name in ("katherine", "alan"))
    with report_bot(cache, SATURDAY, slack, ACTIVITY_ADMINS=admins) as bot:
        yield bot


TO_CREATORS = "schedule weekly spend by creator to creators mon 9:00 UTC"


def test_it_sends_each_creator_their_own_part_alone(with_admins: ReportBot):
    with_admins.set_up(TO_CREATORS, user="katherine")
    with_admins.tick(MONDAY)
    [to_ada] = with_admins.posted(with_admins.slack.im("ada").id)
    [to_grace] = with_admins.posted(with_admins.slack.im("grace").id)
    assert "$26" in to_ada["text"]
    assert "$8" in to_grace["text"]
    assert not any(word in json.dumps(to_grace) for word in ("Ada", "$26", "prod", "$39"))
    assert with_admins.posted() == []
    katherine = with_admins.slack.user("katherine").id
    assert f"<@{katherine}> set up this report for every creator." in json.dumps(to_ada)


@pytest.mark.parametrize("user", ["ada", "grace"])
def test_only_admins_send_reports_to_every_creator(with_admins: ReportBot, user: str):
    assert "Only bot admins can send reports to every creator" in with_admins.say(
        TO_CREATORS, user=user
    )
    assert with_admins.reports.schedules.of(None) == []


def test_a_second_schedule_for_every_creator_with_the_same_question_is_not_added(
    with_admins: ReportBot,
):
    with_admins.set_up(TO_CREATORS, user="katherine")
    again = with_admins.say(TO_CREATORS.replace("mon 9:00", "tue 10:00"), user="alan")
    assert again.startswith("This schedule already exists")
    assert len(with_admins.reports.schedules.of(None)) == 1


@pytest.mark.parametrize("later", ["tue 9:00 Europe/Berlin", "mon 9:00 UTC"])
def test_a_creator_gets_a_question_once_however_many_schedules_send_it(
    with_admins: ReportBot, later: str
):
    first = with_admins.set_up(TO_CREATORS, user="katherine").draft
    # two schedules with one question, as databases of earlier versions have them
    with_admins.set_up(f"schedule weekly tokens by creator to creators {later}", user="alan")
    kept = with_admins.reports.schedules.of(None)
    [second] = [one for one in kept if one.draft.question.startswith("tokens")]
    same = replace(second.draft, question=first.question)
    assert with_admins.reports.schedules.change(second.id, same)
    with_admins.tick(MONDAY)
    with_admins.tick(MONDAY + DAY + timedelta(minutes=2))
    assert len(with_admins.posted(with_admins.slack.im("ada").id)) == 1
    assert len(with_admins.posted(with_admins.slack.im("grace").id)) == 1
    assert "sent by another schedule" in {error for _, _, error in with_admins.states()}


def test_who_opted_out_of_a_report_gets_it_from_no_schedule(with_admins: ReportBot):
    daily = "schedule daily spend 60d by creator to creators 9:00 UTC"
    entry = with_admins.set_up(daily, user="katherine")
    with_admins.reports.opt_outs.add(with_admins.slack.user("ada").id, entry)
    with_admins.tick(MONDAY)
    assert with_admins.posted(with_admins.slack.im("ada").id) == []
    assert len(with_admins.posted(with_admins.slack.im("grace").id)) == 1
    assert "opted out" in {error for _, _, error in with_admins.states()}
    with_admins.reports.opt_outs.remove(with_admins.slack.user("ada").id, entry)
    with_admins.tick(MONDAY + DAY)
    assert len(with_admins.posted(with_admins.slack.im("ada").id)) == 1


@pytest.mark.parametrize(("question", "heard"), [("spend", 1), ("spend key:prod", 0)])
def test_a_creator_without_an_account_is_reported_if_they_have_usage(with_admins, question, heard):
    with_admins.slack.workspace.change_user("grace", email="grace@elsewhere.example")
    with_admins.set_up(f"schedule weekly {question} to creators mon 9:00 UTC", user="katherine")
    with_admins.tick(MONDAY)
    assert with_admins.posted(with_admins.slack.im("ada").id)
    missed = [
        text
        for text in with_admins.direct_messages("katherine")
        if "didn't reach every creator" in text
    ]
    assert len(missed) == heard
    assert ("no usage" in str(with_admins.states())) == (not heard)


def test_it_waits_for_the_last_bucket_and_then_says_what_is_missing(cache):
    with report_bot(cache, SATURDAY) as bot:
        bot.set_up("schedule weekly spend by creator mon 9:00 UTC")
        with bot.database.write() as connection:
            before = int((MONDAY - timedelta(hours=20)).timestamp())
            connection.execute("UPDATE sync SET synced_at = ?", (before,))
        bot.tick(MONDAY)
        bot.tick(MONDAY + timedelta(hours=5, minutes=59))
        assert bot.posted() == []
        bot.tick(MONDAY + timedelta(hours=6, minutes=1))
        [message] = bot.posted()
        assert "isn't complete: nothing after" in message["text"]


def test_it_waits_for_what_came_incompletely_and_then_says_what_is_missing(cache):
    words = "OpenRouter's response for the days from 2026-11-16 has no credits_usage"
    with report_bot(cache, SATURDAY) as bot:
        bot.set_up("schedule weekly spend by creator mon 9:00 UTC")
        start, end = (int((MONDAY - days).timestamp()) for days in (timedelta(9), timedelta(0)))
        with bot.database.write() as connection:
            connection.execute(
                "INSERT INTO note (granularity, start, until, words) VALUES (2, ?, ?, ?)",
                (start, end, words),
            )
            connection.execute("UPDATE sync SET synced_at = ?", (int(MONDAY.timestamp()),))
        bot.tick(MONDAY)
        bot.tick(MONDAY + timedelta(hours=5, minutes=59))
        assert bot.posted() == []
        bot.tick(MONDAY + timedelta(hours=6, minutes=1))
        [message] = bot.posted()
        assert "isn't complete" in message["text"]
        assert "has no credits_usage" in json.dumps(message)


def test_usage_that_arrives_after_an_incomplete_report_is_stated_in_the_next(cache):
    with report_bot(cache, SATURDAY) as bot:
        bot.set_up("schedule daily spend by model 9:00 UTC")
        with bot.database.write() as connection:
            connection.execute("CREATE TABLE kept AS SELECT * FROM sync")
            before = int((MONDAY - timedelta(hours=57)).timestamp())
            connection.execute("UPDATE sync SET synced_at = ?", (before,))
            changed = connection.execute(
                "UPDATE total SET credits = credits - 2000000000 WHERE granularity = 1"
                " AND dimension IN (0, 4) AND bucket = (SELECT max(bucket) FROM total WHERE"
                " granularity = 1 AND dimension = 0 AND bucket < ?)",
                (int((MONDAY - DAY).replace(hour=0).timestamp()),),
            )
            assert changed.rowcount
        bot.tick(MONDAY - DAY)
        bot.tick(MONDAY - DAY + timedelta(hours=6, minutes=1))
        assert "n't complete" in bot.posted()[-1]["text"]
        with bot.database.write() as connection:
            connection.execute("DELETE FROM sync")
            connection.execute("INSERT INTO sync SELECT * FROM kept")
            connection.execute(
                "UPDATE total SET credits = credits + 2000000000 WHERE granularity = 1"
                " AND dimension IN (0, 4) AND bucket = (SELECT max(bucket) FROM total WHERE"
                " granularity = 1 AND dimension = 0 AND bucket < ?)",
                (int((MONDAY - DAY).replace(hour=0).timestamp()),),
            )
        bot.tick(MONDAY)
        assert " by +$2.00 since it was reported." in bot.posted()[-1]["text"]


def test_usage_that_is_not_stored_is_not_reported_as_zero(cache):
    long_ago = MONDAY - timedelta(weeks=60)
    with report_bot(cache, long_ago - DAY) as bot:
        bot.set_up("schedule weekly spend by creator mon 9:00 UTC")
        bot.tick(long_ago)
        bot.tick(long_ago + timedelta(hours=6, minutes=1))
        [message] = bot.posted()
        assert "no data yet" in message["text"]
        assert "$0" not in json.dumps(message)


def test_it_posts_as_soon_as_the_data_is_there(cache):
    with report_bot(cache, SATURDAY) as bot:
        bot.set_up("schedule weekly spend by creator mon 9:00 UTC")
        with bot.database.write() as connection:
            connection.execute("CREATE TABLE kept AS SELECT * FROM sync")
            connection.execute("UPDATE sync SET synced_at = 0")
        bot.tick(MONDAY)
        assert bot.posted() == []
        with bot.database.write() as connection:
            connection.execute("DELETE FROM sync")
            connection.execute("INSERT INTO sync SELECT * FROM kept")
        bot.tick(MONDAY + timedelta(minutes=1))
        [message] = bot.posted()
        assert "n't complete" not in message["text"]


@pytest.mark.parametrize(
    ("question", "title"), [("forecast", "Forecast, this month"), ("limits", "Limits")]
)
def test_an_answer_about_now_waits_for_yesterday_and_not_for_what_is_to_come(
    cache, question, title
):
    with report_bot(cache, SATURDAY) as bot:
        bot.set_up(f"schedule weekly {question} mon 9:00 UTC")
        with bot.database.write() as connection:
            connection.execute("CREATE TABLE kept AS SELECT * FROM sync")
            connection.execute("UPDATE sync SET synced_at = ?",
                               (int((MONDAY - timedelta(hours=20)).timestamp()),))  # fmt: skip
        bot.tick(MONDAY)
        assert bot.posted() == []
        with bot.database.write() as connection:
            connection.execute("DELETE FROM sync")
            connection.execute("INSERT INTO sync SELECT * FROM kept")
        bot.tick(MONDAY + timedelta(minutes=1))
        [message] = bot.posted()
        assert message["text"].startswith(title)
        assert "n't complete" not in message["text"]


def test_a_change_is_reported_with_its_waterfall(cache):
    with report_bot(cache, SATURDAY, pictures=True) as bot:
        bot.set_up("schedule daily why spend by creator 9:00 UTC")
        bot.tick(MONDAY - DAY)
        [message] = bot.posted()
        assert message["text"].startswith("What changed (spend) by creator, yesterday")
        assert [block["type"] for block in message["blocks"]].count("image") == 1


def test_it_comes_late_once_with_the_figures_it_was_due_for(bot: ReportBot):
    bot.set_up("schedule weekly spend by creator mon 9:00 UTC")
    bot.tick(MONDAY + 2 * DAY)
    bot.tick(MONDAY + 3 * DAY)
    [message] = bot.posted()
    assert "This report is late: it was due Mon" in message["text"]
    assert "$39" in message["text"]


def test_it_leaves_out_what_is_too_old_and_tells_its_owner(bot: ReportBot):
    bot.set_up("schedule weekly spend by creator mon 9:00 UTC")
    bot.tick(MONDAY + 4 * DAY)
    assert bot.posted() == []
    [notice] = bot.direct_messages()
    assert notice.startswith("One report of `spend last week by creator`")
    bot.tick(MONDAY + 4 * DAY + timedelta(minutes=1))
    assert len(bot.direct_messages()) == 1


def test_it_makes_one_of_five_missed_days(bot: ReportBot):
    bot.set_up("schedule daily spend by model 9:00 UTC")
    bot.tick(SATURDAY + timedelta(days=5, minutes=1))
    assert len(bot.posted()) == 1
    assert [state for _, state, _ in bot.states()].count("skipped") == 4
    [notice] = bot.direct_messages()
    assert notice.startswith("4 reports of `spend yesterday by model`")


@pytest.mark.parametrize("step", [timedelta(hours=2), timedelta(seconds=-20), -DAY])
def test_a_step_of_the_clock_changes_nothing(bot: ReportBot, step):
    bot.set_up("schedule daily spend by model 9:00 UTC")
    bot.tick(MONDAY)
    before = len(bot.posted())
    bot.tick(MONDAY + step)
    bot.tick(MONDAY + timedelta(minutes=1))
    assert len(bot.posted()) == before == 1


def test_a_clock_that_was_ahead_for_a_while_loses_and_doubles_nothing(bot: ReportBot):
    bot.set_up("schedule daily spend by model 9:00 UTC")
    bot.tick(MONDAY)
    assert len(bot.posted()) == 1
    bot.tick(MONDAY + timedelta(days=400))
    bot.tick(MONDAY + timedelta(minutes=5))
    for day in range(1, 4):
        bot.tick(MONDAY + day * DAY + timedelta(minutes=1))
        assert len(bot.posted()) == 1 + day
    assert not any("late" in message["text"] for message in bot.posted())


@pytest.mark.parametrize(
    ("code", "mend"),
    [
        ("not_in_channel", "Invite me there"),
        ("channel_not_found", "The channel was deleted"),
        ("is_archived", "The channel is archived"),
        ("token_revoked", "Slack no longer accepts the bot's token"),
    ],
)
def test_it_tells_its_owner_once_and_rests_after_three_errors(bot: ReportBot, code, mend):
    entry = bot.set_up("schedule daily spend by model 9:00 UTC")
    for day in range(3):
        bot.slack.fail("chat.postMessage", code)
        bot.tick(SATURDAY + day * DAY + DAY)
        assert [t for t in bot.direct_messages() if mend in t][1:] == []
    kept = bot.reports.schedules.get(entry.id)
    assert kept is not None
    assert code in (kept.paused or "")
    assert len([t for t in bot.direct_messages() if mend in t]) == 1
    assert bot.direct_messages()[-1].startswith("I paused the report")
    bot.tick(SATURDAY + 5 * DAY)
    assert bot.posted() == []


def test_it_goes_out_when_its_owner_asks_for_it_again(bot: ReportBot):
    bot.set_up("schedule weekly spend by creator mon 9:00 UTC")
    bot.slack.fail("chat.postMessage", "not_in_channel")
    bot.tick(MONDAY)
    assert bot.posted() == []
    bot.reports.runs.send_again(1, bot.slack.user("ada").id)
    bot.tick(MONDAY + timedelta(hours=1))
    [message] = bot.posted()
    assert "$39.00" in message["text"]


def test_it_goes_out_when_asked_for_although_it_rests_and_is_old(bot: ReportBot):
    bot.set_up("schedule daily spend by model 9:00 UTC")
    for day in range(3):
        bot.slack.fail("chat.postMessage", "is_archived")
        bot.tick(SATURDAY + day * DAY + DAY)
    bot.now = SATURDAY + 8 * DAY
    bot.reports.runs.send_again(1, bot.slack.user("ada").id)
    bot.tick()
    [message] = bot.posted()
    assert message["metadata"]["event_payload"]["key"].split(".")[1] == f"{SATURDAY + DAY:%Y-%m-%d}"
    assert "This is late" not in message["text"]


def test_a_failure_for_all_creators_is_reported_once_and_retried_with_one_click(
    with_admins: ReportBot,
):
    with_admins.set_up("schedule daily spend to creators 9:00 UTC", user="katherine")
    for _ in range(2):
        with_admins.slack.fail("users.lookupByEmail", "missing_scope")
    with_admins.tick(SATURDAY + DAY)
    assert [state for _, state, _ in with_admins.states()] == ["failed", "failed"]
    [notice] = [
        text for text in with_admins.direct_messages("katherine") if "missing_scope" in text
    ]
    assert "couldn't deliver the report" in notice
    with_admins.reports.runs.send_again(1, with_admins.slack.user("katherine").id)
    with_admins.tick(SATURDAY + DAY + timedelta(hours=1))
    assert {state for _, state, _ in with_admins.states()} <= {"sent", "skipped"}


def test_a_question_that_no_longer_works_is_reported_and_paused_after_three(bot: ReportBot):
    entry = bot.set_up("schedule daily spend by model key:prod 9:00 UTC")
    with bot.database.write() as connection:
        connection.execute("UPDATE member SET ref = 'x', name = 'x' WHERE name = 'prod'")
        connection.execute("UPDATE fact SET value = value || '0' WHERE name = 'directory'")
    for day in range(3):
        bot.tick(SATURDAY + day * DAY + DAY)
    first, last = bot.direct_messages()
    assert "No key is called “prod”." in first
    assert last.startswith("I paused the report")
    kept = bot.reports.schedules.get(entry.id)
    assert kept is not None
    assert kept.paused is not None


@pytest.mark.parametrize("fault", ["drop_after", "half"])
def test_it_finds_what_it_got_no_answer_for(bot: ReportBot, fault):
    bot.set_up("schedule weekly spend by creator mon 9:00 UTC")
    bot.slack.fail("chat.postMessage", fault)
    bot.tick(MONDAY)
    assert [state for _, state, _ in bot.states()] == ["sending"]
    bot.tick(MONDAY + timedelta(minutes=4))
    assert len(bot.posted()) == 1
    assert [state for _, state, _ in bot.states()] == ["sent"]


@pytest.mark.parametrize("fault", ["drop", 500, "internal_error"])
def test_it_sends_again_what_never_arrived(bot: ReportBot, fault):
    bot.set_up("schedule weekly spend by creator mon 9:00 UTC")
    bot.slack.fail("chat.postMessage", fault)
    bot.tick(MONDAY)
    assert bot.posted() == []
    bot.tick(MONDAY + timedelta(seconds=80))
    assert bot.posted() == []
    bot.tick(MONDAY + timedelta(minutes=4))
    assert len(bot.posted()) == 1


def test_it_looks_at_all_pages_of_the_history(cache):
    slack = LocalSlack(file_delay=timedelta(0), rate_limits=False, longest_history_page=3)
    with report_bot(cache, SATURDAY, slack) as bot:
        bot.set_up("schedule weekly spend by creator mon 9:00 UTC")
        slack.fail("chat.postMessage", "drop_after")
        bot.tick(MONDAY)
        for n in range(10):
            slack.chat.post_as_user(slack.channel("general"), slack.user("ada").id, f"chat {n}")
        bot.tick(MONDAY + timedelta(minutes=4))
        assert len(bot.posted()) == 1


def test_it_does_not_take_another_apps_message_for_its_own(bot: ReportBot):
    entry = bot.set_up("schedule weekly spend by creator mon 9:00 UTC")
    general = bot.slack.channel("general")
    key = f"{entry.id}.{MONDAY.date()}.{general.id}"
    metadata = {"event_type": "activity_report", "event_payload": {"key": key}}
    bot.slack.chat.post(
        general, {"text": "forged", "metadata": metadata}, bot_id="B0OTHER", app_id="A0OTHER"
    )
    bot.slack.fail("chat.postMessage", "drop")
    bot.tick(MONDAY)
    bot.tick(MONDAY + timedelta(minutes=4))
    assert len([m for m in bot.posted() if m["bot_id"] == bot.slack.bot_id]) == 1


def test_it_asks_its_owner_where_the_history_cannot_be_read(cache):
    slack = LocalSlack(scopes=SCOPES - HISTORY, file_delay=timedelta(0), rate_limits=False)
    with report_bot(cache, SATURDAY, slack) as bot:
        bot.set_up("schedule weekly spend by creator mon 9:00 UTC")
        slack.fail("chat.postMessage", "drop")
        bot.tick(MONDAY)
        bot.tick(MONDAY + timedelta(minutes=4))
        assert bot.posted() == []
        assert [state for _, state, _ in bot.states()] == ["uncertain"]
        [notice] = bot.direct_messages()
        assert "I can't tell whether" in notice
        bot.tick(MONDAY + timedelta(hours=4))
        assert bot.posted() == []
        bot.reports.runs.send_again(1, slack.user("ada").id)
        bot.tick(MONDAY + timedelta(hours=5))
        assert len(bot.posted()) == 1


@pytest.mark.parametrize("code", ["invalid_auth", "token_revoked", "account_inactive"])
def test_it_reads_the_history_later_while_slack_refuses_the_token(bot: ReportBot, code):
    bot.set_up("schedule weekly spend by creator mon 9:00 UTC")
    bot.slack.fail("chat.postMessage", "drop_after")
    bot.tick(MONDAY)
    bot.slack.fail("conversations.history", code)
    for minutes in (4, 8, 12):
        bot.tick(MONDAY + timedelta(minutes=minutes))
    assert len(bot.posted()) == 1
    assert [state for _, state, _ in bot.states()] == ["sent"]
    assert bot.direct_messages() == []


def test_it_waits_as_long_as_slack_asks(bot: ReportBot):
    bot.set_up("schedule weekly spend by creator mon 9:00 UTC")
    bot.slack.fail("chat.postMessage", 429, retry_after=30)
    bot.tick(MONDAY)
    bot.tick(MONDAY + timedelta(seconds=20))
    assert bot.posted() == []
    bot.tick(MONDAY + timedelta(seconds=31))
    assert len(bot.posted()) == 1


def test_it_refuses_a_channel_that_outsiders_read_at_set_up_and_at_each_run(bot: ReportBot):
    assert "shared with another company" in bot.say("schedule weekly spend", channel="partners")
    bot.set_up("schedule daily spend by model 9:00 UTC")
    bot.tick(MONDAY)
    bot.slack.workspace.change_channel("general", is_ext_shared=True)
    bot.tick(MONDAY + DAY)
    assert len(bot.posted()) == 1
    assert "shared with another company" in bot.direct_messages()[-1]


def test_a_process_that_stood_still_takes_back_its_late_copy(cache):
    with report_bot(cache, SATURDAY) as bot:
        bot.set_up("schedule weekly spend by creator mon 9:00 UTC")
        posting = bot.reports.posting
        post = posting.post

        def stand_still(place, message, key):
            posting.post = post
            bot.tick(MONDAY + timedelta(minutes=5))  # another one takes over meanwhile
            assert len(bot.posted()) == 1
            return post(place, message, key)

        posting.post = stand_still
        bot.tick(MONDAY)
        assert len(bot.posted()) == 1
        assert [state for _, state, _ in bot.states()] == ["sent"]


@pytest.mark.sqlite_only("a server in use is not copied")
def test_a_database_from_a_backup_does_not_repeat_a_report(cache, tmp_path):
    backup = tmp_path / "backup.db"
    slack = LocalSlack(file_delay=timedelta(0), rate_limits=False)
    with report_bot(cache, SATURDAY, slack) as bot:
        bot.set_up("schedule weekly spend by creator mon 9:00 UTC")
        databases.copy(cache, backup)
        bot.tick(MONDAY)
        assert len(bot.posted()) == 1
        databases.copy(backup, cache)
        bot.tick(MONDAY + timedelta(hours=2))
        assert len(bot.posted()) == 1


def test_it_tells_with_the_next_report_what_was_revised(bot: ReportBot):
    bot.set_up("schedule daily spend by model 9:00 UTC")
    bot.tick(MONDAY - DAY + timedelta(minutes=1))
    with bot.database.write() as connection:
        changed = connection.execute(
            "UPDATE total SET credits = credits + 1230000000 WHERE granularity = 1 AND dimension"
            " IN (0, 4) AND bucket = (SELECT min(bucket) FROM total WHERE granularity = 1"
            " AND dimension = 0 AND bucket >= ?)",
            (int((MONDAY - 2 * DAY).replace(hour=0).timestamp()),),
        )
        assert changed.rowcount
    bot.tick(MONDAY + timedelta(minutes=1))
    last = bot.posted()[-1]
    revised = MONDAY - 2 * DAY
    assert f"OpenRouter has changed the spend for {revised.day} {revised:%b %Y}" in last["text"]
    assert "by +$1.23 since it was reported." in last["text"]
    bot.tick(MONDAY + DAY + timedelta(minutes=1))
    assert "has changed at OpenRouter" not in bot.posted()[-1]["text"]


def test_it_says_that_a_key_or_channel_has_another_name_now(bot: ReportBot):
    bot.set_up("schedule daily spend by model key:prod 9:00 UTC")
    with bot.database.write() as connection:
        connection.execute("UPDATE member SET name = 'production' WHERE name = 'prod'")
        connection.execute("UPDATE fact SET value = value || '0' WHERE name = 'directory'")
    general = bot.slack.channel("general")
    bot.slack.workspace.channels[general.id] = replace(general, name="lobby")
    bot.tick(MONDAY)
    [message] = bot.posted("lobby")
    assert "The key “prod” is called “production” now." in message["text"]
    assert "This channel was #general" in message["text"]
    bot.tick(MONDAY + DAY)
    assert "is called" not in bot.posted("lobby")[-1]["text"]


def test_it_says_that_a_key_is_gone_and_who_made_it_left(bot: ReportBot):
    bot.set_up("schedule daily spend by model key:prod 9:00 UTC", user="grace")
    with bot.database.write() as connection:
        connection.execute("UPDATE member SET gone = 1 WHERE name = 'prod'")
        connection.execute("UPDATE fact SET value = value || '0' WHERE name = 'directory'")
    bot.slack.workspace.change_user("grace", deleted=True)
    bot.reports.services.slack._people.clear()
    bot.tick(MONDAY)
    [message] = bot.posted()
    assert "The key “prod” is no longer at OpenRouter" in message["text"]
    assert "has left the workspace" in message["text"]


def test_an_admin_is_notified_that_a_person_who_left_gets_no_more_reports(cache):
    slack = LocalSlack(file_delay=timedelta(0), rate_limits=False)
    with report_bot(cache, SATURDAY, slack, ACTIVITY_ADMINS=slack.user("katherine").id) as bot:
        person = slack.user("grace").id
        bot.set_up("schedule daily spend by model to me 9:00 UTC", user="grace")
        slack.workspace.change_user("grace", deleted=True)
        bot.reports.services.slack._people.clear()
        for day in range(1, 4):
            bot.tick(SATURDAY + day * DAY)
        _offer, first, last = bot.direct_messages("katherine")
        assert f"to <@{person}>.\n" in first
        assert "may_not_ask" not in first
        assert last.startswith("I paused the report")
        assert bot.posted(slack.im("grace").id) == []


def test_it_posts_a_week_without_usage_too(bot: ReportBot):
    bot.set_up("schedule weekly spend by creator mon 9:00 UTC")
    bot.tick(MONDAY + 7 * DAY - timedelta(days=14))  # the week before has none
    bot.tick(MONDAY)
    assert len(bot.posted()) == 1
    bot.set_up("schedule daily spend by model 9:00 UTC")
    bot.tick(MONDAY + DAY)
    assert "No usage" in json.dumps(bot.posted()[-1])


def test_an_admin_is_offered_the_weekly_report_once(cache):
    slack = LocalSlack(file_delay=timedelta(0), rate_limits=False)
    with report_bot(cache, SATURDAY, slack, ACTIVITY_ADMINS=slack.user("ada").id) as bot:
        bot.tick()
        bot.tick()
        [offer] = bot.direct_messages()
        assert "every Monday at 9:00 (Berlin)" in offer
    assert bot.direct_messages("grace") == []


def test_a_report_says_so_if_its_hour_does_not_exist_because_of_summer_time(cache):
    gap = datetime(2026, 3, 29, 1, tzinfo=UTC)
    with report_bot(cache, gap - timedelta(hours=23)) as bot:
        bot.set_up("schedule daily spend by model 2:30 Europe/Berlin")
        bot.tick(gap - timedelta(minutes=1))
        assert bot.states() == []
        bot.tick(gap)
        assert [period for period, _, _ in bot.states()] == ["2026-03-29"]
        bot.tick(gap + timedelta(hours=7))  # nothing is held of that month, so it waits
        assert "2:30 didn't exist in Berlin" in bot.posted()[-1]["text"]


def test_who_sees_only_their_own_reports_only_their_own(cache):
    slack = LocalSlack(file_delay=timedelta(0), rate_limits=False)
    more = {"ACTIVITY_VISIBILITY": "own", "ACTIVITY_ADMINS": slack.user("katherine").id}
    with report_bot(cache, SATURDAY, slack, **more) as bot:
        bot.set_up("schedule weekly spend by key mon 9:00 UTC", user="grace")
        bot.set_up("schedule weekly spend by key mon 9:00 UTC", user="katherine")
        bot.tick(MONDAY)
        bot.tick(MONDAY + timedelta(seconds=5))
        of_grace, of_katherine = (
            next(m["text"] for m in bot.posted() if f"set up by <@{who.id}>" in json.dumps(m))
            for who in (slack.user("grace"), slack.user("katherine"))
        )
        assert "$8.00" in of_grace
        assert "prod" not in of_grace
        assert "$39.00" in of_katherine


def test_a_process_that_stops_leaves_claimed_reports_to_others(cache, monkeypatch):
    monkeypatch.setattr(deliver, "AT_ONCE", 1)
    with report_bot(cache, SATURDAY) as bot:
        for name in ("general", "spend", "finance"):
            bot.set_up("schedule weekly spend by creator mon 9:00 UTC", channel=name)
        reports, post = bot.reports, Posting.post

        def stop_meanwhile(posting, *arguments):
            reports.stopping.set()
            bot.reporting.release()
            return post(posting, *arguments)

        with monkeypatch.context() as patch:
            patch.setattr(Posting, "post", stop_meanwhile)
            bot.tick(MONDAY)
        assert sorted(state for _, state, _ in bot.states()) == ["due", "due", "sent"]
        other = ReportDelivery(replace(reports, owner="other", stopping=threading.Event()))
        bot.now += reports.runs.timing.pace
        other.tick()
        other.close()
        assert [len(bot.posted(name)) for name in ("general", "spend", "finance")] == [1, 1, 1]
        assert {state for _, state, _ in bot.states()} == {"sent"}


def test_what_is_claimed_while_a_process_stops_is_left_to_others(bot: ReportBot, monkeypatch):
    bot.set_up("schedule weekly spend by creator mon 9:00 UTC")
    claim = ReportRuns.claim

    def stop_meanwhile(runs, *arguments):
        bot.reports.stopping.set()
        return claim(runs, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(ReportRuns, "claim", stop_meanwhile)
        bot.tick(MONDAY)
    assert bot.posted() == []
    bot.now += bot.reports.runs.timing.pace
    assert len(bot.reports.runs.claim("other", 5)) == 1


def test_a_notice_waits_for_a_new_token_while_slack_refuses_the_old_one(bot: ReportBot):
    bot.set_up("schedule weekly spend by creator mon 9:00 UTC")
    bot.slack.fail("chat.postMessage", *["account_inactive"] * 3)
    for hours in range(4):
        bot.tick(MONDAY + timedelta(hours=hours))
    assert bot.posted() == []
    [notice] = bot.direct_messages()
    assert "Slack no longer accepts the bot's token" in notice
