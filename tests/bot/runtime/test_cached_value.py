"""Values for probes: computed on another thread, shared, and never waited for long."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from bot.runtime.cached_value import CachedValue


class Slow:
    """A computation that counts its calls and waits until it is let go."""

    def __init__(self) -> None:
        self.calls = 0
        self.begun = threading.Event()
        self.go = threading.Event()

    def __call__(self) -> str:
        """The number of the call, once it may."""
        self.calls += 1
        self.begun.set()
        assert self.go.wait(60)
        return f"call {self.calls}"


def test_a_value_is_computed_for_each_who_asks() -> None:
    slow = Slow()
    slow.go.set()
    latest = CachedValue(slow, "first", str, timeout=60)
    assert [latest.get(), latest.get()] == ["call 1", "call 2"]
    latest.stop()


def test_who_asks_while_it_hangs_gets_the_last_value_and_starts_nothing_more() -> None:
    slow = Slow()
    latest = CachedValue(slow, "first", str, lambda last, _: f"{last}, late", timeout=0.01)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: latest.get(), range(20)))
    assert set(found) == {"first, late"}
    assert slow.begun.wait(60)
    assert slow.calls == 1
    slow.go.set()
    latest.stop()


def test_a_failure_is_a_value_and_the_next_call_computes_again() -> None:
    answers = [ValueError("no"), ValueError("never")]

    def compute() -> str:
        if answers:
            raise answers.pop()
        return "well"

    latest = CachedValue(compute, "first", lambda error: f"failed: {error}", timeout=60)
    assert [latest.get() for _ in range(3)] == ["failed: never", "failed: no", "well"]
    latest.stop()


def test_it_stops_while_somebody_waits() -> None:
    slow = Slow()
    latest = CachedValue(slow, "first", str, timeout=60)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(latest.get)
        assert slow.begun.wait(60)
        latest.stop()
        assert asked.result(60) == "first"
        slow.go.set()
