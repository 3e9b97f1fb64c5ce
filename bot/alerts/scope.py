"""Whose usage an alert rule looks at, as its maker may see it today."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bot.answers import visibility
from bot.answers.visibility import SELF, Asker
from bot.store.usage.directory import Directory
from bot.store.usage.selection import Ids, Selection
from reports.alerts.needed_usage import grouping
from reports.alerts.rule import Rule
from reports.usage.dimensions import Dimension, Filter


@dataclass(frozen=True, slots=True)
class RuleMembers:
    """What the names of a rule meant when it was made: they may be called otherwise since.

    `people` are the addresses of those it mentions, `refs` what OpenRouter knows members by.
    """

    people: tuple[tuple[str, str], ...] = ()
    refs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def as_json(self) -> str:
        """As it is kept."""
        refs = {name: list(found) for name, found in self.refs.items()}
        return json.dumps({"people": list(self.people), "refs": refs})

    @classmethod
    def of_json(cls, text: str) -> RuleMembers:
        """What was kept."""
        kept = json.loads(text)
        if not isinstance(kept, dict):
            return cls()
        people = tuple((str(who), str(email)) for who, email in kept.get("people", []))
        refs = {str(k): tuple(map(str, v)) for k, v in kept.get("refs", {}).items()}
        return cls(people, refs)


def rule_members(directory: Directory, rule: Rule, asker: Asker) -> RuleMembers:
    """What the names of a rule mean now; patterns mean whoever fits them later on."""
    refs = {}
    for one in rule.filters:
        if "*" not in one.pattern:
            found = sorted(members_of_filter(directory, one, asker, RuleMembers()))
            refs[str(one)] = tuple(directory.members[id_].ref for id_ in found)
    return RuleMembers(asker.people, refs)


def members_of_filter(directory: Directory, one: Filter, asker: Asker, known: RuleMembers) -> Ids:
    """The members that a filter of a rule means today."""
    pattern = one.pattern
    people = dict(asker.people) | dict(known.people)
    if one.dimension is Dimension.CREATOR and pattern.casefold() == SELF:
        return visibility.own(directory, asker)
    if pattern in people:
        found = directory.at(people[pattern]) if people[pattern] else frozenset()
    else:
        found = directory.find(one.dimension, pattern)
    if not found:  # it was renamed
        refs = known.refs.get(str(one), ())
        ids = (directory.ids.get((one.dimension, ref)) for ref in refs)
        found = frozenset(id_ for id_ in ids if id_ is not None)
    if not asker.own_only:
        return found
    return found & visibility.visible(directory, one.dimension, asker)


def with_names(
    directory: Directory, rule: Rule, asker: Asker, known: RuleMembers, *, me: bool
) -> Rule:
    """A rule as somebody reads it: people by their names, `me` as well where it is not they."""
    labels = visibility.labels(directory, asker)

    def named(one: Filter) -> Filter:
        mine = one.pattern.casefold() == SELF
        if one.dimension is not Dimension.CREATOR or not (
            (mine and me) or one.pattern.startswith("<@")
        ):
            return one
        names = [
            labels[id_] for id_ in members_of_filter(directory, one, asker, known) if id_ in labels
        ]
        name = names[0] if len(names) == 1 else asker.email if mine else ""
        return replace(one, pattern=name.replace('"', "'")) if name else one

    return replace(rule, filters=tuple(map(named, rule.filters)))


@dataclass(frozen=True, slots=True)
class Scope:
    """A rule's usage: fetched by which dimension and through which filters, and whose of it.

    `members` are those it is about (None: all); `separately`: each of them is judged on its own.
    """

    by: Dimension | None
    selection: Selection
    members: Ids | None
    separately: bool


def allowed_members(
    directory: Directory, rule: Rule, asker: Asker, known: RuleMembers
) -> dict[Dimension, Ids]:
    """The members of each dimension that a rule is narrowed to today, and its maker may see."""
    wanted = visibility.allowed(
        directory, ((one, members_of_filter(directory, one, asker, known)) for one in rule.filters)
    )
    if asker.own_only:
        mine = visibility.own(directory, asker)
        wanted[Dimension.CREATOR] = wanted.get(Dimension.CREATOR, mine) & mine
    return wanted


def scope_of(directory: Directory, rule: Rule, asker: Asker, known: RuleMembers) -> Scope:
    """Whose usage a rule looks at today. With a limited view that is one's own and no more."""
    wanted = allowed_members(directory, rule, asker, known)
    by, filters = grouping(rule)
    separately = rule.by is not None
    if not filters and set(wanted) <= {by}:
        return Scope(by, Selection(), wanted.get(by) if by else None, separately)
    if by is None and len(wanted) == 1:
        [(alone, ids)] = wanted.items()
        return Scope(alone, Selection(), ids, separately)
    narrow = Selection.of(None, wanted)
    return Scope(rule.by, narrow, wanted.get(rule.by) if rule.by else None, separately)


def creator_email(directory: Directory, scope: Scope, subject: str) -> str:
    """The address of the creator whom a subject concerns: of a key, or of themselves."""
    members = _about(scope, subject)
    if len(members) != 1:
        return ""
    member = directory.members.get(next(iter(members)))
    if member is None:
        return ""
    if member.dimension is Dimension.KEY:
        member = directory.members.get(directory.owners.get(member.id, 0))
    if member is None or member.dimension is not Dimension.CREATOR:
        return ""
    return member.detail


def _about(scope: Scope, subject: str) -> Ids:
    if subject.isdecimal():
        return frozenset({int(subject)})
    narrow = scope.selection
    filtered = narrow.ids(Dimension.KEY) or narrow.ids(Dimension.CREATOR)
    return scope.members or filtered or frozenset()
