"""Usage made by hand for the renderers' tests, and the answers that it adds up to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import groupby

from hypothesis import strategies as st

from reports.questions.query import Query
from reports.questions.summary import Summary, UsageFigures, WholeUsage, summarize
from reports.time.period import Counted, Period, Unit
from reports.time.period_to_range import ranges
from reports.time.time_range import TimeRange
from reports.usage.dimensions import Dimension, Metric
from reports.usage.usage import Usage, UsageRow, total

NOW = datetime(2026, 11, 22, 10, 31, 7, tzinfo=UTC)
MONTH = Counted(1, Unit.MONTH)

MODELS = (
    "anthropic/claude-opus-4.5",
    "google/gemini-3-pro-preview",
    "openai/gpt-5.1-codex",
    "z-ai/glm-4.6:exacto",
    "moonshotai/kimi-k2-thinking",
    "x-ai/grok-4-fast",
)
KEYS = (
    "opencode@opened",
    "beebox",
    "toven openbench",
    "abhinav claude",
    "prod-000 (sk-or-v1-0e6...1c96)",
    "prod-000 (sk-or-v1-77a...02fd)",
    "nightly evals",
    "(chatroom)",
    "support bot",
    "data-labelling",
    "playground",
    "ada's laptop",
)
PEOPLE = ("Ada Lovelace", "Grace Hopper", "Алан Тьюринг", "(no creator)")

HOSTILE = (
    "<!channel>",
    "=cmd()|'/C calc'!A0",
    "a<b",
    '<img src="/etc/passwd">&amp;</para>',
    "(unbalanced \\( parentheses",
    "evil\u202egpj.exe\u2066\u200b",
    "x" * 10_000,
    "🚀 launch 👩‍🚀",
    "生产密钥 プロダクション 프로덕션",
    "مفتاح الإنتاج 42",
    "מפתח ייצור 7",
    "กุญแจการผลิต",
    "𓀀 hieroglyph",
    "tab\tnew\nline\x00\x1b[31m",
    "half \ud800 pair",
    "",
)


def noise(*numbers: int) -> int:
    """A number below a thousand that looks random and is always the same."""
    value = 17
    for number in numbers:
        value = (value * 6364136223846793005 + number * 1442695040888963407 + 1) % 2**64
        value ^= value >> 29
    return value % 1000


def usage(*numbers: int, scale: int = 1) -> Usage:
    """Some usage that is always the same for the same numbers."""
    requests = scale * (1 + noise(1, *numbers) % 90)
    prompt = requests * (500 + 7 * noise(2, *numbers))
    completion = requests * (20 + noise(3, *numbers))
    byok = 1234567 * prompt // 700 if noise(4, *numbers) < 200 else 0
    return Usage(
        requests,
        requests if byok else 0,
        prompt,
        completion,
        completion // 3 if noise(5, *numbers) < 500 else 0,
        0 if byok else 3_000 * prompt + 15_011 * completion,
        byok,
    )


def time_range(period: Period = MONTH, zone: str = "UTC", now: datetime = NOW) -> TimeRange:
    """The range that a period means at the moment of all samples."""
    return ranges(period, now, zone).current


def rows(
    span: TimeRange,
    members: Iterable[str] = KEYS,
    models: tuple[str, ...] = MODELS,
    by: Dimension = Dimension.KEY,
    density: int = 350,
) -> list[UsageRow]:
    """Rows for most buckets and members, newest first; earlier members use more."""
    names = list(models if by is Dimension.MODEL else members)
    return [
        UsageRow(bucket, name, model, usage(b, m, n, scale=1 + 40 // (1 + n)))
        for b, bucket in reversed(list(enumerate(span.buckets)))
        for n, name in enumerate(names)
        for m, model in enumerate((name,) if by is Dimension.MODEL else models)
        if noise(6, b, m, n) < density
    ]


def answer(
    query: Query,
    used: list[UsageRow],
    span: TimeRange,
    *,
    previous: Usage | None = None,
    partial: tuple[str, ...] = (),
    shown: tuple[str, ...] | None = None,
    before: Mapping[str, Usage] | None = None,
    unknown: Iterable[int] = (),
    incomplete: Iterable[int] = (),
    since: datetime | None = None,
    previous_range: TimeRange | None = None,
    through_whole: WholeUsage | None = None,
) -> Summary:
    """What rows add up to, as the cache would say it; of some groups only, if `shown`."""
    series: dict[str, dict[int, Usage]] = {}
    whole = [Usage()] * len(span.buckets)
    for bucket, member, _, used_here in used:
        label, index = member if query.by else "all", span.index(bucket)
        buckets = series.setdefault(label, {})
        buckets[index] = total([buckets.get(index, Usage()), used_here])
        whole[index] = total([whole[index], used_here])
    seen = {label: series[label] for label in series if shown is None or label in shown}
    if before is not None:
        seen = {**{label: {} for label in before}, **seen}
        previous = total(before.values())
    figures = UsageFigures(
        whole=tuple(whole),
        series=seen,
        count=len({*series, *seen}),
        previous=previous,
        before=before,
        unknown=frozenset(unknown),
        incomplete=frozenset(incomplete),
        since=since,
        previous_range=previous_range,
        through_whole=through_whole,
    )
    return summarize(query, span, figures, as_of=span.until, partial=partial)


def sections(query: Query, used: list[UsageRow]) -> Iterator[tuple[str, list[UsageRow]]]:
    """The rows of each group, the largest group first."""
    if query.by is None:
        yield "all", used
        return
    in_order = sorted(used, key=lambda row: row.member)
    parts = {member: list(group) for member, group in groupby(in_order, lambda row: row.member)}
    metric = query.metric or Metric.SPEND
    sums = {
        member: total(row.usage for row in part).value(metric, query.source)
        for member, part in parts.items()
    }
    for member in sorted(sums, key=lambda member: (-sums[member], member)):
        yield member, sorted(parts[member], key=lambda row: row.bucket, reverse=True)


names = st.one_of(st.sampled_from([*KEYS, *HOSTILE]), st.text(max_size=20))
_counts = st.integers(0, 10**12)
_money = st.integers(0, 10**15)
usages = st.builds(Usage, *[_counts] * 5, _money, _money, _counts, _money)


@st.composite
def used_rows(draw: st.DrawFn, span: TimeRange) -> list[UsageRow]:
    """Any rows at all of a range, one for each bucket, member and model, newest first."""
    keys = st.tuples(st.sampled_from(span.buckets), names, st.sampled_from([*MODELS, *HOSTILE]))
    found = draw(st.dictionaries(keys, usages, max_size=12))
    return sorted((UsageRow(*key, value) for key, value in found.items()), reverse=True)
