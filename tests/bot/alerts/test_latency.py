"""From the crossing in OpenRouter's data to the direct message: at most 90 seconds."""

from datetime import timedelta

import pytest

from bot import app
from bot.demo.openrouter.organization import Record
from bot.demo.openrouter.server import LocalOpenRouter
from bot.demo.slack import LocalSlack
from tests.bot.alerts.alert_bot import AlertBot
from tests.cache_help import NOW, ONE, Cache, company
from tests.clock import Clock

SECOND = timedelta(seconds=1)
LONGEST = timedelta(seconds=90)


@pytest.fixture(scope="module")
def bot(tmp_path_factory):
    """A synced cache and the worker's halves, on one clock."""
    clock, path = Clock(NOW), tmp_path_factory.mktemp("latency") / "activity.db"
    with LocalOpenRouter(company(), clock=clock) as server, LocalSlack(clock=clock) as slack:
        server.requests_per_minute = None
        cache = Cache(server, path, clock)
        cache.fill()
        watch = AlertBot(path, clock, slack)
        yield server, cache, watch, clock
        watch.close()
        cache.close()


def seconds_pass(cache, watch, clock) -> None:
    """What `Bot` does by its ticks, in which everything that can wait waits longest."""
    clock.now += app.SYNC_TICK * SECOND
    turn = cache.turn()
    assert turn.error is None
    if turn.changed:
        watch.evaluator.tick(timedelta(seconds=15 if turn.more else 0))
    clock.now += app.ALERT_TICK * SECOND - SECOND
    watch.tick()


@pytest.mark.parametrize("second", [0, 31, 59])
@pytest.mark.parametrize("since_sync", range(5))
def test_an_hourly_crossing_is_delivered_within_90_seconds(bot, second, since_sync):
    server, cache, watch, clock = bot
    clock.now = (clock.now + 2 * timedelta(hours=1)).replace(minute=20, second=second)
    for _ in range(20 + since_sync):
        seconds_pass(cache, watch, clock)
    limit = 900 + 10 * second + since_sync
    watch.set_up(f"alert spend > ${limit} per hour")
    crossed, before = clock.now, len(watch.direct_messages())
    cost = (limit + 1) * 10**9
    server.organization.records.append(
        Record(crossed, ONE, "user_ada", "a/x", 1, prompt=1, completion=1, credits_nano=cost)
    )
    while len(watch.direct_messages()) == before:
        seconds_pass(cache, watch, clock)
        assert clock.now - crossed <= LONGEST
    assert crossed > NOW
