"""Records are merged at every stage of the process: what was done for either is done for the one that is left.

Each story is told for a merge that makes a new record and for one that leaves the primary its id, and once more with the
database lost after the merge (docs/process.md M.6, M.7, M.8, M.9, M.10, M.11, M.12, M.13, M.14).
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from sync.sandbox.faults import Fault
from sync.sandbox.quirks import Quirks
from tests.conftest import MakeWorld
from tests.story.handoffs.steps import AM, SAS, approved, begun, in_review, of, on, ready, the, with_tickets
from tests.world import World

WAYS = {
    "a new record": {},
    "the primary stays": {"quirks": Quirks(merge_keeps_primary=True)},
    "no version of the merge": {"quirks": Quirks(merge_writes_version=False)},
}

Merge = Callable[..., str]

_A_MINUTE = timedelta(minutes=1)


@pytest.fixture(params=list(WAYS.values()), ids=list(WAYS))
def options(request: pytest.FixtureRequest) -> dict[str, Any]:
    return dict(request.param)


@pytest.fixture(params=[False, True], ids=["", "database lost"])
def merge(request: pytest.FixtureRequest) -> Merge:
    """Merge two records, the first of them the primary, and let the service look; the id of the one that is left.

    The first word on whether anything is made because of the merge alone is said here: nothing may be.
    """

    def merge(world: World, kind: str, primary: str, other: str, *, quiet: bool = True) -> str:
        before = _made(world)
        world.clock.advance(_A_MINUTE)
        new = world.people.merge(kind, primary, other)
        if request.param:
            world.people.flush_search()
            world.restart(lose_database=True)
        world.work()
        world.sweep()
        world.work()
        if quiet:
            assert _made(world) == before, "made because of the merge alone"
        return new

    return merge


def _made(world: World) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Every task with its status, and every email."""
    return [(task.key, task.status) for task in world.tasks()], world.emails()


def two(world: World, ahead: int = 10, other_ahead: int = 12) -> tuple[str, str]:
    """Two portfolios in the window, both kicked off."""
    acme = world.people.create_portfolio("Acme", world.day(ahead), link="https://lab.example/acme")
    bolt = world.people.create_portfolio("Bolt", world.day(other_ahead))
    world.work()
    return acme, bolt


# -- 1


def test_1_a_kickoff_is_not_repeated(make_world: MakeWorld, options: dict[str, Any], merge: Merge) -> None:
    world = make_world(**options)
    acme, bolt = two(world)
    world.minutes(5)
    new = merge(world, "portfolio", acme, bolt)
    assert len(of(world, "kickoff", on(new))) == 2
    world.next_day(3)
    assert len(of(world, "kickoff")) == 2


def test_1_a_kickoff_of_the_other_for_another_date_does_not_stand_for_the_primarys(
    make_world: MakeWorld, options: dict[str, Any], merge: Merge
) -> None:
    world = make_world(**options)
    acme, bolt = two(world, 30, 10)
    world.minutes(5)
    new = merge(world, "portfolio", acme, bolt)
    assert world.date(new) == world.day(30).isoformat()
    world.next_day(15)
    kickoffs = of(world, "kickoff", on(new))
    assert len(kickoffs) == 2
    assert world.receivers() == [AM, AM]
    world.next_day(3)
    assert len(of(world, "kickoff")) == 2


def test_1_a_kickoff_stands_for_the_same_date(make_world: MakeWorld, options: dict[str, Any], merge: Merge) -> None:
    """The primary had no date: the other's becomes its own, and was kicked off."""
    world = make_world(**options)
    acme = world.people.create_portfolio("Acme")
    bolt = world.people.create_portfolio("Bolt", world.day(10))
    world.work()
    new = merge(world, "portfolio", acme, bolt)
    assert world.date(new) == world.day(10).isoformat()
    world.people.set_refresh_date(new, world.day(30))
    world.minutes(1)
    world.people.set_refresh_date(new, world.day(9))
    world.minutes(1)
    assert len(of(world, "kickoff")) == 2  # it left the window, and came back


def test_1_the_primary_is_told_by_its_name_where_its_date_was_just_changed(make_world: MakeWorld) -> None:
    """Where no event tells which of the two it was, and its date is not the one that a pass has seen (docs/process.md M.6)."""
    world = make_world()
    bolt = world.people.create_portfolio("Bolt", world.day(40))
    world.minutes(1)
    acme = world.people.create_portfolio("Acme", world.day(10))
    world.minutes(1)
    assert len(of(world, "kickoff")) == 1
    world.people.set_refresh_date(acme, world.day(9))
    world.people.merge("portfolio", acme, bolt)
    world.minutes(1)
    world.sweep()
    assert len(of(world, "kickoff")) == 1


def test_1_whom_the_first_look_took_for_the_primary_stays_it(make_world: MakeWorld) -> None:
    """What people do to the record afterwards tells nothing of its merge (docs/process.md M.6)."""
    world = make_world()
    bolt = world.people.create_portfolio("Bolt", world.day(40))
    world.minutes(1)
    acme = world.people.create_portfolio("Acme", world.day(10))
    world.minutes(1)
    new = world.people.merge("portfolio", acme, bolt)
    world.minutes(1)
    world.people.set("portfolio", new, {"name": "Bolt", "creative_refresh_date": world.day(9).isoformat()})
    world.minutes(1)
    world.sweep()
    assert len(of(world, "kickoff")) == 1


def test_a_task_that_the_search_does_not_show_yet_is_found_under_the_old_id(make_world: MakeWorld) -> None:
    """After a merge and a loss, by the tasks of the record itself (docs/process.md M.14, G.7)."""
    world = make_world(quirks=Quirks(search_lag_seconds=300))
    acme = world.people.create_portfolio("Acme", world.day(10))
    bolt = world.people.create_portfolio("Bolt", world.day(40))
    world.work()
    assert len(of(world, "kickoff")) == 1
    world.minutes(1)
    world.people.merge("portfolio", acme, bolt)
    world.restart(lose_database=True)
    for _ in range(5):
        world.minutes(1)
    assert len(of(world, "kickoff")) == 1


def test_what_waits_for_a_person_goes_on(make_world: MakeWorld, options: dict[str, Any]) -> None:
    world = make_world(**options)
    acme = world.people.create_portfolio("Acme", world.day(10), account_manager=None)
    bolt = world.people.create_portfolio("Bolt", world.day(12))
    world.work()
    assert len(of(world, "kickoff")) == 1
    world.minutes(1)
    new = world.people.merge("portfolio", acme, bolt)
    world.people.set("portfolio", new, {"account_manager": ""})
    world.work()
    world.minutes(1)
    world.people.set("portfolio", new, {"account_manager": world.people.owner("account_manager")})
    world.minutes(5)
    assert len(of(world, "kickoff", on(new))) == 2
    assert world.receivers() == [AM, AM]


# -- 2a


def test_2a_a_decline_of_the_other_never_ends_the_running_cycle(
    make_world: MakeWorld, options: dict[str, Any], merge: Merge
) -> None:
    world = make_world(**options)
    acme, bolt = two(world)
    world.people.set_status(acme, "Refresh Request Submitted")
    world.people.set_status(bolt, "No Refresh Requested")
    world.work()
    kickoff = the(world, "kickoff", on(acme))
    new = merge(world, "portfolio", acme, bolt)
    assert world.status(new) == "Refresh Request Submitted"
    assert world.date(new) == world.day(10).isoformat()
    assert next(task for task in world.tasks() if task.id == kickoff.id).open
    world.next_day(10)
    assert len(of(world, "create_tickets", on(new))) == 1


def test_2a_a_decline_of_the_primary_stays_carried_out(
    make_world: MakeWorld, options: dict[str, Any], merge: Merge
) -> None:
    world = make_world(**options)
    acme, bolt = two(world)
    world.people.set_status(acme, "No Refresh Requested")
    world.work()
    moved = world.date(acme)
    new = merge(world, "portfolio", acme, bolt)
    assert world.date(new) == moved
    world.next_day(3)
    assert world.date(new) == moved
    assert len(of(world, "kickoff")) == 2


def test_2a_after_a_merge_a_decline_closes_the_tasks_of_both(
    make_world: MakeWorld, options: dict[str, Any], merge: Merge
) -> None:
    world = make_world(**options)
    acme, bolt = two(world)
    new = merge(world, "portfolio", acme, bolt)
    world.people.set_status(new, "No Refresh Requested")
    world.work()
    world.minutes(10)
    assert [task.open for task in of(world, "kickoff")] == [False, False]
    assert len(world.tasks()) == 2


@pytest.mark.parametrize(
    ("status", "seen"),
    [("No Refresh Requested", True), ("Creatives Implemented", True), ("No Refresh Requested", False)],
    ids=["a decline that waits", "a closing that waits", "a decline that nobody had looked at"],
)
def test_an_ending_carried_out_only_after_the_merge_closes_the_tasks_of_both(
    make_world: MakeWorld, merge: Merge, status: str, seen: bool
) -> None:
    """It was set before the merge, and neither portfolio's cycle was over then as far as anybody could tell."""
    world = make_world(go_live="2026-01-01")
    acme, bolt = two(world)
    world.clock.advance(_A_MINUTE)
    world.people.set_status(acme, status)
    if seen:
        world.work(settle=False)
    new = merge(world, "portfolio", acme, bolt, quiet=False)
    world.minutes(10)
    assert [task.open for task in of(world, "kickoff")] == [False, False]
    assert world.date(new) != world.day(10).isoformat()
    assert len(world.tasks()) == 2


def test_2a_a_second_merge_is_not_as_old_as_the_first(make_world: MakeWorld) -> None:
    """Only the first has written a version, and a poll tells of neither: the other one's decline is of before the second."""
    world = make_world()
    acme, bolt = two(world)
    world.people.set_refresh_date(bolt, world.day(11))  # the newest date of both is not the one that is to stand
    world.work()
    world.clock.advance(_A_MINUTE)
    acme = world.people.merge("portfolio", acme, bolt)
    world.work()
    cord = world.people.create_portfolio("Cord", world.day(9))
    world.work()
    world.people.set_status(cord, "No Refresh Requested")
    world.work()
    world.minutes(10)
    world.people.set("portfolio", acme, {"creative_refresh_date": world.day(8).isoformat()})
    world.people.set_status(acme, "Refresh Request Submitted")
    world.work()
    world.minutes(10)
    new = world.people.merge("portfolio", acme, cord)
    world.work()
    world.minutes(10)
    world.people.set_status(new, "No Refresh Requested")
    world.work()
    world.minutes(10)
    assert [task.open for task in of(world, "kickoff")] == [False, False, False]


# -- 2b and 3


def test_3_the_date_that_came_for_either_is_not_told_twice(
    make_world: MakeWorld, options: dict[str, Any], merge: Merge
) -> None:
    world = make_world(**options)
    acme = begun(world)
    bolt = world.people.create_portfolio("Bolt", world.day(0))
    world.work()
    for portfolio in (acme, bolt):
        world.people.set_status(portfolio, "Refresh Request Submitted")
    world.work()
    new = merge(world, "portfolio", acme, bolt)
    world.next_day(2)
    assert len(of(world, "create_tickets", on(new))) == 2
    assert world.receivers().count(SAS) == 2


def test_3_the_primarys_own_date_comes_though_the_others_had(
    make_world: MakeWorld, options: dict[str, Any], merge: Merge
) -> None:
    world = make_world(**options)
    acme, bolt = two(world, 2, 0)
    world.people.complete_task(the(world, "create_tickets", on(bolt)).id)
    new = merge(world, "portfolio", acme, bolt)
    world.next_day(2)
    assert len(of(world, "create_tickets", on(new))) == 2


def test_3_an_earlier_date_of_the_primary_comes_all_the_same(
    make_world: MakeWorld, options: dict[str, Any], merge: Merge
) -> None:
    """It came while nobody looked, and the other one's later date had come by then."""
    world = make_world(**options)
    acme = world.people.create_portfolio("Acme", world.day(1), status="Refresh Request Submitted")
    bolt = world.people.create_portfolio("Bolt", world.day(0), status="Refresh Request Submitted")
    world.work()
    world.people.complete_task(the(world, "create_tickets", on(bolt)).id)
    world.minutes(1)
    world.people.set_refresh_date(acme, world.day(-1))
    new = merge(world, "portfolio", acme, bolt, quiet=False)
    world.minutes(5)
    assert len(of(world, "create_tickets", on(new))) == 2


def test_3_an_open_task_of_the_other_does_for_the_primarys_date(
    make_world: MakeWorld, options: dict[str, Any], merge: Merge
) -> None:
    world = make_world(**options)
    acme, bolt = two(world, 2, 0)
    new = merge(world, "portfolio", acme, bolt)
    world.next_day(2)
    assert len(of(world, "create_tickets", on(new))) == 1


# -- 4


def test_4_merged_tickets_get_no_tasks_again(make_world: MakeWorld, options: dict[str, Any], merge: Merge) -> None:
    world = make_world(**options)
    acme = begun(world)
    one, other = with_tickets(world, acme)
    new = merge(world, "ticket", one, other)
    assert len(of(world, "write_copy", ("ticket", new))) == 2
    world.next_day(1)
    assert len(of(world, "write_copy")) == 2


def test_4_tickets_of_merged_portfolios_get_no_tasks_again(
    make_world: MakeWorld, options: dict[str, Any], merge: Merge
) -> None:
    world = make_world(**options)
    acme = begun(world)
    bolt = world.people.create_portfolio("Bolt", world.day(0))
    with_tickets(world, acme, 1)
    with_tickets(world, bolt, 1, "Other")
    new = merge(world, "portfolio", acme, bolt)
    world.people.create_ticket("Ad 3", "Winter", new)
    world.minutes(5)
    assert len(of(world, "write_copy", on(new))) == 3


# -- 5


def test_5_an_announced_set_is_not_announced_again(
    make_world: MakeWorld, options: dict[str, Any], merge: Merge
) -> None:
    """Neither of the primary nor of the other, whatever the cycle of either was."""
    world = make_world(**options)
    acme, _ = in_review(world)
    bolt = world.people.create_portfolio("Bolt", world.day(0))
    world.work()
    others = with_tickets(world, bolt, 2, "Spring")
    world.people.set_status(bolt, "Deliverables Submitted")
    ready(world, *others)
    assert len(of(world, "share_deliverables")) == 2
    new = merge(world, "portfolio", acme, bolt)
    world.minutes(30)
    assert len(of(world, "share_deliverables", on(new))) == 2


def test_5_a_set_that_the_other_announced_in_a_cycle_since_ended_is_not_announced_again(
    make_world: MakeWorld, options: dict[str, Any], merge: Merge
) -> None:
    """Its tickets came when the primary's running cycle had begun, and stand in Pending Approval still."""
    world = make_world(**options)
    acme = world.people.create_portfolio("Quiet", world.day(40))
    bolt = approved(world)
    world.people.set_status(bolt, "Creatives Implemented")
    world.minutes(5)
    world.minutes(5)
    new = merge(world, "portfolio", acme, bolt)
    world.minutes(60)
    assert world.status(new) == ""
    assert len(of(world, "share_deliverables", on(new))) == 1


def test_5_merged_tickets_of_an_announced_set(make_world: MakeWorld, options: dict[str, Any], merge: Merge) -> None:
    world = make_world(**options)
    acme, tickets = in_review(world, 3)
    new = merge(world, "ticket", tickets[0], tickets[1])
    world.minutes(30)
    assert len(of(world, "share_deliverables")) == 1
    world.people.move_ticket(new, "In Progress")
    world.minutes(1)
    ready(world, new)
    assert len(of(world, "share_deliverables", on(acme))) == 2  # it came back: that is new


def test_5_an_answer_without_the_merges_version_announces_nothing(
    make_world: MakeWorld, options: dict[str, Any]
) -> None:
    """What is left of the history ends in the other's stage (docs/hubspot.md 4.12). Seen: announced twice more."""
    world = make_world(**options)
    acme, (ticket, _) = in_review(world)
    other = with_tickets(world, acme, 1, "Spring")[0]
    world.people.move_ticket(other, "In Progress")
    world.work()
    new = world.people.merge("ticket", ticket, other)
    lacking = Fault("no-version", "POST */tickets/batch/read", record=new, name="hs_pipeline_stage", share=1.0)
    world.sandbox.faults.add(lacking)
    world.minutes(30)
    world.sweep()
    world.sandbox.faults.clear()
    world.minutes(30)
    world.sweep()
    assert len(of(world, "share_deliverables", on(acme))) == 1
    world.people.move_ticket(new, "In Progress")
    world.minutes(1)
    ready(world, new)
    assert len(of(world, "share_deliverables", on(acme))) == 2


# -- 6


@pytest.mark.parametrize("primary", [0, 1], ids=["the revised one", "the other"])
def test_6_a_revision_is_not_asked_for_again(
    make_world: MakeWorld, options: dict[str, Any], merge: Merge, primary: int
) -> None:
    world = make_world(**options)
    _, tickets = in_review(world)
    world.people.request_revisions(tickets[0], "Copy Revisions Only", note="Warmer, please")
    world.work()
    assert len(of(world, "revise_copy")) == 1
    first, second = (tickets[0], tickets[1]) if primary == 0 else (tickets[1], tickets[0])
    stage = world.people.ticket(first)["hs_pipeline_stage"]
    new = merge(world, "ticket", first, second)
    ticket = world.people.ticket(new)
    assert (ticket["hs_pipeline_stage"], ticket["needs_revisions"]) == (stage, "Copy Revisions Only")
    world.next_day(1)
    assert len(of(world, "revise_copy")) == 1


def test_6_a_round_that_the_other_had_delivered_is_over(make_world: MakeWorld, options: dict[str, Any]) -> None:
    """The other one came back into Pending Approval: what is asked for after the merge is a new round (seed 51082)."""
    world = make_world(**options)
    _, (first, second) = in_review(world)
    world.people.request_revisions(second, "Copy Revisions Only", note="Warmer, please")
    world.work()
    (task,) = of(world, "revise_copy")
    ready(world, second)
    assert world.people.ticket(second)["needs_revisions"] == ""
    new = world.people.merge("ticket", first, second)
    world.minutes(5)
    world.people.request_revisions(new, "Copy Revisions Only", note="Colder again")
    world.minutes(5)
    before, now = of(world, "revise_copy")
    assert (before.id, before.status, now.status) == (task.id, "COMPLETED", "NOT_STARTED")
    assert now.subject.endswith("(round 2)")


# -- 7, 8 and 9


def two_approved(world: World) -> tuple[str, str]:
    acme = approved(world)
    bolt = world.people.create_portfolio("Bolt", world.day(0), status="Deliverables Submitted")
    world.work()
    world.minutes(1)
    world.people.set_status(bolt, "Creatives Completed & Approved")
    world.work()
    assert len(of(world, "implement")) == 2
    return acme, bolt


@pytest.mark.parametrize("completed", [0, 1], ids=["the primary's", "the other's"])
def test_8_the_implementation_task_of_either_closes_the_cycle_once(
    make_world: MakeWorld, options: dict[str, Any], merge: Merge, completed: int
) -> None:
    world = make_world(**options)
    acme, bolt = two_approved(world)
    new = merge(world, "portfolio", acme, bolt)
    tasks = of(world, "implement", on(new))
    world.people.complete_task(tasks[completed].id)
    world.minutes(5)
    world.minutes(5)
    assert (world.status(new), world.date(new)) == ("", "2026-12-02")
    assert [task.open for task in of(world, "implement", on(new))] == [False, False]
    live = [subject for _, subject in world.emails() if subject.endswith("are live")]
    assert len(live) == 1
    world.people.reopen_task(tasks[1 - completed].id)
    world.minutes(1)
    world.people.complete_task(tasks[1 - completed].id)
    world.minutes(5)
    assert world.date(new) == "2026-12-02"


def test_8_a_closing_of_the_other_never_ends_the_running_cycle(
    make_world: MakeWorld, options: dict[str, Any], merge: Merge
) -> None:
    world = make_world(**options)
    acme, bolt = two_approved(world)
    world.people.set_status(bolt, "Creatives Implemented")
    world.work()
    world.minutes(5)
    before = len(world.emails())
    assert world.date(bolt) == "2026-12-02"
    new = merge(world, "portfolio", acme, bolt)
    assert (world.status(new), world.date(new)) == ("Creatives Completed & Approved", "2026-11-02")
    world.people.set_status(new, "Creatives Implemented")
    world.minutes(5)
    world.minutes(5)
    assert (world.status(new), world.date(new)) == ("", "2026-12-02")
    assert len(world.emails()) == before + 1


def test_8_a_closing_of_the_primary_stays_carried_out(
    make_world: MakeWorld, options: dict[str, Any], merge: Merge
) -> None:
    world = make_world(**options)
    acme = approved(world)
    bolt = world.people.create_portfolio("Bolt", world.day(5))
    world.work()
    world.people.set_status(acme, "Creatives Implemented")
    world.minutes(5)
    world.minutes(5)
    new = merge(world, "portfolio", acme, bolt)
    assert (world.status(new), world.date(new)) == ("", "2026-12-02")
    world.next_day(3)
    assert len(of(world, "kickoff", on(new))) == 2
