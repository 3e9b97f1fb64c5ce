"""The database: usage, the directory, schedules, alerts, the audit log. Contains all SQL."""

from bot.store.database import Database
from bot.store.errors import DatabaseBusyError, DiskFullError, StoreError
from bot.store.usage.store import Store

__all__ = ["Database", "DatabaseBusyError", "DiskFullError", "Store", "StoreError"]
