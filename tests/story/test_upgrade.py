"""A database from before is taken over: nothing is made again, and each client's month goes on from where it was."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.conftest import MakeWorld
from tests.story.before.bring_back import VERSIONS, Client, bring_back
from tests.world import World

Clients = Mapping[str, Client]


def seen(world: World) -> dict[str, Any]:
    """Everything that people can see, but for when it was last touched."""
    records = {(kind, one.id): one.properties for kind in ("portfolio", "ticket") for one in world.people.list(kind)}
    return {
        "records": {ref: {k: v for k, v in one.items() if "modified" not in k} for ref, one in records.items()},
        "tasks": {task.id: (task.key, task.subject, task.body, task.open) for task in world.tasks()},
        "emails": [(mail.to, mail.properties) for mail in world.people.emails()],
    }


@pytest.fixture(params=VERSIONS)
def upgraded(request: pytest.FixtureRequest, make_world: MakeWorld) -> tuple[World, Clients]:
    world = make_world(webhooks=False)
    return world, bring_back(world, request.param)


def test_nothing_is_made_again(upgraded: tuple[World, Clients]) -> None:
    world, _ = upgraded
    before = seen(world)
    assert len(before["tasks"]) > 40
    assert len(before["emails"]) > 30
    world.work()
    world.sweep()
    world.work()
    for _ in range(12):
        world.minutes(60)
    assert seen(world) == before


def test_nothing_is_made_again_where_the_database_is_lost_too(upgraded: tuple[World, Clients]) -> None:
    world, _ = upgraded
    before = seen(world)
    world.restart(lose_database=True)
    world.work()
    for _ in range(12):
        world.minutes(60)
    world.sweep()
    world.work()
    after = seen(world)
    assert after == before


# -- and the month goes on


def _date_comes_near(world: World, client: Client) -> None:
    world.people.set_refresh_date(client.portfolio, world.day(7))


def _date_comes(world: World, client: Client) -> None:
    world.people.set_refresh_date(client.portfolio, world.day(0))


def _a_ticket_is_made(world: World, client: Client) -> None:
    world.people.create_ticket("One more", "Winter", client.portfolio)


def _all_ready(world: World, client: Client) -> None:
    for ticket in client.tickets:
        world.people.move_ticket(ticket, "Pending Approval")


def _status(status: str) -> Callable[[World, Client], None]:
    return lambda world, client: world.people.set_status(client.portfolio, status)


def _delivered(world: World, client: Client) -> None:
    world.people.set("ticket", client.tickets[0], {"copy_approval": "Approved"})
    world.people.move_ticket(client.tickets[0], "Pending Approval")


def _revised_again(world: World, client: Client) -> None:
    """The round before was delivered as the article asks, and its task never ticked: it was no round to version 0.2."""
    world.people.request_revisions(client.tickets[0], "Copy Revisions Only", note="Warmer, please")


def _implementation_ticked(world: World, client: Client) -> None:
    (task,) = [task for task in world.tasks(("portfolio", client.portfolio)) if task.key.endswith("/task:implement")]
    world.people.complete_task(task.id)


def _somebody_is_named(world: World, client: Client) -> None:
    world.people.set("portfolio", client.portfolio, {"account_manager": world.people.owner("account_manager")})


KICKOFF = (["kickoff"], ["account_manager"])
ARRIVED = (["create_tickets"], ["social_ad_specialist"])
READY = (["share_deliverables"], ["account_manager", "social_ad_specialist"])
CLOSED: tuple[list[str], list[str]] = ([], ["account_manager"])

GOES_ON: Mapping[str, tuple[Callable[[World, Client], None], tuple[list[str], list[str]], str]] = {
    "Quiet": (_date_comes_near, KICKOFF, ""),
    "Kicked off": (_date_comes, ARRIVED, ""),
    "Confirmed": (_date_comes, ARRIVED, "Refresh Request Submitted"),
    "Arrived": (_a_ticket_is_made, (["write_copy", "design_graphics"], []), "Refresh Request Submitted"),
    "With tickets": (_all_ready, READY, "Creatives Pending Approval"),
    "Half ready": (_all_ready, READY, "Creatives Pending Approval"),
    "Announced": (
        _status("Creatives Completed & Approved"), (["implement"], ["social_ad_specialist"]), "Creatives Completed & Approved",
    ),
    "Revised": (_delivered, READY, "Creatives Pending Approval"),
    "Delivered": (_revised_again, (["revise_copy"], []), "Creatives Pending Approval"),
    "Approved": (_status("Creatives Implemented"), CLOSED, ""),
    "Slipped": (_implementation_ticked, CLOSED, ""),
    "Implemented": (_date_comes_near, KICKOFF, ""),
    "By task": (_date_comes_near, KICKOFF, ""),
    "Declined": (_date_comes_near, KICKOFF, ""),
    "Corrected": (_a_ticket_is_made, (["write_copy", "design_graphics"], []), "Refresh Request Submitted"),
    "Blocked": (_somebody_is_named, KICKOFF, ""),
}  # fmt: skip
"""What its people do next at each client; the tasks and emails that follow, no more, and the status in the end."""


def test_the_month_goes_on(upgraded: tuple[World, Clients]) -> None:
    world, clients = upgraded
    assert set(GOES_ON) == set(clients)
    world.minutes(60)
    for name, (act, expected, status) in GOES_ON.items():
        tasks, emails = {task.id for task in world.tasks()}, world.receivers()
        act(world, clients[name])
        for _ in range(5):
            world.minutes(61)
        made = [task for task in world.tasks() if task.id not in tasks]
        mailed = list((Counter(world.receivers()) - Counter(emails)).elements())
        assert ([task.key.rpartition(":")[2] for task in made], sorted(mailed)) == expected, name
        assert world.status(clients[name].portfolio) == status, name


def test_a_repeat_counts_what_was_announced_before_the_upgrade(upgraded: tuple[World, Clients]) -> None:
    """docs/process.md 5.23, 5.20: by the set's name, though a ticket has left it since and another one has joined."""
    world, clients = upgraded
    client = clients["Announced"]
    world.minutes(60)
    left, *_ = client.tickets
    folder = world.people.list("ticket")[0].properties["deliverable_folder_name"]
    world.people.set("ticket", left, {"deliverable_folder_name": "Another"})
    joined = world.people.create_ticket("One more", folder, client.portfolio)
    world.people.move_ticket(joined, "Pending Approval")
    for _ in range(3):
        world.minutes(61)
    shared = [task for task in world.tasks(("portfolio", client.portfolio)) if task.key.endswith("share_deliverables")]
    older, newer = sorted(shared, key=lambda task: int(task.id))
    assert newer.subject == f"{older.subject}, second announcement"
    assert (older.open, newer.open) == (False, True)
