"""The database says in words what is wrong with it, and a transaction is all or nothing."""

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event, func, select

from sync.errors import StoreError
from sync.storage import database as module
from sync.storage.database import Store, migrate, open_store
from sync.storage.service_state import Entry, get, put
from sync.storage.tables import deliveries, service_state, work_items


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "handoffs.db"


A: Entry[str] = Entry("a", str, str)
N: Entry[int] = Entry("n", str, int)

_OPENED: list[Store] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    """Close what a test has opened: Python 3.13 warns of a connection that is only forgotten."""
    yield
    while _OPENED:
        _OPENED.pop().close()


def _open(path: Path, *, ready: bool = True, busy_seconds: float = 30) -> Store:
    store = open_store(f"sqlite:///{path}", busy_seconds=busy_seconds)
    _OPENED.append(store)
    if ready:
        migrate(store)
    return store


def _write(store: Store) -> None:
    with store.write() as connection:
        put(connection, A, "b")


def test_a_transaction_is_all_or_nothing(path: Path) -> None:
    store = _open(path)

    def fail_half_way() -> None:
        with store.write() as connection:
            put(connection, A, "b")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    with store.read() as connection:
        assert get(connection, A) is None


def test_a_reader_sees_one_state(path: Path) -> None:
    store = _open(path)
    with store.read() as connection:
        assert get(connection, A) is None
        _write(store)
        assert get(connection, A) is None
    with store.read() as connection:
        assert get(connection, A) == "b"


def test_reading_never_waits_for_a_writer(path: Path) -> None:
    store = _open(path, busy_seconds=0)
    with store.write() as writer:
        put(writer, A, "b")
        with store.read() as reader:
            assert get(reader, A) is None


def test_writers_take_turns(path: Path) -> None:
    """Each reads and writes in one transaction: none of the additions is lost, and none fails."""
    store = _open(path)
    _write(store)

    def add() -> None:
        for _ in range(10):
            with store.write() as connection:
                put(connection, N, (get(connection, N) or 0) + 1)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with store.read() as connection:
        assert get(connection, N) == 40


def test_an_answered_write_survives_a_power_cut(path: Path) -> None:
    """WAL and FULL: the log is on the disk before a transaction ends."""
    store = _open(path)
    with store.read() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_what_need_not_last_is_not_waited_for_and_all_else_is(path: Path) -> None:
    """On one and the same connection; a pass takes from the request budget between what it writes down."""
    store = _open(path)
    levels = []
    for lasting in (True, False, True, False, False, True):
        with store.write(lasting=lasting) as connection:
            levels.append(connection.exec_driver_sql("PRAGMA synchronous").scalar())
    assert levels == [2, 1, 2, 1, 1, 2]


def test_migrating_twice_does_nothing_the_second_time(path: Path) -> None:
    store = _open(path)
    _write(store)
    migrate(store)
    with store.read() as connection:
        assert get(connection, A) == "b"
    assert module.revision(store) is not None


# What can be wrong


def test_locked_by_another_program(path: Path) -> None:
    store = _open(path, busy_seconds=0)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match=r"handoffs\.db was locked by another program"):
        _write(store)
    other.execute("ROLLBACK")
    other.close()
    _write(store)


def test_a_read_only_file(path: Path) -> None:
    """As root sees it too: through a connection that may only read."""
    _open(path).close()
    store = _open(path, ready=False)
    event.listen(store.engine, "connect", lambda connection, _: connection.execute("PRAGMA query_only=ON"))
    with pytest.raises(StoreError, match="is read-only: give the service's user the right"):
        _write(store)
    with store.read() as connection:
        assert get(connection, A) is None, "it can still be read"


def test_a_directory_that_takes_no_file(path: Path) -> None:
    """Not even from root, which may write to any that is one."""
    path.parent.joinpath("occupied").touch()
    with pytest.raises(StoreError, match=r"cannot be opened"):
        _open(path.parent / "occupied" / "handoffs.db")


def test_a_full_disk(path: Path) -> None:
    """What was being written is not there, and what was there before still is."""
    store = _open(path)
    _write(store)
    store.close()
    with store.engine.connect() as connection:
        pages = int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())
    store.close()
    event.listen(store.engine, "connect", lambda raw, _: raw.execute(f"PRAGMA max_page_count={pages + 2}"))

    def fill() -> None:
        with store.write() as connection:
            for _ in range(50):
                connection.execute(deliveries.insert().values(received_at=0, body=b"x" * 4096))

    with pytest.raises(StoreError, match=r"the disk of .* is full: free some room; nothing was lost"):
        fill()
    with store.read() as connection:
        assert get(connection, A) == "b"
        assert connection.scalar(select(func.count()).select_from(deliveries)) == 0


def test_a_file_that_may_grow_no_further(path: Path) -> None:
    """A quota, or a limit of the process, stops a write as a full disk does, and nothing but it."""
    _open(path).close()
    program = f"""
import resource, signal
from sync.errors import StoreError
from sync.storage.database import open_store
from sync.storage.tables import deliveries

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
store = open_store("sqlite:///{path}")
try:
    with store.write() as connection:
        for _ in range(50):
            connection.execute(deliveries.insert().values(received_at=0, body=b"x" * 4096))
except StoreError as error:
    print(error)
store.close()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "is there room left" in done.stdout, done


def test_a_file_that_was_replaced(path: Path) -> None:
    """What is written into the old one nobody would ever read."""
    store = _open(path)
    _write(store)
    other = path.with_name("other.db")
    _open(other)
    other.replace(path)
    with pytest.raises(StoreError, match=r"handoffs\.db was replaced by another file while the service runs"):
        _write(store)
    with pytest.raises(StoreError, match="was replaced"), store.reader.read():
        pass


def test_a_file_that_is_gone_is_not_made_anew(path: Path) -> None:
    store = _open(path)
    path.unlink()
    with pytest.raises(StoreError, match=r"handoffs\.db is gone while the service runs"):
        _write(store)
    assert not path.exists()


def test_a_file_that_is_replaced_while_it_is_written(path: Path) -> None:
    """Whoever is told that it was stored would never send it again."""
    store = _open(path)

    def write() -> None:
        with store.write() as connection:
            put(connection, A, "b")
            path.rename(path.with_name("moved.db"))

    with pytest.raises(StoreError, match="is gone"):
        write()


@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
def test_a_file_beside_it_that_is_removed(path: Path, suffix: str) -> None:
    """Another process would make it anew, and know nothing of what stood there; nothing is lost where all end first."""
    store = _open(path)
    with store.write() as connection:
        put(connection, A, "before")
    Path(f"{path}{suffix}").unlink()
    for _ in range(3):
        with pytest.raises(StoreError, match=rf"handoffs\.db{suffix}, a part of the database, was removed"):
            _write(store)
        with pytest.raises(StoreError, match="was removed"), store.reader.read():
            pass
    store.close()
    with _open(path).read() as connection:
        assert get(connection, A) == "before"


def test_a_file_beside_it_goes_with_the_last_connection(path: Path) -> None:
    store = _open(path)
    for n in range(3):
        with store.write() as connection:
            put(connection, A, str(n))
        store.close()
        assert not Path(f"{path}-wal").exists()
        for other in ("a", "b"):  # or the next one may get the same number
            path.with_name(f"{other}{n}").touch()


def test_no_database(path: Path) -> None:
    path.write_text("This is a letter to my aunt. " * 100, encoding="utf-8")
    with pytest.raises(StoreError, match="is damaged or is no SQLite file"):
        _open(path)


def test_a_damaged_database(path: Path) -> None:
    store = _open(path)
    _write(store)
    store.close()
    body = bytearray(path.read_bytes())
    body[4096:] = b"\xff" * (len(body) - 4096)
    path.write_bytes(bytes(body))
    with pytest.raises(StoreError, match="is damaged or is no SQLite file"), store.read() as connection:
        connection.execute(service_state.select()).all()


def test_a_directory_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened: does its directory exist"):
        _open(tmp_path / "nowhere" / "handoffs.db")


def test_a_directory_in_its_place(path: Path) -> None:
    path.mkdir()
    with pytest.raises(StoreError, match="cannot be opened"):
        _open(path)


def test_no_schema(path: Path) -> None:
    store = _open(path, ready=False)
    with pytest.raises(StoreError, match="has an old or no schema: run `handoffs db upgrade`"):
        _write(store)


def test_an_old_schema(path: Path) -> None:
    store = _open(path)
    with store.write() as connection:
        connection.exec_driver_sql("ALTER TABLE dirty DROP COLUMN held_effects")
    with pytest.raises(StoreError, match="old or no schema"), store.read() as connection:
        connection.execute(work_items.select()).all()


def test_the_words_are_those_of_the_setting(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="DATABASE_URL") as caught:
        _open(tmp_path / "nowhere" / "handoffs.db")
    assert str(tmp_path) in str(caught.value)


def test_a_connection_that_waits_for_its_next_transaction_is_in_none(path: Path) -> None:
    """Whatever ended the one before: a later read sees what others wrote meanwhile, and holds nobody up."""
    store, other = _open(path), _open(path)
    with store.read():
        """Nothing is read in it."""

    def fail() -> None:
        with store.write() as connection:
            put(connection, A, "lost")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with store.read() as first, store.read() as second, store.read() as third:
        assert [get(connection, A) for connection in (first, second, third)] == [None, None, None]
    _write(other)
    for reader in (store, store.reader):
        with reader.read() as connection:
            assert get(connection, A) == "b"
    with other.write() as connection:
        put(connection, A, "c")
    with store.read() as connection:
        assert get(connection, A) == "c"
    store.close()
    other.close()
