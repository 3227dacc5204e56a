"""One row a record to look at: however often it is enqueued, and whatever happens while it is leased."""

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
from tests.databases import url_in

NOW = datetime(2026, 11, 2, 14, 0, tzinfo=UTC)
ONE = RecordRef(Kind.PORTFOLIO, "1")
TWO = RecordRef(Kind.PORTFOLIO, "2")
TICKET = RecordRef(Kind.TICKET, "1")  # ids of different objects may be equal
MINUTE = timedelta(minutes=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(url_in(tmp_path))
    migrate(opened)
    yield opened
    opened.close()


def _enqueue(store: Store, *records: RecordRef, at: datetime = NOW, origin: str = "webhook", **more: Any) -> None:
    with store.write() as connection:
        work_queue.enqueue(connection, records, at, origin, **more)


def _lease(store: Store, at: datetime = NOW, limit: int = 50) -> list[WorkItem]:
    with store.read() as connection:
        return work_queue.lease(connection, 0, at, limit)


def _row(store: Store, record: RecordRef = ONE) -> Any:
    with store.read() as connection:
        return connection.execute(select(rows).where(rows.c.kind == record.kind, rows.c.id == record.id)).one_or_none()


def _ack(store: Store, item: WorkItem, again: datetime | None = None) -> None:
    with store.write() as connection:
        work_queue.ack(connection, {item: again})


def _nack(store: Store, item: WorkItem, at: datetime = NOW) -> bool:
    with store.write() as connection:
        return work_queue.nack(connection, item, at, "why")


# Enqueueing


def test_a_record_enqueued_a_thousand_times_is_one_item(store: Store) -> None:
    for _ in range(1000 // 50):
        _enqueue(store, *[ONE] * 50)
    (item,) = _lease(store)
    assert item.record == ONE


def test_ids_of_different_objects_are_different_records(store: Store) -> None:
    _enqueue(store, ONE, TICKET)
    assert {item.record for item in _lease(store)} == {ONE, TICKET}


def test_enqueueing_nothing_is_nothing(store: Store) -> None:
    _enqueue(store)
    assert _lease(store) == []


def test_what_is_enqueued_for_later_waits_for_its_moment(store: Store) -> None:
    _enqueue(store, ONE, not_before=NOW + MINUTE)
    assert _lease(store) == []
    assert len(_lease(store, NOW + MINUTE)) == 1


def test_enqueueing_makes_a_waiting_record_due_and_its_age_begins_now(store: Store) -> None:
    _enqueue(store, ONE, not_before=NOW + 60 * MINUTE)
    _enqueue(store, ONE, at=NOW + MINUTE)
    (item,) = _lease(store, NOW + MINUTE)
    assert item.marked_at == NOW + MINUTE


def test_enqueueing_for_later_does_not_put_off_what_is_due(store: Store) -> None:
    _enqueue(store, ONE)
    _enqueue(store, ONE, at=NOW + MINUTE, not_before=NOW + 60 * MINUTE)
    (item,) = _lease(store, NOW + MINUTE)
    assert item.marked_at == NOW, "what is due keeps its age"


def test_interactive_work_goes_first_then_the_oldest(store: Store) -> None:
    three = RecordRef(Kind.PORTFOLIO, "3")
    _enqueue(store, ONE, origin="sweep", priority=Priority.BULK)
    _enqueue(store, TWO, at=NOW + MINUTE)
    _enqueue(store, three)
    assert [item.record.id for item in _lease(store, NOW + MINUTE)] == ["3", "2", "1"]
    assert [item.record.id for item in _lease(store, NOW + MINUTE, limit=1)] == ["3"]


def test_bulk_work_does_not_slow_down_what_is_interactive(store: Store) -> None:
    _enqueue(store, ONE)
    _enqueue(store, ONE, origin="sweep", priority=Priority.BULK)
    assert _row(store).priority == Priority.INTERACTIVE


@pytest.mark.parametrize("origin", sorted(work_queue.MENDED_BY_TIME))
def test_an_item_that_also_mends_stays_one(store: Store, origin: str) -> None:
    _enqueue(store, ONE, origin=origin)
    _enqueue(store, ONE, origin="webhook")
    (item,) = _lease(store)
    assert item.origin == origin
    _ack(store, item, NOW + MINUTE)
    (item,) = _lease(store, NOW + MINUTE)
    assert item.origin not in work_queue.MENDED_BY_TIME, "once it was done it is over"


# Ack and nack


def test_what_is_done_is_gone(store: Store) -> None:
    _enqueue(store, ONE)
    _ack(store, _lease(store)[0])
    assert _row(store) is None


def test_what_was_enqueued_again_meanwhile_stays_due(store: Store) -> None:
    _enqueue(store, ONE)
    (item,) = _lease(store)
    _enqueue(store, ONE, at=NOW + MINUTE)
    _ack(store, item, NOW + 60 * MINUTE)
    (again,) = _lease(store, NOW + MINUTE)
    assert again.generation == item.generation + 1


def test_what_is_to_be_looked_at_again_waits(store: Store) -> None:
    _enqueue(store, ONE)
    _ack(store, _lease(store)[0], NOW + MINUTE)
    assert _lease(store) == []
    (item,) = _lease(store, NOW + MINUTE)
    assert item.marked_at == NOW + MINUTE, "it is not old: it has waited"


def test_a_success_ends_the_failures(store: Store) -> None:
    _enqueue(store, ONE)
    _nack(store, _lease(store)[0])
    (item,) = _lease(store, NOW + 60 * MINUTE)
    _enqueue(store, ONE, at=NOW + 60 * MINUTE)
    _ack(store, item)
    row = _row(store)
    assert (row.attempts, row.error) == (0, None)


def test_a_record_that_fails_backs_off_and_is_parked(store: Store) -> None:
    _enqueue(store, ONE, TWO)
    at, waits = NOW, []
    for _ in BACKOFF:
        item = next(item for item in _lease(store, at) if item.record == ONE)
        assert not _nack(store, item, at)
        due = _row(store).look_at
        waits.append(due - to_ms(at))
        at += timedelta(milliseconds=waits[-1])
    assert waits == [int(wait.total_seconds() * 1000) for wait in BACKOFF]
    assert _nack(store, next(item for item in _lease(store, at) if item.record == ONE), at)
    assert [item.record for item in _lease(store, at + timedelta(days=30))] == [TWO], "alone"
    assert (_row(store).attempts, _row(store).error) == (len(BACKOFF) + 1, "why")


def test_a_parked_record_gets_one_more_try_when_it_is_enqueued(store: Store) -> None:
    _enqueue(store, ONE)
    for n in range(len(BACKOFF) + 1):
        _nack(store, _lease(store, NOW + timedelta(days=n))[0], NOW + timedelta(days=n))
    at = NOW + timedelta(days=30)
    assert _lease(store, at) == []
    _enqueue(store, ONE, at=at)
    assert _nack(store, _lease(store, at)[0], at), "and is parked again"
    _enqueue(store, ONE, at=at)
    _ack(store, _lease(store, at)[0])
    assert _row(store) is None


def test_a_record_that_was_mended_during_its_last_try_is_not_parked(store: Store) -> None:
    _enqueue(store, ONE)
    for n in range(len(BACKOFF)):
        _nack(store, _lease(store, NOW + timedelta(days=n))[0], NOW + timedelta(days=n))
    at = NOW + timedelta(days=30)
    (item,) = _lease(store, at)
    _enqueue(store, ONE, at=at)
    assert not _nack(store, item, at)
    assert len(_lease(store, at)) == 1


# Holding


def test_what_is_held_is_not_leased_and_keeps_its_number(store: Store) -> None:
    _enqueue(store, ONE, TWO)
    items = _lease(store)
    with store.write() as connection:
        work_queue.hold(connection, items, {ONE: 3, TWO: 4})
    _enqueue(store, ONE, at=NOW + MINUTE)
    assert _lease(store, NOW + MINUTE) == [], "an event does not let it go"
    with store.read() as connection:
        assert work_queue.held(connection) == [(ONE, 3), (TWO, 4)]
    with store.write() as connection:
        work_queue.release_held(connection, [TWO], NOW + MINUTE)
    (item,) = _lease(store, NOW + MINUTE)
    assert (item.record, item.origin) == (TWO, "release")


# Related records


def test_a_ticket_enqueues_the_portfolio_that_it_is_known_on(store: Store) -> None:
    with store.write() as connection:
        connection.execute(memberships.insert().values(ticket="1", portfolio="2"))
        work_queue.enqueue_related(connection, [TICKET], NOW, "webhook")
    assert [item.record for item in _lease(store)] == [TWO]


def test_a_ticket_that_may_have_moved_is_looked_at_itself_too(store: Store) -> None:
    with store.write() as connection:
        connection.execute(memberships.insert().values(ticket="1", portfolio="2"))
        work_queue.enqueue_related(connection, [TICKET], NOW, "webhook", moved=True)
    assert {item.record for item in _lease(store)} == {TICKET, TWO}


def test_an_unknown_ticket_is_looked_at_itself_and_an_unknown_task_is_nobodys(store: Store) -> None:
    with store.write() as connection:
        work_queue.enqueue_related(connection, [TICKET, RecordRef(Kind.TASK, "9")], NOW, "webhook")
    assert [item.record for item in _lease(store)] == [TICKET]


def test_the_lanes_with_something_due(store: Store) -> None:
    """Those in which somebody waits come first, and the first lane is always looked at."""
    with store.write() as connection:
        work_queue.spread(connection, 8)
    by_lane = {work_queue.lane_of(RecordRef(Kind.PORTFOLIO, str(n)), 8): str(n) for n in range(100)}
    _enqueue(store, RecordRef(Kind.PORTFOLIO, by_lane[3]), priority=Priority.BULK)
    _enqueue(store, RecordRef(Kind.PORTFOLIO, by_lane[5]))
    _enqueue(store, RecordRef(Kind.PORTFOLIO, by_lane[6]), not_before=NOW + MINUTE)
    with store.read() as connection:
        assert work_queue.due_lanes(connection, NOW) == ([5], [0, 3])
        assert work_queue.next_due(connection, NOW) == NOW + MINUTE
        assert work_queue.due_lanes(connection, NOW + MINUTE) == ([5, 6], [0, 3])
        assert work_queue.next_due(connection, NOW + MINUTE) is None
