"""`plan` tells what is then done, and changes nothing; `apply` does what the plan says, and nothing else."""

import json
import random
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from sync.admin import bulk
from sync.admin.plan import Plan, make, only, read_file, stale, write_file
from sync.clock import from_ms, local_date
from sync.crm import Kind, RecordRef
from sync.passes.reconcile import GROUP
from sync.rules.dry_run import LATER, Prospect
from sync.rules.keys import slot_of
from sync.sandbox.faults import Fault
from sync.sandbox.process import Names
from sync.sandbox.situations import populate
from sync.service.bootstrap import Service
from sync.storage import work_queue
from sync.storage.tables import effects, occurrences, runs
from sync.storage.tables import work_items as dirty_rows
from tests.conftest import MakeWorld
from tests.terminal import Terminal, dump
from tests.world import World

DAYS = 20
Done = tuple[date, str, str, str]
"""Day, portfolio, handoff and slot of an effect; and what it says, as far as a person sees it."""


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """A portal that has a cadence more than the mapping knows."""
    return make_world(names=Names(cadences=(*Names().cadences, ("Whenever", "Whenever"))))


@pytest.fixture
def terminal(world: World, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(world, monkeypatch)


def plan(world: World, days: int | None = None) -> Plan:
    world.people.flush_search()
    return make(world.service.reading, until=None if days is None else world.day(days))


def planned(found: Plan) -> list[Done]:
    return sorted((step.day, str(step.portfolio), step.handoff.value, _slot(step.key)) for step in found.due)


def done(world: World, before: frozenset[str] = frozenset()) -> list[Done]:
    """Every effect that was carried out, those of before left out."""
    zone = world.service.mapping.zone
    with world.service.store.read() as connection:
        rows = connection.execute(
            select(effects.c.key, effects.c.state_at, occurrences.c.portfolio, occurrences.c.handoff)
            .join(occurrences, effects.c.occurrence == occurrences.c.key)
            .where(effects.c.state == "done", effects.c.key.not_in(before))
        ).all()
    return sorted(
        (local_date(from_ms(row.state_at), zone), str(row.portfolio), row.handoff, _slot(row.key)) for row in rows
    )


def keys(world: World) -> frozenset[str]:
    with world.service.store.read() as connection:
        rows = connection.execute(select(effects.c.key).where(effects.c.state == "done"))
        return frozenset(row.key for row in rows)


def _slot(key: str) -> str:
    return str(slot_of(key))


def busy(world: World) -> None:
    """A portal of every situation, some days after going live, with much under way and the service behind."""
    populate(world.sandbox.portal, world.sandbox.process, 33, random.Random(7))
    people = world.people
    world.sweep()
    world.minutes(5)
    ready, declined, weekly, ticked, stopped = (
        people.create_portfolio(name, world.day(ahead), cadence=cadence, link=f"https://lab.example/{name}")
        for name, ahead, cadence in [
            ("Ready", 5, ""),
            ("Declined", 9, "Every 2 weeks"),
            ("Weekly", 1, "Weekly"),
            ("Ticked", 2, "Every 3 weeks"),
            ("Stopped", 4, "Whenever"),
        ]
    )
    young = people.create_portfolio("Young", world.day(30), account_manager="")
    tickets = [people.create_ticket(f"Ad {n}", "Autumn", ready) for n in (1, 2)]
    world.minutes(20)
    people.set_status(ticked, "Creatives Completed & Approved")
    people.set_status(stopped, "Creatives Completed & Approved")
    world.minutes(5)
    task = next(one for one in world.tasks(("portfolio", ticked)) if "implement" in one.key)
    people.complete_task(task.id)
    people.set_status(declined, "No Refresh Requested")
    people.set_status(weekly, "No Refresh Requested")
    people.set_status(stopped, "Creatives Implemented")
    for ticket in tickets:
        people.move_ticket(ticket, "Pending Approval")
    people.request_revisions(tickets[0], "Copy Revisions Only", note="Warmer, please")
    people.create_ticket("New", "Winter", young)
    forget(world)


def forget(world: World) -> None:
    """Whatever was delivered is not looked at, and what people did has stood for long enough to count."""
    world.clock.advance(timedelta(minutes=3))
    world.people.flush_search()
    world.receive()
    with world.service.store.write() as connection:
        connection.execute(dirty_rows.delete())


def mark_all(world: World, found: Plan) -> None:
    with world.service.store.write() as connection:
        work_queue.enqueue(connection, found.dry_runs, world.clock.now(), "sweep")


def test_what_is_planned_for_now_is_what_a_pass_does(world: World) -> None:
    busy(world)
    found = plan(world)
    before = keys(world)
    mark_all(world, found)
    world.work()
    assert planned(found) == done(world, before)
    assert len(found.due) > 15
    assert {step.kind for step in found.due} == {"write", "task", "close", "email"}


def test_a_plan_of_twenty_days_is_what_they_bring(world: World) -> None:
    busy(world)
    mark_all(world, plan(world))
    world.work()
    found = plan(world, DAYS)
    before = keys(world)
    world.next_day(DAYS)
    assert planned(found) == done(world, before)
    assert len({day for day, *_ in planned(found)}) > 5
    assert len(found.due) > 20


def test_the_subjects_are_those_of_the_tasks_and_emails(world: World) -> None:
    busy(world)
    found = plan(world)
    tasks = {task.id for task in world.tasks()}
    emails = len(world.emails())
    mark_all(world, found)
    world.work()
    told = [step.summary.split("“")[1].split("”")[0] for step in found.due if step.kind in {"task", "email"}]
    made = [task.subject for task in world.tasks() if task.id not in tasks]
    assert sorted(told) == sorted(made + [subject for _, subject in world.emails()[emails:]])


@pytest.mark.parametrize("days", [None, 30])
def test_it_changes_nothing(world: World, terminal: Terminal, days: int | None) -> None:
    busy(world)
    before = dump(world)
    result = terminal.run("plan", "--all", *(["--at", world.day(days).isoformat()] if days else []))
    assert result.exit_code == 0, result.output
    assert dump(world) == before


# -- what it costs


def test_the_calls_are_those_that_a_run_makes(world: World) -> None:
    busy(world)
    world.minutes(15)  # the ledger is no longer young
    mark_all(world, plan(world))
    busy_again(world)
    found = plan(world)
    assert found.calls > 20
    mark = world.sandbox.log.mark()
    carry_out(world.service, found)
    calls = [call.endpoint for call in world.sandbox.log.since(mark)]
    assert len(calls) == found.calls, calls


def test_the_calls_of_a_whole_cycle_are_those_that_it_takes(make_world: MakeWorld) -> None:
    """Each handoff by itself, within a tenth: tickets, Ad Sets, revisions, approval, the end and its leftovers."""
    world = make_world(webhooks=False, email_url="console:")
    told: dict[str, tuple[int, int]] = {}
    for step in _cycle(world, [world.people.create_portfolio(f"Client {n}", world.day(10)) for n in range(3)]):
        world.clock.advance(timedelta(minutes=15))
        found = plan(world)
        mark = world.sandbox.log.mark()
        carry_out(world.service, found)
        told[step] = (found.calls, len(world.sandbox.log.since(mark)))
        world.work()
        world.work()
    assert len(told) == 6
    assert all(used and abs(foreseen - used) <= used / 10 for foreseen, used in told.values()), told


def _cycle(world: World, portfolios: Sequence[str]) -> Iterator[str]:
    """People play a cycle; after each step there is something due."""
    people = world.people
    world.work()
    world.next_day()
    tickets = [people.create_ticket(f"Ad {n}", "Winter", portfolio) for portfolio in portfolios for n in range(4)]
    yield "tickets made"
    for portfolio in portfolios:
        people.set_status(portfolio, "Deliverables Submitted")
    for ticket in tickets:
        people.move_ticket(ticket, "Pending Approval")
    yield "ready"
    for ticket in tickets[::4]:
        people.request_revisions(ticket, "Copy Revisions Only", note="Warmer, please")
    yield "revisions asked for"
    for ticket in tickets[::4]:
        people.set("ticket", ticket, {"copy_approval": "Approved"})
        people.move_ticket(ticket, "Pending Approval")
    yield "revisions delivered"
    for portfolio in portfolios:
        people.set_status(portfolio, "Creatives Completed & Approved")
    yield "approved"
    for task in world.tasks():
        if task.open and "Implement" in task.subject:
            people.complete_task(task.id)
    yield "implemented"


def test_the_calls_of_a_sweep_are_those_of_its_wide_passes(make_world: MakeWorld) -> None:
    """Each pass takes up to 500 portfolios, where no email costs a call: what the searches and the start cost is not in it."""
    world = make_world(webhooks=False, mapping="rules: {effects_per_hour: 100000}\n", email_url="console:")
    world.next_day()
    for number in range(3 * GROUP):
        world.people.create_portfolio(f"Client {number}", world.day(17))
    world.clock.advance(timedelta(minutes=3))
    world.sweep()
    world.minutes(15)
    by_passes = make(world.service.reading, until=world.day(2), by_itself=True)
    by_hand = make(world.service.reading, until=world.day(2))
    world.clock.advance(timedelta(days=2))
    mark = world.sandbox.log.mark()
    world.sweep()
    calls = [one.endpoint for one in world.sandbox.log.since(mark)]
    passes = [one for one in calls if "batch" in one]
    assert len(passes) == by_passes.calls < by_hand.calls, calls


def busy_again(world: World) -> None:
    """The ledger is drained, and a second day of work stands there, unheard of."""
    world.work()
    people = world.people
    for portfolio in people.portfolios()[:60]:
        if portfolio["creative_refresh_status"] == "" and portfolio["name"].startswith("Client"):
            people.set_refresh_date(portfolio.id, world.day(0))
            people.note("portfolio", portfolio.id, "As last time.")
    for ticket in people.list("ticket")[:20]:
        people.request_revisions(ticket.id, "Copy and Graphic Revisions", note="Warmer, please")
    people.flush_search()


def carry_out(service: Service, found: Plan) -> list[bulk.Result]:
    return list(bulk.carry_out(service, found.units, "apply", bulk.Summary(), gate=only(found, service.reading)))


# -- as text

GOLDEN = """\
Plan for Mon 2 Nov 2026: 4 records looked at

Bolt  portfolio 9990
  2a  the client declined: “No Refresh Requested” was set on Mon 2 Nov 2026
     09:15
     ~ date 2026-11-11 → 2026-12-11
     - task closed “Contact Client About Creative Refresh: Bolt”

Dune  portfolio 9991
  7  the client approved: “Creatives Completed & Approved” was set on Mon 2
     Nov 2026 09:15
     ? task “Implement New Creatives for Refresh” for Sasha Adler on Dune:
       POST /crm/objects/2026-09/0-27/batch/create: no answer (ConnectionError)

Elm  portfolio 9992
  6  ticket 9990 “Banner”: “Copy and Graphic Revisions” was asked for on Mon
     2 Nov 2026 09:15
     ~ ticket 9990: stage “Approved” → “In Progress”, copy approval “Approved”
       → empty
     ! task “Revise Copy: Banner” on ticket 9990: no Copywriter is named, and
       the mapping names no active fallback (roles.copywriter.fallback_owner)
     + task “Revise Graphics: Banner” for Grace Deluca on ticket 9990

Acme  portfolio 9993
  1  the Refresh Date Thu 5 Nov 2026 is 3 days away
     + task “Contact Client About Creative Refresh: Acme” for Amelia Marsh on
       Acme
     @ email “Creative refresh of Acme: please ask the client (Thu 5 Nov
       2026)” to Amelia Marsh

6 effects on 3 records: 2 tasks, 2 changes, 1 task closed, 1 email. 1 blocked. 1
without an answer. About 20 calls to the CRM.
"""

GOLDEN_AHEAD = """\
Plan for Mon 2 Nov 2026 to Thu 5 Nov 2026, if nobody acts: 1 record looked at

Acme  portfolio 9993
  Mon 2 Nov 2026  1  the Refresh Date Thu 5 Nov 2026 is 3 days away
     + task “Contact Client About Creative Refresh: Acme” for Amelia Marsh on
       Acme
     @ email “Creative refresh of Acme: please ask the client (Thu 5 Nov
       2026)” to Amelia Marsh
  Thu 5 Nov 2026  3  the Refresh Date Thu 5 Nov 2026 is today
     + task “Create Deliverable Tickets for Refresh: Acme” for Sasha Adler on
       Acme
     @ email “Creative refresh of Acme: time to create the tickets” to Sasha
       Adler

4 effects on 1 record: 2 tasks, 2 emails. About 11 calls to the CRM.
"""


def small(world: World) -> None:
    """One portfolio for each sign, at a quarter past nine."""
    people = world.people

    def portfolio(name: str, ahead: int) -> str:
        return people.create_portfolio(name, world.day(ahead), cadence="Monthly", link=f"https://lab.example/{name}")

    bolt, dune, elm = portfolio("Bolt", 9), portfolio("Dune", 6), portfolio("Elm", 40)
    ticket = people.create_ticket("Banner", "Spring", elm, copy_approval="Approved")
    world.work()
    world.minutes(15)
    people.set_status(dune, "Creatives Completed & Approved")
    world.sandbox.faults.add(Fault("lost", "POST */batch/create", times=1))
    world.work()
    portfolio("Acme", 3)
    people.set_status(bolt, "No Refresh Requested")
    people.set("portfolio", elm, {"copywriter": ""})
    people.request_revisions(ticket, "Copy and Graphic Revisions", note="Warmer, please")
    people.move_ticket(ticket, "Approved")
    forget(world)


def test_it_reads_like_a_diff(world: World, terminal: Terminal) -> None:
    small(world)
    result = terminal.run("plan")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == GOLDEN


def test_a_day_ahead_reads_like_one_too(world: World, terminal: Terminal) -> None:
    small(world)
    result = terminal.run("plan", "Acme", "--at", "2026-11-05")
    assert result.stdout == GOLDEN_AHEAD


def test_nothing_to_do_says_so(world: World, terminal: Terminal) -> None:
    result = terminal.run("plan")
    assert (result.exit_code, result.stdout) == (0, "Plan for Mon 2 Nov 2026: 0 records looked at\n\nNothing to do.\n")


# -- kept in a file


def kept(world: World, terminal: Terminal) -> Path:
    path = world.directory / "plan.json"
    result = terminal.run("plan", "--out", str(path))
    assert result.exit_code == 0, result.output
    return path


def test_apply_does_what_was_planned_and_then_nothing_more(world: World, terminal: Terminal) -> None:
    busy(world)
    path = kept(world, terminal)
    found, before = read_file(path), keys(world)
    result = terminal.run("apply", str(path), "--yes")
    assert result.exit_code == 0, result.output
    assert planned(found) == done(world, before)
    again = terminal.run("apply", str(path), "--yes")
    assert again.exit_code == 0, again.output
    assert again.stderr == f"Done already: all {len(found.due)} effects of the plan. Nothing was done again.\n"
    assert done(world, before) == planned(found)


def test_apply_goes_on_with_what_is_left(world: World, terminal: Terminal) -> None:
    """The first run was cut off after a group; the second says what is done, and does the rest."""
    first, second = (world.people.create_portfolio(name, world.day(3)) for name in ("First", "Second"))
    forget(world)
    path = kept(world, terminal)
    part = read_file(path).narrowed([RecordRef(Kind.PORTFOLIO, first)])
    list(bulk.carry_out(world.service, part.units, "apply", bulk.Summary(), gate=only(part, world.service.reading)))
    assert world.kinds(("portfolio", second)) == []
    again = terminal.run("apply", str(path), "--yes")
    assert again.exit_code == 0, again.output
    assert "1 record: 1 done, 0 failed, 0 unknown, 0 skipped; 2 effects done" in again.stdout
    assert again.stderr == "Done already: 2 of 4 effects of the plan.\n"
    assert world.kinds(("portfolio", first)) == world.kinds(("portfolio", second)) == ["kickoff"]


def test_a_run_is_kept_with_who_and_when(world: World, terminal: Terminal) -> None:
    busy(world)
    terminal.run("apply", str(kept(world, terminal)), "--yes")
    with world.service.store.read() as connection:
        row = connection.execute(select(runs)).one()
    assert (row.command, bool(row.actor), row.finished >= row.started) == ("apply", True, True)
    assert json.loads(row.counts)["effects"]["done"] > 15


def test_what_became_stale_is_named_and_left_alone(world: World, terminal: Terminal) -> None:
    first, second = (world.people.create_portfolio(name, world.day(3)) for name in ("First", "Second"))
    forget(world)
    path = kept(world, terminal)
    world.people.set_status(first, "Refresh Request Submitted")
    result = terminal.run("apply", str(path), "--yes")
    assert result.exit_code == 3
    assert f"Stale: portfolio {first}: no longer due: task “Contact Client" in result.stderr
    assert world.kinds(("portfolio", first)) == []
    assert world.kinds(("portfolio", second)) == ["kickoff"]


def test_a_plan_is_good_for_its_day(world: World, terminal: Terminal) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(3))
    forget(world)
    path = kept(world, terminal)
    world.clock.advance(world.clock.now().replace(hour=23) - world.clock.now())
    assert not stale(read_file(path), plan(world)), "the hour does not matter"
    world.minutes(24 * 60)
    forget(world)
    assert terminal.run("apply", str(path), "--yes").exit_code == 3
    assert portfolio


def test_a_change_in_the_last_moment_is_not_overridden(world: World) -> None:
    """Between deciding anew and the pass's own read somebody acts: what the plan does not hold is not done."""
    portfolio = world.people.create_portfolio("Acme", world.day(3))
    forget(world)
    found = plan(world)

    def failpoint(step: str) -> None:
        if step == "homes":
            world.people.set_status(portfolio, "Creatives Completed & Approved")

    world.failpoint = failpoint
    results = carry_out(world.service, found)
    assert [(one.outcome, one.reason) for one in results] == [(bulk.RecordOutcome.SKIPPED, bulk.CHANGED)]
    assert world.kinds() == []
    world.failpoint = lambda _step: None
    world.work()
    assert world.kinds() == ["implement"], "it is looked at as any other change"


def test_chained_writes_are_carried_out_although_their_times_are_not_known(world: World) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(2), cadence="Every 3 weeks")
    world.work()
    world.people.set_status(portfolio, "Creatives Completed & Approved")
    world.minutes(1)
    world.people.complete_task(next(one.id for one in world.tasks() if "implement" in one.key))
    forget(world)
    found = plan(world)
    assert any(LATER in step.key for step in found.due)
    results = carry_out(world.service, found)
    assert [one.outcome for one in results] == [bulk.RecordOutcome.DONE]
    assert world.status(portfolio) == ""


def test_a_plan_survives_its_file(world: World, tmp_path: Path) -> None:
    busy(world)
    found = plan(world)
    write_file(found, tmp_path / "plan.json")
    again = read_file(tmp_path / "plan.json")
    assert again.steps == found.steps
    assert (again.calls, again.today, again.until) == (found.calls, found.today, found.until)


# -- narrowed, and as JSON


def test_named_portfolios_only(world: World, terminal: Terminal) -> None:
    first, second = (world.people.create_portfolio(name, world.day(3)) for name in ("First", "Second"))
    forget(world)
    assert {one["portfolio"] for one in terminal.json("plan")["effects"]} == {first, second}
    assert {one["portfolio"] for one in terminal.json("plan", "second")["effects"]} == {second}
    assert {one["portfolio"] for one in terminal.json("plan", first)["effects"]} == {first}


def test_the_json_is_what_the_design_says(world: World, terminal: Terminal) -> None:
    busy(world)
    found = terminal.json("plan")
    assert found["version"] == 1
    assert isinstance(found["calls"], int)
    for one in found["effects"]:
        assert {"portfolio", "handoff", "kind", "key", "summary"} <= set(one)


def test_a_ticket_without_a_portfolio_is_planned_too(world: World) -> None:
    ticket = world.people.create_ticket("Alone", "Spring", copywriter=world.people.owner("copywriter"))
    world.work()
    world.people.request_revisions(ticket, "Copy Revisions Only", note="Warmer, please")
    world.receive()
    found = plan(world)
    assert [(step.portfolio, step.record, step.kind) for step in found.due] == [
        (None, RecordRef(Kind.TICKET, ticket), "write"),
        (None, RecordRef(Kind.TICKET, ticket), "task"),
    ]


def test_a_lost_database_plans_nothing_twice(world: World) -> None:
    """Before the first pass on an empty ledger: what stands in the CRM with its key is taken for done."""
    world.people.create_portfolio("Acme", world.day(3))
    world.work()
    world.minutes(5)
    world.restart(lose_database=True)
    assert plan(world).due == ()


def test_blocked_ones_are_shown_with_the_reason(world: World) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(3), account_manager="")
    forget(world)
    found = plan(world)
    assert [(step.prospect, step.kind) for step in found.steps] == [
        (Prospect.BLOCKED, "task"),
        (Prospect.BLOCKED, "email"),
    ]
    assert found.due == ()
    assert all("no Account Manager is named" in (step.blocked or "") for step in found.steps)
    assert portfolio


def test_an_email_that_cannot_be_sent_is_shown_as_blocked(make_world: MakeWorld) -> None:
    world = make_world(email_url=None)
    world.people.create_portfolio("Acme", world.day(3))
    forget(world)
    assert [(step.kind, step.blocked) for step in plan(world).waiting] == [("email", "EMAIL_URL is not set")]


# -- wrong input


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["plan", "nobody"], 1, "there is no portfolio with the id or name “nobody”"),
        (["plan", "99999999"], 1, "there is no portfolio with the id or name “99999999”"),
        (["plan", "--at", "24.12.2026"], 2, "'24.12.2026' is no date"),
        (["plan", "--at", "2026-11-01"], 2, "2026-11-01 is past: today is 2026-11-02"),
        (["plan", "--at", "2026-11-09", "--out", "plan.json"], 2, "give --at or --out"),
        (["plan", "--out", "no/such/place.json"], 2, "cannot be written"),
        (["apply", "nothing.json"], 2, "nothing.json cannot be read"),
        (["apply", "plan.txt"], 2, "plan.txt is no plan"),
        (["apply", "ahead.json"], 3, "looks ahead to 2026-11-09"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_wrong_input_is_one_clear_line(
    world: World, terminal: Terminal, arguments: Sequence[str], code: int, message: str
) -> None:
    (world.directory / "plan.txt").write_text("{}")
    write_file(plan(world, 7), world.directory / "ahead.json")
    result = terminal.run(*arguments)
    assert (result.exit_code, result.stdout) == (code, ""), result.output
    assert message in " ".join(result.stderr.split())


@pytest.mark.parametrize("command", [["plan"], ["apply", "plan.json", "--yes"]], ids=lambda value: value[0])
@pytest.mark.parametrize(
    ("fault", "code", "message"), [(401, 4, "401"), ("unreachable", 1, "no answer")], ids=["token", "unreachable"]
)
def test_a_portal_that_does_not_answer(
    world: World, terminal: Terminal, command: list[str], fault: int | str, code: int, message: str
) -> None:
    world.people.create_portfolio("Acme", world.day(3))
    forget(world)
    write_file(plan(world), world.directory / "plan.json")
    environment = {}
    if fault == 401:
        environment["HUBSPOT_ACCESS_TOKEN"] = "pat-wrong"
    else:
        world.sandbox.faults.add(Fault("refused", "*"))
    result = terminal.run(*command, **environment)
    assert (result.exit_code, result.stdout) == (code, ""), result.output
    assert result.stderr.strip()


def test_nobody_is_asked_without_a_terminal(world: World, terminal: Terminal) -> None:
    world.people.create_portfolio("Acme", world.day(3))
    forget(world)
    result = terminal.run("apply", str(kept(world, terminal)))
    assert (result.exit_code, result.stdout) == (3, "")
    assert "add --yes" in result.stderr
