"""Changes of unfinished periods: what is said at midnight, at noon, and on the first day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import jsonschema
import pytest

from reports.questions.query import Query, Versus
from reports.questions.slack.answer import answer as answer_message
from reports.questions.slack.answer import as_text
from reports.questions.summary import Summary, WholeUsage
from reports.questions.unfinished import whole_part
from reports.render.changes import change_words, whole_words
from reports.render.json import as_json
from reports.render.tables import detail_headers, detail_rows, overview_headers, overview_rows
from reports.render.terminal import as_text as as_terminal
from reports.time.period import Calendar, Counted, Period, Unit
from reports.time.period_to_range import ranges
from reports.usage.dimensions import Dimension, Metric
from reports.usage.usage import NANO, Usage, UsageRow, minus, total
from tests.reports.render import samples
from tests.reports.render.test_json import SCHEMA

MONTH, YEAR, WEEK = Calendar(Unit.MONTH), Calendar(Unit.YEAR), Counted(1, Unit.WEEK)
MIDNIGHT = datetime(2026, 11, 30, 0, 45, tzinfo=UTC)
FIRST = datetime(2026, 11, 1, 0, 45, tzinfo=UTC)
GROUPS = {"busy": 3, "idle": 1}


def day(dollars: float, requests: int = 1) -> Usage:
    return Usage(requests=requests, prompt=requests * 1_000, credits=round(dollars * NANO))


def compared(
    period: Period,
    at: datetime = MIDNIGHT,
    *,
    today: float = 0.5,
    metric: Metric | None = Metric.SPEND,
    by: Dimension | None = None,
    earlier: Mapping[str, int] | None = None,
) -> Summary:
    """Each bucket before today cost $10 for each share in `GROUPS`, and `earlier` before."""
    query = Query(metric, period, by, versus=Versus.BEFORE if by else None)
    both = ranges(period, at)
    before = earlier or GROUPS
    used = [
        UsageRow(
            bucket, name, "x/y", day(share * (10 if bucket < both.current.buckets[-1] else today))
        )
        for bucket in both.current.buckets
        for name, share in GROUPS.items()
    ]
    part = whole_part(query, both.current, both.previous)
    count = len(both.previous.buckets)
    whole_before = len(part.previous.buckets) if part else 0
    left = {name: day(share * today) for name, share in GROUPS.items()}
    sums = {name: total(row.usage for row in used if row.member == name) for name in GROUPS}
    then = {name: day(10 * share * count, count) for name, share in before.items()}
    whole_then = {
        name: day(10 * share * whole_before, whole_before) for name, share in before.items()
    }
    groups = {
        name: (minus(sums[name], left[name]), whole_then.get(name, Usage())) for name in GROUPS
    }
    whole = part and WholeUsage(
        part,
        total(now for now, _ in groups.values()),
        total(whole_then.values()),
        groups if by else None,
    )
    return samples.answer(
        query, used, both.current,
        previous=total(then.values()), before=then if by else None,
        previous_range=both.previous, through_whole=whole,
    )  # fmt: skip


def spend(found: Summary) -> list[str]:
    part = found.metrics[Metric.SPEND]
    return [change_words(found, part), whole_words(found, part)]


def test_at_midnight_the_change_through_yesterday_is_said_as_well() -> None:
    assert spend(compared(MONTH)) == [
        "down $38.00 (-3.2%) vs 1–30 Oct ($1,200.00)",
        "30 Nov isn't over; through 29 Nov: no change",
    ]


def test_of_a_counted_period_too() -> None:
    found = compared(WEEK, earlier={"busy": 2, "idle": 1})
    assert spend(found)[1] == "30 Nov isn't over; through 29 Nov: +33.3%"


def test_it_is_left_out_where_it_is_displayed_the_same() -> None:
    assert spend(compared(MONTH, today=10))[1] == ""


def test_on_the_first_day_there_is_no_percentage() -> None:
    found = compared(MONTH, FIRST)
    assert spend(found) == ["1 Nov isn't over; 1 Oct came to $40.00", ""]
    for shown in (as_text(found), as_terminal(found)):
        assert "1 Nov isn't over; 1 Oct came to $40.00" in shown
        assert "%" not in shown


def test_the_first_day_of_a_year_is_said_like_its_first_month() -> None:
    found = compared(YEAR, datetime(2026, 1, 1, 0, 45, tzinfo=UTC))
    assert spend(found)[0] == "Jan 2026 isn't over; Jan 2025 came to $40.00"


def test_a_year_by_month_is_compared_through_yesterday() -> None:
    found = compared(YEAR, datetime(2026, 11, 30, 0, 45, tzinfo=UTC), earlier={"busy": 2})
    assert spend(found)[1].startswith("30 Nov isn't over; through 29 Nov: ")
    counted = compared(Counted(1, Unit.YEAR), earlier={"busy": 2})
    assert spend(counted)[1] == "Nov 2026 isn't over; through Oct 2026: +100.0%"


def test_by_hour_the_change_through_the_last_whole_hour_is_said_as_well() -> None:
    found = compared(Calendar(Unit.DAY), datetime(2026, 11, 30, 2, 3, tzinfo=UTC))
    assert spend(found) == [
        "down $38.00 (-31.7%) vs 29 Nov 00:00 – 03:00 ($120.00)",
        "The hour from 02:00 isn't over; through 02:00: no change",
    ]
    json_ = as_json(found, "today")["metrics"]["spend"]
    assert json_["whole"]["through"] == "2026-11-30T02:00:00Z"
    assert (json_["whole"]["from"], json_["whole"]["to"]) == ("80", "80")
    counted = compared(Counted(1, Unit.DAY), earlier={"busy": 2})
    assert spend(counted)[1].startswith("The hour from 00:00 isn't over; through 00:00: +")


def test_in_the_first_hour_of_a_day_there_is_no_percentage() -> None:
    assert spend(compared(Calendar(Unit.DAY))) == [
        "The hour from 00:00 isn't over; the hour from 29 Nov 00:00 came to $40.00", ""
    ]  # fmt: skip


def test_by_minute_nothing_more_is_said() -> None:
    assert spend(compared(Counted(3, Unit.HOUR)))[1] == ""


def test_the_metrics_of_an_overview_share_a_sentence() -> None:
    found = compared(MONTH, metric=None, earlier={"busy": 2, "idle": 1})
    said = "30 Nov isn't over; through 29 Nov: spend +33.3%, tokens no change, requests no change"
    assert whole_words(found, *found.metrics.values()) == said
    message = answer_message(found)
    assert said in message.text
    assert any(said == block.get("text", {}).get("text") for block in message.blocks)


def test_the_changes_of_groups_are_through_yesterday() -> None:
    found = compared(MONTH, by=Dimension.KEY, earlier={"busy": 2})
    part = found.metrics[Metric.SPEND]
    assert detail_headers(found, part)[-1] == "Change through 29 Nov"
    changes = {row[0]: row[-2:] for row in detail_rows(found, part)}
    assert changes == {
        "busy": ["$600.00", "+50.0%"],
        "idle": ["$0", "new"],
        "Total": ["$600.00", "+100.0%"],
    }
    assert "before $600.00 (+50.0% through 29 Nov)" in as_text(found)
    everything = compared(MONTH, metric=None, by=Dimension.KEY, earlier={"busy": 2})
    assert overview_headers(everything)[4] == "Change through 29 Nov"
    assert [row[4] for row in overview_rows(everything)] == ["+50.0%", "new", "+100.0%"]


def test_on_the_first_day_groups_have_no_change() -> None:
    found = compared(MONTH, FIRST, by=Dimension.KEY)
    part = found.metrics[Metric.SPEND]
    assert detail_headers(found, part)[-1] == "Change"
    assert {row[-1] for row in detail_rows(found, part)} == {"–"}


def test_json_has_both_and_keeps_what_the_change_of_all_buckets_is() -> None:
    found = compared(MONTH, by=Dimension.KEY, earlier={"busy": 2})
    said = as_json(found)
    jsonschema.validate(said, SCHEMA)
    part = said["metrics"]["spend"]
    assert (part["previous"], part["change"]) == ("600", pytest.approx(562 / 600))
    assert part["whole"] == {"through": "2026-11-29", "from": "580", "to": "1160", "change": 1.0}
    assert part["groups"][0]["whole"]["change"] == pytest.approx(0.5)
    over = as_json(compared(Calendar(Unit.MONTH, last=True)))["metrics"]["spend"]
    assert "whole" not in over
