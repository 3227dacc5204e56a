"""Plays tries one after the other until one fails: `python -m tests.mutation.hunt DAYS SOUND TRY…`, in the tree to be judged.

A try is a seed (`17`, in the mode that `tests.simulation --mode all` gives it) or a story (`story:NAME`). One line of JSON
tells what failed first, and what `verify` of the sound tree says of it; or `null`. A try that does not come to an end has
failed too.
"""

import json
import signal
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from types import FrameType

import tests.simulation
from tests.mutation.second_opinion import ask
from tests.simulation.player import Player
from tests.simulation.run import AtEnd, Outcome, judge, mode_of, replay, run
from tests.simulation.script import Script

STORY = "story:"
STORIES = Path(tests.simulation.__file__).parent / "stories"

PATIENCE = 60.0
"""Seconds of the processor's time that a try may take; about two are the rule."""


class Endless(BaseException):
    """A try that goes round in circles. No `Exception`: the service must not survive it."""


def main(arguments: Iterable[str]) -> None:
    days, sound, *tries = arguments
    signal.signal(signal.SIGVTALRM, _endless)
    for one in tries:
        opinion: list[str] = []
        finding = _finding(one, int(days), partial(_ask, sound=Path(sound), told=opinion))
        if finding:
            print(json.dumps({"by": one, "finding": finding, "verify": opinion}))
            return
    print("null")


def _endless(_signal: int, _frame: FrameType | None) -> None:
    raise Endless


def _ask(player: Player, *, sound: Path, told: list[str]) -> None:
    if judge(player) or (player.proof is not None and not player.proof.ok):
        told += ask(player, sound)


def _finding(one: str, days: int, at_end: AtEnd) -> str:
    """What a try found first; empty: nothing."""
    signal.setitimer(signal.ITIMER_VIRTUAL, PATIENCE)
    try:
        outcome = _played(one, days, at_end)
    except Endless:
        return f"endless: not through after {PATIENCE:.0f} s of work"
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return _first(outcome) if outcome.failed else ""


def _played(one: str, days: int, at_end: AtEnd) -> Outcome:
    if one.startswith(STORY):
        path = STORIES / f"{one.removeprefix(STORY)}.json"
        return replay(Script.from_json(path.read_text(encoding="utf-8")), at_end=at_end)
    return run(int(one), days, mode_of(int(one), "all"), at_end)


def _first(outcome: Outcome) -> str:
    if outcome.findings:
        found = outcome.findings[0]
        return f"{found.verdict}: {found.text}"
    return outcome.error.strip().splitlines()[-1]


if __name__ == "__main__":
    main(sys.argv[1:])
