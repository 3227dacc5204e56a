"""An admin changes the mapping in mid-life: what was done stays done, and what the new one makes due comes once.

docs/process.md F.1 to F.6.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sync.admin.plan import make
from sync.admin.verify import FAULTS, Sort, verify
from sync.errors import ConfigurationError
from sync.sandbox.schema import Property, Stage
from sync.storage import mappings_in_force
from tests.conftest import MakeWorld
from tests.story.before.bring_back import bring_back
from tests.story.test_upgrade import seen
from tests.world import World

NEW_MAPPINGS = {
    "a smaller window": "rules: {window_days: 3}",
    "no window": "rules: {window_days: 0}",
    "days that begin later": "time_zone: Pacific/Honolulu",
    "other cadences": "cadence: {default: Weekly, values: {Weekly: 10 days, Monthly: 1 week}, weekend: next}",
    "other texts": "{tasks: {kickoff: {subject: 'Ask {{ portfolio.name }}'}}, emails: {kickoff: {subject: Ask}}}",
    "other due dates": "tasks: {kickoff: {due: {days: 9, time: '08:00'}}}",
    "stand-ins": "roles: {copywriter: {fallback_owner: sam.ortiz@agency.example}}",
    "declines are cleared": "rules: {clear_declined_status: true}",
    "no barrier": "rules: {barrier_minutes: 0}",
    "nothing has to settle": "rules: {settle_seconds: 0}",
    "all has to settle for long": "rules: {settle_seconds: 86400}",
    "leftovers stay": "rules: {close_leftovers: false}",
    "approvals are reset to another value": "ticket: {approval_reset: Not Started}",
    "keys in bodies": "task: {key_carrier: body}",
    "roles by other names": "roles: {copywriter: {label: Writer}}",
    "stages by id": "ticket: {pipeline: '880001', in_progress: '880012', pending_approval: '880013'}",
    "other lines": "{closing_line: '<p>Over.</p>', notes_line: '<p>{% for each in notes %}{{ each.body }}{% endfor %}</p>'}",
}
"""Each differs so from the packaged mapping that what it makes due is nothing new."""


def day_passes(world: World) -> None:
    world.work()
    world.sweep()
    world.work()
    for _ in range(4):
        world.minutes(61)


@pytest.mark.parametrize("mapping", NEW_MAPPINGS.values(), ids=NEW_MAPPINGS)
def test_what_was_done_is_not_done_again(at_every_step: World, mapping: str) -> None:
    """docs/process.md F.14 and its neighbours: what is there stays as it is."""
    world = at_every_step
    before = seen(world)
    world.minutes(5)
    world.remap(mapping)
    day_passes(world)
    assert seen(world) == before
    world.remap("{}")
    day_passes(world)
    assert seen(world) == before


@pytest.mark.parametrize("mapping", ["rules: {window_days: 3}", "time_zone: Pacific/Honolulu"])
@pytest.mark.parametrize("lost", [True, False], ids=["lost", "of 0.2"])
def test_nor_where_nobody_knows_which_mapping_was_in_force(make_world: MakeWorld, mapping: str, lost: bool) -> None:
    """docs/process.md F.3: a database from before, or none, and a new mapping at the same start."""
    world = make_world(webhooks=False)
    bring_back(world, "0.2")
    before = seen(world)
    world.remap(mapping, lose_database=lost)
    day_passes(world)
    assert seen(world) == before


# -- the window


@pytest.fixture
def kicked_off(world: World) -> Iterator[World]:
    """A client whose date was set out of the window, has come into it, and is 12 days ahead."""
    world.people.create_portfolio("Acme", world.day(17))
    world.work()
    world.next_day(5)
    assert world.kinds() == ["kickoff"]
    yield world
    assert world.receivers() == ["account_manager"] * len(world.tasks())


def test_a_smaller_window_makes_no_second_kickoff(kicked_off: World) -> None:
    kicked_off.remap("rules: {window_days: 10}")
    kicked_off.next_day(11)
    assert kicked_off.kinds() == ["kickoff"]


def test_a_smaller_window_and_a_lost_database_make_no_second_kickoff(kicked_off: World) -> None:
    kicked_off.people.flush_search()
    kicked_off.remap("rules: {window_days: 10}", lose_database=True)
    kicked_off.next_day(11)
    assert kicked_off.kinds() == ["kickoff"]


def test_a_smaller_window_is_the_one_that_a_date_is_moved_out_of(kicked_off: World) -> None:
    (acme,) = kicked_off.people.portfolios()
    kicked_off.remap("rules: {window_days: 10}")
    kicked_off.minutes(1)
    kicked_off.people.set_refresh_date(acme.id, kicked_off.day(13))
    kicked_off.next_day(1)
    assert kicked_off.kinds() == ["kickoff"]
    kicked_off.next_day(4)
    assert kicked_off.kinds() == ["kickoff", "kickoff"]


def test_a_wider_window_makes_what_is_due_under_it_once(world: World) -> None:
    world.people.create_portfolio("Near", world.day(10))
    world.people.create_portfolio("Far", world.day(25))
    world.people.create_portfolio("Very far", world.day(45))
    world.work()
    assert world.kinds() == ["kickoff"]
    world.remap("rules: {window_days: 30}")
    world.next_day(1)
    assert Counter(task.subject for task in world.tasks()) == Counter(
        ["Contact Client About Creative Refresh: Near", "Contact Client About Creative Refresh: Far"]
    )
    world.remap("{}")
    world.next_day(12)
    assert world.kinds() == ["kickoff"] * 2 + ["create_tickets"]


def test_verify_accuses_no_kickoff_of_a_mapping_that_nobody_knows(kicked_off: World) -> None:
    """Its date was out of the old window, which was lost with the database, and would not be out of the new one."""
    kicked_off.people.flush_search()
    kicked_off.remap("rules: {window_days: 30}", lose_database=True)
    kicked_off.next_day(1)
    report = verify(kicked_off.service.reading)
    assert [found.cause for found in report.of(*FAULTS)] == []
    assert kicked_off.kinds() == ["kickoff"]


# -- tried before it counts


def test_a_plan_on_another_mapping_shows_what_it_would_change(world: World) -> None:
    """`MAPPING=new.yaml handoffs plan` beside the running service, which goes on by its own."""
    world.people.create_portfolio("Near", world.day(10))
    world.people.create_portfolio("Far", world.day(25))
    world.work()
    world.people.flush_search()
    running, settings = world.service, world.settings
    path = world.directory / "new.yaml"
    for window, expected in ((30, ["Far"]), (5, [])):
        path.write_text(f"rules: {{window_days: {window}}}", encoding="utf-8")
        world.settings = settings.model_copy(update={"mapping": path})
        world.service = world._start()
        assert [step.name for step in make(world.service.reading).due if "task" in step.key] == expected
        world.service.close()
    world.service, world.settings = running, settings
    (far,) = [one for one in world.people.portfolios() if one["name"] == "Far"]
    world.minutes(1)
    world.people.set_refresh_date(far.id, world.day(20))
    world.next_day(6)
    assert world.kinds() == ["kickoff", "kickoff"]
    with world.service.store.read() as connection:
        assert [one.window_days for one in mappings_in_force.history(connection).mappings] == [15]


# -- the settle time


@pytest.mark.parametrize(("before", "after"), [(120, 0), (0, 3600), (600, 10)])
def test_another_settle_time_judges_nothing_anew(world: World, before: int, after: int) -> None:
    """A decline of five minutes that counted has counted, and one that was a slip stays one."""
    world.remap(f"rules: {{settle_seconds: {before}}}")
    portfolio = world.people.create_portfolio("Acme", world.day(40))
    world.work()
    for seconds in (300, 15):
        world.people.set_status(portfolio, "No Refresh Requested")
        world.clock.advance(timedelta(seconds=seconds))
        world.people.set_status(portfolio, "Refresh Request Submitted")
        world.minutes(30)
    was = world.date(portfolio)
    world.minutes(5)
    world.remap(f"rules: {{settle_seconds: {after}}}")
    day_passes(world)
    assert world.date(portfolio) == was


# -- the time zone


def test_a_date_that_has_come_in_one_zone_comes_once_in_all(world: World) -> None:
    world.people.create_portfolio("Acme", world.day(1), status="Refresh Request Submitted")
    world.work()
    assert world.kinds() == []
    world.remap("time_zone: Pacific/Auckland")  # where it is tomorrow
    world.sweep()
    assert world.kinds() == ["create_tickets"]
    world.remap("time_zone: Pacific/Honolulu")
    world.next_day(3)
    assert world.kinds() == ["create_tickets"]


@pytest.mark.parametrize("go_live", ["2026-10-01", "2026-10-01T08:00"])
def test_going_live_stays_what_it_was_in_the_zone_of_its_day(make_world: MakeWorld, go_live: str) -> None:
    """docs/process.md G.1: GO_LIVE names a day of the time zone in which it was first read."""
    world = make_world(go_live=go_live)
    world.work()
    before = world.service.reading.go_live
    world.remap("time_zone: Pacific/Auckland")
    assert world.service.reading.go_live == before
    world.settings = world.settings.model_copy(update={"go_live": "2026-10-02"})
    with pytest.raises(ConfigurationError, match="GO_LIVE"):
        world.restart()


# -- names


def add_options(world: World, kind: str, name: str, values: Iterable[str]) -> None:
    known = world.sandbox.portal.type(kind).properties
    known[name] = replace(known[name], options=(*known[name].options, *((value, value) for value in values)))


def bulk_edit(world: World, kind: str, name: str, new: Mapping[str, str]) -> None:
    """An admin moves every record that has an old value to the new one."""
    for record in world.people.list(kind):
        if record[name] in new:
            world.people.set(kind, record.id, {name: new[record[name]]})


def unnamed(found: dict[str, Any], *names: str) -> dict[str, Any]:
    """What is seen but for these properties."""
    records = {i: {k: v for k, v in one.items() if k not in names} for i, one in found["records"].items()}
    return {**found, "records": records}


STATUS, REVISIONS, STAGE = "creative_refresh_status", "needs_revisions", "hs_pipeline_stage"
PORTFOLIO = "creative_portfolios"


@pytest.mark.parametrize("mapping_first", [True, False], ids=["the mapping, then the records", "the records first"])
def test_statuses_that_were_replaced_by_others_are_the_same_ones(at_every_step: World, mapping_first: bool) -> None:
    """docs/process.md F.5: nothing is made again, and each cycle goes on under the new names."""
    world = at_every_step
    before = unnamed(seen(world), STATUS)
    statuses = dict(world.service.mapping.portfolio.statuses)
    new = {old: f"{old} (new)" for old in statuses.values()}
    add_options(world, PORTFOLIO, STATUS, new.values())
    world.minutes(5)
    mapping = json.dumps({"portfolio": {"statuses": {key.value: new[old] for key, old in statuses.items()}}})
    if mapping_first:
        world.remap(mapping)
        day_passes(world)
        bulk_edit(world, "portfolio", STATUS, new)
    else:
        bulk_edit(world, "portfolio", STATUS, new)
        world.remap(mapping)
    day_passes(world)
    assert unnamed(seen(world), STATUS) == before
    approved = [one.id for one in world.people.portfolios() if one[STATUS] == "Creatives Completed & Approved (new)"]
    assert approved
    for portfolio in approved:
        world.people.set("portfolio", portfolio, {STATUS: "Creatives Implemented (new)"})
    day_passes(world)
    assert [world.status(portfolio) for portfolio in approved] == [""] * len(approved)
    was = {one: before["records"]["portfolio", one]["creative_refresh_date"] for one in approved}
    assert all(world.date(one) != was[one] for one in approved)


def test_revisions_that_were_replaced_by_others_are_no_new_rounds(at_every_step: World) -> None:
    """docs/process.md F.5."""
    world = at_every_step
    before = unnamed(seen(world), REVISIONS)
    revisions = dict(world.service.mapping.ticket.revisions)
    new = {old: f"{old} (new)" for old in revisions.values()}
    add_options(world, "ticket", REVISIONS, new.values())
    world.minutes(5)
    world.remap(json.dumps({"ticket": {"revisions": {key.value: new[old] for key, old in revisions.items()}}}))
    day_passes(world)
    bulk_edit(world, "ticket", REVISIONS, new)
    day_passes(world)
    assert unnamed(seen(world), REVISIONS) == before
    assert any(one[REVISIONS].endswith("(new)") for one in world.people.list("ticket"))


@pytest.mark.parametrize("mapping_first", [True, False], ids=["the mapping, then the records", "the records first"])
def test_a_stage_that_was_replaced_announces_nothing_again(at_every_step: World, mapping_first: bool) -> None:
    """docs/process.md F.5."""
    world = at_every_step
    before = unnamed(seen(world), STAGE)
    portal, names = world.sandbox.portal, world.people.process.names
    pipeline = portal.pipelines["0-5"][names.pipeline[0]]
    portal.define_pipeline("0-5", replace(pipeline, stages=(*pipeline.stages, Stage("review", "In Client Review"))))
    old = world.service.portals.get().pending_approval
    world.minutes(61)
    if mapping_first:
        world.remap("ticket: {pending_approval: In Client Review}")
        day_passes(world)
        bulk_edit(world, "ticket", STAGE, {old: "review"})
    else:
        bulk_edit(world, "ticket", STAGE, {old: "review"})
        world.remap("ticket: {pending_approval: In Client Review}")
    day_passes(world)
    assert unnamed(seen(world), STAGE) == before


@pytest.mark.parametrize("mapping_first", [True, False], ids=["the mapping, then the records", "the records first"])
def test_what_was_replaced_and_put_back_is_the_same_all_the_time(at_every_step: World, mapping_first: bool) -> None:
    """docs/process.md F.5: every value at once, then back again, days apart, with a look at each step."""
    world = at_every_step
    portal, names = world.sandbox.portal, world.people.process.names
    known, stage = world.service.mapping, world.service.portals.get().pending_approval
    values = {
        ("portfolio", STATUS): list(known.portfolio.statuses.values()),
        ("ticket", REVISIONS): list(known.ticket.revisions.values()),
        ("ticket", "copy_approval"): [known.ticket.approved],
        ("ticket", "graphic_approval"): [known.ticket.approved],
        ("ticket", STAGE): [stage],
    }
    before = unnamed(seen(world), *(name for _, name in values))
    for (kind, name), old in values.items():
        if name != STAGE:
            add_options(world, PORTFOLIO if kind == "portfolio" else kind, name, (f"{one} (new)" for one in old))
    pipeline = portal.pipelines["0-5"][names.pipeline[0]]
    new_stage = Stage(f"{stage} (new)", "In Client Review")
    portal.define_pipeline("0-5", replace(pipeline, stages=(*pipeline.stages, new_stage)))
    replaced = json.dumps(
        {
            "portfolio": {"statuses": {key.value: f"{old} (new)" for key, old in known.portfolio.statuses.items()}},
            "ticket": {
                "revisions": {key.value: f"{old} (new)" for key, old in known.ticket.revisions.items()},
                "approved": f"{known.ticket.approved} (new)",
                "pending_approval": new_stage.id,
            },
        }
    )
    for mapping, back in ((replaced, False), ("{}", True)):
        day_passes(world)
        for remap in (True, False) if mapping_first else (False, True):
            if remap:
                world.remap(mapping)
            else:
                _move_all(world, values, back=back)
            day_passes(world)
        assert unnamed(seen(world), *(name for _, name in values)) == before
    assert not any(one[name].endswith("(new)") for kind, name in values for one in world.people.list(kind))


def _move_all(world: World, values: Mapping[tuple[str, str], Iterable[str]], *, back: bool) -> None:
    for (kind, name), old in values.items():
        new = {one: f"{one} (new)" for one in old}
        bulk_edit(world, kind, name, {there: one for one, there in new.items()} if back else new)


PIPELINE = "hs_pipeline"


@pytest.mark.parametrize("mapping_first", [True, False], ids=["the mapping, then the records", "the records first"])
def test_tickets_that_go_on_in_another_pipeline_are_no_new_ones(at_every_step: World, mapping_first: bool) -> None:
    """docs/process.md F.5: a new pipeline has stages of its own, of the same names; a day passes in between."""
    world = at_every_step
    before = unnamed(seen(world), STAGE, PIPELINE)
    portal, names = world.sandbox.portal, world.people.process.names
    old = portal.pipelines["0-5"][names.pipeline[0]]
    stages = tuple(replace(one, id=f"n{one.id}") for one in old.stages)
    portal.define_pipeline("0-5", replace(old, id="next", label="Deliverables of next year", stages=stages))
    world.minutes(61)
    for remap in (True, False) if mapping_first else (False, True):
        if remap:
            world.remap("ticket: {pipeline: Deliverables of next year}")
        else:
            for one in world.people.list("ticket"):
                if one[PIPELINE] == old.id:
                    world.people.set("ticket", one.id, {PIPELINE: "next", STAGE: f"n{one[STAGE]}"})
        day_passes(world)
    assert unnamed(seen(world), STAGE, PIPELINE) == before


def test_a_stage_of_the_same_label_takes_the_place_of_another(at_every_step: World) -> None:
    """docs/process.md F.5: the mapping names it by its label, and nobody starts the service anew."""
    world = at_every_step
    before = unnamed(seen(world), STAGE)
    portal, names = world.sandbox.portal, world.people.process.names
    pipeline = portal.pipelines["0-5"][names.pipeline[0]]
    old = world.service.portals.get().pending_approval
    label = next(one.label for one in pipeline.stages if one.id == old)
    stages = [replace(one, label="Pending Approval (old)") if one.id == old else one for one in pipeline.stages]
    portal.define_pipeline("0-5", replace(pipeline, stages=(*stages, Stage("review", label))))
    bulk_edit(world, "ticket", STAGE, {old: "review"})
    day_passes(world)
    day_passes(world)
    assert unnamed(seen(world), STAGE) == before
    assert world.service.portals.get().pending_approval == "review"


def test_a_status_in_another_property_is_filled_in_first(at_every_step: World) -> None:
    """docs/process.md F.6."""
    world = at_every_step
    before = seen(world)
    portal = world.sandbox.portal
    type_id = portal.type(PORTFOLIO).id
    portal.define_property(type_id, replace(portal.types[type_id].properties[STATUS], name="refresh_state"))
    for one in world.people.portfolios():
        if one[STATUS]:
            world.people.set("portfolio", one.id, {"refresh_state": one[STATUS]})
    world.minutes(5)
    world.remap("portfolio: {properties: {status: refresh_state}}")
    day_passes(world)
    assert unnamed(seen(world), "refresh_state") == before


# -- the condition


@pytest.fixture
def gold(make_world: MakeWorld) -> World:
    """A portal of which only the gold clients are looked after."""
    world = make_world(mapping=GOLD)
    world.sandbox.portal.define_property(world.people.process.names.object_type_id, Property("tier", "Tier"))
    return world


GOLD = "portfolio: {condition: [{property: tier, in: [Gold]}]}"
GOLD_AND_SILVER = "portfolio: {condition: [{property: tier, in: [Gold, Silver]}]}"


def lived_through(world: World, tier: str) -> str:
    """A client who declined, thought better of it, and asked for revisions that were taken back."""
    people = world.people
    portfolio = people.create_portfolio(f"{tier} client", world.day(40), tier=tier)
    ticket = people.create_ticket("Ad", "Winter", portfolio)
    world.minutes(5)
    for status in ("No Refresh Requested", "Deliverables Submitted", "Creatives Completed & Approved"):
        people.set_status(portfolio, status)
        world.clock.advance(timedelta(minutes=3))
    for value in ("Copy Revisions Only", ""):
        people.request_revisions(ticket, value, note="Warmer, please")
        world.clock.advance(timedelta(minutes=3))
    people.set_status(portfolio, "Deliverables Submitted")
    return portfolio


@pytest.mark.parametrize("wider", [GOLD_AND_SILVER, "{}"], ids=["one more value", "no condition"])
def test_what_came_and_went_outside_the_old_condition_does_not_count(gold: World, wider: str) -> None:
    """docs/process.md F.4: who comes in by a wider condition is judged as they then stand."""
    portfolio = lived_through(gold, "Silver")
    gold.work()
    assert gold.tasks() == []
    gold.minutes(5)
    gold.remap(wider)
    gold.next_day()
    assert gold.kinds() == ["write_copy", "design_graphics"]  # for the ticket that is there
    assert gold.date(portfolio) == "2026-12-12"
    assert gold.receivers() == []


def test_once_the_database_is_lost_nobody_knows_what_the_condition_left_out(gold: World) -> None:
    """What was made after a decline that had passed outside is not called unexplained (docs/process.md F.2)."""
    lived_through(gold, "Silver")
    gold.work()
    gold.remap(GOLD_AND_SILVER)
    gold.next_day()
    assert gold.kinds() == ["write_copy", "design_graphics"]
    gold.minutes(60)
    gold.restart(lose_database=True)
    gold.next_day()
    report = verify(gold.service.reading, None)
    assert report.of(*FAULTS) == []
    assert [finding.cause for finding in report.of(Sort.NOT_JUDGED) if "condition" in finding.cause]


@pytest.mark.parametrize("wider", [GOLD_AND_SILVER, "{}"], ids=["one more value", "no condition"])
def test_who_was_inside_all_the_time_is_judged_by_the_whole_history(gold: World, wider: str) -> None:
    """docs/process.md F.4: a decline that nobody had looked at yet is carried out, whatever the condition became."""
    gold.work()
    portfolio = gold.people.create_portfolio("Gold client", gold.day(40), tier="Gold")
    gold.work()
    gold.people.set_status(portfolio, "No Refresh Requested")
    gold.clock.advance(timedelta(minutes=3))
    gold.people.set_status(portfolio, "Refresh Request Submitted")
    gold.remap(wider)
    gold.next_day()
    assert gold.date(portfolio) == "2027-01-12"


def test_out_of_the_condition_and_in_again_makes_nothing_again(gold: World) -> None:
    portfolio = gold.people.create_portfolio("Silver client", gold.day(10), tier="Silver")
    gold.remap(GOLD_AND_SILVER)
    gold.sweep()
    assert gold.kinds() == ["kickoff"]
    gold.minutes(5)
    gold.remap(GOLD)
    gold.next_day()
    gold.people.set_status(portfolio, "No Refresh Requested")
    gold.minutes(3)
    gold.people.set_status(portfolio, "")
    gold.minutes(5)
    gold.remap(GOLD_AND_SILVER)
    gold.next_day()
    assert gold.kinds() == ["kickoff"]
    assert gold.date(portfolio) == "2026-11-12"


def test_the_value_that_approves_was_replaced(world: World) -> None:
    """docs/process.md F.5: what was delivered before stays delivered, and the next wish is a new round."""
    people = world.people
    portfolio = people.create_portfolio("Acme", world.day(0), status="Deliverables Submitted")
    ticket = people.create_ticket("Ad", "Winter", portfolio)
    people.move_ticket(ticket, "Pending Approval")
    world.work()
    people.request_revisions(ticket, "Copy Revisions Only", note="Warmer, please")
    world.minutes(10)
    people.set("ticket", ticket, {"copy_approval": "Approved"})
    world.minutes(10)
    known = world.sandbox.portal.type("ticket").properties
    for name in ("copy_approval", "graphic_approval"):
        known[name] = replace(known[name], options=(*known[name].options, ("OK", "OK")))
    world.remap("ticket: {approved: OK}")
    world.minutes(10)
    people.set("ticket", ticket, {"copy_approval": "OK"})
    world.minutes(10)
    assert world.kinds(("ticket", ticket)).count("revise_copy") == 1
    people.request_revisions(ticket, "Copy Revisions Only", force=True, note="Warmer, please")
    for _ in range(3):
        world.minutes(10)
    assert world.kinds(("ticket", ticket)).count("revise_copy") == 2
    assert people.ticket(ticket)["copy_approval"] == ""
