"""Twenty thousand clients: no page costs more than a certain multiple of one that only fills in a template."""

import pytest

from tests.bench.board import AT_MOST, PAGES, took
from tests.board.browser import Visitor, visitor
from tests.board.many import plant
from tests.conftest import MakeWorld

CLIENTS = 20_000


@pytest.fixture
def dana(make_world: MakeWorld) -> Visitor:
    world = make_world()
    plant(world.service.store, CLIENTS, world.clock.now())
    return visitor(world)


def test_every_page_stays_quick_and_short(dana: Visitor) -> None:
    plain = took(dana, "/board/login")
    for path in PAGES:
        assert took(dana, path) < AT_MOST * plain, path
        assert len(dana.get(path).data) < 100_000, path
    assert "20,000 clients" in dana.see("/board")
