"""Locks of lanes on PostgreSQL: advisory locks, each had by a session of its own.

The server frees them with the session: at once where the process ends, and where its host vanishes once it answers no
keepalive (5 s, then 3 times every 2 s). A process that is frozen still answers, by its kernel, and keeps its lock: it may
be in the middle of a call to the CRM, and nobody can tell how that ends. A session that broke is never opened again on
the quiet: the lock went with it.
"""

import re
import time
from collections.abc import Mapping
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol

from sqlalchemy import Connection

from sync.errors import StoreError
from sync.storage.driver import driver
from sync.storage.lane_locks import Holder, this_process

if TYPE_CHECKING:
    import psycopg

_LANE: Final = 0x4C414E45
"""The class of these advisory locks: "LANE"."""

_EVERY: Final = 0x7FFFFFFF
"""The one that every holder of a lane shares, and that whoever wants all lanes has alone."""

_ASKED_EVERY: Final = 0.05
"""Seconds between two tries: the lock is asked for, not queued for, so that whoever waits can be told to stop."""

_KEPT: Final = 2
"""How many sessions without a lock are kept for the next lane."""

_BEGIN: Final = (
    "SELECT pg_backend_pid(), set_config('tcp_keepalives_idle', '5', false), "
    "set_config('tcp_keepalives_interval', '2', false), set_config('tcp_keepalives_count', '3', false), "
    "set_config('tcp_user_timeout', '11000', false), set_config('idle_session_timeout', '0', false)"
)
_TAKE: Final = (
    "SELECT CASE WHEN NOT pg_try_advisory_lock_shared(%(lanes)s, %(every)s) THEN false "
    "WHEN pg_try_advisory_lock(%(lanes)s, %(lane)s) THEN true "
    "ELSE NOT pg_advisory_unlock_shared(%(lanes)s, %(every)s) END"
)
_TAKE_EVERY: Final = "SELECT pg_advisory_lock(%(lanes)s, %(every)s)"
_PATIENCE: Final = "SELECT set_config('lock_timeout', %(patience)s, false)"
_FREE: Final = "SELECT pg_advisory_unlock_all()"
_SAY: Final = "SELECT set_config('application_name', %s, false)"
_HOLDER: Final = (
    "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid "
    "WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.classid = %(lanes)s "
    "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND l.pid <> pg_backend_pid() "
    "AND (l.objid = %(lane)s::int OR l.objid = %(every)s AND (l.mode = 'ExclusiveLock' OR %(lane)s::int IS NULL)) LIMIT 1"
)
_MINE: Final = (
    "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = %(pid)s AND objsubid = 2 "
    "AND classid = %(lanes)s AND objid = %(lane)s LIMIT 1"
)
_ALIVE: Final = "SELECT 1"
_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})

_NAME: Final = re.compile(r"(?P<command>.*) (?P<pid>\d+)@(?P<host>\S*) (?P<since>\d{8}T\d{6})")
_NAME_BYTES: Final = 63
"""What PostgreSQL keeps of an `application_name`."""

_POOLED: Final = (
    "is reached through a pooler (pgbouncer), where a lock is nobody's: have DATABASE_URL of workers and commands name the "
    "server itself; receivers may go through it"
)


class Server(Protocol):
    """The server, as far as it is needed here."""

    @property
    def place(self) -> str: ...

    def connect(self) -> "psycopg.Connection[Any]": ...

    def explained(self, cause: BaseException | None) -> str: ...


class SessionLocks:
    """Gives the locks of lanes, and keeps a few sessions between two holdings."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._kept: list[psycopg.Connection[Any]] = []

    def lock(self, lane: int | None) -> "SessionLaneLock":
        """Give the lock of a lane, for one holding; None: of all lanes."""
        return SessionLaneLock(self, lane)

    def session(self) -> "psycopg.Connection[Any]":
        """Take a session that has no lock. Raises `StoreError`."""
        while self._kept:
            kept = self._kept.pop()
            if _answers(kept):
                return kept
            kept.close()
        with ExitStack() as unless_it_is_good:
            try:
                opened = unless_it_is_good.enter_context(closing(self._server.connect()))
                opened.autocommit = True
                pid = _value(opened, _BEGIN)
            except driver().Error as error:
                raise self.failed(error) from error
            if pid != opened.info.backend_pid:  # a pooler gives a number of its own
                raise StoreError(f"{self._server.place} {_POOLED}")
            unless_it_is_good.pop_all()
        return opened

    def keep(self, session: "psycopg.Connection[Any]") -> None:
        """Take back a session that has no lock any more."""
        if len(self._kept) < _KEPT:
            self._kept.append(session)
        else:
            session.close()

    def failed(self, error: Exception) -> StoreError:
        """Say what is the matter with the server."""
        return StoreError(self._server.explained(error))

    def close(self) -> None:
        """End the sessions that are kept."""
        while self._kept:
            self._kept.pop().close()


class SessionLaneLock:
    """An advisory lock, had as long as its session lives."""

    def __init__(self, locks: SessionLocks, lane: int | None) -> None:
        self._locks = locks
        self.name = "the lanes" if lane is None else f"lane {lane}"
        self._key = {"lanes": _LANE, "every": _EVERY, "lane": lane}
        self._session: psycopg.Connection[Any] | None = None  # None: it is not had, nor asked for

    def take(self, patience: float) -> bool:
        """Take it, waiting `patience` seconds at the most; False: another has it. Raises `StoreError`."""
        session = self._session = self._session or self._locks.session()
        try:
            taken = self._take_every(session, patience) if self._key["lane"] is None else self._take(session, patience)
            if not taken:
                return False
            session.execute(_SAY, (_name(this_process()),))
        except driver().Error as error:
            self._end()
            raise self._locks.failed(error) from error
        return True

    def _take(self, session: "psycopg.Connection[Any]", patience: float) -> bool:
        until = time.monotonic() + patience
        while not _value(session, _TAKE, self._key):
            if time.monotonic() >= until:
                return False
            time.sleep(_ASKED_EVERY)
        return True

    def _take_every(self, session: "psycopg.Connection[Any]", patience: float) -> bool:
        """Queue for it: while one waits in the queue nobody gets a lane, or workers would take turns for ever."""
        _value(session, _PATIENCE, {"patience": f"{max(1, int(patience * 1000))}ms"})
        try:
            session.execute(_TAKE_EVERY, self._key)
        except driver().errors.LockNotAvailable:
            return False
        return True

    def holder(self) -> Holder | None:
        """Who has it, by the name of its session."""
        if self._session is None:
            return None
        try:
            return _holder(_value(self._session, _HOLDER, self._key))
        except driver().Error:  # whoever asks for the lock again is told what is the matter
            return None

    def is_mine(self) -> bool:
        """Ask the server: as long as the session lives it has the lock."""
        return self._session is not None and _answers(self._session)

    def is_mine_in(self, connection: Connection) -> bool:
        """The same, of the server's list of locks: nobody else can have taken it before this transaction ends, and written."""
        if self._session is None:
            return False
        own = {**self._key, "pid": self._session.info.backend_pid}
        own["lane"] = _EVERY if own["lane"] is None else own["lane"]
        return connection.exec_driver_sql(_MINE, own).scalar() is not None

    def free(self) -> None:
        """Give it up, or what was waited for; where that cannot be said, by ending the session."""
        session, self._session = self._session, None
        if session is None:
            return
        try:
            _value(session, _FREE)
        except driver().Error:
            session.close()
        else:
            self._locks.keep(session)

    def _end(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()


def _value(session: "psycopg.Connection[Any]", statement: str, parameters: Mapping[str, object] = _NOTHING) -> Any:
    row = session.execute(statement, parameters).fetchone()
    return None if row is None else row[0]


def _answers(session: "psycopg.Connection[Any]") -> bool:
    try:
        return bool(_value(session, _ALIVE) == 1)
    except driver().Error:
        return False


def _name(holder: Holder) -> str:
    """Write who has it into what PostgreSQL shows of a session: shortened where it is too long."""
    end = f" {holder.since:%Y%m%dT%H%M%S}"
    begin = f"{holder.command[:20]} {holder.pid}@"
    room = _NAME_BYTES - len(begin.encode()) - len(end)
    return begin + holder.host.encode()[: max(0, room)].decode(errors="ignore") + end


def _holder(name: str | None) -> Holder | None:
    found = _NAME.fullmatch(name or "")
    if found is None:
        return None
    since = datetime.strptime(found["since"], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    return Holder(found["command"], int(found["pid"]), found["host"], since)
