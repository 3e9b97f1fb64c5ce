"""In whatever order events happen, each crossing is reported exactly once.

Three workers share a database as three processes would, on a clock that is moved, so that any order
can be tried and found again. Real ones, killed at any moment, are in `tests/trust/alerts.py`.
"""

import tempfile
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from bot.demo.slack import LocalSlack
from reports.alerts.periods import spans
from reports.time.period import Unit
from tests.bot.alerts.alert_bot import DAY, DOLLAR, HOUR, MINUTE, AlertBot, Truth
from tests.clock import Clock

START = datetime(2026, 11, 18, 21, 30, tzinfo=UTC)
LIMITS = {Unit.HOUR: 20, Unit.DAY: 60}
PROCESSES = st.sampled_from(range(3))
KEYS = ("prod", "lab")


class Storm(RuleBasedStateMachine):
    """Usage comes and is revised, processes sync, judge, deliver and restart, Slack comes and goes.

    What each judging had to see is worked out from what was true at the last sync.
    """

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.slack = LocalSlack(file_delay=timedelta(0), rate_limits=False).start()
        self.clock, self.truth = Clock(START), Truth()
        path = Path(self.folder.name) / "activity.db"
        self.processes = [AlertBot(path, self.clock, self.slack) for _ in range(3)]
        first = self.processes[0]
        first.set_up_workspace()
        self.truth.use(START - DAY, 1)
        self.expected: set[tuple[Unit, datetime, str]] = set()
        self.cached = Truth()
        first.sync(self.truth, back=3 * DAY)
        self.rules = {
            first.set_up(f"alert spend > ${limit} per {unit} by key tz UTC").id: unit
            for unit, limit in LIMITS.items()
        }
        self.judged = START

    # -- what happens outside

    @rule(
        dollars=st.sampled_from([9, 25, 70]),
        key=st.sampled_from(KEYS),
        ago=st.sampled_from([0, 5, 40, 150]),
    )
    def somebody_uses(self, dollars: int, key: str, ago: int) -> None:
        self.truth.use(self.clock.now - ago * MINUTE, dollars, key)

    @rule(part=st.sampled_from([0.0, 0.5, 1.5]), back=st.integers(1, 3))
    def openrouter_corrects_itself(self, part: float, back: int) -> None:
        for place in sorted(self.truth.used)[-back:]:
            self.truth.used[place] = int(self.truth.used[place] * part)

    @rule(by=st.sampled_from([MINUTE, 7 * MINUTE, HOUR, 5 * HOUR]))
    def time_passes(self, by: timedelta) -> None:
        self.clock.now += by

    @rule(calls=st.sampled_from([1, 4, 100_000]))
    def slack_goes_down(self, calls: int) -> None:
        self.slack.faults.add("*", (503,), calls, 1)

    @rule()
    def slack_comes_back(self) -> None:
        self.slack.faults.clear()

    @rule(kind=st.sampled_from(["drop", "drop_after", "half", 500]))
    def an_answer_is_lost(self, kind: str | int) -> None:
        self.slack.faults.add("chat.postMessage", (kind,), 1, 1)

    # -- what the processes do

    @rule(n=PROCESSES, times=st.integers(1, 2))
    def sync(self, n: int, times: int) -> None:
        for _ in range(times):
            self.processes[n].sync(self.truth, back=3 * DAY)
        self.seen()
        self.note()

    @rule()
    def all_sync_at_once(self) -> None:
        threads = [
            threading.Thread(target=one.sync, args=(self.truth,), kwargs={"back": 3 * DAY})
            for one in self.processes
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.seen()
        self.processes[0].evaluator.evaluate_all()
        self.note()

    @rule(n=PROCESSES)
    def evaluate_all(self, n: int) -> None:
        self.processes[n].evaluator.evaluate_all()
        self.note()

    @rule(n=PROCESSES)
    def deliver(self, n: int) -> None:
        self.processes[n].delivery.tick()

    @rule(n=PROCESSES)
    def restart(self, n: int) -> None:
        self.processes[n].restart()

    # -- what has to come of it

    def seen(self) -> None:
        """What a sync brings now: nothing of the minute that is just beginning."""
        now = self.clock.now
        self.cached.used = {
            place: nano for place, nano in self.truth.used.items() if place[0] < now
        }

    def note(self) -> None:
        """What was above its line at this judging."""
        for unit, limit in LIMITS.items():
            for span in spans(unit, "UTC", max(self.judged, START), self.clock.now):
                for key in KEYS:
                    used = self.cached.total(span.start, span.end, key)
                    if span.end > START and used > limit * DOLLAR:
                        self.expected.add((unit, span.start, key))
        self.judged = self.clock.now

    def teardown(self) -> None:
        if not hasattr(self, "processes"):
            return
        try:
            self.slack.faults.clear()
            for _ in range(10):
                self.clock.now += 3 * MINUTE
                for one in self.processes:
                    one.delivery.tick()
            self.check()
        finally:
            for one in self.processes:
                one.close()
            self.slack.stop()
            self.folder.cleanup()

    def check(self) -> None:
        first = self.processes[0]
        with first.database.read() as connection:
            waiting = connection.execute(
                "SELECT count(*) FROM alert_event WHERE state NOT IN ('told', 'dropped')"
            ).fetchone()[0]
        labels, told = first.store.directory().labels, first.delivered_crossings()
        found = Counter(
            (self.rules[one.rule], one.period, labels[int(one.subject)]) for one in told
        )
        assert found == Counter(self.expected)
        assert waiting == 0
        messages = Counter(m["metadata"]["event_payload"]["key"] for m in first.direct_messages())
        assert messages == Counter({one.key for one in told})


Storm.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=50,
)
TestStorm = Storm.TestCase
