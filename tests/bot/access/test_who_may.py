"""Visibility: people get exactly what they may see, compared with a reference model.

`make test` takes a part of the cases, `make test-postgres` half of that, `make trust` 5,000.
WHO_MAY_CASES says how many it shall be, WHO_MAY_SEED which ones.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta

import pytest

from bot.access import policy as access
from bot.answers import visibility
from bot.answers.answer import answer
from bot.answers.file_worker import Renderer
from bot.demo.slack import escaped
from bot.listeners.background import BackgroundWork
from bot.runtime import priority
from bot.schedules.manage import NOT_YOURS, TO_CREATORS
from reports.admin.slack.help import TOPICS, help_message
from reports.commands import parse_command
from reports.questions.grammar import CommandError, QuestionCommand
from reports.questions.slack.answer import as_text, error
from tests import databases
from tests.bot.access import who_may
from tests.bot.access.who_may import ADMIN, LIMITED, NAMES, START, May, Side
from tests.bot.access.who_may_acts import (
    FIRES,
    KINDS,
    PEOPLE,
    Bots,
    Case,
    asks,
    click,
    command,
    set_up_workspace,
)
from tests.clock import Clock

CASES = int(os.environ.get("WHO_MAY_CASES", "160" if databases.on_postgres() else "350"))
SEED = int(os.environ.get("WHO_MAY_SEED", "7"))


@pytest.fixture(scope="module")
def quick() -> Iterator[None]:
    """Work is done at once and in this process; what it may do is as ever."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BackgroundWork, "submit", who_may.at_once)
        patch.setattr(Renderer, "_run", who_may.Here._run)
        patch.setattr(priority, "pause_for_requests", lambda: None)
        yield


@pytest.fixture(scope="module", params=["own", "org"])
def bots(
    request: pytest.FixtureRequest, quick: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bots]:
    clock, own = Clock(START), request.param == "own"
    settings = {"ACTIVITY_VISIBILITY": request.param, "ACTIVITY_GUESTS": "deny" if own else "allow"}
    folder = tmp_path_factory.mktemp("who-may")
    with ExitStack() as stack:
        everybody, *others = (
            stack.enter_context(who_may.side(only, folder, clock, **settings))
            for only in (None, *(LIMITED if own else ()))
        )
        found = Bots(everybody, dict(zip(LIMITED, others, strict=False)), own, not own)
        for administered in found.sides:
            set_up_workspace(administered)
        for name in FIRES:
            found.fire(name)
        yield found


# -- what is checked


REFUSALS = (
    access.FOREIGN, "Only people can use this bot.", "Guests can't see this organization's usage",
)  # fmt: skip
NOT_THEIRS = (
    NOT_YOURS, TO_CREATORS, "You can only see your own usage", "This answer shows someone else's",
    "No key of yours", "I can't tell who you are",
)  # fmt: skip


def done(case: Case, administered: Side) -> None:
    """Do it, with no form open from before."""
    administered.slack.modals.take_away(administered.person(case.person), everything=True)
    administered.sent()
    case.does(administered)


def judge(bots: Bots, case: Case) -> str | None:
    """What is wrong with what was sent, or None."""
    now = bots.everybody.clock.now + timedelta(seconds=5)  # what comes sooner is a double click
    bots.everybody.clock.now = now
    before = bots.typed.get(case.person, "") if case.person in LIMITED else ""
    bots.typed[case.person] = f"{before} {case.what} {case.typed}"
    done(case, bots.everybody)
    sent = bots.everybody.sent()
    me = bots.everybody.person(case.person)
    makers = {bots.everybody.person(case.maker)} if case.maker and case.may is May.ALL else set()
    strangers = {whom for _, whom, _ in sent} - {me, case.public} - makers
    beside = {case.person} if case.beside is None else case.beside
    for name in sorted(beside & bots.alone.keys()):
        # what one of these may see is the same as if there were nobody else
        bots.everybody.clock.now = now
        done(case, bots.alone[name])
        if (expected := bots.alone[name].sent()) != sent:
            return f"{name} is told of others: {_apart(sent, expected)}"
    case.after()
    if (case.what == "pokes" or case.form or case.maker) and case.may is May.ALL:
        # who sees all may send to every creator their own part
        strangers -= {bots.everybody.person(name) for name in (*LIMITED, ADMIN)}
    if strangers:
        return f"strangers are told: {strangers}"
    if any("went wrong on my side" in text for *_, text in sent):
        return f"it failed: {sent}"
    match case.may:
        case May.NOTHING:
            return _refused(sent, me, REFUSALS)
        case May.NO_ADMIN:
            return _refused(sent, me, ("Only bot admins can see the audit log",))
        case May.NOT_THEIRS:
            return _nothing_of_others(sent, case, bots) or _no_figures(sent, case, me)
        case May.OWN:
            return _nothing_of_others(sent, case, bots) or _not_refused(bots, case, sent)
    return _not_refused(bots, case, sent)


def _apart(sent: object, expected: object) -> str:
    """Where two things begin to differ."""
    one, two = str(sent), str(expected)
    at = next((i for i, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), 0)
    return f"…{one[max(at - 80, 0) : at + 160]}… and not …{two[max(at - 80, 0) : at + 160]}…"


def _refused(sent: list[tuple[str, str, str]], me: str, words: tuple[str, ...]) -> str | None:
    for kind, whom, text in sent:
        if whom != me or not _says(text, words) or len(text) > 700:
            return f"it is not refused: {kind} {text}"
    return None


def _says(text: str, words: tuple[str, ...]) -> bool:
    said = json.dumps(words, ensure_ascii=False)
    return any(one[1:-1] in text for one in said[1:-1].split(", ") if one)


def _nothing_of_others(sent: list[tuple[str, str, str]], case: Case, bots: Bots) -> str | None:
    """Names of others, unless it was they who typed them, or they are examples of the help."""
    helped = "".join(help_message("/activity", topic).text for topic in ("", *TOPICS))
    known = bots.typed.get(case.person, "") + helped
    for _, _, text in sent:
        for name, theirs in NAMES.items():
            for word in theirs if name != case.person else ():
                if word in text and word.casefold() not in known.casefold():
                    return f"{word} is told to {case.person}: {text}"
    return None


def _no_figures(sent: list[tuple[str, str, str]], case: Case, me: str) -> str | None:
    """An answer to who may have none, or something that is changed before others."""
    for kind, whom, text in sent:
        if kind != "home" and "Data as of" in text:
            return f"figures are told: {text}"
        if case.maker and (whom != me or len(text) > 700):
            return f"it is not refused: {kind} {whom} {text}"
    return None


def _not_refused(bots: Bots, case: Case, sent: list[tuple[str, str, str]]) -> str | None:
    if not sent and "under" not in case.what and " of " not in case.what:
        return "nothing is answered"
    for _, _, text in sent:
        if not case.what.startswith("audit") and (_says(text, REFUSALS) or NOT_YOURS in text):
            return f"it is refused: {text}"
    if case.answered and not any("Data as of" in text for *_, text in sent):
        return f"it is not answered: {sent}"
    asked = parse_command(escaped(bots.everybody.slack.workspace, case.what))
    if not case.question or not isinstance(asked, QuestionCommand):
        return None
    people = tuple(
        (one.pattern, bots.everybody.slack.user(one.pattern.strip("<@>").partition("|")[0]).email)
        for one in asked.query.filters
        if one.pattern.startswith("<@")
    )
    email, own = bots.everybody.slack.user(case.person).email, case.may is May.OWN
    me = ((f"<@{bots.everybody.person(case.person)}>", email),) if own else ()
    asker = visibility.Asker(email, own, (*people, *me))
    found = answer(
        bots.everybody.bot.store, asked.query, bots.everybody.clock(), "UTC", asker, whole=False
    )
    text = error(found).text if isinstance(found, CommandError) else as_text(found)
    expected = json.dumps(text, ensure_ascii=False)[1:-1]
    if not any(
        expected.replace(" share`", "`") in told.replace(" share`", "`") for *_, told in sent
    ):
        return f"{expected} is not told: {sent}"
    return None


def test_people_get_exactly_what_they_may_see(bots: Bots) -> None:
    chance = random.Random(SEED)
    count: Counter[str] = Counter()
    wrong: list[str] = []
    for number in range(CASES // 2):
        case = chance.choice(KINDS)(bots, chance, chance.choice(PEOPLE))
        count[case.may.name] += 1
        if said := judge(bots, case):
            wrong.append(f"{number} {case.person} {case.may.name} {case.what}: {said[:900]}")
    said = "\n\n".join([f"{len(wrong)} of {sum(count.values())}", *wrong[:9]])
    if wrong:
        pytest.fail(said, pytrace=False)
    assert min(count[one.name] for one in May if bots.own or one is not May.OWN) > CASES // 500


ALERTS = (
    "spend > $1 per day", "spend > $1 per day by key", "tokens > 1k per month by creator",
    "requests > 1 per week key:prod", "spend > $1 per day key:evals",
    "spend > $1 per day key:evlas",
    "spend > $1 per month creator:@grace", "spend > $1 per month creator:me by model",
    "spend > $1 per month by key model:*secret*", "forecast > $1 per month", "spike by key",
    "spike", "new model", "new key", "budget 80%", "credits < $1000000", "sync",
    "forecast > $1 per month by creator", "requests > 1 per month by model",
)  # fmt: skip


@pytest.mark.parametrize("person", ["ada", "grace", "alan", "katherine", "guest", "otto"])
def test_alerts_tell_each_person_of_what_they_may_see(bots: Bots, person: str) -> None:
    sides = [bots.everybody, *([bots.alone[person]] if person in bots.alone else [])]
    now = bots.everybody.clock.now + timedelta(seconds=5)
    for side in sides:
        for rule in side.bot.alerts.rules.of(None):
            side.bot.alerts.rules.delete(rule.id)
    for words in ALERTS:
        everything = [_alerted(side, now, person, f"alert {words} to me") for side in sides]
        # an admin has alerts of their own
        heard = {whom for sent in everything for _, whom, _ in sent}
        assert heard <= {bots.everybody.person(person), bots.everybody.person(ADMIN)}
        me = bots.everybody.person(person)
        told = [[one for one in sent if one[1] == me] for sent in everything]
        assert told[0] == told[-1], _apart(told[0], told[-1])
        if bots.may(person) is May.NOTHING:
            assert _refused(told[0], bots.everybody.person(person), REFUSALS) is None
        elif bots.own and person != ADMIN:
            case = Case(person, words, May.OWN, lambda side: None)
            bots.typed[person] = f"{bots.typed.get(person, '')} {words}"
            assert _nothing_of_others(told[0], case, bots) is None
        now += timedelta(minutes=5)
    bots.everybody.clock.now = now
    listed = []
    for side in sides:
        side.sent()
        command(side, person, "alerts", "spend")
        for rule in side.bot.alerts.rules.of(side.person(person)):
            side.bot.alerts.rules.delete(rule.id)
        listed.append(side.sent())
    assert listed[0] == listed[-1], _apart(listed[0], listed[-1])


def _alerted(
    administered: Side, now: datetime, person: str, words: str
) -> list[tuple[str, str, str]]:
    """What is sent when somebody sets an alert up, and when it is judged, now and later."""
    administered.clock.now = now
    administered.sent()
    command(administered, person, words, "spend")
    administered.alert()
    administered.alert()
    return administered.sent()


def test_which_models_others_use_is_not_heard_from_what_is_understood(bots: Bots) -> None:
    administered = bots.everybody
    for person, known in (("grace", True), ("ada", not bots.own)):
        administered.clock.now += timedelta(seconds=5)
        administered.sent()
        administered.bot_client.message(person, "what did I spend this month on secret-model?")
        [(_, _, told)] = [one for one in administered.sent() if "secret-model?" not in one[2]]
        assert ("model:*secret-model*" in told) is known
        assert ("I don't recognize “secret-model”" in told) is not known


def test_a_form_that_somebody_else_sends_off_changes_nothing(bots: Bots) -> None:
    administered = bots.everybody
    administered.clock.now += timedelta(seconds=5)
    kept = administered.bot.reports.schedules.of(administered.person("grace"))[0]
    for person in ("ada", "guest", "otto", "former"):
        administered.clock.now += timedelta(seconds=5)
        click(administered, "grace", ("general", administered.schedules["grace"]), "schedule_edit")
        view = administered.slack.views("grace")[-1]
        administered.sent()
        administered.bot_client.submit(person, view["id"], {"form_often": "daily"})
        refused = [
            text for _, whom, text in administered.sent() if whom == administered.person(person)
        ]
        assert all(_says(text, (*REFUSALS, NOT_YOURS)) for text in refused)
    assert administered.bot.reports.schedules.get(kept.id) == kept


def test_whatever_anybody_asked_or_tried_is_in_the_log(bots: Bots) -> None:
    audit, chance = bots.everybody.bot.audit, random.Random(11)
    audit.flush()  # what was done before this test may not be written yet
    for _ in range(60):
        bots.everybody.clock.now += timedelta(seconds=5)
        case, before = asks(bots, chance, chance.choice(PEOPLE)), audit.count()
        case.does(bots.everybody)
        audit.flush()
        noted = audit.last(audit.count() - before)
        assert {entry.person for entry in noted} == {bots.everybody.person(case.person)}
        refused = any(entry.outcome.startswith("refused") for entry in noted)
        assert refused or case.may is not May.NOTHING
