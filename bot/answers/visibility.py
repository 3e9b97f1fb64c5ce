"""Row-level access: which members and usage a person may see under ACTIVITY_VISIBILITY=own.

A question is narrowed to `creator:me` before it is answered, so that the answer, its files and its
buttons all say that they cover the person's own usage.
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
NOT_YOU = "You can only see your own usage, so you can only filter to yourself as creator."
NOT_WITHOUT_YOU = "You can only see your own usage, so nothing is left if you exclude yourself."


@dataclass(frozen=True, slots=True)
class Asker:
    """The person who asks: e-mail address if known, and whether they only see their own usage.

    `people` are pairs of a mention in the question, as written, and the person's e-mail address.
    """

    email: str | None = None
    own_only: bool = False
    people: tuple[tuple[str, str], ...] = ()


ANYONE = Asker()


def own(directory: Directory, asker: Asker) -> frozenset[int]:
    """Ids of the creators with the person's e-mail address; empty if it is unknown."""
    return directory.at(asker.email) if asker.email else frozenset()


def visible(directory: Directory, dimension: Dimension, asker: Asker) -> frozenset[int]:
    """Ids of the members of a dimension that a person may see; all models."""
    everyone = directory.of[dimension]
    if not asker.own_only or dimension is Dimension.MODEL:
        return frozenset(member.id for member in everyone)
    mine = own(directory, asker)
    if dimension is Dimension.CREATOR:
        return mine
    chatroom = directory.ids[Dimension.KEY, ""]
    return frozenset(key for key, owner in directory.owners.items() if owner in mine) | {chatroom}


def labels(directory: Directory, asker: Asker) -> Mapping[int, str]:
    """Labels of the members that a person may see, by id; invisible namesakes have no effect."""
    if not asker.own_only:
        return directory.labels
    known = directory.seen_by.get(asker.email or "")
    if known is not None:
        return known
    by_id: dict[int, str] = {}
    for dimension, members_ in directory.of.items():
        seen = visible(directory, dimension, asker)
        by_id |= names.labels(member for member in members_ if member.id in seen)
    directory.seen_by[asker.email or ""] = by_id
    return by_id


def find(directory: Directory, one: Filter, asker: Asker) -> frozenset[int]:
    """Ids of the members that match a filter, among those that a person may see."""
    found = directory.find(one.dimension, one.pattern)
    return found & visible(directory, one.dimension, asker) if asker.own_only else found


def allowed(
    directory: Directory, filters: Iterable[tuple[Filter, frozenset[int]]]
) -> dict[Dimension, frozenset[int]]:
    """The members that filters allow, by dimension; without dimensions that have no filter.

    Each filter is given with its matching members. Exclusions are subtracted from the included
    members, or from all members (with usage without a key or creator).
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
    """The name closest to a filter without a match, among those that a person may see, or ""."""
    if not asker.own_only:
        return directory.nearest(one.dimension, one.pattern) or ""
    if one.dimension is Dimension.MODEL:
        return ""  # the list of models would reveal what others use
    seen = visible(directory, one.dimension, asker)
    members = [member for member in directory.of[one.dimension] if member.id in seen]
    return names.nearest_name(one.pattern, members, dict(labels(directory, asker))) or ""


def narrowed(directory: Directory, query: Query, asker: Asker) -> Query | CommandError:
    """A question restricted to what its asker may see, with `creator:me` if that is limited."""
    if not asker.own_only:
        return query
    mine = own(directory, asker)
    if not mine:
        return CommandError(why_no_usage(asker))
    others = tuple(one for one in query.filters if one.dimension is not Dimension.CREATOR)
    own_only_query = replace(query, filters=(*others, ME))
    for one in query.filters:
        if one.dimension is not Dimension.CREATOR:
            continue
        me = _creators_of(directory, one.pattern, asker) & mine
        if one.exclude and me:
            return CommandError(NOT_WITHOUT_YOU, suggestion=own_only_query.words())
        if not (one.exclude or me):
            return CommandError(NOT_YOU, suggestion=own_only_query.words())
    return own_only_query


def addressed(query: Query, asker: Asker) -> Query:
    """A question with e-mail addresses instead of mentions by Slack id.

    With limited visibility, only the asker's own mention is replaced.
    """
    known = {
        mention: email
        for mention, email in asker.people
        if email and (not asker.own_only or email == asker.email)
    }
    filters = tuple(replace(f, pattern=known.get(f.pattern, f.pattern)) for f in query.filters)
    named = replace(query, filters=filters)
    return named if len(named.words()) <= LONGEST else query


def why_no_usage(asker: Asker) -> str:
    """The sentence why a person with limited visibility has no usage to show."""
    if not asker.email:
        return "You can only see your own usage, and Slack doesn't tell me your e-mail address."
    return (
        "You can only see your own usage, and no member of the OpenRouter organization has your"
        f" address {clean(asker.email)}."
    )


def _creators_of(directory: Directory, pattern: str, asker: Asker) -> frozenset[int]:
    if pattern.casefold() == SELF:
        return own(directory, asker)
    mentioned = dict(asker.people).get(pattern)
    if mentioned is not None:
        return directory.at(mentioned) if mentioned else frozenset()
    return directory.find(Dimension.CREATOR, pattern)
