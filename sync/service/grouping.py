"""Which records the next pass takes: so many that the CRM's batches are full, so few that nobody waits long for it."""

from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate

from sync.crm import Kind
from sync.passes.reconcile import GROUP
from sync.storage import memberships, work_queue
from sync.storage.database import Connection
from sync.storage.work_queue import Priority, WorkItem

WIDEST = 500
"""Portfolios of one pass at most: what one read of associations and five batches of new tasks take."""

WITH_INTERACTIVE = 2 * GROUP
"""The same where somebody has just changed one of them, and waits."""

TICKETS = 1_000
"""Tickets of one pass at most (a read of associations takes so many), but for the tickets of the first `GROUP` portfolios."""


def widest(effects_an_hour: int, *, emails_cost_calls: bool) -> int:
    """How many portfolios a pass may take.

    A pass that the breaker holds is held whole: it is to be a small part of what an hour may do. An email that the CRM
    sends costs calls of its own, in no batch: what changes meanwhile would wait for all of them.
    """
    return GROUP if emails_cost_calls else max(GROUP, min(WIDEST, effects_an_hour // 4))


def next_group(connection: Connection, lane: int, now: datetime, at_most: int) -> list[WorkItem]:
    """Pick what is due in a lane and goes into one pass; empty: nothing is due. `at_most`: see `widest`.

    Tickets come first, all of them and alone: they only find their portfolios, which are then looked at once, however many
    of their tickets were enqueued.
    """
    items = work_queue.lease(connection, lane, now, at_most)
    if len(items) < at_most:  # that is all there is
        tickets = [item for item in items if item.record.kind is Kind.TICKET][:TICKETS]
    else:
        tickets = work_queue.lease(connection, lane, now, TICKETS, kind=Kind.TICKET)
    if tickets:
        return tickets
    if len(items) <= GROUP:
        return items
    if any(item.priority is Priority.INTERACTIVE for item in items):
        items = items[:WITH_INTERACTIVE]
    return items[: _with_few_tickets(connection, items)]


def _with_few_tickets(connection: Connection, items: Sequence[WorkItem]) -> int:
    """How many of the first of these have no more tickets together than one pass should read."""
    known = memberships.counted(connection, [item.record.id for item in items])
    sums = accumulate(known.get(item.record.id, 0) for item in items)
    return max(GROUP, sum(1 for total in sums if total <= TICKETS))
