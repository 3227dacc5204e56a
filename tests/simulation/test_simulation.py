"""A few seeds, the stories of bugs that were found, and whether the simulation itself can be trusted."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import pytest

from sync.passes.effects import resolve
from tests.simulation import __main__ as simulation
from tests.simulation.author import begin
from tests.simulation.event_log import Created, Event, Linked, Mailed, Ref, Updated
from tests.simulation.oracle import Finding
from tests.simulation.player import Player
from tests.simulation.profile import Mode
from tests.simulation.run import Outcome, judge, replay, run
from tests.simulation.script import ACT, Item, Script
from tests.simulation.shrink import shrink

STORIES = sorted((Path(__file__).parent / "stories").glob("*.json"))

SEEDS: list[tuple[int, Mode]] = [
    (1, "plain"),
    (2, "safety"),
    (3, "liveness"),
    (5, "safety"),
    (8, "liveness"),
]


FOUND: list[tuple[int, Mode]] = [
    (40, "plain"),  # a revision with nothing to write and nobody to do it did not stand
    (1052, "liveness"),  # the tasks that a decline closes counted as open for a revision asked for after it
    (2026, "safety"),  # a date moved at the moment of a loss was moved again; a deleted task was made again
    (20098, "safety"),  # a ticket was kicked back again for a revision that another one's open task had stood for
    (20146, "safety"),  # verify took a merged portfolio's work for work of the cycle that the survivor had declined
    (50138, "safety"),  # the same for a ticket that was In Progress already when it was asked for
    (50319, "liveness"),  # one move of the date was taken for the answer to two declines
    (1284, "liveness"),  # what a decline was still to close stayed open after a lost database
    (1470, "plain"),  # a task that was opened again after a decline was closed again, hours later
    (2131, "safety"),  # an unknown outcome on a deleted record counted as not done
    (5138, "safety"),  # a decline that waited for its cadence closed the tasks of a ticket that had come since
    (11182, "liveness"),  # the kickoff did not come once the ending before it had only closed a task
    (3002, "liveness"),  # a repeated single-send, refused as sent before, was shown as failed
]
"""Seeds that found a fault, 30 days each. Those whose author has changed since, and those that make a short story, are in
`stories`, under their seeds."""


def digest(lines: Sequence[str]) -> str:
    return sha256("\n".join(lines).encode()).hexdigest()


@pytest.mark.parametrize(("seed", "mode"), SEEDS)
def test_nothing_is_missing_doubled_or_unexplained(seed: int, mode: Mode) -> None:
    outcome = run(seed, 20, mode)

    assert not outcome.failed, "\n".join([*map(str, outcome.findings), outcome.error])
    assert outcome.counts.effects["tasks"] > 5


@pytest.mark.parametrize(("seed", "mode"), FOUND)
def test_a_seed_that_found_a_fault_finds_none(seed: int, mode: Mode) -> None:
    outcome = run(seed, 30, mode)

    assert not outcome.failed, "\n".join([*map(str, outcome.findings), outcome.error])


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_a_bug_that_was_found_stays_away(path: Path) -> None:
    outcome = replay(Script.from_json(path.read_text(encoding="utf-8")))

    assert not outcome.failed, "\n".join([*map(str, outcome.findings), outcome.error])


# -- the simulation itself


PRINT = "from tests.simulation.test_simulation import digest; from tests.simulation.run import run; "
PRINT += "print(digest(run(11, 12, 'safety').log))"


def test_the_same_seed_gives_the_same_bytes_in_every_process() -> None:
    here = run(11, 12, "safety")
    told = []
    for hashes in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hashes}
        done = subprocess.run(
            [sys.executable, "-c", PRINT], env=environment, capture_output=True, text=True, check=True
        )
        told.append(done.stdout.strip())

    assert sum(here.counts.faults.values()) > 5
    assert told == [digest(here.log)] * 2


def test_a_recorded_story_is_played_as_it_was_made_up() -> None:
    made_up = run(11, 12, "safety")
    again = replay(Script.from_json(made_up.script.to_json()))

    assert digest(again.log) == digest(made_up.log)


def played(seed: int, days: int) -> Player:
    player = Player(*begin(seed, days, "plain"))
    player.play()
    return player


def judged(player: Player, events: Sequence[Event]) -> list[Finding]:
    player.event_log.events[:] = [replace(event, number=number) for number, event in enumerate(events)]
    return judge(player)


def without(events: Sequence[Event], place: int) -> list[Event]:
    """The story without one effect; a task with all that was done to it."""
    event = events[place]
    if not isinstance(event, Created):
        return [*events[:place], *events[place + 1 :]]
    return [one for one in events if event.ref not in _refs(one)]


def doubled(events: Sequence[Event], place: int) -> list[Event]:
    """The story with one effect done twice."""
    event = events[place]
    if not isinstance(event, Created):
        return [*events[: place + 1], event, *events[place + 1 :]]
    end = place + 1
    while event.ref in _refs(events[end]):
        end += 1
    twin = Ref("task", f"9{event.ref.id}")

    def swap(ref: Ref) -> Ref:
        return twin if ref == event.ref else ref

    links = [replace(e, near=swap(e.near), far=swap(e.far)) for e in events[place + 1 : end] if isinstance(e, Linked)]
    return [*events[:end], replace(event, ref=twin), *links, *events[end:]]


def for_another(events: Sequence[Event], place: int) -> list[Event]:
    """The story with one task given to somebody else."""
    event = events[place]
    assert isinstance(event, Created)
    values = {**event.values, "hubspot_owner_id": "51000053"}
    return [*events[:place], replace(event, values=values), *events[place + 1 :]]


def _refs(event: Event) -> set[Ref]:
    match event:
        case Linked(near=near, far=far):
            return {near, far}
        case Created(ref=ref) | Updated(ref=ref):
            return {ref}
    return set()


def _effects(events: Sequence[Event]) -> Iterator[int]:
    return (n for n, event in enumerate(events) if isinstance(event, Mailed) or getattr(event, "own", False))


Change = Callable[[Sequence[Event], int], list[Event]]


@pytest.mark.parametrize(
    ("change", "verdict"), [(without, "missing"), (doubled, "doubled"), (for_another, "unexplained")]
)
def test_the_oracle_notices(change: Change, verdict: str) -> None:
    player = played(7, 14)
    events = list(player.events)
    assert judged(player, events) == []

    overlooked = []
    places = [n for n in _effects(events) if not isinstance(events[n], Updated) or change is without]
    for place in places:
        if change is for_another and not isinstance(events[place], Created):
            continue
        # A write that fell out may leave what came after it unexplained instead.
        told = {one.verdict for one in judged(player, change(events, place))}
        if not told or (verdict not in told and not isinstance(events[place], Updated)):
            overlooked.append(events[place])

    assert len(places) > 15
    assert overlooked == []


def test_a_delivery_that_marks_nothing_is_noticed_though_polls_and_sweeps_make_up_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sync.storage.inbox.work_queue", SimpleNamespace(enqueue_related=lambda *_, **__: None))

    outcome = run(1, 20, "plain")

    assert "missing" in {one.verdict for one in outcome.findings}


def test_shrinking_leaves_what_the_failure_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolve, "find_writes", lambda *_: {})  # a bug: no write that landed is ever found
    path = next(path for path in STORIES if path.stem == "edited_while_the_process_was_down_declined")
    script = Script.from_json(path.read_text(encoding="utf-8"))
    note = Item(script.start + 50_000, ACT, "note", {"ref": "P0", "text": "Nothing to do with it"})
    outcome = replay(script.with_items([script.items[0], note, *script.items[1:]]))
    assert outcome.failed

    small = shrink(outcome, lambda _: None)

    assert small.signs & outcome.signs
    items = small.script.items
    assert "note" not in {item.name for item in items}
    fewer = [small.script.with_items(one for one in items if one is not item) for item in items]
    assert not any(replay(story).signs & small.signs for story in fewer), "something more could have been left out"


def test_ctrl_c_tells_what_was_found_so_far(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(seed: int, days: int, mode: str) -> Outcome:
        if seed == 2:
            raise KeyboardInterrupt
        return run(seed, days, "plain")

    monkeypatch.setattr(simulation, "_task", interrupted)

    assert simulation.main(["--seeds", "0:9", "--days", "3", "--jobs", "1"]) == simulation.INTERRUPTED

    told = capsys.readouterr()
    assert "interrupted" in told.err
    assert told.out.startswith("2 seeds, 0 failed\n6 simulated days")
    assert told.out.endswith("missing 0, doubled 0, unexplained 0\n")
