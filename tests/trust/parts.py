"""The parts of `make trust`: each tries something at random or at length, and gives rows."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.demo.openrouter.server import LocalOpenRouter

from .. import databases
from .. import world as worlds
from . import alerts as alert_loop
from . import crowd, leaders, malformed
from . import disk as disk_faults
from . import downtime as downtime_faults
from . import frozen as frozen_loop
from . import names as hostile_names
from . import openrouter as openrouter_faults
from . import reports as report_loop
from . import resources as resource_use
from . import slack as slack_faults
from . import words as random_words
from .table import Row
from .zones import DAY, END, FIRST, all_zones

SHARE = 25_000
"""Texts a process reads at a time, with a seed of their own."""


TROUBLE = (
    "tests/bot/store/test_database.py",
    "tests/bot/test_read_only_disk.py",
    "tests/bot/store/test_migrations.py",
    "tests/bot/listeners/test_database_trouble.py",
    "tests/bot/http/test_server.py",
)
"""Tests of what can be wrong with a database, and with connections."""


@dataclass(frozen=True)
class Request:
    """The seed of all random choices, and the size as a share of the usual one (1 is all)."""

    seed: int = 1
    size: float = 1.0

    def count(self, usual: int) -> int:
        """So many at this size, at least one."""
        return max(1, round(usual * self.size))

    def one_in(self) -> int:
        """One in how many of a list is tried."""
        return max(1, round(1 / self.size))


Part = Callable[[Request], list[Row]]


@contextmanager
def filled() -> Iterator[tuple[Path, Path]]:
    """A folder of its own, and in it a database that was synced from a small organization."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "filled.db"
        openrouter = LocalOpenRouter(worlds.small())
        openrouter.requests_per_minute = None
        with openrouter:
            worlds.fill(openrouter, path)
        yield Path(folder), path


def reports(request: Request) -> list[Row]:
    """Kill report workers at random moments."""
    outcomes = []
    begun = time.monotonic()
    with filled() as (folder, database):
        for most in (1, 2, 3, 4):
            place = folder / str(most)
            place.mkdir()
            outcomes.append(
                _said(
                    report_loop.run(
                        place,
                        database,
                        request.count(600),
                        request.count(90),
                        most,
                        request.seed + most,
                        longest=900,
                    )
                )
            )
    return [_reports_row("reports", "1 to 4 report workers killed, Slack failing", outcomes,
                         request.seed, begun)]  # fmt: skip


def _reports_row(
    part: str, tried: str, outcomes: list[report_loop.Outcome], seed: int, begun: float
) -> Row:
    kills, count, lost, doubled = (
        sum(getattr(one, name) for one in outcomes)
        for name in ("kills", "reports", "lost", "doubled")
    )
    wrong = sum(not one.intact or one.states != {"sent": one.reports} for one in outcomes)
    return Row(part, tried, f"{kills} kills, {count:,} reports", wrong,
               time.monotonic() - begun, seed, lost, doubled)  # fmt: skip


def alerts(request: Request) -> list[Row]:
    """Kill the processes that sync, evaluate and deliver alerts at random moments."""
    begun, outcomes = time.monotonic(), []
    for most, blind in ((1, False), (2, False), (3, False), (3, True)):
        outcomes.append(_alert_storm(request, 90, most, blind=blind))
    return [_alerts_row("alerts", "sync and 1 to 3 alert workers killed, Slack failing", outcomes,
                        request.seed, begun)]  # fmt: skip


def _alert_storm(
    request: Request, kills: int, most: int, *, blind: bool = False
) -> alert_loop.Outcome:
    with tempfile.TemporaryDirectory() as folder:
        return _said(
            alert_loop.run(
                Path(folder),
                request.count(kills),
                most,
                request.seed + 10 * most + blind,
                600,
                blind=blind,
            )
        )


def together(request: Request) -> list[Row]:
    """Kill the sync, and processes that deliver both reports and alerts, at random moments."""
    begun, outcomes = time.monotonic(), []
    for most in (1, 2, 3, 4):
        with tempfile.TemporaryDirectory() as folder:
            outcomes.append(
                _said(
                    alert_loop.run(
                        Path(folder),
                        request.count(60),
                        most,
                        request.seed + 100 * most,
                        600,
                        reports=request.count(100),
                    )
                )
            )
    tried = "sync and 1 to 4 processes of reports and alerts killed, Slack failing"
    return [_alerts_row("together", tried, outcomes, request.seed, begun)]


def _alerts_row(
    part: str, tried: str, outcomes: list[alert_loop.Outcome], seed: int, begun: float
) -> Row:
    lost = sum(len(one.missed) + len(one.lost_reports) for one in outcomes)
    doubled = sum(len(one.doubled) + len(one.doubled_reports) for one in outcomes)
    kills, crossings, reports = (
        sum(getattr(one, name) for one in outcomes) for name in ("kills", "crossings", "reports")
    )
    wrong = sum(len(one.wrong) for one in outcomes) - lost - doubled
    count = f"{kills} kills, {crossings:,} alerts" + (f", {reports} reports" if reports else "")
    return Row(part, tried, count, wrong,
               time.monotonic() - begun, seed, lost, doubled)  # fmt: skip


def server(request: Request) -> list[Row]:
    """Both kill loops on a PostgreSQL server that cuts connections and crashes."""
    with (
        filled() as (folder, database),
        databases.server(durable=True) as url,
    ):
        databases.use(url)
        try:
            return _server(request, folder, database)
        finally:
            databases.use("")


def _server(request: Request, folder: Path, file: Path) -> list[Row]:
    openrouter = LocalOpenRouter(worlds.small())
    openrouter.requests_per_minute = None
    database = file.with_name("on-the-server.db")
    with openrouter:
        worlds.fill(openrouter, database)
    begun, delivered = time.monotonic(), []
    for restarts in (2, 0):
        place = folder / f"reports-{restarts}"
        place.mkdir()
        delivered.append(
            _said(
                report_loop.run(
                    place,
                    database,
                    request.count(200),
                    request.count(40),
                    4,
                    request.seed + restarts,
                    longest=600,
                    restarts=restarts,
                )
            )
        )
    tried = "PostgreSQL: workers killed, connections cut, server crashing"
    rows = [_reports_row("server", f"{tried} (reports)", delivered, request.seed, begun)]
    begun, told = time.monotonic(), []
    for restarts in (2, 0):
        place = folder / f"alerts-{restarts}"
        place.mkdir()
        told.append(
            _said(
                alert_loop.run(
                    place, request.count(60), 4, request.seed + restarts, 600, restarts=restarts
                )
            )
        )
    return [*rows, _alerts_row("server", f"{tried} (alerts)", told, request.seed, begun)]


def frozen(request: Request) -> list[Row]:
    """Stop a process right before it posts, let another one deliver, and let it go on."""
    rows = []
    with filled() as (folder, database):
        for what in ("reports", "alerts"):
            begun = time.monotonic()
            place = folder / what
            place.mkdir()
            outcome = _said(
                frozen_loop.run(place, database, request.count(100), request.seed, what)
            )
            tried = f"a process stands still before a post, another delivers ({what})"
            count = f"{outcome.frozen} of {outcome.rounds} frozen"
            wrong = outcome.rounds - outcome.frozen
            rows.append(Row("frozen", tried, count, wrong, time.monotonic() - begun,
                            request.seed, outcome.lost, outcome.doubled))  # fmt: skip
    return rows


def downtime(request: Request) -> list[Row]:
    """Stop the bot for half an hour, 2 and 10 days, and step its clock."""
    rows = []
    tried = "down for 30 min, 2 and 10 days, and the clock stepped"
    for what, count in (("reports", request.count(150)), ("alerts", request.count(60))):
        begun = time.monotonic()
        with tempfile.TemporaryDirectory() as folder, _quiet():
            outcome = _said(getattr(downtime_faults, what)(Path(folder), count, request.seed))
        rows.append(Row("downtime", f"{tried} ({what})",
                        f"{outcome.due:,} due, {outcome.late} late", len(outcome.wrong),
                        time.monotonic() - begun, request.seed, len(outcome.lost),
                        len(outcome.doubled)))  # fmt: skip
    return rows


def openrouter(request: Request) -> list[Row]:
    """OpenRouter has one fault after the other while usage is fetched."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, _quiet():
        outcome = _said(openrouter_faults.run(Path(folder), request.seed, every=request.one_in()))
    tried = "OpenRouter fails or sends nonsense: right, or says what is missing"
    count = f"{outcome.trials} faults, {outcome.answers:,} answers"
    return [Row("openrouter", tried, count, len(outcome.wrong), time.monotonic() - begun,
                request.seed)]  # fmt: skip


def slack(request: Request) -> list[Row]:
    """Slack has one fault after the other while something is delivered."""
    rows = []
    for kind, run in slack_faults.KINDS.items():
        begun = time.monotonic()
        with tempfile.TemporaryDirectory() as folder, _quiet():
            outcome = _said(run(Path(folder), every=request.one_in()))
        tried = f"Slack refuses, fails or loses calls ({kind})"
        count = f"{outcome.trials} faults"
        rows.append(Row("slack", tried, count, len(outcome.wrong), time.monotonic() - begun,
                        None, len(outcome.lost), len(outcome.doubled)))  # fmt: skip
    return rows


def disk(request: Request) -> list[Row]:
    """Every n-th write to the disk fails."""
    begun = time.monotonic()
    if not disk_faults.compiler():
        print("  left out: there is no C compiler", flush=True)
        return []
    with tempfile.TemporaryDirectory() as folder:
        outcome = _said(disk_faults.run(Path(folder), request.count(60)))
    tried = "EIO, a full or a read-only disk at every n-th write, in both journal modes"
    return [Row("disk", tried, f"{outcome.failed:,} failed writes", len(outcome.wrong),
                time.monotonic() - begun)]  # fmt: skip


def database(request: Request) -> list[Row]:
    """Locked, full, damaged, foreign and newer databases, and connections that say nothing."""
    begun = time.monotonic()
    # once quiet by the settings of the project; twice would leave out how many passed
    command = [sys.executable, "-m", "pytest", "-n0", "-rN", "-p", "no:cacheprovider"]
    done = subprocess.run([*command, *TROUBLE], capture_output=True, text=True, check=False)
    found = {
        word: int(count) for count, word in re.findall(r"(\d+) (passed|failed|error)", done.stdout)
    }
    wrong = found.get("failed", 0) + found.get("error", 0) + (not found.get("passed"))
    tried = "databases locked, full, read-only, damaged, foreign or newer; silent peers (tests)"
    return [Row("database", tried, f"{found.get('passed', 0)} tests", wrong,
                time.monotonic() - begun)]  # fmt: skip


def sync(request: Request) -> list[Row]:
    """Kill the sync at random moments."""
    begun, kills = time.monotonic(), request.count(500)
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "tests/bot/sync/test_kills.py"]
    done = subprocess.run(command, env={**os.environ, "KILLS": str(kills)}, check=False)
    tried = "sync killed: every stored bucket whole and true, and the next sync goes on"
    return [Row("sync", tried, f"{kills} kills", int(done.returncode != 0),
                time.monotonic() - begun, 20)]  # fmt: skip


def resources(request: Request) -> list[Row]:
    """Ask thousands of questions between thousands of reports, and see what the process holds."""
    begun = time.monotonic()
    questions, reports = max(200, request.count(10_000)), max(20, request.count(2_000))
    with filled() as (folder, database), _quiet():
        outcome = _said(resource_use.use(folder, database, questions, reports))
    tried = f"a day of questions and reports: {outcome.early}, then {outcome.late}"
    count = f"{outcome.asked:,} questions, {outcome.reports:,} reports"
    wrong = len(outcome.grown) + outcome.unanswered
    return [Row("resources", tried, count, wrong, time.monotonic() - begun, None,
                outcome.lost)]  # fmt: skip


def requests(request: Request) -> list[Row]:
    """Send mutated requests to the HTTP endpoints."""
    begun, count = time.monotonic(), request.count(10_000)
    with filled() as (folder, database), _quiet():
        outcome = _said(malformed.run(folder, database, count, request.seed))
    tried = "mutated requests over HTTP: a status of 500, a traceback, no answer"
    return [Row("requests", tried, f"{count:,} requests", len(outcome.wrong),
                time.monotonic() - begun, request.seed)]  # fmt: skip


@contextmanager
def _quiet() -> Iterator[None]:
    """Nothing is logged: warnings by the thousand are what is tried."""
    handler = logging.NullHandler()  # without any handler, Python prints warnings by itself
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)


def zones(request: Request) -> list[Row]:
    """Compare due times of every zone and weekday with what brute force finds."""
    count = wrong = wrong_weeks = changes = runs = 0
    begun = time.monotonic()
    for found, weekly in all_zones(request.one_in()):
        count += 1
        changes, runs = changes + weekly.changes, runs + weekly.runs
        wrong, wrong_weeks = wrong + len(found), wrong_weeks + len(weekly.wrong)
        for one in (*found[:3], *weekly.wrong[:3]):
            print(f"  wrong: {one}", flush=True)
    span, seconds = f"{FIRST:%Y} to {END - DAY:%Y}", time.monotonic() - begun
    return [
        Row("zones", f"due times of every half-hour of {span}, against brute force",
            f"{count} time zones", wrong, seconds),
        Row("zones", f"weekly reports on every weekday of {span}, through all changes of the clock",
            f"{count} time zones, {changes:,} changes, {runs:,} reports", wrong_weeks, seconds),
    ]  # fmt: skip


def people(request: Request) -> list[Row]:
    """Random people ask for random things; they see all and only what they may see."""
    begun, cases = time.monotonic(), request.count(5_000)
    chosen = {"WHO_MAY_CASES": str(cases), "WHO_MAY_SEED": str(request.seed)}
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "tests/bot/access/test_who_may.py"]
    done = subprocess.run(command, env={**os.environ, **chosen}, check=False)
    tried = "who may see what: leaks and refusals, against a model of its own"
    return [Row("people", tried, f"{cases:,} cases", int(done.returncode != 0),
                time.monotonic() - begun, request.seed)]  # fmt: skip


def words(request: Request) -> list[Row]:
    """Read random texts as people could type them: an answer or a sentence, and soon."""
    begun, crashed, slow, slowest = time.monotonic(), 0, 0, 0.0
    count = request.count(1_000_000 // SHARE)
    seeds = range(request.seed * 1_000, request.seed * 1_000 + count)
    with ProcessPoolExecutor() as processes:
        shares = [processes.submit(random_words.fuzz, SHARE, seed) for seed in seeds]
        for share in as_completed(shares):
            outcome = share.result()
            crashed, slow = crashed + len(outcome.crashed), slow + len(outcome.slow)
            slowest = max(slowest, outcome.slowest)
            for one in (*outcome.crashed[:3], *outcome.slow[:3]):
                print(f"  wrong: {one}", flush=True)
    tried = (
        f"random texts: a crash, or over {random_words.LONGEST_MILLISECONDS} ms"
        f" (slowest {slowest * 1_000:.1f} ms)"
    )
    return [Row("words", tried, f"{count * SHARE:,} texts", crashed + slow,
                time.monotonic() - begun, request.seed)]  # fmt: skip


def names(request: Request) -> list[Row]:
    """Show hostile names in messages, CSV, PDF, file names and the terminal."""
    begun, count = time.monotonic(), request.count(10_000)
    outcome = hostile_names.shown(count, request.seed)
    for one in outcome.wrong[:5]:
        print(f"  wrong: {one}", flush=True)
    tried = "hostile names in Slack, CSV, PDF, file names, terminal"
    return [Row("names", tried, f"{count:,} names", len(outcome.wrong),
                time.monotonic() - begun, request.seed)]  # fmt: skip


def _said(outcome):
    """The same outcome, printed: a long run is followed while it goes on."""
    found = [getattr(outcome, name, []) for name in ("lost", "doubled", "wrong")]
    wrong = [one for some in found if isinstance(some, list) for one in some[:5]]
    print(f"  {outcome}", *(f"    {one}" for one in wrong), sep="\n", flush=True)
    return outcome


def fleet(request: Request) -> list[Row]:
    """Several processes on one PostgreSQL server: crowds, a rolling update, killed leaders."""
    with filled() as (folder, file), databases.server(durable=True) as url:
        databases.use(url)
        try:
            return _fleet(request, folder, file.with_name("on-the-server.db"))
        finally:
            databases.use("")


def _fleet(request: Request, folder: Path, database: Path) -> list[Row]:
    rows, people = [], request.count(100)
    openrouter = LocalOpenRouter(worlds.small())
    openrouter.requests_per_minute = None
    with openrouter:
        worlds.fill(openrouter, database)
        for tried, seed, reports_due, meanwhile in (
            ("people ask and click before 4 web processes", 1, 0, lambda _: None),
            ("the same while all processes are replaced", 2, 24, crowd.replace_all),
        ):
            begun = time.monotonic()
            found = _said(
                crowd.run(
                    _place(folder, f"crowd-{seed}"), database, openrouter, people, 3, 4,
                    request.seed + seed, 2, reports_due, meanwhile,
                )
            )  # fmt: skip
            count = (
                f"{people} people, {found.questions} questions, {found.choices} clicks,"
                f" {found.reports} reports"
            )
            rows.append(Row("fleet", tried, count, len(found.wrong),
                            time.monotonic() - begun, request.seed))  # fmt: skip
        begun, kills = time.monotonic(), request.count(5)
        led = _said(leaders.run(_place(folder, "leaders"), database, openrouter, kills, 24))
    rows.append(
        Row(
            "fleet",
            "workers with clocks 5 minutes apart, the one that syncs killed",
            f"{kills} kills, {led.reports} reports, taken over within {max(led.failovers):.0f} s",
            len(led.wrong),
            time.monotonic() - begun,
        )
    )
    return rows


def _place(folder: Path, name: str) -> Path:
    """A folder in another one."""
    place = folder / name
    place.mkdir()
    return place


PARTS: dict[str, Part] = {
    "reports": reports,
    "alerts": alerts,
    "server": server,
    "fleet": fleet,
    "together": together,
    "sync": sync,
    "frozen": frozen,
    "downtime": downtime,
    "openrouter": openrouter,
    "slack": slack,
    "disk": disk,
    "database": database,
    "resources": resources,
    "requests": requests,
    "zones": zones,
    "people": people,
    "words": words,
    "names": names,
}
"""By name, in the order of the table."""
