"""What several stories begin with."""

import pytest

from tests.conftest import MakeWorld
from tests.story.before.bring_back import bring_back
from tests.world import World


@pytest.fixture
def at_every_step(make_world: MakeWorld) -> World:
    """Clients at every step of a cycle, on a service that has looked at each."""
    world = make_world(webhooks=False)
    bring_back(world, "0.2")
    world.work()
    return world
