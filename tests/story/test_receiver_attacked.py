"""The receiver belongs to nobody who does not sign: callers that say half of something, or nothing, stop no delivery."""

import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.story.attacks import ATTACKS, HEAD, Receiver
from webhooks.server import WHOLE_WITHIN


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    running = Receiver(tmp_path)
    try:
        yield running
    finally:
        running.kill()


@pytest.mark.parametrize("attack", ATTACKS)
def test_genuine_deliveries_are_answered_meanwhile(receiver: Receiver, attack: str) -> None:
    with ExitStack() as open_ones:
        for _ in range(60):
            open_ones.enter_context(closing(receiver.connect(ATTACKS[attack])))
        for number in range(10):
            assert receiver.deliver(number) == 200
        assert receiver.healthy()
    with sqlite3.connect(receiver.directory / "handoffs.db") as database:
        assert database.execute("SELECT count(*) FROM delivery").fetchone() == (10,)


@pytest.mark.parametrize(
    "said", [b"", HEAD[:40], ATTACKS["half a body"]], ids=["silence", "half a head", "half a body"]
)
def test_what_does_not_come_to_its_end_is_closed(receiver: Receiver, said: bytes) -> None:
    """A byte now and then does not keep it open: what counts is when the request began."""
    with closing(receiver.connect(said)) as connection:
        connection.settimeout(0.5)
        began = time.monotonic()
        ended = False
        while not ended and time.monotonic() < began + WHOLE_WITHIN + 20:
            try:
                if said:
                    connection.sendall(b"x")
                ended = connection.recv(1000) == b""
            except TimeoutError:
                continue
            except OSError:
                ended = True
    assert ended
    assert time.monotonic() - began >= WHOLE_WITHIN - 1


def test_health_answers_while_deliveries_wait_for_the_database(receiver: Receiver) -> None:
    """Every delivery is answered before HubSpot gives up, and sent again; health waits for none of them."""
    answers: list[int] = []
    with closing(sqlite3.connect(receiver.directory / "handoffs.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        threads = [threading.Thread(target=lambda n=n: answers.append(receiver.deliver(n))) for n in range(20)]
        for thread in threads:
            thread.start()
        assert receiver.healthy()
        for thread in threads:
            thread.join()
        other.execute("ROLLBACK")
    assert answers == [503] * 20
    assert receiver.deliver(1) == 200


def test_what_is_being_answered_is_finished_at_the_end(receiver: Receiver) -> None:
    answers: list[int] = []
    with closing(sqlite3.connect(receiver.directory / "handoffs.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        thread = threading.Thread(target=lambda: answers.append(receiver.deliver(1)))
        thread.start()
        time.sleep(0.5)
        receiver.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        other.execute("ROLLBACK")
        thread.join()
    assert answers == [200]
    assert receiver.process.wait(30) == 0
    assert "Traceback" not in receiver.said()
