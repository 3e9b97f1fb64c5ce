"""Whether the credits last: a yes or no first, with the day and the range around it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from reports.analysis.balance import Balance, Enough, Goal, lasting_sentence
from reports.analysis.limits import FullAt
from reports.questions.slack.balance import balance_json, balance_text
from reports.time.period import Unit
from reports.time.period_to_range import end_of
from reports.usage.usage import NANO

NOW = datetime(2026, 11, 22, 10, 31, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
MONTH = Goal(Unit.MONTH, DECEMBER)


def balance(days: tuple[float, float, float | None] | None, goal: Goal | None = MONTH) -> Balance:
    """$100 that last so many days at the usual pace, in a busy week and in a quiet one."""
    at, early, late = (
        (None if one is None else NOW + timedelta(days=one)) for one in days or (None,) * 3
    )
    full = FullAt(at, early or at, late) if at else None
    return Balance(500 * NANO, 100 * NANO, NOW, NOW, 400 * NANO, 672, full, goal)


END = "the end of the month (Mon 30 Nov)"
PACE = "at the usual pace, the credits"
BUSY, QUIET = "In a busy week, they run out before.", "In a quiet week, they last."
LONG = "Sat 10:31, or not within three months"


@pytest.mark.parametrize(
    ("days", "enough", "said"),
    [
        (
            (16, 12, 20),
            Enough.YES,
            f"Yes: {PACE} last until about 8 Dec (4 Dec to 12 Dec), past {END}.",
        ),
        (
            (10, 7, 14),
            Enough.PROBABLY,
            f"Probably: {PACE} last until about 2 Dec (29 Nov to 6 Dec), past {END}. {BUSY}",
        ),
        (
            (6.5, 6, None),
            Enough.PROBABLY_NOT,
            f"Probably not: {PACE} run out about Sat 22:31 ({LONG}), before {END}. {QUIET}",
        ),
        (
            (3, 2, 5),
            Enough.NO,
            f"No: {PACE} run out about Wed 10:31 (Tue 10:31 to Fri 10:31), before {END}.",
        ),
        (None, Enough.YES, f"Yes: {PACE} last for more than three months."),
    ],
)
def test_it_says_first_whether_the_credits_last(
    days: tuple[float, float, float | None] | None, enough: Enough, said: str
) -> None:
    found = balance(days)
    assert found.enough is enough
    assert lasting_sentence(found, "UTC") == said
    assert balance_text(found, "UTC").startswith(said)
    plain = balance_json(found, "/activity", NOW)
    assert (plain["enough"], plain["until"]) == (enough, "2026-12-01T00:00:00Z")
    assert plain["query"]["command"] == "/activity balance this month"


def test_what_is_used_up_or_unused_is_said_as_it_is() -> None:
    gone = replace(balance((0, 0, 0)), left=0)
    assert lasting_sentence(gone, "UTC") == "No: the credits are used up."
    idle = replace(balance(None), spent=0)
    assert lasting_sentence(idle, "UTC") == (
        "Yes: the credits last past the end of the month (Mon 30 Nov), because none were spent in"
        " the past four weeks."
    )
    none = replace(balance(None), bought=0, left=0)
    assert lasting_sentence(none, "UTC") == "This organization hasn't bought any credits."
    assert none.enough is None


def test_more_than_three_months_ahead_is_not_foretold() -> None:
    far = balance(None, Goal(Unit.YEAR, NOW + timedelta(days=200)))
    assert far.enough is Enough.UNKNOWN
    assert "I can't look further ahead" in lasting_sentence(far, "UTC")


def test_a_day_to_come_is_a_goal_and_one_that_is_over_is_refused() -> None:
    wanted = Goal(date(2026, 12, 1), DECEMBER + timedelta(days=1))
    found = balance((16, 12, 20), wanted)
    assert found.enough is Enough.YES
    assert lasting_sentence(found, "UTC").endswith("past the end of Tue 1 Dec.")
    plain = balance_json(found, "/activity", NOW)
    assert plain["query"]["command"] == "/activity balance until 2026-12-01"
    assert "Sat 1 Jan 2028" in lasting_sentence(
        balance((16, 12, 20), Goal(date(2028, 1, 1), datetime(2028, 1, 2, tzinfo=UTC))), "UTC"
    )
    over = balance((16, 12, 20), Goal(date(2026, 11, 1), datetime(2026, 11, 2, tzinfo=UTC)))
    assert over.enough is None
    assert "Sun 1 Nov is over" in lasting_sentence(over, "UTC")


def test_without_such_a_question_nothing_is_answered_with_yes_or_no() -> None:
    plain = balance((16, 12, 20), None)
    assert plain.enough is None
    assert lasting_sentence(plain, "UTC").startswith("At the usual pace, this lasts about 16 days")
    assert "enough" not in balance_json(plain, "/activity", NOW)


def test_a_unit_ends_by_the_calendar_of_the_zone() -> None:
    berlin = [end_of(unit, NOW, "Europe/Berlin") for unit in (Unit.DAY, Unit.WEEK, Unit.MONTH)]
    day = datetime(2026, 11, 22, 23, tzinfo=UTC)
    assert berlin == [day, day, datetime(2026, 11, 30, 23, tzinfo=UTC)]
