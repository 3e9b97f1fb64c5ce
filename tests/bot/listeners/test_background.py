"""Jobs after the acknowledgement, when the process stops."""

import threading
import time

from bot.listeners import background
from bot.listeners.background import (
    NOTICES_AT_ONCE,
    PER_PERSON,
    STOPPED,
    THREADS,
    BackgroundWork,
)
from bot.slack.types import ReplyTarget
from tests.world import wait_until


class Slack:
    """Stands in for the Web API: what people were told."""

    def __init__(self):
        self.told = []

    def say(self, reply_to, words):
        self.told.append((reply_to.user, words))


def test_everything_that_was_acknowledged_is_done_before_the_process_ends():
    work, done, go = BackgroundWork(Slack()), [], threading.Event()

    def job(number):
        go.wait(60)
        time.sleep(0.01)
        done.append(number)

    # more than there are threads, and more of one person than they may have at a time
    jobs = 5 * max(THREADS, PER_PERSON)
    for number in range(jobs):
        work.submit(ReplyTarget("", f"U{number % 3}"), lambda number=number: job(number))
    stopping = threading.Thread(target=work.stop)
    stopping.start()
    go.set()
    stopping.join()
    assert sorted(done) == list(range(jobs))


def test_people_are_told_about_what_could_not_start_in_time(monkeypatch):
    monkeypatch.setattr(background, "STOP_SECONDS", 0.2)
    slack, done, go = Slack(), [], threading.Event()
    work = BackgroundWork(slack)
    begun = threading.Barrier(THREADS + 1)

    def first():
        begun.wait(60)
        go.wait(60)
        done.append("first")

    for number in range(THREADS):
        work.submit(ReplyTarget("", f"U{number}"), first)
    begun.wait(60)
    for number in range(5):
        work.submit(ReplyTarget("", f"L{number}"), lambda: done.append("late"))
    for _ in range(PER_PERSON + 2):
        work.submit(ReplyTarget("", "M"), lambda: done.append("late"))
    stopping = threading.Thread(target=work.stop)
    stopping.start()
    wait_until(lambda: len(slack.told) == 5 + PER_PERSON + 2)
    go.set()
    stopping.join()
    assert done == ["first"] * THREADS
    assert {words for _, words in slack.told} == {STOPPED}


def test_time_that_the_process_took_before_counts(monkeypatch):
    monkeypatch.setattr(background, "STOP_SECONDS", 3_600)
    monkeypatch.setattr(background, "FINISH_SECONDS", 7_200)
    slack, go = Slack(), threading.Event()
    work = BackgroundWork(slack)
    for number in range(THREADS):
        work.submit(ReplyTarget("", f"U{number}"), lambda: go.wait(60))
    work.submit(ReplyTarget("", "L"), lambda: None)
    stopping = threading.Thread(target=work.stop, args=(time.monotonic() - 3_600,))
    stopping.start()
    wait_until(lambda: slack.told)
    go.set()
    stopping.join()
    assert slack.told == [("L", STOPPED)]


def test_people_whose_jobs_do_not_finish_in_time_are_told_at_the_same_time(monkeypatch):
    monkeypatch.setattr(background, "STOP_SECONDS", 0.1)
    monkeypatch.setattr(background, "FINISH_SECONDS", 0.2)
    together, told, go = threading.Barrier(THREADS), [], threading.Event()
    begun = threading.Barrier(THREADS + 1)

    class SlowSlack:
        def say(self, reply_to, words):
            together.wait(60)
            told.append((reply_to.user, words))

    work = BackgroundWork(SlowSlack())
    for number in range(THREADS):
        work.submit(ReplyTarget("", f"U{number}"), lambda: (begun.wait(60), go.wait(60)))
    begun.wait(60)
    stopping = threading.Thread(target=work.stop)
    stopping.start()
    wait_until(lambda: len(told) == THREADS)
    go.set()
    stopping.join()
    assert sorted(told) == [(f"U{number}", STOPPED) for number in range(THREADS)]


def test_they_are_told_at_the_same_time_because_the_process_ends_soon(monkeypatch):
    monkeypatch.setattr(background, "STOP_SECONDS", 0.1)
    together, told, go = threading.Barrier(NOTICES_AT_ONCE), [], threading.Event()

    class SlowSlack:
        def say(self, reply_to, words):
            together.wait(60)
            told.append(reply_to.user)

    work = BackgroundWork(SlowSlack())
    for number in range(THREADS + NOTICES_AT_ONCE):
        work.submit(ReplyTarget("", f"U{number}"), lambda: go.wait(60))
    stopping = threading.Thread(target=work.stop)
    stopping.start()
    wait_until(lambda: len(told) == NOTICES_AT_ONCE)
    go.set()
    stopping.join()


def test_people_who_wait_for_a_locked_database_are_told_when_the_process_ends():
    slack, done = Slack(), []
    work = BackgroundWork(slack, lambda _: False)
    work.submit(ReplyTarget("", "U1"), lambda: done.append(1))
    wait_until(lambda: slack.told)
    work.stop()
    assert done == []
    assert [user for user, _ in slack.told] == ["U1", "U1"]
    assert "I stopped waiting" in slack.told[1][1]
