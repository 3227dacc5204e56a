"""What people do up to a point of the process, and how a story finds the tasks that came of it."""

from typing import Any
from zoneinfo import ZoneInfo

from mappings.vocabulary import TaskKind
from sync.rules import keys
from sync.sandbox.people import SeenTask
from tests.world import World

AM, SAS, COPYWRITER, DESIGNER = "account_manager", "social_ad_specialist", "copywriter", "graphic_designer"


NEW_YORK = ZoneInfo("America/New_York")


def on(portfolio: str) -> tuple[str, str]:
    return ("portfolio", portfolio)


def of(world: World, kind: str, *records: tuple[str, str]) -> list[SeenTask]:
    """The service's tasks of one kind."""
    return [task for task in world.tasks(*records) if task.key.endswith(keys.suffix_of(TaskKind(kind)))]


def the(world: World, kind: str, *records: tuple[str, str]) -> SeenTask:
    (task,) = of(world, kind, *records)
    return task


def due(task: SeenTask) -> str:
    assert task.due is not None
    return task.due.astimezone(NEW_YORK).strftime("%Y-%m-%d %H:%M")


def begun(world: World, **options: Any) -> str:
    """A portfolio whose date has come today."""
    portfolio = world.people.create_portfolio("Acme", world.day(0), link="https://lab.example/acme", **options)
    world.work()
    return portfolio


def with_tickets(world: World, portfolio: str, count: int = 2, folder: str = "Winter") -> list[str]:
    tickets = [world.people.create_ticket(f"Ad {n}", folder, portfolio) for n in range(1, count + 1)]
    world.work()
    return tickets


def ready(world: World, *tickets: str) -> None:
    for ticket in tickets:
        world.people.move_ticket(ticket, "Pending Approval")
    world.work()


def in_review(world: World, count: int = 2) -> tuple[str, list[str]]:
    """A portfolio whose Ad Set has been announced."""
    portfolio = begun(world)
    tickets = with_tickets(world, portfolio, count)
    world.people.set_status(portfolio, "Deliverables Submitted")
    ready(world, *tickets)
    return portfolio, tickets


def approved(world: World) -> str:
    portfolio, _ = in_review(world)
    world.people.set_status(portfolio, "Creatives Completed & Approved")
    world.work()
    return portfolio
