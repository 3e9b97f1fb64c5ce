"""The report's message: its words, and Slack's limits however large the organization is."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo.slack import validate
from reports.questions.query import Query, Versus
from reports.questions.summary import UsageFigures, WholeUsage, summarize
from reports.questions.unfinished import whole_part
from reports.schedules.recurrence import Recurrence, Weekly
from reports.schedules.report import Cell, Mover, Report, Revision, movers, top_models
from reports.schedules.slack.message import ReportContext, mover, report_message, when
from reports.time.period import Calendar, Unit
from reports.time.period_to_range import ranges
from reports.usage.dimensions import Dimension, Metric, MoneySource
from reports.usage.usage import Usage

MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)
ZONE = "Europe/Berlin"
QUERY = Query(Metric.SPEND, Calendar(Unit.WEEK, last=True), Dimension.CREATOR, zone=ZONE)
ABOUT = ReportContext(Recurrence(Weekly(), time(9), ZONE), "U0ADA", MONDAY)
DOLLAR = 10**9


def used(dollars: float) -> Usage:
    return Usage(requests=1, prompt=1_000, credits=round(dollars * DOLLAR))


def made(spent: dict[str, float], before: dict[str, float] | None = None, query=QUERY) -> Report:
    wanted = ranges(query.period, MONDAY, ZONE).current
    series = {name: {0: used(dollars)} for name, dollars in spent.items()}
    whole = [used(sum(spent.values())), *[Usage()] * (len(wanted.buckets) - 1)]
    previous = None if before is None else used(sum(before.values()))
    figures = UsageFigures(tuple(whole), series, len(series), previous)
    summary = summarize(query, wanted, figures, MONDAY)
    then = before and {name: round(d * DOLLAR) for name, d in before.items()}
    top = dict.fromkeys(spent, "anthropic/claude-opus-4.5")
    return Report(summary, then, top, (Mover(Cell("Ada", "x/claude-opus-4.5", "prod"), 5),))


def table(message) -> list[list[str]]:
    [found] = [block for block in message.blocks if block["type"] == "table"]
    return [[cell["text"] for cell in row] for row in found["rows"]]


def test_it_says_with_what_it_is_compared():
    query = replace(QUERY, versus=Versus.YEAR)
    message = report_message(made({"Ada": 300}, {"Ada": 200}, query), ABOUT)
    assert "up $100.00 (+50.0%) from a year earlier" in message.text
    assert (
        "no data for a year earlier" in report_message(made({"Ada": 300}, None, query), ABOUT).text
    )


def test_it_says_the_total_the_change_and_what_moved():
    found = made({"Ada": 300, "Grace": 112}, {"Ada": 200, "Grace": 100})
    message = report_message(found, ABOUT)
    assert message.blocks[0]["text"]["text"] == "Spend by creator, 16–22 Nov 2026: $412.00"
    assert "up $112.00 (+37.3%) from the week before" in message.text
    assert table(message) == [
        ["Creator", "Spend", "Share", "Change", "Top model"],
        ["Ada", "$300.00", "72.8%", "+50.0%", "claude-opus-4.5"],
        ["Grace", "$112.00", "27.2%", "+12.0%", "claude-opus-4.5"],
        ["Total", "$412.00", "100.0%", "+37.3%", "–"],
    ]


def test_of_a_week_that_is_not_over_it_says_the_change_through_yesterday():
    query = replace(QUERY, period=Calendar(Unit.WEEK))
    both = ranges(query.period, MONDAY + timedelta(days=2), ZONE)  # Wednesday, 9:00 in Berlin
    part = whole_part(query, both.current, both.previous)
    groups = {"Ada": (used(200), used(100)), "Grace": (used(100), used(100))}
    whole = WholeUsage(part, used(300), used(200), groups)
    figures = UsageFigures(
        (used(150), used(150), used(1)), {name: {0: now} for name, (now, _) in groups.items()},
        2, used(300), previous_range=both.previous, through_whole=whole,
        before={"Ada": used(150), "Grace": used(150)},
    )  # fmt: skip
    summary = summarize(query, both.current, figures, MONDAY)
    then = {"Ada": 150 * DOLLAR, "Grace": 150 * DOLLAR}
    message = report_message(Report(summary, then, {}, ()), ABOUT)
    said = "25 Nov isn't over; through 24 Nov: +50.0%"
    assert said in message.text
    assert said in message.blocks[1]["text"]["text"]
    assert [row[3] for row in table(message)] == [
        "Change through 24 Nov", "+100.0%", "no change", "+50.0%",
    ]  # fmt: skip
    assert "(66.4%, +100.0% through 24 Nov)" in message.text


def test_on_the_first_day_of_a_week_it_shows_no_change():
    query = replace(QUERY, period=Calendar(Unit.WEEK))
    both = ranges(query.period, MONDAY, ZONE)
    figures = UsageFigures(
        (used(3),), {"Ada": {0: used(3)}}, 1, used(90), previous_range=both.previous
    )
    summary = summarize(query, both.current, figures, MONDAY)
    message = report_message(Report(summary, {"Ada": 90 * DOLLAR}, {}, ()), ABOUT)
    assert "23 Nov isn't over; 16 Nov came to $90.00" in message.text
    assert [row[3] for row in table(message)] == ["Change", "–", "–"]
    assert "-96" not in message.text


def test_a_mover_is_told_in_one_line():
    cell = Cell("Ada", "anthropic/claude-opus-4.5", "prod-007")
    line = mover(Mover(cell, 412 * DOLLAR), Metric.SPEND)
    assert line == "+$412.00: Ada, claude-opus-4.5, key prod-007"
    gone = mover(Mover(Cell("", cell.model, ""), -3 * DOLLAR), Metric.SPEND)
    assert gone == "-$3.00: claude-opus-4.5"


def test_a_due_time_is_shown_in_its_zone():
    assert when(MONDAY, ZONE) == "Mon 23 Nov, 9:00 (Berlin)"


def test_use_that_is_nobodys_is_listed_however_small_it_is():
    spent = {f"c{n:03}": 100 - n / 10 for n in range(80)} | {"(no creator)": 0.01}
    names = [row[0] for row in table(report_message(made(spent, {}), ABOUT))]
    assert "(no creator)" in names
    assert "Others (30)" in names
    assert len(names) == 1 + 50 + 1 + 1 + 1


def test_creators_without_use_are_not_listed():
    found = made({"Ada": 3, "Idle": 0}, {})
    quiet = replace(
        found.summary.metrics[Metric.SPEND],
        groups=tuple(
            replace(one, usage=Usage()) if one.label == "Idle" else one
            for one in found.summary.metrics[Metric.SPEND].groups
        ),
    )
    found = replace(found, summary=replace(found.summary, metrics={Metric.SPEND: quiet}))
    assert "Idle" not in str(report_message(found, ABOUT))


def test_it_tells_revisions_of_more_than_a_cent():
    revisions = (Revision("9–15 Nov 2026", 10**7), Revision("2–8 Nov 2026", -1_230_000_000))
    text = report_message(made({"Ada": 3}), replace(ABOUT, revisions=revisions)).text
    assert "OpenRouter has changed the spend for 2–8 Nov 2026 by -$1.23 since" in text
    assert "9–15" not in text


NAMES = st.text(max_size=90) | st.sampled_from(
    [
        "<!channel>",
        "<@U0ADA>",
        "*bold*",
        "&lt;",
        "a" * 200,
        "<https://evil|login>",
        "=1+1",
        "\u202e",
    ]
)


@given(st.dictionaries(NAMES, st.floats(0, 1e9), max_size=120), st.booleans(), NAMES)
def test_slack_takes_it_whatever_people_are_called(spent, compared, note):
    found = made(spent, dict.fromkeys(spent, 3.0) if compared else None)
    message = report_message(found, replace(ABOUT, notes=(note,) * 15))
    assert validate(list(message.blocks)) == []
    assert len(message.text) <= 4_000
    read = [block["text"]["text"] for block in message.blocks if block["type"] == "section"]
    mentions = "".join(read) + message.text
    assert not any(sign in mentions for sign in ("<!", "<@", "<http"))


def test_what_moved_most_is_found_in_both_directions():
    now = {Cell("a", "m", "k"): used(5), Cell("b", "m", "k"): used(1)}
    then = {Cell("b", "m", "k"): used(9), Cell("c", "m", "k"): used(0.01)}
    found = movers(now, then, Metric.SPEND, MoneySource.ALL)
    assert [(one.cell.creator, one.change // DOLLAR) for one in found] == [("b", -8), ("a", 5)]


@pytest.mark.parametrize("source", list(MoneySource))
def test_the_top_model_is_the_one_that_cost_most(source):
    found = [("a", "m1", used(1)), ("a", "m2", used(2)), ("b", "m3", used(0))]
    expected = "m2" if source is not MoneySource.BYOK else "m1"
    assert top_models(found, Metric.SPEND, source)["a"] == expected
