"""Usage from the organization's own ClickHouse, into which OpenRouter's Broadcast writes traces."""

from bot.clickhouse.client import ClickHouse
from bot.clickhouse.columns import TraceColumns
from bot.clickhouse.errors import (
    ClickHouseError,
    ClickHouseRefusedError,
    ClickHouseTooLongError,
)
from bot.clickhouse.traces import TraceCheck, TraceUsage

__all__ = [
    "ClickHouse",
    "ClickHouseError",
    "ClickHouseRefusedError",
    "ClickHouseTooLongError",
    "TraceCheck",
    "TraceColumns",
    "TraceUsage",
]
