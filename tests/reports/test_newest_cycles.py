"""A report since a day reads only what it needs, and says what all that is kept would say of that time."""

from datetime import timedelta

import pytest
from sqlalchemy import insert

from mappings.vocabulary import Kept
from sync.clock import to_ms
from sync.reports.figures import Sums, allowed_by, facts_of
from sync.reports.report import By, Wanted, read_cycles, read_figures, read_report
from sync.storage import tables
from sync.storage.ledger.past import read_past
from sync.storage.versions import DELIVERABLES
from tests.board.many import A_CYCLE, FIRST, TICKETS, plant
from tests.world import World

CYCLES = 4


@pytest.mark.parametrize("days", [0, 1, 13, 27, 29, 60, 400])
def test_since_a_day(world: World, days: int) -> None:
    service, now = world.service, world.clock.now()
    plant(service.store, 3, now, cycles=CYCLES)
    wanted = Wanted(since=now - timedelta(days=days))
    with service.store.write() as connection:  # an old ticket that was said once more to be in its pipeline, of late
        old = str(FIRST * 1000 + CYCLES * TICKETS)
        again = {"kind": "ticket", "id": old, "property": Kept.PIPELINE.value, "value": "", "means": DELIVERABLES}
        at = to_ms(now - A_CYCLE / 2)
        connection.execute(insert(tables.versions), [{**again, "at": at, "source": "CRM_UI", "by": ""}])
    with service.store.read() as connection:
        found = read_report(connection, service.mapping, wanted, By.PERSON, now)
        sums = Sums(allowed_by(service.mapping))
        for told in read_cycles(connection, service.mapping, Wanted(), now):
            for fact in facts_of(told):
                if wanted.takes(fact.ended):
                    sums.add(fact)
        of_spans = read_figures(connection, service.mapping, [wanted, Wanted(until=now)], now)
    assert found.total == sums.figures() == of_spans[0]
    assert of_spans[1].live == 3 * CYCLES
    assert found.cycles == found.total.live


def test_of_old_tickets_nothing_is_read_but_their_pipeline(world: World) -> None:
    store, now = world.service.store, world.clock.now()
    plant(store, 1, now, cycles=CYCLES)
    with store.read() as connection:
        [whole] = read_past(connection, [str(FIRST)]).values()
        [newest] = read_past(connection, [str(FIRST)], since=now).values()
    assert newest.versions == whole.versions
    assert newest.tickets.keys() == whole.tickets.keys()
    assert all([one.property for one in kept] == [Kept.PIPELINE] for kept in newest.tickets.values())
    assert all(len(kept) >= 5 for kept in whole.tickets.values())
