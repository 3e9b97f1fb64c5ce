"""Finds the columns of the table of traces, and what is unknown without the missing ones.

OpenRouter shows the definition of the table only while Broadcast is set up, and tables may be
created in other ways, so the columns are read from the server.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from bot.clickhouse.errors import ClickHouseRefusedError

_INTEGER, _FLOAT = re.compile(r"U?Int[0-9]+"), re.compile(r"B?Float[0-9]+")
_DECIMALS = re.compile(r"Decimal\([0-9]+, ([0-9]+)\)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class TraceField(Enum):
    """A kind of column: the names it may have, and what is unknown without it.

    Without a consequence, a field is required.
    """

    SPAN = ("SPAN_ID",), ""
    TYPE = ("SPAN_TYPE",), ""
    TIME = ("TIMESTAMP", "START_TIME"), ""
    MODEL = ("MODEL",), ""
    KEY = ("API_KEY_NAME",), ""
    PROMPT = ("PROMPT_TOKENS",), ""
    COMPLETION = ("COMPLETION_TOKENS",), ""
    COST = ("TOTAL_COST",), ""
    TRACE = ("TRACE_ID",), "spans are identified by their ID alone"
    STATUS = ("STATUS",), "failed requests are counted like others, and their share is unknown"
    REASONING = ("REASONING_TOKENS",), "reasoning tokens have no key"
    CACHED = ("CACHED_TOKENS",), "cached tokens are unknown"
    METADATA = ("METADATA",), "BYOK requests and their spend have no key"
    CREATOR = ("CREATOR_USER_ID",), "creators are the owners of keys"
    ENTITY = ("ENTITY_ID",), "creators are the owners of keys"
    PROVIDER = ("PROVIDER_NAME", "PROVIDER_SLUG"), "usage by provider is unknown"
    END_USER = ("USER_ID",), "usage by end user is unknown"
    DURATION = ("DURATION_MS",), "latency is unknown"
    START = ("START_TIME",), "latency is unknown"
    END = ("END_TIME",), "latency is unknown"

    def __init__(self, names: tuple[str, ...], without: str) -> None:
        self.names = names
        self.without = without


@dataclass(frozen=True, slots=True)
class TraceColumn:
    """A column as the server spells it, and its type."""

    name: str
    type: str

    @property
    def plain_type(self) -> str:
        """The type without Nullable and LowCardinality."""
        plain = self.type
        for around in ("LowCardinality(", "Nullable("):
            if plain.startswith(around):
                plain = plain[len(around) : -1]
        return plain

    @property
    def is_integer(self) -> bool:
        """Whether it has whole numbers only, and not also text or others, as a Variant may."""
        return _INTEGER.fullmatch(self.plain_type) is not None

    @property
    def is_float(self) -> bool:
        """Whether it has floating-point numbers only."""
        return _FLOAT.fullmatch(self.plain_type) is not None

    @property
    def is_time(self) -> bool:
        """Whether it has times, with or without a time zone."""
        return self.plain_type.startswith("DateTime")


@dataclass(frozen=True, slots=True)
class TraceColumns:
    """The columns of the table, by field."""

    found: Mapping[TraceField, TraceColumn]

    def get(self, field: TraceField) -> TraceColumn | None:
        """The column of a field; None if the table has none."""
        return self.found.get(field)

    def missing(self) -> tuple[str, ...]:
        """A phrase for each column that the table lacks, with what is unknown without it."""
        optional = {TraceField.CREATOR, TraceField.START, TraceField.END}
        if self.has_latency:
            optional.add(TraceField.DURATION)
        return tuple(
            f"{field.names[0]}: {field.without}"
            for field in TraceField
            if field not in self.found and field not in optional
        )

    @property
    def cost_rounding(self) -> int:
        """The most that the type of the costs can take from one or add, in nano-dollars."""
        decimals = _DECIMALS.fullmatch(self.found[TraceField.COST].plain_type)
        return 10 ** (9 - int(decimals[1])) if decimals and int(decimals[1]) < 9 else 0

    @property
    def has_latency(self) -> bool:
        """Whether the table says how long requests took."""
        return (
            TraceField.DURATION in self.found
            or {
                TraceField.START,
                TraceField.END,
            }
            <= self.found.keys()
        )


def read_columns(types: Mapping[str, str], table: str) -> TraceColumns:
    """The columns among those of the table (name to type); names may be in any case.

    Raises ClickHouseRefusedError if a required one is missing.
    """
    by_name = {name.upper(): name for name in types if _NAME.fullmatch(name)}
    found = {
        field: TraceColumn(by_name[name], types[by_name[name]])
        for field in TraceField
        for name in [next((one for one in field.names if one in by_name), None)]
        if name is not None
    }
    for field in (TraceField.START, TraceField.END):  # of no use as text
        if field in found and not found[field].is_time:
            del found[field]
    lacking = [field.names[0] for field in TraceField if not field.without and field not in found]
    if lacking:
        raise ClickHouseRefusedError(
            f"The table {table} in ClickHouse has no column {', '.join(lacking)}, or the user may"
            " not read it. Create it as OpenRouter's Broadcast settings say."
        )
    time = found[TraceField.TIME]
    if not time.is_time:
        raise ClickHouseRefusedError(
            f"{time.name} in the table {table} has the type {time.type[:40]} instead of DateTime64."
        )
    return TraceColumns(found)
