"""Every command finds a client by its id, its name or a part of it, and says what may be meant."""

import pytest

from tests.terminal import Terminal
from tests.world import World

PLAN, VERIFY, EXPLAIN, REPLAY = ("plan",), ("verify",), ("explain",), ("replay", "--portfolio")
BACKFILL, ADOPT = ("backfill", "--since", "2026-10-01"), ("adopt",)
EVERY = (PLAN, VERIFY, EXPLAIN, REPLAY, BACKFILL, ADOPT)


@pytest.fixture
def terminal(world: World, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    for name in ("Brightside Dental", "Brightwater Spa", "Müller & Söhne"):
        world.people.create_portfolio(name, world.day(40))
    world.work()
    world.people.flush_search()
    return Terminal(world, monkeypatch)


@pytest.mark.parametrize("command", EVERY, ids=" ".join)
class TestEveryCommand:
    def test_takes_a_part_and_says_which_it_is(self, terminal: Terminal, command: tuple[str, ...]) -> None:
        result = terminal.run(*command, "dental")
        assert result.exit_code == 0, result.output
        assert "Brightside Dental (portfolio " in result.stderr

    def test_takes_no_part_of_two(self, terminal: Terminal, command: tuple[str, ...]) -> None:
        result = terminal.run(*command, "bright")
        assert result.exit_code == 1
        assert "2 portfolios have “bright” in their name: give the id of one" in result.stderr
        assert "Brightwater Spa" in result.stderr

    def test_suggests_what_is_near(self, terminal: Terminal, command: tuple[str, ...]) -> None:
        result = terminal.run(*command, "muller")
        assert result.exit_code == 1
        assert "did you mean “Müller & Söhne” (" in result.stderr

    def test_says_that_the_search_is_late(self, terminal: Terminal, command: tuple[str, ...]) -> None:
        client = terminal.world.people.create_portfolio("Olive Bistro", terminal.world.day(40))
        result = terminal.run(*command, "Olive Bistro")
        assert result.exit_code == 1
        assert "one that was made less than a minute ago is found by its id alone" in result.stderr
        assert terminal.run(*command, client).exit_code == 0
        assert "less than a minute" not in terminal.run(*command, "4711").stderr


def test_one_that_the_service_has_seen_is_found_before_the_search_knows_it(terminal: Terminal) -> None:
    terminal.world.people.create_portfolio("Olive Bistro", terminal.world.day(40))
    terminal.world.work()
    assert terminal.run("explain", "Olive Bistro").exit_code == 0
    assert terminal.run("explain", "bistro").exit_code == 0


def test_a_name_that_was_changed_since_is_not_found_by_the_old_one(terminal: Terminal) -> None:
    world = terminal.world
    client = next(one.id for one in world.people.portfolios() if one["name"] == "Brightwater Spa")
    world.people.set("portfolio", client, {"name": "Bluewater Spa"})
    result = terminal.run("explain", "brightwater")
    assert result.exit_code == 1, "search and service still have the old name, the record has another"
