"""What fits, every way in which a portal may not (docs/process.md N.5), and that looking changes nothing."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mappings.load import places
from sync.admin.check import Severity
from sync.sandbox import Quirks
from sync.sandbox.process import Names
from sync.sandbox.schema import Pipeline, Property, Stage
from tests.conftest import MakeWorld
from tests.unit.check.report import ERROR, OLD_STATUSES, PORTFOLIO, TASK, TICKET, WARNING, checked, short
from tests.world import PUBLIC, World


def test_the_default_mapping_fits_the_default_process(world: World) -> None:
    report = checked(world)
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
        "rules": "no admin's rule stands in the way",
        "texts": "the packaged ones, in the portal's words",
        "rehearsal": "no portfolio or ticket yet to try it on",
        "scopes": "every kind of call is permitted",
        "email": "the mail server mail.test:25 answers, without login (EMAIL_URL)",
        "webhooks": f"{PUBLIC}/webhooks/hubspot takes what HubSpot signs",
    }


def test_looking_changes_nothing(world: World) -> None:
    world.people.create_portfolio("Acme", world.day(20))
    before = world.sandbox.portal.dump()
    checked(world)
    assert world.sandbox.portal.dump() | {"now": before["now"]} == before


def test_a_cadence_in_days_needs_no_values(make_world: MakeWorld) -> None:
    assert checked(make_world(names=Names(cadences=()))).misfits == ()


def test_another_name_of_the_same_time_zone_fits(make_world: MakeWorld) -> None:
    assert checked(make_world(mapping="time_zone: US/Eastern\n")).misfits == ()


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
    "an owner property of several people": (
        redefine(PORTFOLIO, "account_manager", field_type="checkbox"),
        "",
        [(WARNING, "portfolio.owners.account_manager", "can name several people at once")],
    ),
    "a read only stage": (
        stages(NEW, replace(GOING, write_permissions="READ_ONLY"), PENDING, CLOSED),
        "",
        [(ERROR, "ticket.in_progress", "the stage “In Progress” is read only: nobody can move a ticket into it")],
    ),
    "a stage that is HubSpot's own": (
        stages(NEW, GOING, replace(PENDING, write_permissions="INTERNAL_ONLY"), CLOSED),
        "",
        [(ERROR, "ticket.pending_approval", "the stage “Pending Approval” is read only")],
    ),
    "a sensitive property that the app may not see": (
        redefine(PORTFOLIO, "most_recent_ad_lab_link", sensitivity="sensitive"),
        "",
        [(ERROR, "portfolio.properties.ad_lab_link", "portfolios have no property “most_recent_ad_lab_link”")],
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
        [(ERROR, "ticket.approved", "“copy_approval” has no option")],
    ),
    "a condition on what has its options elsewhere": (
        redefine(PORTFOLIO, "creative_refresh_cadence", external=True, options=()),
        "portfolio: {condition: [{property: creative_refresh_cadence, in: [Monthly, Yearly]}]}",
        [],
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
        stages(NEW, GOING, PENDING, Stage("9", "In Progress"), CLOSED),
        "",
        [(ERROR, "ticket.in_progress", "several stages of “Deliverables” are called “In Progress”")],
    ),
    "two stages that look the same, one spelled as the mapping has it": (
        stages(NEW, GOING, PENDING, Stage("9", "In\u00a0progress"), CLOSED),
        "",
        [(WARNING, "ticket.in_progress", "look the same: “In Progress” means “In Progress” (2)")],
    ),
    "two stages that look the same, neither spelled so": (
        stages(NEW, Stage("8", "In  Progress"), PENDING, Stage("9", "In\u00a0progress"), CLOSED),
        "",
        [(ERROR, "ticket.in_progress", "several stages of “Deliverables” are called “In Progress”")],
    ),
    "one stage for both": (
        nothing,
        "ticket: {in_progress: pending\u00a0approval}",
        [(ERROR, "ticket.pending_approval", "is the stage of `in_progress` too")],
    ),
    "a stage that looks the same": (stages(NEW, Stage("2", "In\u00a0 progress\u200b"), PENDING, CLOSED), "", []),
    "values that look the same": (
        redefine(
            PORTFOLIO,
            "creative_refresh_status",
            options=tuple((value.upper().replace(" ", "\u00a0"), label) for value, label in Names().statuses),
        ),
        "",
        [],
    ),
    "two options that look the same": (
        redefine(
            PORTFOLIO,
            "creative_refresh_status",
            options=(*Names().statuses, ("no refresh requested", "No Refresh Requested (old)")),
        ),
        "",
        [
            (
                WARNING,
                "portfolio.statuses.no_refresh_requested",
                "`No Refresh Requested` is meant, and is what is written",
            )
        ],
    ),
    "two values of the mapping that look the same": (
        redefine(
            PORTFOLIO,
            "creative_refresh_status",
            options=(*Names().statuses[:-1], ("no refresh requested", "Creatives Implemented")),
        ),
        "portfolio: {statuses: {creatives_implemented: no refresh requested}}",
        [
            (WARNING, "portfolio.statuses.no_refresh_requested", "has options that look the same"),
            (WARNING, "portfolio.statuses.creatives_implemented", "has options that look the same"),
            (WARNING, "portfolio.statuses.no_refresh_requested", "look the same: a record has the one whose value"),
        ],
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
    report = checked(world)
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
    keys = [key for _, key, _ in short(checked(world).misfits)]
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
    found = {one.where: (one.packaged, one.remedy) for one in checked(world).misfits}
    assert found[f"{own}:4 portfolio.properties.status"] == (False, "write creative_refresh_status?")
    (cadence,) = (where for where in found if where.endswith("properties.cadence"))
    line = int(cadence.removeprefix(f"{packaged}:").split()[0])
    default = Path(__file__).parents[3] / "mappings" / packaged
    assert default.read_text(encoding="utf-8").splitlines()[line - 1].strip() == "cadence: creative_refresh_cadence"
    assert found[cadence][0]


def test_a_label_is_told_from_an_internal_name_and_value(make_world: MakeWorld) -> None:
    world = make_world(
        mapping="ticket: {revisions: {copy: Only the copy}}\nportfolio: {properties: {cadence: Cadence}}\n"
    )
    redefine(TICKET, "needs_revisions", options=(("c1", "Only the copy"), *Names().revisions[1:]))(world)
    redefine(PORTFOLIO, "creative_refresh_cadence", label="Cadence")(world)
    remedies = [misfit.remedy for misfit in checked(world).misfits]
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
    assert [one.where.rpartition(" ")[2] for one in checked(world).misfits] == ["ticket.owners.copywriter"]


def test_a_property_of_the_object_by_its_own_name_is_no_label(world: World) -> None:
    """A property may be labelled like another's internal name: the name counts."""
    world.sandbox.portal.define_property(PORTFOLIO, Property("other", "creative_refresh_status", group="x"))
    assert checked(world).misfits == ()
