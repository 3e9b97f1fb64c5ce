"""Two syncs of one file at once, by mistake or after a pause, neither double nor lose anything."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from bot.answers.answer import answer
from reports.questions.grammar import parse
from tests.cache_help import (
    DAY,
    MINUTE,
    NOW,
    ONE,
    REACH,
    Cache,
    assert_true,
    check,
    kept,
    record,
    truth,
)


@pytest.fixture
def two(server, tmp_path, clock):
    made = [Cache(server, tmp_path / "activity.db", clock) for _ in range(2)]
    yield made
    for one in made:
        one.close()


def at_once(*acts):
    with ThreadPoolExecutor(len(acts)) as pool:
        for done in [pool.submit(act) for act in acts]:
            done.result()


def test_two_first_syncs_at_once_fetch_everything_once(two, server):
    at_once(two[0].fill, two[1].fill)
    assert_true(two[0], server.organization)


def test_two_that_keep_on_syncing_keep_the_truth(two, server, clock):
    two[0].fill()
    for n in range(8):
        clock.advance(20 * MINUTE)
        ago = NOW - clock() + timedelta(seconds=1)
        server.organization.records.append(record(ago, ONE, "user_ada", f"new/{n}"))
        at_once(two[0].fill, two[1].fill)
        check(two[0].path)
    assert_true(two[1], server.organization)


def test_every_answer_adds_up_while_a_sync_writes(two, server):
    done, sums = threading.Event(), set()

    def ask():
        while not done.is_set():
            for by in ("key", "creator", "model"):
                found = answer(
                    two[1].store, parse(f"spend 1y by {by}").query, NOW, "UTC", whole=True
                )
                (metric,) = found.metrics.values()
                assert sum(group.sum for group in metric.groups) == metric.sum
                sums.add(metric.sum)

    def fill():
        try:
            two[0].fill()
        finally:
            done.set()

    at_once(fill, ask)
    assert len(sums) > 1
    assert_true(two[0], server.organization)


def test_a_sync_that_slept_through_anothers_work_is_made_up_for_at_once(two, server, clock):
    """What it pulled before is older than what is there; the mark says so, and it is due again."""
    sleeper, other = two
    other.fill()
    clock.advance(DAY)
    answered = server._query

    def sleep_through_another_sync(body):
        server._query = answered
        said = answered(body)
        organization = server.organization
        organization.records.append(record(NOW - clock(), ONE, "user_ada", "late/x"))
        clock.advance(2 * MINUTE)
        other.fill()
        return said

    server._query = sleep_through_another_sync
    sleeper.turn()
    sleeper.fill()
    clock.advance(20 * MINUTE)
    sleeper.fill()
    check(sleeper.path)
    for granularity in REACH:
        late = {k: v for k, v in truth(server.organization, granularity).items() if "late/x" in k}
        assert {k: v for k, v in kept(sleeper.path, granularity).items() if "late/x" in k} == late
