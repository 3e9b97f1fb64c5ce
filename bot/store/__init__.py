"""The cache: usage, the directory, and what is known of both. The only room that knows SQL."""

from bot.store.database import Database, StoreError
from bot.store.store import Store

__all__ = ["Database", "Store", "StoreError"]
