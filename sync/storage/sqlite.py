"""SQLite: one file on one machine. Its connections, its transactions, and what is said of its troubles."""

import os
import sqlite3
import threading
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool

from sync.errors import StoreError
from sync.storage.lane_locks import EveryFileLaneLock, FileLaneLock
from sync.storage.timekeeper import Everybody
from sync.storage.wakeups import Ticks

FileId = tuple[int, int]
"""A file's device and number: another one at the same path has others."""

_LASTING = "lasting"
"""By this name a connection knows whether what it commits is on the disk when its transaction ends (`_configure`: it is)."""

BESIDE = ("-wal", "-shm")
"""What SQLite keeps beside a database as long as anybody has it open: its newest transactions, and where they stand."""


class SQLite:
    """The dialect of a file, or of a database in memory (`path` is None)."""

    is_shared = False

    def __init__(self, url: URL, busy_seconds: float, given_as: str) -> None:
        memory = url.database in {None, "", ":memory:"}
        self.path = None if memory else Path(str(url.database)).absolute()
        self.place = f"the database {self.path}"
        self._url = url
        self._busy_seconds = busy_seconds
        self._given_as = given_as
        self._opened: FileId | None = None  # None: nothing has been opened yet
        self._beside_which: Path | None = None  # the file that locks lie beside; None: nobody has asked for one yet
        self._connections = 0
        self._counting = threading.Lock()
        self._beside: dict[str, FileId] = {}  # by its suffix, each file beside the database that is in use

    def engine(self) -> Engine:
        """Make the engine. The driver's own transaction handling is switched off: BEGIN is ours, so that it can be IMMEDIATE."""
        engine = create_engine(
            self._url,
            connect_args={"timeout": self._busy_seconds, "check_same_thread": False},
            hide_parameters=True,  # an error must not quote people's data into a log
        )
        event.listen(engine, "connect", self._on_connect)
        event.listen(engine, "close", self._on_close)
        return engine

    def is_usable(self, _connection: Connection) -> bool:
        """Whether a connection that was kept still stands: no file breaks one off."""
        return True

    def lane_lock(self, lane: int) -> FileLaneLock:
        """Give the lock of a lane, for one holding."""
        if self._beside_which is None:
            self._beside_which = (self.path or Path("handoffs")).resolve()
        return FileLaneLock(self._beside_which, lane)

    def every_lane_lock(self, lanes: int) -> EveryFileLaneLock:
        """Give the lock of all lanes, for one holding."""
        return EveryFileLaneLock([self.lane_lock(lane) for lane in range(lanes)])

    def wakeups(self) -> Ticks:
        """Give a worker what lets it look into the work queue again."""
        return Ticks()

    def timekeeper(self) -> Everybody:
        """Whoever works on this machine polls and sweeps."""
        return Everybody()

    def close(self) -> None:
        """Nothing is kept beside the store's connections."""

    def require_same(self) -> None:
        """Raise `StoreError` if another file stands at the path by now, or none: what is written into ours is lost.

        So it is with a file beside it in which the newest transactions stand: other processes would not see them.
        """
        if self._opened is None:
            return
        if (now := self._file()) != self._opened:
            what = "is gone" if now is None else "was replaced by another file"
            raise StoreError(
                f"{self.place} {what} while the service runs: nothing is written until `handoffs serve` is "
                "started again on the file that is meant"
            )
        for suffix in BESIDE if self._connections else ():
            now = self._file(suffix)
            if now is not None and suffix not in self._beside:
                self._beside[suffix] = now
            elif now != self._beside.get(suffix):
                what = "was removed" if now is None else "was replaced by another file"
                raise StoreError(
                    f"{self.path}{suffix}, a part of the database, {what} while the service runs: nothing is written until "
                    "`handoffs serve` is started again. End whatever uses the database first: what still stood in that "
                    "file is then put into the database"
                )

    def begin_read(self, connection: Connection) -> None:
        """Begin a transaction that sees one state of the database."""
        _begin(connection, "BEGIN")

    def begin_write(self, connection: Connection, *, pauses: bool, lasting: bool) -> None:  # noqa: ARG002 - nobody hurries it
        """Begin a transaction that may write, with the one lock that there is, so that it never fails half-way."""
        if connection.info.get(_LASTING, True) is not lasting:
            _begin(connection, f"PRAGMA synchronous={'FULL' if lasting else 'NORMAL'}")
            connection.info[_LASTING] = lasting
        _begin(connection, "BEGIN IMMEDIATE")

    def explained(self, cause: BaseException | None) -> str:
        """Say in an admin's words what is the matter, and what to do about it.

        An error of SQLite's bears a code. Only for a table or column that is missing there is no code of its own.
        """
        text = str(cause)
        match _code(cause):
            case sqlite3.SQLITE_READONLY:
                return (
                    f"{self.place} is read-only: give the service's user the right to write the file and its directory"
                )
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                return (
                    f"{self.place} was locked by another program for {self._busy_seconds:g} s: end what holds it, or set "
                    f"{self._given_as}"
                )
            case sqlite3.SQLITE_FULL:
                return f"the disk of {self.path} is full: free some room; nothing was lost"
            case sqlite3.SQLITE_IOERR:
                return (
                    f"{self.place}: {text}: is there room left, by quota and by the limit of a file's size, and is the disk "
                    "whole?"
                )
            case sqlite3.SQLITE_CANTOPEN:
                return (
                    f"{self.place} cannot be opened: does its directory exist, and may the service write there? See "
                    f"{self._given_as}"
                )
            case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
                return f"{self.place} is damaged or is no SQLite file: restore it, or move it away and start afresh"
        if "no such table" in text or "no such column" in text:
            return f"{self.place} has an old or no schema: run `handoffs db upgrade`"
        return f"{self.place}: {text}"

    def ear(self) -> "Ear | None":
        """Give what hears of commits; None: nobody else can write to this database."""
        return None if self.path is None else Ear(self.path)

    def _on_connect(self, connection: sqlite3.Connection, _record: object) -> None:
        _configure(connection, self._busy_seconds)
        with self._counting:
            self._connections += 1
        if self._opened is None:
            self._opened = self._file()

    def _on_close(self, _connection: sqlite3.Connection, _record: object) -> None:
        with self._counting:
            self._connections = max(0, self._connections - 1)
            if not self._connections:  # SQLite removes what stands beside a database that nobody has open
                self._beside.clear()

    def _file(self, suffix: str = "") -> FileId | None:
        """Which file stands at the path; None: none does, or the database is in memory."""
        if self.path is None:
            return None
        try:
            found = os.stat(f"{self.path}{suffix}")  # noqa: PTH116 - before each transaction: a Path costs ten times as much
        except OSError:
            return None
        return found.st_dev, found.st_ino


class Ear:
    """Hears when anybody has committed something, in whatever process; it takes no lock and reads no table.

    SQLite counts the commits of others for each connection: this one never writes, so that all are others'. For one thread.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._counted: int | None = None  # None: not known

    def heard(self) -> bool:
        """Whether something was committed since the last call; of what cannot be told, no."""
        before, self._counted = self._counted, self._count()
        return None not in {before, self._counted} and before != self._counted

    def _count(self) -> int | None:
        try:
            if self._connection is None:
                address = f"file:{quote(str(self._path))}?mode=ro"
                self._connection = sqlite3.connect(address, uri=True, timeout=0)
            (count,) = self._connection.execute("PRAGMA data_version").fetchone()
        except sqlite3.Error:  # locked at this moment, or not there: whoever waits looks by itself after a while
            return None
        return int(count)

    def close(self) -> None:
        """Close its connection; it opens again when needed."""
        if self._connection is not None:
            self._connection.close()
        self._connection = self._counted = None


class UnchangeableSQLite(SQLite):
    """A file that nobody can write to, nor make another beside it: read as it stands."""

    def engine(self) -> Engine:
        """Make the engine; it locks nothing, and keeps no connection."""
        address = f"file:{quote(str(self.path))}?immutable=1"

        def connect() -> sqlite3.Connection:
            connection = sqlite3.connect(address, uri=True, check_same_thread=False)
            connection.isolation_level = None
            return connection

        return create_engine("sqlite://", creator=connect, poolclass=NullPool, hide_parameters=True)

    def is_whole(self) -> bool:
        """Whether the file can be read, and no newer transactions stand in a log beside it, which would be passed over."""
        if self.path is None or not os.access(self.path, os.R_OK):
            return False
        log = self.path.with_name(f"{self.path.name}-wal")
        return not log.is_file() or log.stat().st_size == 0


def refuses_files_beside_it(error: BaseException | None) -> bool:
    """Tell whether SQLite could not make what it keeps beside a database, or not write to the database itself."""
    return _code(error) in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}


def _code(error: BaseException | None) -> int | None:
    """The primary result code of an error of SQLite's; None: it is none, or the driver's own."""
    extended = getattr(error, "sqlite_errorcode", None)
    return None if extended is None else int(extended) & 0xFF


def _configure(connection: sqlite3.Connection, busy_seconds: float) -> None:
    connection.isolation_level = None
    try:
        connection.execute(f"PRAGMA busy_timeout={int(busy_seconds * 1000)}")
        connection.execute("PRAGMA foreign_keys=ON")
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")  # an answered webhook must survive a power cut
        except sqlite3.OperationalError as error:
            if _code(error) != sqlite3.SQLITE_READONLY:  # a read-only file can still be read; a write will say so
                raise
    except sqlite3.Error:
        connection.close()  # the pool has not taken it yet
        raise


def _begin(connection: Connection, statement: str) -> None:
    """Begin, or say how, by the driver itself: an event of SQLAlchemy's would be looked for at every statement of the engine."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    driver.execute(statement)
