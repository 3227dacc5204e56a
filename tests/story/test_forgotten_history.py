"""The CRM keeps only the newest versions of a property: what has been forgotten there, the ledger remembers."""

from sync.sandbox.quirks import Quirks
from tests.conftest import MakeWorld


def test_the_cycle_goes_on_when_the_crm_has_forgotten_what_began_it(make_world: MakeWorld) -> None:
    world = make_world()
    portfolio = world.people.create_portfolio("Acme", world.day(0), cadence="Quarterly")
    world.people.create_ticket("Left behind", "Winter", portfolio)
    world.work()
    world.minutes(5)
    world.people.set_status(portfolio, "No Refresh Requested")
    world.work()
    world.minutes(5)
    kept = Quirks().history_limit
    assert kept is not None
    for _ in range(kept):  # the AM cannot make up their mind
        world.people.set_status(portfolio, "Refresh Request Submitted")
        world.people.set_status(portfolio, "")
    world.work()

    ticket = world.people.create_ticket("New", "Winter", portfolio)
    world.people.set_status(portfolio, "Deliverables Submitted")
    world.people.move_ticket(ticket, "Pending Approval")
    world.work()

    assert world.kinds(("portfolio", portfolio)).count("share_deliverables") == 1, "one of the cycle before holds it up"
