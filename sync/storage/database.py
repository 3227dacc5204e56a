"""The one way to open the database, and its short transactions.

Every write is one short transaction, begun `IMMEDIATE`, and none is ever held over a call to the CRM. Statements of every
pass are built once, here and in the other modules of this package: to build one takes SQLAlchemy longer than SQLite takes
to answer it.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from sync.errors import StoreError

__all__ = ["Connection", "Store", "StoreReader", "in_parts", "migrate", "open_store", "revision", "to_json"]

T = TypeVar("T")

BUSY_SECONDS = 30
"""How long a transaction waits for a database that another program holds, but where its opener says otherwise."""


class _File:
    """The database's file, by its identity: what is written into one that was replaced or removed is lost."""

    def __init__(self, path: Path | None) -> None:
        self._path = path  # None: in memory
        self._opened: tuple[int, int] | None = None  # device and number; None: nothing has been opened yet

    def note_opened(self) -> None:
        """Remember which file stands there, at the first connection to it."""
        if self._opened is None:
            self._opened = self._now()

    def require_same(self) -> None:
        """Raise `StoreError` if another file stands at the path by now, or none."""
        if self._opened is None or (now := self._now()) == self._opened:
            return
        what = "is gone" if now is None else "was replaced by another file"
        raise StoreError(
            f"the database {self._path} {what} while the service runs: nothing is written until `handoffs serve` is "
            "started again on the file that is meant"
        )

    def _now(self) -> tuple[int, int] | None:
        if self._path is None:
            return None
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino


class StoreReader:
    """An open database, to be read: `read()` gives a connection inside one short transaction. Nothing of it is kept."""

    def __init__(self, engine: Engine, path: Path | None, busy_seconds: float, file: _File) -> None:
        self._engine = engine
        self.path = path  # None: in memory
        self._busy_seconds = busy_seconds
        self._file = file
        self._for_good: set[str] = set()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Begin a transaction that sees one state of the database, and roll it back. Raises `StoreError`."""
        self._file.require_same()
        try:
            with self._engine.connect() as connection:
                _begin(connection, "BEGIN")
                yield connection  # closing it rolls back
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise self._explained(error) from error

    def holds_for_good(self, name: str, holds: Callable[[Connection], bool]) -> bool:
        """Ask whether something holds that never ceases to, once it does: `holds` is called until then, and then no more.

        `name` tells one such thing from another.
        """
        if name not in self._for_good:
            with self.read() as connection:
                if not holds(connection):
                    return False
            self._for_good.add(name)
        return True

    def _explained(self, error: SQLAlchemyError | sqlite3.Error) -> StoreError:
        cause = error.orig if isinstance(error, DBAPIError) else error
        return StoreError(_explanation(cause, self.path, self._busy_seconds))


class Store(StoreReader):
    """An open database, to be read and written. `reader` is the same database for whatever may only read it."""

    def __init__(self, engine: Engine, path: Path | None, busy_seconds: float, file: _File) -> None:
        super().__init__(engine, path, busy_seconds, file)
        self.reader = StoreReader(engine, path, busy_seconds, file)

    @property
    def engine(self) -> Engine:
        return self._engine

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Begin a transaction that may write, at once, so that it never fails half-way on a lock; commit it at the end.

        Raises `StoreError`; whatever is raised inside rolls it back. It is raised too where the database's file was
        replaced meanwhile: what was committed may then be in none that anybody will read.
        """
        self._file.require_same()
        try:
            with self._engine.connect() as connection:
                _begin(connection, "BEGIN IMMEDIATE")
                with connection.begin():
                    yield connection
            self._file.require_same()
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise self._explained(error) from error

    def close(self) -> None:
        """Close every connection; they open again when needed."""
        self._engine.dispose()


def _explanation(cause: BaseException | None, path: Path | None, busy_seconds: float) -> str:
    """Say in an admin's words what is the matter with the database, and what to do about it.

    An error of SQLite's bears a code. Only for a table or column that is missing there is no code of its own.
    """
    where = f"the database {path}"
    text = str(cause)
    match _code(cause):
        case sqlite3.SQLITE_READONLY:
            return f"{where} is read-only: give the service's user the right to write the file and its directory"
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return (
                f"{where} was locked by another program for {busy_seconds:g} s: end what holds it, or set DATABASE_URL"
            )
        case sqlite3.SQLITE_FULL:
            return f"the disk of {path} is full: free some room; nothing was lost"
        case sqlite3.SQLITE_IOERR:
            return f"{where}: {text}: is there room left, by quota and by the limit of a file's size, and is the disk whole?"
        case sqlite3.SQLITE_CANTOPEN:
            return (
                f"{where} cannot be opened: does its directory exist, and may the service write there? See DATABASE_URL"
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return f"{where} is damaged or is no SQLite file: restore it, or move it away and start afresh"
    if "no such table" in text or "no such column" in text:
        return f"{where} has an old or no schema: run `handoffs db upgrade`"
    return f"{where}: {text}"


def _code(error: BaseException | None) -> int | None:
    """The primary result code of an error of SQLite's; None: it is none, or the driver's own."""
    extended = getattr(error, "sqlite_errorcode", None)
    return None if extended is None else int(extended) & 0xFF


def open_store(url: str, *, busy_seconds: float = BUSY_SECONDS) -> Store:
    """Open the database of `DATABASE_URL`, without touching it yet: a missing one is made by `migrate`.

    `busy_seconds`: how long a transaction waits while another program holds the database.
    """
    parsed = make_url(url)
    memory = parsed.database in {None, "", ":memory:"}
    path = None if memory else Path(str(parsed.database)).absolute()
    # pysqlite's own transaction handling is switched off: BEGIN is ours, so that it can be IMMEDIATE.
    engine = create_engine(
        parsed,
        connect_args={"timeout": busy_seconds, "check_same_thread": False},
        hide_parameters=True,  # an error must not quote people's data into a log
    )
    file = _File(path)

    def opened(connection: sqlite3.Connection, _record: object) -> None:
        _configure(connection, busy_seconds)
        file.note_opened()

    event.listen(engine, "connect", opened)
    return Store(engine, path, busy_seconds, file)


def _configure(connection: sqlite3.Connection, busy_seconds: float) -> None:
    connection.isolation_level = None
    try:
        connection.execute(f"PRAGMA busy_timeout={int(busy_seconds * 1000)}")
        connection.execute("PRAGMA foreign_keys=ON")
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if _code(error) != sqlite3.SQLITE_READONLY:  # a read-only file can still be read; a write will say so
                raise
        connection.execute("PRAGMA synchronous=FULL")  # an answered webhook must survive a power cut
    except sqlite3.Error:
        connection.close()  # the pool has not taken it yet
        raise


def _begin(connection: Connection, statement: str) -> None:
    """Begin by the driver itself: an event of SQLAlchemy's would be looked for at every statement of the engine."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    driver.execute(statement)


def migrate(store: Store) -> None:
    """Bring the schema up to date; it may be so already. Raises `StoreError`, also where a newer version has made it."""
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    with store.write() as connection:
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:  # the only one: a revision that this version does not know
            raise StoreError(
                f"the database {store.path} was made by a newer version: install that one, or restore the copy from "
                f"before the upgrade ({error})"
            ) from error


def revision(store: Store) -> str | None:
    """Read the revision of the schema; None where there is none yet. Raises `StoreError`."""
    from alembic.runtime.migration import MigrationContext

    with store.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def to_json(value: Mapping[str, Any]) -> str:
    """Write JSON in one canonical form, so that equal values are equal texts."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def in_parts(values: Sequence[T], size: int = 500) -> Iterator[Sequence[T]]:
    """Cut a sequence into parts: a database takes a limited number of variables in one statement."""
    return (values[start : start + size] for start in range(0, len(values), size))
