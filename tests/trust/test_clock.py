"""Reports while the clock of the machine is stepped, by libfaketime, under a running worker."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from bot.demo.slack import LocalSlack
from bot.schedules.figures import SavedNames
from bot.store import Database
from bot.store.schedules.schedules import NewSchedule, Schedules
from reports.schedules.recurrence import Daily, Recurrence, TargetKind

from .. import databases
from .. import world as worlds

ROOT = Path(__file__).parents[2]
LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
HOUR, DAY, YEAR = timedelta(hours=1), timedelta(days=1), timedelta(days=365)

pytestmark = pytest.mark.skipif(
    LIBRARY is None, reason="libfaketime is not installed (Debian's package faketime)"
)


class Clock:
    """The clock of a process: as far from the one it begins with as `step` says.

    That is the real one, but in the evening one of the afternoon: a day that ends meanwhile would
    be waited for until it is synced.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.begun = timedelta(hours=-4 if datetime.now(UTC).hour >= 21 else 0)
        self.ahead = timedelta(0)
        self.step(timedelta(0))

    def step(self, ahead: timedelta) -> None:
        """Put the clock so far ahead of the real one, in one step."""
        self.ahead = ahead
        new = self.file.with_suffix(".new")
        new.write_text(f"{(self.begun + ahead).total_seconds():+.0f}\n")
        new.replace(self.file)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.begun + self.ahead

    def environment(self) -> dict[str, str]:
        return os.environ | {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }


class Bench:
    """A worker under a clock, its Slack, and schedules that are due at moments of its clock."""

    def __init__(self, slack: LocalSlack, database: Database, clock: Clock) -> None:
        self.slack = slack
        self.clock = clock
        self._database = database
        self._schedules = Schedules(database, clock.now)

    def schedule(self, soon: timedelta, question: str) -> str:
        """A daily report that is due so far from now, to the minute; its id."""
        due = self.clock.now() + soon
        draft = NewSchedule(
            self.slack.user("ada").id,
            "",
            question,
            Recurrence(Daily(), time(due.hour, due.minute)),
            TargetKind.CHANNEL,
            self.slack.channel("general").id,
            "general",
            SavedNames().as_json(),
        )
        return self._schedules.add(draft).id

    def next_day(self, id_: str) -> date:
        kept = self._schedules.get(id_)
        assert kept is not None
        return kept.next.day

    def posted(self) -> Counter[str]:
        """How often a report of each schedule and date is there."""
        messages = self.slack.messages("general")
        keys = [m["metadata"]["event_payload"]["key"] for m in messages if m.get("metadata")]
        return Counter(key.rpartition(".")[0] for key in keys)

    def ends(self) -> list[tuple[str, str]]:
        """State of all runs, and how that was found out."""
        with self._database.read() as connection:
            return connection.execute("SELECT state, how FROM run ORDER BY id").fetchall()

    def wait(self, count: int) -> None:
        worlds.wait_until(lambda: self.posted().total() >= count, 60)


@pytest.fixture
def bench(filled, tmp_path) -> Iterator[Bench]:
    databases.copy(filled[1], tmp_path / "activity.db")
    with running(tmp_path / "activity.db", Clock(tmp_path / "clock")) as found:
        yield found


@contextmanager
def running(database: Path, clock: Clock) -> Iterator[Bench]:
    with LocalSlack(rate_limits=False) as slack:
        files = Database(databases.at(database))
        worker = subprocess.Popen(
            [sys.executable, "-m", "tests.trust.clock_worker",
             str(databases.at(database)), slack.api_url, slack.bot_token],
            cwd=ROOT, stdin=subprocess.PIPE, env=clock.environment(),
        )  # fmt: skip
        try:
            yield Bench(slack, files, clock)
        finally:
            worker.kill()
            worker.communicate()
            files.close()


@pytest.mark.own_journal
def test_steps_of_the_clock_lose_and_double_nothing(bench):
    """Due in an hour; the clock jumps there, back, there again, a year ahead, and home."""
    first = bench.schedule(HOUR, "spend yesterday by model")
    bench.clock.step(HOUR + timedelta(minutes=1))
    bench.wait(1)
    bench.clock.step(timedelta(0))
    # a worker that went deaf when the clock went back would not see what is due now
    second = bench.schedule(timedelta(minutes=1), "spend yesterday by key")
    bench.clock.step(timedelta(minutes=2))
    bench.wait(2)
    bench.clock.step(HOUR + timedelta(minutes=1))
    third = bench.schedule(timedelta(minutes=1), "spend yesterday by creator")
    bench.clock.step(HOUR + timedelta(minutes=3))
    bench.wait(3)
    bench.clock.step(YEAR)
    worlds.wait_until(lambda: bench.next_day(first) > bench.clock.now().date() - DAY, 60)
    bench.clock.step(HOUR + timedelta(minutes=4))
    soon = bench.clock.now().date() + DAY
    for id_ in (first, second, third):
        worlds.wait_until(lambda id_=id_: bench.next_day(id_) <= soon, 60)
    assert set(bench.posted().values()) == {1}
    assert bench.posted().total() == 3


@pytest.mark.own_journal
def test_a_report_without_an_answer_is_found_although_the_clock_is_ahead(bench):
    bench.clock.step(HOUR)
    bench.schedule(timedelta(minutes=1), "spend yesterday by model")
    bench.slack.fail("chat.postMessage", "drop_after")
    bench.clock.step(HOUR + timedelta(minutes=1))
    bench.wait(1)
    worlds.wait_until(lambda: bench.ends() == [("sending", "")], 60)
    for minutes in (8, 16, 24, 32):  # a slow worker may take note of the failure after a step
        bench.clock.step(HOUR + timedelta(minutes=minutes))
        with suppress(AssertionError):
            worlds.wait_until(lambda: bench.ends()[0][0] == "sent", 20)
            break
    assert bench.ends() == [("sent", "reconciled")]
    assert bench.posted().total() == 1
