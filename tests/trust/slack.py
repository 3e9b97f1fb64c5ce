"""Slack refuses, fails or loses every kind of call: nothing is lost or doubled without a word.

A report, an alert or an answer meets one fault, once or for hours. Afterwards it is there once, or
a person was told why it is not.
"""

from __future__ import annotations

import json
import logging
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from bot.answers.file_worker import Renderer
from bot.answers.write_file import Job
from bot.demo.openrouter.server import LocalOpenRouter
from bot.demo.slack import LocalSlack
from bot.slack.scopes import SCOPES
from bot.slack.types import TOKEN_PROBLEMS
from tests import databases
from tests import world as worlds
from tests.bot.alerts.alert_bot import DAY, NOON, Truth, running_bot
from tests.bot.schedules.report_bot import report_bot
from tests.bot.schedules.test_deliver import MONDAY
from tests.world import World

CODES: tuple[str | int, ...] = (
    *("channel_not_found", "not_in_channel", "is_archived", "restricted_action", "no_permission"),
    *("invalid_blocks", "msg_too_long", "invalid_arguments", "user_disabled", "missing_scope"),
    *("invalid_auth", "token_revoked", "account_inactive", "ekm_access_denied", "internal_error"),
    *("fatal_error", "service_unavailable", "team_added_to_org", "some_new_code"),
    *(429, 500, 503, "drop", "drop_after", "half"),
)
"""Errors of Slack, HTTP statuses, and lost connections before, after and in the middle."""
UPLOADS = ("files.getUploadURLExternal", "upload", "files.completeUploadExternal")
EXCUSE = re.compile(r"(?:could|can|did|does)n't|can't|[Tt]ry again")
"""What a person is told who gets no file, or no answer."""
FOR_GOOD = 10_000
RETRY_AFTER = 1
"""Seconds for which the local Slack asks to wait."""
OUTAGE, STEP = timedelta(hours=3), timedelta(minutes=17)
UNREACHABLE = {
    "channel_not_found", "not_in_channel", "is_archived", "restricted_action", "user_disabled",
    "no_permission",
}  # fmt: skip
"""Errors after which nobody is left to be told about an alert that went to its owner."""


READABLE = {
    *TOKEN_PROBLEMS, "internal_error", "fatal_error", "service_unavailable", 429, 500, 503, "drop",
    "drop_after", "half",
}  # fmt: skip
"""Faults after which the history can be read later."""


@dataclass
class Outcome:
    """What came of it; `wrong` says which fault had which end."""

    trials: int = 0
    delivered: int = 0
    told: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.trials} faults, {self.delivered} delivered once, {self.told} told why not:"
            f" {len(self.lost)} lost, {len(self.doubled)} doubled, {len(self.wrong)} wrong"
        )

    def count(self, name: str, copies: int, *, told: bool) -> None:
        """Note how often something is there, and whether a person was told that it is not."""
        self.trials += 1
        if copies > 1:
            self.doubled.append(f"{name}: {copies} times")
        elif copies == 1:
            self.delivered += 1
        elif told:
            self.told += 1
        else:
            self.lost.append(name)


class _Tracebacks(logging.Handler):
    """Collects what was logged with a traceback."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            self.found.append(f"{record.getMessage()}: {record.exc_info[1]!r}")


@contextmanager
def watched(outcome: Outcome, name: str) -> Iterator[None]:
    """Note what is raised or logged with a traceback."""
    handler = _Tracebacks()
    logging.getLogger().addHandler(handler)
    try:
        yield
    except Exception as error:  # noqa: BLE001 - any exception is what is looked for
        outcome.wrong.append(f"{name}: {error!r:.300}")
    finally:
        logging.getLogger().removeHandler(handler)
    outcome.wrong += [f"{name}: {one:.300}" for one in handler.found]


class _Remembering(Renderer):
    """Makes each file once: all trials have the same report, and a file takes a second."""

    def __init__(self, address: Path | str, drawn: dict[str, bytes]) -> None:
        super().__init__(address)
        self._drawn = drawn

    def _run(self, job: Job, path: Path) -> None:
        wanted = json.dumps(job.as_json(), sort_keys=True)
        if wanted not in self._drawn:
            super()._run(job, path)
            self._drawn[wanted] = path.read_bytes()
        path.write_bytes(self._drawn[wanted])


def reports(folder: Path, *, every: int = 1) -> Outcome:
    """Every fault of posting and of the files of a report, once and for hours."""
    outcome, monday = Outcome(), MONDAY
    template = folder / "week.db"
    worlds.filled(worlds.small(monday - timedelta(hours=30)), template)
    trials = [
        (method, code, times)
        for method in ("chat.postMessage", *UPLOADS, "conversations.info")
        for code in CODES
        for times in (1, FOR_GOOD)
    ]
    drawn: dict[str, bytes] = {}
    for number, (method, code, times) in enumerate(trials[::every]):
        name = f"report: {method} {code} {'once' if times == 1 else 'for hours'}"
        path = folder / f"report-{number}.db"
        databases.copy(template, path)
        with (
            watched(outcome, name),
            report_bot(
                path,
                monday - 2 * DAY,
                pictures=True,
                make_renderer=lambda address: _Remembering(address, drawn),
            ) as bot,
        ):
            bot.set_up("schedule weekly spend by creator mon 9:00 UTC csv")
            bot.slack.faults.add(method, (code,), times, RETRY_AFTER)
            at = monday
            while at < monday + 3 * OUTAGE:
                if at > monday + OUTAGE:
                    bot.slack.faults.clear()
                    if code == 429:
                        time.sleep(RETRY_AFTER)  # the pace of calls is that of the real clock
                bot.tick(at)
                at += STEP if at < monday + OUTAGE else 6 * STEP
            # an owner whose account is disabled can't be told, and there are no admins here
            told = bot.direct_messages() or (code == "user_disabled" and times == FOR_GOOD)
            outcome.count(name, len(bot.posted()), told=bool(told))
        path.unlink(missing_ok=True)
    return outcome


def alerts(folder: Path, *, every: int = 1) -> Outcome:
    """Every fault of sending an alert to a person and to a channel, once and for hours."""
    outcome = Outcome()
    trials = [
        (method, code, times, where)
        for method in ("chat.postMessage", "conversations.history", "users.info")
        for code in CODES
        for times in (1, FOR_GOOD)
        for where in ("", " here")
    ]
    for number, (method, code, times, where) in enumerate(trials[::every]):
        length = "once" if times == 1 else "for hours"
        name = f"alert{where}: {method} {code} {length}"
        truth = Truth()
        truth.use(NOON - 2 * DAY, 1)
        slack = LocalSlack(file_delay=timedelta(0), rate_limits=False)
        path = folder / f"alert-{number}.db"
        with watched(outcome, name), running_bot(path, NOON, slack) as bot:
            bot.sync(truth, back=3 * DAY)
            bot.set_up(f"alert spend > $50 per day{where}")
            truth.use(NOON, 60)
            if method == "conversations.history":
                slack.faults.add("chat.postMessage", ("drop_after",), 1, 1)
            slack.faults.add(method, (code,), times, 1)
            until = NOON + 2 * OUTAGE
            while bot.clock.now < until:
                if bot.clock.now > NOON + OUTAGE:
                    slack.faults.clear()
                bot.clock.now += STEP
                bot.sync(truth)
                bot.tick()
            there = [*bot.direct_messages(), *bot.channel_messages(slack.channel("general").id)]
            failed = bot.alerts.messages.counts().get("failed", 0)
            # where the history cannot be read, or not for an hour, an alert is sent again rather
            # than lost
            later = code in TOKEN_PROBLEMS or (code in READABLE and times == 1)
            again = method == "conversations.history" and not later and len(there) == 2
            copies = 1 if again else len(there)
            outcome.count(name, copies, told=bool(failed and code in UNREACHABLE))
        path.unlink(missing_ok=True)
    return outcome


def answers(folder: Path, *, every: int = 1) -> Outcome:
    """Every fault on the way of an answer, and at each step of uploading its file."""
    del folder
    outcome = Outcome()
    with small_bot() as world:
        trials = [
            (method, code)
            for method in (*UPLOADS, "response_url", "users.info", "conversations.info")
            for code in CODES
        ]
        for number, (method, code) in enumerate(trials[::every]):
            name = f"answer: {method} {code}"
            with watched(outcome, name):
                person = world.slack.workspace.add_user(f"person{number}", "Some One")
                _answer(outcome, world, name, method, code, person.name)
    return outcome


def _answer(
    outcome: Outcome, world: World, name: str, method: str, code: str | int, who: str
) -> None:
    slack = world.slack
    before = len(slack.responses)
    slack.faults.add(method, (code,), 1, 1)
    world.send("spend 1d by key csv", who)

    def heard() -> bool:
        words = json.dumps([one["payload"] for one in slack.responses[before:]])
        return bool(slack.messages(slack.im(who).id) or EXCUSE.search(words))

    try:
        worlds.wait_until(heard, 30)
    except AssertionError:
        outcome.count(f"{name}: {json.dumps(slack.responses[before:])[:300]}", 0, told=False)
    else:
        sent = slack.messages(slack.im(who).id)
        outcome.count(name, sum(len(one.get("files", [])) for one in sent), told=True)
    finally:
        slack.faults.clear()


@contextmanager
def small_bot() -> Iterator[World]:
    """The web half before a local Slack, with a cache of a small organization."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "activity.db"
        openrouter = LocalOpenRouter(worlds.small())
        openrouter.requests_per_minute = None
        with (
            openrouter,
            LocalSlack(scopes=SCOPES, rate_limits=False, file_delay=timedelta(0)) as slack,
        ):
            worlds.fill(openrouter, path)
            with worlds.running(openrouter, slack, path) as world:
                yield world


KINDS: dict[str, Callable[..., Outcome]] = {
    "reports": reports,
    "alerts": alerts,
    "answers": answers,
}
