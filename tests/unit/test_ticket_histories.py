"""Tickets are read with their histories only where those may be others than is known (docs/process.md C.17, C.18)."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from sync.crm import Kind, RecordRef
from sync.hubspot.records import RecordReads
from sync.passes.snapshot import tickets
from sync.sandbox.faults import Fault
from sync.service.drain import run_poll
from sync.storage import memberships
from sync.storage.tables import ticket_histories
from sync.storage.ticket_histories import certain
from sync.storage.work_queue import enqueue
from tests.conftest import MakeWorld
from tests.world import World

NUMBER = 5


class Reads:
    """The tickets that passes have read since it was asked last, with their histories and without."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._whole: list[str] = []
        self._plain: list[str] = []
        read_each = RecordReads.read_each

        def noted(
            self_: RecordReads, kind: Kind, ids: Sequence[str], properties: Sequence[str], history: Sequence[str] = ()
        ) -> Any:
            if kind is Kind.TICKET and len(properties) > 3:  # a snapshot's, no write's
                (self._whole if history else self._plain).extend(ids)
            return read_each(self_, kind, ids, properties, history)

        monkeypatch.setattr(RecordReads, "read_each", noted)

    def since(self) -> tuple[list[str], list[str]]:
        found = sorted(set(self._whole)), sorted(set(self._plain))
        self._whole, self._plain = [], []
        return found


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    """Batches of two with histories and of four without, so that a few tickets are many."""
    monkeypatch.setattr(tickets, "WITH_HISTORY", 2)
    monkeypatch.setattr(tickets, "WITHOUT", 4)
    return Reads(monkeypatch)


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """Webhooks tell of portfolios alone: of a ticket that has changed nobody tells."""
    made = make_world(go_live="2026-01-01")
    made.sandbox.delivery.clear_subscriptions()
    made.sandbox.delivery.subscribe_all([made.sandbox.process.names.object_name])
    return made


def portfolio_with_tickets(world: World) -> tuple[str, list[str]]:
    """A submitted portfolio with some tickets that are in work, of which nothing has changed for an hour."""
    portfolio = world.people.create_portfolio("Acme", world.day(0))
    world.people.set_status(portfolio, "Deliverables Submitted")
    made = [world.people.create_ticket(f"Ad {n}", "Winter", portfolio) for n in range(NUMBER)]
    world.work()
    world.minutes(60)
    return portfolio, made


def look(world: World, portfolio: str) -> None:
    """Have the portfolio looked at, by a change that concerns no ticket."""
    world.clock.advance(timedelta(minutes=10))
    world.people.set("portfolio", portfolio, {"most_recent_ad_lab_link": f"https://example.com/{world.clock.now()}"})
    world.work()


def known(world: World, reads: Reads) -> tuple[str, list[str]]:
    """The same, once two looks have shown the same of them."""
    portfolio, made = portfolio_with_tickets(world)
    look(world, portfolio)
    look(world, portfolio)
    reads.since()
    return portfolio, made


def test_what_has_not_changed_is_read_without_its_history(world: World, reads: Reads) -> None:
    portfolio, made = known(world, reads)
    look(world, portfolio)
    assert reads.since() == ([], sorted(made))


def test_few_are_read_as_ever(world: World, reads: Reads, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one call reads all of them with their histories nothing is saved by reading them without."""
    portfolio, made = known(world, reads)
    monkeypatch.setattr(tickets, "WITH_HISTORY", NUMBER)
    look(world, portfolio)
    assert reads.since() == (sorted(made), [])


def test_what_comes_at_once_after_a_change_is_not_certain_yet(world: World, reads: Reads) -> None:
    """A history may be behind it for a while, though it was read twice."""
    portfolio, made = known(world, reads)
    for _ in range(2):
        world.people.set("ticket", made[0], {"subject": f"Ad one of {world.clock.now()}"})
        world.clock.advance(timedelta(seconds=30))
        world.people.set("portfolio", portfolio, {"most_recent_ad_lab_link": str(world.clock.now())})
        world.work()
        world.people.set("portfolio", portfolio, {"most_recent_ad_lab_link": f"{world.clock.now()}?"})
        world.work()
    reads.since()
    look(world, portfolio)
    assert reads.since()[0] == [made[0]]


def test_one_that_has_changed_is_read_with_its_history(world: World, reads: Reads) -> None:
    portfolio, made = known(world, reads)
    world.people.request_revisions(made[1], "Copy Revisions Only", note="Warmer, please")
    world.clock.advance(timedelta(seconds=1))
    world.people.set("ticket", made[1], {"needs_revisions": ""})  # overwritten before it was seen
    look(world, portfolio)
    assert reads.since()[0] == [made[1]]
    assert world.kinds(("ticket", made[1])).count("revise_copy") == 1


def test_a_version_that_one_answer_lacks_by_chance_is_not_lost(world: World, reads: Reads) -> None:
    """It is the second of two that set the same, so that nothing shows that it is missing."""
    portfolio, made = known(world, reads)
    world.people.request_revisions(made[1], "Copy Revisions Only", note="Warmer, please")
    look(world, portfolio)
    world.people.set("ticket", made[1], {"copy_approval": "Approved"})
    for _ in range(3):
        look(world, portfolio)
    world.people.request_revisions(made[1], "Copy Revisions Only", note="Cooler, please", force=True)
    endpoint = "POST */objects/*/tickets/batch/read"
    world.sandbox.faults.add(Fault("no-version", endpoint, record=made[1], name="needs_revisions", share=1.0, times=3))
    look(world, portfolio)
    assert world.kinds(("ticket", made[1])).count("revise_copy") == 1
    look(world, portfolio)
    assert world.kinds(("ticket", made[1])).count("revise_copy") == 2


def test_one_that_was_named_is_read_with_its_history(world: World, reads: Reads) -> None:
    """An event, a poll or an admin has named it: what is known of it is not relied on, though nothing shows a change."""
    portfolio, made = known(world, reads)
    with world.service.store.write() as connection:
        enqueue(connection, [RecordRef(Kind.TICKET, made[2])], world.clock.now(), "webhook")
    world.work()
    assert reads.since() == ([made[2]], sorted(set(made) - {made[2]}))
    look(world, portfolio)


def test_those_of_which_a_poll_tells_are_read_once(make_world: MakeWorld, reads: Reads) -> None:
    """They have changed: they are not read without their histories before."""
    world = make_world(go_live="2026-01-01", webhooks=False)
    portfolio, made = portfolio_with_tickets(world)
    look(world, portfolio)
    look(world, portfolio)
    reads.since()
    for ticket in made[:4]:
        world.people.move_ticket(ticket, "In Progress")
    world.people.flush_search()
    world.service.poll()
    run_poll(world.service)
    assert reads.since() == (made, [])


def test_each_is_read_with_its_history_once_a_month(world: World, reads: Reads) -> None:
    portfolio, made = known(world, reads)
    world.clock.advance(timedelta(days=36))
    look(world, portfolio)
    assert set(made) <= set(reads.since()[0])


def test_only_the_histories_that_were_read_are_known(world: World, reads: Reads) -> None:
    """Another mapping may name another property."""
    _, made = known(world, reads)
    names = ["hs_pipeline", "hs_pipeline_stage", "needs_revisions", "copy_approval", "graphic_approval"]
    with world.service.store.read() as connection:
        assert certain(connection, made, names, world.clock.now()).keys() == set(made)
        assert certain(connection, made, [*names[:4], "design_approval"], world.clock.now()) == {}


def test_a_merged_ticket_is_read_with_its_history(world: World, reads: Reads) -> None:
    portfolio, made = known(world, reads)
    merged = world.people.merge("ticket", made[0], made[1])
    for _ in range(3):
        look(world, portfolio)
        assert merged in reads.since()[0]


def test_a_lost_database_knows_nothing(world: World, reads: Reads) -> None:
    portfolio, made = known(world, reads)
    world.restart(lose_database=True)
    reads.since()
    look(world, portfolio)
    assert reads.since()[0] == sorted(made)


def test_what_nobody_reads_any_more_is_forgotten(world: World, reads: Reads) -> None:
    portfolio, made = known(world, reads)
    for one in made[1:]:
        world.people.archive("ticket", one)
    look(world, portfolio)
    world.clock.advance(timedelta(days=40))
    others = [world.people.create_ticket(f"Ad {n}", "Spring", portfolio) for n in range(NUMBER)]
    look(world, portfolio)
    with world.service.store.read() as connection:
        kept = set(connection.scalars(select(ticket_histories.c.ticket)))
    assert kept == {made[0], *others}


# -- old tickets


@pytest.fixture
def old(world: World, reads: Reads) -> tuple[str, list[str]]:
    """A portfolio with some tickets that were closed long ago, and are known."""
    portfolio, made = portfolio_with_tickets(world)
    for one in made:
        world.people.set("ticket", one, {"hs_pipeline_stage": closed_stage(world)})
    world.clock.advance(timedelta(days=31))
    for _ in range(3):
        look(world, portfolio)
    reads.since()
    return portfolio, made


def closed_stage(world: World) -> str:
    return next(stage.id for stage in world.service.portals.get().pipeline.stages if stage.closed)


def of_today(world: World, portfolio: str, number: int = 2) -> list[str]:
    """Tickets of a new Ad Set."""
    return [world.people.create_ticket(f"Ad {n}", "Spring", portfolio) for n in range(number)]


def announced(world: World, portfolio: str) -> int:
    return world.kinds(("portfolio", portfolio)).count("share_deliverables")


def test_old_tickets_are_not_read_at_all(world: World, reads: Reads, old: tuple[str, list[str]]) -> None:
    portfolio, _ = old
    look(world, portfolio)
    assert reads.since() == ([], [])
    new = of_today(world, portfolio)
    look(world, portfolio)
    assert reads.since() == (sorted(new), [])
    assert world.kinds(("ticket", new[0])) == ["write_copy", "design_graphics"]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tickets of which passes have asked on which portfolios they are."""
    found: list[str] = []
    associated_each = RecordReads.associated_each

    def noted(reads_: RecordReads, source: Kind, target: Kind, ids: Sequence[str]) -> Any:
        found.extend(ids if source is Kind.TICKET and target is Kind.PORTFOLIO else ())
        return associated_each(reads_, source, target, ids)

    monkeypatch.setattr(RecordReads, "associated_each", noted)
    return found


def test_old_tickets_are_not_asked_where_they_are(world: World, old: tuple[str, list[str]], asked: list[str]) -> None:
    portfolio, _ = old
    look(world, portfolio)
    assert asked == []


@pytest.mark.parametrize("together", [True, False])
def test_an_old_ticket_on_another_portfolio_too_is_asked(
    world: World, reads: Reads, old: tuple[str, list[str]], asked: list[str], together: bool
) -> None:
    """It counts for the one that its own list says."""
    portfolio, made = old
    other = world.people.create_portfolio("Other", world.day(40))
    for ticket in [*made[1:], *of_today(world, other, 1)]:
        world.people.associate("ticket", ticket, "portfolio", other)
    for _ in range(3):  # until they are known again
        look(world, portfolio)
        look(world, other)
    asked.clear()
    if together:
        world.people.set("portfolio", portfolio, {"most_recent_ad_lab_link": "https://example.com/both"})
    look(world, other)
    assert set(made[1:]) <= set(asked)
    with world.service.store.read() as connection:
        assert set(memberships.parents(connection, made).values()) == {portfolio}


def test_what_was_closed_of_late_is_read(world: World, reads: Reads, old: tuple[str, list[str]]) -> None:
    portfolio, _ = old
    new = of_today(world, portfolio, 1)
    world.people.set("ticket", new[0], {"hs_pipeline_stage": closed_stage(world)})
    for _ in range(3):
        look(world, portfolio)
        assert reads.since() == (new, [])


def test_an_old_ticket_that_is_in_work_is_read(world: World, reads: Reads) -> None:
    portfolio, made = known(world, reads)
    world.clock.advance(timedelta(days=31))
    look(world, portfolio)
    assert reads.since() == ([], sorted(made))


def test_an_old_ticket_that_was_named_is_read(world: World, reads: Reads, old: tuple[str, list[str]]) -> None:
    """A revision of a closed ticket reopens it (docs/process.md 6)."""
    _, made = old
    world.people.request_revisions(made[0], "Copy Revisions Only", note="Warmer, please")
    with world.service.store.write() as connection:
        enqueue(connection, [RecordRef(Kind.TICKET, made[0])], world.clock.now(), "poll")
    world.work()
    assert world.kinds(("ticket", made[0])).count("revise_copy") == 1


def test_no_set_is_announced_without_an_old_ticket_that_has_come_back(
    world: World, reads: Reads, old: tuple[str, list[str]]
) -> None:
    """It came into the pipeline anew and is in work; of that nobody has told yet."""
    portfolio, made = old
    new = of_today(world, portfolio)
    world.people.set("ticket", made[0], {"hs_pipeline": "0", "hs_pipeline_stage": "1"})
    world.clock.advance(timedelta(seconds=1))
    in_work = world.service.portals.get().in_progress
    pipeline = world.service.portals.get().pipeline.id
    world.people.set(
        "ticket", made[0], {"hs_pipeline": pipeline, "hs_pipeline_stage": in_work, "deliverable_folder_name": "Spring"}
    )
    for one in new:
        world.people.move_ticket(one, "Pending Approval")
    before = announced(world, portfolio)
    look(world, portfolio)
    assert announced(world, portfolio) == before
    world.people.move_ticket(made[0], "Pending Approval")
    look(world, portfolio)
    assert announced(world, portfolio) == before + 1


def test_a_set_is_announced_once_the_old_tickets_were_read(
    world: World, reads: Reads, old: tuple[str, list[str]]
) -> None:
    portfolio, made = old
    new = of_today(world, portfolio)
    for one in new:
        world.people.move_ticket(one, "Pending Approval")
    reads.since()
    look(world, portfolio)
    assert announced(world, portfolio) == 1
    assert reads.since()[1] == sorted(made)


def test_a_set_is_announced_though_an_old_ticket_has_changed(
    world: World, reads: Reads, old: tuple[str, list[str]]
) -> None:
    """Of which nobody has told: it is read in the same pass, and is of another set."""
    portfolio, made = old
    world.people.set("ticket", made[0], {"subject": "Ad one"})
    for one in of_today(world, portfolio):
        world.people.move_ticket(one, "Pending Approval")
    look(world, portfolio)
    assert announced(world, portfolio) == 1
