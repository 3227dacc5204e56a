"""A read too long for one call has its parts on their way side by side; what comes of them is as if one followed another."""

import json
import threading
from collections.abc import Callable, Sequence

import pytest
import responses
import structlog

from sync.crm import Kind
from sync.errors import CRMUnavailableError
from sync.hubspot.ahead import sent_ahead
from sync.hubspot.ask import Answer, Ask, NoAnswerError
from tests.contract.fakes import StandingClock
from tests.contract.hubspot.answers import OBJECTS, TICKETS, FreeBudget, error, listing, make, raw
from tests.contract.hubspot.test_isolation import serve

IDS = [str(number) for number in range(1001, 1401)]
PARTS = [Ask("POST", "/read", "read", body={"part": part}) for part in range(6)]


class Line:
    """Answers each call with the number of its part once `together` are on their way; remembers what was sent."""

    def __init__(self, together: int = 1, fails: int | None = None) -> None:
        self.sent: list[int] = []
        self.most = 0
        self._under_way = 0
        self._fails = fails
        self._lock = threading.Lock()
        self._barrier = threading.Barrier(together)

    def send(self, ask: Ask) -> Answer:
        part = (ask.body or {})["part"]
        with self._lock:
            self.sent.append(part)
            self._under_way += 1
            self.most = max(self.most, self._under_way)
        self._barrier.wait(timeout=5)
        with self._lock:
            self._under_way -= 1
        if part == self._fails:
            raise NoAnswerError(f"part {part}")
        return Answer({"part": part}, None)


def test_so_many_are_on_their_way_at_once() -> None:
    line = Line(together=3)
    with sent_ahead(PARTS, line.send, 3) as send:
        assert [send(ask).body["part"] for ask in PARTS] == [0, 1, 2, 3, 4, 5]
    assert line.most == 3
    assert sorted(line.sent) == [0, 1, 2, 3, 4, 5], "each is sent once"


def test_one_at_a_time() -> None:
    """Nothing is sent before it is asked for."""
    line = Line()
    with sent_ahead(PARTS, line.send, 1) as send:
        assert line.sent == []
        send(PARTS[1])
    assert line.sent == [1]


def test_what_fails_is_told_in_its_turn_and_the_rest_is_not_sent() -> None:
    line = Line(fails=1)

    def read() -> None:
        with sent_ahead(PARTS, line.send, 2) as send:
            assert send(PARTS[0]).body == {"part": 0}
            send(PARTS[1])

    with pytest.raises(NoAnswerError, match="part 1"):
        read()
    assert set(line.sent) <= {0, 1, 2, 3}


def test_no_more_is_sent_than_is_asked_for() -> None:
    """However slow the first part is: what it may say of the rest is not known yet, and answers fill the memory."""
    sent: list[int] = []
    last = threading.Event()

    def send(ask: Ask) -> Answer:
        part = (ask.body or {})["part"]
        sent.append(part)
        if part == 0:
            last.wait(timeout=0.2)
        if part == 5:
            last.set()
        return Answer({"part": part}, None)

    with sent_ahead(PARTS, send, 2) as ahead:
        ahead(PARTS[1])
        assert set(sent) <= {0, 1, 2}
        ahead(PARTS[0])
        assert not last.is_set()


def test_a_call_that_hangs_keeps_no_process_from_its_end() -> None:
    """Neither at the end of the interpreter, which waits for all threads but daemons, nor where Ctrl-C leaves the read."""
    hangs = threading.Event()

    def send(ask: Ask) -> Answer:
        hangs.wait(timeout=60)
        return Answer(ask.body or {}, None)

    def interrupted() -> None:
        with sent_ahead(PARTS, send, 2):
            on_their_way.extend(thread for thread in threading.enumerate() if thread.name.startswith("crm"))
            raise KeyboardInterrupt

    on_their_way: list[threading.Thread] = []
    try:
        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert [thread.daemon for thread in on_their_way] == [True, True]
        assert all(thread.is_alive() for thread in on_their_way), "it was left before they ended"
    finally:
        hangs.set()


def test_where_no_thread_is_to_be_had_calls_are_sent_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    line = Line()
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with sent_ahead(PARTS, line.send, 3) as send:
        assert line.sent == []
        assert [send(ask).body["part"] for ask in PARTS] == [0, 1, 2, 3, 4, 5]


def test_a_call_that_is_made_again_is_sent_again() -> None:
    line = Line()
    with sent_ahead(PARTS, line.send, 2) as send:
        send(PARTS[0])
        send(PARTS[0])
    assert line.sent.count(0) == 2


def test_the_log_tells_of_the_same_pass() -> None:
    told: list[object] = []

    def send(ask: Ask) -> Answer:
        told.append(structlog.contextvars.get_contextvars().get("lane"))
        return Answer(ask.body or {}, None)

    with structlog.contextvars.bound_contextvars(lane=3), sent_ahead(PARTS[:2], send, 2) as ahead:
        for ask in PARTS[:2]:
            ahead(ask)
    assert told == [3, 3]


@pytest.mark.parametrize(
    "fails",
    [
        lambda _ids: 200,
        lambda ids: 500 if "1150" in ids else 200,
        lambda ids: 400 if {"1001", "1400"} & {*ids} else 200,
    ],
    ids=["nothing", "a record in the middle", "the first and the last"],
)
def test_the_same_is_found_as_one_after_the_other(
    api: responses.RequestsMock, clock: StandingClock, fails: Callable[[Sequence[str]], int]
) -> None:
    """A record for which calls fail is found by halves, and is the only one that is missing."""
    api.get(f"{OBJECTS}/0-5", json=listing(raw("1")))
    serve(api, TICKETS, fails)
    alone = make(clock, FreeBudget()).read_each(Kind.TICKET, IDS, ["subject"])
    before = len(api.calls)
    together = make(clock, FreeBudget(), at_once=4).read_each(Kind.TICKET, IDS, ["subject"])
    assert together == alone
    assert list(together.found) == list(alone.found)
    assert len(api.calls) == 2 * before, "nothing is asked twice"


def test_what_fails_for_all_ends_as_soon(api: responses.RequestsMock, clock: StandingClock) -> None:
    api.get(f"{OBJECTS}/0-5", status=500, json=error("no"))
    asked = serve(api, TICKETS, lambda _ids: 500)
    with pytest.raises(CRMUnavailableError):
        make(clock, FreeBudget(), at_once=4).read_each(Kind.TICKET, IDS, ["subject"])
    whole = {json.dumps(ids) for ids in asked if len(ids) == 100}
    assert len(whole) <= 4
