"""What somebody with a limited view may know of: their own creator, their own keys, no one else's.

A question of theirs is narrowed to `creator:me` before it is answered, so that the answer, its
files and its buttons all say whose usage they hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from bot.store.usage.directory import Directory
from reports.questions.grammar import LONGEST, CommandError
from reports.questions.query import Query
from reports.usage import members as names
from reports.usage.dimensions import Dimension, Filter
from reports.wording.safe_text import clean

SELF = "me"
ME = Filter(Dimension.CREATOR, SELF)
NOT_YOU = "You see your own usage only, so the creator can be nobody but you."
NOT_WITHOUT_YOU = "You see your own usage only, so nothing is left without you."


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: their e-mail address, where it is known, and whether they may see only their own.

    `people` are the addresses of those whom the question mentions, by the mention as it stands.
    """

    email: str | None = None
    own_only: bool = False
    people: tuple[tuple[str, str], ...] = ()


ANYONE = Asker()


def own(directory: Directory, asker: Asker) -> frozenset[int]:
    """The creators that a person is: nobody where their address is unknown."""
    return directory.at(asker.email) if asker.email else frozenset()


def visible(directory: Directory, dimension: Dimension, asker: Asker) -> frozenset[int]:
    """The members of a dimension whose names a person may hear; of models, all."""
    everyone = directory.of[dimension]
    if not asker.own_only or dimension is Dimension.MODEL:
        return frozenset(member.id for member in everyone)
    mine = own(directory, asker)
    if dimension is Dimension.CREATOR:
        return mine
    chatroom = directory.ids[Dimension.KEY, ""]
    return frozenset(key for key, owner in directory.owners.items() if owner in mine) | {chatroom}


def labels(directory: Directory, asker: Asker) -> Mapping[int, str]:
    """What members are called before a person: namesakes that they may not know change nothing."""
    if not asker.own_only:
        return directory.labels
    known = directory.seen_by.get(asker.email or "")
    if known is not None:
        return known
    called: dict[int, str] = {}
    for dimension, everyone in directory.of.items():
        seen = visible(directory, dimension, asker)
        called |= names.labels(member for member in everyone if member.id in seen)
    directory.seen_by[asker.email or ""] = called
    return called


def find(directory: Directory, one: Filter, asker: Asker) -> frozenset[int]:
    """The members that a filter means, among those that a person may know of."""
    found = directory.find(one.dimension, one.pattern)
    return found & visible(directory, one.dimension, asker) if asker.own_only else found


def allowed(
    directory: Directory, filters: Iterable[tuple[Filter, frozenset[int]]]
) -> dict[Dimension, frozenset[int]]:
    """The members that filters allow, by dimension; a dimension without a filter is not in it.

    Each filter comes with the members that it means. What is left out is taken from those that are
    asked for, or from all members, use without a key or a creator among them.
    """
    filters = list(filters)
    wanted: dict[Dimension, frozenset[int]] = {}
    for one, found in filters:
        if not one.exclude:
            wanted[one.dimension] = wanted.get(one.dimension, frozenset()) | found
    for one, found in filters:
        if one.exclude:
            everyone = frozenset(member.id for member in directory.of[one.dimension])
            wanted[one.dimension] = wanted.get(one.dimension, everyone) - found
    return wanted


def nearest(directory: Directory, one: Filter, asker: Asker) -> str:
    """The name most like one that means nobody, among those that a person may know of."""
    if not asker.own_only:
        return directory.nearest(one.dimension, one.pattern) or ""
    if one.dimension is Dimension.MODEL:
        return ""  # models are known here because somebody uses them
    seen = visible(directory, one.dimension, asker)
    members = [member for member in directory.of[one.dimension] if member.id in seen]
    return names.nearest(one.pattern, members, dict(labels(directory, asker))) or ""


def narrowed(directory: Directory, query: Query, asker: Asker) -> Query | CommandError:
    """A question as far as its asker may have it answered: with `creator:me` where that is all."""
    if not asker.own_only:
        return query
    mine = own(directory, asker)
    if not mine:
        return CommandError(nobody(asker))
    others = tuple(one for one in query.filters if one.dimension is not Dimension.CREATOR)
    mine_alone = replace(query, filters=(*others, ME))
    for one in query.filters:
        if one.dimension is not Dimension.CREATOR:
            continue
        me = _means(directory, one.pattern, asker) & mine
        if one.exclude and me:
            return CommandError(NOT_WITHOUT_YOU, suggestion=mine_alone.words())
        if not (one.exclude or me):
            return CommandError(NOT_YOU, suggestion=mine_alone.words())
    return mine_alone


def addressed(query: Query, asker: Asker) -> Query:
    """A question with the addresses of the people whom it mentions by their Slack ids.

    Who sees their own usage only hears no address but their own.
    """
    known = {
        mention: email
        for mention, email in asker.people
        if email and (not asker.own_only or email == asker.email)
    }
    filters = tuple(replace(f, pattern=known.get(f.pattern, f.pattern)) for f in query.filters)
    named = replace(query, filters=filters)
    return named if len(named.words()) <= LONGEST else query


def nobody(asker: Asker) -> str:
    """Why there is nothing to show to somebody who sees their own usage only."""
    if not asker.email:
        return "You see your own usage only, and Slack does not tell me your e-mail address."
    return (
        "You see your own usage only, and no member of the OpenRouter organization has your address"
        f" {clean(asker.email)}."
    )


def _means(directory: Directory, pattern: str, asker: Asker) -> frozenset[int]:
    if pattern.casefold() == SELF:
        return own(directory, asker)
    mentioned = dict(asker.people).get(pattern)
    if mentioned is not None:
        return directory.at(mentioned) if mentioned else frozenset()
    return directory.find(Dimension.CREATOR, pattern)
