"""The street from what people say, in a channel or to the bot alone, to its answer in the thread.

Events come at least once and are answered once. What is said in public is answered in public,
unless people of other companies read along, or people see different things: then for the person
alone.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from bot.access import clicks_stay_private
from bot.flows import sight
from bot.flows.alert_desk import Desk
from bot.flows.ask import Asked, ask, understand
from bot.flows.asking import Asking, admit, asker_of
from bot.flows.export import Shown
from bot.flows.shown import last_in, remember, shown_in
from bot.flows.sight import Asker
from bot.flows.subscriptions import Subscriptions
from bot.slack import DeliveryError, Person, Place
from reports.audit import Act
from reports.commands import parse_command
from reports.grammar import Ask, CommandError, parse
from reports.grammar_loose import Heard
from reports.grammar_schedule import Standing
from reports.query import Dimension, Query
from reports.render.blocks import error, sentence

log = logging.getLogger(__name__)

REMEMBERED = timedelta(days=7)
"""How long what was said is not answered again."""
GREETING = (
    "Ask me what your OpenRouter organisation uses, for example: what did we spend last week by"
    " person? With `help` I say all that can be asked."
)
OF_WHAT = (
    "What shall I report again and again? Say it with a question, `every monday 9:00 spend by"
    " person`, or in the thread of an answer."
)
WHICH = (
    "I cannot tell which question that would change. Ask the whole of it, for example: `spend last"
    " week by person`."
)
ALONE = "Only you see this; with `share` everybody here does."


@dataclass(frozen=True, slots=True)
class Spoken:
    """What somebody said: where, when (Slack's ts), in which thread, without our name in it."""

    user: str
    team: str
    channel: str
    ts: str
    thread: str
    text: str

    @property
    def direct(self) -> bool:
        """Whether it was said to the bot alone."""
        return self.channel.startswith("D")

    @property
    def place(self) -> Place:
        """Where it is answered: in its thread; to the bot alone without one, beside it."""
        thread = self.thread or ("" if self.direct else self.ts)
        return Place("", self.user, thread=thread, channel=self.channel)


def talk(asking: Asking, spoken: Spoken, subscriptions: Subscriptions, desk: Desk) -> None:
    """Answer what somebody said, once."""
    # the place and time of a message are its name: a second event of it has them too
    if not asking.memory.take(f"said:{spoken.channel}:{spoken.ts}", REMEMBERED):
        return
    place = spoken.place
    person = admit(asking, place, Act.ASKED, spoken.text, where=spoken.channel)
    if person is None:
        return
    asker = asker_of(asking, person, Query())
    heard = understand(asking, person, asker, spoken.text) if spoken.text.strip() else None
    if heard is None:
        asking.slack.respond(place, sentence(GREETING))
    elif isinstance(heard, CommandError):
        asking.slack.respond(place, error(heard, asking.settings.command))
        asking.metrics.asks.labels("misunderstood").inc()
        asking.audit.note(
            Act.ASKED, person.id, spoken.text, where=spoken.channel, outcome="misunderstood",
            email=person.email,
        )  # fmt: skip
    else:
        before = _before(asking, spoken) if _goes_on(spoken, heard) else None
        if heard.rhythm and not heard.given and not isinstance(before, Shown):
            asking.slack.respond(place, sentence(OF_WHAT))
        elif isinstance(before, str) and not {"metric", "period"} & heard.given:
            asking.slack.respond(place, sentence(before))
        else:
            asked = _asked(asking, spoken, heard, person, asker, before)
            keep = partial(_remember, asking, spoken)
            ask(asking, place, asked, subscriptions, desk, keep)


def _goes_on(spoken: Spoken, heard: Heard) -> bool:
    """Whether what was said may change the question before it."""
    return heard.changes(in_thread=bool(spoken.thread))


def _remember(asking: Asking, spoken: Spoken, what: Shown) -> None:
    """Keep what was answered for those who go on from it, in the thread of the question too."""
    remember(asking, spoken.channel, spoken.place.thread, what)
    if not spoken.place.thread:
        remember(asking, spoken.channel, spoken.ts, what)


def _asked(
    asking: Asking,
    spoken: Spoken,
    heard: Heard,
    person: Person,
    asker: Asker,
    before: Shown | str | None,
) -> Asked:
    """What was said, as it is asked: as a change of the question before it, where it is one."""
    words, at = heard.words, None
    if isinstance(before, Shown):
        words = heard.onto(_theirs(asking, before, person, asker))
        at = None if "period" in heard.given else before.at
    read = parse_command(words)
    if isinstance(read, Ask) and (named := _named(asking, person, read.query)) != read.query:
        words = named.words()
    elif isinstance(read, Standing):
        named = _named(asking, person, read.query)
        words = words if named == read.query else f"schedule {replace(read, query=named).words()}"
    note = heard.note(asking.settings.command, words)
    if isinstance(read, Ask) and not (spoken.direct or read.query.share):
        if clicks_stay_private(asking.settings):
            note = " ".join(filter(None, (note, ALONE)))
        else:
            words += " share"
    return Asked(words, spoken.team, spoken.channel, note, at)


def _named(asking: Asking, person: Person, query: Query) -> Query:
    """A question with addresses in the place of Slack's ids, which say nothing to people."""
    return sight.addressed(query, asker_of(asking, person, query))


def _before(asking: Asking, spoken: Spoken) -> Shown | str | None:
    """What was answered before, where this goes on from it.

    A sentence where it goes on from a message of ours that stands for no question.
    """
    known_ = last_in(asking, spoken.channel, spoken.thread)
    if known_ or not spoken.thread:
        return known_
    try:
        said = asking.slack.call(
            "conversations.replies", channel=spoken.channel, ts=spoken.thread, limit=1
        )
    except DeliveryError as problem:
        log.info("The beginning of a thread cannot be read: %s", problem)
        return None
    first = (said.get("messages") or [{}])[0]
    ours = first.get("bot_id") == asking.slack.identity().bot_id
    what = shown_in(asking, first)
    known_ = what if what and isinstance(parse(what.words), Ask) else None
    return (known_ or WHICH) if ours else None


def _theirs(asking: Asking, before: Shown, person: Person, asker: Asker) -> Query:
    """The question before, as far as it is about the person who goes on from it."""
    parsed = parse(before.words)
    query = parsed.query if isinstance(parsed, Ask) else Query()
    if asker.own_only and person.id != before.user:
        others = (one for one in query.filters if one.dimension is not Dimension.CREATOR)
        return replace(query, filters=tuple(others))
    return _named(asking, person, query)
