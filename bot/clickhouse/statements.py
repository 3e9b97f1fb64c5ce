"""The statements that are sent to ClickHouse.

Values are parameters (`{name:Type}`), never a part of the text. Only names of columns are part of
it; they come from the server and were matched with known ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.clickhouse.columns import TraceColumn, TraceColumns, TraceField

COLUMNS = (
    "SELECT name, type FROM system.columns"
    " WHERE database = currentDatabase() AND table = {name:String} FORMAT JSONEachRow"
)

PICO = 10**12
"""Costs are summed in whole pico-dollars, so that even sums of many small costs are exact."""

MOST = "1e12"
"""Above any real number of tokens, dollars or milliseconds of a request. What isn't below is
unknown: the server fails for NaN and infinity as whole numbers, and what it makes of other numbers
beyond their range depends on its processor."""

LEVELS = "0.5, 0.95"
"""The quantiles of latency: p50 and p95."""


@dataclass(frozen=True, slots=True)
class TraceSelection:
    """Which generations a question is about, and what they are grouped by.

    `by` is a column whose values are the groups. Else, with `places`, the groups are numbers that
    the parameters give to pairs of key and owner, or with `models` to names of models; what has no
    number is left out. `places` is the number of parameters that the pairs take. `patterns` are
    columns of which the parameter `only_COLUMN` or `without_COLUMN` (regular expressions) says
    which values are meant.
    """

    by: TraceField | None = None
    places: int = 0
    models: bool = False
    grouped_by_model: bool = False
    patterns: tuple[tuple[TraceField, bool], ...] = field(default=())


def places(columns: TraceColumns) -> str:
    """Requests by key, owner and model, also of keys whose requests all failed.

    Parameters as for `check`, and `counted` (milliseconds): later requests aren't counted.
    """
    time = _quoted(columns.get(TraceField.TIME))
    counts = (
        f", NOT {_unused(columns)} AND {time} < fromUnixTimestamp64Milli({{counted:Int64}})"
        " AS r_counts"
    )
    return (
        "SELECT r_key, r_owner, r_model, countIf(r_counts) AS r_requests"
        f" FROM ({_generations(columns, 'toUInt8(0)', counts, failed=True)})"
        " GROUP BY r_key, r_owner, r_model FORMAT JSONEachRow"
    )


def live_usage(columns: TraceColumns, selection: TraceSelection, *, models: bool) -> str:
    """Usage by bucket and group, and by model where `models` says so.

    Parameters as for `check`, and `edges` (the starts of the buckets in seconds), with those of the
    selection.
    """
    model = "r_model" if models else "''"
    return (
        f"SELECT r_bucket, r_group, {model} AS r_model_1, {_SUMS}"
        f" FROM ({_selected(columns, selection)})"
        " GROUP BY r_bucket, r_group, r_model_1 FORMAT JSONEachRow"
    )


def quality(columns: TraceColumns, selection: TraceSelection) -> str:
    """Requests, failed ones, and quantiles of latency in microseconds: of all, by bucket, by group.

    Parameters as for `live_usage`. A row is about all where `r_kind` is `all`, else about the
    bucket or the group in `r_value`. Failed requests have no latency.
    """
    return (
        "SELECT r_place.1 AS r_kind, r_place.2 AS r_value, count() AS r_requests,"
        " countIf(r_failed) AS r_failures, countIf(r_timed) AS r_timings,"
        # exact, since the number of values of 31 days is no problem for the server
        f" quantilesExactIf({LEVELS})(r_micros, r_timed) AS r_quantiles FROM ("
        "SELECT *, r_micros >= 0 AND NOT r_failed AS r_timed,"
        " arrayJoin([('all', ''), ('bucket', toString(r_bucket)), ('group', r_group)]) AS r_place"
        f" FROM ({_selected(columns, selection, failed=True)}))"
        " GROUP BY r_kind, r_value FORMAT JSONEachRow"
    )


def usage(columns: TraceColumns) -> str:
    """Usage by bucket, key, owner and model, newest bucket first.

    Parameters: `table`, `start` and `end` (milliseconds, end exclusive), `step` (seconds a bucket).
    """
    return (
        f"SELECT r_bucket, r_key, r_owner, r_model, {_SUMS}"
        f" FROM ({_generations(columns, _STEPS)})"
        " GROUP BY r_bucket, r_key, r_owner, r_model ORDER BY r_bucket DESC FORMAT JSONEachRow"
    )


def check(columns: TraceColumns) -> str:
    """Count the rows, generations, and generations with cost metadata in a window.

    Parameters as for `usage`, without `step`.
    """
    has_costs = _metadata(columns, "JSONHas", "is_byok")
    span = _text(columns.get(TraceField.SPAN))
    trace = _text(columns.get(TraceField.TRACE))
    return (
        f"SELECT count() AS r_rows, uniqExact({trace}, {span}) AS r_generations,"
        f" uniqExactIf({trace}, {span}, {has_costs}) AS r_with_costs"
        f" FROM {{table:Identifier}} WHERE {_within(columns)} FORMAT JSONEachRow"
    )


def zone(columns: TraceColumns) -> str:
    """The time zone in which times are read from text: the column's, or else the server's.

    Parameter: `table`.
    """
    time = _quoted(columns.get(TraceField.TIME))
    return (
        f"SELECT timeZoneOf(any({time})) AS r_zone FROM {{table:Identifier}} WHERE 0"
        " FORMAT JSONEachRow"
    )


_SUMS = (
    "count() AS r_requests, sum(r_is_byok) AS r_byok_requests, sum(r_prompt_1) AS r_prompt,"
    " sum(r_completion_1) AS r_completion, sum(r_reasoning_1) AS r_reasoning,"
    " toString(sum(r_cost)) AS r_credits, toString(sum(r_byok_cost)) AS r_byok,"
    " sum(r_cached_1) AS r_cached"
)
_STEPS = "intDiv(toUnixTimestamp({time}), {{step:UInt32}}) * {{step:UInt32}}"
_EDGES = "roundDown(toInt64(toUnixTimestamp({time})), {{edges:Array(Int64)}})"
_PLACE = "halfMD5(concat({owner}, '\\n', {key}))"
"""A pair of owner and key as a number, which is shorter than the names and needs no quotes."""
_MODEL = "halfMD5({model})"


def _selected(columns: TraceColumns, selection: TraceSelection, *, failed: bool = False) -> str:
    """The generations of a selection, each once, with their group as text."""
    names = {"owner": _owner(columns), "key": _text(columns.get(TraceField.KEY))}
    model = _MODEL.format(model=_text(columns.get(TraceField.MODEL)))
    conditions, group = [], "''"
    if selection.by:
        group = _text(columns.get(selection.by))
    if selection.places:
        numbers = _numbered(_PLACE.format(**names), "place", selection.places)
        conditions.append(f"{numbers} != 0")
        group = group if selection.by or selection.grouped_by_model else f"toString({numbers})"
    if selection.models:
        numbers = _numbered(model, "model", 1)
        conditions.append(f"{numbers} != 0")
        group = f"toString({numbers})" if selection.grouped_by_model else group
    for column, exclude in selection.patterns:
        word = "without" if exclude else "only"
        matched = f"match({_text(columns.get(column))}, {{{word}_{column.name.lower()}:String}})"
        conditions.append(f"NOT {matched}" if exclude else matched)
    extra = f", {group} AS r_group"
    if failed:
        extra += f", {_failed(columns)} AS r_failed, {_micros(columns)} AS r_micros"
    return _generations(columns, _EDGES, extra, conditions, failed=failed)


def _numbered(hashed: str, name: str, parts: int) -> str:
    """The number that the parameters give to a hash; 0 if they give it none."""
    hashes = [f"{{{name}_{n}:Array(UInt64)}}" for n in range(parts)]
    numbers = [f"{{{name}_number_{n}:Array(UInt32)}}" for n in range(parts)]
    if parts == 1:
        return f"transform({hashed}, {hashes[0]}, {numbers[0]}, toUInt32(0))"
    return (
        f"transform({hashed}, arrayConcat({', '.join(hashes)}), arrayConcat({', '.join(numbers)}),"
        " toUInt32(0))"
    )


def _owner(columns: TraceColumns) -> str:
    owners = [_text(columns.get(one)) for one in (TraceField.CREATOR, TraceField.ENTITY)
              if columns.get(one)]  # fmt: skip
    return f"if({owners[0]} != '', {owners[0]}, {owners[-1]})" if owners else "''"


def _failed(columns: TraceColumns) -> str:
    return f"({_text(columns.get(TraceField.STATUS))} = 'error')"


def _micros(columns: TraceColumns) -> str:
    """How long a request took in microseconds, as Int64; -1 if that is unknown."""
    duration = columns.get(TraceField.DURATION)
    if duration:
        millis = f"toFloat64OrNull({_text(duration)})"
        return f"toInt64(if({millis} >= 0 AND {millis} < {MOST}, round({millis} * 1000), -1))"
    start, end = columns.get(TraceField.START), columns.get(TraceField.END)
    if not (start and end):
        return "toInt64(-1)"
    first, last = (f"toUnixTimestamp64Micro(toDateTime64({_quoted(one)}, 6))"
                   for one in (start, end))  # fmt: skip
    return f"ifNull(greatest({last} - {first}, toInt64(-1)), toInt64(-1))"


def _generations(
    columns: TraceColumns,
    bucket: str,
    extra: str = "",
    conditions: Sequence[str] = (),
    *,
    failed: bool = False,
) -> str:
    """The generations of a window, each once.

    `bucket` is the expression for their bucket, `extra` are more columns, `conditions` are more
    conditions. `failed`: with requests that failed before they used anything.
    """
    get = columns.get
    is_byok = f"toInt64({_metadata(columns, 'JSONExtractBool', 'is_byok')})"
    byok = _metadata(columns, "JSONExtractFloat", "byok_usage_inference")
    time = _quoted(get(TraceField.TIME))
    spans = [_quoted(get(one)) for one in (TraceField.TRACE, TraceField.SPAN) if get(one)]
    prompt, completion = _count(get(TraceField.PROMPT)), _count(get(TraceField.COMPLETION))
    cost = _pico(get(TraceField.COST))
    kept = [_within(columns), *conditions]
    if not failed:
        kept.append(f"NOT {_unused(columns)}")
    return (
        f"SELECT {bucket.format(time=time)} AS r_bucket,"
        f" {_text(get(TraceField.KEY))} AS r_key, {_owner(columns)} AS r_owner,"
        f" {_text(get(TraceField.MODEL))} AS r_model, {prompt} AS r_prompt_1,"
        f" {completion} AS r_completion_1, {_count(get(TraceField.REASONING))} AS r_reasoning_1,"
        f" {_count(get(TraceField.CACHED))} AS r_cached_1, {cost} AS r_cost,"
        f" {is_byok} AS r_is_byok,"
        f" if(r_is_byok = 1, {_rounded_pico(byok)}, toInt128(0)) AS r_byok_cost{extra}"
        f" FROM {{table:Identifier}} WHERE {' AND '.join(kept)}"
        f" LIMIT 1 BY {', '.join(spans)}"
    )


def _unused(columns: TraceColumns) -> str:
    """Whether a request failed before it used anything, so that it is none at OpenRouter."""
    get = columns.get
    used_nothing = (
        f"{_count(get(TraceField.PROMPT))} = 0 AND {_count(get(TraceField.COMPLETION))} = 0"
        f" AND {_pico(get(TraceField.COST))} = 0"
    )
    return f"({_failed(columns)} AND {used_nothing})"


def _within(columns: TraceColumns) -> str:
    time = _quoted(columns.get(TraceField.TIME))
    return (
        f"{time} >= fromUnixTimestamp64Milli({{start:Int64}})"
        f" AND {time} < fromUnixTimestamp64Milli({{end:Int64}})"
        f" AND {_text(columns.get(TraceField.TYPE))} = 'GENERATION'"
    )


def _quoted(column: TraceColumn | None) -> str:
    return f"`{column.name}`" if column else "''"


def _text(column: TraceColumn | None) -> str:
    """A column as text, empty for null."""
    return f"ifNull(toString({_quoted(column)}), '')" if column else "''"


def _metadata(columns: TraceColumns, function: str, name: str) -> str:
    """What a function for JSON gives for a value of the cost metadata.

    The metadata is JSON, as text or in a column of that type, or a map of names to JSON.
    """
    column = columns.get(TraceField.METADATA)
    if column and column.type.startswith("Map("):
        text = f"ifNull(toString({_quoted(column)}['openrouter_generation']), '')"
        return f"{function}({text}, '{name}')"
    return f"{function}({_text(column)}, 'openrouter_generation', '{name}')"


def _count(column: TraceColumn | None) -> str:
    """A column as a whole number, 0 for null."""
    if column is None:
        return "toInt64(0)"
    if column.is_integer:
        return f"toInt64(ifNull({_quoted(column)}, 0))"
    number = f"ifNull(toFloat64OrNull({_text(column)}), 0)"
    return f"toInt64(if(abs({number}) < {MOST}, {number}, 0))"


def _pico(column: TraceColumn | None) -> str:
    """A column of dollars in whole pico-dollars, 0 for null."""
    if column is None:
        return "toInt128(0)"
    if column.is_float:
        return _rounded_pico(f"ifNull({_quoted(column)}, 0)")
    decimals = f"ifNull(toDecimal256OrNull({_text(column)}, 12), toDecimal256(0, 12))"
    return f"toInt128({decimals} * {PICO})"


def _rounded_pico(dollars: str) -> str:
    return f"toInt128(if(abs({dollars}) < {MOST}, round({dollars} * {PICO}), 0))"
