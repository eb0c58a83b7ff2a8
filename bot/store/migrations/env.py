"""Alembic's environment. ``bot.store.schema`` hands over a connection with its transaction and its locks.

A new migration is written by hand into ``versions/``, for both databases and beside the change in ``tables.py``;
tests/store/test_migrations.py compares the two.
"""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
