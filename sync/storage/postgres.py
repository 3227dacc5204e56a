"""PostgreSQL: one database for any number of hosts. Its connections, its transactions, and what is said of its troubles.

A write takes one advisory lock for the length of its transaction, as SQLite's `BEGIN IMMEDIATE` takes the file's: what a
transaction has read stays true until its commit, no two of them deadlock, and none has to be done again for another's
sake. They are short, and none is held over a call to the CRM. A process that is frozen in the middle of one loses it
after `IDLE_SECONDS`, so that it holds up nobody for longer; migrations and copies alone may take their time.

What a transaction needs is said in its `BEGIN` or by `SET LOCAL`, and no statement is prepared in the session: behind a
pooler in transaction mode (pgbouncer) a session is another's after each commit.
"""

import json
import re
import selectors
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import Column, Connection, Engine, String, create_engine, event
from sqlalchemy.exc import PendingRollbackError
from sqlalchemy.pool import NullPool

from sync.errors import ConfigurationError
from sync.storable import storable, storable_text
from sync.storage.driver import SETTING, code, driver
from sync.storage.session_locks import SessionLaneLock, SessionLocks
from sync.storage.timekeeper import SessionTimeKeeper
from sync.storage.wakeups import Notifications

if TYPE_CHECKING:
    import psycopg

IDLE_SECONDS: Final = 5
"""How long a write may stand idle before the server ends it: only a frozen process does nothing for so long, and all who write
wait for it, receivers too. One that wakes up again finds it undone, and does it again."""

_WRITING: Final = 0x48414E44
"""The advisory lock of whoever writes: "HAND", so that it is nobody else's in this database."""

_UNHURRIED: Final = "SET LOCAL statement_timeout = 0; "
"""What a migration or a copy needs besides: some providers let no statement of a user take longer than a minute or two."""

_CONNECTING: Final[dict[str, Any]] = {
    "connect_timeout": 5,
    # A server whose host vanished is noticed after 5 + 3 × 2 s; one that takes nothing more, after ten.
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "application_name": "handoffs",
}
"""How to connect, where DATABASE_URL does not say otherwise (libpq's names)."""

_TROUBLES: Final[tuple[tuple[tuple[str, ...], str], ...]] = (
    (("42P01", "42703"), "has an old or no schema: run `handoffs db upgrade`"),
    (("3F000",), "has no schema to make tables in: create one, and name it in this user's search_path"),
    (("55P03",), "was locked by another program for {seconds:g} s: end what holds it"),
    (("53300",), "has no connection left: raise max_connections there, or run fewer processes; it is tried again"),
    (("53100", "53200"), "has run out of disk or memory: free some; nothing was lost"),
    (("58030",), "cannot read or write its files: is the server's disk full, or broken?"),
    (("25006",), "is read-only: name the primary in DATABASE_URL (after a fail-over that is another server)"),
    (("28",), "refuses this user or password: set DATABASE_URL"),
    (("3D000",), "does not exist: create it (`createdb`), or set DATABASE_URL"),
    (("42501",), "gives this user too few rights: let it own the database, or grant it CREATE and USAGE on the schema"),
    (("40001", "40P01"), "gave this transaction up for another one: it is done again"),
    (("57014",), "gave up a statement: it took longer than statement_timeout there allows this user, or was canceled"),
    (("25P04",), "gave up a transaction that took longer than transaction_timeout there allows this user: raise it"),
    (("57P", "08"), "was stopped, or starts, or broke the connection: it is tried again"),
    (
        ("25P03",),
        f"ended a transaction that stood idle for too long ({IDLE_SECONDS} s in a write, otherwise what "
        "idle_in_transaction_session_timeout says there): this process was frozen, or starved; it is tried again",
    ),
)
"""The beginnings of PostgreSQL's codes, and the words for them: the first that fits counts."""

_BROKE: Final = (
    f"broke the connection, or ended it as that of a process that stood still for {IDLE_SECONDS} s in the middle of a write "
    "(frozen, or starved): it is tried again"
)
"""Said where the client found only that the connection was gone: it reads no last words where it was sending many rows."""

_NEVER_THERE: Final = re.compile(r"connection (failed|timeout|is bad)|failed to resolve|could not (connect|translate)")
"""How an error begins where there was no connection yet."""

_NEXT_HOST: Final = re.compile(r" - host: | Multiple connection attempts failed")
"""What follows the words of one of several hosts."""

_WRONG_OPTION: Final = re.compile(
    r'invalid URI query parameter: "\w+"|invalid "?\w+"? value: "[^"]*"|invalid integer value "[^"]*" for .* "\w+"|'
    r"bad value for \w+: '[^']*'|invalid port number: .*|weak sslmode .*|\w+ parameter must be an integer"
)
"""How the client says that it does not know an option of the address, or that the option has no such value."""

_SILENT: Final = "connection timeout: it was taken, but nothing was answered in it"
"""Said of a pooler that takes every connection, and has each wait until it has one to the server (for 120 s, unless told)."""

_POOL_USED_UP: Final = (
    "is behind a pooler (pgbouncer) that has no connection to it free: raise default_pool_size there, have fewer processes go "
    "through it, or let it RESUME if it was paused; it is tried again"
)

_UNMET: Final = (
    (re.escape(_SILENT), _POOL_USED_UP),
    (
        r"does not support SSL",
        "offers no TLS, which sslmode in DATABASE_URL asks for: switch it on there (ssl = on in postgresql.conf)",
    ),
    (
        r"root certificate file",
        "is to be verified, but the file with the certificate of its CA is missing, or holds none: name it in DATABASE_URL "
        "(sslrootcert=FILE)",
    ),
    (
        r"certificate verify failed",
        "shows a certificate that is not by a CA that is trusted here (sslrootcert in DATABASE_URL), or has expired: "
        "name the file with the CA's certificate, or have the server's renewed",
    ),
    (
        r"does not match host name",
        "shows another host's certificate: name it in DATABASE_URL by a name that stands in the certificate",
    ),
    (
        r"certificate file|private key",
        "is to be shown a certificate, which cannot be read here: mend sslcert and sslkey in DATABASE_URL, and the files' rights",
    ),
    (r"no password supplied", "asks for a password, and DATABASE_URL has none: set it (postgresql://user:password@…)"),
    (
        r"session is (not )?read-only|server is (not )?in hot standby",
        "is on none of its hosts as target_session_attrs in DATABASE_URL asks for (after a fail-over no host may take writes "
        "for a while): it is tried again",
    ),
)
"""What the client says that turns away from a server, or lacks a file, and the words for it: the first that fits counts."""

_REFUSALS: Final = (
    (r"^role .* does not exist$", "does not know this user: create it (`createuser`), or set DATABASE_URL"),
    (r"^database .* does not exist$", "does not exist: create it (`createdb`), or set DATABASE_URL"),
    (r"password|authentication", "refuses this user or password: set DATABASE_URL"),
    (
        r"client certificate",
        "asks for a certificate: name its file and its key's in DATABASE_URL (sslcert=FILE&sslkey=FILE)",
    ),
    (
        r"no encryption$",
        "lets nobody in from here by this user without TLS: have it by sslmode=require in DATABASE_URL, or mend the server's "
        "pg_hba.conf",
    ),
    (r"pg_hba\.conf", "lets nobody in from here by this user: mend the server's pg_hba.conf, or set DATABASE_URL"),
    (
        r"too many connections for role",
        "has no connection left for this user: raise its limit (ALTER ROLE … CONNECTION LIMIT), or run fewer processes; it is "
        "tried again",
    ),
    (
        r"too many connections for database",
        "has no connection left: raise its limit (ALTER DATABASE … CONNECTION LIMIT), or run fewer processes; it is tried again",
    ),
    (
        r"too many|are reserved",
        "has no connection left: raise max_connections there, or run fewer processes; it is tried again",
    ),
    (r"query_wait_timeout", _POOL_USED_UP),
    (
        r"no more connections allowed",
        "is behind a pooler (pgbouncer) that takes no more clients: raise max_client_conn there, or run fewer processes; it is "
        "tried again",
    ),
    (
        r"server_login_retry|server login has been failing|cannot connect to server",
        "is behind a pooler (pgbouncer) that does not get into it: does the server run, and what does the pooler's log say? It "
        "is tried again",
    ),
    (r"starting up|not yet accepting", "is starting: it is tried again"),
    (r"recovery", "is recovering: it is tried again"),
    (r"shutting down|administrator command", "is being stopped: it is tried again"),
)
"""What a server says that takes no connection, or a pooler before it, and the words for it: the first that fits counts."""

_POOLERS_OWN: Final = "08P01"
"""By this code a pooler says what keeps it, not the server."""


class PostgreSQL:
    """The dialect of a database on a server. It has no path."""

    path = None
    is_shared = True

    def __init__(self, url: str, busy_seconds: float, given_as: str = SETTING) -> None:
        self.place = f"the database {without_password(url)}"
        self._url = url
        self._given_as = given_as
        self._busy_seconds = busy_seconds
        self._locks = SessionLocks(self)
        self._given: list[Notifications | SessionTimeKeeper] = []  # with sessions of their own
        self._begin = (
            f"SET LOCAL lock_timeout = '{int(busy_seconds * 1000)}ms'; "
            "SET LOCAL idle_in_transaction_session_timeout = '{idle}s'; {more}"
            f"SELECT pg_advisory_xact_lock({_WRITING})"
        )

    def engine(self) -> Engine:
        """Make the engine; the store keeps the connections. Raises `ConfigurationError` where there is no driver."""
        driver(self._given_as)
        return create_engine(
            "postgresql+psycopg://",
            creator=self.connect,
            poolclass=NullPool,
            hide_parameters=True,  # an error must not quote people's data into a log
            use_native_hstore=False,  # to look for that type costs a query a connection
        )

    def connect(self) -> "psycopg.Connection[Any]":
        """Open a connection as DATABASE_URL says. Raises `ConfigurationError`, and the driver's errors."""
        library = driver()
        try:
            how = _CONNECTING | library.conninfo.conninfo_to_dict(self._url)
            connection: psycopg.Connection[Any] = library.connect(**how, prepare_threshold=None)
        except library.Error as error:
            if isinstance(error, library.ProgrammingError) or _WRONG_OPTION.search(str(error)):
                raise ConfigurationError(f"{self.place} {self._named(_misnamed(self._url, str(error)))}") from None
            raise
        try:
            _require_answer(connection, float(how["connect_timeout"]))
        except BaseException:
            connection.close()
            raise
        connection.adapters.register_dumper(str, _text_dumper())
        library.types.json.set_json_dumps(_json, connection)
        return connection

    def is_usable(self, connection: Connection) -> bool:
        """Whether a connection that was kept still stands: the server says nothing to one in no transaction but its end."""
        with selectors.DefaultSelector() as selector:
            selector.register(_session_of(connection).fileno(), selectors.EVENT_READ)
            return not selector.select(timeout=0)

    def ear(self) -> None:
        """Give nothing that hears of commits: whoever enqueues on a server tells it (`wakeups`)."""
        return

    def lane_lock(self, lane: int) -> SessionLaneLock:
        """Give the lock of a lane, for one holding."""
        return self._locks.lock(lane)

    def every_lane_lock(self, _lanes: int) -> SessionLaneLock:
        """Give the lock of all lanes, for one holding."""
        return self._locks.lock(None)

    def wakeups(self) -> Notifications:
        """Give a worker what tells it that something was enqueued."""
        self._given.append(given := Notifications(self.connect))
        return given

    def timekeeper(self) -> SessionTimeKeeper:
        """Give a worker what says whether it is the one that polls and sweeps."""
        self._given.append(given := SessionTimeKeeper(SessionLocks(self).session))
        return given

    def close(self) -> None:
        """End the sessions that were kept for locks, and those of whoever listens or keeps the time."""
        self._locks.close()
        while self._given:
            self._given.pop().close()

    def require_same(self) -> None:
        """A server's database is known by its name."""

    def begin_read(self, connection: Connection) -> None:
        """Have the transaction see one state of the database, and change none."""
        session = _session_of(connection)
        session.isolation_level = driver().IsolationLevel.REPEATABLE_READ
        session.read_only = True

    def begin_write(self, connection: Connection, *, pauses: bool, lasting: bool) -> None:
        """Begin a transaction that may write, as the only one: its statements see all that another has committed."""
        session = _session_of(connection)
        session.isolation_level = driver().IsolationLevel.READ_COMMITTED
        session.read_only = False
        how = "" if lasting else "SET LOCAL synchronous_commit = off; "
        connection.exec_driver_sql(
            how + self._begin.format(idle=0 if pauses else IDLE_SECONDS, more=_UNHURRIED if pauses else "")
        )

    def explained(self, cause: BaseException | None) -> str:
        """Say in an admin's words what is the matter, and what to do about it, by the code that PostgreSQL gives."""
        said = " ".join(str(cause).split())
        found = code(cause)
        if found is None and "idle-in-transaction" in said:  # psycopg 3.2 gives no code of a connection that was ended
            found = "25P03"
        if found is None and "FATAL:" in said:
            said = _NEXT_HOST.split(said.rpartition("FATAL:")[2])[0].strip()
            words: str | None = _refusal(said)
        elif found is None:
            words = _without_a_code(cause, said)
        elif found == _POOLERS_OWN:
            words = _refusal(said)
        else:
            words = next((words for codes, words in _TROUBLES if found.startswith(codes)), None)
        if words is None:
            return f"{self.place}: {said}"
        return f"{self.place} {self._named(words.format(seconds=self._busy_seconds))} ({said})"

    def _named(self, words: str) -> str:
        """Have words of the address tell of the setting, or the option, that it was given by."""
        return words.replace(SETTING, self._given_as)


def _require_answer(connection: "psycopg.Connection[Any]", seconds: float) -> None:
    """Have the server answer within so many seconds (0: however late). Raises the driver's errors, also where it does not.

    A server answers at once. A pooler takes the connection, and then has whatever is asked in it wait for its turn.
    """
    library, session = driver(), connection.pgconn
    until = time.monotonic() + seconds
    session.send_query(b"SELECT 1")
    with selectors.DefaultSelector() as selector:
        selector.register(connection.fileno(), selectors.EVENT_READ)
        while True:
            while session.is_busy():
                if not selector.select(max(0.001, until - time.monotonic()) if seconds > 0 else None):
                    raise library.OperationalError(f"{_SILENT} for {seconds:g} s")
                session.consume_input()
            result = session.get_result()
            if result is None:
                return
            if result.error_message:  # nothing needs to follow it: to ask for more may take for ever
                raise library.OperationalError(result.error_message.decode(errors="replace"))


def _without_a_code(cause: BaseException | None, said: str) -> str:
    """Say what is the matter where the server said nothing: there was no connection, or it broke."""
    if isinstance(cause, driver().Error) and _NEVER_THERE.match(said):
        for pattern, words in _UNMET:
            if re.search(pattern, said):
                return words
        return "cannot be reached: does the server run, and is DATABASE_URL right?"
    if isinstance(cause, (driver().Error, PendingRollbackError)):
        return _BROKE
    return "cannot be asked so"


def _misnamed(url: str, said: str) -> str:
    """Say what is wrong with the address itself; the client's words only where they cannot quote a password."""
    wrong = _WRONG_OPTION.search(said)
    if wrong is None or "@" in url.partition("://")[2].partition("/")[2]:  # a slash in a password that was not escaped
        return "has no address that PostgreSQL's client understands: set DATABASE_URL"
    return f"has an address that PostgreSQL's client does not understand: mend DATABASE_URL ({wrong[0]})"


def _refusal(refused: str) -> str:
    """Say why the server takes no connection: its client gives no code of that, only the server's words."""
    return next((words for pattern, words in _REFUSALS if re.search(pattern, refused)), "takes no connection")


def without_password(url: str) -> str:
    """The address as it may be shown."""
    shown = re.sub(r"(://[^:@/?]*):[^@]*@", r"\1:***@", url)
    return re.sub(r"([?&](?:ssl)?password=)[^&]*", r"\1***", shown)


@contextmanager
def sorting_as_sqlite() -> Iterator[None]:
    """Have the texts of each table that is made meanwhile sort by their code points, whatever language the server speaks."""

    def by_code_points(column: Column[Any], _table: object) -> None:
        if isinstance(column.type, String):
            column.type = type(column.type)(column.type.length, collation="C")

    event.listen(Column, "before_parent_attach", by_code_points)
    try:
        yield
    finally:
        event.remove(Column, "before_parent_attach", by_code_points)


def _text_dumper() -> Any:
    """What gives texts to the server as they are storable: a NUL, which people can paste, it cannot hold."""
    from psycopg.types.string import StrDumper

    class Text(StrDumper):
        def dump(self, obj: str) -> Any:
            return super().dump(storable_text(obj))

    return Text


def _json(value: object) -> str:
    """Write JSON for the server: it refuses the escape of what it cannot hold as well, as in a list of ids (`lists`)."""
    return json.dumps(storable(value))


def _session_of(connection: Connection) -> "psycopg.Connection[Any]":
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)
