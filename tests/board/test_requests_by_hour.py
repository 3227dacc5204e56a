"""How the requests to HubSpot are spread over the day, on the page of the service's health."""

import re
from datetime import timedelta

from sqlalchemy import text

from sync.service.worker import Worker
from sync.storage import budget, budget_hours
from sync.storage.budget_hours import KEPT
from tests.board.browser import visitor
from tests.world import World

HOUR = timedelta(hours=1)


def made(world: World) -> list[int | None]:
    """The requests of each of the last four hours."""
    with world.service.store.read() as connection:
        return [one.sum for one in budget_hours.find(connection, world.clock.now(), 4)]


def used(world: World) -> int:
    with world.service.store.read() as connection:
        return sum(budget.used(connection).values())


def test_each_hour_has_the_requests_that_were_made_in_it(world: World) -> None:
    worker = Worker(world.service)
    worker.turn()
    first = used(world)
    assert made(world) == [None] * 4, "nobody knows when those before were made"
    for _ in range(2):
        world.clock.advance(HOUR)
        worker.turn()
        world.clock.advance(timedelta(minutes=6))
        worker.turn()
    counted = made(world)
    assert counted[:2] == [None, None]
    assert all(counted[2:])
    with world.service.store.write() as connection:
        budget_hours.note(connection, world.clock.now())
    assert sum(one or 0 for one in made(world)) == used(world) - first


def test_an_hour_in_which_nobody_noted_them_is_not_told_as_none(world: World) -> None:
    worker = Worker(world.service)
    worker.turn()
    world.clock.advance(2 * HOUR)
    worker.turn()
    assert [one is None for one in made(world)] == [True, True, True, False]


def test_old_hours_are_forgotten(world: World) -> None:
    Worker(world.service).turn()
    world.clock.advance(KEPT + HOUR)
    Worker(world.service).turn()
    with world.service.store.read() as connection:
        kept = connection.execute(text("SELECT count(DISTINCT hour) FROM budget_hour")).scalar_one()
    assert kept == 1
    assert made(world) == [None] * 4, "there is nothing to count it from"


def test_the_page_shows_them_and_says_them(world: World) -> None:
    worker, dana = Worker(world.service), visitor(world)
    worker.turn()
    assert "Requests by hour" not in dana.see("/board/health")
    world.clock.advance(HOUR)
    worker.turn()
    page = dana.get("/board/health").text
    [picture] = re.findall(r'<svg class="columns".*?</svg>', page)
    count = made(world)[-1]
    assert f"<title>{count:,} requests in these hours, the most from 10:00 on: {count:,}</title>" in picture
    assert picture.count("<rect") == 1
    assert f'<tr><th scope="row">10:00</th><td>{count:,}</td></tr>' in page
    assert page.count("not noted") == 23
