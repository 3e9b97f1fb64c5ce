"""Determines the usage that an alert rule covers, limited to what its owner may see today."""

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
    """The members that a rule's names referred to when it was set up: they may be renamed later.

    `people` are Slack mentions and their e-mail addresses, `refs` OpenRouter's ids by filter.
    """

    people: tuple[tuple[str, str], ...] = ()
    refs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def as_json(self) -> str:
        """These members as JSON, to be stored with the rule."""
        refs = {name: list(found) for name, found in self.refs.items()}
        return json.dumps({"people": list(self.people), "refs": refs})

    @classmethod
    def of_json(cls, text: str) -> RuleMembers:
        """Read the stored JSON."""
        kept = json.loads(text)
        if not isinstance(kept, dict):
            return cls()
        people = tuple((str(who), str(email)) for who, email in kept.get("people", []))
        refs = {str(k): tuple(map(str, v)) for k, v in kept.get("refs", {}).items()}
        return cls(people, refs)


def rule_members(directory: Directory, rule: Rule, asker: Asker) -> RuleMembers:
    """The members that a rule's names refer to now. Patterns are matched at each evaluation."""
    refs = {}
    for one in rule.filters:
        if "*" not in one.pattern:
            found = sorted(members_of_filter(directory, one, asker, RuleMembers()))
            refs[str(one)] = tuple(directory.members[id_].ref for id_ in found)
    return RuleMembers(asker.people, refs)


def members_of_filter(directory: Directory, one: Filter, asker: Asker, known: RuleMembers) -> Ids:
    """The members that a filter of a rule refers to today."""
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
    """A rule with the names of people; if `me` is set, the filter `me` also becomes a name."""
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
    """A rule's usage: the dimension it is grouped by, and the filters of the query.

    `members` are those that the rule covers (None: all). `separately`: each of them is evaluated by
    itself, else all of them together.
    """

    by: Dimension | None
    selection: Selection
    members: Ids | None
    separately: bool


def allowed_members(
    directory: Directory, rule: Rule, asker: Asker, known: RuleMembers
) -> dict[Dimension, Ids]:
    """The members of each dimension that a rule is limited to and that its owner may see today."""
    wanted = visibility.allowed(
        directory, ((one, members_of_filter(directory, one, asker, known)) for one in rule.filters)
    )
    if asker.own_only:
        mine = visibility.own(directory, asker)
        wanted[Dimension.CREATOR] = wanted.get(Dimension.CREATOR, mine) & mine
    return wanted


def scope_of(directory: Directory, rule: Rule, asker: Asker, known: RuleMembers) -> Scope:
    """The usage that a rule covers today; an owner with limited visibility only sees their own."""
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
    """The e-mail address of the creator of a subject, a key or a creator; "" if it has none."""
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
