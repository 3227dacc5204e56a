"""`dead` lists what does not heal by itself, shows why, tries it again, and drops it on an admin's word."""

import json
from collections.abc import Sequence

import pytest
from sqlalchemy import select

from sync.clock import to_ms
from sync.passes.dump import KEPT_AT_MOST
from sync.passes.effects.attempts import BLOCKED_AGAIN
from sync.sandbox.faults import Fault
from sync.storage.tables import effects, occurrences, runs, work_items
from tests.terminal import Terminal, dump
from tests.world import World

RULE = {"name": "none", "type": "task", "property": "hs_task_subject", "pattern": "x", "message": "no tasks today"}


@pytest.fixture
def terminal(world: World, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(world, monkeypatch)


def refused(world: World) -> tuple[str, str]:
    """A portfolio whose kickoff task the portal refuses, and the effect's key."""
    portfolio = world.people.create_portfolio("Acme", world.day(3))
    world.people.set_rules(RULE)
    world.work()
    world.people.set_rules()
    return portfolio, f"1:{portfolio}:start:0/task:kickoff"


def parked(world: World, monkeypatch: pytest.MonkeyPatch) -> str:
    """A portfolio that no pass could decide, however often it was looked at."""
    portfolio = world.people.create_portfolio("Bolt", world.day(40))
    with monkeypatch.context() as patch:
        patch.setattr("sync.passes.decider.decide", broken)
        for _ in range(9):
            world.work()
            world.minutes(13 * 60)
    return portfolio


def broken(_case: object) -> None:
    raise ZeroDivisionError("a rule that cannot count")


def state(world: World, key: str) -> tuple[str, str | None]:
    with world.service.store.read() as connection:
        row = connection.execute(select(effects.c.state, effects.c.reason).where(effects.c.key == key)).one()
    return row.state, row.reason


def test_nothing_is_dead(terminal: Terminal) -> None:
    result = terminal.run("dead")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "Nothing is dead.\n", "")


def test_both_are_listed(world: World, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    bolt = parked(world, monkeypatch)
    acme, key = refused(world)
    result = terminal.run("dead")
    assert result.exit_code == 1
    assert f"portfolio {bolt}, since" in result.stdout
    assert "ZeroDivisionError: a rule that cannot count" in result.stdout
    assert f"  {key}\n" in result.stdout
    assert "no tasks today" in result.stdout
    found = terminal.json("dead")
    assert [one["record"] for one in found["parked"]] == [{"kind": "portfolio", "id": bolt}]
    assert [(one["key"], one["portfolio"]) for one in found["failed"]] == [(key, acme)]
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_a_parked_record_is_shown_with_traceback_and_what_was_seen(
    world: World, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    bolt = parked(world, monkeypatch)
    for name in (bolt, f"portfolio {bolt}", f"portfolio:{bolt}"):
        result = terminal.run("dead", "show", name)
        assert result.exit_code == 0, result.output
    assert "Traceback (most recent call last):" in result.stdout
    assert "ZeroDivisionError: a rule that cannot count" in result.stdout
    assert "Snapshot(portfolio=Portfolio(" in result.stdout
    assert "name='Bolt'" in result.stdout
    assert "creation" in result.stdout, "the events that named it"
    found = json.loads(terminal.run("dead", "show", bolt, "--json").stdout)
    assert "Snapshot(" in found["parked"][0]["error"]
    assert found["events"]


def test_what_is_kept_of_a_failed_pass_is_bounded(
    world: World, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hundreds of tickets, and values as long as the CRM takes them: what was seen begins it, what went wrong ends it."""
    portfolio = world.people.create_portfolio("Bolt", world.day(40), most_recent_ad_lab_link="x" * 60_000)
    for number in range(120):
        world.people.create_ticket(f"Ad {number} " + "y" * 2_000, "Winter", portfolio)
    world.work()
    monkeypatch.setattr("sync.passes.decider.decide", broken)
    world.people.set("portfolio", portfolio, {"name": "Bolt & Co"})
    world.work()
    with world.service.store.read() as connection:
        (kept,) = connection.scalars(select(work_items.c.error))
    assert kept is not None
    assert len(kept) < KEPT_AT_MOST + 100
    assert "name='Bolt & Co'" in kept
    assert "more characters)" in kept
    assert kept.endswith("ZeroDivisionError: a rule that cannot count\n")


def test_a_refused_effect_is_shown_with_what_it_was_to_do(world: World, terminal: Terminal) -> None:
    acme, key = refused(world)
    result = terminal.run("dead", "show", key)
    assert result.exit_code == 0, result.output
    assert "no tasks today" in result.stdout
    assert '"task_kind": "kickoff"' in result.stdout
    assert "asked for because the Refresh Date" in result.stdout
    assert terminal.run("dead", "show", acme).stdout == result.stdout


def test_retrying_heals_what_was_mended(world: World, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    bolt = parked(world, monkeypatch)
    acme, key = refused(world)
    result = terminal.run("dead", "retry", key)
    assert result.exit_code == 0, result.output
    assert world.kinds(("portfolio", acme)) == ["kickoff"]
    assert len(terminal.json("dead")["parked"]) == 1, "only what was named"
    assert terminal.run("dead", "retry", "--all").exit_code == 0
    assert terminal.run("dead").exit_code == 0
    with world.service.store.read() as connection:
        assert connection.execute(select(work_items).where(work_items.c.id == bolt)).all() == []
        assert {row.command for row in connection.execute(select(runs.c.command))} == {"dead retry"}


def test_retrying_what_still_fails_says_so(world: World, terminal: Terminal) -> None:
    _, key = refused(world)
    world.people.set_rules(RULE)
    result = terminal.run("dead", "retry", key)
    assert result.exit_code == 1
    assert "no tasks today" in " ".join(result.stdout.split())
    assert state(world, key)[0] == "failed"


def test_a_dropped_effect_is_overtaken_and_stays_so(world: World, terminal: Terminal) -> None:
    acme, key = refused(world)
    result = terminal.run("dead", "drop", key, "--reason", "asked by phone", "--yes")
    assert (result.exit_code, result.stdout) == (0, "Dropped 1 effect and 0 parked records.\n")
    told, reason = state(world, key)
    assert told == "overtaken"
    assert reason is not None
    assert reason.startswith("dropped by ")
    assert reason.endswith(": asked by phone")
    world.next_day(3)
    assert world.kinds(("portfolio", acme)) == ["create_tickets"], "the next handoff comes as ever"
    assert state(world, key)[0] == "overtaken"
    with world.service.store.read() as connection:
        row = connection.execute(select(runs)).one()
        done = connection.execute(select(occurrences.c.state).where(occurrences.c.handoff == "1")).scalar_one()
    assert (row.command, row.reason, json.loads(row.arguments)["effects"]) == ("dead drop", "asked by phone", [key])
    assert done == "done"


def test_a_dropped_write_is_not_decided_anew(world: World, terminal: Terminal) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(30))
    world.work()
    rule = {**RULE, "type": "portfolio", "property": "creative_refresh_date"}
    world.people.set_rules(rule)
    world.people.set_status(portfolio, "No Refresh Requested")
    world.work()
    (key,) = [one["key"] for one in terminal.json("dead")["failed"]]
    world.people.set_rules()
    terminal.run("dead", "drop", key, "--reason", "moved by hand", "--yes")
    before = world.date(portfolio)
    world.next_day(2)
    assert world.date(portfolio) == before
    assert terminal.run("dead").exit_code == 0


def test_a_dropped_record_is_looked_at_when_it_changes(
    world: World, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    bolt = parked(world, monkeypatch)
    assert terminal.run("dead", "drop", bolt, "--reason", "the client has left", "--yes").exit_code == 0
    assert terminal.run("dead").exit_code == 0
    with world.service.store.read() as connection:
        row = connection.execute(select(runs)).one()
    assert "ZeroDivisionError" in json.loads(row.arguments)["records"][f"portfolio {bolt}"], "what it was is kept"
    world.people.set_refresh_date(bolt, world.day(3))
    world.work()
    assert world.kinds(("portfolio", bolt)) == ["kickoff"]


def test_dropping_asks(world: World, terminal: Terminal) -> None:
    _, key = refused(world)
    before = dump(world)
    nobody = terminal.run("dead", "drop", key, "--reason", "so")
    assert (nobody.exit_code, nobody.stdout) == (3, "")
    assert "add --yes" in nobody.stderr
    no = terminal.run("dead", "drop", key, "--reason", "so", typed="n\n")
    assert (no.exit_code, "nothing was dropped" in no.stderr) == (3, True)
    assert dump(world) == before


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["show", "4711"], 1, "“4711” is not parked, and nothing of it has failed"),
        (["show", "1:4711:start:0/task:kickoff"], 1, "there is no effect “1:4711:start:0/task:kickoff”"),
        (["show", "DONE"], 1, "has not failed: it is done"),
        (["retry"], 2, "name what to try again, or give --all"),
        (["retry", "1001", "--all"], 2, "name what to try again, or give --all"),
        (["retry", "nobody"], 1, "“nobody” is not parked"),
        (["retry", "--all"], 0, "Nothing is dead."),
        (["drop", "4711", "--reason", "so", "--yes"], 1, "“4711” is not parked"),
        (["drop", "4711"], 2, "--reason"),
        (["drop", "4711", "--reason", " "], 2, "say why"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_input_is_one_clear_line(
    world: World, terminal: Terminal, arguments: Sequence[str], code: int, message: str
) -> None:
    portfolio = world.people.create_portfolio("Done", world.day(3))
    world.work()
    named = [f"1:{portfolio}:start:0/task:kickoff" if one == "DONE" else one for one in arguments]
    result = terminal.run("dead", *named)
    assert (result.exit_code, result.stdout) == (code, ""), result.output
    assert message in " ".join(result.stderr.split())


@pytest.mark.parametrize("command", [["dead"], ["dead", "show", "1"], ["dead", "retry", "--all"]], ids=" ".join)
def test_without_a_database(world: World, terminal: Terminal, command: list[str]) -> None:
    result = terminal.run(*command, DATABASE_URL=f"sqlite:///{world.directory / 'nowhere.db'}")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "there is no database" in result.stderr


@pytest.mark.parametrize(("fault", "code"), [("token", 4), ("unreachable", 1)])
def test_a_portal_that_does_not_answer(world: World, terminal: Terminal, fault: str, code: int) -> None:
    refused(world)
    environment = {"HUBSPOT_ACCESS_TOKEN": "pat-wrong"} if fault == "token" else {}
    if fault == "unreachable":
        world.sandbox.faults.add(Fault("refused"))
    result = terminal.run("dead", "retry", "--all", **environment)
    assert (result.exit_code, result.stdout) == (code, ""), result.output
    assert "Error: " in result.stderr


def test_a_parked_ticket_is_named_by_its_kind(world: World, terminal: Terminal) -> None:
    with world.service.store.write() as connection:
        row = {
            "kind": "ticket",
            "id": "77",
            "lane": 0,
            "generation": 1,
            "priority": 0,
            "origin": "webhook",
            "attempts": 8,
        }
        now = to_ms(world.clock.now() - BLOCKED_AGAIN)
        times = {"marked_at": now, "look_at": now, "parked_at": now}
        connection.execute(work_items.insert().values(**row, **times, error="Traceback\nValueError: odd"))
    assert "ValueError: odd" in terminal.run("dead", "show", "ticket:77").stdout
    assert terminal.run("dead", "show", "portfolio:77").exit_code == 1
    assert terminal.run("dead", "retry", "77").exit_code == 0, "it is gone: there is nothing to look at"
