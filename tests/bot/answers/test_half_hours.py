"""Days of zones that are not whole hours from UTC: exact where minutes are held, else named."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.answers.answer import answer
from bot.demo.openrouter.organization import Key, Organization, Record
from bot.demo.openrouter.server import LocalOpenRouter
from bot.store.admin.audit_log import AuditLog
from bot.sync.sync import Sync
from reports.questions.grammar import parse
from tests.cache_help import DAY, HOUR, MINUTE, Cache, check
from tests.clock import Clock

START = datetime(2026, 11, 16, 0, 1, tzinfo=UTC)
CENTS = 10**7


class Live:
    """A bot that syncs each hour while a key uses a cent in every ten minutes."""

    def __init__(self, path, *zones):
        self.clock = Clock(START)
        self.organization = Organization([], [Key("prod")])
        self.organization.records = [
            Record(START + n * 10 * MINUTE, Key("prod").hash, "", "a/x", credits_nano=CENTS)
            for n in range(-6 * 24 * 12, 6 * 24 * 9)
        ]
        self.server = LocalOpenRouter(self.organization, clock=self.clock).start()
        self.server.requests_per_minute = None
        self.cache = Cache(self.server, path, self.clock)
        self.cache.sync = Sync(self.cache.api, self.cache.store, self.clock, zones=lambda: zones)

    def run(self, length):
        end = self.clock() + length
        while self.clock() < end:
            self.cache.fill()
            self.clock.advance(2 * HOUR)
        self.cache.fill()

    def ask(self, words):
        found = answer(self.cache.store, parse(words).query, self.clock(), "UTC", whole=True)
        (figures,) = found.metrics.values()
        return figures.sum, found

    def used(self, start, end):
        return sum(one.credits_nano for one in self.organization.usage(start, end))

    def close(self):
        self.cache.close()
        self.server.stop()


@pytest.fixture
def live(tmp_path):
    made = []

    def make(*zones):
        made.append(Live(tmp_path / f"{len(made)}.db", *zones))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_days_that_begin_on_the_half_hour_are_exact_while_hours_are_stored(live):
    bot = live("Asia/Kolkata")
    bot.organization.records += [
        Record(START.replace(hour=18, minute=minute), Key("prod").hash, "", "a/x",
               credits_nano=dollars * 10**9)
        for minute, dollars in ((29, 100), (30, 1), (44, 7), (45, 20))
    ]  # fmt: skip
    bot.run(5 * DAY + 6 * HOUR)
    check(bot.cache.path)
    start = datetime(2026, 11, 16, 18, 30, tzinfo=UTC)
    total, found = bot.ask("spend 2026-11-17 tz Asia/Kolkata")
    assert total == bot.used(start, start + DAY)
    assert (found.range.start, found.range.end) == (start, start + DAY)
    assert all(words.startswith("for the period before") for words in found.partial)
    assert bot.ask("spend 2026-11-18 tz Asia/Kolkata")[1].partial == ()
    total, found = bot.ask("spend 2026-11-17..2026-11-20 tz Asia/Kolkata")
    assert total == bot.used(start, start + 4 * DAY)
    assert found.range.buckets == tuple(start + n * DAY for n in range(4))
    assert all(words.startswith("for the period before") for words in found.partial)
    total, _ = bot.ask("spend 2026-11-18 tz Asia/Kathmandu")
    quarter = datetime(2026, 11, 17, 18, 15, tzinfo=UTC)
    assert total == bot.used(quarter, quarter + DAY)


def test_yesterday_is_exact_while_minutes_are_stored(live):
    bot = live()
    bot.run(2 * DAY - HOUR)
    total, found = bot.ask("spend yesterday tz Asia/Kolkata")
    start = datetime(2026, 11, 16, 18, 30, tzinfo=UTC)
    assert total == bot.used(start, start + DAY)
    assert all(words.startswith("for the period before") for words in found.partial)


def test_what_minutes_do_not_tell_is_cut_at_the_hour_and_called_so(live):
    bot = live()
    bot.run(DAY)
    total, found = bot.ask("spend 2026-11-10 tz Asia/Kolkata")
    start = datetime(2026, 11, 9, 19, tzinfo=UTC)
    assert total == bot.used(start, start + DAY)
    assert found.partial == (
        "hours are full UTC hours, so this period starts at 00:30 in Asia/Kolkata",
    )
    total, found = bot.ask("spend 2026-11-07..2026-11-11 tz America/St_Johns")
    start = datetime(2026, 11, 7, 4, tzinfo=UTC)
    assert total == bot.used(start, start + 5 * DAY)
    assert found.partial == (
        "days run from 00:30 to 00:30 in America/St_Johns: only full UTC hours are stored",
    )


def test_without_such_a_zone_minutes_are_dropped_after_two_days(live):
    bot = live("Europe/Berlin")
    bot.run(4 * DAY)
    held = bot.cache.store.state().coverage
    first = next(iter(held.values()))[0][0]
    assert bot.clock() - first < timedelta(days=3)


def test_a_zone_that_somebody_asked_in_is_a_zone_in_use(live):
    bot = live("Europe/Berlin")
    bot.run(MINUTE)
    audit = AuditLog(bot.cache.store._db, bot.clock)
    audit.note("ask", "U1", "spend yesterday tz Asia/Kolkata", email="ada@example.com")
    audit.flush()
    assert "Asia/Kolkata" in bot.cache.store.zones()
    bot.run(4 * DAY)
    assert bot.ask("spend 2026-11-18 tz Asia/Kolkata")[1].partial == ()
