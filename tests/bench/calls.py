"""How many CRM calls a day costs, against the plainest way to do the same: `python -m tests.bench.calls [PORTFOLIOS]`.

Both look at the same simulated portal of portfolios at every stage, over the same day: a sweep, and a poll every five
minutes of an eight-hour working day, in which one portfolio in twenty changes. The baseline reads each portfolio with its
history, its tickets' ids and each ticket, one call a record, at every look: what a script without batches, history or
memory of what it has seen has to do. It decides and writes nothing; ours does all its work.
"""

import random
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import requests
import structlog

from sync.sandbox.situations import populate
from tests.world import World

POLLS = 96
"""Eight hours, one every five minutes."""


def naive_look(session: requests.Session, world: World) -> int:
    """One look at everything, a record a call; how many calls."""
    names, url = world.sandbox.process.names, world.settings.hubspot_base_url
    head = {"Authorization": f"Bearer {world.sandbox.token}"}
    calls = 0

    def post(path: str, body: dict[str, object]) -> dict[str, object]:
        nonlocal calls
        answer = session.post(url + path, json=body, headers=head, timeout=10)
        while answer.status_code == 429:  # over 190 in 10 s: it has to wait, and is not charged for that here
            world.clock.advance(timedelta(seconds=1))
            answer = session.post(url + path, json=body, headers=head, timeout=10)
        calls += 1
        answer.raise_for_status()
        found: dict[str, object] = answer.json()
        return found

    for portfolio in world.people.portfolios():
        wanted = {
            "inputs": [{"id": portfolio.id}],
            "propertiesWithHistory": [names.status, names.date],
            "properties": [],
        }
        post(f"/crm/objects/2026-09/{names.object_name}/batch/read", wanted)
        post(f"/crm/associations/2026-09/{names.object_name}/tickets/batch/read", {"inputs": [{"id": portfolio.id}]})
        for ticket in world.people.tickets(portfolio.id):
            one = {"inputs": [{"id": ticket.id}], "propertiesWithHistory": ["hs_pipeline_stage"], "properties": []}
            post("/crm/objects/2026-09/tickets/batch/read", one)
    return calls


def a_day(world: World, portfolios: list[str], dice: random.Random) -> None:
    """The service's day: a sweep, then polls, while people change a portfolio in twenty."""
    world.next_day()
    changes = dict.fromkeys(dice.sample(range(POLLS), k=min(POLLS, max(1, len(portfolios) // 20))), True)
    for number in range(POLLS):
        if number in changes:
            world.people.note("portfolio", dice.choice(portfolios), "a word from the client")
            world.people.set("portfolio", dice.choice(portfolios), {"most_recent_ad_lab_link": f"https://lab/{number}"})
        world.clock.advance(timedelta(minutes=5))
        world.work()


def main() -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    dice = random.Random(7)
    with tempfile.TemporaryDirectory() as directory:
        world = World(Path(directory), webhooks=False)
        populate(world.sandbox.portal, world.sandbox.process, count, dice)
        portfolios = [portfolio.id for portfolio in world.people.portfolios()]
        world.next_day()  # the first day fires what the populated portal has due; the second is an ordinary one
        session = world.sandbox.mount(requests.Session())
        a_look = naive_look(session, world)
        before, began = world.sandbox.log.total, time.perf_counter()
        a_day(world, portfolios, dice)
        ours, seconds = world.sandbox.log.total - before, time.perf_counter() - began
        world.service.close()
    baseline = a_look * (POLLS + 1)
    print(f"{count} portfolios, a day of one sweep and {POLLS} polls, one portfolio in twenty changed:")
    print(f"  one call a record   {baseline:9,d} calls   ({a_look:,d} a look)")
    print(f"  this service        {ours:9,d} calls   ({seconds:.1f} s of work in one process)")
    print(f"  ratio               {baseline / ours:9.0f} : 1")
    return 0


if __name__ == "__main__":
    sys.exit(main())
