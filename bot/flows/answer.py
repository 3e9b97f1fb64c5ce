"""The street from a question to its answer: names to members, a period to a range, then the sum."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bot.store import Store
from bot.store.directory import Directory
from bot.store.reading import Ranking, Selection
from reports.coverage import Held, Source, gaps, reaches, source
from reports.grammar import CommandError
from reports.names import CHATROOM
from reports.period import Counted
from reports.query import Dimension, Filter, Query
from reports.summary import ALL, Figures, Summary, summarize
from reports.text import clean
from reports.timerange import NotBegunError, Ranges, ranges
from reports.usage import Usage, total

SELF = "me"


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: their e-mail address, where it is known, and whether they may see only their own.

    `people` are the addresses of those whom the question mentions, by the mention as it stands.
    """

    email: str | None = None
    own_only: bool = False
    people: tuple[tuple[str, str], ...] = ()


ANYONE = Asker()


@dataclass(frozen=True, slots=True)
class Plan:
    """A question made exact: whose usage, which range, read at which granularity."""

    query: Query
    selection: Selection
    source: Source
    ranges: Ranges


def answer(
    store: Store, query: Query, now: datetime, zone: str, asker: Asker = ANYONE, *, whole: bool
) -> Summary | CommandError:
    """The answer to a question, or the sentence that says why there is none.

    `zone` is the default zone of calendar periods. `whole` reads the series of all groups, else
    only those of the largest, which is what people look at.
    """
    with store.snapshot():
        return _answer(store, query, now, zone, asker, whole=whole)


def _answer(
    store: Store, query: Query, now: datetime, zone: str, asker: Asker, *, whole: bool
) -> Summary | CommandError:
    plan = make_plan(store, query, now, zone, asker)
    if isinstance(plan, CommandError):
        return plan
    state = store.state()
    stored, wanted = plan.source.stored, plan.source.range
    ranking = None if whole else Ranking(query.top, query.metrics, query.source)
    read = store.read(plan.selection, wanted, stored, ranking)
    labels = _labels(store.directory(), query)
    previous, before = _previous(store, plan, state.held)
    figures = Figures(
        whole=read.whole,
        series={labels[member]: series for member, series in read.series.items()},
        count=read.count,
        previous=previous,
    )
    partial = (
        *_trouble(store),
        *plan.source.partial,
        *before,
        *store.notes(stored, wanted),
        *_crossing_notes(store, plan),
    )
    return summarize(plan.query, wanted, figures, state.synced.get(stored), partial)


def make_plan(
    store: Store, query: Query, now: datetime, zone: str, asker: Asker = ANYONE
) -> Plan | CommandError:
    """Make a question exact at a moment, or say what in it means nothing.

    People mentioned by their Slack id stand in it by their address from then on.
    """
    query = _addressed(query, asker)
    selection = _select(store.directory(), query, asker)
    if isinstance(selection, CommandError):
        return selection
    chosen = query.zone or ("UTC" if isinstance(query.period, Counted) else zone)
    try:
        both = ranges(query.period, now, chosen)
    except NotBegunError as error:
        return CommandError(f"{error}; there is nothing to show yet.", query.words())
    return Plan(query, selection, source(both.current, store.state().held), both)


def _addressed(query: Query, asker: Asker) -> Query:
    known = {mention: email for mention, email in asker.people if email}
    filters = tuple(replace(f, pattern=known.get(f.pattern, f.pattern)) for f in query.filters)
    return replace(query, filters=filters)


def _trouble(store: Store) -> tuple[str, ...]:
    """Why the cache is older than it should be, where the last sync failed."""
    noted = store.fact("trouble")
    if not noted:
        return ()
    trouble = json.loads(noted)
    at = datetime.fromisoformat(trouble["at"])
    return (f"the last sync failed at {at:%H:%M} UTC: {trouble['words']}",)


def _previous(store: Store, plan: Plan, held: Held) -> tuple[Usage | None, tuple[str, ...]]:
    """The usage of the range before, and where it is not counted as the range itself is."""
    before = source(plan.ranges.previous, held)
    if not reaches(before.range, before.stored, held):
        return None, ()
    whole = Selection(None, plan.selection.models, plan.selection.keys, plan.selection.creators)
    if plan.query.by is Dimension.CREATOR and whole.keys is None and whole.creators is None:
        whole = Selection(Dimension.CREATOR, whole.models)
    notes = () if plan.source.partial else before.partial  # what is itself a part needs no more
    usage = total(store.whole(whole, before.range, before.stored))
    return usage, tuple(f"for the period before, {words}" for words in notes)


def _select(directory: Directory, query: Query, asker: Asker) -> Selection | CommandError:
    wanted: dict[Dimension, frozenset[int]] = {}
    for one in query.filters:
        found = _members(directory, one.dimension, one.pattern, asker)
        if isinstance(found, CommandError):
            return _misnamed(query, one, found)
        wanted[one.dimension] = wanted.get(one.dimension, frozenset()) | found
    if asker.own_only:
        own = _own(directory, asker)
        wanted[Dimension.CREATOR] = wanted.get(Dimension.CREATOR, own) & own
    return Selection(
        query.by,
        wanted.get(Dimension.MODEL),
        wanted.get(Dimension.KEY),
        wanted.get(Dimension.CREATOR),
    )


def _misnamed(query: Query, wrong: Filter, found: CommandError) -> CommandError:
    """A filter that means nobody: the whole question without it, and with the nearest name."""
    others = tuple(one for one in query.filters if one is not wrong)
    nearest = Filter(wrong.dimension, found.suggestion)
    meant = tuple(nearest if one is wrong else one for one in query.filters)
    return CommandError(
        found.problem,
        replace(query, filters=others).words(),
        replace(query, filters=meant).words() if found.suggestion else "",
    )


def _members(
    directory: Directory, dimension: Dimension, pattern: str, asker: Asker
) -> frozenset[int] | CommandError:
    if dimension is Dimension.CREATOR:
        if pattern.casefold() == SELF:
            return _person(directory, pattern, asker.email)
        if any(pattern in known for known in asker.people):
            meant = _person(directory, pattern, dict(asker.people).get(pattern, pattern))
            own = _own(directory, asker) if asker.own_only else None
            if own is None or (not isinstance(meant, CommandError) and meant & own):
                return meant
    found = directory.find(dimension, pattern)
    if found:
        if asker.own_only and not found & _visible(directory, dimension, asker):
            found = frozenset()
        else:
            return found
    known = None if asker.own_only else directory.nearest(dimension, pattern)
    return CommandError(f"No {dimension} is called “{clean(pattern)}”.", suggestion=known or "")


def _person(directory: Directory, pattern: str, email: str | None) -> frozenset[int] | CommandError:
    if not email:
        who = "you are" if pattern.casefold() == SELF else "that is"
        return CommandError(
            f"I cannot tell who {who} at OpenRouter, without an e-mail address. Ask by address:"
            " `creator:ada@example.com`."
        )
    found = directory.at(email)
    if found:
        return found
    return CommandError(f"No member of the OpenRouter organisation has the address {clean(email)}.")


def _own(directory: Directory, asker: Asker) -> frozenset[int]:
    """The creators that a person with a limited view is: nobody where the address is unknown."""
    return directory.at(asker.email) if asker.email else frozenset()


def _visible(directory: Directory, dimension: Dimension, asker: Asker) -> frozenset[int]:
    """Members of a dimension whose names a person with a limited view may know of."""
    own = _own(directory, asker)
    if dimension is Dimension.CREATOR:
        return own
    if dimension is Dimension.KEY:
        chatroom = directory.ids[Dimension.KEY, ""]
        return frozenset(k for k, owner in directory.owners.items() if owner in own) | {chatroom}
    return frozenset(member.id for member in directory.of[Dimension.MODEL])


def _labels(directory: Directory, query: Query) -> Mapping[int, str]:
    return {0: ALL} if query.by is None else directory.labels


def _crossing_notes(store: Store, plan: Plan) -> tuple[str, ...]:
    directory, keys = store.directory(), plan.selection.keys
    chatroom = keys is None or directory.ids[Dimension.KEY, ""] in keys
    if not (plan.selection.crossed and chatroom):
        return ()
    notes = []
    if directory.orphans:
        notes.append(
            f"use of deleted keys, and of others whose creators are not known, may stand under"
            f" {CHATROOM}"
        )
    asked = plan.source.range.start, plan.source.range.end
    files = store.state().imported
    grains = plan.source.stored, plan.source.range.granularity
    if any(gaps(asked, files.get(grain, ())) != (asked,) for grain in grains):
        notes.append(f"use from files that do not tell keys may stand under {CHATROOM}")
    return tuple(notes)
