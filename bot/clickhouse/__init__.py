"""Usage from the organization's own ClickHouse, into which OpenRouter's Broadcast writes traces."""

from bot.clickhouse.client import LIVE, ClickHouse
from bot.clickhouse.columns import TraceColumn, TraceColumns, TraceField
from bot.clickhouse.errors import (
    ClickHouseError,
    ClickHouseRefusedError,
    ClickHouseTooLongError,
)
from bot.clickhouse.selection import LiveSelection, live_selection
from bot.clickhouse.traces import LiveUsage, TraceCheck, TracePlace, TraceQuality, TraceUsage

__all__ = [
    "LIVE",
    "ClickHouse",
    "ClickHouseError",
    "ClickHouseRefusedError",
    "ClickHouseTooLongError",
    "LiveSelection",
    "LiveUsage",
    "TraceCheck",
    "TraceColumn",
    "TraceColumns",
    "TraceField",
    "TracePlace",
    "TraceQuality",
    "TraceUsage",
    "live_selection",
]
