"""No pass runs unprepared: it takes a held lane, only the service gives one, and it prepares first."""

import ast
import inspect
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import get_type_hints

import pytest

import sync
from sync.passes import recovery
from sync.passes.held_lane import HeldLane
from sync.passes.reconcile import Reconciler
from sync.service.lanes import PreparedLanes
from tests.world import World

Hold = Callable[[PreparedLanes], AbstractContextManager[HeldLane | None]]


def trees() -> Iterator[tuple[str, ast.Module]]:
    """Every file of the service, parsed."""
    (root,) = map(Path, sync.__path__)
    for file in sorted(root.rglob("*.py")):
        yield file.relative_to(root).as_posix(), ast.parse(file.read_text(encoding="utf-8"))


def imports_of(module: str, name: str) -> Iterator[str]:
    """The files of the service that import this name of this module."""
    for file, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == module and name in {one.name for one in node.names}:
                yield file


def calls_of(name: str) -> Iterator[str]:
    """The files of the service in which something of this name is called."""
    for file, tree in trees():
        for node in ast.walk(tree):
            called = node.func if isinstance(node, ast.Call) else None
            if (isinstance(called, ast.Name) and called.id == name) or (
                isinstance(called, ast.Attribute) and called.attr == name
            ):
                yield file


def test_a_pass_takes_a_held_lane() -> None:
    lane = inspect.signature(Reconciler.run).parameters["lane"]
    assert lane.default is inspect.Parameter.empty
    assert get_type_hints(Reconciler.run)["lane"] is HeldLane


@pytest.mark.parametrize(
    ("name", "file"), [("HeldLane", "service/lanes.py"), ("PreparedLanes", "service/bootstrap.py")]
)
def test_only_prepared_lanes_give_one_and_only_the_service_gives_these(name: str, file: str) -> None:
    assert set(calls_of(name)) == {file}


@pytest.mark.parametrize(("module", "name"), [("sweep", "Sweep"), ("poll", "poll")])
def test_only_the_service_sweeps_and_polls(module: str, name: str) -> None:
    assert set(imports_of(f"sync.passes.{module}", name)) == {"service/bootstrap.py"}


@pytest.mark.parametrize("hold", [lambda lanes: lanes.one(0), PreparedLanes.every], ids=["one", "every"])
def test_whoever_holds_a_lane_has_it_prepared(world: World, hold: Hold) -> None:
    assert recovery.is_needed(world.service.store)
    with hold(world.service.lanes()) as held:
        assert held is not None
        assert not recovery.is_needed(world.service.store)
        world.service.reconciler.run(held, [])
    with pytest.raises(RuntimeError, match="given up"):
        world.service.reconciler.run(held, [])
    with world.service.lanes().one(0, stop=lambda: True) as none:
        assert none is None
