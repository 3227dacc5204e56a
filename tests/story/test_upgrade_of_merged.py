"""A database of 0.2 is taken over in a portal that merged records in the old way: the primary kept its id.

Version 0.2 set aside what was open for the other record, and went on with the primary's alone. Nothing of that is made
again, or at last, by the version that knows better (docs/process.md M.6, M.7).
"""

import sqlite3
from collections.abc import Sequence

import pytest

from sync.sandbox.quirks import Quirks
from tests.conftest import MakeWorld
from tests.story.before.bring_back import Client, bring_back
from tests.story.test_upgrade import seen
from tests.world import World


def merged_under_0_2(world: World, pairs: Sequence[tuple[Client, Client]]) -> None:
    """People merge while 0.2 runs; it looks, and sets aside what was open for those that are gone."""
    with sqlite3.connect(world.directory / "handoffs.db") as database:
        for primary, other in pairs:
            assert world.people.merge("portfolio", primary.portfolio, other.portfolio) == primary.portfolio
            database.execute(
                "UPDATE occurrence SET state = 'gone' WHERE state = 'open' AND portfolio = ? AND record_kind = 'portfolio'",
                (other.portfolio,),
            )
            database.execute("DELETE FROM wait WHERE portfolio = ?", (other.portfolio,))
            moved = [(primary.portfolio, ticket) for ticket in other.tickets]
            database.executemany(
                "UPDATE occurrence SET portfolio = ? WHERE record_kind = 'ticket' AND record = ?", moved
            )
            database.executemany("UPDATE membership SET portfolio = ? WHERE ticket = ?", moved)
    world.people.flush_search()


@pytest.mark.parametrize(("apart", "lost"), [(3, False), (7, False), (9, False), (7, True)])
def test_nothing_is_made_again(make_world: MakeWorld, apart: int, lost: bool) -> None:
    """`apart`: so many steps of the process are between the two that are merged."""
    world = make_world(webhooks=False, quirks=Quirks(merge_keeps_primary=True))
    clients = bring_back(world, "0.2")
    names, pairs = list(clients), list[tuple[Client, Client]]()
    for place, name in enumerate(names):
        other = names[(place + apart) % len(names)]
        if not {clients[name].portfolio, clients[other].portfolio} & {one.portfolio for pair in pairs for one in pair}:
            pairs.append((clients[name], clients[other]))
    assert len(pairs) >= 7
    merged_under_0_2(world, pairs)
    before = seen(world)
    world.restart(lose_database=lost)
    world.work()
    world.sweep()
    world.work()
    for _ in range(12):
        world.minutes(60)
    assert seen(world) == before


def test_the_month_goes_on(make_world: MakeWorld) -> None:
    """The implementation task closes the cycle, once; what of the other one was for its own cycle is closed with it."""
    world = make_world(webhooks=False, quirks=Quirks(merge_keeps_primary=True))
    clients = bring_back(world, "0.2")
    approved, announced = clients["Approved"], clients["Announced"]
    merged_under_0_2(world, [(approved, announced)])
    world.restart()
    world.work()
    made = {task.id for task in world.tasks()}
    emails, date = len(world.emails()), world.date(approved.portfolio)
    mine = world.tasks(("portfolio", approved.portfolio))
    (task,) = [task for task in mine if task.key.endswith("/task:implement")]
    world.people.complete_task(task.id)
    for _ in range(3):
        world.minutes(61)
    assert world.status(approved.portfolio) == ""
    assert world.date(approved.portfolio) > date
    assert world.receivers()[emails:] == ["account_manager"]
    assert {task.id for task in world.tasks()} == made
    assert [task.subject for task in world.tasks(("portfolio", approved.portfolio)) if task.open] == []
