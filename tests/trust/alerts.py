"""The kill loop of alerts: who syncs, judges and tells is killed while Slack misbehaves.

Use is written to the cache all the time, and revised up and down. Each crossing must be in Slack
once in the end: none missed, none invented, none told twice, the database intact. What was crossed
is worked out from the use alone, see `organization`. The same workers can deliver reports beside.
"""

from __future__ import annotations

import json
import random
import re
import time
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from bot.alerts.scope import RuleMembers
from bot.demo.slack import LocalSlack
from bot.demo.slack.api import SCOPES
from bot.schedules.figures import SavedNames
from bot.store import Database, Store
from bot.store.alerts.rules import AlertRules, NewRule
from bot.store.errors import DatabaseLostError
from bot.store.schedules.schedules import NewSchedule, Schedules
from reports.schedules.recurrence import Daily, Recurrence, TargetKind
from reports.time.time_range import Granularity, floor
from reports.usage.windows_to_fetch import Window

from .. import databases
from .alert_worker import WRITTEN, set_up_workspace
from .fast_clock import FastClock
from .fleet import ServerTrouble, Slow, Workers, storm
from .organization import (
    BALANCES,
    KEYS,
    LINES,
    MODELS,
    Crossing,
    Level,
    Version,
    crossed,
    either,
)

METHODS = (
    *("chat.postMessage",) * 8, *("conversations.history", "conversations.replies") * 2,
    "users.info", "auth.test", "chat.update", "conversations.open",
)  # fmt: skip
START = datetime(2026, 11, 18, 23, 50, tzinfo=UTC)
MAKERS = tuple(f"maker-{number}" for number in range(12))
COPIES = 3
"""How many people have the same rule."""
JUDGED = "alerts judged"


@dataclass
class Outcome:
    """What came of it."""

    kills: int
    blind: bool = False
    crossings: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    versions: int = 0
    seconds: float = 0
    missed: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)
    again: int = 0
    messages: int = 0
    replies: int = 0
    intact: bool = False
    server: str = ""
    calm: bool = False
    reports: int = 0
    lost_reports: list[str] = field(default_factory=list)
    doubled_reports: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> list[str]:
        """All that is not as it has to be."""
        found = [
            f"{kind}: {one}"
            for kind in (
                *("missed", "invented", "doubled", "unclear"),
                *("lost_reports", "doubled_reports"),
            )
            for one in getattr(self, kind)
        ]
        found += [] if self.intact else ["the database is damaged"]
        return found + ([] if self.calm else ["something is still waiting to be told"])

    def __str__(self) -> str:
        return (
            f"{self.crossings} crossings in {self.messages} messages and {self.replies} answers,"
            f" {self.versions} revisions, {self.kills} kills, {sum(self.faults.values())} faults in"
            f" {self.seconds:.0f} s: {len(self.missed)} missed, {len(self.invented)} invented,"
            f" {len(self.doubled)} doubled, {len(self.unclear)} unclear, database"
            f" {'intact' if self.intact else 'DAMAGED'}"
            + (
                f"; {self.reports} reports, {len(self.lost_reports)} lost,"
                f" {len(self.doubled_reports)} doubled"
                if self.reports
                else ""
            )
            + (f"; {self.again} sent again, unseen" if self.blind else "")
            + (f"; {self.server}" if self.server else "")
        )


class Author:
    """Writes what is used from one version to the next, and knows what has to be told of it.

    What was judged while a version was in the cache must be told; what may have been seen between
    two versions may be. A balance changes only once the one before was judged.
    """

    def __init__(self, chance: random.Random, clock: FastClock, source: Path, store: Store) -> None:
        self._chance, self._clock, self._source, self._store = chance, clock, source, store
        self.version = Version()
        self.version.save(source)
        self.must: set[Crossing] = set()
        self.may: set[Crossing] = set()
        self.levels = [Level(dollars) for dollars in BALANCES]
        self._patient = True

    def step(self) -> None:
        """Go on to the next version, if this one has been for long enough."""
        judged = self._judged()
        if not self._written() or not (judged or not self._patient):
            return
        if judged:
            self._see()
        self._patient = self._chance.random() < 0.7
        before, self.version = self.version, self._next(changes_balance=judged)
        self.may |= crossed(either(before.used, self.version.used))
        self.version.save(self._source)

    def settled(self) -> bool:
        """Whether the last version was judged."""
        judged = self._judged()
        if judged:
            self._see()
        return judged

    def _see(self) -> None:
        """Whoever judged has seen this version."""
        self.must |= crossed(self.version.used)
        for level in self.levels:
            level.see(self.version.balance)

    def _written(self) -> datetime | None:
        number, _, at = (self._store.fact(WRITTEN) or "").partition(" ")
        return datetime.fromisoformat(at) if number == str(self.version.number) else None

    def _judged(self) -> bool:
        written, judged = self._written(), self._store.fact(JUDGED)
        return bool(written and judged and datetime.fromisoformat(judged) > written)

    def _next(self, *, changes_balance: bool) -> Version:
        chance, used = self._chance, dict(self.version.used)
        now = int(self._clock().timestamp()) // 60 * 60
        recent = [place for place in used if place[0] > now - 7_200]
        for _ in range(chance.choice((2, 5, 10, 40)) if used else 60):
            if recent and chance.random() < 0.4:
                place = chance.choice(recent)
                used[place] = round(used[place] * chance.choice((0, 0.3, 0.8, 1.3, 2, 4)))
            else:
                minute = now - 60 * chance.randrange(115)
                place = minute, chance.choice(list(KEYS)), chance.choice(MODELS)
                used[place] = used.get(place, 0) + chance.choice((700, 1_900, 2_100, 4_000, 6_000))
        balance = self.version.balance
        if changes_balance and chance.random() < 0.8:
            balance = chance.choice((20, 45, 70, 90, 105, 120, 150, 180, 400))
        return Version(self.version.number + 1, balance, used)


class Watch(Workers):
    """Workers of alerts; one more syncs."""

    def __init__(
        self, database: Path, source: Path, slack: LocalSlack, clock: FastClock, kind: str = "one"
    ) -> None:
        self._kind = kind
        arguments = [
            str(databases.at(database)),
            str(source),
            slack.api_url,
            slack.bot_token,
            clock.words(),
        ]
        super().__init__("alert_worker", *arguments)
        self._syncs = 0

    def add(self, kind: str = "") -> int:
        """Start a worker of this fleet's kind, or of another one."""
        return super().add(kind or self._kind)

    def sync(self) -> None:
        """Let somebody sync, if nobody does."""
        if self._syncs not in self.pids:
            self._syncs = self.add("sync")


def run(
    folder: Path,
    kills: int,
    most: int,
    seed: int,
    longest: float,
    *,
    blind: bool = False,
    restarts: int = 0,
    reports: int = 0,
    within: int = 30,
) -> Outcome:
    """Kill so often while use is told and revised; then let the workers come to rest.

    With `reports`, the workers deliver so many reports at the same time, due one after the other
    `within` so many minutes.

    Whoever is `blind` cannot read what was posted, and posts it again where no answer came. On a
    server, all connections are cut every 2 seconds, and it is restarted so often.
    """
    chance, outcome = random.Random(seed), Outcome(kills, blind, reports=reports)
    database, source = folder / "activity.db", folder / "used.json"
    clock = FastClock(START, time.time())
    begun = time.monotonic()
    files = Database(databases.at(database))
    store = Store(files)
    people = [(f"{name}@example.com", name) for name in MAKERS]
    scopes = {one for one in SCOPES if not (blind and one.endswith(":history"))}
    with LocalSlack(
        clock=clock, people=people, scopes=scopes, rate_limits=False, longest_history_page=30
    ) as slack:
        set_up_workspace(store)
        _set_up(files, slack)
        Slow(slack, random.Random(seed + 1))
        author = Author(chance, clock, source, store)
        if reports:
            fill_the_past(store)
            add_schedules(files, slack, reports, chance, within)
        fleet = Watch(database, source, slack, clock, "all" if reports else "one")

        trouble = ServerTrouble(database, restarts)

        def meanwhile() -> None:
            fleet.sync()
            with suppress(DatabaseLostError):
                author.step()
            trouble()
            if chance.random() < 0.08:
                slack.fail("*", 503, times=chance.choice((20, 100)))

        try:
            outcome.faults = storm(chance, fleet, slack, kills, most, METHODS, meanwhile)
            fleet.sync()
            while len(fleet.pids) < most + 1:
                fleet.add()
            outcome.server = f"{trouble}" if databases.on_postgres() else ""
            outcome.calm = _rest(author, files, begun + longest, reports)
        finally:
            fleet.end()
            files.close()
        outcome.seconds, outcome.versions = time.monotonic() - begun, author.version.number
        _count(outcome, author, slack, database)
    return outcome


def _set_up(files: Database, slack: LocalSlack) -> None:
    """All rules, each made by several people, some of them for a channel."""
    rules = AlertRules(files, lambda: START - timedelta(hours=3))
    room = slack.channel("spend")
    for number, line in enumerate(LINES):
        words, _, zone = line.words.partition(" tz ")
        for copy in range(COPIES):
            place = f" in <#{room.id}|{room.name}>" if (number, copy) in {(0, 0), (4, 0)} else ""
            maker = slack.user(MAKERS[(number * COPIES + copy) % len(MAKERS)])
            draft = NewRule(
                maker.id, maker.email, f"{words}{place} tz {zone}", RuleMembers().as_json()
            )
            rules.add(draft, f"line {number} {copy}")
    for number, dollars in enumerate(BALANCES):
        maker = slack.user(MAKERS[number])
        draft = NewRule(maker.id, maker.email, f"credits < ${dollars}", RuleMembers().as_json())
        rules.add(draft, f"level {number}")


def fill_the_past(store: Store) -> None:
    """Nothing was used before: reports do not wait for what was never fetched."""
    for granularity in (Granularity.HOUR, Granularity.DAY):
        start = floor(START - timedelta(days=10), granularity)
        store.replace(Window(granularity, start, START), [], START)


def add_schedules(
    files: Database, slack: LocalSlack, count: int, chance: random.Random, within: int
) -> None:
    """Daily reports in channels of their own, due at random within the first minutes."""
    schedules = Schedules(files, lambda: START - timedelta(minutes=1))
    bot = slack.workspace.users[slack.bot_user_id]
    for number in range(count):
        room = slack.workspace.add_channel(f"report-{number}", [bot])
        due = START + timedelta(minutes=chance.randrange(1, within))
        draft = NewSchedule(
            slack.user(MAKERS[0]).id,
            "",
            "spend 2026-11-17 by model",
            Recurrence(Daily(), due.time(), "UTC"),
            TargetKind.CHANNEL,
            room.id,
            room.name,
            SavedNames().as_json(),
        )
        schedules.add(draft)


def _rest(author: Author, files: Database, until: float, reports: int) -> bool:
    """Wait until the last version was judged, and nothing is left to tell or to deliver."""
    settled = False
    while time.monotonic() < until:
        with suppress(DatabaseLostError):
            settled = settled or author.settled()
        with suppress(DatabaseLostError), files.read() as connection:
            open_ = connection.execute(
                "SELECT (SELECT count(*) FROM alert_event WHERE state NOT IN ('told', 'dropped'))"
                " + (SELECT count(*) FROM alert_telling WHERE state NOT IN ('sent', 'failed')"
                " OR stale = 1) + (SELECT count(*) FROM run"
                " WHERE state IN ('due', 'sending', 'posted'))"
                " + (SELECT ? - count(*) FROM run)",
                (reports,),
            ).fetchone()[0]
        if settled and open_ <= 0:
            return True
        time.sleep(0.1)
    return False


@dataclass(frozen=True)
class Told:
    """An event as the database has it, and the messages in Slack that tell it."""

    rule: str
    subject: str
    period: str
    kind: str
    key: str
    messages: tuple[dict[str, Any], ...] = field(repr=False)


def _count(outcome: Outcome, author: Author, slack: LocalSlack, database: Path) -> None:
    outcome.intact = databases.is_sound(database)
    messages: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for channel in list(slack.workspace.channels):
        for message in slack.messages(channel):
            if message.get("metadata"):
                messages[message["metadata"]["event_payload"]["key"]].append(message)
    with databases.looking(database) as connection:
        found = connection.execute("SELECT CAST(id AS TEXT), name FROM member").fetchall()
        names = dict(found)
        events = connection.execute(
            "SELECT e.rule, e.subject, e.period, e.kind, t.key FROM alert_event e"
            " LEFT JOIN alert_telling t ON t.id = e.telling WHERE e.kind != 'ended' ORDER BY e.id"
        ).fetchall()
        runs = connection.execute("SELECT schedule, period, recipient, state FROM run").fetchall()
    told = [
        Told(rule, names.get(subject, "all"), period, kind, key or "", tuple(messages[key or ""]))
        for rule, subject, period, kind, key in events
    ]
    _count_reports(outcome, messages, runs)
    posted = {key: found for key, found in messages.items() if found}
    outcome.messages = sum("thread_ts" not in found[0] for found in posted.values())
    outcome.replies = len(posted) - outcome.messages
    if outcome.blind:
        outcome.again = sum(len(found) - 1 for found in posted.values())
    else:
        outcome.doubled += [f"{key}: {len(all_)} times" for key, all_ in posted.items() if all_[1:]]
    outcome.invented += sorted(posted.keys() - {one.key for one in told})
    firsts = [one for one in told if one.kind == "triggered"]
    outcome.crossings = len(firsts)
    for one in firsts:
        if not one.messages or "thread_ts" in one.messages[0]:
            outcome.missed.append(f"{one} is not in Slack")
        elif one.subject != "all" and not _says(one.messages[0], one.subject):
            outcome.unclear.append(f"{one} is not named")
    _compare_lines(outcome, author, [one for one in told if one.rule.startswith("line")])
    for number, level in enumerate(author.levels):
        _compare_level(outcome, level, [one for one in told if one.rule == f"level {number}"])


def _count_reports(
    outcome: Outcome, messages: dict[str, list[dict[str, Any]]], runs: list[tuple[str, ...]]
) -> None:
    """Each report is there once; takes them out of the messages, which are alerts from here on."""
    for schedule, period, recipient, state in runs:
        key = f"{schedule}.{period}.{recipient}"
        copies = len(messages.pop(key, []))
        if not copies:
            outcome.lost_reports.append(f"{key}: {state}")
        elif copies > 1:
            outcome.doubled_reports.append(f"{key}: {copies} times")
    if len(runs) < outcome.reports:
        outcome.lost_reports.append(f"{outcome.reports - len(runs)} were never due")


def _says(message: dict[str, Any], what: str) -> bool:
    """Whether a message says something, or that it has no room for all."""
    said = json.dumps(message["blocks"])
    return what in said or re.search(r"\d+ more", said) is not None


def _compare_lines(outcome: Outcome, author: Author, told: list[Told]) -> None:
    """Each sum that was above its line is told, once, whatever became of it afterwards."""
    outcome.invented += [f"{one}" for one in told if one.kind != "triggered"]
    found: Counter[tuple[str, ...]] = Counter()
    for one in told:
        _, line, copy = one.rule.split()
        found[copy, LINES[int(line)].words, one.subject, one.period] += one.kind == "triggered"
    must, may = (
        {(f"{copy}", *one) for one in some for copy in range(COPIES)}
        for some in (author.must, author.must | author.may)
    )
    outcome.missed += [str(one) for one in sorted(must - found.keys())]
    outcome.invented += [str(one) for one in sorted(found.keys() - may)]
    outcome.doubled += [f"{one}: {count} times" for one, count in found.items() if count > 1]


def _compare_level(outcome: Outcome, level: Level, told: list[Told]) -> None:
    """Each fall of the balance is a message; each rise is told in its thread, or in it at once."""
    kinds = Counter(one.kind for one in told)
    if kinds != Counter(triggered=level.falls, recovered=level.rises):
        outcome.unclear.append(f"{dict(kinds)} instead of {level}")
    for before, one in pairwise(told):
        if one.kind == "recovered" and before.messages:
            roots = {answer.get("thread_ts") for answer in one.messages}
            if one.key != before.key and not roots & {said["ts"] for said in before.messages}:
                outcome.missed.append(f"{one} in the thread of {before.key}")
            if not any(_says(said, "Resolved.") for said in before.messages):
                outcome.unclear.append(f"{before.key} does not say that it is over")
