"""A whole cycle, from the kickoff to the confirmation: on another portal too, and through losses and silence."""

from collections.abc import Callable
from datetime import timedelta

from sync.sandbox.delivery import DeliveryMode
from sync.sandbox.process import Names
from tests.conftest import MakeWorld
from tests.story.handoffs.steps import AM, SAS, in_review, on, ready, the, with_tickets
from tests.world import World


def test_going_live_on_a_portal_in_use(make_world: MakeWorld) -> None:
    """Status, revision and ticket causes older than going live do nothing by themselves; what is due by its date is."""
    world = make_world()
    people = world.people
    approved_before = people.create_portfolio("Approved", world.day(40), status="Creatives Completed & Approved")
    declined_before = people.create_portfolio("Declined", world.day(40), status="No Refresh Requested")
    implemented_before = people.create_portfolio("Implemented", world.day(40), status="Creatives Implemented")
    in_window = people.create_portfolio("In the window", world.day(9))
    ticket = people.create_ticket("Ad", "Winter", approved_before, stage="Pending Approval")
    people.request_revisions(ticket, "Copy Revisions Only", note="Warmer, please")
    world.clock.advance(timedelta(minutes=30))
    world.restart(lose_database=True)
    world.sweep()
    world.work()
    assert world.kinds() == world.kinds(on(in_window)) == ["kickoff"]
    assert world.receivers() == [AM]
    assert {world.date(one) for one in (approved_before, declined_before, implemented_before)} == {"2026-12-12"}
    assert people.ticket(ticket)["needs_revisions"] == "Copy Revisions Only"


def test_a_cycle_survives_the_loss_of_its_database_at_every_step(make_world: MakeWorld) -> None:
    world = make_world()
    portfolio = live_through_a_cycle(world, between_steps=lambda: world.restart(lose_database=True))
    assert world.kinds() == CYCLE_KINDS
    assert world.receivers() == CYCLE_RECEIVERS
    assert (world.status(portfolio), world.date(portfolio)) == ("", "2026-12-22")


CYCLE_KINDS = [
    "kickoff",
    "create_tickets",
    *["write_copy", "design_graphics"] * 2,
    "share_deliverables",
    "revise_copy",
    "share_deliverables",
    "implement",
]


CYCLE_RECEIVERS = [AM, SAS, AM, SAS, AM, SAS, SAS, AM]


def live_through_a_cycle(world: World, between_steps: Callable[[], None] = lambda: None) -> str:
    people = world.people

    def days_pass(days: int) -> None:
        between_steps()
        world.next_day(days)

    portfolio = people.create_portfolio("Acme", world.day(20), link="https://lab.example/acme")
    world.work()
    days_pass(6)  # 1
    people.note("portfolio", portfolio, "<p>Green</p>")
    people.set_status(portfolio, "Refresh Request Submitted")  # 2b
    people.complete_task(the(world, "kickoff").id)
    world.work()
    days_pass(14)  # 3
    tickets = with_tickets(world, portfolio)  # 4
    people.complete_task(the(world, "create_tickets").id)
    people.set_status(portfolio, "Deliverables Submitted")
    world.work()
    days_pass(3)
    ready(world, *tickets)  # 5
    days_pass(1)
    people.request_revisions(tickets[0], "Copy Revisions Only", note="Warmer, please")  # 6
    world.work()
    days_pass(1)
    people.complete_task(the(world, "revise_copy").id)
    ready(world, tickets[0])
    days_pass(1)
    people.set_status(portfolio, "Creatives Completed & Approved")  # 7
    world.work()
    days_pass(1)
    people.complete_task(the(world, "implement").id)  # 8, 9
    world.work()
    return portfolio


def test_the_whole_cycle(world: World) -> None:
    portfolio = live_through_a_cycle(world)
    assert world.kinds() == CYCLE_KINDS
    assert world.receivers() == CYCLE_RECEIVERS
    assert (world.status(portfolio), world.date(portfolio)) == ("", "2026-12-22")
    world.next_day(8)  # 7 December: fifteen days ahead of the next date
    assert world.kinds() == [*CYCLE_KINDS, "kickoff"]


RENAMED = Names(
    object_type_id="2-777",
    object_name="client_kits",
    object_label="Client Kit",
    object_plural="Client Kits",
    name="kit_name",
    status="refresh_state",
    date="refresh_on",
    cadence="every_days",
    link="lab",
    account_manager="am",
    social_ad_specialist="sas",
    copywriter="writer",
    graphic_designer="designer",
    statuses=(
        ("rrs", "Refresh Request Submitted"),
        ("nrr", "No Refresh Requested"),
        ("ds", "Deliverables Submitted"),
        ("cpa", "Creatives Pending Approval"),
        ("cca", "Creatives Completed & Approved"),
        ("ci", "Creatives Implemented"),
    ),
    cadences=(),
    pipeline=("4711", "Assets"),
    stages=(("41", "New"), ("42", "Doing"), ("43", "To approve"), ("44", "Approved"), ("45", "Done")),
    folder="folder",
    needs_revisions="redo",
    copy_approval="copy_ok",
    graphic_approval="graphic_ok",
    ticket_copywriter="t_writer",
    ticket_graphic_designer="t_designer",
    revisions=(("c", "Copy Revisions Only"), ("g", "Graphic Revisions Only"), ("b", "Copy and Graphic Revisions")),
    approvals=(("no", "Not Started"), ("qa", "Team Lead QA"), ("ok", "Approved")),
)


RENAMED_MAPPING = """
portfolio:
  object: client_kits
  properties: {name: kit_name, status: refresh_state, refresh_date: refresh_on, cadence: every_days, ad_lab_link: lab}
  owners: {account_manager: am, social_ad_specialist: sas, copywriter: writer, graphic_designer: designer}
  statuses:
    refresh_request_submitted: rrs
    no_refresh_requested: nrr
    deliverables_submitted: ds
    creatives_pending_approval: cpa
    creatives_approved: cca
    creatives_implemented: ci
ticket:
  pipeline: Assets
  in_progress: Doing
  pending_approval: '43'
  properties: {folder: folder, needs_revisions: redo, copy_approval: copy_ok, graphic_approval: graphic_ok}
  owners: {copywriter: t_writer, graphic_designer: t_designer}
  revisions: {copy: c, graphic: g, copy_and_graphic: b}
  approved: ok
  approval_reset: 'no'
"""


def test_another_portal_with_other_names(make_world: MakeWorld) -> None:
    world = make_world(names=RENAMED, mapping=RENAMED_MAPPING)
    people = world.people
    portfolio = people.create_portfolio("Acme", world.day(0), cadence="45", link="https://lab.example/acme")
    world.work()
    tickets = with_tickets(world, portfolio)
    people.set_status(portfolio, "Deliverables Submitted")
    for ticket in tickets:
        people.move_ticket(ticket, "To approve")
    world.work()
    assert people.portfolio(portfolio)["refresh_state"] == "cpa"
    people.set("ticket", tickets[0], {"copy_ok": "ok"})
    people.request_revisions(tickets[0], "Copy Revisions Only", note="Warmer, please")
    world.work()
    seen = people.ticket(tickets[0])
    assert (seen["hs_pipeline_stage"], seen["copy_ok"]) == ("42", "no")
    assert "(Copy Revisions Only)" in the(world, "revise_copy").body
    world.minutes(5)
    people.complete_task(the(world, "revise_copy").id)
    people.move_ticket(tickets[0], "To approve")
    world.work()
    assert people.ticket(tickets[0])["redo"] == ""
    people.set_status(portfolio, "Creatives Completed & Approved")
    world.work()
    people.complete_task(the(world, "implement").id)
    world.work()
    seen = people.portfolio(portfolio)
    assert (seen["refresh_state"], seen["refresh_on"]) == ("", "2026-12-17")
    assert world.kinds() == CYCLE_KINDS
    people.set_status(portfolio, "No Refresh Requested")
    world.work()
    assert people.portfolio(portfolio)["refresh_on"] == "2027-01-31"
    assert len(world.kinds()) == len(CYCLE_KINDS)
    assert world.receivers() == CYCLE_RECEIVERS


def test_days_of_silence_are_caught_up_with(make_world: MakeWorld) -> None:
    """Nothing is heard for five days; one sweep then does what was missed, and nothing that is past."""
    world = make_world()
    people = world.people
    kicked_off = people.create_portfolio("Kickoff missed", world.day(17))
    arrived = people.create_portfolio("Day missed", world.day(2))
    declined = people.create_portfolio("Decline missed", world.day(10))
    implemented = people.create_portfolio("Closing missed", world.day(-5), status="Deliverables Submitted")
    reviewed, tickets = in_review(world)
    world.work()
    if world.webhooks:
        world.sandbox.delivery.mode = DeliveryMode(lost=1.0)
    people.set_status(declined, "No Refresh Requested")
    people.set_status(implemented, "Creatives Implemented")
    people.request_revisions(tickets[0], "Copy Revisions Only", note="Warmer, please")
    people.set_status(reviewed, "Creatives Completed & Approved")
    world.clock.advance(timedelta(minutes=1))
    people.set_status(reviewed, "Creatives Pending Approval")
    world.clock.advance(timedelta(days=5))
    world.sweep()
    world.work()
    assert world.kinds(on(kicked_off)) == ["kickoff"]
    assert world.kinds(on(arrived)) == ["kickoff", "create_tickets"]
    assert (world.date(declined), world.kinds(on(declined))) == ("2026-12-12", ["kickoff"])
    assert (world.date(implemented), world.status(implemented)) == ("2026-11-28", "")
    assert world.kinds(on(reviewed)).count("revise_copy") == 1
    assert world.kinds(on(reviewed)).count("implement") == 0  # moved back before anybody looked
