"""`handoffs log` and `handoffs runs`: what was decided and done, by whom and why, read from the database alone."""

import csv
import io
from datetime import timedelta

import pytest

from sync.storage import runs
from tests.conftest import MakeWorld
from tests.story.golden import golden
from tests.terminal import Terminal, dump
from tests.world import World


@pytest.fixture
def terminal(world: World, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(world, monkeypatch)


def busy(world: World) -> str:
    """Two clients: one is kicked off and gets a ticket, of the other nobody is the Account Manager."""
    acme = world.people.create_portfolio("Acme Shoes", world.day(5))
    world.work()
    world.next_day(1)
    world.people.create_ticket("Banner", "Autumn", acme)
    world.people.create_portfolio("Bolt Coffee", world.day(3), account_manager=None)
    world.work()
    return acme


def test_the_golden_output(world: World, terminal: Terminal) -> None:
    busy(world)
    told = terminal.run("log").stdout
    assert all(len(line) <= 80 for line in told.splitlines())
    assert told == golden("log.txt", told)


def test_each_filter(world: World, terminal: Terminal) -> None:
    acme = busy(world)

    def found(*arguments: str) -> list[tuple[str, str]]:
        entries = terminal.json("log", *arguments)["entries"]
        return [(one["handoff"], one["portfolio"]["name"]) for one in entries]

    everything = [("1", "Acme Shoes"), ("1", "Bolt Coffee"), ("4", "Acme Shoes"), ("4", "Acme Shoes")]
    assert sorted(set(found())) == sorted(set(everything))
    assert {name for _, name in found("acme")} == {"Acme Shoes"} == {name for _, name in found(acme)}
    assert found("nobody at all") == []
    assert set(found("--handoff", "1")) == {("1", "Acme Shoes"), ("1", "Bolt Coffee")}
    assert found("--state", "blocked") == [("1", "Bolt Coffee")]
    assert found("--state", "blocked", "acme") == []
    assert {handoff for handoff, _ in found("--person", "Cody Wright")} == {"4"}
    assert found("--person", "cody") == found("--person", world.people.owner("copywriter")) != []
    today = world.today.isoformat()
    assert {name for _, name in found("--since", today, "--handoff", "1")} == {"Bolt Coffee"}
    assert {name for _, name in found("--until", (world.today - timedelta(days=1)).isoformat())} == {"Acme Shoes"}
    newest = terminal.json("log", "--limit", "1")
    assert (len(newest["entries"]), newest["more"]) == (1, True)
    decided = [one["decided_at"] for one in terminal.json("log")["entries"]]
    assert decided == sorted(decided), "the newest is the last"
    assert newest["entries"][0]["decided_at"] == decided[-1]


def test_what_cannot_be_meant_is_refused(world: World, terminal: Terminal) -> None:
    busy(world)
    for arguments in (["--state", "dnoe"], ["--json", "--csv"], ["--since", "2026-11-05", "--until", "2026-11-04"]):
        refused = terminal.run("log", *arguments)
        assert (refused.exit_code, refused.stdout) == (2, "")
    nobody = terminal.run("log", "--person", "Zelda")
    assert (nobody.exit_code, nobody.stdout) == (0, "")
    assert nobody.stderr == "The service has met nobody who is called “Zelda”.\n"


def test_it_asks_nobody_and_changes_nothing(world: World, terminal: Terminal) -> None:
    busy(world)
    before, mark = dump(world), world.sandbox.log.mark()
    assert terminal.run("log", HUBSPOT_ACCESS_TOKEN="").exit_code == 0
    assert terminal.run("runs", HUBSPOT_ACCESS_TOKEN="").exit_code == 0
    assert not list(world.sandbox.log.since(mark))
    assert dump(world) == before


def test_a_line_an_effect_in_csv_and_no_formula_of_a_clients_name(world: World, terminal: Terminal) -> None:
    world.people.create_portfolio('=HYPERLINK("https://evil.example")', world.day(5))
    world.work()
    rows = list(csv.DictReader(io.StringIO(terminal.run("log", "--csv").stdout)))
    assert [row["effect"] for row in rows] == ["task kickoff", "email kickoff"]
    assert {row["effect_state"] for row in rows} == {"done"}
    assert {row["person"] for row in rows} == {"Amelia Marsh"}
    assert {row["client"] for row in rows} == {'\'=HYPERLINK("https://evil.example")'}


def test_a_decision_whose_portfolio_is_deleted_keeps_its_name(world: World, terminal: Terminal) -> None:
    acme = busy(world)
    world.people.archive("portfolio", acme)
    world.work()
    entries = terminal.json("log", acme)["entries"]
    assert {one["portfolio"]["name"] for one in entries if one["handoff"] == "1"} == {"Acme Shoes"}


def test_who_had_what_done(world: World, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.storage.runs.actor", lambda: "dana")
    nothing = terminal.run("runs")
    assert nothing.stderr == "Nobody has had anything done by a command that is kept.\n"
    acme = busy(world)
    world.people.flush_search()
    assert terminal.run("replay", "--portfolio", acme).exit_code == 0
    world.clock.advance(timedelta(hours=1))
    store, told_what = world.service.store, {"since": "2026-10-01", "portfolios": [acme]}
    with runs.kept(store, world.clock, "backfill", "we were late", told_what, lambda: {"looked": 1, "tasks": 2}):
        world.clock.advance(timedelta(minutes=3))
    told = terminal.json("runs")["runs"]
    assert [(one["command"], one["actor"]) for one in told] == [("replay", "dana"), ("backfill", "dana")]
    assert told[1]["reason"] == "we were late"
    assert all(one["finished"] is not None for one in told)
    shown = terminal.run("runs").stdout
    assert shown == golden("runs.txt", shown)
    assert "why: we were late" in terminal.run("runs", "--command", "backfill").stdout
    assert terminal.json("runs", "--actor", "erin")["runs"] == []
    rows = list(csv.DictReader(io.StringIO(terminal.run("runs", "--csv").stdout)))
    assert [row["command"] for row in rows] == ["replay", "backfill"]


def test_a_release_is_among_them_and_a_run_that_was_cut_off_says_so(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(mapping="rules: {effects_per_hour: 1}\n")
    terminal = Terminal(world, monkeypatch)
    world.people.create_portfolio("Acme", world.day(5))
    world.work()
    assert terminal.run("release", "--reason", "looked through").exit_code == 0
    told = terminal.json("runs")["runs"]
    assert [(one["command"], one["reason"]) for one in told] == [("release", "looked through")]
    with world.service.store.write() as connection:
        runs.begin(connection, "apply", world.clock.now(), reason=None, arguments={"file": "plan.json"})
    assert "told: file plan.json\n  not finished: it goes on, or was cut off" in terminal.run("runs").stdout
