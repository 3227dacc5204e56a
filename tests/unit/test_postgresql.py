"""Storage on PostgreSQL: the schema, transactions, locks of lanes, and what is said of its troubles."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import TextClause, text

from sync.crm import Kind, RecordRef
from sync.errors import LaneLostError, StoreError
from sync.service.lanes import Lanes, set_number
from sync.storage import alert_log, postgres, tables, work_queue
from sync.storage.database import Store, migrate, open_store, revision
from sync.storage.lane_locks import Holder
from sync.storage.postgres import PostgreSQL
from sync.storage.session_locks import _holder, _name
from sync.storage.upsert import insert_new
from tests import databases
from tests.conftest import MakeWorld
from tests.databases import drop, fresh_postgresql
from tests.patience import PATIENCE

NOW = datetime(2026, 11, 2, 14, tzinfo=UTC)


@pytest.fixture
def store() -> Iterator[Store]:
    """A store on a database of its own, its schema up to date."""
    url = fresh_postgresql()
    with closing(open_store(url)) as opened:
        yield opened
    drop(url)


@pytest.fixture
def other(store: Store) -> Iterator[Store]:
    """Another process's store on the same database."""
    with closing(open_store(store._dialect._url)) as opened:  # type: ignore[attr-defined]
        yield opened


@pytest.fixture
def empty() -> Iterator[str]:
    url = fresh_postgresql(migrated=False)
    yield url
    drop(url)


def end_sessions(store: Store) -> None:
    """End all other connections of the database, and wait until they are, as an administrator or a fail-over does."""
    with store.write() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )


def test_what_need_not_last_is_not_waited_for_and_all_else_is(store: Store) -> None:
    """The tests' own server waits for no disk: the session is told to."""
    with store.write() as connection:
        connection.exec_driver_sql("SET synchronous_commit = on")
    found = []
    for lasting in (True, False, True):
        with store.write(lasting=lasting) as connection:
            found.append(connection.exec_driver_sql("SHOW synchronous_commit").scalar())
    assert found == ["on", "off", "on"]


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        ("sorry, too many clients already", "raise max_connections"),
        ("remaining connection slots are reserved for roles with the SUPERUSER attribute", "raise max_connections"),
        ('too many connections for role "handoffs"', "ALTER ROLE … CONNECTION LIMIT"),
        ('too many connections for database "handoffs"', "ALTER DATABASE … CONNECTION LIMIT"),
        ("the database system is starting up", "is starting"),
        ("the database system is not yet accepting connections", "is starting"),
        ("the database system is in recovery mode", "is recovering"),
        ("the database system is shutting down", "is being stopped"),
        ("terminating connection due to administrator command", "is being stopped"),
        ('database "handoffs" does not exist', "createdb"),
        ('role "handoffs" does not exist', "createuser"),
        ('password authentication failed for user "handoffs"', "refuses this user or password"),
        ('no pg_hba.conf entry for host "10.0.0.7", user "handoffs"', "mend the server's pg_hba.conf"),
    ],
)
def test_a_connection_that_the_server_refuses_is_explained(refused: str, said: str) -> None:
    """libpq's text has "connection failed: connection to server" before the server's own words (PostgreSQL 15)."""
    dialect = PostgreSQL("postgresql://handoffs:secret@db.test/handoffs", busy_seconds=5)
    told = dialect.explained(
        Exception(f'connection failed: connection to server at "10.0.0.5" failed: FATAL:  {refused}')
    )
    assert said in told
    assert refused in told
    assert "secret" not in told


class TestTheSchema:
    def test_it_is_what_the_tables_say(self, store: Store) -> None:
        """But for the foreign key that a trigger stands for (0024; `test_both_databases`)."""

        def counts(found: Any, _name: object, kind: str, _reflected: object, _other: object) -> bool:
            return kind != "foreign_key_constraint" or found.table.name != "effect"

        with store.read() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": False, "include_object": counts})
            assert compare_metadata(context, tables.metadata) == []

    def test_texts_sort_by_code_points(self, store: Store) -> None:
        with store.read() as connection:
            other_languages = connection.execute(
                text(
                    "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' AND "
                    "data_type IN ('text', 'character varying') AND collation_name IS DISTINCT FROM 'C' "
                    "AND table_name <> 'alembic_version'"
                )
            ).all()
        assert other_languages == []

    @pytest.mark.parametrize("before", [None, "0001", "0004", "0007", "0008", "0011"])
    def test_each_earlier_one_is_taken_over(self, empty: str, before: str | None) -> None:
        with closing(open_store(empty)) as store:
            if before is not None:
                config = Config()
                config.set_main_option("script_location", "sync/storage/migrations")
                with store.write() as connection:
                    config.attributes["connection"] = connection
                    command.upgrade(config, before)
                assert revision(store) == before
            migrate(store)
            with closing(open_store(fresh_postgresql())) as whole:
                assert revision(store) == revision(whole)

    def test_two_that_migrate_at_once_wait_for_each_other(self, empty: str) -> None:
        failed: list[BaseException] = []

        def upgrade() -> None:
            try:
                with closing(open_store(empty)) as store:
                    migrate(store)
            except BaseException as error:  # noqa: BLE001 - told below
                failed.append(error)

        threads = [threading.Thread(target=upgrade) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        assert failed == []
        with closing(open_store(empty)) as store:
            assert revision(store) is not None

    def test_effects_are_counted_by_the_database(self, store: Store) -> None:
        with store.write() as connection:
            connection.execute(
                text(
                    "INSERT INTO occurrence (key, handoff, record_kind, record, cycle, decided_at, origin, state, reason, "
                    "detail) VALUES ('o', '1', 'portfolio', '1', '0', 0, 'poll', 'open', '', '{}')"
                )
            )
            for key in "ab":
                connection.execute(
                    text(
                        "INSERT INTO effect (key, occurrence, position, kind, payload, state, state_at, attempts) "
                        "VALUES (:key, 'o', 0, 'task', '{}', 'planned', 0, 0)"
                    ),
                    {"key": key},
                )
            connection.execute(text("UPDATE effect SET state = 'done' WHERE key = 'a'"))
        with store.read() as connection:
            counted = connection.execute(text("SELECT state, number FROM effect_count ORDER BY state")).all()
        assert [tuple(row) for row in counted] == [("done", 1), ("planned", 1)]


class TestTransactions:
    def test_one_writes_at_a_time(self, store: Store, other: Store) -> None:
        entered = threading.Event()

        def write() -> None:
            with other.write():
                entered.set()

        thread = threading.Thread(target=write)
        with store.write():
            thread.start()
            assert not entered.wait(0.2)
        thread.join(PATIENCE)
        assert entered.is_set()

    def test_whoever_waits_too_long_says_so(self, store: Store) -> None:
        url = store._dialect._url  # type: ignore[attr-defined]
        with (
            closing(open_store(url, busy_seconds=0.1)) as hasty,
            store.write(),
            pytest.raises(StoreError, match=r"was locked by another program for 0\.1 s"),
            hasty.write(),
        ):
            pass

    def test_whoever_is_frozen_in_a_write_holds_up_the_others_for_seconds_at_the_most(
        self, store: Store, other: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert postgres.IDLE_SECONDS <= 5
        monkeypatch.setattr(postgres, "IDLE_SECONDS", 1)
        insert = text("INSERT INTO fact VALUES ('frozen', 'x')")
        counted = text("SELECT count(*) FROM fact WHERE name = 'frozen'")
        found = []

        def write_while_frozen() -> None:
            with store.write() as connection:
                connection.execute(insert)
                with other.write() as writing:  # waits until the server has ended the first one
                    found.append(writing.scalar(counted))
                connection.execute(counted)

        with pytest.raises(StoreError, match="was frozen, or starved"):
            write_while_frozen()
        assert found == [0]
        with store.write() as connection:
            connection.execute(insert)

    def test_whoever_finds_only_that_the_connection_is_gone_is_not_told_that_it_cannot_be_reached(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Seen: a process was frozen before it wrote many rows, and its admin was asked whether the server runs."""
        monkeypatch.setattr(postgres, "IDLE_SECONDS", 1)
        insert, rows = text("INSERT INTO fact VALUES (:name, 'x')"), [{"name": str(number)} for number in range(9)]
        with pytest.raises(StoreError, match=r"broke the connection.*frozen, or starved") as caught:
            self._written_late(store, insert, rows)
        assert "cannot be reached" not in str(caught.value)
        with store.write() as connection:
            connection.execute(insert, rows)

    @staticmethod
    def _written_late(store: Store, insert: TextClause, rows: list[dict[str, str]]) -> None:
        with store.write() as connection:
            time.sleep(1.3)
            connection.execute(insert, rows)

    def test_a_statement_that_takes_too_long_is_told_apart_from_a_server_that_stops(self, store: Store) -> None:
        def too_slow() -> None:
            with store.write() as connection:
                connection.execute(text("SET LOCAL statement_timeout = 100"))
                connection.execute(text("SELECT pg_sleep(0.3)"))

        with pytest.raises(StoreError, match="statement_timeout"):
            too_slow()

    def test_a_migration_is_bound_by_no_limit_of_a_statement(self, store: Store) -> None:
        with store.write() as connection:
            connection.execute(text("ALTER ROLE CURRENT_USER SET statement_timeout = '90s'"))
        store.close()
        shown = text("SHOW statement_timeout")
        try:
            with store.write(pauses=True) as connection:
                assert connection.scalar(shown) == "0"
            with store.write() as connection:
                assert connection.scalar(shown) == "90s"
        finally:
            with store.write() as connection:
                connection.execute(text("ALTER ROLE CURRENT_USER RESET statement_timeout"))

    def test_a_migration_or_a_copy_may_pause(self, store: Store) -> None:
        with store.write(pauses=True) as connection:
            assert connection.scalar(text("SHOW idle_in_transaction_session_timeout")) == "0"
        with store.write() as connection:
            assert connection.scalar(text("SHOW idle_in_transaction_session_timeout")) == "5s"

    def test_a_reading_sees_one_state_and_changes_nothing(self, store: Store, other: Store) -> None:
        count = text("SELECT count(*) FROM fact")
        with store.read() as connection:
            before = connection.scalar(count)
            with other.write() as writing:
                writing.execute(text("INSERT INTO fact VALUES ('a', 'b')"))
            assert connection.scalar(count) == before
        with pytest.raises(StoreError, match="read-only"), store.read() as connection:
            connection.execute(text("INSERT INTO fact VALUES ('c', 'd')"))
        with store.write() as connection:  # the same connection may write again
            connection.execute(text("INSERT INTO fact VALUES ('c', 'd')"))

    def test_a_kept_connection_that_was_ended_is_not_used(self, store: Store, other: Store) -> None:
        with store.read() as connection:
            connection.execute(text("SELECT 1"))
        end_sessions(other)
        with store.read() as connection:
            assert connection.scalar(text("SELECT 1")) == 1
        end_sessions(other)
        with store.write() as connection:
            assert connection.scalar(text("SELECT 1")) == 1

    def test_a_nul_is_stored_as_what_cannot_be_shown(self, store: Store) -> None:
        with store.write() as connection:
            connection.execute(text("INSERT INTO fact VALUES ('a', :value)"), {"value": "x\0y"})
        with store.read() as connection:
            assert connection.scalar(text("SELECT value FROM fact WHERE name = 'a'")) == "x\ufffdy"


def test_whether_a_row_was_new_is_told(store: Store) -> None:
    """By it an alert is sent once, and what was lost with a database is recorded once: nothing else notices where it is not."""
    with store.write() as connection:
        told = [alert_log.claim(connection, kind, "…", NOW) for kind in ("parked", "parked", "blocked")]
    assert told == [True, False, True]
    new = insert_new(tables.sweeps)
    with store.write() as connection:
        told_of = [connection.execute(new, {"day": "2026-11-02", "started_at": 1}).rowcount for _ in range(2)]
    assert told_of == [1, 0]


def test_a_store_that_is_closed_leaves_no_session_behind(store: Store, other: Store) -> None:
    """Those of a worker that was never run to its end neither: whoever comes next may keep the time."""
    sessions = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    left = open_store(store._dialect._url)  # type: ignore[attr-defined]
    wakeups, keeper = left.wakeups(), left.timekeeper()
    wakeups.wait(lambda: 0)
    assert keeper.is_mine()
    with other.read() as connection:
        assert connection.scalar(sessions) == 2
    left.close()
    wakeups.close()
    with other.read() as connection:
        until = time.monotonic() + PATIENCE
        while connection.scalar(sessions):
            assert time.monotonic() < until
            connection.execute(text("SELECT pg_stat_clear_snapshot(), pg_sleep(0.05)"))


class TestLanes:
    def test_one_has_a_lane_and_others_hear_who(self, store: Store, other: Store) -> None:
        told: list[Holder | None] = []
        with Lanes(store).held(3, lambda: False) as mine:
            assert mine is not None
            assert mine.is_mine()
            with Lanes(other).held(
                3, lambda: False, lambda _lane, who, _waited: told.append(who), patient=False
            ) as none:
                assert none is None
            with Lanes(other).held(4, lambda: False, patient=False) as another:
                assert another is not None
        assert told[0] is not None
        assert told[0].pid > 0
        with Lanes(other).held(3, lambda: False, patient=False) as freed:
            assert freed is not None

    def test_the_same_process_cannot_have_it_twice(self, store: Store) -> None:
        with Lanes(store).held(0, lambda: False), Lanes(store).held(0, lambda: False, patient=False) as none:
            assert none is None

    def test_whoever_has_all_of_them_is_alone(self, store: Store, other: Store) -> None:
        with Lanes(store).every() as all_of_them:
            assert all_of_them is not None
            with Lanes(other).held(5, lambda: False, lambda *_: None, patient=False) as none:
                assert none is None
        with Lanes(store).held(5, lambda: False), Lanes(other).every(iter([False, True]).__next__) as none:
            assert none is None

    def test_a_lost_session_is_a_lost_lane_and_nothing_more_is_written(self, store: Store, other: Store) -> None:
        with Lanes(store).held(0, lambda: False) as mine:
            assert mine is not None
            with store.fenced(mine):
                with store.write():
                    pass
                end_sessions(other)
                with Lanes(other).held(0, lambda: False, patient=False) as theirs:
                    assert theirs is not None, "it is free at once"
                    with pytest.raises(LaneLostError, match="lane 0 was lost"):
                        store.require_lane()
                    with pytest.raises(LaneLostError, match="lane 0 was lost"), store.write():
                        pass
        with store.write():  # without a lane there is no fence
            pass

    def test_a_session_that_is_no_good_for_a_lock_is_ended(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        """One that breaks at its first statement, and one of a pooler: nobody would end it, and workers try every few seconds."""
        opened: list[Any] = []
        dialect = store._dialect
        connect = dialect.connect  # type: ignore[attr-defined]

        def told() -> Any:
            opened.append(connect())
            return opened[-1]

        monkeypatch.setattr(dialect, "connect", told)
        for begin in ("SELECT 1 / 0", "SELECT -1"):
            monkeypatch.setattr("sync.storage.session_locks._BEGIN", begin)
            with pytest.raises(StoreError):
                store.lane_lock(0).take(0)
        assert [one.closed for one in opened] == [True, True]

    def test_another_number_of_lanes_waits_for_every_pass_and_moves_every_record(
        self, store: Store, other: Store
    ) -> None:
        records = [RecordRef(Kind.PORTFOLIO, str(number)) for number in range(1, 30)]
        with store.write() as connection:
            work_queue.enqueue(connection, records, NOW, "poll")
        changer = threading.Thread(target=set_number, args=(other, 4))
        with Lanes(store).held(0, lambda: False) as mine:
            assert mine is not None
            changer.start()
            changer.join(0.3)
            assert changer.is_alive(), "a pass runs"
        changer.join(PATIENCE)
        assert not changer.is_alive()
        with store.read() as connection:
            assert work_queue.lanes(connection) == 4
            for lane in range(4):
                for item in work_queue.lease(connection, lane, NOW, 100):
                    assert work_queue.lane_of(item.record, 4) == lane
                    records.remove(item.record)
        assert records == []

    def test_the_name_of_a_session_tells_who_has_it(self) -> None:
        since = datetime(2026, 11, 30, 4, 5, 6, tzinfo=UTC)
        assert _holder(_name(Holder("handoffs worker", 123, "web-1", since))) == Holder(
            "handoffs worker", 123, "web-1", since
        )
        long = _name(Holder("handoffs worker", 1234567, "h" * 100, since))
        assert len(long.encode()) == 63
        assert _holder(long) is not None
        assert _holder("psql") is None


def test_a_world_plays_on_it(make_world: MakeWorld) -> None:
    """The service from the webhook to the task, with several lanes."""
    world = make_world(database_url=fresh_postgresql(), lanes=4)
    portfolio = world.people.create_portfolio(refresh_date=world.day(10))
    world.work()
    world.sweep()
    assert world.kinds(("portfolio", portfolio)) == ["kickoff"]
    world.sweep()
    assert world.kinds(("portfolio", portfolio)) == ["kickoff"]


def test_what_cannot_be_reached_is_told_without_the_password() -> None:
    with (
        closing(open_store("postgresql://amy:s3cr3t@127.0.0.1:1/handoffs")) as store,
        pytest.raises(StoreError, match=r"amy:\*\*\*@127.0.0.1:1/handoffs cannot be reached") as caught,
        store.read() as connection,
    ):
        connection.execute(text("SELECT 1"))
    assert "s3cr3t" not in str(caught.value)


def test_a_database_that_is_not_there_is_told() -> None:
    url = f"{databases.server().url('nowhere')}"
    with closing(open_store(url)) as store, pytest.raises(StoreError, match="createdb"), store.write():
        pass


def test_without_the_driver_one_line_says_how_to_get_it() -> None:
    """And a service on SQLite never asks for it."""
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from sync.storage.database import open_store, migrate\n"
        "from sync.errors import ConfigurationError\n"
        "store = open_store('sqlite://'); migrate(store)\n"
        "try: open_store('postgresql://db/handoffs')\n"
        "except ConfigurationError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert "pip install 'creative-refresh-handoffs[postgres]'" in done.stdout


def test_a_host_that_vanished_is_noticed_within_seconds_at_both_ends(store: Store) -> None:
    """By the server, which frees its lanes then; and by a worker whose server is gone. `tests/story/test_cut_off.py` cuts."""
    settings = ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count", "tcp_user_timeout")
    lock = store.lane_lock(1)
    try:
        assert lock.take(0)
        session = lock._session  # type: ignore[attr-defined]
        there = [session.execute(f"SHOW {name}").fetchone()[0] for name in settings]
        here = session.info.get_parameters()
        assert there == ["5", "2", "3", "11000"]
        assert [here[name.replace("tcp_keep", "keep")] for name in settings] == ["5", "2", "3", "10000"]
    finally:
        lock.free()
