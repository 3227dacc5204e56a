"""The ten handoffs as people live them: what stands in the CRM at the end, however the news of it travelled.

Every story is told three times: with webhooks, with poll and sweep alone, and with deliveries doubled and shuffled. What a
webhook says of a value may be untrue by the time it comes, so nobody's word is taken from it (docs/process.md W.11). At its
end an hour passes, the poll and the sweep run again, and nothing may have changed.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from sync.sandbox.delivery import DeliveryMode
from tests.conftest import MakeWorld
from tests.world import World

CHANNELS: dict[str, dict[str, Any]] = {
    "webhooks": {},
    "poll and sweep": {"webhooks": False},
    "doubled and shuffled": {"mode": DeliveryMode(doubled=0.5, shuffled=True, rebatched=True)},
}
"""The ways in which the service learns of what people do."""


@pytest.fixture(params=list(CHANNELS.values()), ids=list(CHANNELS))
def make_world(request: pytest.FixtureRequest, make_world: MakeWorld) -> Iterator[MakeWorld]:
    """Worlds in which the service learns of changes by one of the ways; at the end of the story each must be at rest."""
    made: list[World] = []

    def make(**options: Any) -> World:
        made.append(make_world(**request.param, **options))
        return made[-1]

    yield make
    for world in made:
        before = everything(world)
        world.minutes(61)
        world.sweep()
        world.work()
        assert everything(world) == before, "an hour later, looked at again"


def everything(world: World) -> list[object]:
    """All that people can see of the service's work."""
    records = [(one.id, one.properties) for kind in ("portfolio", "ticket") for one in world.people.list(kind)]
    hidden = {"hs_lastmodifieddate"}
    shown = [(i, {name: value for name, value in values.items() if name not in hidden}) for i, values in records]
    return [shown, world.tasks(), world.emails()]
