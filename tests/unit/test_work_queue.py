"""One row a record to look at: however often it is marked, and whatever happens while it is looked at."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from sync.clock import to_ms
from sync.crm import Kind, RecordRef
from sync.storage import work_queue
from sync.storage.database import Store, migrate, open_store
from sync.storage.tables import memberships
from sync.storage.tables import work_items as rows
from sync.storage.work_queue import BACKOFF, Priority, WorkItem

NOW = datetime(2026, 11, 2, 14, 0, tzinfo=UTC)
ONE = RecordRef(Kind.PORTFOLIO, "1")
TWO = RecordRef(Kind.PORTFOLIO, "2")
TICKET = RecordRef(Kind.TICKET, "1")  # ids of different objects may be equal
MINUTE = timedelta(minutes=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path / 'handoffs.db'}")
    migrate(opened)
    yield opened
    opened.close()


def _mark(store: Store, *records: RecordRef, at: datetime = NOW, origin: str = "webhook", **more: Any) -> None:
    with store.write() as connection:
        work_queue.enqueue(connection, records, at, origin, **more)


def _take(store: Store, at: datetime = NOW, limit: int = 50) -> list[WorkItem]:
    with store.read() as connection:
        return work_queue.lease(connection, 0, at, limit)


def _row(store: Store, record: RecordRef = ONE) -> Any:
    with store.read() as connection:
        return connection.execute(select(rows).where(rows.c.kind == record.kind, rows.c.id == record.id)).one_or_none()


def _done(store: Store, look: WorkItem, again: datetime | None = None) -> None:
    with store.write() as connection:
        work_queue.ack(connection, {look: again})


def _failed(store: Store, look: WorkItem, at: datetime = NOW) -> bool:
    with store.write() as connection:
        return work_queue.nack(connection, look, at, "why")


# Marking


def test_a_thousand_marks_are_one_look(store: Store) -> None:
    for _ in range(1000 // 50):
        _mark(store, *[ONE] * 50)
    (look,) = _take(store)
    assert look.record == ONE


def test_ids_of_different_objects_are_different_records(store: Store) -> None:
    _mark(store, ONE, TICKET)
    assert {look.record for look in _take(store)} == {ONE, TICKET}


def test_marking_nothing_is_nothing(store: Store) -> None:
    _mark(store)
    assert _take(store) == []


def test_a_later_look_waits_for_its_moment(store: Store) -> None:
    _mark(store, ONE, not_before=NOW + MINUTE)
    assert _take(store) == []
    assert len(_take(store, NOW + MINUTE)) == 1


def test_a_mark_makes_a_waiting_record_due_and_its_age_begins_now(store: Store) -> None:
    _mark(store, ONE, not_before=NOW + 60 * MINUTE)
    _mark(store, ONE, at=NOW + MINUTE)
    (look,) = _take(store, NOW + MINUTE)
    assert look.marked_at == NOW + MINUTE


def test_a_mark_for_later_does_not_put_off_what_is_due(store: Store) -> None:
    _mark(store, ONE)
    _mark(store, ONE, at=NOW + MINUTE, not_before=NOW + 60 * MINUTE)
    (look,) = _take(store, NOW + MINUTE)
    assert look.marked_at == NOW, "what is due keeps its age"


def test_interactive_work_goes_first_then_the_oldest(store: Store) -> None:
    three = RecordRef(Kind.PORTFOLIO, "3")
    _mark(store, ONE, origin="sweep", priority=Priority.BULK)
    _mark(store, TWO, at=NOW + MINUTE)
    _mark(store, three)
    assert [look.record.id for look in _take(store, NOW + MINUTE)] == ["3", "2", "1"]
    assert [look.record.id for look in _take(store, NOW + MINUTE, limit=1)] == ["3"]


def test_bulk_work_does_not_slow_down_what_is_interactive(store: Store) -> None:
    _mark(store, ONE)
    _mark(store, ONE, origin="sweep", priority=Priority.BULK)
    assert _row(store).priority == Priority.INTERACTIVE


@pytest.mark.parametrize("origin", sorted(work_queue.MENDED_BY_TIME))
def test_a_look_that_also_mends_stays_one(store: Store, origin: str) -> None:
    _mark(store, ONE, origin=origin)
    _mark(store, ONE, origin="webhook")
    (look,) = _take(store)
    assert look.origin == origin
    _done(store, look, NOW + MINUTE)
    (look,) = _take(store, NOW + MINUTE)
    assert look.origin not in work_queue.MENDED_BY_TIME, "once it was done it is over"


# Settling


def test_what_is_done_is_gone(store: Store) -> None:
    _mark(store, ONE)
    _done(store, _take(store)[0])
    assert _row(store) is None


def test_what_was_marked_again_meanwhile_stays_due(store: Store) -> None:
    _mark(store, ONE)
    (look,) = _take(store)
    _mark(store, ONE, at=NOW + MINUTE)
    _done(store, look, NOW + 60 * MINUTE)
    (again,) = _take(store, NOW + MINUTE)
    assert again.generation == look.generation + 1


def test_what_is_to_be_looked_at_again_waits(store: Store) -> None:
    _mark(store, ONE)
    _done(store, _take(store)[0], NOW + MINUTE)
    assert _take(store) == []
    (look,) = _take(store, NOW + MINUTE)
    assert look.marked_at == NOW + MINUTE, "it is not old: it has waited"


def test_a_success_ends_the_failures(store: Store) -> None:
    _mark(store, ONE)
    _failed(store, _take(store)[0])
    (look,) = _take(store, NOW + 60 * MINUTE)
    _mark(store, ONE, at=NOW + 60 * MINUTE)
    _done(store, look)
    row = _row(store)
    assert (row.attempts, row.error) == (0, None)


def test_a_record_that_fails_backs_off_and_is_parked(store: Store) -> None:
    _mark(store, ONE, TWO)
    at, waits = NOW, []
    for _ in BACKOFF:
        look = next(look for look in _take(store, at) if look.record == ONE)
        assert not _failed(store, look, at)
        due = _row(store).look_at
        waits.append(due - to_ms(at))
        at += timedelta(milliseconds=waits[-1])
    assert waits == [int(wait.total_seconds() * 1000) for wait in BACKOFF]
    assert _failed(store, next(look for look in _take(store, at) if look.record == ONE), at)
    assert [look.record for look in _take(store, at + timedelta(days=30))] == [TWO], "alone"
    assert (_row(store).attempts, _row(store).error) == (len(BACKOFF) + 1, "why")


def test_a_parked_record_gets_one_more_try_when_it_is_marked(store: Store) -> None:
    _mark(store, ONE)
    for n in range(len(BACKOFF) + 1):
        _failed(store, _take(store, NOW + timedelta(days=n))[0], NOW + timedelta(days=n))
    at = NOW + timedelta(days=30)
    assert _take(store, at) == []
    _mark(store, ONE, at=at)
    assert _failed(store, _take(store, at)[0], at), "and is parked again"
    _mark(store, ONE, at=at)
    _done(store, _take(store, at)[0])
    assert _row(store) is None


def test_a_record_that_was_mended_during_its_last_try_is_not_parked(store: Store) -> None:
    _mark(store, ONE)
    for n in range(len(BACKOFF)):
        _failed(store, _take(store, NOW + timedelta(days=n))[0], NOW + timedelta(days=n))
    at = NOW + timedelta(days=30)
    (look,) = _take(store, at)
    _mark(store, ONE, at=at)
    assert not _failed(store, look, at)
    assert len(_take(store, at)) == 1


# Holding


def test_what_is_held_is_not_taken_and_keeps_its_number(store: Store) -> None:
    _mark(store, ONE, TWO)
    looks = _take(store)
    with store.write() as connection:
        work_queue.hold(connection, looks, {ONE: 3, TWO: 4})
    _mark(store, ONE, at=NOW + MINUTE)
    assert _take(store, NOW + MINUTE) == [], "an event does not let it go"
    with store.read() as connection:
        assert work_queue.held(connection) == [(ONE, 3), (TWO, 4)]
    with store.write() as connection:
        work_queue.release_held(connection, [TWO], NOW + MINUTE)
    (look,) = _take(store, NOW + MINUTE)
    assert (look.record, look.origin) == (TWO, "release")


# Touching


def test_a_ticket_marks_the_portfolio_that_it_is_known_on(store: Store) -> None:
    with store.write() as connection:
        connection.execute(memberships.insert().values(ticket="1", portfolio="2"))
        work_queue.enqueue_related(connection, [TICKET], NOW, "webhook")
    assert [look.record for look in _take(store)] == [TWO]


def test_a_ticket_that_may_have_moved_is_looked_at_itself_too(store: Store) -> None:
    with store.write() as connection:
        connection.execute(memberships.insert().values(ticket="1", portfolio="2"))
        work_queue.enqueue_related(connection, [TICKET], NOW, "webhook", moved=True)
    assert {look.record for look in _take(store)} == {TICKET, TWO}


def test_an_unknown_ticket_is_looked_at_itself_and_an_unknown_task_is_nobodys(store: Store) -> None:
    with store.write() as connection:
        work_queue.enqueue_related(connection, [TICKET, RecordRef(Kind.TASK, "9")], NOW, "webhook")
    assert [look.record for look in _take(store)] == [TICKET]
