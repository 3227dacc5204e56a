"""Hypothesis state machines for the parts with state: each is compared with a small model that shares no code with it."""

from hypothesis import settings

from sync.storage import tables as tables
from sync.storage.database import Store, open_store

MACHINE = settings(max_examples=60, stateful_step_count=40, deadline=None)
"""How long a machine runs. In CI (`CI` is set) Hypothesis itself sees to it that the examples are always the same."""


def memory() -> Store:
    """An empty database in memory."""
    opened = open_store("sqlite://")
    tables.metadata.create_all(opened.engine)
    return opened


def emptied(store: Store) -> Store:
    """The same database without a row: making a new one for each example takes longer than the example."""
    with store.write() as connection:
        for table in reversed(tables.metadata.sorted_tables):
            connection.execute(table.delete())
    return store
