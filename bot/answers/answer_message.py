"""The message of an answer: the state it carries for follow-ups, and who it is for."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.access.policy import OUTSIDERS, UNSEEN
from bot.answers import visibility
from bot.answers.export import AnswerState
from bot.answers.file_worker import RenderError
from bot.answers.visibility import Asker
from bot.answers.write_file import Format, Job
from bot.services import Services
from bot.slack.client import DeliveryError
from bot.store.usage.directory import Directory
from reports.questions.query import Dimension, Filter
from reports.questions.slack.answer import Message
from reports.questions.slack.answer import answer as answer_message
from reports.questions.slack.controls import Controls
from reports.questions.summary import Summary
from reports.usage.members import Member

log = logging.getLogger(__name__)

KEPT_FOR = timedelta(days=400)
"""How long the state of an answer is kept where it is too long for the message itself."""
TALKED_FOR = timedelta(days=90)
"""How long the thread of an answer can be gone on from."""
RECENT = timedelta(minutes=15)
"""How long a direct message outside a thread can go on from the answer before it: enough to read
an answer and think about it, but not to come back after a meeting and have forgotten it."""
_LONGEST_STATE = 255
_HERE, _KEPT = "q", "k"
_FIELDS = 5


def drawn(
    services: Services,
    found: Summary,
    what: AnswerState,
    asker: Asker,
    *,
    private: bool,
    picture: str = "",
) -> Message:
    """An answer with its controls; `private`: only one person of the conversation sees it."""
    return answer_message(
        found,
        services.settings.command,
        controls=controls(services, found, what, asker, private=private),
        picture=picture,
    )


def controls(
    services: Services, found: Summary, what: AnswerState, asker: Asker, *, private: bool
) -> Controls:
    """The controls under an answer."""
    directory, by = services.store.directory(), found.query.by
    inside: dict[str, str] = {}
    if by:
        labels = visibility.labels(directory, asker)
        wanted = {group.label for part in found.metrics.values() for group in part.groups}
        inside = {
            labels[member.id]: group_id(member)
            for member in directory.of[by]
            if labels.get(member.id) in wanted
        }
    return Controls(
        state_of(services, what), what.value(), inside, private=private, own_only=asker.own_only
    )


def state_of(services: Services, what: AnswerState) -> str:
    """Encode an answer's state as a block id of at most 255 characters."""
    plain = f"{_HERE}|{int(what.at.timestamp())}|{what.zone}|{what.user}|{what.words}"
    if len(plain) <= _LONGEST_STATE:
        return plain
    return f"{_KEPT}|{services.memory.keep(plain, KEPT_FOR)}"


def of_state(services: Services, state: str) -> AnswerState | None:
    """Decode an answer's state from a block id; None if expired or malformed."""
    if state.startswith(f"{_KEPT}|"):
        state = services.memory.kept(state.removeprefix(f"{_KEPT}|")) or ""
    parts = state.split("|", _FIELDS - 1)
    if len(parts) != _FIELDS or parts[0] != _HERE:
        return None
    _, at, zone, user, words = parts
    moment = int(at) if at.isascii() and at.isdigit() else None
    return AnswerState.of_value(json.dumps({"w": words, "t": moment, "z": zone, "u": user}))


def remember(services: Services, channel: str, thread: str, what: AnswerState) -> None:
    """Keep the last answer of a thread, or of a direct message (`thread` empty) for a short time,
    for messages that go on from it.
    """
    services.memory.put(_last(channel, thread), what.value(), TALKED_FOR if thread else RECENT)


def last_in(services: Services, channel: str, thread: str) -> AnswerState | None:
    """The last answer of a thread, or the recent one of a direct message; None if there is none."""
    value = services.memory.kept(_last(channel, thread))
    return AnswerState.of_value(value) if value else None


def _last(channel: str, thread: str) -> str:
    return f"talk:{channel}:{thread}" if thread else f"recent:{channel}"


def shown_in(services: Services, message: Mapping[str, Any]) -> AnswerState | None:
    """The state of one of our answers, from the message itself; None if it holds none."""
    states = (str(block.get("block_id", "")) for block in message.get("blocks") or ())
    return next((what for state in states if (what := of_state(services, state))), None)


def group_id(member: Member) -> str:
    """A stable id of a group, independent of its name and of the database."""
    return hashlib.sha256(f"{member.dimension}:{member.ref}".encode()).hexdigest()[:24]


def group_name(directory: Directory, asker: Asker, dimension: Dimension, id_: str) -> str | None:
    """A name by which a filter matches exactly this group; None if the group no longer exists."""
    seen = visibility.visible(directory, dimension, asker)
    members = (member for member in directory.of[dimension] if member.id in seen)
    found = next((member for member in members if group_id(member) == id_), None)
    if found is None:
        return None
    label, alone = visibility.labels(directory, asker)[found.id], frozenset({found.id})
    # an address is one person's; what a person calls themselves may be anything, even `me`
    person = dimension is Dimension.CREATOR
    names = (found.detail, label) if person else (label, found.name, found.detail)
    return next(
        (
            n
            for n in names
            if n and visibility.find(directory, Filter(dimension, n), asker) == alone
        ),
        label,
    )


def kept_private(services: Services, channel: str) -> str:
    """The sentence that says why an answer may not be posted in a channel; empty if it may."""
    match services.slack.outsiders_read(channel):
        case True:
            return OUTSIDERS
        case None:
            return UNSEEN
    return ""


def picture(services: Services, asker: Asker, what: AnswerState) -> str:
    """Upload the chart; Slack's file id, or "" on failure (the native chart stays then)."""
    if asker.email and what.user:  # whose answer it is is named in it by their mention
        people = (*asker.people, (f"<@{what.user}>", asker.email))
        asker = replace(asker, people=tuple(dict.fromkeys(people)))
    job = Job(what.words, what.at, what.zone, Format.PNG, asker, services.settings.command)
    try:
        with services.renderer.file(job) as path:
            return services.slack.upload_picture(path, "chart.png", "Chart") or ""
    except (RenderError, DeliveryError) as problem:
        log.warning("Could not upload a chart: %s", problem)
        return ""
