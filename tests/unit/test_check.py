"""`handoffs check`: what fits, every way in which a portal may not, and that looking changes nothing."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import responses
from click.testing import CliRunner, Result

from mappings.load import places
from sync.admin.check import CheckReport, Misfit, Severity, check
from sync.admin.probe import Obstacle, obstacle
from sync.cli import main
from sync.errors import AuthenticationError, CRMUnavailableError, EmailError
from sync.passes.email import Mailer
from sync.sandbox import Fault, Quirks, Sandbox, SandboxServer
from sync.sandbox.schema import Pipeline, Property, Stage
from sync.sandbox.seed import Names
from sync.storage import service_state
from tests.conftest import MakeWorld
from tests.world import PUBLIC, World

TICKET, TASK, PORTFOLIO = "0-5", "0-27", "2-1234567"
ERROR, WARNING = Severity.ERROR, Severity.WARNING

OLD_STATUSES = tuple((f"s{n}", label) for n, (label, _) in enumerate(Names().statuses))
"""Internal values that are not the labels, as in a portal that was renamed once."""


class Relay:
    """A mail server that nobody asks to send."""

    def __init__(self, trouble: str = "", *, login_refused: bool = False) -> None:
        self.trouble = trouble
        self.login_refused = login_refused

    def send(self, key: str, to: str, subject: str, body: str) -> None:
        raise AssertionError("a check sends nothing")

    def check(self) -> str:
        if self.trouble:
            raise EmailError(self.trouble, server_down=True, login_refused=self.login_refused)
        return "the mail server mail.test:25 answers, without login (EMAIL_URL)"


def looked(
    world: World, *, mailer: Mailer | None = None, blocked_by: Obstacle | None = None, **settings: Any
) -> CheckReport:
    service = world.service
    return check(
        crm=service.crm,
        mapping=service.mapping,
        places=places(service.settings.mapping),
        settings=service.settings.model_copy(update=settings),
        mailer=mailer or Relay(),
        clock=world.clock,
        probe=lambda *_: blocked_by,
    )


def short(misfits: tuple[Misfit, ...]) -> list[tuple[Severity, str, str]]:
    """Severity, key (or setting) and problem."""
    return [(one.severity, one.where.rpartition(" ")[2], one.problem) for one in misfits]


# --- what fits -------------------------------------------------------------------------------------------------------


def test_the_default_mapping_fits_the_default_process(world: World) -> None:
    report = looked(world)
    assert (report.misfits, report.ok, report.exit_code) == ((), True, 0)
    assert {area.name: area.note for area in report.areas} == {
        "portal": "48000001, America/New_York",
        "object": "creative_portfolios is 2-1234567",
        "portfolio": "9 properties, 6 statuses",
        "ticket": "7 properties, 3 revisions",
        "pipeline": "Deliverables (880001), 5 stages",
        "task": "handoff_key",
        "associations": "portfolios, tickets, tasks and notes",
        "owners": "6 active, 1 deactivated",
        "scopes": "every kind of call is permitted",
        "email": "the mail server mail.test:25 answers, without login (EMAIL_URL)",
        "webhooks": f"{PUBLIC}/webhooks/hubspot takes what HubSpot signs",
    }


def test_looking_changes_nothing(world: World) -> None:
    world.people.create_portfolio("Acme", world.day(20))
    before = world.sandbox.portal.dump()
    looked(world)
    assert world.sandbox.portal.dump() == before


def test_a_cadence_in_days_needs_no_values(make_world: MakeWorld) -> None:
    assert looked(make_world(names=Names(cadences=()))).misfits == ()


def test_another_name_of_the_same_time_zone_fits(make_world: MakeWorld) -> None:
    assert looked(make_world(mapping="time_zone: US/Eastern\n")).misfits == ()


# --- what does not ---------------------------------------------------------------------------------------------------

Change = Callable[[World], object]


def redefine(type_id: str, name: str, **changes: Any) -> Change:
    """The same property, defined otherwise."""

    def change(world: World) -> None:
        known = world.sandbox.portal.types[type_id].properties
        known[name] = replace(known[name], **changes)

    return change


def rename(type_id: str, name: str, other: str) -> Change:
    def change(world: World) -> None:
        known = world.sandbox.portal.types[type_id].properties
        known[other] = replace(known.pop(name), name=other)

    return change


def stages(*given: Stage) -> Change:
    return lambda world: world.sandbox.portal.define_pipeline(TICKET, Pipeline("880001", "Deliverables", given))


def nothing(_: World) -> None:
    """The portal stays as it is."""


NEW, CLOSED = Stage("1", "New"), Stage("4", "Closed", closed=True)
GOING, PENDING = Stage("2", "In Progress"), Stage("3", "Pending Approval")

MISFITS: dict[str, tuple[Change, str, list[tuple[Severity, str, str]]]] = {
    "time zone": (
        nothing,
        "time_zone: Europe/London",
        [(ERROR, "time_zone", "the portal's time zone is America/New_York, not Europe/London")],
    ),
    "no such object": (
        nothing,
        "portfolio: {object: clients}",
        [(ERROR, "portfolio.object", "the portal has no custom object 'clients'")],
    ),
    "no such property": (
        rename(PORTFOLIO, "creative_refresh_status", "refresh_state"),
        "",
        [(ERROR, "portfolio.properties.status", "portfolios have no property “creative_refresh_status”")],
    ),
    "no such owner property": (
        nothing,
        "portfolio: {owners: {copywriter: writer}}",
        [(ERROR, "portfolio.owners.copywriter", "portfolios have no property “writer”")],
    ),
    "a status that is no choice": (
        redefine(PORTFOLIO, "creative_refresh_status", type="date"),
        "",
        [(ERROR, "portfolio.properties.status", "“creative_refresh_status” is of the type date")],
    ),
    "a status of several": (
        redefine(PORTFOLIO, "creative_refresh_status", field_type="checkbox"),
        "",
        [(ERROR, "portfolio.properties.status", "only one value can hold at a time")],
    ),
    "a status that is text": (redefine(PORTFOLIO, "creative_refresh_status", type="string", options=()), "", []),
    "a computed status": (
        redefine(PORTFOLIO, "creative_refresh_status", read_only=True),
        "",
        [(ERROR, "portfolio.properties.status", "is computed by HubSpot")],
    ),
    "a date with a time": (
        redefine(PORTFOLIO, "creative_refresh_date", type="datetime"),
        "",
        [(ERROR, "portfolio.properties.refresh_date", "a date without a time is needed")],
    ),
    "an owner as text": (
        redefine(PORTFOLIO, "account_manager", type="string", owner=False),
        "",
        [(WARNING, "portfolio.owners.account_manager", "not a user property")],
    ),
    "an owner as a date": (
        redefine(PORTFOLIO, "account_manager", type="date", owner=False),
        "",
        [(ERROR, "portfolio.owners.account_manager", "can name nobody")],
    ),
    "a status by its label": (
        redefine(PORTFOLIO, "creative_refresh_status", options=OLD_STATUSES),
        "portfolio: {statuses: {refresh_request_submitted: s0, no_refresh_requested: s1, deliverables_submitted: s2, "
        "creatives_pending_approval: s3, creatives_approved: s4}}",
        [
            (ERROR, "portfolio.statuses.creatives_implemented", "no option with the internal value"),
            (WARNING, "portfolio.statuses", "can also be “s5”"),
        ],
    ),
    "a condition that nothing meets": (
        nothing,
        "portfolio: {condition: [{property: creative_refresh_cadence, in: ['', Monthly, Yearly]}]}",
        [(ERROR, "portfolio.condition.0.in.2", "no option with the internal value “Yearly”")],
    ),
    "a condition on several values": (
        redefine(PORTFOLIO, "creative_refresh_cadence", field_type="checkbox"),
        "portfolio: {condition: [{property: creative_refresh_cadence, in: [Monthly]}]}",
        [
            (ERROR, "portfolio.properties.cadence", "only one value can hold at a time"),
            (ERROR, "portfolio.condition.0.property", "only one value can hold at a time"),
        ],
    ),
    "a condition on nothing": (
        nothing,
        "portfolio: {condition: [{property: tier, in: [Gold]}]}",
        [(ERROR, "portfolio.condition.0.property", "portfolios have no property “tier”")],
    ),
    "cadences on either side": (
        nothing,
        "cadence: {default: Monthly, values: {Monthly: 1 month, Yearly: 1 year}}",
        [
            (WARNING, "cadence.values", "can also be “Weekly”, “Every 2 weeks”"),
            (WARNING, "cadence.values", "nobody can choose “Yearly”"),
        ],
    ),
    "a folder that is a number": (
        redefine(TICKET, "deliverable_folder_name", type="number"),
        "",
        [(ERROR, "ticket.properties.folder", "text or a choice is needed")],
    ),
    "a revision that is no option": (
        nothing,
        "ticket: {revisions: {copy: Copy please}}",
        [
            (ERROR, "ticket.revisions.copy", "no option with the internal value “Copy please”"),
            (WARNING, "ticket.revisions", "can also be “Copy Revisions Only”"),
        ],
    ),
    "a reset that is no option": (
        nothing,
        "ticket: {approval_reset: Open again}",
        [
            (ERROR, "ticket.approval_reset", "“copy_approval” has no option"),
            (ERROR, "ticket.approval_reset", "“graphic_approval” has no option"),
        ],
    ),
    "an approval that is no option": (
        redefine(TICKET, "copy_approval", options=(("Fine", "Fine"),)),
        "",
        [(WARNING, "ticket.approved", "“copy_approval” has no option")],
    ),
    "tickets that name nobody": (
        rename(TICKET, "copywriter", "writer"),
        "",
        [(WARNING, "ticket.owners.copywriter", "the portfolio's copywriter gets the work")],
    ),
    "no such pipeline": (
        nothing,
        "ticket: {pipeline: Creatives}",
        [(ERROR, "ticket.pipeline", "no ticket pipeline is called “Creatives”")],
    ),
    "no such stage": (
        stages(NEW, GOING, CLOSED),
        "",
        [(ERROR, "ticket.pending_approval", "no stage of “Deliverables” is called “Pending Approval”")],
    ),
    "two stages of one name": (
        stages(NEW, GOING, PENDING, Stage("9", "In progress"), CLOSED),
        "",
        [(ERROR, "ticket.in_progress", "several stages of “Deliverables” are called “In Progress”")],
    ),
    "a closed stage": (
        stages(NEW, GOING, replace(PENDING, closed=True)),
        "",
        [(ERROR, "ticket.pending_approval", "the stage “Pending Approval” is closed")],
    ),
    "no task property": (
        rename(TASK, "handoff_key", "key"),
        "",
        [(ERROR, "task.key_property", "tasks have no property “handoff_key”")],
    ),
    "a task property that is a number": (
        redefine(TASK, "handoff_key", type="number"),
        "",
        [(ERROR, "task.key_property", "is of the type number, and a key is text")],
    ),
    "portfolios without notes": (
        lambda world: world.sandbox.portal._association_types.pop(("0-46", PORTFOLIO)),
        "",
        [(ERROR, "portfolio.object", "notes cannot be associated to portfolios")],
    ),
    "a fallback nobody knows": (
        nothing,
        "roles: {copywriter: {fallback_owner: cody.right@agency.example}}",
        [(ERROR, "roles.copywriter.fallback_owner", "the portal has no owner “cody.right@agency.example”")],
    ),
    "a fallback who has left": (
        nothing,
        "roles: {copywriter: {fallback_owner: Lee.Vargone@agency.example}}",
        [(ERROR, "roles.copywriter.fallback_owner", "Lee Vargone (Lee.Vargone@agency.example) is deactivated")],
    ),
    "a fallback by id": (nothing, "roles: {copywriter: {fallback_owner: '51000025'}}", []),
}


@pytest.mark.parametrize(("change", "mapping", "expected"), MISFITS.values(), ids=list(MISFITS))
def test_a_misfit(
    make_world: MakeWorld, change: Change, mapping: str, expected: list[tuple[Severity, str, str]]
) -> None:
    world = make_world(mapping=mapping or None)
    change(world)
    report = looked(world)
    assert [found[:2] for found in short(report.misfits)] == [wanted[:2] for wanted in expected]
    for misfit, (severity, _, problem) in zip(report.misfits, expected, strict=True):
        assert problem in misfit.problem
        assert misfit.remedy
        assert severity is misfit.severity
    assert report.exit_code == (5 if any(severity is ERROR for severity, _, _ in expected) else 0)


def test_all_is_found_at_once(make_world: MakeWorld) -> None:
    world = make_world(
        mapping="time_zone: Europe/London\nportfolio:\n  properties:\n    status: state\nticket:\n  pipeline: Creatives\n",
        with_task_property=False,
    )
    del world.sandbox.portal.types[TICKET].properties["needs_revisions"]
    keys = [key for _, key, _ in short(looked(world).misfits)]
    assert keys == [
        "time_zone",
        "portfolio.properties.status",
        "ticket.properties.needs_revisions",
        "ticket.pipeline",
        "task.key_property",
    ]


def test_a_finding_names_the_line_that_counts(make_world: MakeWorld) -> None:
    world = make_world(mapping="portfolio:\n  properties:\n    name: title\n    status: creative_refresh_state\n")
    own, packaged = (str(world.settings.mapping), "creative_refresh.yaml")
    del world.sandbox.portal.types[PORTFOLIO].properties["creative_refresh_cadence"]
    found = {one.where: (one.packaged, one.remedy) for one in looked(world).misfits}
    assert found[f"{own}:4 portfolio.properties.status"] == (False, "write creative_refresh_status?")
    (cadence,) = (where for where in found if where.endswith("properties.cadence"))
    line = int(cadence.removeprefix(f"{packaged}:").split()[0])
    default = Path(__file__).parents[2] / "mappings" / packaged
    assert default.read_text(encoding="utf-8").splitlines()[line - 1].strip() == "cadence: creative_refresh_cadence"
    assert found[cadence][0]


def test_a_label_is_told_from_an_internal_name_and_value(make_world: MakeWorld) -> None:
    world = make_world(
        mapping="ticket: {revisions: {copy: Only the copy}}\nportfolio: {properties: {cadence: Cadence}}\n"
    )
    redefine(TICKET, "needs_revisions", options=(("c1", "Only the copy"), *Names().revisions[1:]))(world)
    redefine(PORTFOLIO, "creative_refresh_cadence", label="Cadence")(world)
    remedies = [misfit.remedy for misfit in looked(world).misfits]
    assert remedies[:2] == [
        "write creative_refresh_cadence, its internal name",
        "write `c1`, the internal value of what people see as “Only the copy”",
    ]


def test_where_a_key_stands(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(
        "ticket: {owners: {}}\nportfolio:\n  condition:\n    - property: tier\n      in:\n        - Gold\n        - Silver\n",
        encoding="utf-8",
    )
    found = places(path)
    assert str(found.of("portfolio", "condition", 0, "in", 1)) == f"{path}:7 portfolio.condition.0.in.1"
    assert str(found.of("ticket", "owners", "copywriter")) == f"{path}:1 ticket.owners.copywriter"
    assert found.of("no_such_section").line == 1
    packaged = found.of("ticket", "approved")
    assert (packaged.file, packaged.packaged) == ("creative_refresh.yaml", True)
    assert packaged == places().of("ticket", "approved")


# --- scopes, token, connection ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "purpose"),
    [
        ("oauth", "read the account's details"),
        ("crm.schemas.custom.read", "read the object's schema"),
        ("crm.objects.custom.write", "change portfolios"),
        ("tickets", "read the ticket's properties, read the ticket pipelines"),
        ("crm.objects.contacts.write", "change tasks"),
        ("crm.objects.owners.read", "read owners"),
    ],
)
def test_a_missing_scope_is_named_once_with_all_that_needs_it(world: World, scope: str, purpose: str) -> None:
    world.sandbox.portal.app.scopes.discard(scope)
    report = looked(world)
    (misfit,) = report.misfits
    assert misfit.where == "HUBSPOT_ACCESS_TOKEN"
    assert misfit.problem.startswith(f"the app lacks the scope {scope}, needed to {purpose}")
    assert report.exit_code == 4


def test_every_missing_scope_is_named(world: World) -> None:
    world.sandbox.portal.app.scopes.clear()
    report = looked(world)
    named = {misfit.problem.split(",")[0].removeprefix("the app lacks the scope ") for misfit in report.misfits}
    assert {"oauth", "tickets", "crm.schemas.custom.read", "crm.objects.contacts.read"} <= named


def test_a_refused_token_ends_the_check(world: World) -> None:
    world.sandbox.portal.app.token = "pat-another"
    with pytest.raises(AuthenticationError):
        looked(world)


def test_a_portal_out_of_reach_ends_the_check(world: World) -> None:
    world.sandbox.faults.add(Fault("503"))
    with pytest.raises(CRMUnavailableError):
        looked(world)


def test_what_is_out_of_reach_later_is_one_finding_among_others(world: World) -> None:
    world.sandbox.faults.add(Fault("503", endpoint="GET /crm/owners/2026-09"))
    report = looked(world, mailer=Relay("no connection"))
    assert [misfit.where for misfit in report.misfits] == ["HUBSPOT_BASE_URL", "EMAIL_URL"]
    assert report.exit_code == 1


# --- settings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("login_refused", "severity", "code"), [(True, ERROR, 1), (False, WARNING, 0)])
def test_a_refused_login_stops_a_release_and_a_mail_server_that_is_down_does_not(
    world: World, login_refused: bool, severity: Severity, code: int
) -> None:
    report = looked(world, mailer=Relay("the mail server is not as it should be", login_refused=login_refused))
    assert [(one.severity, one.where) for one in report.misfits] == [(severity, "EMAIL_URL")]
    assert report.exit_code == code


@pytest.mark.parametrize(
    ("settings", "where", "severity"),
    [
        ({"hubspot_app_id": None}, "HUBSPOT_APP_ID", WARNING),
        ({"public_url": None, "hubspot_client_secret": ()}, "PUBLIC_URL", WARNING),
        ({"public_url": None}, "PUBLIC_URL", ERROR),
        ({"hubspot_client_secret": ()}, "HUBSPOT_CLIENT_SECRET", ERROR),
    ],
)
def test_a_setting_that_is_missing(world: World, settings: dict[str, Any], where: str, severity: Severity) -> None:
    assert [(one.severity, one.where) for one in looked(world, **settings).misfits] == [(severity, where)]


def test_webhooks_that_do_not_arrive_stop_nothing(world: World) -> None:
    report = looked(world, blocked_by=Obstacle("nothing answers", "start it"))
    assert ([one.severity for one in report.misfits], report.exit_code) == ([WARNING], 0)
    report = looked(world, blocked_by=Obstacle("believes anybody", "mend it", dangerous=True))
    assert ([one.severity for one in report.misfits], report.exit_code) == ([ERROR], 1)


# --- the public URL --------------------------------------------------------------------------------------------------


@pytest.fixture
def internet() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def publish(world: World, internet: responses.RequestsMock) -> None:
    """Have the world's receiver answer at its public URL."""

    def passed_on(request: requests.PreparedRequest) -> tuple[int, dict[str, str], bytes]:
        path = urlsplit(str(request.url)).path
        answer = world.app.test_client().open(
            path, method=request.method, headers=dict(request.headers), data=request.body or b""
        )
        return answer.status_code, dict(answer.headers), answer.data

    internet.add_callback("GET", f"{PUBLIC}/healthz", passed_on)
    internet.add_callback("POST", f"{PUBLIC}/webhooks/hubspot", passed_on)


def test_the_receiver_itself_is_no_blocked_byand_notices_nothing(
    world: World, internet: responses.RequestsMock
) -> None:
    publish(world, internet)
    assert obstacle(PUBLIC, world.sandbox.client_secret, world.clock) is None
    with world.service.store.read() as connection:
        assert service_state.get(connection, service_state.LAST_WEBHOOK) is None


def test_another_secret_than_the_receivers_is_noticed(world: World, internet: responses.RequestsMock) -> None:
    publish(world, internet)
    found = obstacle(PUBLIC, "another", world.clock)
    assert found is not None
    assert "refuses what HubSpot would sign" in found.problem


@pytest.mark.parametrize(
    ("health", "hook", "problem", "dangerous"),
    [
        ({"body": requests.ConnectionError("no route")}, {}, "nothing answers", False),
        ({"status": 404, "body": "<html>"}, {}, "not this service (404)", False),
        ({"status": 200, "body": "<html>"}, {}, "not this service (200)", False),
        ({"status": 301, "headers": {"Location": "https://other"}}, {}, "redirects to https://other", False),
        ({"json": {"alive": True}}, {"status": 503}, "answers 503", False),
        ({"json": {"alive": True}}, {"body": requests.Timeout("slow")}, "nothing answers", False),
        ({"json": {"alive": True}}, {"status": 200, "json": {"received": 0}}, "accepts a wrong signature", True),
    ],
)
def test_an_obstacle(
    world: World, internet: responses.RequestsMock, health: Any, hook: Any, problem: str, dangerous: bool
) -> None:
    internet.get(f"{PUBLIC}/healthz", **health)
    internet.post(f"{PUBLIC}/webhooks/hubspot", **hook)
    found = obstacle(PUBLIC, "secret", world.clock)
    assert found is not None
    assert problem in found.problem
    assert found.dangerous is dangerous


# --- the command -----------------------------------------------------------------------------------------------------

STUDIO = """\
time_zone: Europe/London
portfolio:
  properties:
    status: creative_refresh_state
  statuses:
    creatives_implemented: live
ticket:
  in_progress: Doing
  owners:
    copywriter: writer
roles:
  copywriter:
    fallback_owner: cody.wright@agency.test
"""

GOLDEN = """\
studio.yaml against the portal:

  error    portal        1 error
  ok       object        creative_portfolios is 2-1234567
  error    portfolio     1 error
  warning  ticket        1 warning
  error    pipeline      1 error
  error    task          1 error
  ok       associations  portfolios, tickets, tasks and notes
  error    owners        1 error
  ok       scopes        every kind of call is permitted
  ok       email         emails are printed, not sent (EMAIL_URL=console:)
  warning  webhooks      1 warning

error    studio.yaml:1 time_zone
  the portal's time zone is America/New_York, not Europe/London: the day would
  begin at another hour than people see
  → write America/New_York, or change the portal's (Settings > Account Defaults)

error    studio.yaml:4 portfolio.properties.status
  portfolios have no property “creative_refresh_state”
  → write creative_refresh_status?

warning  studio.yaml:10 ticket.owners.copywriter
  tickets have no property “writer”: the portfolio's copywriter gets the work
  → if that is meant, write `owners: {}` under `ticket`; else create it in
    HubSpot, as a user property

error    studio.yaml:8 ticket.in_progress
  no stage of “Deliverables” is called “Doing”
  → write the id or label of one: “Approved” (880014), “Closed” (880015), “In
    Progress” (880012), “New” (880011), “Pending Approval” (880013)

error    creative_refresh.yaml:109 task.key_property
  tasks have no property “handoff_key” to carry their key
  → run `handoffs setup --apply`

error    studio.yaml:13 roles.copywriter.fallback_owner
  the portal has no owner “cody.wright@agency.test”
  → write cody.wright@agency.example?

warning  PUBLIC_URL
  is not set: no webhooks, changes are found by the poll every 300 s
  → if that is not meant, set PUBLIC_URL and HUBSPOT_CLIENT_SECRET

5 errors, 2 warnings.
"""

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """`handoffs …` against a sandbox over a real socket."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sync.log.configure", lambda *_args, **_options: None)
    servers: list[SandboxServer] = []

    def invoke(sandbox: Sandbox, *arguments: str, **environment: str) -> Result:
        servers.append(SandboxServer(sandbox).start())
        given = {
            "HUBSPOT_ACCESS_TOKEN": sandbox.token,
            "HUBSPOT_APP_ID": str(sandbox.app_id),
            "HUBSPOT_BASE_URL": servers[-1].url,
            "EMAIL_URL": "console:",
        }
        return CliRunner(env={**given, **environment}).invoke(main, list(arguments))

    yield invoke
    for server in servers:
        server.stop()


def test_what_an_admin_reads(run: Run) -> None:
    Path("studio.yaml").write_text(STUDIO, encoding="utf-8")
    result = run(Sandbox(), "check", MAPPING="studio.yaml")
    assert result.stdout == GOLDEN
    assert "writing the key into studio.yaml." in result.stderr
    assert max(map(len, result.output.splitlines())) <= 80
    assert result.exit_code == 5


def test_what_a_script_reads(run: Run) -> None:
    Path("studio.yaml").write_text("time_zone: Europe/London\n", encoding="utf-8")
    result = run(Sandbox(with_task_property=True), "check", "--json", MAPPING="studio.yaml")
    told = json.loads(result.stdout)
    assert (told["version"], told["ok"]) == (1, False)
    assert [set(finding) for finding in told["findings"]] == [{"severity", "where", "problem", "remedy"}] * 2
    assert told["findings"][0]["where"] == "studio.yaml:1 time_zone"
    assert result.exit_code == 5


def test_warnings_are_no_failure(run: Run) -> None:
    result = run(Sandbox(with_task_property=True), "check")
    assert (result.stdout.splitlines()[-1], result.exit_code) == ("0 errors, 1 warning.", 0)


def test_a_wrong_token_gives_one_line(run: Run) -> None:
    result = run(Sandbox(), "check", HUBSPOT_ACCESS_TOKEN="pat-wrong")
    assert (result.stdout, result.exit_code) == ("", 4)
    assert "HUBSPOT_ACCESS_TOKEN" in result.stderr


def test_a_property_that_a_ticket_does_without_is_not_asked_for(make_world: MakeWorld) -> None:
    """Should HubSpot refuse a read of what it does not have, the service works all the same."""
    world = make_world(
        quirks=Quirks(unknown_property_read="refused"), mapping="ticket: {owners: {copywriter: writer}}\n"
    )
    portfolio = world.people.create_portfolio("Acme", world.day(-1), status="Refresh Request Submitted")
    world.people.create_ticket("Banner", "Spring", portfolio)
    world.work()
    assert [kind for kind in world.kinds() if kind in {"write_copy", "design_graphics"}] == [
        "write_copy",
        "design_graphics",
    ]
    assert [one.where.rpartition(" ")[2] for one in looked(world).misfits] == ["ticket.owners.copywriter"]


def test_a_property_of_the_object_by_its_own_name_is_no_label(world: World) -> None:
    """A property may be labelled like another's internal name: the name counts."""
    world.sandbox.portal.define_property(PORTFOLIO, Property("other", "creative_refresh_status", group="x"))
    assert looked(world).misfits == ()
