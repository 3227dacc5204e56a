"""What `explain` tells of a portfolio: who did what, what the service did because of it, and what is missing."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from sync.plain import plain
from tests.story.golden import KEPT, golden
from tests.story.handoffs.steps import begun, the, with_tickets
from tests.terminal import Terminal
from tests.world import World


@pytest.fixture
def terminal(world: World, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(world, monkeypatch)


def _name(world: World, role: str) -> str:
    owner = world.sandbox.portal.owners[world.people.owner(role)]
    return f"{owner.first_name} {owner.last_name}"


def _story(terminal: Terminal, portfolio: str) -> list[tuple[str, str, str | None]]:
    """Who, what, and of which handoff, in order."""
    told = terminal.json("explain", portfolio)
    assert [event["at"] for event in told["timeline"]] == sorted(event["at"] for event in told["timeline"])
    return [(event["who"], event["text"], event["handoff"]) for event in told["timeline"]]


def _at_work(world: World) -> tuple[str, list[str]]:
    """A portfolio in mid-cycle with a set of three tickets: one is ready, one was never begun, one is in revision."""
    people = world.people
    am, sas, writer, designer = (
        people.owner(role) for role in ("account_manager", "social_ad_specialist", "copywriter", "graphic_designer")
    )
    portfolio = people.create_portfolio("Acme Shoes", world.day(14), by=am)
    world.work()
    world.next_day()
    people.complete_task(world.tasks(("portfolio", portfolio))[0].id, by=am)
    people.set_status(portfolio, "Refresh Request Submitted", by=am)
    world.work()
    world.next_day(13)
    tickets = [people.create_ticket(f"Ad {n}", "Spring", portfolio, by=sas) for n in (1, 2, 3)]
    people.create_ticket("Story", "", portfolio, by=sas)
    world.work()
    world.minutes(90)
    for ticket in tickets[1:]:
        people.set("ticket", ticket, {"copy_approval": "Approved"}, by=writer)
        people.set("ticket", ticket, {"graphic_approval": "Approved"}, by=designer)
        people.move_ticket(ticket, "Pending Approval", by=designer)
    world.work()
    world.minutes(60)
    people.request_revisions(tickets[2], "Copy Revisions Only", by=am, note="Warmer, please")
    world.work()
    world.minutes(5)
    return portfolio, tickets


def test_the_timeline_merges_the_crm_and_the_ledger(world: World, terminal: Terminal) -> None:
    portfolio, tickets = _at_work(world)
    am, sas = _name(world, "account_manager"), _name(world, "social_ad_specialist")
    writer, designer = _name(world, "copywriter"), _name(world, "graphic_designer")
    task = world.tasks(("portfolio", portfolio))[0]
    both = "2 tickets (“Ad 2”, “Ad 3”)"
    story = _story(terminal, portfolio)
    assert {event for event in story if event[0] != "the service"} == {
        (am, "set the Refresh Date to Mon 16 Nov 2026", None),
        (am, f"completed task {task.id} “{task.subject}”", None),
        (am, "set the status to “Refresh Request Submitted”", None),
        (sas, "created 4 tickets (“Ad 1”, “Ad 2”, “Ad 3”, “Story”)", None),
        (writer, f"set the copy approval of {both} to “Approved”", None),
        (designer, f"set the graphic approval of {both} to “Approved”", None),
        (designer, f"moved {both} to “Pending Approval”", None),
        (am, f"asked for “Copy Revisions Only” on ticket {tickets[2]} “Ad 3”", None),
    }
    assert [(text, handoff) for who, text, handoff in story if who == "the service"] == [
        ("task kickoff → Account Manager, email kickoff → Account Manager", "1"),
        ("noted", "2b"),
        ("task create tickets → Social Ad Specialist, email date arrived → Social Ad Specialist", "3"),
        (
            "task write copy → Copywriter, task design graphics → Graphic Designer for "
            "4 tickets (“Ad 1”, “Ad 2”, “Ad 3”, “Story”)",
            "4",
        ),
        (
            "copy approval emptied, stage set to “In Progress”, task revise copy → Copywriter for "
            f"ticket {tickets[2]} “Ad 3”",
            "6",
        ),
    ]


def test_a_write_of_the_service_is_told_once(world: World, terminal: Terminal) -> None:
    """It stands in the CRM's history and in the ledger."""
    portfolio = world.people.create_portfolio("Acme", world.day(5))
    world.work()
    world.minutes(1)
    world.people.set_status(portfolio, "Creatives Implemented")
    world.work()
    story = _story(terminal, portfolio)
    [reset] = [event for event in story if "emptied" in event[1] or "Refresh Date set" in event[1]]
    assert reset[0] == "the service"
    assert reset[2] == "8"


def test_a_cycle_is_not_forgotten_the_moment_it_ends(world: World, terminal: Terminal) -> None:
    """For a week, though a short cadence has begun the next one; or for as long as the next one has not begun."""
    for cadence in ("Weekly", "Quarterly"):
        portfolio = world.people.create_portfolio(f"Acme {cadence}", world.day(5), cadence=cadence)
        world.work()
        assert terminal.json("explain", portfolio)["timeline_before"] == []
        world.minutes(1)
        world.people.set_status(portfolio, "Creatives Implemented")
        world.work()
        told = terminal.json("explain", portfolio)
        before = [event["text"] for event in told["timeline_before"]]
        assert "task kickoff → Account Manager, email kickoff → Account Manager" in before
        assert any("Refresh Date set to" in event["text"] for event in told["timeline"])
        shown = terminal.run("explain", portfolio).stdout
        assert "The cycle that has just ended" in shown
        assert re.search(r"closing of task \d+: done", shown)
        world.next_day(8)
        kept = terminal.json("explain", portfolio)["timeline_before"]
        assert bool(kept) is (cadence == "Quarterly")


def test_a_slip_is_told_as_one(world: World, terminal: Terminal) -> None:
    """docs/process.md 2a.12, 2a.13."""
    portfolio = world.people.create_portfolio("Acme", world.day(5))
    world.work()
    world.minutes(1)
    world.people.set_status(portfolio, "No Refresh Requested")
    world.work(settle=False)
    decline = next(one for one in terminal.json("explain", portfolio)["handoffs"] if one["handoff"] == "2a")
    assert (decline["state"], decline["when"][:19]) == ("waiting", "2026-11-02T14:03:01")
    assert "waiting" in terminal.run("explain", portfolio).stdout
    world.clock.advance(timedelta(seconds=20))
    world.people.set_status(portfolio, "")
    world.work()
    story = _story(terminal, portfolio)
    assert ("the service", "took it for a slip: it ended nothing", "2a") in story
    assert world.kinds() == ["kickoff"]


def test_a_lost_ledger_leaves_what_the_crm_tells(world: World, terminal: Terminal) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(5))
    world.work()
    world.minutes(1)
    world.people.set_status(portfolio, "Creatives Implemented")
    world.work()
    world.restart(lose_database=True)
    told = [(who, text) for who, text, handoff in _story(terminal, portfolio) if handoff is None]
    assert ("the service", "emptied the status") in told


def test_who_is_no_person(world: World, terminal: Terminal) -> None:
    people = world.people
    portfolio = people.create_portfolio("Acme", world.day(40), by="workflow")
    world.minutes(2)
    people.set("portfolio", portfolio, {"creative_refresh_cadence": "Weekly"}, by="app:4711")
    world.minutes(2)
    people.set("portfolio", portfolio, {"creative_refresh_cadence": ""})
    story = _story(terminal, portfolio)
    assert [(who, text) for who, text, _ in story] == [
        ("a workflow", f"set the Refresh Date to {world.day(40):%a} {world.day(40).day} {world.day(40):%b %Y}"),
        ("another integration", "set the cadence to “Weekly”"),
        (story[2][0], "emptied the cadence"),
    ]
    assert story[2][0].startswith("user "), "an admin who is nobody's owner"


def test_the_timeline_is_the_cycles(world: World, terminal: Terminal) -> None:
    portfolio, _ = _at_work(world)
    world.people.set_status(portfolio, "No Refresh Requested", by=world.people.owner("account_manager"))
    world.work()
    story = _story(terminal, portfolio)
    assert story[0][1] == "set the status to “No Refresh Requested”"
    assert {handoff for _, _, handoff in story} == {None, "2a"}
    assert sum("closed" in text for _, text, _ in story) == 1
    assert not any("completed" in text for _, text, _ in story), "the tasks that the service closed are its own doing"


def test_what_is_blocked_is_in_the_timeline(world: World, terminal: Terminal) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(5), account_manager=None)
    world.work()
    [blocked] = [event for event in terminal.json("explain", portfolio)["timeline"] if event["handoff"] == "1"]
    assert blocked["trouble"]
    assert "is blocked" in blocked["text"]


def test_an_ad_set_is_told_ticket_by_ticket(world: World, terminal: Terminal) -> None:
    portfolio, (never, ready, revised) = _at_work(world)
    told = terminal.json("explain", portfolio)
    [one] = told["ad_sets"]
    assert (one["folder"], one["ready"], one["of"]) == ("Spring", 1, 3)
    by_ticket = {ticket["record"]["id"]: ticket for ticket in one["tickets"]}
    assert by_ticket[ready]["lacks"] == []
    assert by_ticket[never]["lacks"] == [
        "it is in “New”, not in “Pending Approval”", "its copy is not approved", "its graphics are not approved",
    ]  # fmt: skip
    assert by_ticket[revised]["lacks"] == [
        "it is in “In Progress”, not in “Pending Approval”",
        "“Copy Revisions Only” was asked for",
        "its copy is not approved",
    ]
    moved = world.people.history("ticket", ready, "hs_pipeline_stage")[0].at
    assert datetime.fromisoformat(by_ticket[ready]["since"]) == moved
    [left_out] = told["left_out"]
    assert (left_out["record"]["name"], left_out["why"]) == ("Story", "with no Deliverable Folder Name")


@pytest.mark.parametrize(("act", "why"), [("close", "closed"), ("move", "not in the deliverables pipeline")])
def test_tickets_that_do_not_count_say_why(world: World, terminal: Terminal, act: str, why: str) -> None:
    portfolio, (never, _, _) = _at_work(world)
    if act == "close":
        world.people.move_ticket(never, world.sandbox.process.names.stages[-1][1])
    else:
        ours = world.service.portals.get().pipeline.id
        other = next(each for each in world.service.crm.pipelines() if each.id != ours)
        world.people.move_ticket(never, other.stages[0].id)
    told = terminal.json("explain", portfolio)
    assert (never, why) in {(one["record"]["id"], one["why"]) for one in told["left_out"]}


def test_whose_turn_it_is(world: World, terminal: Terminal) -> None:
    portfolio, (never, _, revised) = _at_work(world)
    wait = terminal.json("explain", portfolio)["waits_for"]
    assert (wait["party"], wait["after"], wait["stuck"]) == ("creative_team", "6", False)
    assert f"ticket {never} “Ad 1”, ticket {revised} “Ad 3”" in wait["what"]
    world.next_day(8)
    assert terminal.json("explain", portfolio)["waits_for"]["stuck"]
    assert "(8 days, stuck): to finish" in " ".join(terminal.run("explain", portfolio).stdout.split())


def test_a_task_that_somebody_deleted_says_so(world: World, terminal: Terminal) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(5))
    world.work()
    [task] = world.tasks(("portfolio", portfolio))

    def now() -> Any:
        return next(
            each["now"]
            for each in terminal.json("explain", portfolio)["handoffs"][0]["effects"]
            if each["id"] == task.id
        )

    assert now() == "open"
    world.people.complete_task(task.id)
    assert now() == "completed"
    world.people.delete_task(task.id)
    assert now() == "deleted"


def test_it_names_the_records_that_were_merged_and_takes_an_old_id(world: World, terminal: Terminal) -> None:
    """docs/process.md M.15."""
    acme = world.people.create_portfolio("Acme", world.day(10))
    bolt = world.people.create_portfolio("Bolt", world.day(12))
    world.work()
    world.minutes(1)
    new = world.people.merge("portfolio", acme, bolt)
    world.work()
    for asked in (acme, bolt, new):
        shown = " ".join(terminal.run("explain", asked).output.split())
        assert f"Acme portfolio {new}" in shown
        assert f"Portfolio {acme} was merged into portfolio {new} on Mon 2 Nov 2026 09:01, as the primary." in shown
        assert f"Portfolio {bolt} was merged into portfolio {new} on Mon 2 Nov 2026 09:01." in shown
        assert "task kickoff" in shown


def test_it_changes_nothing_and_costs_few_calls(world: World, terminal: Terminal) -> None:
    portfolio, _ = _at_work(world)
    terminal.run("explain", portfolio)
    mark = world.sandbox.log.mark()
    terminal.run("explain", portfolio)
    calls = [call.endpoint for call in world.sandbox.log.since(mark)]
    reads = [call for call in calls if call.endswith("/batch/read")]
    assert len(reads) <= 10
    assert not [call for call in calls if call.endswith(("/batch/create", "/batch/update"))]


def test_a_long_story_shows_its_end(world: World, terminal: Terminal) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(40))
    for n in range(15):
        world.minutes(2)
        world.people.set("portfolio", portfolio, {"creative_refresh_cadence": "Weekly" if n % 2 else "Monthly"})
        world.people.set_refresh_date(portfolio, world.day(41 + n))
    events = len(terminal.json("explain", portfolio)["timeline"])
    short, long = terminal.run("explain", portfolio).stdout, terminal.run("explain", portfolio, "--all").stdout
    assert f"… {events - 20} earlier ones (--all)" in short
    assert "earlier ones" not in long
    assert sum("Refresh Date to" in text or "cadence to" in text for text in long.splitlines()) == events


def test_it_names_the_person_who_got_a_task_and_who_has_it_now(world: World, terminal: Terminal) -> None:
    people = world.people
    portfolio = people.create_portfolio("Acme", world.day(5))
    world.work()
    [task] = world.tasks(("portfolio", portfolio))
    kickoff = f"task kickoff → {_name(world, 'account_manager')} (Account Manager)"
    assert f"{kickoff}: done" in terminal.run("explain", portfolio).stdout
    second = people.owner("second_account_manager")
    people.edit_task(task.id, hubspot_owner_id=second)
    people.set("portfolio", portfolio, {"account_manager": second})
    told = " ".join(terminal.run("explain", portfolio).stdout.split())
    assert f"{kickoff}, now with {_name(world, 'second_account_manager')}: done" in told
    [effect] = [one for one in terminal.json("explain", portfolio)["handoffs"][0]["effects"] if one["kind"] == "task"]
    assert effect["who"] == _name(world, "account_manager")
    assert effect["now_with"] == _name(world, "second_account_manager")
    coming = people.create_portfolio("Bolt", world.day(5))
    assert f"{kickoff}: due" in terminal.run("explain", coming).stdout


def test_a_part_of_the_name_is_enough_to_look(world: World, terminal: Terminal) -> None:
    acme = world.people.create_portfolio("Acme Shoes GmbH", world.day(5))
    nova = world.people.create_portfolio("Nova Yoga", world.day(5))
    world.sandbox.people.flush_search()
    assert terminal.json("explain", "acme")["portfolio"]["id"] == acme
    other = world.people.create_portfolio("Acme Bags", world.day(5))
    world.sandbox.people.flush_search()
    result = terminal.run("explain", "acme")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"Error: 2 portfolios have “acme” in their name: give the id of one\n"
        f"  {acme}  Acme Shoes GmbH\n  {other}  Acme Bags\n"
    )
    assert f": did you mean “Nova Yoga” ({nova})?" in terminal.run("explain", "Nova Joga").stderr


def test_a_cycle_that_is_over_is_shown(world: World, terminal: Terminal) -> None:
    people = world.people
    portfolio = people.create_portfolio("Acme", world.day(5), cadence="Monthly")
    world.work()
    first = world.today
    result = terminal.run("explain", portfolio, "--cycle", "previous")
    assert (result.exit_code, result.stderr) == (
        1, "Error: “Acme” has no earlier cycle: the first that is known is under way\n",
    )  # fmt: skip
    world.next_day()
    people.set_status(portfolio, "No Refresh Requested")
    world.work()
    world.next_day(25)
    world.sweep()
    world.next_day()
    people.set_status(portfolio, "Creatives Implemented")
    world.work()
    world.next_day()

    def states(*arguments: str) -> dict[str, str]:
        told = terminal.json("explain", portfolio, *arguments)
        return {one["handoff"]: one["state"] for one in told["handoffs"] if one["state"] != "not applicable"}

    last = terminal.json("explain", portfolio, "--cycle", "previous")
    assert last["cycle"]["started"] < last["cycle"]["ended"]
    assert states("--cycle", "previous") == {"1": "done", "8": "done", "9": "done"}
    assert states("--cycle", first.isoformat()) == {"1": "done", "2a": "done"}
    told = terminal.run("explain", portfolio, "--cycle", first.isoformat()).stdout
    assert "Cycle: the first one that is known, to " in told
    assert "set the status to “No Refresh Requested”" in told
    assert "Nothing asks for a look" not in told
    assert states("--cycle", world.today.isoformat()) == states()


SHOWN = ("check", "explain", "list", "plan", "status")


def _quiet_scene(world: World) -> dict[str, list[str]]:
    """A client in mid-cycle, one that is blocked; and what each command is asked besides."""
    portfolio, _ = _at_work(world)
    world.people.create_portfolio("Bolt Coffee", world.day(9), account_manager=None)
    world.next_day(8)
    return {"explain": [portfolio], "plan": ["--at", world.day(7).isoformat()]}


def _lasting(told: str) -> str:
    """What was printed, but for how many calls it took."""
    return re.sub(r"\nHubSpot .*?\n\n", "\n\n", told, flags=re.DOTALL)


@pytest.mark.parametrize("command", SHOWN)
def test_the_golden_output(world: World, terminal: Terminal, command: str) -> None:
    """Through a pipe: 80 columns, no colour."""
    more = _quiet_scene(world).get(command, [])
    told = terminal.run(command, *more).stdout
    assert "\x1b" not in told
    assert all(len(line) <= 80 or "https://" in line for line in told.splitlines())
    assert _lasting(told) == golden(f"{command}.txt", _lasting(told))


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("command", SHOWN)
def test_the_golden_output_at_a_terminal(
    world: World, terminal: Terminal, monkeypatch: pytest.MonkeyPatch, command: str, columns: int
) -> None:
    """At 80 columns it is that of a pipe, in colour; a wide terminal has wider lines, up to 110. NO_COLOR is heeded."""
    more = _quiet_scene(world).get(command, [])
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _self: True, raising=False)
    at_terminal = {"COLUMNS": str(columns), "TERM": "xterm-256color"}
    told = terminal.run(command, *more, **at_terminal).stdout
    assert re.search(r"\x1b\[[\d;]*3\d", told), "in colour"
    plain_told = terminal.run(command, *more, **at_terminal, NO_COLOR="1").stdout
    assert not re.search(r"\x1b\[[\d;]*3\d", plain_told)
    told = _lasting("\n".join(line.rstrip() for line in re.sub(r"\x1b\[[\d;]*m", "", told).splitlines()) + "\n")
    assert all(len(line) <= min(columns, 110) or "https://" in line for line in told.splitlines())
    name = f"{command}.txt" if columns == 80 else f"{command}-{columns}.txt"
    assert told == golden(name, told)


@pytest.mark.parametrize("command", SHOWN)
def test_the_golden_output_in_a_locale_of_ascii(world: World, terminal: Terminal, command: str) -> None:
    more = _quiet_scene(world).get(command, [])
    told = terminal.run(command, *more, charset="ascii").stdout
    assert told.isascii()
    assert _lasting(told) == plain((KEPT / f"{command}.txt").read_text(encoding="utf-8"))


def test_the_open_tasks_of_both_tickets_that_were_merged_are_told(world: World, terminal: Terminal) -> None:
    portfolio = begun(world)
    first, second = with_tickets(world, portfolio)
    world.people.complete_task(the(world, "write_copy", ("ticket", second)).id)
    survivor = world.people.merge("ticket", first, second)
    world.work()
    shown = terminal.json("explain", portfolio)
    (four,) = [line for line in shown["handoffs"] if line["handoff"] == "4"]
    told = {effect["id"] for effect in four["effects"]}
    assert told == {task.id for task in world.tasks(("ticket", survivor))}


def test_of_a_merged_ticket_whose_tasks_are_done_nothing_more_is_told(world: World, terminal: Terminal) -> None:
    portfolio = begun(world)
    first, second = with_tickets(world, portfolio)
    for task in world.tasks(("ticket", second)):
        world.people.complete_task(task.id)
    world.people.merge("ticket", first, second)
    world.work()
    shown = terminal.json("explain", portfolio)
    (four,) = [line for line in shown["handoffs"] if line["handoff"] == "4"]
    assert [result["reason"] for result in four["records"]] == [f"ticket {first} “Ad 1” came on Mon 2 Nov 2026 09:00"]
