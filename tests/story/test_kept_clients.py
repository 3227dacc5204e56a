"""What passes find is kept: a row a client, every version that was seen, and which mapping decided what."""

import json
from contextlib import closing

import pytest
from sqlalchemy import text

from mappings.digest import digest_of
from mappings.vocabulary import Kept, Step
from sync.crm import Kind, RecordRef
from sync.observe.clients import Client, kept
from sync.sandbox.quirks import Quirks
from sync.service.drain import drain, run_sweep
from sync.service.worker import Worker
from sync.storage import mapping_texts, portfolios, versions
from tests.conftest import MakeWorld
from tests.simulation.clients import untrue
from tests.story.handoffs.test_condition import gold_only
from tests.terminal import Terminal
from tests.world import World


def clients(world: World) -> dict[str, Client]:
    service = world.service
    with service.store.read() as connection:
        found = kept(connection, service.clock.now(), service.today, service.mapping.rules.window_days)
    return {one.name: one for one in found}


def statuses(world: World, portfolio: str) -> list[str]:
    with world.service.store.read() as connection:
        found = versions.of(connection, [RecordRef(Kind.PORTFOLIO, portfolio)])
    return [one.means for one in found[RecordRef(Kind.PORTFOLIO, portfolio)] if one.property is Kept.STATUS]


def test_each_step_of_a_cycle_is_kept_as_it_is_found(world: World) -> None:
    people = world.people
    acme = people.create_portfolio("Acme", world.day(20))
    world.work()
    assert clients(world)["Acme"].step is Step.BETWEEN
    people.set_refresh_date(acme, world.day(10))
    world.work()
    world.sweep()
    found = clients(world)["Acme"]
    assert (found.step, found.turn) == (Step.KICKOFF, "the Account Manager (Amelia Marsh)")
    assert found.due is not None
    assert found.since is not None
    assert found.due > found.since
    people.set_status(acme, "Refresh Request Submitted")
    world.work()
    assert clients(world)["Acme"].step is Step.CONFIRMED
    world.next_day(10)
    assert clients(world)["Acme"].step is Step.TICKETS
    one, two = (people.create_ticket(f"Ad {n}", "Autumn", acme) for n in (1, 2))
    people.create_ticket("Loose", "", acme)
    people.move_ticket(one, "Pending Approval")
    world.work()
    found = clients(world)["Acme"]
    assert (found.step, found.standing.value) == (Step.PRODUCTION, "waiting")
    assert [(each.name, each.ready, each.of) for each in found.ad_sets] == [("Autumn", 1, 2), ("", 0, 1)]
    people.move_ticket(two, "Pending Approval")
    people.set_status(acme, "Creatives Completed & Approved")
    world.work()
    assert clients(world)["Acme"].step is Step.IMPLEMENTATION
    assert not list(untrue(world))


def test_the_turn_passes_on_with_the_task_that_was_made(world: World) -> None:
    """No other look follows a pass that only makes tasks and sends emails."""
    acme = world.people.create_portfolio("Acme", world.day(5))
    bolt = world.people.create_portfolio("Bolt", world.day(0))
    assert not world.work().errors
    assert clients(world)["Acme"].turn == "the Account Manager (Amelia Marsh)"
    assert clients(world)["Bolt"].turn == "the Social Ad Specialist (Sasha Adler)"
    assert clients(world)["Acme"].since == world.people.tasks("portfolio", acme)[0].created.replace(microsecond=0)
    ticket = world.people.create_ticket("Ad", "Autumn", bolt)
    world.people.set_status(bolt, "Creatives Completed & Approved")
    world.people.move_ticket(ticket, "Pending Approval")
    assert not world.work().errors
    found = clients(world)["Bolt"]
    assert (found.turn, found.what[:12]) == ("the Social Ad Specialist (Sasha Adler)", "to implement")
    assert not list(untrue(world))


def test_a_pass_that_finds_nothing_new_writes_nothing(world: World) -> None:
    acme = world.people.create_portfolio("Acme", world.day(5))
    world.work()

    def rows() -> list[object]:
        with world.service.store.read() as connection:
            found = connection.execute(text("SELECT * FROM portfolio")).all()
            return [*found, connection.execute(text("SELECT COUNT(*) FROM version")).scalar()]

    before = rows()
    world.minutes(60)
    world.sweep()
    assert rows() == before
    world.people.set("portfolio", acme, {"name": "Acme & Sons"})
    world.work()
    assert rows() != before
    assert list(clients(world)) == ["Acme & Sons"]


def test_versions_are_kept_that_the_crm_has_forgotten(make_world: MakeWorld) -> None:
    world = make_world(quirks=Quirks(history_limit=2))
    acme = world.people.create_portfolio("Acme", world.day(40))
    wanted = ["Refresh Request Submitted", "Deliverables Submitted", "Creatives Pending Approval"]
    for status in wanted:
        world.people.set_status(acme, status)
        world.work()
    assert len(world.people.history("portfolio", acme, "creative_refresh_status")) == 2
    assert statuses(world, acme)[-3:] == [
        "refresh_request_submitted", "deliverables_submitted", "creatives_pending_approval",
    ]  # fmt: skip


def test_approvals_are_kept_with_what_resets_them(world: World) -> None:
    acme = world.people.create_portfolio("Acme", world.day(0))
    world.work()
    ticket = world.people.create_ticket("Ad", "Autumn", acme)
    world.people.set("ticket", ticket, {"copy_approval": "Approved"})
    world.people.request_revisions(ticket, "Copy Revisions Only")
    world.minutes(5)
    with world.service.store.read() as connection:
        found = versions.of(connection, [RecordRef(Kind.TICKET, ticket)])[RecordRef(Kind.TICKET, ticket)]
    approvals = [(one.means, one.source) for one in found if one.property is Kept.COPY_APPROVAL]
    assert approvals == [("approved", "CRM_UI"), ("", "INTEGRATION")]


def test_deleted_and_merged_clients_are_kept_no_more_and_one_restored_is_again(world: World) -> None:
    acme, bolt = (world.people.create_portfolio(name, world.day(40)) for name in ("Acme", "Bolt"))
    world.work()
    assert set(clients(world)) == {"Acme", "Bolt"}
    world.people.archive("portfolio", acme)
    world.work()
    assert set(clients(world)) == {"Bolt"}
    world.people.restore("portfolio", acme)
    world.work()
    assert set(clients(world)) == {"Acme", "Bolt"}
    world.people.merge("portfolio", bolt, acme)
    world.work()
    assert set(clients(world)) == {"Bolt"}
    assert not list(untrue(world))


def test_a_client_of_whose_deletion_nobody_told_is_kept_no_more_after_a_days_sweep(make_world: MakeWorld) -> None:
    """Without a date no sweep looks at it, and its webhook was lost."""
    world = make_world(webhooks=False)
    acme = world.people.create_portfolio("Acme", None)
    world.people.create_portfolio("Bolt", world.day(40))
    world.next_day()
    assert set(clients(world)) == {"Acme", "Bolt"}
    world.people.archive("portfolio", acme)
    world.next_day()
    world.service.survey()
    world.work()
    assert set(clients(world)) == {"Bolt"}
    assert not list(untrue(world))
    assert world.service.survey() == 0


def test_who_is_outside_of_the_condition_is_no_client(make_world: MakeWorld) -> None:
    world = make_world(mapping="portfolio: {condition: [{property: creative_refresh_cadence, in: [Weekly]}]}\n")
    acme = world.people.create_portfolio("Acme", world.day(40), cadence="Weekly")
    world.people.create_portfolio("Bolt", world.day(40), cadence="Monthly")
    world.work()
    assert set(clients(world)) == {"Acme"}
    world.people.set("portfolio", acme, {"creative_refresh_cadence": "Monthly"})
    world.work()
    assert clients(world) == {}


def test_a_lost_database_is_filled_again_by_the_next_days_sweep(make_world: MakeWorld) -> None:
    world = make_world(webhooks=False)
    for n, ahead in enumerate((40, 10, 90)):
        world.people.create_portfolio(f"Client {n}", world.day(ahead))
    world.work()
    before = clients(world)
    world.clock.set(world.clock.now().replace(hour=20))
    world.restart(lose_database=True)
    assert clients(world) == {}
    world.people.flush_search()
    with closing(Worker(world.service)) as worker:
        worker.turn()
    drain(world.service)
    assert set(clients(world)) == set(before)
    assert not list(untrue(world))


def test_a_sweep_that_cron_runs_fills_it_too(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no worker runs, nothing else would ever find a client whose date is far away."""
    world = make_world(webhooks=False)
    for n, ahead in enumerate((40, 10, 90)):
        world.people.create_portfolio(f"Client {n}", world.day(ahead))
    world.people.flush_search()
    terminal = Terminal(world, monkeypatch)
    assert terminal.run("sweep").exit_code == 0
    assert {one.name for one in clients(world).values()} == {"Client 0", "Client 1", "Client 2"}
    assert not list(untrue(world))


def test_the_survey_enqueues_only_who_is_neither_known_nor_waiting(world: World) -> None:
    acme = world.people.create_portfolio("Acme", world.day(40))
    world.people.create_portfolio("Bolt", world.day(40))
    world.people.flush_search()
    assert world.service.survey() == 2
    assert world.service.survey() == 0, "they wait already"
    drain(world.service)
    assert world.service.survey() == 0, "they are known"
    with world.service.store.read() as connection:
        assert RecordRef(Kind.PORTFOLIO, acme) in portfolios.known(connection)


def test_who_comes_in_by_another_condition_is_found(make_world: MakeWorld) -> None:
    """Simulation seed 50201: without a date nothing else would ever show it, and its Ad Set was never announced."""
    world = gold_only(make_world)
    portfolio = world.people.create_portfolio("Quiet", tier="Silver")
    world.people.create_ticket("Ad", "Winter", portfolio, stage="Pending Approval")
    world.work()
    world.next_day()
    assert world.tasks() == []
    world.remap("portfolio: {condition: [{property: tier, in: [Gold, Silver]}]}")
    world.people.flush_search()
    run_sweep(world.service, survey=True)
    assert set(clients(world)) == {"Quiet"}
    assert world.status(portfolio) == "Creatives Pending Approval"
    assert world.service.survey() == 0, "it is known, and inside"


def test_each_occurrence_tells_the_mapping_that_decided_it(world: World) -> None:
    world.people.create_portfolio("Acme", world.day(5))
    world.work()
    world.remap("rules: {window_days: 20}\n")
    world.people.create_portfolio("Bolt", world.day(18))
    world.work()
    with world.service.store.read() as connection:
        told = connection.execute(
            text("SELECT mapping FROM occurrence WHERE handoff = '1' ORDER BY decided_at")
        ).scalars()
        first, second = told.all()
        assert first != second
        assert second == digest_of(world.service.mapping)
        windows = [
            json.loads(mapping_texts.find(connection, one) or "")["rules"]["window_days"] for one in (first, second)
        ]
    assert windows == [15, 20]
