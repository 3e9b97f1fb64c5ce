from __future__ import annotations

import threading
from time import monotonic, sleep

import pytest

from bot.runtime import priority
from bot.runtime.priority import AckPriority


def test_a_worker_does_not_wait_where_no_request_is_handled() -> None:
    acks = AckPriority()
    assert not acks.request_active()
    acks.pause_for_requests()


def test_workers_wait_until_the_request_has_been_handled(monkeypatch: pytest.MonkeyPatch) -> None:
    acks, entered, leave, order = AckPriority(), threading.Event(), threading.Event(), []

    def handle() -> None:
        with acks.handling_request():
            entered.set()
            leave.wait(60)
            order.append("acknowledged")

    def work() -> None:
        acks.pause_for_requests()
        order.append("worked")

    monkeypatch.setattr(priority, "LONGEST_PAUSE", 60)
    request = threading.Thread(target=handle)
    request.start()
    entered.wait(60)
    workers = [threading.Thread(target=work) for _ in range(3)]
    for thread in workers:
        thread.start()
    leave.set()
    for thread in (request, *workers):
        thread.join(60)
    assert order == ["acknowledged", "worked", "worked", "worked"]


def test_workers_continue_after_the_longest_pause_even_if_requests_keep_coming() -> None:
    acks = AckPriority()
    with acks.handling_request():
        threads = [threading.Thread(target=acks.pause_for_requests) for _ in range(4)]
        begun = monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in threads)
        assert monotonic() - begun >= priority.LONGEST_PAUSE
        assert acks.request_active()


def test_a_request_that_fails_ends_the_pause() -> None:
    acks = AckPriority()
    try:
        with acks.handling_request():
            raise ValueError
    except ValueError:
        acks.pause_for_requests()
    assert not acks.request_active()


def test_items_come_unchanged() -> None:
    assert list(priority.pausing_for_requests(iter(range(300)))) == list(range(300))
    assert list(priority.pausing_for_requests([])) == []


def test_workers_run_while_a_request_waits_for_their_result() -> None:
    acks = AckPriority()
    with acks.handling_request():
        with acks.waiting_for_worker():
            until_quiet(acks)
        assert acks.request_active()
    with acks.waiting_for_worker():  # outside a request it does nothing
        until_quiet(acks)


def test_a_flood_of_connections_pauses_workers_only_briefly() -> None:
    acks, end, quiet = AckPriority(), monotonic() + 5, 0
    while quiet < 20:
        assert monotonic() < end, "it was never quiet"
        acks.connection_ready()
        quiet += not acks.request_active()
        sleep(0.001)


def until_quiet(acks: AckPriority) -> None:
    while acks.request_active():
        sleep(0.001)
