"""People who ask and click at once, before several web processes behind a round-robin proxy.

Every question and every choice must be handled once, and the newest choice must be what the message
shows in the end.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs

from bot.demo.openrouter.server import LocalOpenRouter
from bot.demo.slack import Ack, BotClient, LocalSlack
from bot.listeners.background import STOPPED, WAITING
from bot.slack.scopes import SCOPES
from reports.questions.follow_up import Choice, FollowUpAction, chosen
from reports.questions.grammar import QuestionCommand, parse

from .. import databases
from .. import world as worlds
from ..fleet import Fleet
from .reports import add_rooms, set_up

CHANNEL = "general"
QUESTIONS = ("tokens 7d by key", "spend 7d by model", "requests 1d by key", "spend 1m")
CHOICES = (
    Choice(FollowUpAction.METRIC, "spend"),
    Choice(FollowUpAction.METRIC, "tokens"),
    Choice(FollowUpAction.METRIC, "requests"),
    Choice(FollowUpAction.PERIOD, "1d"),
    Choice(FollowUpAction.PERIOD, "1m"),
    Choice(FollowUpAction.BY, "model"),
    Choice(FollowUpAction.BY, "creator"),
)
PREPARING = "Preparing the CSV …"
SETTLE_SECONDS = 3.0
"""How long an older answer may take to replace a newer one after everybody has finished."""

REPORT_SECONDS = 240.0
"""A run that was claimed by a worker that was killed is claimed again after two minutes."""


@dataclass
class Outcome:
    """What became of the questions and choices; `wrong` has a sentence for each problem."""

    people: int
    questions: int = 0
    choices: int = 0
    superseded: int = 0
    files: int = 0
    reports: int = 0
    replayed: int = 0
    waited: int = 0
    stopped: int = 0
    unacknowledged: int = 0
    slowest_ack: float = 0.0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.people} people: {self.questions} questions, {self.choices} choices"
            f" ({self.superseded} superseded by newer ones), {self.replayed} replayed requests,"
            f" {self.files} files, {self.reports} reports in {self.seconds:.0f} s; slowest"
            f" acknowledgement {self.slowest_ack:.0f} ms; {self.waited} answers waited over a"
            f" second for the database; {self.stopped} times people were asked to try again;"
            f" {len(self.wrong)} wrong"
        )


class Person:
    """Asks, then makes several choices at once under the answer, in some rounds."""

    def __init__(self, slack: LocalSlack, client: BotClient, name: str, seed: int) -> None:
        self.name, self.acks, self.wrong = name, list[Ack](), list[str]()
        self.questions = self.choices = self.replayed = self.waited = 0
        self._slack, self._client, self._chance = slack, client, random.Random(seed)
        self._shown, self._notices = "", 0

    def run(self, rounds: int, *, writes: bool, files: bool) -> None:
        """All of it; problems are collected."""
        try:
            self._ask()
            for _ in range(rounds):
                self._choose()
            if files:
                self._export_twice()
            if writes:
                self._write()
        except Exception as error:  # noqa: BLE001 - the others go on; the outcome has it
            self.wrong.append(f"{self.name}: {type(error).__name__} {str(error)[:200]}")

    def check(self) -> None:
        """Check what is shown after everybody has finished."""
        shown, expected = _words(self._state()), _words(self._shown)
        if shown != expected and not self.stopped:
            self.wrong.append(f"{self.name}: an older answer came back: {shown}, not {expected}")
        texts = [one["text"] for one in self._slack.ephemerals(self.name, CHANNEL)]
        # a file that takes long is announced, too
        answers = [text for text in texts if text not in {WAITING, PREPARING, STOPPED}]
        self.waited = len(texts) - len(answers) - texts.count(STOPPED)
        if len(answers) != 1 + self._notices and not (self.stopped and len(answers) == 1):
            self.wrong.append(f"{self.name}: {len(answers)} answers to one question: {answers}")

    def _ask(self) -> None:
        before = self.stopped
        self._sent(self._client.command(self.name, CHANNEL, self._chance.choice(QUESTIONS)))
        self.questions += 1
        self._slack.wait_for(lambda: self._answers() or self.stopped > before, 60)
        if not self._answers():  # the process was stopped, and said so
            self._ask()
        self._shown = self._state()

    def _choose(self) -> None:
        """Two to four different choices, sent at once; the newest must be shown afterwards."""
        message, state, before = self._message(), self._state(), self.stopped
        # one that changes nothing would be shown already, and could be chosen twice within seconds
        words = _words(state)
        others = [one for one in CHOICES if _words_after(words, one) != words]
        picked = self._chance.sample(others, self._chance.randint(2, 4))
        with ThreadPoolExecutor(len(picked)) as pool:
            acks = list(pool.map(lambda one: self._click(message["ts"], one), picked))
        newest = max(acks, key=_action_ts)
        choice, words = _made(newest)
        expected = _words_after(words, choice)
        try:
            self._slack.wait_for(
                lambda: _words(self._state()) == expected or self.stopped > before, 60
            )
        except TimeoutError:
            self.wrong.append(
                f"{self.name}: {expected} was chosen last, {self._state()} is shown (was {state})"
            )
        self._shown = self._state()
        again = self._client.replay(self._chance.choice(acks))
        self.replayed += 1
        if again.status not in {200, 401}:
            self.wrong.append(f"{self.name}: a replayed request got {again.status} {again.body}")

    def _click(self, ts: str, choice: Choice) -> Ack:
        ack = self._client.click(self.name, CHANNEL, ts, choice.follow, choice.value)
        self.choices += 1
        self._sent(ack)
        return ack

    def _export_twice(self) -> None:
        ts = self._message()["ts"]
        self._notices = 1  # where the file is
        for _ in range(2):
            self._sent(self._client.click(self.name, CHANNEL, ts, "export_csv"))

    def _write(self) -> None:
        """A direct message, which Slack delivers twice."""
        sent = self._client.message(self.name, "spend last 7 days by model")
        self._sent(sent)
        self._client.replay(sent)
        im, bot = self._slack.im(self.name).id, self._slack.bot_user_id
        self._slack.wait_for(
            lambda: [one for one in self._slack.messages(im) if one["user"] == bot], 60
        )
        self.questions += 1

    def _sent(self, ack: Ack) -> None:
        self.acks.append(ack)
        if not ack.ok:
            self.wrong.append(f"{self.name}: not acknowledged: {ack.status} {ack.body[:80]}")

    @property
    def stopped(self) -> int:
        """How often a process that was being stopped said so, instead of doing what was asked."""
        said = self._slack.ephemerals(self.name, CHANNEL)
        said += self._slack.messages(self._slack.im(self.name).id)
        return sum(one["text"] == STOPPED for one in said)

    def _answers(self) -> list[dict[str, object]]:
        said = self._slack.ephemerals(self.name, CHANNEL)
        return [one for one in said if one["text"] != STOPPED]

    def _message(self) -> dict[str, object]:
        return self._answers()[0]

    def _state(self) -> str:
        blocks = self._message().get("blocks", [])
        return next((one["block_id"] for one in blocks if one["block_id"].startswith("q|")), "")


def _words(state: str) -> str:
    return state.rpartition("|")[2]


def _action(ack: Ack) -> dict[str, object]:
    [payload] = parse_qs(ack.sent[0].decode())["payload"]
    return json.loads(payload)["actions"][0]


def _action_ts(ack: Ack) -> float:
    return float(_action(ack)["action_ts"])


def _made(ack: Ack) -> tuple[Choice, str]:
    """The choice of a click, and the question that it changes."""
    action = _action(ack)
    choice = Choice(FollowUpAction(action["action_id"]), action["selected_option"]["value"])
    return choice, _words(action["block_id"])


def _words_after(words: str, choice: Choice) -> str:
    parsed = parse(words)
    assert isinstance(parsed, QuestionCommand), words
    query = chosen(parsed.query, choice)
    assert query is not None, (words, choice)
    return query.words()


def run(
    folder: Path, filled: Path, openrouter: LocalOpenRouter, people: int, rounds: int, webs: int,
    seed: int, workers: int = 1, reports: int = 0,
    meanwhile: Callable[[Fleet], None] = lambda _: None,
) -> Outcome:  # fmt: skip
    """So many people before so many web processes; `meanwhile` runs beside them.

    With `reports`, as many scheduled reports come due at the start.
    """
    outcome, database = Outcome(people), folder / "activity.db"
    databases.copy(filled, database)
    with (
        LocalSlack(scopes=SCOPES, rate_limits=False, file_delay=timedelta(0)) as slack,
        Fleet(folder, worlds.environment(openrouter, slack, database)) as fleet,
    ):
        for number in range(people):
            slack.workspace.add_user(
                f"person{number}", f"Person {number}", f"p{number}@example.com"
            )
        fleet.start_web(webs)
        set_up(database, slack, reports, add_rooms(slack, max(1, reports // 8)))
        for _ in range(workers):
            fleet.start("worker")
        client = slack.bot_client(fleet.proxy.url)
        crowd = [Person(slack, client, f"person{n}", seed * 1_000 + n) for n in range(people)]
        begun = time.monotonic()
        beside = threading.Thread(target=meanwhile, args=(fleet,))
        beside.start()
        threads = [
            threading.Thread(
                target=one.run, args=(rounds,), kwargs={"writes": n % 3 == 0, "files": n % 10 == 0}
            )
            for n, one in enumerate(crowd)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        beside.join()
        with suppress(AssertionError):  # counted below
            worlds.wait_until(lambda: _exports(slack) >= len(crowd[::10]), 60)
        with suppress(AssertionError):
            worlds.wait_until(lambda: posted(slack).total() >= reports, REPORT_SECONDS)
        time.sleep(SETTLE_SECONDS)
        outcome.seconds = time.monotonic() - begun
        _count(outcome, crowd, slack, database)
        outcome.reports = posted(slack).total()
        if outcome.reports != reports:
            outcome.wrong.append(f"{outcome.reports} reports were posted, not {reports}")
        outcome.wrong += [
            f"report {key} was posted {n} times" for key, n in posted(slack).items() if n > 1
        ]
        if "Traceback" in (logs := "".join(one.log for one in fleet.processes)):
            outcome.wrong.append(logs[logs.index("Traceback") :][:2_000])
        if fleet.proxy.refused:
            outcome.wrong.append(f"{fleet.proxy.refused} connections that no process accepted")
    return outcome


def _count(outcome: Outcome, crowd: list[Person], slack: LocalSlack, database: Path) -> None:
    for person in crowd:
        person.check()
        outcome.questions += person.questions
        outcome.choices += person.choices
        outcome.replayed += person.replayed
        outcome.waited += person.waited
        outcome.stopped += person.stopped
        outcome.unacknowledged += sum(not ack.ok for ack in person.acks)
        outcome.wrong += person.wrong
    outcome.slowest_ack = max(ack.milliseconds for one in crowd for ack in one.acks)
    outcome.files, least = _exports(slack), sum(not one.stopped for one in crowd[::10])
    if not least <= outcome.files <= len(crowd[::10]):
        outcome.wrong.append(f"{outcome.files} files, for {len(crowd[::10])} double clicks")
    expected = outcome.questions + outcome.choices - outcome.stopped
    with suppress(AssertionError):  # the log is written a little later; what is missing is wrong
        worlds.wait_until(lambda: _asked(database).total() >= expected, 30)
    outcomes = _asked(database)
    outcome.superseded = sum(n for (_, one), n in outcomes.items() if one == "followed up again")
    if others := {one for _, one in outcomes} - {"done", "followed up again"}:
        outcome.wrong.append(f"other outcomes: {others}")
    handled = Counter[str]()
    for (person_id, _), count in outcomes.items():
        handled[person_id] += count
    for person in crowd:
        wanted, got = person.questions + person.choices, handled[slack.user(person.name).id]
        if not got <= wanted <= got + person.stopped:
            handled_words = _handled(database, slack.user(person.name).id)
            outcome.wrong.append(
                f"{person.name}: {wanted} questions and choices, handled: {got} {handled_words}"
            )


def _exports(slack: LocalSlack) -> int:
    """The CSV files so far."""
    return sum(file.name.endswith(".csv") for file in slack.files)


def _asked(database: Path) -> Counter[tuple[str, str]]:
    """The questions and choices in the audit log, by person (Slack id) and outcome."""
    with databases.looking(database) as connection:
        statement = "SELECT person, outcome FROM audit WHERE act = 'asked'"
        return Counter(tuple(row) for row in connection.execute(statement).fetchall())


def _handled(database: Path, person_id: str) -> list[tuple[object, ...]]:
    """What a person asked and chose by the audit log, with times and outcomes."""
    with databases.looking(database) as connection:
        statement = "SELECT at, what, outcome FROM audit WHERE act = 'asked' AND person = ?"
        return [tuple(row) for row in connection.execute(statement, (person_id,)).fetchall()]


def posted(slack: LocalSlack) -> Counter[str]:
    """How often the report of each run was posted."""
    return Counter(
        message["metadata"]["event_payload"]["key"]
        for channel in list(slack.workspace.channels)
        for message in slack.messages(channel)
        if message.get("metadata")
    )


def replace_all(fleet: Fleet) -> None:
    """A rolling update: start a process of each kind, then stop an old one, until all are new."""
    for old in list(fleet.processes):
        command = old.name.partition("-")[0]
        if command == "web":
            fleet.start_web(1)
        else:
            fleet.start(command)
        fleet.stop(old)
