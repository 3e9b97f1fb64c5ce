"""Finding the owner of each usage row: OpenRouter answers with names, and two keys may share one.

Members that share a name are queried again by their ids; what is left of the name after that is
the usage of a deleted key or member of the same name.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.openrouter import QueryGrouping, WireRow
from bot.runtime.priority import pausing_for_requests
from bot.store.usage.directory import IMPORTED, UNKNOWN, UNLISTED, Directory
from reports.usage.dimensions import Dimension
from reports.usage.members import Member
from reports.usage.usage import ZERO, Usage, minus, plus

DIMENSION = {QueryGrouping.KEY: Dimension.KEY, QueryGrouping.CREATOR: Dimension.CREATOR}
"""What each usage query besides the total is grouped by: one query, and one view, for each."""
FROM_FILES = (IMPORTED, UNKNOWN)
MADE_UP = ("deleted:", "email:", "name:", UNLISTED, *FROM_FILES)

Found = tuple[str, str, str]
"""A member that only usage rows name, as it is added to the directory: ref, name, detail."""
NameAndEmail = tuple[str, str]
"""A name and an e-mail address, as they come in a row."""
MemberRow = tuple[Member, WireRow]
"""A row that came when its member was queried by id."""
RowPlace = tuple[datetime, str, NameAndEmail]


@dataclass(frozen=True, slots=True)
class AttributedUsage:
    """Usage with its owner: the member's id in the directory."""

    bucket: datetime
    member: int
    model: str
    usage: Usage


class NameResolver:
    """Finds the members of a directory that the names in the rows of one view may mean.

    `listed` says whether OpenRouter's directory could be read as a whole: what it does not know is
    deleted then, else it waits to be listed.
    """

    def __init__(self, view: QueryGrouping, directory: Directory, *, listed: bool = True) -> None:
        self._view = view
        self._listed = listed
        self._since = directory.since
        self._no_member = directory.ids[DIMENSION[view], ""]
        self._by_name: dict[str, list[Member]] = defaultdict(list)
        self._by_email: dict[str, list[Member]] = defaultdict(list)
        for member in directory.of[DIMENSION[view]]:
            if member.ref and not member.ref.startswith(FROM_FILES):
                self._by_name[_name(member)].append(member)
                self._by_email[member.detail.casefold()].append(member)

    def candidates(self, who: NameAndEmail) -> Sequence[Member]:
        """The members that may be meant; an address means one person, an active one first."""
        name, email = who
        if email:
            return sorted(self._by_email.get(email.casefold(), []), key=lambda m: m.gone)[:1]
        return self._by_name.get(name, [])

    def unknown(self, rows: Iterable[WireRow]) -> list[Found]:
        """Members that the rows name and the directory does not know."""
        named = {(row.member, row.email) for row in pausing_for_requests(rows)}
        return [
            self._made_up(who) for who in sorted(named) if any(who) and not self.candidates(who)
        ]

    def shared(self, rows: Sequence[WireRow]) -> frozenset[NameAndEmail]:
        """Names that mean more than one member: known ones, or with a row too many or too early.

        An empty name stands for no member, but also for a person with neither name nor address.
        """
        places = Counter(_place(row) for row in pausing_for_requests(rows))
        doubled = {who for (_, _, who), count in places.items() if count > 1 and any(who)}
        first: dict[NameAndEmail, datetime] = {}
        for bucket, _, who in places:
            first[who] = min(bucket, first.get(who, bucket))
        return frozenset(doubled | {who for who, at in first.items() if self._several(who, at)})

    def _several(self, who: NameAndEmail, first: datetime) -> bool:
        """Whether a name is known to mean several, or was used before its one member was there."""
        candidates = self.candidates(who)
        if len(candidates) != 1:
            return bool(candidates)
        return not any(who) or first < self._since.get(candidates[0].id, first)

    def rounds(self, shared: Iterable[NameAndEmail]) -> list[dict[NameAndEmail, Member]]:
        """Members to query by id, in rounds; within a round, each name belongs to one member."""
        known = {
            who: [member for member in self.candidates(who) if not member.ref.startswith(MADE_UP)]
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
    ) -> list[Found]:
        """Deleted members of the same name that have to be added before `assign` is called."""
        left = {who for _, _, who in _left(rows, member_rows, shared) if any(who)}
        return [self._made_up(who) for who in sorted(left) if self._namesake(who) is None]

    def assign(
        self,
        rows: Sequence[WireRow],
        member_rows: Sequence[MemberRow],
        shared: frozenset[NameAndEmail],
    ) -> Iterable[AttributedUsage]:
        """Every row's usage with its owner."""
        for row in pausing_for_requests(rows):
            who = row.member, row.email
            if who not in shared:
                candidates = self.candidates(who) if any(who) else ()
                owner = candidates[0].id if candidates else self._no_member
                yield AttributedUsage(row.bucket, owner, row.model, row.usage)
        for member, row in member_rows:
            yield AttributedUsage(row.bucket, member.id, row.model, row.usage)
        for (bucket, model, who), usage in _left(rows, member_rows, shared).items():
            namesake = self._namesake(who)
            owner = namesake.id if namesake else self._no_member
            yield AttributedUsage(bucket, owner, model, usage)

    def _namesake(self, who: NameAndEmail) -> Member | None:
        """The member that represents deleted ones of a name."""
        candidates = self.candidates(who) if any(who) else ()
        made_up = [m for m in candidates if m.ref.startswith(MADE_UP)]
        return next(iter(made_up + [m for m in candidates if m.gone]), None)

    def _made_up(self, who: NameAndEmail) -> Found:
        name, email = who
        if not self._listed:
            return f"{UNLISTED}{email or name}", name or email, email
        if self._view is QueryGrouping.KEY:
            return f"deleted:{name}", name, ""
        return (f"email:{email}", name or email, email) if email else (f"name:{name}", name, "")


def _name(member: Member) -> str:
    """The name of a member in rows: empty for members that the directory calls by their id."""
    return "" if member.name == member.ref else member.name


def _place(row: WireRow) -> RowPlace:
    return row.bucket, row.model, (row.member, row.email)


def _left(
    rows: Sequence[WireRow], member_rows: Sequence[MemberRow], shared: frozenset[NameAndEmail]
) -> dict[RowPlace, Usage]:
    """What is left of shared names after the rows queried by id, where more rows came."""
    counts: Counter[RowPlace] = Counter()
    left: dict[RowPlace, Usage] = {}
    for row in pausing_for_requests(rows):
        if (row.member, row.email) in shared:
            counts[_place(row)] += 1
            left[_place(row)] = plus(left.get(_place(row), ZERO), row.usage)
    for _, row in member_rows:
        place = _place(row)
        if place in left:
            counts[place] -= 1
            left[place] = minus(left[place], row.usage)
    return {place: usage for place, usage in left.items() if counts[place] > 0}
