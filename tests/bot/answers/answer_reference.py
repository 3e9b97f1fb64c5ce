"""What an answer has to say, worked out slowly from the records of an organization."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from fractions import Fraction

from bot.answers.answer import Plan
from bot.demo.openrouter.organization import Organization, Record
from bot.store import Store
from reports.questions.query import Query
from reports.time.time_range import Granularity, TimeRange
from reports.usage.coverage import answerable_range
from reports.usage.dimensions import STORED, Dimension, Metric, MoneySource
from reports.usage.members import CHATROOM, Member, labels

PARTS = {
    Metric.SPEND: {"credits": "credits_nano", "byok": "byok_nano"},
    Metric.TOKENS: {"prompt": "prompt", "completion": "completion", "reasoning": "reasoning"},
    Metric.REQUESTS: {"byok": "byok_requests"},
}


@dataclass(frozen=True)
class Group:
    """The figures of one group by bucket, with what they come to."""

    buckets: tuple[int, ...]
    active: int
    min: int
    max: int
    avg: Fraction
    sum: int
    share: Fraction


def value(one: Record, metric: Metric, money: MoneySource) -> int:
    if metric is Metric.TOKENS:
        return one.prompt + one.completion
    if metric is Metric.REQUESTS:
        return one.requests
    credits_nano = 0 if money is MoneySource.BYOK else one.credits_nano
    return credits_nano + (0 if money is MoneySource.CREDITS else one.byok_nano)


def _labelled(members: list[Member]) -> list[tuple[Member, str]]:
    called = labels(members)
    return [(member, called[member.id]) for member in members]


class Reference:
    """An organization's records, and how its members are called in the cache."""

    def __init__(self, organization: Organization, store: Store) -> None:
        self.organization, self.store = organization, store
        directory = store.directory()
        self.labels = {
            (member.dimension, member.ref): directory.labels[member.id]
            for member in directory.members.values()
        }
        self.names = {
            (member.dimension, member.ref): self._names(member, directory.labels[member.id])
            for member in directory.members.values()
        }

    def called(self, own: set[str] | None) -> dict[tuple[Dimension, str], str]:
        """What members are called before somebody who knows of their own alone."""
        if own is None:
            return self.labels
        owners = {key.hash: key.creator for key in self.organization.keys}
        members = [
            member
            for member in self.store.directory().members.values()
            if member.dimension is Dimension.MODEL
            or (member.ref if member.dimension is Dimension.CREATOR else owners.get(member.ref))
            in own
        ]
        called = {
            (dimension, member.ref): label
            for dimension in STORED
            for member, label in _labelled([m for m in members if m.dimension is dimension])
        }
        return {(Dimension.KEY, ""): CHATROOM} | called

    @staticmethod
    def _names(member, label) -> set[str]:
        names = {label, member.name, member.detail}
        if member.dimension is Dimension.MODEL:
            names.add(member.name.split("/")[-1])
        if member.dimension is Dimension.CREATOR and "@" in member.detail:
            names.add("@" + member.detail.split("@")[0])
        return names - {""}

    def meant(self, dimension: Dimension, pattern: str) -> set[str]:
        """The refs of everybody whom a pattern of a filter means."""
        wanted = pattern.lower().replace("[", "[[]").replace("?", "[?]")
        return {
            ref
            for (kind, ref), names in self.names.items()
            if kind is dimension and any(fnmatchcase(name.lower(), wanted) for name in names)
        }

    def records(self, query: Query, wanted: TimeRange, stored: Granularity, own: set[str] | None):
        """The records that the filters let through, of buckets that are held, in a range."""
        allowed: dict[Dimension, set[str]] = {}
        left_out: dict[Dimension, set[str]] = {}
        for one in query.filters:
            if own is not None and one.pattern == "me":
                continue  # which is what `own` says
            if one.exclude:
                names = self.meant(one.dimension, one.pattern)
                left_out.setdefault(one.dimension, set()).update(names)
                continue
            allowed.setdefault(one.dimension, set()).update(self.meant(one.dimension, one.pattern))
        if own is not None:
            allowed[Dimension.CREATOR] = allowed.get(Dimension.CREATOR, own) & own
        held = self.store.state().coverage[stored]
        for one in self.organization.records:
            refs = {
                Dimension.MODEL: one.model, Dimension.KEY: one.key, Dimension.CREATOR: one.member
            }  # fmt: skip
            passed = all(refs[dimension] in some for dimension, some in allowed.items())
            passed &= all(refs[dimension] not in some for dimension, some in left_out.items())
            if passed and wanted.start <= one.at < wanted.end and self._is_held(one.at, held):
                yield one, refs

    @staticmethod
    def _is_held(at: datetime, held) -> bool:
        return any(start <= at < end for start, end in held)

    def groups(self, plan: Plan, metric: Metric, own: set[str] | None = None) -> dict[str, Group]:
        """Every group of an answer, by its label."""
        query, wanted = plan.query, plan.source.range
        figures: dict[str, list[int]] = defaultdict(lambda: [0] * len(wanted.buckets))
        requests: dict[str, list[int]] = defaultdict(lambda: [0] * len(wanted.buckets))
        labels = self.called(own)
        if query.by is None:
            figures["all"], requests["all"] = figures["all"], requests["all"]
        for one, refs in self.records(query, wanted, plan.source.stored, own):
            label = labels[query.by, refs[query.by]] if query.by else "all"
            index = bisect_right(wanted.buckets, one.at) - 1
            figures[label][index] += value(one, metric, query.source)
            requests[label][index] += one.requests
        everything = sum(map(sum, figures.values()))
        return {
            label: self._group(values, requests[label], everything)
            for label, values in figures.items()
        }

    @staticmethod
    def _group(values: list[int], requests: list[int], everything: int) -> Group:
        used = [v for v, r in zip(values, requests, strict=True) if r]
        return Group(
            tuple(values),
            len(used),
            min(used, default=0),
            max(used, default=0),
            Fraction(sum(used), len(used)) if used else Fraction(0),
            sum(values),
            Fraction(sum(values), everything) if everything else Fraction(0),
        )

    def parts(self, plan: Plan, metric: Metric, own: set[str] | None = None) -> dict[str, int]:
        """What a metric's sum is made of."""
        found = self.records(plan.query, plan.source.range, plan.source.stored, own)
        everything = [one for one, _ in found]
        wanted = PARTS[metric]
        if metric is Metric.SPEND and plan.query.source is not MoneySource.ALL:
            wanted = {str(plan.query.source): wanted[plan.query.source]}
        return {
            name: sum(getattr(one, part) for one in everything) for name, part in wanted.items()
        }

    def previous(self, plan: Plan, metric: Metric, own: set[str] | None = None) -> int | None:
        """The sum of the range before, None where not all of it is held."""
        held = self.store.state().coverage
        before = answerable_range(plan.ranges.previous, held)
        until = min(before.range.end, before.range.until)
        spans = held[before.stored]
        if not any(start <= before.range.start and until <= end for start, end in spans):
            return None
        found = self.records(plan.query, before.range, before.stored, own)
        return sum(value(one, metric, plan.query.source) for one, _ in found)

    def sums(
        self, plan: Plan, wanted: TimeRange, stored: Granularity, metric: Metric
    ) -> dict[str, int]:
        """The sum of each group in some range."""
        query = plan.query
        found: dict[str, int] = defaultdict(int)
        for one, refs in self.records(query, wanted, stored, None):
            label = self.labels[query.by, refs[query.by]] if query.by else "all"
            found[label] += value(one, metric, query.source)
        return found

    def rows(self, plan: Plan, own: set[str] | None = None) -> dict[tuple, list[int]]:
        """Usage by bucket, label and slug, as files have it."""
        query, wanted = plan.query, plan.source.range
        found: dict[tuple, list[int]] = {}
        for one, refs in self.records(query, wanted, plan.source.stored, own):
            label = self.labels[query.by, refs[query.by]] if query.by else "all"
            at = wanted.buckets[bisect_right(wanted.buckets, one.at) - 1]
            row = found.setdefault((at, label, one.model), [0] * 9)
            figures = (
                one.requests, one.byok_requests, one.prompt, one.completion, one.reasoning,
                one.credits_nano, one.byok_nano, one.cached, one.saved_nano,
            )  # fmt: skip
            row[:] = [a + b for a, b in zip(row, figures, strict=True)]
        return found
