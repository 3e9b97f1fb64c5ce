"""Nobody gets what they may not see, and everybody gets what they may: held against a model.

`make test` takes a part of the cases; WHO_MAY_CASES=5000 takes them all.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from bot import access, courtesy
from bot.demo.slack import Forge, escaped, payloads
from bot.demo.slack.payloads import Choice
from bot.demo.slack.workspace import Json
from bot.flows import sight
from bot.flows.answer import answer
from bot.flows.subscriptions import NOT_YOURS, TO_CREATORS
from bot.listeners.work import Work
from bot.rendering import Renderer
from reports.commands import parse_command
from reports.grammar import Ask, CommandError
from reports.render.blocks import as_text, error
from reports.render.help import help_message

from ..clock import Clock
from . import who_may
from .who_may import ADMIN, LIMITED, NAMES, START, May, Side, may

CASES = int(os.environ.get("WHO_MAY_CASES", "900"))
PEOPLE = ("ada", "ada", "ada", "grace", "grace", "alan", "katherine", "guest", "otto", "eve",
          "former")  # fmt: skip
SHARED = {
    "ada": "tokens 7d by key share", "grace": "spend 1m by model share",
    "katherine": "spend 1m by creator share", "katherine 2": "requests 1m by key share",
}  # fmt: skip
STANDING = {
    "ada": "schedule daily spend 7d by key to me",
    "grace": "schedule weekly tokens by key in #spend",
    "katherine": "schedule weekly spend by creator in #spend",
}  # fmt: skip
FILTERS = (
    "", "", "", "key:prod", "key:evals", "key:ev*", "key:evlas", "key:lab-ada", "key:board",
    "key:stray", "key:*", 'key:"(chatroom)"', "key:orbt", "model:claude*", "model:*secret*",
    "model:x/secret-model", "model:y/adas-model", "model:nobodys", "creator:me", "creator:@grace",
    "creator:@ada", "creator:@katherine", "creator:@alan", "creator:grace@example.com",
    "creator:Grace*", "creator:*", "creator:mary@example.com", 'creator:"Mary Jackson"',
    'creator:"(no creator)"', "creator:grece",
)  # fmt: skip
FOLLOWS = (
    ("follow_metric", "spend"), ("follow_period", "1w"), ("follow_by", "creator"),
    ("follow_by", "key"), ("follow_metric", "all"), ("follow_by", "model"),
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """What somebody does, what they may, and where more than they alone may see it."""

    person: str
    what: str
    may: May
    does: Callable[[Side], None]
    public: str = ""
    question: bool = False


@pytest.fixture(scope="module")
def quick() -> Iterator[None]:
    """Work is done at once and in this process; what it may do is as ever."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Work, "hand_over", who_may.at_once)
        patch.setattr(Renderer, "_run", who_may.Here._run)
        patch.setattr(courtesy, "give_way", lambda: None)
        yield


@dataclass
class Bots:
    """A bot on everybody's usage, and one for each of those who may see their own alone."""

    everybody: Side
    alone: dict[str, Side]
    own: bool
    guests: bool
    typed: dict[str, str] = field(default_factory=dict)

    def may(self, person: str, **more: object) -> May:
        return may(person, own=self.own, guests=self.guests, **more)  # type: ignore[arg-type]


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
        for there in (everybody, *others):
            furnish(there)
        yield found


def furnish(there: Side) -> None:
    """Answers that stand in a channel, and schedules, whose buttons everybody can see."""
    there.clock.now = START
    for name, words in SHARED.items():
        before = len(there.slack.messages("spend"))
        command(there, name.split()[0], words, "spend")
        for posted in there.slack.messages("spend")[before:]:
            there.messages[name] = posted["ts"]
    for name, words in STANDING.items():
        command(there, name, words, "spend")
        answered = there.slack.ephemerals(name, "spend")[-1]
        if "actions" in [block["type"] for block in answered["blocks"]]:
            content = {"text": "x", "blocks": answered["blocks"]}
            posted = there.slack.chat.post(there.slack.channel("general"), content)
            there.schedules[name] = posted["ts"]
    there.tick()
    there.sent()


# -- what people do


def command(there: Side, user: str, words: str, channel: str, **forge: str) -> None:
    where = there.slack.im(user).id if channel == "im" else channel
    typed = escaped(there.slack.workspace, words)
    who_may.good(there.door.command(user, where, typed, forge=Forge(**forge)))


def click(there: Side, user: str, at: tuple[str, str], act: str, choice: str | None = None,
          **forge: str) -> None:  # fmt: skip
    who_may.good(there.door.click(user, *at, act, choice, forge=Forge(**forge)))


def fills_in(there: Side, user: str, values: dict[str, Choice], clicks: Callable[[], None]) -> None:
    """A click, and the form sent off that it opens, if it does."""
    before = {view["id"] for view in there.slack.views(user)}
    clicks()
    for view in there.slack.views(user):
        if view["id"] not in before:
            who_may.good(there.door.submit(user, view["id"], values))


def question(chance: random.Random) -> str:
    words = [
        chance.choice(["", "spend", "tokens", "requests", "cost"]),
        chance.choice(["1h", "1d", "7d", "1m", "1y", "last week", "2026-10", ""]),
        chance.choice(["", "by key", "by creator", "by model"]),
        chance.choice(FILTERS),
        chance.choice(["", "", "", "", chance.choice(FILTERS)]),
        chance.choice(["", "", "", "top 1", "credits", "byok", "csv", "tz Europe/Berlin"]),
        chance.choice(["", "", "", "share"]),
    ]
    if chance.random() < 0.01:
        words.append("pdf")
    if chance.random() < 0.05:
        words.append(chance.choice(["spnd", "by kye", "keys:evals", "top", "crator:grace"]))
    chance.shuffle(words)
    return " ".join(filter(None, words))


def asks(bots: Bots, chance: random.Random, person: str) -> Case:
    words, forged = question(chance), chance.random() < 0.05
    channel = chance.choice(["general", "spend", "random", "partners", "im"])
    forge = {"team_id": "T0OTHER0001"} if forged else {}
    return Case(
        person, words, bots.may(person, forged=forged),
        lambda side: command(side, person, words, channel, **forge),
        public=channel if "share" in words else "", question=True,
    )  # fmt: skip


def follows(bots: Bots, chance: random.Random, person: str) -> Case:
    """A click on what stands under an answer that somebody shared."""
    name, forged = chance.choice(list(SHARED)), chance.random() < 0.05
    maker = name.split()[0]
    act, choice = chance.choice(
        [*FOLLOWS, ("export_csv", None), ("export_csv", None), ("answer_schedule", None),
         ("answer_share", None)]
    )  # fmt: skip
    forge = {"team_id": "T0OTHER0001"} if forged else {}
    shows = maker if bots.own and maker != ADMIN and not act.startswith("follow_") else None

    def does(side: Side) -> None:
        ts = side.messages[name]
        found = side.slack.chat.find(side.slack.channel("spend").id, ts)
        if act in json.dumps(found):
            fills_in(
                side, person, {}, lambda: click(side, person, ("spend", ts), act, choice, **forge)
            )

    allowed = bots.may(person, forged=forged, shows=shows)
    return Case(person, f"{act} {choice} under {name}", allowed, does, public="spend")


def again(bots: Bots, chance: random.Random, person: str) -> Case:
    """A question, and a click on what stands under its answer, which one person alone sees."""
    words = " ".join(question(chance).replace("share", "").replace("csv", "").split())
    act, choice = chance.choice([*FOLLOWS, ("export_csv", None), ("answer_share", None)])

    def does(side: Side) -> None:
        command(side, person, words, "spend")
        answered = side.slack.ephemerals(person, "spend")[-1]
        if f'"{act}"' in json.dumps(answered):
            click(side, person, ("spend", answered["ts"]), act, choice)

    return Case(person, f"{words}, then {act} {choice}", bots.may(person), does, public="spend")


def manages(bots: Bots, chance: random.Random, person: str) -> Case:
    """A click on a schedule's button, in front of everybody."""
    maker, forged = chance.choice(list(STANDING)), chance.random() < 0.05
    forge = {"team_id": "T0OTHER0001"} if forged else {}
    acts = ["schedule_preview", "schedule_run", "schedule_pause", "schedule_resume",
            "schedule_edit"]  # fmt: skip
    allowed = bots.may(person, forged=forged, maker=maker)
    if not bots.own and person not in {maker, ADMIN}:
        allowed = bots.may(person, forged=forged, maker=maker)
    if allowed in {May.NOTHING, May.NOT_THEIRS}:
        acts.append("schedule_delete")
    act = chance.choice(acts)

    def does(side: Side) -> None:
        at = ("general", side.schedules[maker])
        shown = json.dumps(side.slack.chat.find(side.slack.channel("general").id, at[1]))
        if act not in shown:
            return
        fills_in(side, person, {"form_at": "10:00"}, lambda: click(side, person, at, act, **forge))
        side.tick()

    return Case(person, f"{act} of {maker}", allowed, does, public="spend")


def sets_up(bots: Bots, chance: random.Random, person: str) -> Case:
    words = "schedule daily " + " ".join(
        filter(None, (chance.choice(["spend", "tokens 1m"]), chance.choice(["", "by key"]),
                      chance.choice(FILTERS), chance.choice(["to me", "to creators"])))
    )  # fmt: skip
    return Case(person, words, bots.may(person), lambda side: command(side, person, words, "spend"))


def says(bots: Bots, chance: random.Random, person: str) -> Case:
    """A question in plain words: to everybody where the bot is mentioned, or to the bot alone."""
    words = " ".join(question(chance).replace("share", "").replace("csv", "").split())
    text = f"{chance.choice(['', 'please show', 'what did we'])} {words}".strip()
    channel = chance.choice(["general", "spend", "partners", "im"])

    def does(side: Side) -> None:
        typed = escaped(side.slack.workspace, text)
        if channel == "im":
            who_may.good(side.door.message(person, typed))
        else:
            who_may.good(side.door.mention(person, channel, typed))

    public = "" if bots.own else channel
    return Case(person, f"says: {text}", bots.may(person), does, public=public)


def opens_home(bots: Bots, chance: random.Random, person: str) -> Case:
    def does(side: Side) -> None:
        who_may.good(side.door.home_opened(person))

    return Case(person, "opens home", bots.may(person), does)


def pokes(bots: Bots, chance: random.Random, person: str) -> Case:
    """Something in the home, and in the form that it opens, which is then sent off."""
    which = [chance.random() for _ in range(4)]

    def does(side: Side) -> None:
        who_may.good(side.door.home_opened(person))
        home = side.slack.home(person)
        before = len(side.slack.views(person))
        if home is None or not poke(side, person, home, which[0], which[1]):
            return
        if len(side.slack.views(person)) > before:
            form = side.slack.views(person)[-1]
            poke(side, person, form, which[2], which[3], form["id"])
            side.door.submit(person, side.slack.views(person)[-1]["id"], {})
            side.slack.modals.take_away(side.person(person), everything=True)
        side.tick()

    return Case(person, "pokes", bots.may(person), does, public="spend")


def poke(
    there: Side, user: str, view: Json, which: float, option: float, id_: str | None = None
) -> bool:
    """A click on one of the elements of a view; whether there is any."""
    found = [
        (block, element)
        for block, element in payloads.elements(view["blocks"])
        if not element["action_id"].endswith("_delete")
        and element["type"] in {"button", "static_select", "radio_buttons"}
    ]
    if not found:
        return False
    block, element = found[int(which * len(found))]
    options = [one["value"] for one in element.get("options", [])]
    choice = options[int(option * len(options))] if options else None
    ack = there.door.click_in_view(
        user, element["action_id"], choice, view_id=id_, block_id=block["block_id"]
    )
    who_may.good(ack)
    return True


def looks(bots: Bots, chance: random.Random, person: str) -> Case:
    words = chance.choice(["status", "audit", "audit csv", "audit 7d", "schedules", "help", "hlep"])
    allowed = bots.may(person, for_admins=words.startswith("audit"))
    return Case(person, words, allowed, lambda side: command(side, person, words, "spend"))


# -- what is checked


KINDS = [asks, asks, asks, asks, follows, follows, again, manages, sets_up, looks, says, says,
         opens_home, pokes]  # fmt: skip
REFUSALS = (
    access.FOREIGN, "Only people can ask.", "Guests of this workspace cannot see",
)  # fmt: skip
NOT_THEIRS = (
    NOT_YOURS, TO_CREATORS, "You see your own usage only", "That answer shows somebody else's",
    "No key of yours", "I cannot tell who you are",
)  # fmt: skip


def judge(bots: Bots, case: Case) -> str | None:
    """What is wrong with what was sent, or None."""
    now = bots.everybody.clock.now + timedelta(seconds=5)  # what comes sooner is a double click
    bots.everybody.clock.now = now
    bots.everybody.sent()
    bots.typed[case.person] = f"{bots.typed.get(case.person, '')} {case.what}"
    case.does(bots.everybody)
    sent = bots.everybody.sent()
    me = bots.everybody.person(case.person)
    maker = case.what.rpartition(" of ")[2] if case.may is May.ALL else ""
    makers = {bots.everybody.person(maker)} if maker in STANDING else set()
    strangers = {whom for _, whom, _ in sent} - {me, case.public} - makers
    for name in LIMITED:
        # what one of these may see is the same as if there were nobody else
        theirs = case.person == name or (f" of {name}" in case.what and case.may is May.ALL)
        if name in bots.alone and theirs and _alone_too(bots, case, name):
            bots.alone[name].sent()
            bots.everybody.clock.now = now
            case.does(bots.alone[name])
            if (expected := bots.alone[name].sent()) != sent:
                return f"{name} is told of others: {_apart(sent, expected)}"
    if case.what == "pokes" and not bots.own:
        # who sees all may send to every creator their own part
        strangers -= {bots.everybody.person(name) for name in (*LIMITED, ADMIN)}
    if strangers:
        return f"strangers are told: {strangers}"
    match case.may:
        case May.NOTHING:
            return _refused(sent, me, REFUSALS)
        case May.NO_ADMIN:
            return _refused(sent, me, ("The log of who did what is for the admins",))
        case May.NOT_THEIRS:
            return _nothing_of_others(sent, case, bots)
        case May.OWN:
            return _nothing_of_others(sent, case, bots)
    return _not_refused(bots, case, sent)


def _apart(sent: object, expected: object) -> str:
    """Where two things begin to differ."""
    one, two = str(sent), str(expected)
    at = next((i for i, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), 0)
    return f"…{one[max(at - 80, 0) : at + 160]}… and not …{two[max(at - 80, 0) : at + 160]}…"


def _alone_too(bots: Bots, case: Case, name: str) -> bool:
    """Whether what is done can be done where there is nobody else."""
    under = case.what.partition(" under ")[2]
    of = case.what.partition(" of ")[2] if case.what.startswith("schedule_") else name
    there = bots.alone[name]
    return (not under or under in there.messages) and of in there.schedules and of == name


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
    known = bots.typed.get(case.person, "") + help_message("/activity").text
    for _, _, text in sent:
        for name, theirs in NAMES.items():
            for word in theirs if name != case.person else ():
                if word in text and word.casefold() not in known.casefold():
                    return f"{word} is told to {case.person}: {text}"
    return None


def _not_refused(bots: Bots, case: Case, sent: list[tuple[str, str, str]]) -> str | None:
    if not sent and "under" not in case.what and "schedule_" not in case.what:
        return "nothing is answered"
    for _, _, text in sent:
        if not case.what.startswith("audit") and (_says(text, REFUSALS) or NOT_YOURS in text):
            return f"it is refused: {text}"
    asked = parse_command(escaped(bots.everybody.slack.workspace, case.what))
    if not case.question or not isinstance(asked, Ask):
        return None
    people = tuple(
        (one.pattern, bots.everybody.slack.user(one.pattern.strip("<@>").partition("|")[0]).email)
        for one in asked.query.filters
        if one.pattern.startswith("<@")
    )
    asker = sight.Asker(bots.everybody.slack.user(case.person).email, False, people)
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


def test_nobody_is_told_what_they_may_not_see_and_nobody_refused_what_they_may(bots: Bots) -> None:
    chance = random.Random(7)
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
    assert min(count[one.name] for one in May if bots.own or one is not May.OWN) > CASES // 200


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
            side.bot.alerts.rules.remove(rule.id)
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
            side.bot.alerts.rules.remove(rule.id)
        listed.append(side.sent())
    assert listed[0] == listed[-1], _apart(listed[0], listed[-1])


def _alerted(there: Side, now: datetime, person: str, words: str) -> list[tuple[str, str, str]]:
    """What is sent when somebody sets an alert up, and when it is judged, now and later."""
    there.clock.now = now
    there.sent()
    command(there, person, words, "spend")
    there.alert()
    there.alert()
    return there.sent()


def test_which_models_others_use_is_not_heard_from_what_is_understood(bots: Bots) -> None:
    there = bots.everybody
    for person, known in (("grace", True), ("ada", not bots.own)):
        there.clock.now += timedelta(seconds=5)
        there.sent()
        there.door.message(person, "what did I spend this month on secret-model?")
        [(_, _, told)] = [one for one in there.sent() if "secret-model?" not in one[2]]
        assert ("model:*secret-model*" in told) is known
        assert ("I do not know “secret-model”" in told) is not known


def test_a_form_that_somebody_else_sends_off_changes_nothing(bots: Bots) -> None:
    there = bots.everybody
    there.clock.now += timedelta(seconds=5)
    kept = there.bot.reports.schedules.of(there.person("grace"))[0]
    for person in ("ada", "guest", "otto", "former"):
        there.clock.now += timedelta(seconds=5)
        click(there, "grace", ("general", there.schedules["grace"]), "schedule_edit")
        view = there.slack.views("grace")[-1]
        there.sent()
        there.door.submit(person, view["id"], {"form_often": "daily"})
        refused = [text for _, whom, text in there.sent() if whom == there.person(person)]
        assert all(_says(text, (*REFUSALS, NOT_YOURS)) for text in refused)
    assert there.bot.reports.schedules.get(kept.id) == kept


def test_whatever_anybody_asked_or_tried_is_in_the_log(bots: Bots) -> None:
    audit, chance = bots.everybody.bot.audit, random.Random(11)
    for _ in range(60):
        bots.everybody.clock.now += timedelta(seconds=5)
        case, before = asks(bots, chance, chance.choice(PEOPLE)), audit.count()
        case.does(bots.everybody)
        noted = audit.last(audit.count() - before)
        assert {entry.person for entry in noted} == {bots.everybody.person(case.person)}
        refused = any(entry.outcome.startswith("refused") for entry in noted)
        assert refused or case.may is not May.NOTHING
