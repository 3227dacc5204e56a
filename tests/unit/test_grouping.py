"""Which records the next pass takes."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sync.crm import Kind, RecordRef
from sync.passes.reconcile import GROUP
from sync.service.grouping import TICKETS, WIDEST, WITH_INTERACTIVE, next_group, widest
from sync.storage import memberships, work_queue
from sync.storage.database import Store, migrate, open_store
from sync.storage.work_queue import Priority

NOW = datetime(2026, 11, 2, 14, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path / 'handoffs.db'}")
    migrate(opened)
    yield opened
    opened.close()


def _portfolios(first: int, number: int) -> list[RecordRef]:
    return [RecordRef(Kind.PORTFOLIO, str(i)) for i in range(first, first + number)]


def _enqueue(store: Store, records: list[RecordRef], priority: Priority) -> None:
    with store.write() as connection:
        work_queue.enqueue(connection, records, NOW, "sweep", priority=priority)


def _next(store: Store, at_most: int = WIDEST) -> list[RecordRef]:
    with store.read() as connection:
        return [item.record for item in next_group(connection, 0, NOW + timedelta(minutes=1), at_most)]


def test_bulk_work_fills_the_batches(store: Store) -> None:
    _enqueue(store, _portfolios(1, WIDEST + 100), Priority.BULK)
    assert len(_next(store)) == WIDEST


def test_with_somebody_who_waits_the_pass_is_short(store: Store) -> None:
    _enqueue(store, _portfolios(1, WIDEST), Priority.BULK)
    _enqueue(store, _portfolios(9001, 1), Priority.INTERACTIVE)
    group = _next(store)
    assert group[0].id == "9001"
    assert len(group) == WITH_INTERACTIVE


def test_portfolios_with_many_tickets_come_in_small_groups(store: Store) -> None:
    _enqueue(store, _portfolios(1, 200), Priority.BULK)
    on = {str(10_000 + n): str(1 + n % 200) for n in range(200 * 10)}
    with store.write() as connection:
        memberships.remember(connection, [], on)
    assert len(_next(store)) == TICKETS // 10
    with store.write() as connection:
        memberships.remember(connection, [], {str(20_000 + n): str(1 + n % 200) for n in range(200 * 90)})
    assert len(_next(store)) == GROUP, "their tickets are read in any case"


def test_tickets_find_their_portfolios_first(store: Store) -> None:
    """Whatever came first, and however many: a portfolio that several of them are on is then looked at once."""
    _enqueue(store, _portfolios(1, 2), Priority.INTERACTIVE)
    tickets = [RecordRef(Kind.TICKET, str(i)) for i in range(1, 301)]
    _enqueue(store, tickets, Priority.BULK)
    assert set(_next(store)) == set(tickets)
    assert set(_next(store, at_most=2)) == set(tickets), "behind as many others as a pass takes"


def test_nothing_is_due(store: Store) -> None:
    assert _next(store) == []


def test_a_pass_is_a_small_part_of_what_an_hour_may_do() -> None:
    """What the breaker holds, it holds whole; and an email that the CRM sends is a call of its own, in no batch."""
    assert widest(1_000, emails_cost_calls=False) == 250
    assert widest(100_000, emails_cost_calls=False) == WIDEST
    assert widest(10, emails_cost_calls=False) == GROUP
    assert widest(100_000, emails_cost_calls=True) == GROUP
