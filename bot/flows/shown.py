"""An answer's message: what it carries to be followed up, and for whom it is."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.access import OUTSIDERS, UNSEEN
from bot.flows import sight
from bot.flows.asking import Asking
from bot.flows.export import Shown
from bot.flows.files import Format, Job
from bot.flows.sight import Asker
from bot.rendering import RenderError
from bot.slack import DeliveryError
from bot.store.directory import Directory
from reports.names import Member
from reports.query import Dimension, Filter
from reports.render.blocks import Message
from reports.render.blocks import answer as answer_message
from reports.render.controls import Controls
from reports.summary import Summary

log = logging.getLogger(__name__)

KEPT_FOR = timedelta(days=400)
"""How long a question too long for its message's own state can be followed up."""
TALKED_FOR = timedelta(days=90)
_LONGEST_STATE = 255
_HERE, _KEPT = "q", "k"
_FIELDS = 5


def drawn(
    asking: Asking, found: Summary, what: Shown, asker: Asker, *, private: bool, picture: str = ""
) -> Message:
    """An answer with what follows it up; `private`: it is for one person among several."""
    return answer_message(
        found,
        asking.settings.command,
        controls=controls(asking, found, what, asker, private=private),
        picture=picture,
    )


def controls(
    asking: Asking, found: Summary, what: Shown, asker: Asker, *, private: bool
) -> Controls:
    """What stands under an answer."""
    directory, by = asking.store.directory(), found.query.by
    inside: dict[str, str] = {}
    if by:
        labels = sight.labels(directory, asker)
        wanted = {group.label for part in found.metrics.values() for group in part.groups}
        inside = {
            labels[member.id]: group_id(member)
            for member in directory.of[by]
            if labels.get(member.id) in wanted
        }
    return Controls(
        state_of(asking, what), what.value(), inside, private=private, own_only=asker.own_only
    )


def state_of(asking: Asking, what: Shown) -> str:
    """What an answer showed as the id of a block, of at most 255 characters."""
    plain = f"{_HERE}|{int(what.at.timestamp())}|{what.zone}|{what.user}|{what.words}"
    if len(plain) <= _LONGEST_STATE:
        return plain
    return f"{_KEPT}|{asking.memory.keep(plain, KEPT_FOR)}"


def of_state(asking: Asking, state: str) -> Shown | None:
    """What the selects of an answer stand for, or None if that is not known (any more)."""
    if state.startswith(f"{_KEPT}|"):
        state = asking.memory.kept(state.removeprefix(f"{_KEPT}|")) or ""
    parts = state.split("|", _FIELDS - 1)
    if len(parts) != _FIELDS or parts[0] != _HERE:
        return None
    _, at, zone, user, words = parts
    moment = int(at) if at.isascii() and at.isdigit() else None
    return Shown.of_value(json.dumps({"w": words, "t": moment, "z": zone, "u": user}))


def remember(asking: Asking, channel: str, thread: str, what: Shown) -> None:
    """Keep what was answered last in a thread, for those who go on from there."""
    asking.memory.put(f"talk:{channel}:{thread}", what.value(), TALKED_FOR)


def last_in(asking: Asking, channel: str, thread: str) -> Shown | None:
    """What was answered last in a thread, or None."""
    value = asking.memory.kept(f"talk:{channel}:{thread}")
    return Shown.of_value(value) if value else None


def shown_in(asking: Asking, message: Mapping[str, Any]) -> Shown | None:
    """What an answer of ours showed, from the message itself."""
    states = (str(block.get("block_id", "")) for block in message.get("blocks") or ())
    return next((what for state in states if (what := of_state(asking, state))), None)


def group_id(member: Member) -> str:
    """What a group is chosen by: the same in every database, whatever it is called by then."""
    return hashlib.sha256(f"{member.dimension}:{member.ref}".encode()).hexdigest()[:24]


def group_name(directory: Directory, asker: Asker, dimension: Dimension, id_: str) -> str | None:
    """The name by which a filter means a group, and where it can be no other; None: gone."""
    seen = sight.visible(directory, dimension, asker)
    members = (member for member in directory.of[dimension] if member.id in seen)
    found = next((member for member in members if group_id(member) == id_), None)
    if found is None:
        return None
    label, alone = sight.labels(directory, asker)[found.id], frozenset({found.id})
    # an address is one person's; what a person calls themselves may be anything, even `me`
    person = dimension is Dimension.CREATOR
    names = (found.detail, label) if person else (label, found.name, found.detail)
    return next(
        (n for n in names if n and sight.find(directory, Filter(dimension, n), asker) == alone),
        label,
    )


def kept_private(asking: Asking, channel: str) -> str:
    """Why an answer is not for everybody of a conversation, as a sentence, or nothing."""
    match asking.slack.outsiders_read(channel):
        case True:
            return OUTSIDERS
        case None:
            return UNSEEN
    return ""


def picture(asking: Asking, asker: Asker, what: Shown) -> str:
    """The uploaded chart of an answer for everybody, or nothing: then the native one stands."""
    if asker.email and what.user:  # whose answer it is is named in it by their mention
        people = (*asker.people, (f"<@{what.user}>", asker.email))
        asker = replace(asker, people=tuple(dict.fromkeys(people)))
    job = Job(what.words, what.at, what.zone, Format.PNG, asker, asking.settings.command)
    try:
        with asking.renderer.file(job) as path:
            return asking.slack.upload_picture(path, "chart.png", "Chart") or ""
    except (RenderError, DeliveryError) as problem:
        log.warning("An answer goes without its picture: %s", problem)
        return ""
