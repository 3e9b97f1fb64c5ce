"""One process syncs at a time: `activity sync` waits for the one that does, and says who it is."""

import json
from datetime import timedelta

import pytest

from bot.openrouter import OpenRouterError
from bot.store import Store
from bot.sync.sync_once import SyncOnce
from tests.cache_help import MINUTE, Cache, assert_true

LEASE = timedelta(seconds=15)
WORKER = "process 4711 on web-1 (a1b2c3d4)"


@pytest.fixture
def cache(server, tmp_path, clock):
    made = Cache(server, tmp_path / "activity.db", clock)
    yield made
    made.close()


class Pauses:
    """Lets the test's clock go on where the process would wait, and does what is to happen then."""

    def __init__(self, clock, *then):
        self.clock, self.then, self.count = clock, list(then), 0

    def __call__(self, seconds):
        self.count += 1
        assert self.count < 1000, "waits for ever"
        self.clock.advance(timedelta(seconds=seconds))
        if self.then:
            self.then.pop(0)()


def hold(store: Store, clock) -> None:
    assert store.lease("sync", WORKER, LEASE, clock)


def test_it_asks_nothing_while_another_process_syncs_and_says_who(cache, server, clock):
    hold(cache.store, clock)
    said: list[str] = []
    # the other process renews its lease until it is killed
    pauses = Pauses(clock, *[lambda: hold(cache.store, clock)] * 105)
    once = SyncOnce(cache.api, cache.store, clock, "process 1 on here (00)", said.append, pauses)
    asked = []
    once._pause = lambda seconds: (pauses(seconds), asked.append(len(server.requests)))
    assert once.wait()
    assert pauses.count >= 119
    assert set(asked) == {0}
    assert said[0] == "Waiting: Process 4711 on web-1 is syncing this cache."
    assert 5 <= len(said) <= 10
    once.run(lambda done, words: None)
    assert_true(cache, server.organization)
    assert cache.store.lease("sync", WORKER, LEASE, clock), "the lease is given back"


def test_it_has_nothing_to_do_once_the_other_process_has_done_it(cache, clock):
    hold(cache.store, clock)
    said: list[str] = []
    pauses = Pauses(clock, lambda: hold(cache.store, clock), cache.fill)
    once = SyncOnce(cache.api, cache.store, clock, "process 1 on here (00)", said.append, pauses)
    assert not once.wait()
    assert pauses.count == 2


def test_it_says_how_far_the_first_sync_of_the_other_process_is(cache, clock):
    hold(cache.store, clock)
    cache.turn()
    said: list[str] = []
    once = SyncOnce(cache.api, cache.store, clock, "x", said.append, Pauses(clock))
    once.wait()
    assert "% done, about " in said[0]


def test_it_ends_where_the_other_process_cannot_sync_either(cache, clock):
    hold(cache.store, clock)

    def fail() -> None:
        trouble = {"at": clock().isoformat(), "words": "OpenRouter did not answer."}
        cache.store.keep_fact("trouble", json.dumps(trouble))

    once = SyncOnce(cache.api, cache.store, clock, "x", lambda _: None, Pauses(clock, fail))
    with pytest.raises(OpenRouterError, match="4711 on web-1 cannot sync this cache: OpenRouter"):
        once.wait()


def test_the_lease_is_renewed_during_a_turn_that_takes_longer(cache, server, clock):
    taken = []
    answered = server._query

    def slowly(body):
        clock.advance(MINUTE / 6)
        taken.append(cache.store.lease("sync", WORKER, LEASE, clock))
        return answered(body)

    server._query = slowly
    once = SyncOnce(cache.api, cache.store, clock, "process 1 on here (00)", lambda _: None)
    assert once.wait()
    assert once._sync.turn().error is None
    assert len(taken) > 5
    assert not any(taken)
