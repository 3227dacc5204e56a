"""One cycle of one portfolio, a step at a time: for stories in which something happens to the service on the way."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from tests.world import World

PAST = "2026-01-01"
"""Going live long ago: a lost database then tells nothing of what is older than the causes."""


def seen(world: World) -> tuple[Counter[str], Counter[tuple[str, str]]]:
    """Every task by its key, and every email."""
    return Counter(task.key for task in world.tasks()), Counter(world.emails())


BODY = "task: {key_carrier: body}\n"
"""A mapping by which tasks carry their keys in their bodies."""


class Story:
    """One portfolio's cycle, a step at a time."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.people = world.people
        self.portfolio = self.people.create_portfolio("Acme", world.day(10), link="https://lab.example/acme")
        self.tickets: list[str] = []
        world.work()

    def do(self, name: str) -> None:
        step: Callable[[], None] = getattr(self, name)
        step()

    def kicked_off(self) -> None:
        assert self.world.kinds() == ["kickoff"]

    def confirmed(self) -> None:
        self.people.set_status(self.portfolio, "Refresh Request Submitted")
        self.world.minutes(1)

    def arrived(self) -> None:
        self.people.set_refresh_date(self.portfolio, self.world.day(0))
        self.world.minutes(1)
        assert self.world.kinds()[-1] == "create_tickets"

    def staffed(self) -> None:
        self.tickets = [self.people.create_ticket(f"t{n}", "Autumn", self.portfolio) for n in range(2)]
        self.people.set_status(self.portfolio, "Deliverables Submitted")
        self.world.minutes(1)
        assert self.world.kinds()[-4:] == ["write_copy", "design_graphics"] * 2

    def ready(self) -> None:
        for ticket in self.tickets:
            self.people.move_ticket(ticket, "Pending Approval")
        self.world.minutes(1)
        assert self.world.kinds()[-1] == "share_deliverables"

    def revised(self) -> None:
        self.people.request_revisions(self.tickets[0], "Copy Revisions Only", note="Warmer, please")
        self.world.minutes(1)
        assert self.world.kinds()[-1] == "revise_copy"

    def ready_again(self) -> None:
        self.people.complete_task(self.world.tasks()[-1].id)
        self.people.move_ticket(self.tickets[0], "Pending Approval")
        self.world.minutes(1)
        assert self.world.kinds()[-1] == "share_deliverables"

    def approved(self) -> None:
        self.people.set_status(self.portfolio, "Creatives Completed & Approved")
        self.world.minutes(1)
        assert self.world.kinds()[-1] == "implement"

    def implemented(self) -> None:
        self.people.complete_task(self.world.tasks()[-1].id)
        self.world.minutes(1)
        assert self.world.status(self.portfolio) == ""
        assert self.world.receivers()[-1] == "account_manager"

    def declined(self) -> None:
        self.people.set_status(self.portfolio, "No Refresh Requested")
        self.world.minutes(1)


STAGES = ("kicked_off", "confirmed", "arrived", "staffed", "ready", "revised", "ready_again", "approved", "implemented")


def reach(world: World, stage: str) -> Story:
    story = Story(world)
    for name in STAGES[: STAGES.index(stage) + 1]:
        story.do(name)
    return story


def lost(world: World, *, at_once: bool) -> tuple[Counter[str], Counter[tuple[str, str]]]:
    """What is seen days after the file was lost; `at_once`: while the search did not show the newest tasks yet."""
    world.clock.advance(timedelta(seconds=1) if at_once else timedelta(minutes=30))
    world.restart(lose_database=True)
    world.work()
    world.minutes(5)
    world.sweep()
    world.minutes(30)
    world.next_day()
    return seen(world)
