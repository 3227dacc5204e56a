"""One record does not starve the rest (docs/process.md R.12): what the CRM stumbles over is named, everybody else is served."""

from datetime import timedelta
from typing import Any

import pytest

from sync.crm import Kind
from sync.sandbox.faults import Fault
from sync.sandbox.schema import Property
from sync.service.drain import run_poll
from sync.storage import memberships, work_queue
from tests.conftest import MakeWorld
from tests.spoiled import spoil_match
from tests.terminal import Terminal
from tests.world import World

BATCHES = "POST */batch/read"


@pytest.mark.parametrize("kind", ["500", "504", "hang"])
def test_a_portfolio_that_spoils_every_batch(world: World, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Seen: 500 to every batch that held one portfolio's id: 0 of 3 good ones served in 240 s, and all was “well”."""
    good = [world.people.create_portfolio(f"Client {number}", world.day(5)) for number in range(3)]
    bad = world.people.create_portfolio("Spoilt", world.day(5))
    world.sandbox.faults.add(Fault(kind, BATCHES, holds=bad))  # type: ignore[arg-type]  # one of its kinds
    before = world.sandbox.log.total
    world.work()
    assert [len(world.tasks(("portfolio", one))) for one in good] == [1, 1, 1]
    assert world.sandbox.log.total - before < 120
    terminal = Terminal(world, monkeypatch)
    (told,) = terminal.json("status")["incomplete"]
    assert told["record"]["id"] == bad
    text = " ".join(terminal.run("status").stdout.split())
    assert "the CRM fails each call for it, and answers for others" in text
    assert "open it in HubSpot" in text
    world.sandbox.faults.clear()
    world.minutes(61)
    assert len(world.tasks(("portfolio", bad))) == 1
    assert terminal.json("status")["incomplete"] == []


def test_a_portfolio_that_is_spoilt_and_alone(world: World) -> None:
    """It is looked at by itself in the end: then too it is its own fault, and not the CRM's."""
    bad = world.people.create_portfolio("Spoilt", world.day(5))
    world.people.create_portfolio("Whole", world.day(40))
    world.sandbox.faults.add(Fault("500", BATCHES, holds=bad))
    world.work()
    world.minutes(61)
    late = world.people.create_portfolio("Late", world.day(5))
    world.work()
    assert len(world.tasks(("portfolio", late))) == 1


def test_a_ticket_that_spoils_every_batch(world: World) -> None:
    """Its portfolio's other tickets, and all other portfolios, go on."""
    portfolio = world.people.create_portfolio("Acme", world.day(40))
    bad = world.people.create_ticket("Ad 1", "Winter", portfolio)
    for of_tickets in ("POST /crm/objects/*/tickets/batch/read", "POST /crm/associations/*/tickets/*/batch/read"):
        world.sandbox.faults.add(Fault("500", of_tickets, holds=bad))
    fine = world.people.create_ticket("Ad 2", "Winter", portfolio)
    world.work()
    world.minutes(5)
    assert len(world.tasks(("ticket", fine))) == 2
    assert world.tasks(("ticket", bad)) == []


def test_a_ticket_that_left_and_is_spoilt_keeps_no_portfolio_waiting(make_world: MakeWorld) -> None:
    """Nobody can tell whether it still exists; its portfolio, and the other ticket that left, go on."""
    world = make_world(webhooks=False)
    acme, bolt = (world.people.create_portfolio(name, world.day(5)) for name in ("Acme", "Bolt"))
    bad, moved = (
        world.people.create_ticket(name, "Autumn", acme, stage="Pending Approval") for name in ("bad", "moved")
    )
    world.people.set_status(bolt, "Deliverables Submitted")
    world.work()
    before = len(world.tasks(("portfolio", bolt)))
    for ticket in (bad, moved):
        world.people.dissociate("ticket", ticket, "portfolio", acme)
        world.people.associate("ticket", ticket, "portfolio", bolt)
    for of_tickets in ("POST /crm/objects/*/tickets/batch/read", "POST /crm/associations/*/tickets/*/batch/read"):
        world.sandbox.faults.add(Fault("500", of_tickets, holds=bad))
    world.people.set_status(acme, "Refresh Request Submitted")
    for _ in range(3):
        world.minutes(2)
    with world.service.store.read() as connection:
        assert [one.record.id for one in work_queue.failing(connection) if one.record.kind is Kind.PORTFOLIO] == []
        assert memberships.parents(connection, [moved]) == {moved: bolt}
    world.sandbox.faults.clear()
    world.minutes(70)
    assert len(world.tasks(("portfolio", bolt))) == before + 1
    assert "share_deliverables" in world.kinds(("portfolio", bolt))


def without_properties(match: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in match.items() if name != "properties"}


def test_a_match_that_cannot_be_read_is_looked_at(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its record is read by itself, and all others of the search are found as ever, by poll and by sweep."""
    world.work()
    first = world.people.create_portfolio("Spoilt", world.day(5))
    spoil_match(monkeypatch, first, without_properties)
    second = world.people.create_portfolio("Fine", world.day(5))
    world.clock.advance(timedelta(minutes=1))
    run_poll(world.service)
    assert [len(world.tasks(("portfolio", one))) for one in (first, second)] == [1, 1]
    world.next_day()
    assert Terminal(world, monkeypatch).json("status")["ok"]


def test_one_whose_match_cannot_be_read_may_be_inside_the_condition(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is looked at once more: a wider condition may have taken it in, and no other search shows it."""
    world = make_world(mapping="portfolio: {condition: [{property: tier, in: [Gold]}]}")
    world.sandbox.portal.define_property(world.people.process.names.object_type_id, Property("tier", "Tier"))
    silver = world.people.create_portfolio("Silver", world.day(300), tier="Silver")
    world.work()
    world.clock.advance(timedelta(minutes=1))
    assert world.service.survey() == 0
    spoil_match(monkeypatch, silver, without_properties)
    assert world.service.survey() == 1
