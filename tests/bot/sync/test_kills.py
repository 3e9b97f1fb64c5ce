"""A sync killed at any moment leaves a file that is whole and true, and the next goes on."""

import json
import os
import random
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from time import sleep

import pytest

from bot.demo.openrouter.server import LocalOpenRouter
from bot.store import Database, Store
from reports.time.time_range import STEP, Granularity
from tests import databases
from tests.cache_help import DAY, HOUR, MINUTE, NOW, ONE, Cache, check, company, kept, record, truth
from tests.clock import Clock

KILLS = int(os.environ.get("KILLS", "20"))
AFRESH = 7
LONGEST = 0.12


@contextmanager
def victims(server):
    """Starts syncs, one after the other, in a process that is ready to fork them."""
    root = Path(__file__).parents[3]
    child = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("sync_child.py"), server.base_url, server.key],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )

    def kill_one(path, at, after):
        child.stdin.write(json.dumps([str(databases.at(path)), at.isoformat()]) + "\n")
        child.stdin.flush()
        victim = int(child.stdout.readline())
        sleep(after)
        os.kill(victim, signal.SIGKILL)
        return int(child.stdout.readline())

    yield kill_one
    child.stdin.close()
    child.wait(10)
    child.stdout.close()


def assert_held_is_true(path, organization):
    """Every bucket of the unchanging past that counts as held holds what was used, and no other."""
    store = Store(Database(databases.at(path)))
    held = store.state().coverage
    store.close()
    for granularity, step in STEP.items():
        spans = held[granularity]

        def inside(at, spans=spans, step=step):
            return at + step <= NOW and any(start <= at < end for start, end in spans)

        found = {k: v for k, v in kept(path, granularity).items() if inside(k[1])}
        assert found == {k: v for k, v in truth(organization, granularity).items() if inside(k[1])}


@pytest.mark.parametrize("kills", [KILLS])
def test_a_sync_may_be_killed_at_any_moment(tmp_path, kills):
    chance, clock, torn = random.Random(20), Clock(NOW + 10 * MINUTE), []
    organization = company()
    with LocalOpenRouter(organization, clock=clock) as server, victims(server) as kill_one:
        server.requests_per_minute = None
        path = tmp_path / "0.db"
        for n in range(kills):
            if n % AFRESH == 0:
                path = tmp_path / f"{n}.db"
            organization.records.append(record(NOW - clock() + MINUTE, ONE, "user_ada", f"new/{n}"))
            code = kill_one(path, clock(), chance.uniform(0, LONGEST))
            assert code == -signal.SIGKILL
            if path.exists():
                check_file(path, organization, torn)
            clock.advance(20 * MINUTE)
        assert torn == []
        cache = Cache(server, path, clock)
        cache.fill()
        check(path)
        assert_all_is_there(cache, organization)
        cache.close()


def check_file(path, organization, torn):
    try:
        assert_held_is_true(path, organization)
        check(path)
    except AssertionError as error:
        torn.append((path, error))


def assert_all_is_there(cache, organization):
    held = cache.store.state().coverage
    for granularity, reach in (
        (Granularity.MINUTE, 2 * HOUR),
        (Granularity.HOUR, 30 * DAY),
        (Granularity.DAY, 300 * DAY),
    ):
        ((start, end),) = held[granularity][-1:]
        assert start <= cache.clock() - reach
        assert end == cache.clock()
        expected = {k: v for k, v in truth(organization, granularity).items() if k[1] >= start}
        assert {k: v for k, v in kept(cache.path, granularity).items() if k[1] >= start} == expected
