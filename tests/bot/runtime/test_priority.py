from __future__ import annotations

import threading
from time import monotonic, sleep

from bot.runtime import priority
from bot.runtime.priority import AckPriority


def test_work_goes_on_at_once_where_nobody_is_at_the_door() -> None:
    door = AckPriority()
    assert not door.busy()
    door.give_way()


def test_work_waits_until_everybody_at_the_door_has_left() -> None:
    door, entered, leave, order = AckPriority(), threading.Event(), threading.Event(), []

    def ask() -> None:
        with door.first():
            entered.set()
            leave.wait(60)
            order.append("acknowledged")

    def work() -> None:
        door.give_way()
        order.append("worked")

    courtesy_before = priority.LONGEST
    priority.LONGEST = 60
    try:
        services = threading.Thread(target=ask)
        services.start()
        entered.wait(60)
        working = [threading.Thread(target=work) for _ in range(3)]
        for thread in working:
            thread.start()
        leave.set()
        for thread in (services, *working):
            thread.join(60)
    finally:
        priority.LONGEST = courtesy_before
    assert order == ["acknowledged", "worked", "worked", "worked"]


def test_work_goes_on_in_the_end_however_many_ask() -> None:
    door = AckPriority()
    with door.first():
        threads = [threading.Thread(target=door.give_way) for _ in range(4)]
        begun = monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in threads)
        assert monotonic() - begun >= priority.LONGEST
        assert door.busy()


def test_whoever_fails_at_the_door_leaves_it() -> None:
    door = AckPriority()
    try:
        with door.first():
            raise ValueError
    except ValueError:
        door.give_way()
    assert not door.busy()


def test_items_come_as_they_are() -> None:
    assert list(priority.giving_way(iter(range(300)))) == list(range(300))
    assert list(priority.giving_way([])) == []


def test_work_goes_on_while_somebody_inside_waits_for_it() -> None:
    door = AckPriority()
    with door.first():
        with door.aside():
            until_quiet(door)
        assert door.busy()
    with door.aside():  # outside it means nothing
        until_quiet(door)


def test_knocking_without_end_holds_up_little() -> None:
    door, end, quiet = AckPriority(), monotonic() + 5, 0
    while quiet < 20:
        assert monotonic() < end, "it was never quiet"
        door.knock()
        quiet += not door.busy()
        sleep(0.001)


def until_quiet(door: AckPriority) -> None:
    while door.busy():
        sleep(0.001)
