"""What only the demo can do: its own clock, and reports that one need not wait for."""

from datetime import UTC, datetime, timedelta

from bot.demo.clock import DemoClock


def test_its_clock_jumps_ahead_and_never_back():
    clock = DemoClock()
    there = datetime.now(UTC) + timedelta(days=3)
    clock.jump_to(there)
    assert timedelta() <= clock() - there < timedelta(seconds=5)
    clock.jump_to(there - timedelta(days=9))
    assert clock() >= there
    assert clock.timestamp() >= there.timestamp()
