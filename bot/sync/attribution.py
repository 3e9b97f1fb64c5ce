"""Attributes usage rows to members: OpenRouter returns names, which several members may share.

Members that share a name are queried again by id. The remaining usage of the name belongs to a
deleted key or member of the same name.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.openrouter import QueryGrouping, WireRow
from bot.runtime.priority import pausing_for_requests
from bot.store.usage.directory import UNLISTED, Directory
from bot.store.usage.trace_members import FROM_ELSEWHERE, SYNTHETIC_REFS
from reports.usage.dimensions import Dimension
from reports.usage.members import Member
from reports.usage.usage import ZERO, Usage, minus, plus

DIMENSION = {QueryGrouping.KEY: Dimension.KEY, QueryGrouping.CREATOR: Dimension.CREATOR}
"""The groupings of usage queries besides the total; each has its own query and view."""

NewMember = tuple[str, str, str]
"""A member that occurs only in usage rows, to be added to the directory: ref, name, detail."""
NameAndEmail = tuple[str, str]
"""The name and e-mail address of a row."""
MemberRow = tuple[Member, WireRow]
"""A member, and a row of the query filtered by its id."""
RowIdentity = tuple[datetime, str, NameAndEmail]


@dataclass(frozen=True, slots=True)
class AttributedUsage:
    """Usage with the id of the member in the directory."""

    bucket: datetime
    member: int
    model: str
    usage: Usage


class NameResolver:
    """Maps names in the rows of one view to members of the directory.

    `listed` says whether OpenRouter's directory was read completely: unknown names are then deleted
    members, else members that haven't been listed yet.
    """

    def __init__(self, view: QueryGrouping, directory: Directory, *, listed: bool = True) -> None:
        self._view = view
        self._listed = listed
        self._since = directory.since
        self._no_member = directory.ids[DIMENSION[view], ""]
        self._by_name: dict[str, list[Member]] = defaultdict(list)
        self._by_email: dict[str, list[Member]] = defaultdict(list)
        for member in directory.of[DIMENSION[view]]:
            if member.ref and not member.ref.startswith(FROM_ELSEWHERE):
                self._by_name[_name(member)].append(member)
                self._by_email[member.detail.casefold()].append(member)

    def candidates(self, who: NameAndEmail) -> Sequence[Member]:
        """The members that a name may refer to; for an e-mail address one member, preferably an
        active one."""
        name, email = who
        if email:
            return sorted(self._by_email.get(email.casefold(), []), key=lambda m: m.gone)[:1]
        return self._by_name.get(name, [])

    def unknown(self, rows: Iterable[WireRow]) -> list[NewMember]:
        """Members that occur in rows but not in the directory."""
        named = {(row.member, row.email) for row in pausing_for_requests(rows)}
        return [
            self._synthetic_member(who)
            for who in sorted(named)
            if any(who) and not self.candidates(who)
        ]

    def shared(self, rows: Sequence[WireRow]) -> frozenset[NameAndEmail]:
        """Names of more than one member: known ones, or with duplicate or too early rows.

        An empty name means no member, or a person with neither name nor address.
        """
        places = Counter(_identity(row) for row in pausing_for_requests(rows))
        doubled = {who for (_, _, who), count in places.items() if count > 1 and any(who)}
        first: dict[NameAndEmail, datetime] = {}
        for bucket, _, who in places:
            first[who] = min(bucket, first.get(who, bucket))
        return frozenset(doubled | {who for who, at in first.items() if self._several(who, at)})

    def _several(self, who: NameAndEmail, first: datetime) -> bool:
        """Whether a name has several members, or was used before its only member existed."""
        candidates = self.candidates(who)
        if len(candidates) != 1:
            return bool(candidates)
        return not any(who) or first < self._since.get(candidates[0].id, first)

    def rounds(self, shared: Iterable[NameAndEmail]) -> list[dict[NameAndEmail, Member]]:
        """Members to query by id, in rounds with at most one member per name."""
        known = {
            who: [
                member
                for member in self.candidates(who)
                if not member.ref.startswith(SYNTHETIC_REFS)
            ]
            for who in sorted(shared)
        }
        longest = max(map(len, known.values()), default=0)
        return [
            {who: members[n] for who, members in known.items() if n < len(members)}
            for n in range(longest)
        ]

    def namesakes(
        self,
        rows: Sequence[WireRow],
        member_rows: Sequence[MemberRow],
        shared: frozenset[NameAndEmail],
    ) -> list[NewMember]:
        """Deleted members of the same name, to be added before `assign` is called."""
        remaining = {who for _, _, who in _remaining_usage(rows, member_rows, shared) if any(who)}
        return [
            self._synthetic_member(who) for who in sorted(remaining) if self._namesake(who) is None
        ]

    def assign(
        self,
        rows: Sequence[WireRow],
        member_rows: Sequence[MemberRow],
        shared: frozenset[NameAndEmail],
    ) -> Iterable[AttributedUsage]:
        """The usage of every row with its member."""
        for row in pausing_for_requests(rows):
            who = row.member, row.email
            if who not in shared:
                candidates = self.candidates(who) if any(who) else ()
                owner = candidates[0].id if candidates else self._no_member
                yield AttributedUsage(row.bucket, owner, row.model, row.usage)
        for member, row in member_rows:
            yield AttributedUsage(row.bucket, member.id, row.model, row.usage)
        for (bucket, model, who), usage in _remaining_usage(rows, member_rows, shared).items():
            namesake = self._namesake(who)
            owner = namesake.id if namesake else self._no_member
            yield AttributedUsage(bucket, owner, model, usage)

    def _namesake(self, who: NameAndEmail) -> Member | None:
        """The member that represents deleted members of a name."""
        candidates = self.candidates(who) if any(who) else ()
        made_up = [m for m in candidates if m.ref.startswith(SYNTHETIC_REFS)]
        return next(iter(made_up + [m for m in candidates if m.gone]), None)

    def _synthetic_member(self, who: NameAndEmail) -> NewMember:
        name, email = who
        if not self._listed:
            return f"{UNLISTED}{email or name}", name or email, email
        if self._view is QueryGrouping.KEY:
            return f"deleted:{name}", name, ""
        return (f"email:{email}", name or email, email) if email else (f"name:{name}", name, "")


def _name(member: Member) -> str:
    """The name of a member in rows: empty if the directory only knows its id."""
    return "" if member.name == member.ref else member.name


def _identity(row: WireRow) -> RowIdentity:
    return row.bucket, row.model, (row.member, row.email)


def _remaining_usage(
    rows: Sequence[WireRow], member_rows: Sequence[MemberRow], shared: frozenset[NameAndEmail]
) -> dict[RowIdentity, Usage]:
    """The usage of shared names minus the rows queried by id, if anything remains."""
    counts: Counter[RowIdentity] = Counter()
    remaining: dict[RowIdentity, Usage] = {}
    for row in pausing_for_requests(rows):
        if (row.member, row.email) in shared:
            counts[_identity(row)] += 1
            remaining[_identity(row)] = plus(remaining.get(_identity(row), ZERO), row.usage)
    for _, row in member_rows:
        identity = _identity(row)
        if identity in remaining:
            counts[identity] -= 1
            remaining[identity] = minus(remaining[identity], row.usage)
    return {identity: usage for identity, usage in remaining.items() if counts[identity] > 0}
