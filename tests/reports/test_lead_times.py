"""What a report says of a simulated agency is what its seed has planted."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sync.reports.report import By, Wanted, read_report
from sync.reports.tickets import tickets_of
from sync.storage.ledger.past import read_past
from tests.conftest import MakeWorld
from tests.reports.agency import LEADS, ZONE, Agency, Sum, _Ticket
from tests.world import World

AUTUMN = datetime(2026, 10, 5, 13, 0, tzinfo=UTC)  # a Monday, 9:00 in New York; the clocks change on 1 November
MAPPING = "time_zone: America/New_York\nrules: {effects_per_hour: 100000}\n"
SHORT = 0.01
"""Of so many days nobody speaks: a pass takes its time, and a closing counts after two minutes."""


def differences(found: Any, planted: Any, path: str = "") -> list[str]:
    """Tell each figure that is another than was planted."""
    if isinstance(planted, dict):
        return [text for name in planted for text in differences(found[name], planted[name], f"{path}.{name}")]
    if isinstance(planted, float) and isinstance(found, int | float):
        close = abs(found - planted) <= SHORT * max(1, abs(planted) / 20)
        return [] if close else [f"{path}: {found}, and {planted:.3f} was planted"]
    return [] if found == planted else [f"{path}: {found}, and {planted} was planted"]


def wrong(world: World, agency: Agency) -> list[str]:
    """Tell what a report says otherwise than planted: in all, by client, by month."""
    service = world.service
    with service.store.read() as connection:

        def told(by: By) -> dict[str, Any]:
            return read_report(connection, service.mapping, Wanted(until=agency.end), by, service.clock.now()).as_json()

        by_client, by_month = told(By.CLIENT), told(By.MONTH)
    found = differences(by_client["total"], Sum(agency.clients, AUTUMN, agency.end).as_json(), "total")
    groups: dict[str, Any] = {group["name"]: group for group in by_client["groups"]}
    for client in agency.clients:
        found += differences(groups[client.name], Sum([client], AUTUMN, agency.end).as_json(), client.name)
    for group in by_month["groups"]:
        first = datetime.fromisoformat(f"{group['name']}-01").replace(tzinfo=ZONE)
        after = (first + timedelta(days=32)).replace(day=1).astimezone(UTC)
        planted = Sum(agency.clients, first.astimezone(UTC), min(after, agency.end))
        found += differences(group, planted.as_json(), group["name"])
    return found


def lived(make_world: MakeWorld, clients: int, days: int, seed: int) -> tuple[World, Agency]:
    world = make_world(start=AUTUMN, mapping=MAPPING)
    agency = Agency(world, clients, days, seed)
    agency.play()
    return world, agency


def test_figures_are_what_was_planted(make_world: MakeWorld) -> None:
    world, agency = lived(make_world, 4, 40, 0)
    planted = Sum(agency.clients, AUTUMN, agency.end).as_json()
    assert all(planted["days"][lead]["count"] for lead in LEADS), "every length of time is shown"
    assert planted["cycles"]["declined"]
    assert not wrong(world, agency)


def test_a_round_is_planted_though_it_is_asked_for_in_the_night_after_the_one_before(make_world: MakeWorld) -> None:
    """Seed 1 of 60 clients: the value still stood from the round before, and nobody can set what stands already."""
    world = make_world(start=AUTUMN, mapping=MAPPING)
    agency, ticket = Agency(world, 1, 40, 0), _Ticket(world.clock.now())
    [client] = agency.clients
    client.portfolio = world.people.create_portfolio(client.name, world.day(0))
    ask, deliver = agency._ask(client, ticket, "Copy Revisions Only"), agency._deliver(client, ticket)
    for act in (agency._make(client, ticket), deliver, ask, deliver, ask):
        act()
        world.clock.advance(timedelta(hours=1))
    with world.service.store.read() as connection:
        [past] = read_past(connection, [client.portfolio]).values()
    assert [one.rounds for one in tickets_of(past)] == [2]
