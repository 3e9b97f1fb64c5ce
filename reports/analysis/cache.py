"""Computes the share of prompt tokens that came from a cache, and what caching saved.

Both figures come from OpenRouter. More tokens can be cached than were in the prompt, and writing to
a cache can cost more than reading from it saved; both are reported unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import accumulate, pairwise
from statistics import median

from reports.usage.usage import Usage, total

_FEWEST_BEFORE, _FEWEST_AFTER = 3, 3
"""Buckets on each side of a drop: fewer before aren't a usual level, and two days after may be a
weekend with different usage."""
_SMALLEST_FALL = Fraction(1, 10)
"""A drop of less than ten percentage points occurs by itself as usage varies."""
_ABOVE_NOISE = 3
"""A drop is at least this many times the median change between buckets: less may be chance."""
_MOST_FALLS = 50
"""The number of largest groups in which drops are searched for: as many as a table can have."""


@dataclass(frozen=True, slots=True)
class CacheFall:
    """A share of cached prompt tokens that fell and stayed low.

    `since` is the index of the first bucket after it; `before` and `after` are the shares on both
    sides. `missed` is how much more caching would have saved since then at the earlier share and
    the earlier saving per cached token, in nano-dollars; None if that can't be computed.
    """

    since: int
    before: Fraction
    after: Fraction
    missed: int | None = None


@dataclass(frozen=True, slots=True)
class CacheUse:
    """Tokens, and what the cache saved in nano-dollars (negative if it cost more).

    `cached` and `saved` are None if unknown; `reasoning` is a part of completion.
    """

    label: str
    prompt: int
    cached: int | None
    saved: int | None
    completion: int
    reasoning: int
    fall: CacheFall | None = None

    @property
    def share(self) -> Fraction | None:
        """Cached tokens as a share of prompt tokens; above 1 is possible; None if unknown."""
        if self.cached is None or not self.prompt:
            return None
        return Fraction(self.cached, self.prompt)

    @property
    def reasoning_share(self) -> Fraction | None:
        """Reasoning tokens as a share of completion tokens; None without any completion."""
        return Fraction(self.reasoning, self.completion) if self.completion else None


@dataclass(frozen=True, slots=True)
class UnknownFigures:
    """The indexes of the buckets in which each figure is unknown; usage has 0 for it there."""

    cached: frozenset[int] = frozenset()
    saved: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class CacheReport:
    """The whole and its groups (most prompt tokens first), over the counted buckets.

    `buckets` is the usage of the whole by bucket index. `left_out` are the indexes of buckets with
    usage whose cached tokens are unknown: these buckets aren't counted, unless cached tokens are
    unknown in all buckets. Then everything else is counted, and `cached` is None.
    """

    whole: CacheUse
    groups: tuple[CacheUse, ...]
    buckets: Mapping[int, Usage]
    left_out: frozenset[int]


Series = Mapping[str, Mapping[int, Usage]]
"""Usage by label and by bucket index."""


@dataclass(frozen=True, slots=True)
class GroupUsage:
    """The usage of groups, of which only what a report needs is read.

    `whole` is the usage of all together by bucket index, `sums` returns that of each group over
    some buckets, `series` that of some groups (labels) by bucket index.
    """

    whole: Mapping[int, Usage]
    sums: Callable[[Set[int]], Mapping[str, Usage]]
    series: Callable[[Sequence[str]], Series]

    @classmethod
    def of(cls, groups: Series) -> GroupUsage:
        """The same from the series of all groups."""
        return cls(_by_bucket(groups.values()), partial(sums_of, groups), lambda _: groups)


def sums_of(groups: Series, counted: Set[int]) -> Mapping[str, Usage]:
    """The usage of each group over some buckets."""
    return {
        label: total(buckets[index] for index in sorted(counted & buckets.keys()))
        for label, buckets in groups.items()
    }


def cache_report(
    groups: Series | GroupUsage,
    unknown: UnknownFigures = UnknownFigures(),
    *,
    falls: bool = True,
    running: int | None = None,
) -> CacheReport:
    """Report what caching did over a range.

    `falls` says whether to look for drops of the share: within a day, it varies by hour. `running`
    is the index of a bucket that isn't over, which is no evidence of a drop that lasts. Groups
    without tokens are left out. All figures cover the same buckets, so the groups add up to the
    whole, and a share is the quotient of the figures shown with it.
    """
    if not isinstance(groups, GroupUsage):
        groups = GroupUsage.of(groups)
    whole = groups.whole
    used = {index for index, usage in whole.items() if usage.tokens}
    left_out = frozenset(used & unknown.cached)
    counted = used - left_out
    known = bool(counted) or not left_out
    if not known:
        counted = used
    saved = known and not counted & unknown.saved
    found = [_use(label, usage, known, saved) for label, usage in groups.sums(counted).items()]
    found = [one for one in found if one.prompt or one.completion]
    found.sort(key=lambda one: (-one.prompt, -one.completion, one.label))
    if known and falls:
        series = groups.series([one.label for one in found[:_MOST_FALLS]])
        looked_for = (
            replace(one, fall=_fall(series[one.label], counted, saved, running))
            for one in found[:_MOST_FALLS]
        )
        found[:_MOST_FALLS] = list(looked_for)
    of_all = total(whole[index] for index in sorted(counted))
    everything = _use("all", of_all, known, saved)
    if known and falls:
        everything = replace(everything, fall=_fall(whole, counted, saved, running))
    return CacheReport(everything, tuple(found), whole, left_out)


def together(uses: Iterable[CacheUse], label: str = "") -> CacheUse:
    """Combine several groups; a figure that is unknown for one of them is unknown for the
    result."""
    uses = list(uses)
    return CacheUse(
        label,
        sum(one.prompt for one in uses),
        _sum([one.cached for one in uses]),
        _sum([one.saved for one in uses]),
        sum(one.completion for one in uses),
        sum(one.reasoning for one in uses),
    )


def find_fall(
    buckets: Mapping[int, Usage], *, saved: bool = True, running: int | None = None
) -> CacheFall | None:
    """Find where the share of cached prompt tokens fell and stayed low; None if it didn't.

    `buckets` is usage by bucket index, of buckets whose cached tokens are known; `saved` says
    whether the savings are known too. Of all buckets after which the share is lower, it is the one
    that explains most of the share's variance, weighted by prompt tokens. If the level before it
    started with a rise, it counts from there. The share still has to be low in the last buckets.
    The bucket `running` isn't over, so it is no evidence, but part of what the fall cost.
    """
    indexes = [index for index in sorted(buckets) if buckets[index].prompt and index != running]
    used = [buckets[index] for index in indexes]
    shares = [usage.cached / usage.prompt for usage in used]
    if len(used) < _FEWEST_BEFORE + _FEWEST_AFTER or max(shares) - min(shares) < _SMALLEST_FALL:
        return None
    at = _largest_step(used, down=True)
    if not at:
        return None
    first = _largest_step(used[:at], down=False) if at > 2 * _FEWEST_BEFORE else 0
    before, after = total(used[first:at]), total(used[at:])
    was, is_ = _share(before), _share(after)
    noise = median(abs(one - other) for one, other in pairwise(shares))
    if was - is_ < max(float(_SMALLEST_FALL), _ABOVE_NOISE * noise):
        return None
    if max(shares[at], *shares[-_FEWEST_AFTER:]) >= (was + is_) / 2:
        return None  # one or two low buckets by chance, or the share has recovered
    if running is not None and running in buckets:
        after = total([after, buckets[running]])
    return CacheFall(indexes[at], was, _share(after), _missed(before, after) if saved else None)


def _largest_step(used: Sequence[Usage], *, down: bool) -> int:
    """The index of the largest step down (or up) of the share, by the sum of squares that it
    explains.

    0 if no step is large enough to count.
    """
    prompts = list(accumulate(usage.prompt for usage in used))
    cached = list(accumulate(usage.cached for usage in used))
    best, found = 0.0, 0
    for at in range(_FEWEST_BEFORE, len(used) - _FEWEST_AFTER + 1):
        before, after = prompts[at - 1], prompts[-1] - prompts[at - 1]
        step = cached[at - 1] / before - (cached[-1] - cached[at - 1]) / after
        explained = before / prompts[-1] * after * step * step
        if (step if down else -step) >= _SMALLEST_FALL and explained > best:
            best, found = explained, at
    return found


def _missed(before: Usage, after: Usage) -> int | None:
    """How much less was saved than at the earlier share, in nano-dollars; None if nothing was
    saved."""
    if not before.cached or before.saved <= 0:
        return None
    fewer = _share(before) * after.prompt - after.cached
    return round(fewer * Fraction(before.saved, before.cached))


def _share(usage: Usage) -> Fraction:
    return Fraction(usage.cached, usage.prompt)


def _use(label: str, usage: Usage, known: bool, saved: bool) -> CacheUse:
    return CacheUse(
        label,
        usage.prompt,
        usage.cached if known else None,
        usage.saved if saved else None,
        usage.completion,
        usage.reasoning,
    )


def _by_bucket(groups: Iterable[Mapping[int, Usage]]) -> dict[int, Usage]:
    found: dict[int, list[Usage]] = {}
    for buckets in groups:
        for index, usage in buckets.items():
            found.setdefault(index, []).append(usage)
    return {index: total(usages) for index, usages in found.items()}


def _fall(
    buckets: Mapping[int, Usage], counted: set[int], saved: bool, running: int | None
) -> CacheFall | None:
    return find_fall(_counted(buckets, counted), saved=saved, running=running)


def _counted(buckets: Mapping[int, Usage], counted: set[int]) -> dict[int, Usage]:
    return {index: usage for index, usage in buckets.items() if index in counted}


def _sum(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
