"""Puts the database and the CRM that an earlier version left behind into a world of today."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sync.clock import from_ms
from sync.sandbox.portal import Link, Portal, SentEmail
from sync.sandbox.schema import Actor
from tests.databases import ON_POSTGRESQL
from tests.world import World

HERE = Path(__file__).parent

VERSIONS = ("0.1", "0.2")


@dataclass(frozen=True)
class Client:
    """Where a client's records are: ids."""

    portfolio: str
    tickets: list[str]


def bring_back(world: World, version: str) -> dict[str, Client]:
    """Give a new, empty world what the version had; its clients by name. The service starts on it as after an upgrade."""
    if ON_POSTGRESQL:
        pytest.skip("these versions knew SQLite alone")
    source = HERE / version
    kept = json.loads((source / "portal.json").read_text(encoding="utf-8"))
    world.service.close()
    for path in world.directory.glob("handoffs.db*"):
        path.unlink()
    with sqlite3.connect(world.directory / "handoffs.db") as database:
        database.executescript((source / "handoffs.sql").read_text(encoding="utf-8"))
    _fill(world.sandbox.portal, kept)
    world.clock.set(datetime.fromisoformat(kept["now"]))
    world.people.flush_search()
    world.restart()
    clients = json.loads((source / "clients.json").read_text(encoding="utf-8"))
    return {name: Client(**client) for name, client in clients.items()}


def _fill(portal: Portal, kept: Mapping[str, Any]) -> None:
    """Make every record anew under its own id, version by version, each at its time and by whoever made it."""
    records = [(kind, one) for kind, many in kept["records"].items() for one in many]
    for kind, one in records:
        _make(portal, kind, one)
    for kind, one in records:
        for to_kind, ends in one["links"].items():
            for to, types in ends.items():
                with portal.as_of(from_ms(one["created"])):
                    portal.link(kind, one["id"], Link(to_kind, int(to), tuple(types)), Actor("CRM_UI", ""))
    for kind, one in records:
        if one["archived"] is not None:
            with portal.as_of(from_ms(one["archived"])):
                portal.archive(kind, one["id"], Actor("CRM_UI", ""))
    for email, send_id, to, at, message, properties in kept["emails"]:
        portal.emails.append(SentEmail(email, send_id, to, at, message, properties))


def _make(portal: Portal, kind: str, one: Mapping[str, Any]) -> None:
    definitions = portal.types[kind].properties
    versions = sorted(_versions(one["history"]), key=lambda version: version[0])
    saves: dict[tuple[int, Actor], dict[str, str]] = {}
    for at, name, value, actor in versions:
        if not definitions[name].read_only:
            saves.setdefault((at, actor), {})[name] = value
    portal._next_id[kind] = one["id"]
    made = False
    for (at, actor), values in saves.items():
        with portal.as_of(from_ms(at)):
            if made:
                portal.update(kind, one["id"], values, actor, force=True)
            else:
                portal.create(kind, values, actor)
                made = True


def _versions(history: Mapping[str, Any]) -> Iterator[tuple[int, str, str, Actor]]:
    for name, versions in history.items():
        for value, at, source_type, source_id, user in versions:
            yield at, name, value, Actor(source_type, source_id, user)
