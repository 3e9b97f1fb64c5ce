"""A heartbeat continues while work runs, even if single beats fail, and stops with it."""

import threading
from datetime import timedelta

import pytest

from bot import app
from bot.runtime.heartbeat import HEARTBEAT_SECONDS, heartbeat
from bot.store import DatabaseBusyError
from bot.store.sync_state import LEASE_LENGTH


def test_it_beats_until_the_work_ends():
    beats, enough = [], threading.Event()

    def beat():
        beats.append(threading.current_thread().name)
        if len(beats) == 3:
            enough.set()

    with heartbeat(beat, 0.01):
        assert enough.wait(60)
    count = len(beats)
    assert not any(one.name == "heartbeat" for one in threading.enumerate())
    assert len(beats) == count


@pytest.mark.parametrize("error", [DatabaseBusyError("busy"), ValueError("a defect")])
def test_a_beat_that_fails_does_not_end_it(error):
    beats, enough = [], threading.Event()

    def beat():
        beats.append(1)
        if len(beats) == 1:
            raise error
        enough.set()

    with heartbeat(beat, 0.01):
        assert enough.wait(60)


def test_work_that_fails_ends_it():
    with pytest.raises(KeyError), heartbeat(lambda: None, 0.01):
        raise KeyError
    assert not any(one.name == "heartbeat" for one in threading.enumerate())


def test_the_next_process_syncs_within_20_seconds_after_one_was_killed():
    assert timedelta(seconds=app.SYNC_TICK) + LEASE_LENGTH <= timedelta(seconds=20)


def test_a_lease_outlives_two_heartbeats_that_fail():
    assert timedelta(seconds=2 * HEARTBEAT_SECONDS) < LEASE_LENGTH
