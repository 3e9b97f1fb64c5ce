"""The statements that are sent to ClickHouse.

Values are parameters (`{name:Type}`), never a part of the text. Only names of columns are part of
it; they come from the server and were matched with known ones.
"""

from __future__ import annotations

from bot.clickhouse.columns import TraceColumn, TraceColumns, TraceField

COLUMNS = (
    "SELECT name, type FROM system.columns"
    " WHERE database = currentDatabase() AND table = {name:String} FORMAT JSONEachRow"
)

PICO = 10**12
"""Costs are summed in whole pico-dollars, so that even sums of many small costs are exact."""


def usage(columns: TraceColumns) -> str:
    """Usage by bucket, key, owner and model, newest bucket first.

    Parameters: `table`, `start` and `end` (milliseconds, end exclusive), `step` (seconds a bucket).
    """
    return (
        "SELECT r_bucket, r_key, r_owner, r_model, count() AS r_requests,"
        " sum(r_is_byok) AS r_byok_requests, sum(r_prompt_1) AS r_prompt,"
        " sum(r_completion_1) AS r_completion, sum(r_reasoning_1) AS r_reasoning,"
        " toString(sum(r_cost)) AS r_credits, toString(sum(r_byok_cost)) AS r_byok,"
        f" sum(r_cached_1) AS r_cached FROM ({_generations(columns)})"
        " GROUP BY r_bucket, r_key, r_owner, r_model ORDER BY r_bucket DESC FORMAT JSONEachRow"
    )


def check(columns: TraceColumns) -> str:
    """Count the rows, generations, and generations with cost metadata in a window.

    Parameters as for `usage`, without `step`.
    """
    metadata = columns.get(TraceField.METADATA)
    has_costs = f"JSONHas({_text(metadata)}, 'openrouter_generation', 'is_byok')"
    span = _text(columns.get(TraceField.SPAN))
    trace = _text(columns.get(TraceField.TRACE))
    return (
        f"SELECT count() AS r_rows, uniqExact({trace}, {span}) AS r_generations,"
        f" countIf({has_costs if metadata else 'false'}) AS r_with_costs"
        f" FROM {{table:Identifier}} WHERE {_within(columns)} FORMAT JSONEachRow"
    )


def _generations(columns: TraceColumns) -> str:
    """The generations of a window, each once."""
    get = columns.get
    metadata = _text(get(TraceField.METADATA))
    is_byok = f"toInt64(JSONExtractBool({metadata}, 'openrouter_generation', 'is_byok'))"
    byok = f"JSONExtractFloat({metadata}, 'openrouter_generation', 'byok_usage_inference')"
    time = _quoted(get(TraceField.TIME))
    owners = [_text(get(one)) for one in (TraceField.CREATOR, TraceField.ENTITY) if get(one)]
    owner = f"if({owners[0]} != '', {owners[0]}, {owners[-1]})" if owners else "''"
    spans = [_quoted(get(one)) for one in (TraceField.TRACE, TraceField.SPAN) if get(one)]
    prompt, completion = _count(get(TraceField.PROMPT)), _count(get(TraceField.COMPLETION))
    cost = _pico(get(TraceField.COST))
    failed = f"{_text(get(TraceField.STATUS))} = 'error'"
    return (
        f"SELECT intDiv(toUnixTimestamp({time}), {{step:UInt32}}) * {{step:UInt32}} AS r_bucket,"
        f" {_text(get(TraceField.KEY))} AS r_key, {owner} AS r_owner,"
        f" {_text(get(TraceField.MODEL))} AS r_model, {prompt} AS r_prompt_1,"
        f" {completion} AS r_completion_1, {_count(get(TraceField.REASONING))} AS r_reasoning_1,"
        f" {_count(get(TraceField.CACHED))} AS r_cached_1, {cost} AS r_cost,"
        f" {is_byok} AS r_is_byok,"
        f" if(r_is_byok = 1, {_rounded_pico(byok)}, toInt128(0)) AS r_byok_cost"
        f" FROM {{table:Identifier}} WHERE {_within(columns)}"
        # OpenRouter doesn't count a request that failed before it used anything
        f" AND NOT ({failed} AND {prompt} = 0 AND {completion} = 0 AND {cost} = 0)"
        f" LIMIT 1 BY {', '.join(spans)}"
    )


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


def _count(column: TraceColumn | None) -> str:
    """A column as a whole number, 0 for null."""
    if column is None:
        return "toInt64(0)"
    if "Int" in column.type:
        return f"toInt64(ifNull({_quoted(column)}, 0))"
    return f"toInt64(ifNull(toFloat64OrNull({_text(column)}), 0))"


def _pico(column: TraceColumn | None) -> str:
    """A column of dollars in whole pico-dollars, 0 for null."""
    if column is None:
        return "toInt128(0)"
    if "Float" in column.type:
        return _rounded_pico(f"ifNull({_quoted(column)}, 0)")
    decimals = f"ifNull(toDecimal256OrNull({_text(column)}, 12), toDecimal256(0, 12))"
    return f"toInt128({decimals} * {PICO})"


def _rounded_pico(dollars: str) -> str:
    return f"toInt128(if(isFinite({dollars}), round({dollars} * {PICO}), 0))"
