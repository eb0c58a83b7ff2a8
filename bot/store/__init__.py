"""The database: SQLite for one process, PostgreSQL for many, memory for simulations."""

from bot.store.engine import StoreInUse, serve_lock
from bot.store.schema import downgrade, migrate, schema_is_current
from bot.store.sql import SqlStore, open_store

__all__ = ["SqlStore", "StoreInUse", "downgrade", "migrate", "open_store", "schema_is_current", "serve_lock"]
