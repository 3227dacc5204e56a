"""A portal whose names look like the mapping's, and are spelled otherwise (docs/process.md N.1, N.2, N.3 and N.4)."""

from collections.abc import Mapping

import pytest

from sync.admin.portfolios import AmbiguousNameError, NoSuchPortfolioError, find
from sync.sandbox.process import Names, Option
from tests.conftest import MakeWorld
from tests.story.handoffs.steps import begun, in_review, of, ready, the
from tests.world import World

CASE = "ticket: {approval_reset: not  started}\n"


def pasted(text: str) -> str:
    return text.replace(" ", "\u00a0").replace("&", "\uff06").upper() + "\u200b"


def options(given: tuple[Option, ...]) -> tuple[Option, ...]:
    return tuple((pasted(value), label) for value, label in given)


@pytest.fixture
def portal(make_world: MakeWorld) -> World:
    plain = Names()
    names = Names(
        statuses=options(plain.statuses),
        cadences=options(plain.cadences),
        revisions=options(plain.revisions),
        approvals=options(plain.approvals),
        pipeline=(plain.pipeline[0], "DELIVERABLES\u00a0"),
        stages=tuple((stage, pasted(label)) for stage, label in plain.stages),
    )
    return make_world(names=names, mapping=CASE)


def move(world: World, ticket: str, stage: str) -> None:
    world.people.move_ticket(ticket, pasted(stage))
    world.work()


def test_a_cycle_goes_through_and_what_is_written_is_the_portals_own_spelling(portal: World) -> None:
    portfolio = begun(portal, cadence=pasted("Weekly"))
    ticket = portal.people.create_ticket("Ad 1", "Winter", portfolio, stage=pasted("New"))
    portal.people.set_status(portfolio, "Deliverables Submitted")
    move(portal, ticket, "Pending Approval")
    assert portal.status(portfolio) == pasted("Creatives Pending Approval")
    assert len(of(portal, "share_deliverables")) == 1

    portal.people.set("ticket", ticket, dict.fromkeys(("copy_approval", "graphic_approval"), pasted("Approved")))
    portal.people.request_revisions(ticket, "Copy Revisions Only", note="Warmer, please")
    portal.work()
    seen = portal.people.ticket(ticket)
    assert seen["hs_pipeline_stage"] == portal.people.process.stage(pasted("In Progress"))
    assert (seen["copy_approval"], seen["graphic_approval"]) == (pasted("Not Started"), pasted("Approved"))
    the(portal, "revise_copy")

    move(portal, ticket, "Pending Approval")
    portal.people.set_status(portfolio, "Creatives Completed & Approved")
    portal.work()
    portal.people.complete_task(the(portal, "implement").id)
    portal.work()
    assert pasted("Creatives Implemented") in {
        version.value for version in portal.people.history("portfolio", portfolio, "creative_refresh_status")
    }
    assert (portal.status(portfolio), portal.date(portfolio)) == ("", portal.day(7).isoformat())


def test_an_approval_that_looks_reset_is_left_alone(portal: World) -> None:
    portfolio = begun(portal)
    ticket = portal.people.create_ticket("Ad 1", "Winter", portfolio, stage=pasted("New"))
    portal.people.set("ticket", ticket, {"copy_approval": pasted("Not Started")})
    portal.people.request_revisions(ticket, "Copy Revisions Only", note="Warmer, please")
    portal.work()
    assert len(portal.people.history("ticket", ticket, "copy_approval")) == 1
    the(portal, "revise_copy")


def test_a_condition_is_met_by_what_looks_the_same(make_world: MakeWorld) -> None:
    mapping = 'portfolio: {condition: [{property: name, in: ["Client\'s – Acme"]}]}\n'
    world = make_world(mapping=mapping)
    inside = world.people.create_portfolio("Client\u2019s - ACME\u00a0", world.day(3))
    outside = world.people.create_portfolio("Clients - Acme", world.day(3))
    world.work()
    assert (len(world.tasks(("portfolio", inside))), world.tasks(("portfolio", outside))) == (1, [])


FOUND: Mapping[str, str] = {
    "as it is spelled": "Été d'Or - Client",
    "in another case": "été d'or - CLIENT",
    "as a Mac writes it": "E\u0301te\u0301 d\u2019Or \u2013 Client",
    "with what cannot be seen": "\ufeffÉté\u00a0d'Or -  Client\u200b ",
}


@pytest.mark.parametrize("wanted", FOUND.values(), ids=FOUND)
def test_a_portfolio_is_found_by_a_name_that_looks_the_same(world: World, wanted: str) -> None:
    portfolio = world.people.create_portfolio("Été d'Or - Client", world.day(40))
    world.people.create_portfolio("Ete d'Or - Client", world.day(40))
    world.minutes(5)
    assert find(world.service.crm, world.service.mapping, wanted) == portfolio


def test_a_name_that_several_look_like_or_none(world: World) -> None:
    for name in ("Acme\u00a0Ltd", "Acme\u2009Ltd"):
        world.people.create_portfolio(name, world.day(40))
    world.minutes(5)
    with pytest.raises(AmbiguousNameError, match="2 portfolios"):
        find(world.service.crm, world.service.mapping, "Acme Ltd")
    with pytest.raises(NoSuchPortfolioError):
        find(world.service.crm, world.service.mapping, "Acme-Ltd")


def test_half_of_a_set_is_not_announced(world: World) -> None:
    """Issue 12: one of two names was pasted from a Mac."""
    portfolio, _ = in_review(world, 1)
    world.people.create_ticket("Ad 2", "Été - 2026", portfolio)
    last = world.people.create_ticket("Ad 3", "E\u0301te\u0301 \u2013 2026\u200b", portfolio)
    world.work()
    ready(world, last)
    assert len(of(world, "share_deliverables")) == 1
