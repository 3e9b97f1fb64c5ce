"""Computes a scheduled report as of its due time, and whether its data is complete."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bot.answers import visibility
from bot.answers.answer import Plan, answer, make_plan
from bot.answers.visibility import Asker
from bot.store import Store
from bot.store.usage.directory import Directory
from bot.store.usage.selection import Selection
from bot.store.usage.store import CacheState
from bot.store.usage.traces import NOTE
from reports.questions.grammar import CommandError, QuestionCommand, parse
from reports.questions.query import Query, Versus
from reports.questions.summary import Summary
from reports.schedules.report import Cell, Mover, Report, movers, top_models
from reports.time.time_range import Granularity, floor
from reports.usage.coverage import AnswerableRange, answerable_range, gaps, is_stored
from reports.usage.dimensions import Dimension, Filter, Metric
from reports.usage.members import Member
from reports.usage.usage import ZERO, Usage, plus, total
from reports.usage.windows_to_fetch import HISTORY
from reports.wording.safe_text import clean


@dataclass(frozen=True, slots=True)
class ReportQuestion:
    """The question of a report, its due time (UTC), its zone, and whose visibility applies."""

    query: Query
    at: datetime
    zone: str
    asker: Asker


@dataclass(frozen=True, slots=True)
class SavedNames:
    """The members that a question's filters matched when it was saved, and the people it mentions.

    `named` are tuples (dimension, pattern, OpenRouter's ref, label); `people` are pairs (mention,
    e-mail address).
    """

    named: tuple[tuple[str, str, str, str], ...] = ()
    people: tuple[tuple[str, str], ...] = ()

    def as_json(self) -> str:
        """These names as JSON."""
        return json.dumps({"named": self.named, "people": self.people})

    @classmethod
    def from_json(cls, text: str) -> SavedNames:
        """Parse the JSON."""
        said = json.loads(text) or {}
        return cls(
            tuple((d, p, r, n) for d, p, r, n in said.get("named", ())),
            tuple((mention, email) for mention, email in said.get("people", ())),
        )


def save_names(store: Store, query: Query, asker: Asker) -> SavedNames:
    """Record which members a question's filters match now, except filters with a wildcard."""
    directory = store.directory()
    named = []
    labels = visibility.labels(directory, asker)
    for one in query.filters:
        if "*" in one.pattern or one.dimension is Dimension.MODEL:
            continue
        meant = Filter(one.dimension, _address(one, asker))
        for id_ in sorted(visibility.find(directory, meant, asker)):
            member = directory.members[id_]
            if member.ref:
                named.append((str(one.dimension), one.pattern, member.ref, labels[id_]))
    return SavedNames(tuple(named), asker.people)


def with_current_names(
    store: Store, query: Query, known: SavedNames, owner: Asker
) -> tuple[Query, SavedNames, tuple[str, ...]]:
    """The question with current names, the names to save, and sentences about changes.

    Members that its owner may not see (anymore) are kept unchanged and not mentioned.
    """
    directory = store.directory()
    labels = visibility.labels(directory, owner)
    notes: list[str] = []
    filters = list(query.filters)
    named = []
    for dimension, pattern, ref, name in known.named:
        member = _member(directory, Dimension(dimension), ref)
        if owner.own_only and (member is None or member.id not in labels):
            named.append((dimension, pattern, ref, name))
            continue
        label = labels[member.id] if member else name
        named.append((dimension, pattern, ref, label))
        subject = f"The {dimension} “{clean(name)}”"
        if member is None:
            notes.append(f"{subject} is not known any more.")
            continue
        if member.gone:
            notes.append(f"{subject} is no longer at OpenRouter; what it used before is counted.")
        if label != name:
            notes.append(f"{subject} is called “{clean(label)}” now.")
        one = Filter(Dimension(dimension), pattern)
        no_longer_matches = member.id not in directory.find(one.dimension, _address(one, Asker()))
        mentioned = pattern.startswith("<@") or pattern.casefold() == "me"
        if no_longer_matches and not mentioned and '"' not in label:
            filters = [
                replace(f, pattern=label) if replace(f, exclude=False) == one else f
                for f in filters
            ]
    return (
        replace(query, filters=tuple(dict.fromkeys(filters))),
        SavedNames(tuple(named), known.people),
        tuple(notes),
    )


def stored_query(words: str) -> Query | None:
    """The stored question, or None if this version can't parse it."""
    asked = parse(words)
    return asked.query if isinstance(asked, QuestionCommand) else None


def make_report(store: Store, subject: ReportQuestion) -> Report | CommandError:
    """Compute the report from one snapshot of the database."""
    with store.snapshot():
        plan = make_plan(store, subject.query, subject.at, subject.zone, subject.asker)
        if isinstance(plan, CommandError):
            return plan
        compared = compared_query(subject)
        found = answer(store, compared, subject.at, subject.zone, subject.asker, whole=True)
        if isinstance(found, CommandError):
            return found
        coverage = store.state().coverage
        previous = answerable_range(plan.ranges.previous, coverage)
        has_previous = is_stored(previous.range, previous.stored, coverage)
        metric = subject.query.metric or Metric.SPEND
        labels = visibility.labels(store.directory(), subject.asker)
        moved: tuple[Mover, ...] = ()
        if has_previous and not found.just_begun:
            now_range, then_range = (
                (found.whole.current, found.whole.previous)
                if found.whole
                else (plan.source.range, previous.range)
            )
            now_cells = _cells(store, plan.selection, replace(plan.source, range=now_range), labels)
            then_cells = _cells(store, plan.selection, replace(previous, range=then_range), labels)
            moved = movers(now_cells, then_cells, metric, subject.query.source)
        top = top_models(
            _usage_by_group_and_model(store, plan, labels), metric, subject.query.source
        )
    return replace(report_of(found, subject), top=top, movers=moved)


def compared_query(subject: ReportQuestion) -> Query:
    """What is asked for a report: each group is compared with the previous period."""
    return replace(subject.query, versus=subject.query.versus or Versus.BEFORE)


def report_of(found: Summary, subject: ReportQuestion) -> Report:
    """The report from the answer to its compared question."""
    before = None
    if found.before is not None and subject.query.by:
        groups = found.metrics[subject.query.metric or Metric.SPEND].groups
        before = {group.label: group.previous or 0 for group in groups}
    if subject.query.versus is None:
        found = _uncompared(found)
    return Report(found, before, {}, ())


def _uncompared(found: Summary) -> Summary:
    """The answer to a question without `vs`: without groups that weren't used in the period."""
    metrics = {
        metric: replace(part, groups=tuple(one for one in part.groups if any(one.usage)))
        for metric, part in found.metrics.items()
    }
    return replace(found, query=replace(found.query, versus=None), metrics=metrics)


def is_complete(store: Store, subject: ReportQuestion, now: datetime) -> bool:
    """Whether the period was synced after its end and nothing is missing.

    Usage that OpenRouter may still add counts as missing; usage that it no longer has doesn't.
    """
    with store.snapshot():
        plan = make_plan(store, subject.query, subject.at, subject.zone, subject.asker)
        if isinstance(plan, CommandError):
            return True
        notes = set(store.notes(plan.source.stored, plan.source.range))
        if not plan.selection.views:
            notes.discard(NOTE)  # sums by model come from OpenRouter itself
        return _is_complete(plan, store.state(), now) and not notes


def spend(store: Store, subject: ReportQuestion) -> int | None:
    """The current spend of a period in nano-dollars; None if it is unknown."""
    used = usage(store, subject)
    return None if used is None else used.value(Metric.SPEND, subject.query.source)


def usage(store: Store, subject: ReportQuestion) -> Usage | None:
    """The current usage of a period; None if it is unknown."""
    with store.snapshot():
        plan = make_plan(store, subject.query, subject.at, subject.zone, subject.asker)
        coverage = store.state().coverage
        if isinstance(plan, CommandError) or not is_stored(
            plan.source.range, plan.source.stored, coverage
        ):
            return None
        whole = store.read(plan.selection, plan.source.range, plan.source.stored).whole
    return total(whole)


def _is_complete(plan: Plan, state: CacheState, now: datetime) -> bool:
    wanted, stored = plan.source.range, plan.source.stored
    asked = plan.ranges.current
    local_days = any(floor(edge, Granularity.DAY) != edge for edge in (*asked.buckets, asked.end))
    if local_days and stored is Granularity.DAY and asked.start > now - HISTORY[Granularity.HOUR]:
        # the hours that make up the zone's days aren't stored yet
        wanted, stored = asked, Granularity.HOUR
    synced = state.synced.get(stored)
    if synced is None or synced < wanted.end:
        return False
    start = max(wanted.start, now - HISTORY[stored])
    return start >= wanted.end or not gaps((start, wanted.end), state.coverage.get(stored, ()))


def _cells(
    store: Store, selection: Selection, of: AnswerableRange, labels: Mapping[int, str]
) -> Mapping[Cell, Usage]:
    """Usage of a whole range by key, model and the key's creator."""
    directory = store.directory()
    found: dict[Cell, Usage] = {}
    by_key = selection.grouped(Dimension.KEY)
    for member, model, usage in _rows(store, by_key, of):
        cell = _cell(directory, labels, member, model)
        found[cell] = plus(found.get(cell, ZERO), usage)
    return found


def _usage_by_group_and_model(
    store: Store, plan: Plan, labels: Mapping[int, str]
) -> Iterable[tuple[str, str, Usage]]:
    """Usage of the whole range by group and model."""
    if plan.selection.by not in {Dimension.KEY, Dimension.CREATOR}:
        return []
    directory = store.directory()
    return [
        (labels[member], directory.members[model].name, usage)
        for member, model, usage in _rows(store, plan.selection, plan.source)
    ]


def _rows(
    store: Store, selection: Selection, of: AnswerableRange
) -> Iterable[tuple[int, int, Usage]]:
    whole = replace(of.range, buckets=(of.range.start,), until=of.range.end)
    for _, member, model, usage in store.rows(selection, whole, of.stored):
        yield member, model, usage


def _cell(directory: Directory, labels: Mapping[int, str], key: int, model: int) -> Cell:
    member = directory.members[key]
    slug = directory.members[model].name
    if not member.ref:
        return Cell(labels[key], slug, "")
    owner = directory.owners.get(key)
    creator = labels[owner] if owner and directory.members[owner].ref else ""
    return Cell(creator, slug, labels[key])


def _member(directory: Directory, dimension: Dimension, ref: str) -> Member | None:
    id_ = directory.ids.get((dimension, ref))
    return None if id_ is None else directory.members[id_]


def _address(one: Filter, asker: Asker) -> str:
    if one.dimension is Dimension.CREATOR and one.pattern.casefold() == "me":
        return asker.email or one.pattern
    return dict(asker.people).get(one.pattern) or one.pattern
