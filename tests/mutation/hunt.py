"""Plays tries one after the other until one fails: `python -m tests.mutation.hunt DAYS TRY…`, in the tree to be judged.

A try is a seed (`17`, in the mode that `tests.simulation --mode all` gives it) or a story (`story:NAME`). One line of JSON
tells what failed first, or `null`.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path

import tests.simulation
from tests.simulation.run import Outcome, mode_of, replay, run
from tests.simulation.script import Script

STORY = "story:"
STORIES = Path(tests.simulation.__file__).parent / "stories"


def main(arguments: Iterable[str]) -> None:
    days, *tries = arguments
    for one in tries:
        outcome = _played(one, int(days))
        if outcome.failed:
            told = {"by": one, "mode": outcome.mode, "finding": _first(outcome), "tree": str(Path.cwd())}
            print(json.dumps(told))
            return
    print("null")


def _played(one: str, days: int) -> Outcome:
    if one.startswith(STORY):
        path = STORIES / f"{one.removeprefix(STORY)}.json"
        return replay(Script.from_json(path.read_text(encoding="utf-8")))
    return run(int(one), days, mode_of(int(one), "all"))


def _first(outcome: Outcome) -> str:
    if outcome.findings:
        found = outcome.findings[0]
        return f"{found.verdict}: {found.text}"
    return outcome.error.strip().splitlines()[-1]


if __name__ == "__main__":
    main(sys.argv[1:])
