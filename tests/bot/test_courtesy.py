from __future__ import annotations

import threading
from time import monotonic, sleep

from bot.runtime import priority as courtesy
from bot.runtime.priority import Door


def test_work_goes_on_at_once_where_nobody_is_at_the_door() -> None:
    door = Door()
    assert not door.busy()
    door.give_way()


def test_work_waits_until_everybody_at_the_door_has_left() -> None:
    door, entered, leave, order = Door(), threading.Event(), threading.Event(), []

    def ask() -> None:
        with door.first():
            entered.set()
            leave.wait(60)
            order.append("acknowledged")

    def work() -> None:
        door.give_way()
        order.append("worked")

    courtesy_before = courtesy.LONGEST
    courtesy.LONGEST = 60
    try:
        asking = threading.Thread(target=ask)
        asking.start()
        entered.wait(60)
        working = [threading.Thread(target=work) for _ in range(3)]
        for thread in working:
            thread.start()
        leave.set()
        for thread in (asking, *working):
            thread.join(60)
    finally:
        courtesy.LONGEST = courtesy_before
    assert order == ["acknowledged", "worked", "worked", "worked"]


def test_work_goes_on_in_the_end_however_many_ask() -> None:
    door = Door()
    with door.first():
        threads = [threading.Thread(target=door.give_way) for _ in range(4)]
        begun = monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in threads)
        assert monotonic() - begun >= courtesy.LONGEST
        assert door.busy()


def test_whoever_fails_at_the_door_leaves_it() -> None:
    door = Door()
    try:
        with door.first():
            raise ValueError
    except ValueError:
        door.give_way()
    assert not door.busy()


def test_items_come_as_they_are() -> None:
    assert list(courtesy.giving_way(iter(range(300)))) == list(range(300))
    assert list(courtesy.giving_way([])) == []


def test_work_goes_on_while_somebody_inside_waits_for_it() -> None:
    door = Door()
    with door.first():
        with door.aside():
            until_quiet(door)
        assert door.busy()
    with door.aside():  # outside it means nothing
        until_quiet(door)


def test_knocking_without_end_holds_up_little() -> None:
    door, end, quiet = Door(), monotonic() + 5, 0
    while quiet < 20:
        assert monotonic() < end, "it was never quiet"
        door.knock()
        quiet += not door.busy()
        sleep(0.001)


def until_quiet(door: Door) -> None:
    while door.busy():
        sleep(0.001)
