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

from bot.access import ask_admins
from bot.flows import sight
from bot.flows.answer import answer
from bot.flows.asking import REFUSED, Asking, admit, asker_of
from bot.flows.files import Format, Job, file_name
from bot.flows.sight import Asker
from bot.rendering import RenderError
from bot.slack import DeliveryError, Place
from reports.audit import DONE, Act
from reports.grammar import Ask, CommandError, parse
from reports.query import Dimension, Filter, Query
from reports.render.blocks import Message, figures, sentence
from reports.render.schedules import said
from reports.text import clean, escape
from reports.words import title

log = logging.getLogger(__name__)

SLOW_SECONDS = 2.0
ONLY_YOURS = " It holds your own usage, which is what you see here."
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
    """What an answer showed: the words of its question, the moment, the default zone, for whom.

    `user` is the Slack id of whoever asked; answers of before it was noted have none.
    """

    words: str
    at: datetime
    zone: str
    user: str = ""

    def value(self) -> str:
        """The value of a button, from which the same answer can be made again."""
        fields = {"w": self.words, "t": int(self.at.timestamp()), "z": self.zone, "u": self.user}
        return json.dumps(fields, ensure_ascii=False)  # six times as long otherwise

    @classmethod
    def of_value(cls, value: str) -> Shown | None:
        """What a button stands for, or None if it makes no sense (any more)."""
        try:
            said = json.loads(value)
            at = datetime.fromtimestamp(said["t"], UTC)
            return cls(str(said["w"]), at, str(said["z"]), str(said.get("u", "")))
        except (ValueError, TypeError, KeyError, OverflowError, OSError):
            return None


@dataclass(frozen=True, slots=True)
class Where:
    """The conversation that was asked in; `shared`: the answer is there for all of it."""

    channel: str
    shared: bool
    thread: str | None = None


def shown(query: Query, at: datetime, zone: str, asker: Asker, user: str) -> Shown:
    """What an answer shows, with `me` made the person who asked, whoever clicks later.

    The answer of somebody who sees their own usage only shows that, and so do its buttons.
    """
    if asker.own_only:
        others = (one for one in query.filters if one.dimension is not Dimension.CREATOR)
        query = replace(query, filters=(*others, sight.ME))
    words = replace(about(query, user), files=(), share=False).words()
    return Shown(words, at, zone, user)


def about(query: Query, user: str) -> Query:
    """A question with `me` made a person."""
    return replace(query, filters=tuple(_named(one, user) for one in query.filters))


def export(asking: Asking, place: Place, where: Where, what: Shown, format_: Format) -> None:
    """Write the file that somebody wants and bring it to them; they are told where it is."""
    asked = f"{what.words} {format_}"
    person = admit(asking, place, Act.EXPORTED, asked, where=where.channel)
    if person is None:
        return
    parsed = parse(what.words)
    if not isinstance(parsed, Ask):
        asking.slack.say(place, TOO_OLD)
        return
    asker = asker_of(asking, person, parsed.query)
    job = Job(what.words, what.at, what.zone, format_, asker, asking.settings.command)
    outcome = _export(asking, place, where, parsed.query, job)
    asking.audit.note(
        Act.EXPORTED, person.id, asked, where=where.channel, outcome=outcome, email=person.email
    )


def _export(asking: Asking, place: Place, where: Where, query: Query, job: Job) -> str:
    """The same for somebody who may ask; how it ended."""
    if wrong := not_theirs(asking, query, job.asker):
        asking.slack.respond(place, said(wrong))
        return f"{REFUSED}: not their own usage"
    name = file_name(query, job.at, job.zone, job.format)
    try:
        with _patience(asking, place, job.format), asking.renderer.file(job) as path:
            told = _bring(asking, place, where, path, name, clean(title(query), 300))
    except RenderError as error:
        asking.slack.say(place, str(error))
        return f"failed: {error}"
    except DeliveryError as error:
        log.warning("A file could not be uploaded: %s", error)
        asking.slack.respond(place, _inline(asking, query, job, error.code))
        return f"failed: {error.code}"
    asking.slack.say(place, told + (ONLY_YOURS if job.asker.own_only else ""))
    return DONE


def not_theirs(asking: Asking, query: Query, asker: Asker) -> str | None:
    """Why there is nothing for somebody who sees their own usage only, in mrkdwn, or None."""
    directory = asking.store.directory()
    narrowed = sight.narrowed(directory, query, asker)
    if not isinstance(narrowed, CommandError):
        return None
    if not sight.own(directory, asker):
        return f"{escape(sight.nobody(asker))} {ask_admins(asking.settings)}"
    again = escape(f"{asking.settings.command} {narrowed.suggestion}").replace("`", "'")
    return (
        f"That answer shows somebody else's usage, and you see your own only. Ask for it: `{again}`"
    )


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
