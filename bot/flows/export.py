"""The street from a button, or from `csv` or `pdf` in a question, to a file in Slack."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from bot.access import refusal
from bot.flows.answer import answer
from bot.flows.asking import Asking, asker_of
from bot.flows.files import Format, Job, file_name
from bot.rendering import RenderError
from bot.slack import DeliveryError, Place
from reports.grammar import Ask, CommandError, parse
from reports.query import Dimension, Filter, Query
from reports.render.blocks import Message, figures, sentence
from reports.text import clean
from reports.words import title

log = logging.getLogger(__name__)

SLOW_SECONDS = 2.0
TOO_OLD = "I can no longer tell what this answer showed. Ask again and export the new answer."
_REFUSED = {
    "file_uploads_disabled": "Your workspace does not allow apps to upload files.",
    "storage_limit_reached": "Your workspace's file storage is full.",
    "file_too_large": "The file is too large for Slack; ask for a shorter period.",
    "missing_scope": "The app may not upload files here: it lacks the scope files:write.",
}
_NOT_THERE = {"not_in_channel", "channel_not_found", "is_archived", "restricted_action"}


@dataclass(frozen=True, slots=True)
class Shown:
    """What an answer showed: the words of its question, the moment and the default zone."""

    words: str
    at: datetime
    zone: str

    def value(self) -> str:
        """The value of a button, from which the same answer can be made again."""
        return json.dumps({"w": self.words, "t": int(self.at.timestamp()), "z": self.zone})

    @classmethod
    def of_value(cls, value: str) -> Shown | None:
        """What a button stands for, or None if it makes no sense (any more)."""
        try:
            said = json.loads(value)
            return cls(str(said["w"]), datetime.fromtimestamp(said["t"], UTC), str(said["z"]))
        except (ValueError, TypeError, KeyError, OverflowError, OSError):
            return None


@dataclass(frozen=True, slots=True)
class Where:
    """The conversation that was asked in; `shared`: the answer is there for all of it."""

    channel: str
    shared: bool
    thread: str | None = None


def shown(query: Query, at: datetime, zone: str, user: str) -> Shown:
    """What an answer shows, with `me` made the person who asked, whoever clicks later."""
    filters = tuple(_named(one, user) for one in query.filters)
    return Shown(replace(query, filters=filters, files=(), share=False).words(), at, zone)


def export(asking: Asking, place: Place, where: Where, what: Shown, format_: Format) -> None:
    """Write the file that somebody wants and bring it to them; they are told where it is."""
    identity = asking.slack.identity()
    person = asking.slack.person(place.user)
    if refused := refusal(person, identity, asking.settings):
        asking.slack.say(place, refused)
        return
    parsed = parse(what.words)
    if not isinstance(parsed, Ask):
        asking.slack.say(place, TOO_OLD)
        return
    asker = asker_of(asking, person, parsed.query)
    job = Job(what.words, what.at, what.zone, format_, asker, asking.settings.command)
    name = file_name(parsed.query, what.at, format_)
    try:
        with _patience(asking, place, format_), asking.renderer.file(job) as path:
            said = _bring(asking, place, where, path, name, clean(title(parsed.query), 300))
    except RenderError as error:
        asking.slack.say(place, str(error))
    except DeliveryError as error:
        log.warning("A file could not be uploaded: %s", error)
        asking.slack.respond(place, _inline(asking, parsed.query, job, error.code))
    else:
        asking.slack.say(place, said)


def _bring(asking: Asking, place: Place, where: Where, path: Path, name: str, words: str) -> str:
    """Upload a file where its answer is shared, else into the person's DM; says where it is."""
    if where.shared:
        try:
            asking.slack.upload(path, name, words, where.channel, where.thread)
        except DeliveryError as error:
            if error.code not in _NOT_THERE:
                raise
        else:
            return f"{name} is in this conversation."
    asking.slack.upload(path, name, words, asking.slack.dm(place.user))
    invite = " Invite me here, and files of shared answers come here." if where.shared else ""
    return f"{name} is in our direct messages.{invite}"


@contextmanager
def _patience(asking: Asking, place: Place, format_: Format) -> Iterator[None]:
    """Say that a file is being prepared if it takes long."""

    def say() -> None:
        try:
            asking.slack.say(place, f"Preparing the {format_.upper()} …")
        except DeliveryError as error:
            log.info("Nobody could be asked for patience: %s", error)

    timer = threading.Timer(SLOW_SECONDS, say)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _inline(asking: Asking, query: Query, job: Job, code: str) -> Message:
    """Why there is no file, and its main figures in its stead."""
    why = _REFUSED.get(code, f"Slack did not take the file ({code}).")
    found = answer(asking.store, query, job.at, job.zone, job.asker, whole=False)
    return sentence(why) if isinstance(found, CommandError) else figures(why, found)


def _named(one: Filter, user: str) -> Filter:
    me = one.dimension is Dimension.CREATOR and one.pattern.casefold() == "me"
    return Filter(one.dimension, f"<@{user}>") if me else one
