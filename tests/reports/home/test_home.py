"""The Home as a view: within Slack's limits for any organization, and true to the figures."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo.slack.blocks import validate_view
from reports.admin.status import Freshness, Status, Trouble
from reports.alerts.kinds.above import Above
from reports.alerts.rule import Recipient, RecipientKind, Rule
from reports.alerts.slack import cards as alert_cards
from reports.analysis.balance import Balance
from reports.analysis.limits import FullAt
from reports.home.slack.home import (
    MOST_ALERTS,
    MOST_SCHEDULES,
    HomeUsage,
    alerts_section,
    balance_section,
    head,
    schedules_section,
    single_paragraph,
    status_section,
    usage_section,
    view,
)
from reports.questions.query import Query
from reports.questions.slack.balance import credits_card
from reports.questions.summary import UsageFigures, summarize
from reports.render.charts.sparkline import BLOCKS, sparkline
from reports.schedules.recurrence import Recurrence, TargetKind, Weekly
from reports.schedules.slack.cards import LastRunOutcome, ScheduleCard
from reports.time.period import Counted, Unit
from reports.time.period_to_range import ranges
from reports.time.time_range import Granularity
from reports.usage.dimensions import STORED, Dimension, Filter, Metric
from reports.usage.format import money
from reports.usage.usage import NANO
from reports.usage.usage import Usage as Used
from tests.reports.render.anything import EVIL, names, queries, summaries
from tests.reports.render.samples import NOW


def summary(by: Dimension | None, groups: dict[str, int], period: Counted) -> Any:
    """What these groups spent (nano-dollars), all of it in the newest bucket."""
    span = ranges(period, NOW).current
    last = len(span.buckets) - 1
    series = {label: {last: Used(requests=1, credits=spent)} for label, spent in groups.items()}
    whole = [Used()] * last + [Used(requests=len(groups), credits=sum(groups.values()))]
    return summarize(
        Query(period=period, by=by, top=5),
        span,
        UsageFigures(tuple(whole), series, len(groups)),
        NOW,
    )


MONTH, DAY = Counted(1, Unit.MONTH), Counted(1, Unit.DAY)


CENT = NANO // 100


def balance(left: int, lasts: timedelta | None, spent: int = 10 * NANO) -> Balance:
    full = None if lasts is None else FullAt(NOW + lasts, NOW + lasts, NOW + lasts)
    return Balance(left, left, NOW, NOW, spent, 672, full)


def home(**more: Any) -> dict[str, Any]:
    """The Home view of a small organization; `more` replaces what it shows."""
    month = summary(Dimension.CREATOR, {"Ada": 7 * NANO, "Grace": 3 * NANO}, MONTH)
    given = {
        "scope": "The whole organization.",
        "usage": HomeUsage(summary(None, {"all": 2 * NANO}, DAY), month, (month,)),
        "as_of": NOW,
        "balance": balance(30 * NANO, timedelta(days=21)),
        "schedules": (),
        "schedule_count": 0,
        "alerts": (),
        "alert_count": 0,
    }
    shows = {**given, **more}
    as_of, command = shows["as_of"], "/activity"
    return view(
        [
            head(shows["scope"], as_of),
            usage_section(shows["usage"], as_of),
            balance_section(shows["balance"], "UTC"),
            schedules_section(shows["schedules"], shows["schedule_count"], command),
            alerts_section(shows["alerts"], shows["alert_count"], command),
            status_section(shows["status"], command) if "status" in shows else [],
        ]
    )


def words(shown: dict[str, Any]) -> str:
    """All that a view says."""
    found = []
    for block in shown["blocks"]:
        parts = [block.get("text"), *block.get("fields", []), *block.get("elements", [])]
        found += [part.get("text", "") for part in parts if part]
    return "\n".join(map(str, found))


@given(st.lists(st.integers(0, 10**15), max_size=200), st.integers(1, 40))
def test_a_sparkline_shows_nothing_as_nothing_and_something_as_something(values, longest):
    line = sparkline(values, longest)
    assert len(line) <= longest
    assert (BLOCKS[-1] in line) == any(values)
    if len(values) <= longest:
        assert [value > 0 for value in values] == [block != BLOCKS[0] for block in line]


def test_a_sparkline_rises_with_its_figures():
    assert sparkline([0, 1, 4, 8]) == "▁▂▅█"
    assert sparkline([]) == ""
    assert sparkline([0, 0, 4, 8], unknown=frozenset({0})) == "·▁▅█"
    assert sparkline([5] * 53, 26) == "█" * 18


def test_a_home_says_what_was_used_and_by_whom():
    shown = words(home())
    assert "Past day\n*$2.00*" in shown
    assert "Past month\n*$10.00*" in shown
    assert "1. Ada  $7.00 (70.0%)\n2. Grace  $3.00 (30.0%)" in shown
    assert f"*{money(30 * NANO)}* left" in shown
    ends = NOW + timedelta(days=21)
    assert f"this lasts about 21 days, until about {ends.day} {ends:%b}." in shown
    assert "None yet. A schedule" in shown


def test_a_balance_that_was_never_bought_is_not_called_used_up() -> None:
    shown = str(credits_card(balance(0, None), "UTC"))
    assert "hasn't bought any credits" in shown
    assert ":warning:" not in shown
    assert "used up" in str(credits_card(replace(balance(0, None), bought=NANO), "UTC"))


@pytest.mark.parametrize(
    ("lasts", "expected"),
    [
        (timedelta(hours=21.5), "about 21 hours, until"),
        (timedelta(days=3.5), "about 3 days, until"),
        (timedelta(hours=24.2), "about 24 hours, until"),
        (timedelta(minutes=40), "less than an hour, until"),
        (timedelta(minutes=61), "about an hour, until"),
        (timedelta(days=11), "about 11 days, until"),
        (timedelta(days=91), "about 2 months, until"),
        (None, "for more than three months."),
    ],
)
def test_a_balance_says_how_long_it_lasts(lasts: timedelta | None, expected: str) -> None:
    shown = str(credits_card(balance(100 * CENT, lasts), "UTC"))
    assert f"this lasts {expected}" in shown
    soon = "hour" in expected or "3 days" in expected
    assert (":warning:" in shown) == soon


def test_a_balance_that_is_gone_or_rests_says_so() -> None:
    assert "used up" in str(credits_card(balance(-NANO, None), "UTC"))
    rests = str(credits_card(balance(NANO, None, spent=0), "UTC"))
    assert "No credits were spent in the past four weeks." in rests


def test_before_the_first_sync_it_shows_no_figures():
    nothing = summarize(
        Query(), ranges(DAY, NOW).current, UsageFigures((Used(),) * 25, {}, 0), None
    )
    shown = words(home(usage=HomeUsage(nothing, nothing, ()), as_of=None, balance=None))
    assert "No data yet; the first sync is still running." in shown
    assert "the first sync is still running" in shown
    assert "*$0*" not in shown


def test_the_home_shows_the_status_to_admins_only():
    data = (Freshness(Granularity.DAY, NOW, None),)
    shown = words(home(status=Status(NOW, "1.2.3", data, Trouble(NOW, "no <!channel>"))))
    assert "Activity 1.2.3" in shown
    assert "<!channel>" not in shown
    assert "1.2.3" not in words(home())


cards = st.builds(
    ScheduleCard,
    id=st.just("a1"),
    question=names,
    schedule=st.just(Recurrence(Weekly(), time(9), "Europe/Berlin")),
    target=st.sampled_from(TargetKind),
    channel=st.just("C1"),
    name=names,
    owner=st.just("U1"),
    paused=st.none() | names,
    next_at=st.just(NOW + timedelta(days=1)),
    last=st.none()
    | st.builds(LastRunOutcome, st.sampled_from(["sent", "failed"]), st.just(NOW), error=names),
)
alerts = st.builds(
    alert_cards.RuleCard,
    id=st.just("a1"),
    rule=st.builds(
        Rule,
        st.just(Above(Metric.SPEND, NANO, Unit.DAY)),
        st.none() | st.sampled_from(STORED),
        st.lists(st.builds(Filter, st.sampled_from(STORED), names), max_size=2).map(tuple),
        st.builds(Recipient, st.sampled_from(RecipientKind), st.just("C1"), names),
    ),
    zone=st.just("Europe/Berlin"),
    owner=st.just("U1"),
    paused=st.none() | names,
    silenced=names,
)
# made and not filtered: most of what is drawn would be thrown away
overviews = queries.map(lambda one: replace(one, metric=None))
short_overviews = st.builds(lambda one, top: replace(one, top=top), overviews, st.integers(1, 5))
usages = st.one_of(
    st.sampled_from(["You see your own usage only."]),
    st.builds(
        lambda day, month, tops: HomeUsage(day, month, tuple(tops)),
        summaries(),
        summaries(asked=overviews),
        st.lists(summaries(asked=short_overviews), max_size=2),
    ),
)


@given(
    usages,
    st.lists(cards, max_size=MOST_SCHEDULES),
    st.lists(alerts, max_size=MOST_ALERTS),
    st.none()
    | st.builds(
        balance,
        st.integers(-(10**18), 10**18),
        st.none() | st.timedeltas(timedelta(0), timedelta(days=92)),
        st.integers(0, 10**18),
    ),
)
def test_slack_takes_the_home_of_any_organization(usage, schedules, alerts, balance):
    shown = home(
        usage=usage,
        schedules=tuple(schedules),
        schedule_count=10**6,
        alerts=tuple(alerts),
        alert_count=10**6,
        balance=balance,
        status=Status(NOW, "1", (), Trouble(NOW, EVIL[0] * 99)),
    )
    assert validate_view(shown) == []
    said = words(shown)
    assert "<!channel>" not in said
    assert "<https://" not in said


def test_a_home_can_say_one_thing():
    assert validate_view(single_paragraph("Guests cannot see this.")) == []
