"""The process ends between any two steps, answers get lost, writes land late: every effect happens once all the same.

One busy morning is prepared once. Each test ends a copy of it in another way and compares what the CRM, the mailboxes
and the ledger hold with what an undisturbed morning leaves.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, cast

import pytest

from sync.sandbox.faults import Fault, FaultKind
from tests.story import busy_day
from tests.story.copies import in_copy
from tests.world import World


class Crash(BaseException):
    """The end of the process: no code may catch it."""


@dataclass(frozen=True)
class Morning:
    """The prepared world, what its undisturbed end looks like, the steps of that run and the writes that it sends."""

    world: World
    end: dict[str, Any]
    steps: list[str]
    writes: list[str]


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Morning]:
    world = World(tmp_path_factory.mktemp("morning"))
    busy_day.act(world, busy_day.prepare(world))
    world.sandbox.delivery.pump()
    end, steps, writes = in_copy(world, _undisturbed)
    assert end["effects"], "the day is busy"
    yield Morning(world, end, steps, writes)
    world.service.close()


def _undisturbed(world: World) -> tuple[dict[str, Any], list[str], list[str]]:
    steps: list[str] = []
    world.checkpoint = steps.append
    mark = world.sandbox.log.mark()
    world.work()
    calls = [call.endpoint for call in world.sandbox.log.since(mark)]
    busy_day.calm_down(world)
    assert busy_day.unsettled(world) == []
    return busy_day.end_state(world), steps, [call for call in calls if _writes(call)]


def _writes(endpoint: str) -> bool:
    return endpoint.endswith(("/batch/create", "/batch/update", "/single-email/send"))


def crash_at(*hits: int) -> Callable[[str], None]:
    """A checkpoint that ends the process at the given steps, counted from 0 over all lives of the process."""
    seen = iter(range(1_000_000))

    def checkpoint(step: str) -> None:
        if next(seen) in hits:
            raise Crash(step)

    return checkpoint


def survive(world: World) -> dict[str, Any]:
    """Work; start anew after every crash; let time pass; the end."""
    rounds, lives = 0, 0
    while rounds < 6:
        try:
            if rounds + lives == 0:
                world.work()
            else:
                world.minutes(2)
            rounds += 1
        except Crash:
            world.restart()
            lives += 1
    assert busy_day.unsettled(world) == []
    return busy_day.end_state(world)


def _ends_well(morning: Morning, disturb: Callable[[World], None], what: str) -> None:
    def act(world: World) -> dict[str, Any]:
        disturb(world)
        return survive(world)

    assert not (found := busy_day.differences(in_copy(morning.world, act), morning.end)), f"{what}:\n" + "\n".join(
        found
    )


def _crashing(*hits: int) -> Callable[[World], None]:
    def disturb(world: World) -> None:
        world.checkpoint = crash_at(*hits)

    return disturb


def _told_apart(steps: list[str]) -> list[int]:
    """The steps at which to crash: all, but of a row of emails sent in the same way only the first and the last."""
    cycle = ["claiming", "claimed", "sent", "settled"]
    size = len(cycle)
    repeats = [n for n in range(len(steps)) if steps[n : n + size] == cycle == steps[n + size : n + 2 * size]]
    inner = {n for n in repeats if n - size in repeats}
    return [n for n in range(len(steps)) if not any(first <= n < first + size for first in inner)]


def test_a_crash_between_any_two_steps(morning: Morning) -> None:
    for hit in _told_apart(morning.steps):
        _ends_well(morning, _crashing(hit), f"crash at step {hit}, “{morning.steps[hit]}”")


@pytest.mark.parametrize("seed", range(8))
def test_two_crashes_in_a_row(morning: Morning, seed: int) -> None:
    draw = random.Random(seed)
    first = draw.randrange(len(morning.steps))
    second = first + 1 + draw.randrange(12)
    _ends_well(morning, _crashing(first, second), f"crashes at steps {first} and {second}")


LOST = ("lost", "lost-504", "cut", "truncated", "late", "late-hang")
"""Applied at once or 20 s later, while the caller is told nothing, an error or half of it."""


@pytest.mark.parametrize("kind", LOST)
def test_a_write_whose_answer_is_lost(morning: Morning, kind: FaultKind) -> None:
    for number, write in _each_write(morning):
        _ends_well(morning, _befallen(kind, write, number), f"{kind} at {write}, number {number}")


def test_a_crash_after_a_lost_answer(morning: Morning) -> None:
    for number, write in _each_write(morning):
        for kind, steps in (("lost", 1), ("late", 2)):
            _ends_well(
                morning, _befallen(kind, write, number, crash_after=steps), f"{kind} at {write}, number {number}, crash"
            )


def _each_write(morning: Morning) -> Iterator[tuple[int, str]]:
    """Each batch of the day by its endpoint and its number there; of single emails the first and the last."""
    seen: Counter[str] = Counter()
    last = Counter(morning.writes)
    for write in morning.writes:
        number = seen[write]
        seen[write] += 1
        if "single-email" not in write or number in {0, last[write] - 1}:
            yield number, write


def _befallen(kind: str, write: str, number: int, *, crash_after: int | None = None) -> Callable[[World], None]:
    """A fault at the given write; the process ends so many steps after it."""

    def disturb(world: World) -> None:
        fault = Fault(cast("FaultKind", kind), write, times=1, skip=number, delay=20)
        world.sandbox.faults.add(fault)
        if crash_after is None:
            return
        steps = count(1)

        def checkpoint(step: str) -> None:
            if fault not in world.sandbox.faults.active() and next(steps) == crash_after:
                raise Crash(step)

        world.checkpoint = checkpoint

    return disturb
