"""Alembic's entry: runs on the connection that `store.migrate` hands over, inside its transaction."""

from contextlib import nullcontext

from alembic import context

from sync.storage.postgres import sorting_as_sqlite
from sync.storage.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with nullcontext() if connection.dialect.name == "sqlite" else sorting_as_sqlite():
    context.run_migrations()
