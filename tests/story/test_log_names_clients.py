"""Whoever reads the log at night knows the clients by their names, and no ids."""

import json
from io import StringIO

import pytest
import structlog

from sync import log
from tests.world import World


def test_each_line_of_a_record_names_its_client(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    acme = world.people.create_portfolio("Acme Shoes", world.day(5), account_manager=None)
    world.people.create_ticket("Banner", "Autumn", acme)
    printed = StringIO()
    monkeypatch.setattr("sys.stderr", printed)
    log.configure("json")
    try:
        world.work()
    finally:
        structlog.reset_defaults()
    lines = [json.loads(line) for line in printed.getvalue().splitlines()]
    told = {line["event"]: line.get("client") for line in lines if "record" in line or "effect" in line}
    assert {"handoff.decided", "effect.settled"} <= set(told)
    assert set(told.values()) == {"Acme Shoes"}, told
