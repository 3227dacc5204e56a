"""How long a webhook takes to its finished effect, where nothing else is to do and the CRM answers at once."""

import statistics
import tempfile
import threading
import time
from pathlib import Path

from sync.service.worker import Worker
from tests.bench.figures import Figure
from tests.world import World

GIVEN_UP_AFTER = 10.0


def webhook_to_effect(times: int) -> Figure:
    """Seconds from the answer to a webhook until the task that it leads to stands in the CRM."""
    took = []
    with tempfile.TemporaryDirectory() as directory:
        world = World(Path(directory), email_url=None)
        world.work()
        world.clock.run()
        worker = Worker(world.service)
        thread = threading.Thread(target=worker.run, daemon=True)
        thread.start()
        try:
            time.sleep(3)  # the start's sweep
            for number in range(times):
                took.append(_one(world, number))
                time.sleep(0.2 + 0.037 * number % 0.5)  # at any moment of what may be a tick
        finally:
            worker.stop()
            thread.join(5)
            world.close()
    return Figure(
        "webhook → finished effect, idle, the CRM answering at once", "seconds, median",
        ours=statistics.median(took), wanted=0.15, details={"seconds": [round(one, 3) for one in sorted(took)]},
    )  # fmt: skip


def _one(world: World, number: int) -> float:
    before = _tasks(world)
    world.people.create_portfolio(f"Client {number}", world.day(5))
    while not world.sandbox.delivery.pump().events:
        time.sleep(0.005)
    began = time.monotonic()
    while _tasks(world) == before:
        if time.monotonic() - began > GIVEN_UP_AFTER:
            raise AssertionError("a webhook came to nothing")
        time.sleep(0.002)
        world.sandbox.delivery.pump()
    return time.monotonic() - began


def _tasks(world: World) -> int:
    return sum(1 for _ in world.sandbox.portal.records(world.sandbox.portal.type("task").id))
