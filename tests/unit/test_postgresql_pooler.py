"""A pooler (pgbouncer) before PostgreSQL: it takes every connection at once, and what is asked in it waits for its turn."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

import psycopg
import pytest
from sqlalchemy import text

from sync.errors import StoreError
from sync.storage.database import Store, open_store
from sync.storage.postgres import PostgreSQL

_TAKEN = b"R\0\0\0\x08\0\0\0\0" + b"K\0\0\0\x0c" + struct.pack("!ii", 7, 7) + b"Z\0\0\0\x05I"
"""No password is asked for, the session has a number, and may ask."""


_WAITS = 4.0
"""Seconds after which it lets go whoever still waits (pgbouncer: 120)."""


def refusal(words: str) -> bytes:
    """The message by which a pooler ends a session: its own words, by a code that is no server's."""
    fields = b"SFATAL\0VFATAL\0C08P01\0M" + words.encode() + b"\0\0"
    return b"E" + struct.pack("!i", len(fields) + 4) + fields


@contextmanager
def pooler(answer: bytes) -> Iterator[Store]:
    """A store behind what takes every session, and answers what is asked there by these bytes alone."""

    def serve(listening: socket.socket) -> None:
        with suppress(OSError):  # closed: the test is over
            while True:
                session, _ = listening.accept()
                while session.recv(1000)[4:8] in {struct.pack("!i", 80877103), struct.pack("!i", 80877104)}:
                    session.sendall(b"N")  # neither TLS nor GSSAPI
                session.sendall(_TAKEN)
                session.recv(1000)
                session.sendall(answer)
                session.settimeout(_WAITS)
                with suppress(TimeoutError):
                    session.recv(1000)
                session.close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=[listening], daemon=True)
        thread.start()
        url = f"postgresql://handoffs@127.0.0.1:{listening.getsockname()[1]}/handoffs?connect_timeout=1"
        with closing(open_store(url)) as store:
            yield store
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def asked(store: Store) -> None:
    with store.read() as connection:
        connection.execute(text("SELECT 1"))


def lock_taken(store: Store) -> None:
    store.lane_lock(0).take(0)


@pytest.mark.parametrize("use", [asked, lock_taken])
def test_one_that_has_no_connection_free_is_waited_for_no_longer_than_a_server(use: Callable[[Store], None]) -> None:
    """Seen: behind pgbouncer, all of whose sessions were taken, a worker said nothing for two minutes, and then of a restart."""
    began = time.monotonic()
    with pooler(b"") as store, pytest.raises(StoreError, match="has no connection to it free: raise default_pool_size"):
        use(store)
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("query_wait_timeout", "raise default_pool_size"),
        ("no more connections allowed (max_client_conn)", "raise max_client_conn"),
        ("server login has been failing, cached error: connect failed (server_login_retry)", "the pooler's log"),
        ("server login has been failing, cached error: sorry, too many clients already", "raise max_connections"),
        ("pgbouncer is shutting down", "is being stopped"),
    ],
)
def test_what_it_refuses_is_explained(words: str, said: str) -> None:
    with pooler(refusal(words)) as store, pytest.raises(StoreError) as caught:
        asked(store)
    assert said in str(caught.value)
    assert words in str(caught.value)


def test_what_it_says_later_is_told_apart_from_a_server_that_stops() -> None:
    """A connection that was kept waits for its turn as well, at its next transaction."""
    dialect = PostgreSQL("postgresql://handoffs@db.test/handoffs", busy_seconds=5)
    told = dialect.explained(psycopg.errors.ProtocolViolation("query_wait_timeout"))
    assert "raise default_pool_size" in told
    assert "was stopped" not in told
