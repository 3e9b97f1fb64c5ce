"""What people do to the bot at random, and what the reference model says that they may."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from bot.demo.slack import Forge, escaped, payloads
from bot.demo.slack.payloads import Choice
from bot.demo.slack.workspace import Json
from reports.questions.slack.form import SHORTCUT
from tests.bot.access import who_may
from tests.bot.access.who_may import ADMIN, LIMITED, START, May, Side, may

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
ANSWERED = ("alert_details", "alert_why")
"""The buttons under an alert that answer a question."""
FIRES = {
    "ada": "alert spend > $0.01 per month key:lab-ada in #spend",
    "grace": "alert tokens > 1 per month in #spend",
    "katherine": "alert spend > $0.01 per month by key key:board in #spend",
    "katherine to ada": "alert requests > 1 per month key:prod creator:@ada by key to owner",
    "katherine to grace": "alert spend > $0.01 per month by creator creator:@grace to owner",
}  # fmt: skip
"""Alerts that are sent immediately, to a channel or a person; recipients see their buttons."""
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
    ("follow_versus", "before"),
)  # fmt: skip
INSIDE = ("prod", "lab-ada", "evals", "board", "stray", "Ada", "Grace", "Mary", "claude", "secret")
PLAIN = ("spend 1m by key", "tokens 7d by model", "spend 1m by creator")
PLAINLY = ("by key", "by model", "vs last month", "and the tokens?", "this month", "top 1")
FORMS = ("shortcut", "shortcut", "home_schedule", "home_alert", "home_ask")
_SHOW_AT_ONCE = {
    "form_question", "form_often", "form_to", "form_kind", "form_by", "form_metric", "form_whose",
    "form_ask_metric", "form_ask_by", "form_ask_whose", "form_ask_to",
}  # fmt: skip
REPLIES = (
    "by key", "by person", "by model", "only gemini", "only claude", "only secret",
    "only secret-model", "only marys-model", "only prod", "only orbit", "only evals", "only lab",
    "key:orbt", "vs last month", "and the tokens?", "this month", "csv", "share",
    "every monday 9:00", "what did grace spend", "for mary", "for ada", "for katherine@example.com",
    "without prod", "top 1", "tell me when it is more than $1 a day",
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
    maker: str = ""
    """Who set up what is clicked."""
    beside: frozenset[str] | None = None
    """In whose worlds of their own it is done too; without it in the person's."""
    typed: str = ""
    """What stood before them."""
    after: Callable[[], None] = lambda: None
    """What is done when it has been looked at."""
    answered: bool = False
    """Whether it has an answer for whoever may have one."""
    form: bool = False
    """Whether something new may be set up."""


@dataclass
class Bots:
    """A bot on everybody's usage, and one for each of those who may see their own alone."""

    everybody: Side
    alone: dict[str, Side]
    own: bool
    guests: bool
    typed: dict[str, str] = field(default_factory=dict)

    def may(self, person: str, **more: object) -> May:
        given = {"own": self.own, "guests": self.guests, **more}
        return may(person, **given)  # type: ignore[arg-type]

    @property
    def sides(self) -> list[Side]:
        return [self.everybody, *self.alone.values()]

    def fire(self, name: str) -> None:
        """Let an alert tell (again)."""
        now = self.everybody.clock.now + timedelta(seconds=30)
        for administered in self.sides:
            administered.clock.now = now
            if administered is self.everybody or administered is self.alone.get(name):
                fire(administered, name)
            else:
                administered.alert()  # they judge at the same moments
                administered.sent()


def set_up_workspace(administered: Side) -> None:
    """Answers that stand in a channel, and schedules, whose buttons everybody can see."""
    administered.clock.now = START
    for name, words in SHARED.items():
        before = len(administered.slack.messages("spend"))
        command(administered, name.split()[0], words, "spend")
        for posted in administered.slack.messages("spend")[before:]:
            administered.messages[name] = posted["ts"]
    for name, words in STANDING.items():
        command(administered, name, words, "spend")
        answered = administered.slack.ephemerals(name, "spend")[-1]
        if "actions" in [block["type"] for block in answered["blocks"]]:
            administered.schedules[name] = _stood(administered, name)
    administered.tick()
    administered.sent()


def _stood(administered: Side, user: str) -> str:
    """Put before everybody what one has just been answered."""
    answered = administered.slack.ephemerals(user, "spend")[-1]
    content = {"text": "x", "blocks": answered["blocks"]}
    return str(administered.slack.chat.post(administered.slack.channel("general"), content)["ts"])


def fire(administered: Side, name: str) -> None:
    """Set an alert up that tells at once, and keep its card and its message where all see them."""
    maker, _, resolved_recipient = name.partition(" to ")
    if name in administered.rules:
        administered.bot.alerts.rules.delete(administered.rules.pop(name))
    administered.fired.pop(name, None)
    channel = (
        administered.slack.im(resolved_recipient).id
        if resolved_recipient
        else administered.slack.channel("spend").id
    )
    before = {one.id for one in administered.bot.alerts.rules.of(None)}
    told = len(administered.slack.messages(channel))
    command(administered, maker, FIRES[name], "spend")
    for made in {one.id for one in administered.bot.alerts.rules.of(None)} - before:
        administered.rules[name] = made
        administered.cards[name] = _stood(administered, maker)
        administered.alert()
        said = [
            one for one in administered.slack.messages(channel)[told:] if not one.get("thread_ts")
        ]
        if said:
            administered.fired[name] = (channel, said[-1]["ts"])
    administered.sent()


# -- what people do


def command(administered: Side, user: str, words: str, channel: str, **forge: str) -> None:
    where = administered.slack.im(user).id if channel == "im" else channel
    typed = escaped(administered.slack.workspace, words)
    who_may.good(administered.bot_client.command(user, where, typed, forge=Forge(**forge)))


def click(administered: Side, user: str, at: tuple[str, str], act: str, choice: str | None = None,
          **forge: str) -> None:  # fmt: skip
    who_may.good(administered.bot_client.click(user, *at, act, choice, forge=Forge(**forge)))


def fills_in(
    administered: Side, user: str, values: dict[str, Choice], clicks: Callable[[], None]
) -> None:
    """A click, and the form sent off that it opens, if it does."""
    before = {view["id"] for view in administered.slack.views(user)}
    clicks()
    for view in administered.slack.views(user):
        if view["id"] not in before:
            who_may.good(administered.bot_client.submit(user, view["id"], values))


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
         ("answer_share", None), ("answer_alert", None), ("follow_inside", chance.choice(INSIDE)),
         ("follow_inside", chance.choice(INSIDE))]
    )  # fmt: skip
    if act == "export_csv" and chance.random() < 0.05:
        act = "export_pdf"
    forge = {"team_id": "T0OTHER0001"} if forged else {}
    shows = maker if bots.own and maker != ADMIN and not act.startswith("follow_") else None
    beside = {person} & {*LIMITED} if maker in {person, ADMIN} else set()
    if act == "follow_inside" and maker != person:
        beside = set()  # whom they cannot look into, others are not there for

    def does(side: Side) -> None:
        ts = side.messages[name]
        found = side.slack.chat.find(side.slack.channel("spend").id, ts)
        value = group(found, choice) if act == "follow_inside" and choice else choice
        if act in json.dumps(found) and (value or not choice):
            fills_in(
                side, person, {}, lambda: click(side, person, ("spend", ts), act, value, **forge)
            )

    allowed = bots.may(person, forged=forged, shows=shows)
    what = f"{act} {choice} under {name}"
    return Case(person, what, allowed, does, public="spend", beside=frozenset(beside))


def group(message: Json, name: str) -> str | None:
    """What a group is chosen by, where one of this name can be looked into."""
    for _, element in payloads.elements(message["blocks"]):
        if element["action_id"] == "follow_inside":
            for one in element["options"]:
                if name in one["text"]["text"]:
                    return str(one["value"])
    return None


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
    """A click on the button of a schedule or an alert, in front of everybody."""
    thing = chance.choice(["schedule", "alert"])
    maker, forged = chance.choice(list(STANDING)), chance.random() < 0.05
    forge = {"team_id": "T0OTHER0001"} if forged else {}
    acts = ["pause", "resume", "edit", *(["preview", "run"] if thing == "schedule" else ["edit"])]
    allowed = bots.may(person, forged=forged, maker=maker)
    if allowed in {May.NOTHING, May.NOT_THEIRS}:
        acts.append("delete")
    act, filled = f"{thing}_{chance.choice(acts)}", Filled.of(chance)

    def does(side: Side) -> None:
        at = ("general", (side.schedules if thing == "schedule" else side.cards)[maker])
        shown = json.dumps(side.slack.chat.find(side.slack.channel("general").id, at[1]))
        if act not in shown:
            return
        opened = opens(side, person, lambda: click(side, person, at, act, **forge))
        if opened:
            filled.into(side, person, opened)
        side.tick()

    beside = {maker} & {*LIMITED} if person == maker or allowed is May.ALL else set()
    what = f"{act} of {maker}: {filled}"
    return Case(person, what, allowed, does, public="spend", maker=maker, beside=frozenset(beside))


def hears(bots: Bots, chance: random.Random, person: str) -> Case:
    """A click under an alert that tells something, by who hears it: a channel, or one alone."""
    name, forged = chance.choice(list(FIRES)), chance.random() < 0.05
    maker, _, resolved_recipient = name.partition(" to ")
    person = resolved_recipient or person
    forge = {"team_id": "T0OTHER0001"} if forged else {}
    about: dict[str, dict[str, object]] = {
        "alert_details": {"shows": maker if bots.own and maker in LIMITED else None},
        "alert_why": {"shows": maker if bots.own and maker in LIMITED else None},
        "alert_acknowledge": {"own": False},  # it is for all who hear it, and shows nothing
        "alert_change": {"maker": maker},
        "alert_snooze": {"maker": resolved_recipient or maker},
        "alert_mute": {"maker": resolved_recipient or maker},
    }
    act = chance.choice([*about, "alert_details"])
    allowed = bots.may(person, forged=forged, **about[act])
    known = bots.everybody.slack.chat.find(*bots.everybody.fired[name])

    def does(side: Side) -> None:
        channel, ts = side.fired[name]
        found = side.slack.chat.find(channel, ts)
        if act not in json.dumps(found):
            return
        value = f"{_event(found)} 1h" if act == "alert_snooze" else None
        opened = opens(
            side, person, lambda: click(side, person, (channel, ts), act, value, **forge)
        )
        if opened:
            who_may.good(side.bot_client.submit(person, opened, {}))

    def after() -> None:
        if allowed not in {May.NOTHING, May.NOT_THEIRS} and act not in ANSWERED:
            bots.fire(name)

    beside = {maker} & {*LIMITED} if allowed is not May.NOTHING else set()
    if person != maker and act in ANSWERED:
        beside = set()
    public = "" if resolved_recipient else "spend"
    return Case(
        person, f"{act} under what {name} hears", allowed, does, public, maker=maker,
        beside=frozenset(beside), typed=json.dumps(known, ensure_ascii=False), after=after,

    )  # fmt: skip


def _event(message: Json) -> str:
    found = (one for _, one in payloads.elements(message["blocks"]))
    return next(one["value"] for one in found if one["action_id"] == "alert_details")


@dataclass(frozen=True)
class Filled:
    """What somebody writes and chooses in a form."""

    question: str
    whose: str
    seed: int

    @classmethod
    def of(cls, chance: random.Random) -> Filled:
        words = " ".join(question(chance).replace("share", "").replace("pdf", "").split())
        return cls(words, chance.choice(FILTERS), chance.randrange(10**6))

    def into(self, administered: Side, user: str, id_: str) -> None:
        """Fill it in, look at what it would say, and send it off."""
        chance = random.Random(self.seed)
        before = self._values(administered, id_)
        given = {k: v for k, v in before.items() if chance.random() < 0.6}
        changed = [name for name in given if name in _SHOW_AT_ONCE]
        for name in changed[:1]:
            ack = administered.bot_client.click_in_view(
                user, name, given[name], view_id=id_, values=given
            )
            who_may.good(ack)
        offered = self._values(administered, id_)
        fits = {k: v for k, v in offered.items() if k in given or k not in before}
        who_may.good(administered.bot_client.submit(user, id_, fits))

    def _values(self, administered: Side, id_: str) -> dict[str, Choice]:
        """A value for each field that the form has."""
        found: dict[str, Choice] = {}
        blocks = administered.slack.modals.by_id[id_]["blocks"]
        for number, (_, element) in enumerate(payloads.elements(blocks)):
            name = element["action_id"]
            options = [one["value"] for one in element.get("options", [])]
            match element["type"]:
                case "static_select" | "radio_buttons":
                    found[name] = options[(self.seed + number) % len(options)]
                case "conversations_select":
                    where = "partners" if self.seed % 5 == 0 else "spend"
                    found[name] = administered.slack.channel(where).id
                case "plain_text_input":
                    found[name] = {
                        "form_question": self.question, "form_zone": "Europe/Berlin",
                        "form_ask_other": "3h", "form_ask_top": "1", "form_cron": "0 9 * * 1",
                        "form_limit_budget": "80%",
                    }.get(name, self.whose if "whose" in name else "1")  # fmt: skip
        return found


def opens(administered: Side, user: str, clicks: Callable[[], None]) -> str | None:
    """The form that a click opens, if it opens one to fill in."""
    administered.slack.modals.take_away(administered.person(user), everything=True)
    clicks()
    return next(
        (str(view["id"]) for view in administered.slack.views(user) if view["submit"]), None
    )


@contextmanager
def tidied(administered: Side) -> Iterator[None]:
    """Take away again what is set up meanwhile: thousands of alerts would take long to judge."""
    schedules, rules = administered.bot.reports.schedules, administered.bot.alerts.rules
    kept = {one.id for one in (*schedules.of(None), *rules.of(None))}
    yield
    for schedule in {one.id for one in schedules.of(None)} - kept:
        schedules.remove(schedule)
    for rule in {one.id for one in rules.of(None)} - kept:
        rules.delete(rule)


def fills(bots: Bots, chance: random.Random, person: str) -> Case:
    """A form for something new, by the shortcut or from the home."""
    by, filled, forged = chance.choice(FORMS), Filled.of(chance), chance.random() < 0.05
    forge = {"team_id": "T0OTHER0001"} if forged else {}
    allowed = bots.may(person, forged=forged)

    def begins(side: Side) -> None:
        if by == "shortcut":
            who_may.good(side.bot_client.shortcut(person, SHORTCUT, forge=Forge(**forge)))
            return
        who_may.good(side.bot_client.home_opened(person, forge=Forge(**forge)))
        home = side.slack.home(person)
        if home and by in json.dumps(home):
            who_may.good(side.bot_client.click_in_view(person, by, forge=Forge(**forge)))

    def does(side: Side) -> None:
        with tidied(side):
            if opened := opens(side, person, lambda: begins(side)):
                filled.into(side, person, opened)
            side.tick()

    return Case(person, f"{by}: {filled}", allowed, does, public="spend", form=True)


def replies(bots: Bots, chance: random.Random, person: str) -> Case:
    """A question to the bot, and what somebody says in its thread to change it."""
    maker = chance.choice([person, person, *LIMITED, ADMIN])
    alone = maker == person and chance.random() < 0.4
    words = " ".join(question(chance).replace("share", "").replace("csv", "").split())
    if maker != person and chance.random() < 0.5:
        words = chance.choice(PLAIN)
    text = "pdf" if chance.random() < 0.02 else chance.choice(REPLIES)
    channel = "im" if alone else chance.choice(["general", "spend", "partners"])

    def does(side: Side) -> None:
        first, then = (escaped(side.slack.workspace, one) for one in (words, text))
        with tidied(side):
            if alone:
                who_may.good(side.bot_client.message(person, first))
                who_may.good(side.bot_client.message(person, then))
                return
            who_may.good(side.bot_client.mention(maker, channel, first))
            if maker != person:
                side.sent()
            who_may.good(side.bot_client.mention(person, channel, then, thread=side.said))

    plain = words in PLAIN  # nothing in it means something else where there is nobody else
    beside = {person} & {*LIMITED} if maker == person or (maker == ADMIN and plain) else set()
    return Case(
        person, f"says: {text}, in the thread after {maker} said {words}", bots.may(person), does,
        public="" if alone or (bots.own and text != "share") else channel, beside=frozenset(beside),
        answered=words in PLAIN and text in PLAINLY,
    )  # fmt: skip


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
            who_may.good(side.bot_client.message(person, typed))
        else:
            who_may.good(side.bot_client.mention(person, channel, typed))

    public = "" if bots.own else channel
    return Case(person, f"says: {text}", bots.may(person), does, public=public)


def opens_home(bots: Bots, chance: random.Random, person: str) -> Case:
    def does(side: Side) -> None:
        who_may.good(side.bot_client.home_opened(person))

    return Case(person, "opens home", bots.may(person), does)


def pokes(bots: Bots, chance: random.Random, person: str) -> Case:
    """Something in the home, and in the form that it opens, which is then sent off."""
    which = [chance.random() for _ in range(4)]

    def does(side: Side) -> None:
        who_may.good(side.bot_client.home_opened(person))
        home = side.slack.home(person)
        before = len(side.slack.views(person))
        if home is None or not poke(side, person, home, which[0], which[1]):
            return
        if len(side.slack.views(person)) > before:
            form = side.slack.views(person)[-1]
            poke(side, person, form, which[2], which[3], form["id"])
            side.bot_client.submit(person, side.slack.views(person)[-1]["id"], {})
            side.slack.modals.take_away(side.person(person), everything=True)
        side.tick()

    def tidily(side: Side) -> None:
        with tidied(side):
            does(side)

    return Case(person, "pokes", bots.may(person), tidily, public="spend")


def poke(
    administered: Side, user: str, view: Json, which: float, option: float, id_: str | None = None
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
    ack = administered.bot_client.click_in_view(
        user, element["action_id"], choice, view_id=id_, block_id=block["block_id"]
    )
    who_may.good(ack)
    return True


def looks(bots: Bots, chance: random.Random, person: str) -> Case:
    words = chance.choice(["status", "audit", "audit csv", "audit 7d", "schedules", "help", "hlep"])
    allowed = bots.may(person, for_admins=words.startswith("audit"))
    return Case(person, words, allowed, lambda side: command(side, person, words, "spend"))


KINDS = [asks, asks, asks, asks, follows, follows, follows, again, manages, manages, hears, sets_up,
         looks, says, replies, replies, fills, opens_home, pokes]  # fmt: skip
