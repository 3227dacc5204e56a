"""The database: tables whose constraints are the guarantees, and the one way to open it.

Times are integers, milliseconds since the epoch, UTC. Every write is one short transaction, begun `IMMEDIATE`, and
none is ever held over a call to the CRM. What a table promises stands beside it.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    bindparam,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from sync.clock import to_ms
from sync.errors import StoreError

T = TypeVar("T")

metadata = MetaData()

# The state of the service itself: go_live, born, last_poll, last_webhook, … One value a name.
facts = Table("fact", metadata, Column("name", String, primary_key=True), Column("value", Text, nullable=False))

# A webhook delivery, raw. One row a body that held at least one new event.
deliveries = Table(
    "delivery",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("received_at", BigInteger, nullable=False, index=True),
    Column("body", LargeBinary, nullable=False),
)

# One row an event, ever: the identity is a key, so a doubled delivery stores and marks nothing.
events = Table(
    "event",
    metadata,
    Column("identity", String, primary_key=True),
    Column("delivery", Integer, ForeignKey("delivery.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("received_at", BigInteger, nullable=False, index=True),
    Column("occurred_at", BigInteger),
    Column("subscription", String, nullable=False),
    Column("object_type", String, nullable=False),
    Column("object_id", String, nullable=False, index=True),
    Column("own", Integer, nullable=False),  # 1: the service's own change coming back
    Column("raw", Text, nullable=False),
)

# One row a record to look at. It is removed only if `generation` is still what the pass took.
dirty = Table(
    "dirty",
    metadata,
    Column("kind", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("lane", Integer, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("priority", Integer, nullable=False),  # 0 interactive (webhook, poll), 1 bulk (sweep, backfill)
    Column("marked_at", BigInteger, nullable=False),
    Column("origin", String, nullable=False),  # webhook, poll, sweep, replay, …: who said "look"
    Column("look_at", BigInteger, nullable=False),  # not before this moment
    Column("attempts", Integer, nullable=False),  # failed passes in a row
    Column("parked_at", BigInteger),  # set: no more tries until an admin says so
    Column("held_effects", Integer),  # set: the breaker holds so many effects of this record
    Column("error", Text),  # why the last pass failed
    Index("dirty_due", "lane", "parked_at", "look_at"),
)

# One row an occurrence: a handoff fires once a key, ever.
occurrences = Table(
    "occurrence",
    metadata,
    Column("key", String, primary_key=True),
    Column("handoff", String, nullable=False),
    Column("record_kind", String, nullable=False),
    Column("record", String, nullable=False),
    Column("portfolio", String),  # null: a ticket without a portfolio
    Column("cycle", String, nullable=False),
    Column("cause_at", BigInteger),  # when the cause stood in the CRM, where it has a moment
    Column("decided_at", BigInteger, nullable=False),
    Column("origin", String, nullable=False),
    Column("state", String, nullable=False),  # open, done, overtaken, withdrawn, gone
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),  # JSON: what the rule must remember (the entries that it announced, …)
    Index("occurrence_portfolio", "portfolio"),
    Index("occurrence_record", "record_kind", "record"),
)

# One row an effect: written down before it is tried. planned → attempting → done | unknown | blocked | failed | overtaken.
effects = Table(
    "effect",
    metadata,
    Column("key", String, primary_key=True),
    Column("occurrence", String, ForeignKey("occurrence.key", ondelete="CASCADE"), nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("kind", String, nullable=False),  # write, task, close, email
    Column("role", String),
    Column("payload", Text, nullable=False),  # JSON: the effect, ready to be tried
    Column("state", String, nullable=False, index=True),
    Column("state_at", BigInteger, nullable=False),
    Column("attempted_at", BigInteger, index=True),  # the first try; the breaker counts these
    Column("attempts", Integer, nullable=False),
    Column("crm_id", String),  # the task that was made, the record that was written
    Column("reason", Text),
    Index("effect_crm_id", "crm_id"),
)

# The cycles seen: the CRM forgets old versions, this does not.
cycles = Table(
    "cycle",
    metadata,
    Column("portfolio", String, primary_key=True),
    Column("started", BigInteger, primary_key=True),
    Column("by", String, nullable=False),  # the closing status
)

# Which portfolio a ticket was last seen on: what a deleted or moved ticket leaves to be looked at again.
memberships = Table(
    "membership",
    metadata,
    Column("ticket", String, primary_key=True),
    Column("portfolio", String, nullable=False, index=True),
)

# When a record was last read, by the CRM's own clock: a poll that lists it again without a change marks nothing.
seen = Table(
    "seen",
    metadata,
    Column("kind", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("modified_at", BigInteger, nullable=False),
)

# One sweep a day by the timer.
sweeps = Table(
    "sweep",
    metadata,
    Column("day", String, primary_key=True),
    Column("started_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
)

# An admin's word to the breaker: so many effects more, within the hour after it.
releases = Table(
    "release",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("effects", Integer, nullable=False),
)

# What an admin had done, by whom and why: one row a run of a command that acts on many records.
runs = Table(
    "run",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("command", String, nullable=False),  # apply, backfill, dead drop, …
    Column("actor", String, nullable=False),
    Column("reason", Text),  # null: none was asked for
    Column("arguments", Text, nullable=False),  # JSON: what it was told to do
    Column("started", BigInteger, nullable=False),
    Column("finished", BigInteger),  # null: it is running, or was cut off
    Column("counts", Text, nullable=False),  # JSON: what came of it
)

# How far back a portfolio's causes count, where that is before going live: an admin's word, kept for every later pass.
backfills = Table(
    "backfill",
    metadata,
    Column("portfolio", String, primary_key=True),
    Column("since", BigInteger, nullable=False),
    Column("run", Integer, ForeignKey("run.id"), nullable=False),  # the run that set it
)

# Whom a portfolio waits for, as its last pass saw it. One row a portfolio whose next step is a person's.
waits = Table(
    "wait",
    metadata,
    Column("portfolio", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("url", String, nullable=False),
    Column("party", String, nullable=False),
    Column("who", String, nullable=False),  # the party as people call it
    Column("after", String, nullable=False),  # the handoff that passed the work to them
    Column("what", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("stuck_at", BigInteger, nullable=False),  # from then on they are late, by the mapping of that pass
    Column("seen_at", BigInteger, nullable=False),
)

# One email to the admin a kind and hour.
alerts = Table(
    "alert",
    metadata,
    Column("kind", String, primary_key=True),
    Column("hour", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("message", Text, nullable=False),
)

# The CRM's request budget, shared by every process: one token bucket a row.
budgets = Table(
    "budget",
    metadata,
    Column("name", String, primary_key=True),
    Column("tokens", Integer, nullable=False),  # thousandths of a request
    Column("filled_at", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=False),  # requests ever taken
)

BUSY_SECONDS = 30


class Store:
    """An open database. `write()` and `read()` give a connection inside one short transaction."""

    def __init__(self, engine: Engine, path: Path | None) -> None:
        self.engine = engine
        self.path = path  # None: in memory
        self._for_good: set[str] = set()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that may write: begun at once, so that it never fails half-way on a lock."""
        try:
            with self.engine.connect() as connection:
                _begin(connection, "BEGIN IMMEDIATE")
                with connection.begin():
                    yield connection
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise self._explained(error) from error

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database."""
        try:
            with self.engine.connect() as connection:
                _begin(connection, "BEGIN")
                yield connection  # closing it rolls back
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise self._explained(error) from error

    def has_for_good(self, name: str) -> bool:
        """Whether a fact is set that nobody ever unsets: the database is asked until it is."""
        if name not in self._for_good:
            with self.read() as connection:
                if get_fact(connection, name) is None:
                    return False
            self._for_good.add(name)
        return True

    def close(self) -> None:
        self.engine.dispose()

    def _explained(self, error: SQLAlchemyError | sqlite3.Error) -> StoreError:
        cause = error.orig if isinstance(error, DBAPIError) else error
        return StoreError(_explanation(str(cause), self.path))


def _explanation(cause: str, path: Path | None) -> str:
    where = f"the database {path}"
    text = cause.lower()
    if "readonly" in text or "read-only" in text:
        return f"{where} is read-only: give the service's user the right to write the file and its directory"
    if "locked" in text or "busy" in text:
        return f"{where} was locked by another program for {BUSY_SECONDS} s: end what holds it, or set DATABASE_URL"
    if "full" in text:
        return f"the disk of {path} is full: free some room; nothing was lost"
    if "unable to open" in text:
        return f"{where} cannot be opened: does its directory exist, and may the service write there? See DATABASE_URL"
    if "malformed" in text or "not a database" in text:
        return f"{where} is damaged or is no SQLite file: restore it, or move it away and start afresh"
    if "no such table" in text or "no such column" in text:
        return f"{where} has an old or no schema: run `handoffs db upgrade`"
    return f"{where}: {cause}"


def open_store(url: str) -> Store:
    """Open the database of `DATABASE_URL`; it is created by `migrate`, not here."""
    parsed = make_url(url)
    memory = parsed.database in {None, "", ":memory:"}
    path = None if memory else Path(str(parsed.database)).absolute()
    # pysqlite's own transaction handling is switched off: BEGIN is ours, so that it can be IMMEDIATE.
    engine = create_engine(
        parsed,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        hide_parameters=True,  # an error must not quote people's data into a log
    )
    event.listen(engine, "connect", _configure)
    return Store(engine, path)


def _configure(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
    cursor.execute("PRAGMA foreign_keys=ON")
    try:
        cursor.execute("PRAGMA journal_mode=WAL")
    except sqlite3.OperationalError as error:
        if "readonly" not in str(error):  # a read-only file can still be read; a write will say so
            raise
    cursor.execute("PRAGMA synchronous=FULL")  # an answered webhook must survive a power cut
    cursor.close()


def _begin(connection: Connection, statement: str) -> None:
    """Begin by the driver itself: an event of SQLAlchemy's would be looked for at every statement of the engine."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    driver.execute(statement)


def migrate(store: Store) -> None:
    """Bring the schema up to date; does nothing to one that is. `StoreError` for one that a newer version has made."""
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
    """The revision of the schema; None where there is none yet."""
    from alembic.runtime.migration import MigrationContext

    with store.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


COPIED = "copied"
"""The fact that says that this is a copy, and of when: it takes for undone what was done since."""


def copy_to(store: Store, file: Path, at: datetime) -> None:
    """Write a consistent copy of the database, as of `at`, into a new file, whoever writes meanwhile.

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
        set_fact(connection, COPIED, str(to_ms(at)))


def to_json(value: Mapping[str, Any]) -> str:
    """JSON in one canonical form, so that equal values are equal texts."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def in_parts(values: Sequence[T], size: int = 500) -> Iterator[Sequence[T]]:
    """SQLite takes a limited number of variables in one statement."""
    return (values[start : start + size] for start in range(0, len(values), size))


# Here and in the other modules, statements of every pass are built once: to build one takes SQLAlchemy longer than
# SQLite takes to answer it.

_FACTS = facts.select().where(facts.c.name.in_(bindparam("wanted", expanding=True)))
_NEW_FACT = insert(facts)
_SET_FACT = _NEW_FACT.on_conflict_do_update(index_elements=[facts.c.name], set_={"value": _NEW_FACT.excluded.value})


def get_fact(connection: Connection, name: str) -> str | None:
    """One value of the service's own state; None where it was never set."""
    return get_facts(connection, name)[0]


def get_facts(connection: Connection, *names: str) -> list[str | None]:
    """Several of them at once, in the order asked for."""
    known = {row.name: str(row.value) for row in connection.execute(_FACTS, {"wanted": names})}
    return [known.get(name) for name in names]


def set_fact(connection: Connection, name: str, value: str) -> None:
    connection.execute(_SET_FACT, {"name": name, "value": value})
