"""All handoffs by the webhooks of the project that `handoffs subscriptions` writes: without a poll, without a sweep.

And a process that `handoffs setup --sample` has built in an empty portal carries them just so.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mappings.load import places
from mappings.vocabulary import TaskKind
from sync.admin.check import check
from sync.admin.sample import missing_parts
from sync.admin.subscriptions import WEBHOOKS_FILE, App, project
from sync.cli import main
from sync.crm import Kind
from sync.errors import AuthenticationError, CRMRejectedError, MappingMisfitError
from sync.rules import keys
from sync.sandbox import Fault, Sandbox, SandboxServer
from sync.sandbox.process import Names, same
from tests.conftest import MakeWorld
from tests.world import PUBLIC, World

TASK, TICKET = "0-27", "0-5"

RENAMED = """\
portfolio:
  object: Client Portfolio
  properties: {name: client, status: refresh_state, refresh_date: due_on, cadence: rhythm, ad_lab_link: lab}
  statuses: {creatives_implemented: live}
  condition: [{property: tier, in: [Gold, '']}]
ticket:
  pipeline: Creatives
  in_progress: Doing
  pending_approval: Review
  properties: {folder: ad_set, needs_revisions: redo, copy_approval: copy_ok, graphic_approval: graphic_ok}
  owners: {}
  approval_reset: Open
task:
  key_property: refresh_key
"""


def subscribe(world: World) -> None:
    """What HubSpot does with the uploaded project, and nothing besides."""
    type_id = world.service.crm.type_id(Kind.PORTFOLIO)
    webhooks = project(world.service.mapping, App(PUBLIC, type_id))[WEBHOOKS_FILE]
    world.sandbox.delivery.clear_subscriptions()
    world.sandbox.delivery.subscribe_project(json.loads(json.dumps(webhooks)))


def only_webhooks(world: World) -> None:
    """As after a start: the sweep of the day is done, and none comes any more."""
    world.sweep()
    subscribe(world)


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    made = make_world()
    only_webhooks(made)
    return made


def on(kind: str, record: str) -> tuple[str, str]:
    return (kind, record)


def play_a_cycle(world: World) -> None:
    """One client's cycle, each handoff by what a person does in the CRM."""
    people = world.people
    acme = people.create_portfolio("Acme", world.day(40), cadence="Monthly", link="https://lab.example/acme")
    world.work()
    assert world.kinds() == []

    people.set_refresh_date(acme, world.day(10))  # 1
    world.work()
    assert world.kinds(on("portfolio", acme)) == ["kickoff"]

    people.note("portfolio", acme, "<p>Brighter colours.</p>")
    people.set_status(acme, "Refresh Request Submitted")  # 2b
    world.work()
    assert world.kinds(on("portfolio", acme)) == ["kickoff"]

    people.set_refresh_date(acme, world.day(0))  # 3
    world.work()
    assert world.kinds(on("portfolio", acme)) == ["kickoff", "create_tickets"]

    first = people.create_ticket("Banner", "Spring", acme)  # 4
    second = people.create_ticket("Video", "spring ")
    world.work()
    assert world.kinds(on("ticket", first)) == ["write_copy", "design_graphics"]
    assert world.kinds(on("ticket", second)) == []
    people.associate("ticket", second, "portfolio", acme)
    world.work()
    assert world.kinds(on("ticket", second)) == ["write_copy", "design_graphics"]

    people.set_status(acme, "Deliverables Submitted")
    people.move_ticket(first, "Pending Approval")
    world.work()
    assert "share_deliverables" not in world.kinds(on("portfolio", acme))
    people.move_ticket(second, "Pending Approval")  # 5
    world.work()
    assert world.kinds(on("portfolio", acme)).count("share_deliverables") == 1
    assert world.status(acme) == "Creatives Pending Approval"

    people.request_revisions(first, "Copy Revisions Only", note="Warmer, please")  # 6
    world.work()
    assert world.kinds(on("ticket", first))[2:] == ["revise_copy"]
    people.move_ticket(first, "Pending Approval")
    world.work()
    assert world.kinds(on("portfolio", acme)).count("share_deliverables") == 2

    people.set_status(acme, "Creatives Completed & Approved")  # 7
    world.work()
    (implement,) = [
        task for task in world.tasks(on("portfolio", acme)) if task.key.endswith(keys.suffix_of(TaskKind.IMPLEMENT))
    ]

    people.complete_task(implement.id)  # 8, and with it 9
    world.work()
    world.minutes(2)  # what may be taken back is looked at again
    names = world.sandbox.process.names
    closed = people.portfolio(acme)
    assert closed[names.status] == ""
    assert closed[names.date] > world.day(0).isoformat()
    assert world.receivers() == [
        "account_manager",
        "social_ad_specialist",
        *["account_manager", "social_ad_specialist"] * 2,
        "social_ad_specialist",
        "account_manager",
    ]

    decliner = people.create_portfolio("Globex", world.day(5))  # 1 by creation
    world.work()
    (kickoff,) = world.tasks(on("portfolio", decliner))
    people.set_status(decliner, "No Refresh Requested")  # 2a
    world.work()
    assert not people.task(kickoff.id).open
    assert people.portfolio(decliner)[names.date] > world.day(15).isoformat()


def test_every_handoff_by_the_projects_webhooks_alone(world: World) -> None:
    play_a_cycle(world)


def test_what_else_makes_a_handoff_due_is_heard_of(world: World) -> None:
    """An owner named at last, a set completed by a deletion and by a new folder."""
    people = world.people
    acme = people.create_portfolio("Acme", world.day(5), cadence="Monthly", account_manager=None)
    world.work()
    assert world.kinds() == []
    people.set("portfolio", acme, {"account_manager": people.owner("account_manager")})
    world.work()
    assert world.kinds() == ["kickoff"]

    people.set_status(acme, "Deliverables Submitted")
    ready, late = (people.create_ticket(name, "Spring", acme) for name in ("Banner", "Video"))
    departed = [people.create_ticket(name, "Summer", acme) for name in ("Poster", "Story")]
    for ticket in (ready, departed[0]):
        people.move_ticket(ticket, "Pending Approval")
    world.work()
    assert "share_deliverables" not in world.kinds()
    people.archive("ticket", late)
    world.work()
    assert world.kinds().count("share_deliverables") == 1
    people.set("ticket", departed[1], {world.sandbox.process.names.folder: "Autumn"})
    world.work()
    assert world.kinds().count("share_deliverables") == 2


def test_what_comes_back_or_comes_in_is_heard_of(world: World) -> None:
    """A portfolio and a ticket from the bin, a ticket from another pipeline."""
    people, names = world.people, world.sandbox.process.names
    acme, gone = (people.create_portfolio(name, world.day(40)) for name in ("Acme", "Initech"))
    people.archive("portfolio", gone)
    people.set_refresh_date(acme, world.day(30))
    thrown_away = people.create_ticket("Banner", "Spring", acme)
    people.archive("ticket", thrown_away)
    elsewhere = people.create_ticket("Video", "Spring", acme, hs_pipeline="0", hs_pipeline_stage="1")
    world.work()
    assert world.kinds() == []
    people.restore("ticket", thrown_away)
    world.work()
    assert world.kinds(on("ticket", thrown_away)) == ["write_copy", "design_graphics"]
    people.set("ticket", elsewhere, {"hs_pipeline": names.pipeline[0], "hs_pipeline_stage": names.stages[0][0]})
    world.work()
    assert world.kinds(on("ticket", elsewhere)) == ["write_copy", "design_graphics"]

    world.clock.advance(timedelta(days=28))  # with no sweep of the day
    people.restore("portfolio", gone)
    world.work()
    assert world.kinds(on("portfolio", gone)) == ["kickoff"]


def test_whoever_is_named_at_last_gets_the_work(world: World) -> None:
    people = world.people
    acme = people.create_portfolio(
        "Acme", world.day(0), social_ad_specialist=None, copywriter=None, graphic_designer=None
    )
    ticket, other = (people.create_ticket(name, "Spring", acme) for name in ("Banner", "Video"))
    world.work()
    assert world.kinds() == ["kickoff"]
    work = {"copywriter": "write_copy", "graphic_designer": "design_graphics"}
    for role, task in work.items():
        people.set("ticket", ticket, {role: people.owner(role)})
        world.work()
        assert world.kinds(on("ticket", ticket))[-1] == task
    for role, task in work.items():
        people.set("portfolio", acme, {role: people.owner(role)})
        world.work()
        assert world.kinds(on("ticket", other))[-1:] == [task]
    people.set("portfolio", acme, {"social_ad_specialist": people.owner("social_ad_specialist")})
    world.work()
    assert "create_tickets" in world.kinds(on("portfolio", acme))


def test_a_closing_that_was_blocked_goes_on_once_the_cadence_is_mended(make_world: MakeWorld) -> None:
    world = make_world(names=Names(cadences=(*same("Monthly"), ("odd", "Whenever"))))
    only_webhooks(world)
    acme = world.people.create_portfolio("Acme", world.day(30), cadence="Whenever")
    world.people.set_status(acme, "Creatives Implemented")
    world.work()
    assert world.status(acme) == "Creatives Implemented"
    world.people.set("portfolio", acme, {world.sandbox.process.names.cadence: "Monthly"})
    world.work()
    assert world.status(acme) == ""


def test_without_portfolios_tickets_and_tasks_are_heard_of_and_the_poll_does_the_rest(make_world: MakeWorld) -> None:
    world = make_world()
    world.sweep()
    webhooks = project(world.service.mapping, App(PUBLIC, None))[WEBHOOKS_FILE]
    world.sandbox.delivery.clear_subscriptions()
    world.sandbox.delivery.subscribe_project(json.loads(json.dumps(webhooks)))
    acme = world.people.create_portfolio("Acme", world.day(5), cadence="Monthly")
    world.work()
    assert world.kinds() == []
    world.webhooks = False  # from here on `work` polls
    world.work()
    assert world.kinds() == ["kickoff"]
    world.webhooks = True
    world.people.create_ticket("Banner", "Spring", acme)
    world.work()
    assert world.kinds() == ["kickoff", "write_copy", "design_graphics"]


# --- the sample ------------------------------------------------------------------------------------------------------


def build(world: World) -> list[str]:
    """What `handoffs setup --sample --apply` makes."""
    missing = missing_parts(world.service.crm, world.service.mapping)
    for part in missing:
        part.create()
    return [part.what for part in missing]


def errors(world: World) -> list[str]:
    service = world.service
    report = check(
        crm=service.crm,
        mapping=service.mapping,
        places=places(service.settings.mapping),
        settings=service.settings,
        mail_server=service.mailer,
        clock=world.clock,
        probe=lambda *_: None,
    )
    return [f"{misfit.where}: {misfit.problem}" for misfit in report.misfits]


def test_a_sample_in_an_empty_portal_carries_every_handoff(make_world: MakeWorld) -> None:
    world = make_world(empty=True, with_task_property=False)
    build(world)
    assert errors(world) == []
    world.sandbox.settle_in()
    only_webhooks(world)
    play_a_cycle(world)


@pytest.mark.parametrize("mapping", [None, RENAMED], ids=["default", "renamed"])
def test_a_second_time_makes_nothing(make_world: MakeWorld, mapping: str | None) -> None:
    world = make_world(empty=True, with_task_property=False, mapping=mapping)
    assert build(world)
    assert errors(world) == []
    assert missing_parts(world.service.crm, world.service.mapping) == []


def test_a_sample_that_broke_off_anywhere_is_made_good(make_world: MakeWorld) -> None:
    whole = len(build(make_world(empty=True)))
    for done in range(whole):
        world = make_world(empty=True)
        for part in missing_parts(world.service.crm, world.service.mapping)[:done]:
            part.create()
        build(world)
        assert errors(world) == []


def test_only_what_is_missing_is_made(make_world: MakeWorld) -> None:
    world = make_world(with_task_property=False)
    portal = world.sandbox.portal
    portal.app.scopes.add("crm.schemas.custom.write")
    portfolio = world.sandbox.process.names.object_type_id
    del portal.types[portfolio].properties["creative_refresh_date"]
    del portal.types[TICKET].properties["needs_revisions"]
    for pair in ((portfolio, TICKET), (TICKET, portfolio)):
        portal._association_types.pop(pair)
    assert build(world) == [
        "portfolio property creative_refresh_date",
        "association of portfolios and tickets",
        "ticket property needs_revisions",
        "task property handoff_key, hidden",
    ]
    assert portal.types[portfolio].properties["creative_refresh_date"].type == "date"
    assert errors(world) == []


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ("portfolio: {object: 2-99}", "portfolio.object: 2-99 is an id"),
        ("portfolio: {object: p1_clients}", "p1_clients is of another portal"),
        ("portfolio: {object: '???'}", "no name can be made of"),
        ("ticket: {pipeline: '880001'}", "ticket.pipeline: 880001 is an id"),
        ("ticket: {in_progress: '1'}", "ticket.in_progress: 1 is an id"),
    ],
)
def test_what_only_hubspot_can_name_is_refused(make_world: MakeWorld, mapping: str, said: str) -> None:
    world = make_world(empty=True, mapping=mapping)
    with pytest.raises(MappingMisfitError, match=said.replace("?", r"\?")):
        missing_parts(world.service.crm, world.service.mapping)


def test_the_full_name_of_this_portal_can_be_made(make_world: MakeWorld) -> None:
    world = make_world(empty=True, mapping="portfolio: {object: p48000001_clients}")
    build(world)
    assert errors(world) == []


# --- what HubSpot says to it -----------------------------------------------------------------------------------------


def test_definitions_that_are_there_already_are_refused(make_world: MakeWorld) -> None:
    world = make_world(empty=True)
    missing = missing_parts(world.service.crm, world.service.mapping)
    for part in missing:
        part.create()
    # Made a second time as it stands, only the task property is taken for done: `provision.create` looks.
    for part in missing[:-1]:
        with pytest.raises(CRMRejectedError):
            part.create()
    with pytest.raises(CRMRejectedError):
        world.service.crm.create_association(Kind.PORTFOLIO, Kind.TICKET, "again")


def test_without_the_scope_the_object_is_not_made(make_world: MakeWorld) -> None:
    world = make_world(empty=True)
    world.sandbox.portal.app.scopes.discard("crm.schemas.custom.write")
    with pytest.raises(AuthenticationError) as refused:
        build(world)
    assert refused.value.scopes == ("crm.schemas.custom.write",)


@pytest.mark.parametrize(
    "definition",
    [
        {},
        {"name": "9 lives", "labels": {"singular": "a", "plural": "b"}},
        {"name": "fine", "labels": {"singular": "a", "plural": "b"}, "primaryDisplayProperty": "missing"},
        {"name": "fine", "labels": {"singular": "a", "plural": "b"}, "associatedObjects": ["NOTHING"]},
    ],
)
def test_the_sandbox_refuses_a_schema_that_makes_no_sense(make_world: MakeWorld, definition: dict[str, Any]) -> None:
    title = {"name": "title", "label": "Title", "type": "string", "fieldType": "text"}
    whole = {"properties": [title], "primaryDisplayProperty": "title", "requiredProperties": ["title"]}
    world = make_world(empty=True)
    with pytest.raises(CRMRejectedError):
        world.service.crm.create_object({**whole, **definition} if definition else {})
    with pytest.raises(CRMRejectedError):
        world.service.crm.create_pipeline({"label": "Odd", "stages": "none"})


# --- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Sandbox, str]]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sync.log.configure", lambda *_args, **_options: None)
    made = Sandbox(empty=True)
    with SandboxServer(made) as server:
        yield made, server.url


def setup(empty: tuple[Sandbox, str], *arguments: str) -> Result:
    sandbox, url = empty
    environment = {"HUBSPOT_ACCESS_TOKEN": sandbox.token, "HUBSPOT_BASE_URL": url}
    return CliRunner(env=environment).invoke(main, ["setup", "--sample", *arguments])


def test_setup_shows_asks_builds_and_then_finds_nothing_missing(empty: tuple[Sandbox, str]) -> None:
    sandbox = empty[0]
    kinds = set(sandbox.portal.types)
    shown = setup(empty)
    assert (shown.exit_code, len(shown.stdout.splitlines())) == (0, 9)
    assert shown.stdout.startswith("+ custom object creative_portfolios, with 9 properties, associated to tickets\n")
    refused = setup(empty, "--apply")
    assert refused.exit_code == 3
    assert "--yes" in refused.stderr
    assert set(sandbox.portal.types) == kinds
    done = setup(empty, "--apply", "--yes")
    assert (done.exit_code, done.stdout) == (0, shown.stdout)
    assert len(sandbox.portal.types) == len(kinds) + 1
    assert (setup(empty, "--apply", "--yes").stdout, setup(empty).exit_code) == ("Nothing is missing.\n", 0)
    assert json.loads(setup(empty, "--json").stdout) == {"version": 1, "missing": [], "created": False}


def test_setup_that_breaks_off_says_so_and_goes_on_next_time(empty: tuple[Sandbox, str]) -> None:
    sandbox = empty[0]
    sandbox.faults.add(Fault("500", endpoint="POST /crm/pipelines/2026-09/tickets", times=1))
    broken = setup(empty, "--apply", "--yes")
    assert broken.exit_code == 1
    assert "Created: custom object creative_portfolios" in broken.stderr
    assert setup(empty, "--apply", "--yes").stdout.splitlines() == [
        "+ ticket pipeline Deliverables: New, In Progress, Pending Approval, Closed",
        "+ task property handoff_key, hidden",
    ]
