"""`me` at several times: the same days on both sides, and whole months where they are over."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.analysis.own_month import MY_MONTH, gather_own_month
from bot.answers.visibility import Asker
from bot.demo.openrouter.organization import Key, Member, Organization, Record
from bot.demo.openrouter.server import LocalOpenRouter
from reports.analysis.own_month import OwnMonth
from reports.commands import parse_command
from reports.questions.topics import MeAsked
from tests.cache_help import Cache
from tests.clock import Clock

DOLLAR = 10**9
DAY = timedelta(days=1)
FIRST = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def months(tmp_path_factory):
    """Ada spends a dollar at noon of each day from May on, and two in November."""
    ada = Member("user_ada", "Ada", "Okafor", "ada@example.com", "org:admin")
    key = Key("prod", creator=ada.id)
    made = Organization([ada], [key])
    day = FIRST
    while day < datetime(2026, 12, 2, tzinfo=UTC):
        dollars = 2 if day.month == 11 else 1
        made.records.append(
            Record(day, key.hash, ada.id, "x/y", 1, prompt=9, credits_nano=dollars * DOLLAR)
        )
        day += DAY
    clock = Clock(datetime(2026, 12, 1, 15, tzinfo=UTC))
    with LocalOpenRouter(made, clock=clock) as server:
        server.requests_per_minute = None
        cache = Cache(server, tmp_path_factory.mktemp("own") / "activity.db", clock)
        cache.fill()
    yield cache.store
    cache.close()


def own(store, words: str, at: datetime) -> OwnMonth:
    asked = parse_command(words)
    assert isinstance(asked, MeAsked), words
    query = type(MY_MONTH)(MY_MONTH.metric, asked.period, filters=MY_MONTH.filters)
    found = gather_own_month(store, query, at, "UTC", Asker("ada@example.com"))
    assert isinstance(found, OwnMonth), found
    return found


@pytest.mark.parametrize("hour", [0, 12, 23])
def test_today_is_on_neither_side(months, hour):
    found = own(months, "me", datetime(2026, 11, 11, hour, 45, tzinfo=UTC))
    assert (found.days, found.spent) == (10, 20 * DOLLAR)
    assert found.earlier == (10 * DOLLAR,) * 6
    assert str(found.last) == "2026-11-10"


def test_on_the_first_day_whole_months_are_usual(months):
    found = own(months, "me", datetime(2026, 12, 1, 13, tzinfo=UTC))
    assert (found.days, found.spent, found.last) == (0, DOLLAR, None)
    assert [spent // DOLLAR for spent in found.earlier] == [60, 31, 30, 31, 31, 30]


@pytest.mark.parametrize("words", ["me last month", "me 2026-11"])
def test_last_month_is_compared_as_a_whole(months, words):
    found = own(months, words, datetime(2026, 12, 1, 13, tzinfo=UTC))
    assert (found.over, found.days, found.spent) == (True, 30, 60 * DOLLAR)
    assert [spent // DOLLAR for spent in found.earlier] == [31, 30, 31, 31, 30, 31]


@pytest.mark.parametrize("words", ["me 2026-13", "me yesterday", "me last week"])
def test_other_periods_are_no_such_month(words):
    assert not isinstance(parse_command(words), MeAsked)
