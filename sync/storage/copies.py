"""Copies of the database: made while the service runs, known as copies, and put back on an admin's word."""

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from sync.storage import service_state
from sync.storage.database import Store, open_store


def copy_to(store: Store, file: Path, at: datetime) -> None:
    """Write a consistent copy of the database into a new file, whoever writes meanwhile; it is marked as of `at`.

    Raises `OSError` where there can be no such file, and `StoreError`.
    """
    file.touch(exist_ok=False)
    with store.read() as connection:
        source = connection.connection.driver_connection
        assert isinstance(source, sqlite3.Connection)
        with closing(sqlite3.connect(file)) as target:
            source.backup(target)
    copy = open_store(f"sqlite:///{file.absolute()}")
    with closing(copy), copy.write() as connection:
        service_state.put(connection, service_state.COPIED_AT, at)


def copied_at(store: Store) -> datetime | None:
    """When this copy was made; None: the database is not a copy. Raises `StoreError`."""
    with store.read() as connection:
        return service_state.get(connection, service_state.COPIED_AT)


def accept(store: Store) -> None:
    """Let a copy be the database again: nothing was done since it was made."""
    with store.write() as connection:
        service_state.remove(connection, service_state.COPIED_AT)
