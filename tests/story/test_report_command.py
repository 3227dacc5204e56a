"""`handoffs report`: where the time goes, read from the database alone."""

import csv
import io
from datetime import timedelta

import pytest

from tests.story.golden import golden
from tests.terminal import Terminal, dump
from tests.world import World


@pytest.fixture
def terminal(world: World, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(world, monkeypatch)


def a_cycle(world: World, name: str = "Acme Shoes") -> str:
    """A client says yes after a day, gets one ticket after the date, wants it changed once, and is live."""
    people = world.people
    acme = people.create_portfolio(name, world.day(3), cadence="Quarterly")
    world.work()
    world.next_day()
    people.set_status(acme, "Refresh Request Submitted")
    world.next_day(3)
    ticket = people.create_ticket("Banner", "Autumn", acme)
    people.set_status(acme, "Deliverables Submitted")
    world.next_day(2)
    people.move_ticket(ticket, "Pending Approval")
    world.next_day(2)
    people.request_revisions(ticket, "Copy Revisions Only", note="Shorter, please")
    world.work()
    world.next_day()
    people.move_ticket(ticket, "Pending Approval")
    world.next_day(6)
    people.set_status(acme, "Creatives Completed & Approved")
    world.next_day()
    people.set_status(acme, "Creatives Implemented")
    world.work()
    return acme


def test_the_golden_output(world: World, terminal: Terminal) -> None:
    a_cycle(world)
    told = terminal.run("report").stdout
    assert all(len(line) <= 80 for line in told.splitlines())
    assert told == golden("report.txt", told)


def test_one_cycle_in_every_form(world: World, terminal: Terminal) -> None:
    acme = a_cycle(world, '=HYPERLINK("https://evil.example")<b>')
    before, mark = dump(world), world.sandbox.log.mark()
    page = world.directory / "report.html"
    [row] = csv.DictReader(io.StringIO(terminal.run("report", "--csv", HUBSPOT_ACCESS_TOKEN="").stdout))
    assert (row["portfolio"], row["outcome"], row["kickoff_to_yes"], row["tickets_to_ready"]) == (
        acme,
        "live",
        "1.0",
        "2.0",
    )
    assert (row["reviews"], row["revision"], row["rounds"]) == ("2", "1.0", "1")
    assert row["client"].startswith("'=HYPERLINK")
    assert row["account_manager"] == "Amelia Marsh"
    people = {one["name"]: one for one in terminal.json("report", "--by", "person")["groups"]}
    assert set(people) == {"Amelia Marsh", "Sasha Adler", "Cody Wright", "Grace Deluca"}
    assert people["Cody Wright"]["held_working_days"] == people["Grace Deluca"]["held_working_days"]
    months = [one["name"] for one in terminal.json("report", "--by", "month")["groups"]]
    assert months == ["2026-11"]
    roles = [one["name"] for one in terminal.json("report", "--by", "role")["groups"]]
    assert roles == ["Account Manager and client", "Social Ad Specialist", "Creative Team"]
    for by in ("client", "role", "person", "month"):
        assert terminal.run("report", "--by", by, "--html", str(page)).exit_code == 0
        written = page.read_text(encoding="utf-8")
        assert "<script" not in written
        assert "http" not in written.replace("https://evil.example", ""), "it needs nothing beside it"
        assert "<b>" not in written, "what people type is escaped"
    assert not list(world.sandbox.log.since(mark))
    assert dump(world) == before


def test_the_span_is_where_it_ended(world: World, terminal: Terminal) -> None:
    a_cycle(world)
    counted = terminal.json("report", "--since", (world.today - timedelta(days=2)).isoformat())["total"]
    assert counted["cycles"]["live"] == 1
    assert counted["days"]["kickoff_to_yes"]["count"] == 0
    assert counted["days"]["approval_to_live"]["count"] == 1
    before = terminal.json("report", "--until", (world.today - timedelta(days=2)).isoformat())["total"]
    assert before["cycles"]["live"] == 0
    assert before["days"]["kickoff_to_yes"]["count"] == 1
    nothing = terminal.run("report", "nobody")
    assert (nothing.exit_code, nothing.stderr) == (0, "No client has had a cycle in that time, as far as is known.\n")


def test_the_time_before_installation_counts_as_far_as_histories_reach(world: World, terminal: Terminal) -> None:
    """All of it happens before the first pass, which finds the versions."""
    people = world.people
    acme = people.create_portfolio("Acme Shoes", world.day(1), cadence="Quarterly")
    people.advance(days=2)
    ticket = people.create_ticket("Banner", "Autumn", acme)
    people.advance(days=3)
    people.move_ticket(ticket, "Pending Approval")
    people.advance(days=4)
    people.set_status(acme, "Creatives Completed & Approved")
    people.advance(days=1)
    people.set_status(acme, "Creatives Implemented")
    world.work()
    days = terminal.json("report")["total"]["days"]
    assert days["tickets_to_ready"]["median"] == 3.0
    assert days["review"]["median"] == 4.0
    assert days["approval_to_live"]["median"] == 1.0
    assert days["kickoff_to_yes"]["count"] == 0


def test_a_ticket_that_was_closed_holds_up_nothing(world: World, terminal: Terminal) -> None:
    people = world.people
    acme = people.create_portfolio("Acme Shoes", world.day(0))
    world.work()
    one, other = (people.create_ticket(name, "Autumn", acme) for name in ("Banner", "Video"))
    people.set_status(acme, "Deliverables Submitted")
    world.next_day()
    people.move_ticket(one, "Pending Approval")
    world.next_day()
    people.move_ticket(other, "Closed")
    world.next_day(2)
    people.set_status(acme, "Creatives Completed & Approved")
    world.work()
    days = terminal.json("report")["total"]["days"]
    assert (days["tickets_to_ready"]["median"], days["review"]["median"]) == (2.0, 2.0)
