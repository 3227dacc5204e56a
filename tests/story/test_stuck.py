"""Cycles that wait for a party for too long: `status` tells of them from the database alone."""

from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from sync.storage.tables import work_items
from tests.alive import give_signs
from tests.conftest import MakeWorld
from tests.terminal import Terminal
from tests.world import World

UNREACHABLE = {"HUBSPOT_BASE_URL": "http://127.0.0.1:1", "HUBSPOT_ACCESS_TOKEN": ""}


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world()


@pytest.fixture
def terminal(world: World, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(world, monkeypatch)


def _limit(world: World, party: str) -> int:
    return {p.value: days for p, days in world.service.mapping.rules.stuck_after_days.items()}[party]


def _stuck(terminal: Terminal) -> list[tuple[str, str]]:
    """Name of the portfolio, and the party that it waits for."""
    told = terminal.json("status")["stuck"]
    return [(one["portfolio"]["name"], one["party"]) for one in told]


def _kicked_off(world: World, name: str = "Acme") -> str:
    portfolio = world.people.create_portfolio(name, world.day(14))
    world.work()
    return portfolio


def test_a_client_who_was_never_asked_shows_on_the_day_after_the_limit(world: World, terminal: Terminal) -> None:
    _kicked_off(world)
    since = world.clock.now()
    world.next_day(_limit(world, "account_manager") - 1)
    assert _stuck(terminal) == []
    world.next_day(1)
    told = terminal.json("status")
    [one] = told["stuck"]
    assert told["ok"], "it is people's work: the service is well"
    assert one["party"] == "account_manager"
    assert one["after"] == "1"
    assert one["since"] == since.isoformat()
    text = terminal.run("status", **UNREACHABLE)
    assert text.exit_code == 0
    assert "“Acme” waits for the Account Manager" in " ".join(text.stdout.split())
    assert max(map(len, text.stdout.splitlines())) <= 80


def test_a_completed_task_makes_it_the_clients_turn(world: World, terminal: Terminal) -> None:
    portfolio = _kicked_off(world)
    world.next_day(2)
    [task] = world.tasks(("portfolio", portfolio))
    world.people.complete_task(task.id)
    asked = world.clock.now()
    world.next_day(_limit(world, "client") - 1)
    assert _stuck(terminal) == []
    world.next_day(1)
    [one] = terminal.json("status")["stuck"]
    assert (one["party"], one["since"]) == ("client", asked.isoformat())


def test_what_people_do_ends_it_at_once(world: World, terminal: Terminal) -> None:
    portfolio = _kicked_off(world)
    world.next_day(_limit(world, "account_manager"))
    assert _stuck(terminal) == [("Acme", "account_manager")]
    world.people.set_status(portfolio, "Refresh Request Submitted")
    world.work()
    assert _stuck(terminal) == []


def test_each_party_by_its_own_limit_the_longest_first(world: World, terminal: Terminal) -> None:
    _kicked_off(world, "Asked")
    cued = world.people.create_portfolio("Cued", world.day(1))
    world.next_day(1)
    made = world.people.create_portfolio("Made", world.day(0))
    world.work()
    ticket = world.people.create_ticket("Ad", "Set", made)
    world.work()
    world.next_day(9)
    assert _stuck(terminal) == [
        ("Asked", "account_manager"), ("Cued", "social_ad_specialist"), ("Made", "creative_team"),
    ]  # fmt: skip
    world.people.move_ticket(ticket, "In Progress")
    world.work()
    assert ("Made", "creative_team") not in _stuck(terminal), "a ticket that moves is a change"
    scraped = world.app.test_client().get("/metrics").get_data(as_text=True)
    assert 'handoffs_stuck{party="account_manager"} 1.0' in scraped
    assert 'handoffs_stuck{party="creative_team"} 0.0' in scraped
    world.people.archive("portfolio", cued)
    world.work()
    assert _stuck(terminal) == [("Asked", "account_manager")]


def test_what_was_deleted_without_a_webhook_is_found_gone_by_the_sweep(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(webhooks=False)
    terminal = Terminal(world, monkeypatch)
    portfolio = _kicked_off(world)
    world.next_day(_limit(world, "account_manager"))
    assert _stuck(terminal) == [("Acme", "account_manager")]
    world.people.archive("portfolio", portfolio)
    world.next_day()
    assert _stuck(terminal) == []


@pytest.mark.parametrize("column", ["parked_at", "held_effects"])
def test_what_waits_for_an_admin_is_not_stuck(world: World, terminal: Terminal, column: str) -> None:
    _kicked_off(world)
    world.next_day(_limit(world, "account_manager"))
    world.people.set_refresh_date(world.people.portfolios()[0].id, world.day(8))
    world.receive()
    with world.service.store.write() as connection:
        connection.execute(work_items.update().values(**{column: 1}))
    assert _stuck(terminal) == []


def test_the_limit_is_the_mappings(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world(mapping="rules: {stuck_after_days: {account_manager: 2}}\n")
    terminal = Terminal(world, monkeypatch)
    _kicked_off(world)
    world.next_day(2)
    assert _stuck(terminal) == [("Acme", "account_manager")]


def test_whole_cycles_leave_nothing_behind(world: World, terminal: Terminal) -> None:
    """Declined, or implemented: nobody is waited for until the next kickoff."""
    declined, done = _kicked_off(world, "Declined"), _kicked_off(world, "Done")
    world.people.set_status(declined, "No Refresh Requested")
    world.people.set_status(done, "Creatives Completed & Approved")
    world.work()
    world.people.set_status(done, "Creatives Implemented")
    world.work()
    world.next_day(14)
    assert _stuck(terminal) == []


def test_a_pass_asks_for_tasks_only_once_it_may_matter(world: World) -> None:
    """Whose turn it is costs no call of a fresh cycle, and one call a group once it may be late."""
    _kicked_off(world)

    def task_reads(days: int) -> int:
        world.next_day(days - 1)
        mark = world.sandbox.log.mark()
        world.next_day(1)
        return sum(call.endpoint.endswith("/tasks/batch/read") for call in world.sandbox.log.since(mark))

    assert task_reads(2) == 0
    assert task_reads(3) == 1


def test_watch_shows_one_report_after_the_other_until_ctrl_c(
    world: World, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    _kicked_off(world)
    world.next_day(_limit(world, "account_manager") - 1)
    shown: list[Any] = []

    def a_day_passes(seconds: float) -> None:
        if seconds < 1:  # a call that waits for its turn
            world.clock.advance(timedelta(seconds=seconds))
            return
        shown.append(world.clock.now())
        if len(shown) == 2:
            raise KeyboardInterrupt
        world.next_day(1)
        give_signs(world.service.store, world.clock)

    monkeypatch.setattr(world.clock, "sleep", a_day_passes)
    before = world.clock.now().astimezone(world.service.mapping.zone)
    result = terminal.run("status", "--watch")
    assert (result.exit_code, result.stderr) == (0, "")
    first, second = result.stdout.split("All is well.")[1:]
    assert "0 stuck" in first
    assert "1 stuck: 1 with the Account Manager" in second
    assert result.stdout.startswith(f"{before:%a} {before.day} {before:%b %Y %H:%M:%S} America/New_York, every")
    assert "\x1b" not in result.stdout

    shown.clear()
    lines = terminal.lines("status", "--watch")
    assert [line["version"] for line in lines] == [1, 1]
    assert [datetime.fromisoformat(line["at"]) for line in lines] == shown


def test_watch_redraws_a_terminal(world: World, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = StringIO()
    monkeypatch.setattr(
        "sync.commands.status.console", lambda: Console(file=screen, force_terminal=True, width=80, height=40)
    )
    looks = iter(range(2))

    def once_more(_seconds: float) -> None:
        if next(looks, None) is None:
            raise KeyboardInterrupt

    monkeypatch.setattr(world.clock, "sleep", once_more)
    assert terminal.run("status", "--watch").exit_code == 0
    told = screen.getvalue()
    reports = told.split("\x1b[1A")
    assert told.count("All is well.") == 3 + 1, "each of three once, and the last one once more when it ends"
    assert all(part.count("All is well.") <= 1 for part in reports), "the one before is gone when the next one comes"
    assert told.endswith("\x1b[?25h"), "the cursor is back"


def test_watch_ends_with_what_the_last_report_said(
    world: World, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.people.create_portfolio("Acme", world.day(5), account_manager=None)
    world.work()

    def stop(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(world.clock, "sleep", stop)
    assert terminal.run("status", "--watch").exit_code == 1
