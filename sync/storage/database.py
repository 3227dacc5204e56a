"""The one way to open the database, and its short transactions.

Every write is one short transaction, begun `IMMEDIATE`, and none is ever held over a call to the CRM. Statements of every
pass are built once, here and in the other modules of this package: to build one takes SQLAlchemy longer than SQLite takes
to answer it.
"""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine, make_url
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError, StatementError

from sync.errors import StoreError
from sync.storage.driver import SETTING
from sync.storage.lane_locks import Fence, LaneLock, lost
from sync.storage.sqlite import SQLite, UnchangeableSQLite, refuses_files_beside_it
from sync.storage.timekeeper import TimeKeeper
from sync.storage.wakeups import Wakeups

__all__ = [
    "Connection", "Store", "StoreReader", "in_parts", "migrate", "open_store", "open_to_look", "refuses_values", "revision",
    "to_json",
]  # fmt: skip

T = TypeVar("T")

IDLE = 2
"""How many connections wait for their next transaction: to take one from the pool costs as much as a statement."""

BUSY_SECONDS = 30
"""How long a transaction waits for a database that another program holds, but where its opener says otherwise."""


class Listener(Protocol):
    """Hears when somebody has committed something. For one thread."""

    def heard(self) -> bool:
        """Whether something was committed since the last call."""

    def close(self) -> None:
        """Let go what it holds."""


class Dialect(Protocol):
    """What one kind of database does its own way."""

    @property
    def path(self) -> Path | None: ...

    @property
    def place(self) -> str: ...

    @property
    def is_shared(self) -> bool: ...

    def engine(self) -> Engine: ...

    def is_usable(self, connection: Connection) -> bool: ...

    def lane_lock(self, lane: int) -> LaneLock: ...

    def every_lane_lock(self, lanes: int) -> LaneLock: ...

    def wakeups(self) -> Wakeups: ...

    def timekeeper(self) -> TimeKeeper: ...

    def close(self) -> None: ...

    def require_same(self) -> None: ...

    def begin_read(self, connection: Connection) -> None: ...

    def begin_write(self, connection: Connection, *, pauses: bool, lasting: bool) -> None: ...

    def explained(self, cause: BaseException | None) -> str: ...

    def ear(self) -> "Listener | None": ...


class StoreReader:
    """An open database, to be read: `read()` gives a connection inside one short transaction. Nothing of it is kept."""

    def __init__(self, engine: Engine, dialect: Dialect) -> None:
        self._engine = engine
        self._dialect = dialect
        self.path = dialect.path  # None: in memory, or on a server
        self.place = dialect.place  # as an error names it, without a password
        self.is_shared = dialect.is_shared  # by processes on several hosts
        self._for_good: set[str] = set()
        self._idle: list[Connection] = []  # outside of any transaction; several threads take from it and put back

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Begin a transaction that sees one state of the database, and roll it back. Raises `StoreError`."""
        self._dialect.require_same()
        try:
            with self._connected() as connection, connection.begin() as transaction:
                self._dialect.begin_read(connection)
                yield connection
                transaction.rollback()
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise self._explained(error) from error

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        """Give a connection outside of any transaction. One in whose use something is raised is not kept."""
        connection = self._usable()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        if len(self._idle) < IDLE:
            self._idle.append(connection)
        else:
            connection.close()

    def _usable(self) -> Connection:
        """Take a connection that was kept, or open one."""
        while self._idle:
            try:
                kept = self._idle.pop()
            except IndexError:  # another thread was quicker
                break
            if self._dialect.is_usable(kept):
                return kept
            kept.close()
        return self._engine.connect()

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
        return StoreError(self._dialect.explained(cause))


class Store(StoreReader):
    """An open database, to be read and written. `reader` is the same database for whatever may only read it."""

    def __init__(self, engine: Engine, dialect: Dialect) -> None:
        super().__init__(engine, dialect)
        self.reader = StoreReader(engine, dialect)
        self.reader._idle = self._idle
        self._fence = threading.local()

    @property
    def engine(self) -> Engine:
        return self._engine

    @contextmanager
    def write(self, *, pauses: bool = False, lasting: bool = True) -> Iterator[Connection]:
        """Begin a transaction that may write, at once, so that it never fails half-way on a lock; commit it at the end.

        `pauses`: it may do other things between its statements for as long as it takes. Any other one is ended by a server
        that hears nothing of it for some seconds, as all who write wait for it. `lasting`: what is committed survives a power
        cut; to wait for that costs more than all else, where it matters for some seconds only.
        Raises `StoreError`, of which `LaneLostError` is one; whatever is raised inside rolls it back. It is raised too
        where the database's file was replaced meanwhile: what was committed may then be in none that anybody will read.
        """
        self._dialect.require_same()
        try:
            with self._connected() as connection, connection.begin():
                self._dialect.begin_write(connection, pauses=pauses, lasting=lasting)
                if (lock := self._lane()) is not None and not lock.is_mine_in(connection):
                    raise lost(lock.name)
                yield connection
            self._dialect.require_same()
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise self._explained(error) from error

    @contextmanager
    def fenced(self, lock: Fence) -> Iterator[None]:
        """Let this thread write only as long as it has these lanes: each transaction asks, and raises `LaneLostError`.

        So what a pass has read and decided is never written over what another one has done meanwhile.
        """
        before, self._fence.lock = self._lane(), lock
        try:
            yield
        finally:
            self._fence.lock = before

    def require_lane(self) -> None:
        """Raise `LaneLostError` if the lane that this thread is fenced by has been lost."""
        if (lock := self._lane()) is not None and not lock.is_mine():
            raise lost(lock.name)

    def _lane(self) -> Fence | None:
        found: Fence | None = getattr(self._fence, "lock", None)
        return found

    def lane_lock(self, lane: int) -> LaneLock:
        """Give the lock of a lane, for one holding of it."""
        return self._dialect.lane_lock(lane)

    def every_lane_lock(self, lanes: int) -> LaneLock:
        """Give the lock of all lanes, of which there are so many, for one holding of them."""
        return self._dialect.every_lane_lock(lanes)

    def listener(self) -> Listener | None:
        """Give what hears of commits, those of other processes too; None: of this database nothing does."""
        return self._dialect.ear()

    def wakeups(self) -> Wakeups:
        """Give a worker what tells it that something was enqueued."""
        return self._dialect.wakeups()

    def timekeeper(self) -> TimeKeeper:
        """Give a worker what says whether it is the one that polls and sweeps."""
        return self._dialect.timekeeper()

    def close(self) -> None:
        """Close every connection; they open again when needed."""
        self._dialect.close()
        while self._idle:
            self._idle.pop().close()
        self._engine.dispose()


def open_store(url: str, *, busy_seconds: float = BUSY_SECONDS, given_as: str = SETTING) -> Store:
    """Open the database of `DATABASE_URL`, without touching it yet: a missing SQLite file is made by `migrate`.

    `busy_seconds`: how long a transaction waits while another program holds the database. `given_as`: what an error names
    as the place to mend the address at. Raises `ConfigurationError` where the driver of that database is not installed.
    """
    dialect = _dialect(url, busy_seconds, given_as)
    return Store(dialect.engine(), dialect)


def shown(url: str) -> str:
    """Write a `DATABASE_URL` without its password."""
    from sync.storage.postgres import without_password

    return without_password(url)


def _dialect(url: str, busy_seconds: float, given_as: str) -> Dialect:
    if url.startswith("sqlite"):
        return SQLite(make_url(url), busy_seconds, given_as)
    from sync.storage.postgres import PostgreSQL

    return PostgreSQL(url, busy_seconds, given_as)


def open_to_look(url: str) -> Store:
    """Open the database of `DATABASE_URL` for somebody who only looks, also on a disk that cannot be written to.

    SQLite keeps files beside a database that it reads, and refuses where it can make none. Nobody can be writing to such a
    database: what is in the file is then read as it stands.
    """
    store = open_store(url)
    if store.path is None or not store.path.is_file():
        return store
    try:
        with store.read() as connection:
            connection.exec_driver_sql("SELECT 1 FROM sqlite_master LIMIT 1").all()
    except StoreError as error:
        cause = error.__cause__.orig if isinstance(error.__cause__, DBAPIError) else error.__cause__
        unchangeable = UnchangeableSQLite(make_url(url), BUSY_SECONDS, SETTING)
        if refuses_files_beside_it(cause) and unchangeable.is_whole():
            store.close()
            return Store(unchangeable.engine(), unchangeable)
    return store


def refuses_values(error: StoreError) -> bool:
    """Whether the database refused the very values that it was given, as it always will; else it may take them later."""
    cause = error.__cause__
    if isinstance(cause, DBAPIError):
        return isinstance(cause, (DataError, IntegrityError))
    return isinstance(cause, StatementError)


def migrate(store: Store) -> None:
    """Bring the schema up to date; it may be so already. Raises `StoreError`, also where a newer version has made it."""
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    with store.write(pauses=True) as connection:
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:  # the only one: a revision that this version does not know
            raise StoreError(
                f"{store.place} was made by a newer version: install that one, or restore the copy from "
                f"before the upgrade ({error})"
            ) from error


def revision(store: Store) -> str | None:
    """Read the revision of the schema; None where there is none yet. Raises `StoreError`."""
    from alembic.runtime.migration import MigrationContext

    with store.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


_CANONICAL = json.JSONEncoder(
    sort_keys=True, ensure_ascii=False, separators=(",", ":")
)  # made once: `dumps` makes one a call


def to_json(value: Mapping[str, Any]) -> str:
    """Write JSON in one canonical form, so that equal values are equal texts."""
    return _CANONICAL.encode(value)


def in_parts(values: Sequence[T], size: int = 500) -> Iterator[Sequence[T]]:
    """Cut a sequence into parts: a database takes a limited number of variables in one statement."""
    return (values[start : start + size] for start in range(0, len(values), size))
