"""How the bot is, in words: short for everybody, whole for admins."""

from datetime import UTC, datetime, timedelta

import pytest

from reports.admin.slack.status import age, message, size
from reports.admin.status import (
    AdminDetails,
    Freshness,
    SentMessage,
    Status,
    Trouble,
    UpcomingReport,
)
from reports.time.time_range import Granularity

NOW = datetime(2026, 11, 22, 10, 31, 7, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = (timedelta(seconds=n) for n in (1, 60, 3_600, 86_400))
FRESH = (
    Freshness(Granularity.MINUTE, NOW - 40 * SECOND, NOW - 2 * DAY),
    Freshness(Granularity.HOUR, NOW - 4 * MINUTE, NOW - 100 * DAY),
    Freshness(Granularity.DAY, NOW - 14 * MINUTE, NOW - 365 * DAY, whole=False),
)
INSIDE = AdminDetails(
    upcoming=(UpcomingReport("spend last week by creator", "in <#C1>", NOW + DAY),),
    delivered=(SentMessage("tokens yesterday", "to <@U1>", NOW - DAY, "failed", "is_archived"),),
    schedules=12, paused=1, alerts=3, database=13_002_342, entries=1_204, rules=("a rule",),
    alerted=(SentMessage("alert spike", "to <@U2>", NOW - HOUR, "failed", "user_disabled"),),
)  # fmt: skip


def test_everybody_is_told_how_fresh_the_data_is():
    text = message(Status(NOW, "0.1.0", FRESH, None)).text
    lines = text.splitlines()
    assert lines[:2] == ["*Activity 0.1.0*", ":white_check_mark: The data is up to date."]
    assert lines[2].startswith("• minutes: updated 40 s ago; data since <!date^")
    assert lines[2].endswith("|20 Nov 2026, 10:31 UTC>")
    assert "• hours: updated 4 min ago" in lines[3]
    assert lines[4].endswith("|22 Nov 2025, 10:31 UTC>, with gaps")
    assert lines[5] == "The last sync succeeded."
    assert len(lines) == 6


def test_it_says_what_is_late_and_what_failed():
    old = (Freshness(Granularity.HOUR, NOW - 3 * HOUR, None), *FRESH[:1])
    trouble = Trouble(NOW - 5 * MINUTE, "OpenRouter answered 502 <oops>")
    text = message(Status(NOW, "0.1.0", old, trouble)).text
    assert ":warning: Some data is out of date." in text
    assert "• hours: updated 3 h ago" in text
    assert "The last sync failed 5 min ago (<!date^" in text
    assert "OpenRouter answered 502 &lt;oops&gt;" in text


def test_recent_data_is_not_called_up_to_date_after_a_failed_sync():
    text = message(Status(NOW, "0.1.0", FRESH, Trouble(NOW - MINUTE, "HTTP 502"))).text
    assert text.splitlines()[1] == ":warning: The data is recent, but the last sync failed."
    assert "up to date" not in text


def test_it_says_what_else_could_not_be_read():
    words = "Members could not be read, so people may be unknown: HTTP 403 <oops>."
    text = message(Status(NOW, "0.1.0", FRESH, None, unavailable=(words,))).text
    assert ":white_check_mark: The data is up to date." in text
    assert ":warning: Members could not be read" in text
    assert "&lt;oops&gt;" in text


def test_it_says_how_far_the_first_sync_is():
    far = "40% done, about 3 minutes left for 12 keys"
    text = message(Status(NOW, "0.1.0", FRESH[:1], None, first_sync=far)).text
    assert f":hourglass: The first sync is running: {far}." in text


def test_before_the_first_sync_it_says_that():
    never = tuple(Freshness(g, None, None) for g in (Granularity.MINUTE, Granularity.DAY))
    text = message(Status(NOW, "0.1.0", never, None)).text
    assert "Nothing has been synced yet" in text
    assert "• minutes: not synced yet" in text


def test_admins_are_told_what_is_next_what_went_out_and_how_large_it_is():
    text = message(Status(NOW, "0.1.0", FRESH, None, INSIDE), "/usage").text
    assert "UTC>: spend last week by creator, in <#C1>" in text
    assert (
        ": tokens yesterday, to <@U1>: :x: could not be delivered (the channel is archived)" in text
    )
    assert ": alert spike, to <@U2>: :x: could not be delivered (user_disabled)" in text
    assert "• 12 schedules (1 paused), 3 alerts" in text
    assert "• database 12.4 MB, 1,204 entries in the audit log (`/usage audit`)" in text
    assert "• a rule" in text


def test_where_there_is_nothing_it_says_so_in_words():
    empty = AdminDetails((), (), 0, 0, 0, 4_096, 1, ())
    text = message(Status(NOW, "0.1.0", FRESH, None, empty)).text
    assert "None scheduled." in text
    assert text.count("None sent yet.") == 2
    assert "• 0 schedules, 0 alerts\n• database 4 KB, 1 entry in" in text


def test_long_names_and_many_rules_fit():
    wide = UpcomingReport("x" * 5_000, "in <#C1>", NOW)
    failed = SentMessage("&" * 5_000, "in <#C1>", NOW, "odd", "y" * 900)
    many = AdminDetails(
        (wide,) * 90, (failed,) * 90, 1, 0, 0, 1, 1, ("z" * 90,) * 90, (failed,) * 90
    )
    shown = message(Status(NOW, "0.1.0", FRESH, Trouble(NOW, "w" * 9_000), many))
    assert all(len(block["text"]["text"]) <= 3_000 for block in shown.blocks)
    assert len(shown.text) <= 4_000


@pytest.mark.parametrize(
    ("passed", "words"),
    [(-SECOND, "0 s"), (119 * SECOND, "119 s"), (2 * MINUTE, "2 min"), (119 * MINUTE, "119 min"),
     (2 * HOUR, "2 h"), (47 * HOUR, "47 h"), (2 * DAY, "2 days")],
)  # fmt: skip
def test_ages_are_in_one_unit(passed, words):
    assert age(passed) == words


@pytest.mark.parametrize(
    ("count", "words"), [(0, "1 KB"), (10_240, "10 KB"), (2**20, "1.0 MB"), (3 * 2**30, "3.0 GB")]
)
def test_sizes_are_in_one_unit(count, words):
    assert size(count) == words
