"""Answer a question from the cache: resolve names and the period, then read the sums."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from bot.answers import visibility
from bot.answers.clickhouse_notes import not_in_clickhouse
from bot.answers.comparison import read_comparison
from bot.answers.visibility import ANYONE, SELF, Asker
from bot.store import Store
from bot.store.sync_state import failure, first_sync, missed, read_slowed
from bot.store.usage.directory import Directory
from bot.store.usage.read import Ranking
from bot.store.usage.selection import Selection
from bot.store.usage.traces import NOTE
from reports.questions.grammar import CommandError
from reports.questions.query import Query, Versus
from reports.questions.summary import ALL, Summary, UsageFigures, summarize
from reports.questions.wording import EARLIER, period_words
from reports.time.period import Counted
from reports.time.period_to_range import NotStartedError, OverlapError, Ranges, ranges, shifted_back
from reports.usage.coverage import AnswerableRange, answerable_range, gaps
from reports.usage.dimensions import NAMES, Dimension, Filter
from reports.usage.figure_table import shown
from reports.usage.members import CHATROOM
from reports.wording.safe_text import clean

NOT_STORED = "Only ClickHouse has that; this needs usage that is stored here."


@dataclass(frozen=True, slots=True)
class Plan:
    """A resolved question: selected members, time range, and the granularity to read."""

    query: Query
    selection: Selection
    source: AnswerableRange
    ranges: Ranges


def answer(
    store: Store, query: Query, now: datetime, zone: str, asker: Asker = ANYONE, *, whole: bool
) -> Summary | CommandError:
    """The answer to a question, or the error that explains why there is none.

    `zone` is the default zone of calendar periods. `whole` reads the series of all groups, else
    only of the largest, which is enough for messages.
    """
    with store.snapshot():
        return _answer(store, query, now, zone, asker, whole=whole)


def _answer(
    store: Store, query: Query, now: datetime, zone: str, asker: Asker, *, whole: bool
) -> Summary | CommandError:
    plan = make_plan(store, query, now, zone, asker)
    if isinstance(plan, CommandError):
        return plan
    if query.live:
        return CommandError(NOT_STORED, examples=())
    state = store.state()
    stored, wanted = plan.source.stored, plan.source.range
    ranking = None
    if not whole:
        ranking = Ranking(query.top, query.metrics, query.source)
        plan = replace(plan, selection=replace(plan.selection, figures=shown(query.metrics)))
    read = store.read(plan.selection, wanted, stored, ranking)
    labels = {0: ALL} if query.by is None else visibility.labels(store.directory(), asker)
    compared = read_comparison(store, plan, read, labels, whole=whole)
    series = {labels[member]: buckets for member, buckets in read.series.items()}
    figures = UsageFigures(
        whole=read.whole,
        series=series,
        count=len(series) if whole else read.count,
        unknown=plan.source.unknown,
        incomplete=plan.source.incomplete,
        since=plan.source.since,
    )
    if compared:
        figures = compared.added_to(figures, whole=whole)
    partial = missing(store, plan, compared.partial if compared else ())
    return summarize(plan.query, wanted, figures, state.synced.get(stored), partial)


def zone_of(query: Query, default: str) -> str:
    """The time zone of a question's days: UTC for counted periods unless it names one."""
    return query.zone or ("UTC" if isinstance(query.period, Counted) else default)


def make_plan(
    store: Store, query: Query, now: datetime, zone: str, asker: Asker = ANYONE
) -> Plan | CommandError:
    """Resolve a question at a time (UTC), or return an error.

    Mentioned people are replaced by their e-mail addresses; the question of a person with limited
    visibility is narrowed to their own usage. What only ClickHouse has isn't part of the selection.
    """
    narrowed = visibility.narrowed(store.directory(), query, asker)
    if isinstance(narrowed, CommandError):
        return narrowed
    query = visibility.addressed(narrowed, asker)
    selection = _select(store.directory(), query, asker)
    if isinstance(selection, CommandError):
        return selection
    try:
        both = ranges(query.period, now, zone_of(query, zone))
        if query.versus in EARLIER:
            both = replace(both, previous=shifted_back(both.current, EARLIER[query.versus]))
    except NotStartedError as error:
        return CommandError(f"{error}, so there is nothing to show yet.", query.words())
    except OverlapError as error:
        return CommandError(
            f"{period_words(query.period)[:1].upper()}{period_words(query.period)[1:]} can't be"
            f" compared with `{query.versus}`: {error}.",
            replace(query, versus=None).words(),
            replace(query, versus=Versus.BEFORE).words(),
        )
    return Plan(query, selection, answerable_range(both.current, store.state().coverage), both)


def missing(store: Store, plan: Plan, before: Iterable[str] = ()) -> tuple[str, ...]:
    """Phrases about missing data in the answer to a question.

    `before` are such phrases about the previous period.
    """
    return (
        *_sync_failure(store),
        *_first_sync(store),
        *missed(store, plan.query),
        *_slowed(store, plan.source),
        *plan.source.partial,
        *before,
        *(note for note in store.notes(plan.source.stored, plan.source.range) if note != NOTE),
        *not_in_clickhouse(store, plan.selection, plan.source.range, plan.source.stored),
        *_crossing_notes(store, plan),
    )


def _sync_failure(store: Store) -> tuple[str, ...]:
    """A phrase about the last sync, if it failed."""
    failed = failure(store)
    if failed is None:
        return ()
    return (f"the last sync failed at {failed.at:%H:%M} UTC: {failed.words.removesuffix('.')}",)


def _slowed(store: Store, answered: AnswerableRange) -> tuple[str, ...]:
    """A note that the newest data is older than usual, if there are too many keys to fetch it
    often."""
    slowed = read_slowed(store)
    if slowed is None or not answered.range.unfinished or answered.stored not in slowed.every:
        return ()
    return (slowed.words(answered.stored),)


def _first_sync(store: Store) -> tuple[str, ...]:
    """A phrase about the progress of the first sync, while it runs."""
    progress = first_sync(store)
    return (f"the first sync is still running ({progress})",) if progress else ()


def _select(directory: Directory, query: Query, asker: Asker) -> Selection | CommandError:
    resolved: list[tuple[Filter, frozenset[int]]] = []
    for one in query.filters:
        if NAMES[one.dimension].live:
            continue
        found = _members(directory, one, asker)
        if isinstance(found, CommandError):
            return _unmatched_filter(query, one, found)
        resolved.append((one, found))
    wanted = visibility.allowed(directory, resolved)
    live = query.by is not None and NAMES[query.by].live
    return Selection.of(None if live else query.by, wanted)


def _unmatched_filter(query: Query, unmatched: Filter, found: CommandError) -> CommandError:
    """The error for a filter without a match, with the question without it or corrected."""
    others = tuple(one for one in query.filters if one is not unmatched)
    nearest = replace(unmatched, pattern=found.suggestion)
    corrected = tuple(nearest if one is unmatched else one for one in query.filters)
    return CommandError(
        found.problem,
        replace(query, filters=others).words(),
        replace(query, filters=corrected).words() if found.suggestion else "",
    )


def _members(directory: Directory, one: Filter, asker: Asker) -> frozenset[int] | CommandError:
    if one.dimension is Dimension.CREATOR:
        if one.pattern.casefold() == SELF:
            return _person(directory, one.pattern, asker.email)
        if any(one.pattern in known for known in asker.people):
            address = dict(asker.people).get(one.pattern, one.pattern)
            return _person(directory, one.pattern, address)
    found = visibility.find(directory, one, asker)
    if found or (asker.own_only and one.dimension is Dimension.MODEL):
        return found  # must not reveal whether other people use a model
    of_yours = " of yours" if asker.own_only else ""
    problem = f"No {one.dimension}{of_yours} is called “{clean(one.pattern)}”."
    return CommandError(problem, suggestion=visibility.nearest(directory, one, asker))


def _person(directory: Directory, pattern: str, email: str | None) -> frozenset[int] | CommandError:
    if not email:
        who = "you are" if pattern.casefold() == SELF else "that is"
        return CommandError(
            f"I can't tell who {who} at OpenRouter without an e-mail address. Name the person by"
            " address: `creator:ada@example.com`."
        )
    found = directory.at(email)
    if found:
        return found
    return CommandError(f"Nobody in the OpenRouter organization has the address {clean(email)}.")


def _crossing_notes(store: Store, plan: Plan) -> tuple[str, ...]:
    directory, keys = store.directory(), plan.selection.ids(Dimension.KEY)
    chatroom = keys is None or directory.ids[Dimension.KEY, ""] in keys
    if not (plan.selection.crossed and chatroom):
        return ()
    notes = []
    if directory.orphans:
        notes.append(
            f"usage of deleted keys, and of keys whose creators are unknown, may appear under"
            f" {CHATROOM}"
        )
    asked = plan.source.range.start, plan.source.range.end
    files = store.state().imported
    grains = plan.source.stored, plan.source.range.granularity
    if any(gaps(asked, files.get(grain, ())) != (asked,) for grain in grains):
        notes.append(f"usage from imported files without API keys may appear under {CHATROOM}")
    return tuple(notes)
