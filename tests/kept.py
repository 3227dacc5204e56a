"""What a process of tests does once instead of at every test: the real thing first, and from then on what came of it.

An empty SQLite database is given the schema that the first migration made in this process, statement by statement. One of
an older release is migrated for real. An engine takes over what SQLAlchemy has compiled for the first one.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from typing import Any
from unittest.mock import patch

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, create_engine

_really_upgrade = command.upgrade
_first: dict[str, Engine] = {}


@contextmanager
def kept() -> Iterator[None]:
    """Within it databases are made, and statements compiled, in the quick way."""
    with ExitStack() as stack:
        stack.enter_context(patch("alembic.command.upgrade", _upgrade))
        stack.enter_context(patch("sync.storage.sqlite.create_engine", _engine))
        yield


def _upgrade(config: Config, revision: str, *options: Any) -> None:
    """As Alembic's: `config` has the connection, inside of the transaction that the schema is to be made in."""
    connection: Connection = config.attributes["connection"]
    driver = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection) or revision != "head" or options:
        _really_upgrade(config, revision, *options)
        return
    folder = config.get_main_option("script_location") or ""
    found = MigrationContext.configure(connection).get_current_revision()
    if found == _newest(folder):
        return
    if driver.execute("SELECT count(*) FROM sqlite_master").fetchone() != (0,):
        _really_upgrade(config, revision)
        return
    for statement in _statements(folder):
        driver.execute(statement)


@lru_cache
def _newest(folder: str) -> str | None:
    with _migrated(folder) as connection:
        return MigrationContext.configure(connection).get_current_revision()


@lru_cache
def _statements(folder: str) -> list[str]:
    """The statements that make an empty database one with the newest schema, and with what the migrations wrote there."""
    with _migrated(folder) as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        return [one for one in driver.iterdump() if one not in {"BEGIN TRANSACTION;", "COMMIT;"}]


@contextmanager
def _migrated(folder: str) -> Iterator[Connection]:
    """A database in memory that the migrations of this folder have made."""
    config = Config()
    config.set_main_option("script_location", folder.replace("%", "%%"))
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        _really_upgrade(config, "head")
        yield connection
    engine.dispose()


def _engine(url: sqlalchemy.URL, **options: Any) -> Engine:
    """What `create_engine` makes, with the compiled statements of the first engine that was made so.

    SQLAlchemy finds them by the dialect's identity, and so all of them have that one's.
    """
    engine = create_engine(url, **options)
    first = _first.setdefault(engine.name, engine)
    engine.dialect = first.dialect
    engine._compiled_cache = first._compiled_cache
    return engine
