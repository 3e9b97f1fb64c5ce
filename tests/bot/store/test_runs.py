"""Report runs: in whatever order events happen, each report is posted exactly once."""

import tempfile
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.store import Database
from bot.store.schedules.runs import ReportRun, ReportRuns, RunState
from bot.store.schedules.schedules import NewSchedule, Schedules
from reports.schedules.recurrence import Daily, Recurrence, TargetKind, Weekly
from reports.usage.dimensions import Dimension
from tests import databases

MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)
WORKERS = ("one", "two", "three")
SCHEDULES = 2


def nothing(*_: object) -> dict[str, object]:
    return {"text": "", "blocks": []}


def draft(
    schedule: Recurrence | None = None, target: TargetKind = TargetKind.CHANNEL, channel: str = "C1"
) -> NewSchedule:
    weekly = schedule or Recurrence(Weekly(), time(9), "Europe/Berlin")
    return NewSchedule(
        "U1", "ada@example.com", "spend last week by creator", weekly, target, channel
    )


class World:
    """A database, its clock, and two rooms of it."""

    def __init__(self, path: Path) -> None:
        self.now = MONDAY - timedelta(days=1)
        self.database = Database(databases.at(path))
        self.schedules = Schedules(self.database, lambda: self.now)
        self.runs = ReportRuns(self.database, lambda: self.now)

    def states(self) -> list[tuple[str, str]]:
        with self.database.read() as connection:
            return connection.execute("SELECT period, state FROM run ORDER BY id").fetchall()


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path / "activity.db")
    yield world
    world.database.close()


def claimed(world: World) -> ReportRun:
    world.runs.plan(nothing)
    [run] = world.runs.claim("one", 5)
    return run


def test_it_is_due_once_for_each_local_date(world):
    entry = world.schedules.add(draft())
    assert entry.next.at == MONDAY
    assert world.runs.plan(nothing) == 0
    world.now = MONDAY
    assert world.runs.plan(nothing) == 1
    assert world.runs.plan(nothing) == 0
    world.now = MONDAY - timedelta(days=3)  # the clock goes back
    assert world.runs.plan(nothing) == 0
    assert world.states() == [("2026-11-23", "due")]


def test_it_makes_nothing_due_while_paused_and_goes_on_after_it(world):
    entry = world.schedules.add(draft(Recurrence(Daily(), time(9), "UTC")))
    world.schedules.pause(entry.id, "by me")
    world.now += timedelta(days=5)
    assert world.runs.plan(nothing) == 0
    world.schedules.resume(entry.id)
    assert world.runs.plan(nothing) == 0
    world.now += timedelta(days=1)
    assert world.runs.plan(nothing) == 1
    assert len(world.states()) == 1


def test_it_catches_up_with_the_newest_and_tells_of_the_others(world):
    world.schedules.add(draft(Recurrence(Daily(), time(9), "UTC")))
    world.now += timedelta(days=5)
    told = []
    world.runs.plan(lambda entry, runs: told.append(runs) or nothing())
    assert [state for _, state in world.states()] == ["due", *["skipped"] * 4]
    assert [run.day.day for run in told[0]] == [22, 23, 24, 25]
    [run] = world.runs.claim("one", 5)
    assert (run.period, run.late) == ("2026-11-26", True)


def test_it_gives_a_run_to_one_taker_until_the_lease_runs_out(world):
    world.schedules.add(draft())
    world.now = MONDAY
    first = claimed(world)
    assert world.runs.claim("two", 5) == []
    world.now += timedelta(seconds=121)
    [second] = world.runs.claim("two", 5)
    assert (second.id, second.fence) == (first.id, first.fence + 1)
    assert not world.runs.start_sending(first, "{}", None)
    assert world.runs.start_sending(second, "{}", 5)


def test_it_posts_to_one_place_once_a_second(world):
    for _ in range(3):
        world.schedules.add(draft())
    world.now = MONDAY
    world.runs.plan(nothing)
    assert len(world.runs.claim("one", 5)) == 1
    assert world.runs.claim("one", 5) == []
    world.now += timedelta(seconds=1)
    assert len(world.runs.claim("two", 5)) == 1


def test_it_freezes_what_is_posted_at_first(world):
    world.schedules.add(draft())
    world.now = MONDAY
    run = claimed(world)
    assert world.runs.start_sending(run, '"first"', 1)
    assert world.runs.retry(run, world.now)
    world.now += timedelta(seconds=5)
    [again] = world.runs.claim("two", 5)
    assert world.runs.start_sending(again, '"second"', 2)
    kept = world.runs.get(run.id)
    assert kept is not None
    assert kept.payload == '"first"'


def test_it_pauses_after_three_failures_in_a_row_and_one_success_starts_anew(world):
    entry = world.schedules.add(draft(Recurrence(Daily(), time(9), "UTC")))
    counted = []
    for day in range(7):
        world.now = MONDAY + timedelta(days=day, hours=2)
        world.runs.plan(nothing)
        runs = world.runs.claim("one", 5)
        if not runs:
            break
        if day == 2:
            world.runs.start_sending(runs[0], "{}", None)
            world.runs.mark_posted(runs[0], "C1", "1.1", "direct", files=False)
        else:
            counted.append(world.runs.fail(runs[0], "not_in_channel"))
    assert counted == [1, 2, 1, 2, 3]
    paused = world.schedules.get(entry.id)
    assert paused is not None
    assert "not_in_channel" in (paused.paused or "")


def test_it_makes_one_run_of_a_click_that_comes_twice(world):
    entry = world.schedules.add(draft())
    assert world.runs.add_now(entry, "U1", "17.1")
    assert not world.runs.add_now(entry, "U1", "17.1")
    assert world.runs.add_now(entry, "U1", "17.2")


def test_it_keeps_an_edited_schedule_from_running_twice_on_a_day(world):
    entry = world.schedules.add(draft(Recurrence(Daily(), time(9), "UTC")))
    world.now = MONDAY + timedelta(hours=2)
    world.runs.plan(nothing)
    world.schedules.change(entry.id, draft(Recurrence(Daily(), time(12), "UTC")))
    world.now = MONDAY + timedelta(hours=6)
    world.runs.plan(nothing)
    assert [period for period, _ in world.states()].count("2026-11-23") == 1


def test_it_has_one_run_for_every_creator_with_an_address(world):
    people = [("user_ada", "Ada", "ada@example.com"), ("user_bob", "Bob", "bob@example.com")]
    with world.database.write() as connection:
        connection.executemany(
            "INSERT INTO member (dimension, ref, name, detail) VALUES (3, ?, ?, ?)", people
        )
    world.schedules.add(draft(target=TargetKind.CREATORS))
    world.now = MONDAY
    world.runs.plan(nothing)
    found = world.runs.claim("one", 5)
    assert [run.recipient for run in found] == ["creator:user_ada", "creator:user_bob"]
    assert str(Dimension.CREATOR) == "creator"


def test_it_drops_what_was_about_to_be_posted_when_deleted(world):
    entry = world.schedules.add(draft())
    world.now = MONDAY
    world.runs.plan(nothing)
    world.schedules.remove(entry.id)
    assert world.runs.claim("one", 5) == []
    assert world.schedules.get(entry.id) is None
    assert world.schedules.of(None) == []


def test_a_zone_that_is_not_known_any_more_stops_one_schedule_alone(world):
    lost = world.schedules.add(draft(channel="C1"))
    world.schedules.add(draft(channel="C2"))
    with world.database.write() as connection:
        connection.execute("UPDATE schedule SET zone = 'Mars/Base' WHERE id = ?", (lost.id,))
    world.schedules.replan()
    world.now = MONDAY
    world.runs.plan(nothing)
    assert [run.recipient for run in world.runs.claim("one", 5)] == ["C2"]
    kept = world.schedules.get(lost.id)
    assert kept is not None
    assert kept.paused == "its time zone Mars/Base is not known any more"


def test_a_clock_that_was_a_year_ahead_leaves_nothing_behind(world):
    world.schedules.add(draft(Recurrence(Daily(), time(9), "UTC")))
    world.now += timedelta(days=365)
    world.runs.plan(nothing)
    [run] = world.runs.claim("one", 5)
    world.runs.pause_recipient(run.destination, world.now + timedelta(hours=1))
    world.runs.mark_channel_checked(run.destination, "general")
    assert len(world.states()) == 365
    world.now -= timedelta(days=365)
    world.runs.repair_future_times()
    world.schedules.replan()
    assert world.states() == []
    assert not world.runs.start_sending(run, "{}", None)
    assert world.runs.checked_channel_name(run.destination, world.now - timedelta(days=1)) is None
    world.now = MONDAY + timedelta(hours=1)
    world.runs.plan(nothing)
    [again] = world.runs.claim("two", 5)
    assert again.period == "2026-11-23"


def test_a_clock_that_goes_back_sends_nothing_a_second_time(world):
    world.schedules.add(draft())
    world.now = MONDAY
    run = claimed(world)
    world.runs.start_sending(run, "{}", None)
    world.runs.mark_posted(run, "C1", "1.0", "direct", files=False)
    world.now = MONDAY - timedelta(hours=3)
    world.runs.repair_future_times()
    world.schedules.replan()
    world.now = MONDAY + timedelta(minutes=1)
    world.runs.plan(nothing)
    assert world.runs.claim("two", 5) == []
    assert world.states() == [("2026-11-23", "sent")]


def test_what_another_has_taken_keeps_its_lease_when_the_clock_goes_back(world):
    world.schedules.add(draft())
    world.now = MONDAY
    run = claimed(world)
    world.runs.start_sending(run, "{}", None)
    world.now = MONDAY - timedelta(hours=3)
    world.runs.repair_future_times()
    assert world.runs.claim("two", 5) == []
    world.now += timedelta(minutes=4)
    [again] = world.runs.claim("two", 5)
    assert again.id == run.id


def test_it_works_out_due_times_anew_from_local_dates(world):
    entry = world.schedules.add(draft())
    with world.database.write() as connection:
        connection.execute("UPDATE schedule SET next_at = next_at + 3600000")
    world.schedules.replan()
    again = world.schedules.get(entry.id)
    assert again is not None
    assert again.next == entry.next
    assert again.next.day == date(2026, 11, 23)


@dataclass
class Hand:
    """What a worker is at: its run, how far it is, what it posted or found."""

    run: ReportRun
    at: str
    ts: str = ""
    found: tuple[str, ...] = ()


class Ledger(RuleBasedStateMachine):
    """Workers that stand still, die, lose answers and come back late, in any order."""

    @initialize()
    def begin_world(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.world = World(Path(self.folder.name) / "activity.db")
        for n in range(SCHEDULES):
            self.world.schedules.add(draft(channel=f"C{n}"))
        self.world.now = MONDAY
        self.world.runs.plan(nothing)
        self.hands: dict[str, Hand] = {}
        self.slack: dict[str, str] = {}
        self.count = 0

    def post(self, run: ReportRun) -> str:
        self.count += 1
        self.slack[f"{self.count}.0"] = run.key
        return f"{self.count}.0"

    def fence(self, run: ReportRun) -> int:
        kept = self.world.runs.get(run.id)
        assert kept is not None
        return kept.fence

    @rule(seconds=st.sampled_from([1, 30, 130, 215]))
    def time_passes(self, seconds: int) -> None:
        self.world.now += timedelta(seconds=seconds)

    @rule(worker=st.sampled_from(WORKERS))
    def claim(self, worker: str) -> None:
        if worker in self.hands:
            return
        for run in self.world.runs.claim(worker, 1):
            at = "doubting" if run.state is RunState.SENDING else "claimed"
            self.hands[worker] = Hand(run, at)

    @rule(worker=st.sampled_from(WORKERS))
    def go_on(self, worker: str) -> None:
        hand = self.hands.get(worker)
        runs = self.world.runs
        match hand and hand.at:
            case "claimed":
                self.to_begin(worker)
            case "begun":
                hand.ts, hand.at = self.post(hand.run), "posted"
            case "posted":
                del self.hands[worker]
                done = runs.mark_posted(hand.run, "C", hand.ts, "direct", files=False)
                if not done and runs.withdraw(hand.run, hand.ts):
                    del self.slack[hand.ts]
            case "doubting":
                hand.found = tuple(ts for ts, key in self.slack.items() if key == hand.run.key)
                hand.at = "looked"
            case "looked":
                for ts in hand.found:
                    if runs.mark_posted(hand.run, "C", ts, "reconciled", files=False):
                        del self.hands[worker]
                        for extra in hand.found:
                            if extra != ts and runs.withdraw(hand.run, extra):
                                self.slack.pop(extra, None)
                        return
                self.to_begin(worker)

    def to_begin(self, worker: str) -> None:
        hand = self.hands[worker]
        if self.world.runs.start_sending(hand.run, "{}", None):
            hand.at = "begun"
        else:
            del self.hands[worker]

    @precondition(lambda self: any(hand.at == "begun" for hand in self.hands.values()))
    @rule(worker=st.sampled_from(WORKERS), taken=st.booleans())
    def lose_the_answer(self, worker: str, taken: bool) -> None:
        hand = self.hands.get(worker)
        # one that stood still until another took over has to come back to take back its copy
        if hand and hand.at == "begun" and self.fence(hand.run) == hand.run.fence:
            if taken:
                self.post(hand.run)
            self.world.runs.await_history(hand.run, "URLError")
            del self.hands[worker]

    @rule(worker=st.sampled_from(WORKERS))
    def be_refused(self, worker: str) -> None:
        hand = self.hands.get(worker)
        if hand and hand.at == "begun":
            self.world.runs.retry(hand.run, self.world.now, "ratelimited")
            del self.hands[worker]

    @rule(worker=st.sampled_from(WORKERS))
    def die(self, worker: str) -> None:
        hand = self.hands.get(worker)
        if hand and (hand.at != "posted" or self.fence(hand.run) == hand.run.fence):
            del self.hands[worker]

    @invariant()
    def a_sent_report_is_there(self) -> None:
        if not hasattr(self, "world"):
            return
        with self.world.database.read() as connection:
            sent = connection.execute("SELECT ts FROM run WHERE state = 'sent'").fetchall()
        assert all(ts in self.slack for (ts,) in sent)

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        for _ in range(60):
            for worker in WORKERS:
                self.claim(worker)
                while worker in self.hands:
                    self.go_on(worker)
            self.world.now += timedelta(seconds=215)
        assert self.world.runs.counts() == {"sent": SCHEDULES}
        assert sorted(self.slack.values()) == sorted(set(self.slack.values()))
        assert len(self.slack) == SCHEDULES
        self.world.database.close()
        self.folder.cleanup()


TestLedger = Ledger.TestCase
TestLedger.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def sent(world: World, spend: int | None) -> ReportRun:
    """The run that is due now, posted with what it reported."""
    run = claimed(world)
    assert world.runs.start_sending(run, "{}", spend)
    assert world.runs.mark_posted(run, "C1", f"{run.id}.0", "direct", files=False)
    return run


def test_earlier_reports_come_newest_first_and_only_those_that_said_something(world):
    entry = world.schedules.add(draft(Recurrence(Daily(), time(9), "UTC")))
    runs = []
    for spend in (10, None, 30, 40):
        world.now += timedelta(days=1)
        runs.append(sent(world, spend))
    earlier = world.runs.earlier_reports(entry, "C1", runs[3].due_at, 5)
    assert [(one.run, one.spend) for one in earlier] == [(runs[2].id, 30), (runs[0].id, 10)]
    assert [one.spend for one in world.runs.earlier_reports(entry, "C1", runs[3].due_at, 1)] == [30]
    assert world.runs.earlier_reports(entry, "C2", runs[3].due_at, 5) == []


def test_only_an_uncertain_report_is_marked_as_seen(world):
    world.schedules.add(draft(Recurrence(Daily(), time(9), "UTC")))
    world.now += timedelta(days=1)
    run = claimed(world)
    assert not world.runs.mark_seen(run.id)
    assert world.states() == [("2026-11-22", "due")]
    assert world.runs.start_sending(run, "{}", 1)
    assert world.runs.mark_uncertain(run, "no answer")
    assert world.runs.mark_seen(run.id)
    assert world.states() == [("2026-11-22", "sent")]
    assert not world.runs.mark_seen(run.id)


def test_a_report_to_a_creator_is_compared_with_those_of_other_schedules_alone(world):
    with world.database.write() as connection:
        connection.execute(
            "INSERT INTO member (dimension, ref, name, detail)"
            " VALUES (3, 'user_ada', 'Ada', 'ada@example.com')"
        )
    daily = Recurrence(Daily(), time(9), "UTC")
    for _ in range(2):
        world.schedules.add(draft(daily, TargetKind.CREATORS))
    world.now += timedelta(days=1)
    world.runs.plan(nothing)
    first, second = world.runs.get(1), world.runs.get(2)
    assert first.recipient == second.recipient == "creator:user_ada"
    assert [one.id for one in world.runs.of_other_schedules(first)] == [second.id]
    assert [one.id for one in world.runs.of_other_schedules(second)] == [first.id]
    [claimed_first] = world.runs.claim("one", 1)
    assert world.runs.skip(claimed_first, "no usage")
    assert world.runs.of_other_schedules(second) == []
