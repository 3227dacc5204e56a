"""`python -m tests.mutation`: plants each fault in a copy of the tree, and tells whether anybody notices.

A fault is caught if a seed of the simulation fails on the copy, and does not on the tree as it is. One that no seed finds
names a test that does: it must fail on the copy, and pass on the tree as it is.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.mutation import (
    aftermath,
    announced_sets,
    answers,
    bounds,
    clocks,
    commands,
    databases,
    deliveries,
    exchanges,
    first_handoffs,
    last_handoffs,
    letters,
    protocol,
    rules,
    sight,
    sweeps,
    workers,
    writes,
)
from tests.mutation.copies import copied, run_in, snapshot
from tests.mutation.hunt import STORIES, STORY
from tests.mutation.mutant import Mutant
from tests.simulation.profile import has_corner_cases

MUTANTS = (
    *first_handoffs.MUTANTS,
    *announced_sets.MUTANTS,
    *last_handoffs.MUTANTS,
    *letters.MUTANTS,
    *rules.MUTANTS,
    *protocol.MUTANTS,
    *answers.MUTANTS,
    *workers.MUTANTS,
    *databases.MUTANTS,
    *aftermath.MUTANTS,
    *sight.MUTANTS,
    *writes.MUTANTS,
    *bounds.MUTANTS,
    *commands.MUTANTS,
    *exchanges.MUTANTS,
    *clocks.MUTANTS,
    *sweeps.MUTANTS,
    *deliveries.MUTANTS,
)

WIDTH = 100

TEST_PASSED, TEST_FAILED = 0, 1
"""pytest's exit codes; any other means that the test was not run."""


@dataclass(frozen=True, slots=True)
class Found:
    """What came of a fault. `by`: the try or the test that noticed it; `how`: its first finding."""

    mutant: Mutant
    verdict: Literal["simulation", "test", "survived", "broken"]
    by: str = ""
    how: str = ""
    seconds: float = 0.0
    proved: bool | None = None
    """Whether `verify` of the tree without the fault says that something is wrong there; None: it was not asked."""


def main(arguments: list[str] | None = None) -> int:
    """0: every fault is noticed; 1: one is not, or the tree fails without any; 2: a fault can no longer be planted."""
    options = _parser().parse_args(arguments)
    chosen = [mutant for mutant in MUTANTS if not options.only or mutant.id in options.only]
    if unknown := set(options.only) - {mutant.id for mutant in chosen}:
        print(f"there is no mutant {', '.join(sorted(unknown))}: see --list", file=sys.stderr)
        return 2
    if options.list:
        for mutant in chosen:
            print(f"{mutant.id:36} {mutant.file:20} {mutant.fault}")
        return 0
    began = time.monotonic()
    # Those with corner cases first: they find the most.
    seeds = sorted(options.seeds, key=lambda seed: (not has_corner_cases(seed), seed))
    tries = [*map(str, seeds), *(STORY + path.stem for path in sorted(STORIES.glob("*.json")))]
    with snapshot() as tree:
        try:
            for mutant in chosen:
                mutant.planted((tree / mutant.file).read_text(encoding="utf-8"))
        except ValueError as error:
            print(error, file=sys.stderr)
            return 2
        results = []
        with ThreadPoolExecutor(options.jobs) as pool:
            for found in pool.map(lambda mutant: _judged(tree, mutant, tries, options), chosen):
                results.append(found)
                print(_line(found), flush=True)
        false_alarms = _false_alarms(tree, results, options)
    _summary(results, false_alarms, time.monotonic() - began)
    return int(bool(false_alarms) or any(one.verdict in {"survived", "broken"} for one in results))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--only", nargs="+", default=[], metavar="ID", help="just these faults")
    parser.add_argument("--list", action="store_true", help="tell the faults, and plant none")
    parser.add_argument("--seeds", type=_seeds, default=range(200), help="FIRST:END (default 0:200); then the stories")
    parser.add_argument("--days", type=int, default=20, help="simulated days of each seed (default 20)")
    parser.add_argument("--jobs", type=int, default=2, help="faults at a time (default 2)")
    parser.add_argument("--doubt", action="store_true", help="play seeds also for what no seed is said to find")
    parser.add_argument(
        "--named", action="store_true", help="ask the named test before any seed: an hour less, and nothing of `verify`"
    )
    parser.add_argument("--limit", type=float, default=1200.0, help="seconds that one fault may take (default 1200)")
    return parser


def _seeds(text: str) -> range:
    first, _, end = text.partition(":")
    return range(int(first), int(end) if end else int(first) + 1)


# -- one fault


def _judged(tree: Path, mutant: Mutant, tries: Sequence[str], options: argparse.Namespace) -> Found:
    began = time.monotonic()
    try:
        with copied(tree, mutant) as copy:
            verdict, by, how, proved = _noticed(copy, mutant, tries, options, tree)
    except subprocess.TimeoutExpired:
        verdict, by, how, proved = "broken", "", f"not through with it after {options.limit:.0f} s", None
    return Found(mutant, verdict, by, how, time.monotonic() - began, proved)


Told = tuple[Literal["simulation", "test", "survived", "broken"], str, str, bool | None]


def _noticed(copy: Path, mutant: Mutant, tries: Sequence[str], options: argparse.Namespace, sound: Path) -> Told:
    """Who notices the fault: a try, or else the named test. `sound`: the tree without it."""
    told: Told = "survived", "", "", None
    if mutant.test and options.named:
        told = _tested(copy, mutant, options.limit)
        if told[0] != "survived":
            return told
    if not mutant.why or options.doubt:
        told = _hunted(copy, list(dict.fromkeys([*mutant.first, *tries])), options, sound)
    if told[0] == "survived" and mutant.test and not options.named:
        told = _tested(copy, mutant, options.limit)
    return told


def _hunted(copy: Path, tries: Sequence[str], options: argparse.Namespace, sound: Path) -> Told:
    done = run_in(copy, "tests.mutation.hunt", [str(options.days), str(sound), *tries], options.limit)
    if done.returncode != 0:
        return "broken", "", _last_line(done.stderr), None
    told = json.loads(_last_line(done.stdout))
    if told is None:
        return "survived", "", f"{len(tries)} tries", None
    return "simulation", told["by"], told["finding"], bool(told["verify"])


def _tested(copy: Path, mutant: Mutant, limit: float) -> Told:
    done = _pytest(copy, [mutant.test], limit)
    if done.returncode == TEST_FAILED:
        return "test", mutant.test, mutant.why or mutant.test.rpartition("::")[2], None
    if done.returncode == TEST_PASSED:
        return "survived", "", f"{mutant.test} passes", None
    return "broken", "", f"{mutant.test}: {_last_line(done.stdout)}", None


def _pytest(copy: Path, tests: Sequence[str], limit: float) -> subprocess.CompletedProcess[str]:
    return run_in(copy, "pytest", ["-p", "no:cacheprovider", "--tb=no", *tests], limit)


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1]


# -- the tree without a fault


def _false_alarms(tree: Path, results: Iterable[Found], options: argparse.Namespace) -> list[str]:
    """Of all that noticed a fault: what fails on the tree as it is too, and so has shown nothing."""
    tries = sorted({one.by for one in results if one.verdict == "simulation"})
    tests = sorted({one.by for one in results if one.verdict == "test"})
    alarms: list[str] = []
    with copied(tree, None) as copy:
        while tries:
            verdict, by, how, _ = _hunted(copy, tries, options, tree)
            if verdict == "survived":
                break
            alarms.append(f"{by}: {how}")
            tries = tries[tries.index(by) + 1 :] if by else []
        if tests and (done := _pytest(copy, tests, options.limit)).returncode != 0:
            alarms.append(_last_line(done.stdout))
    return alarms


# -- what is told


def _line(found: Found) -> str:
    match found.verdict:
        case "simulation":
            by = "a story" if found.by.startswith(STORY) else f"seed {found.by}"
        case "test":
            by = "a test"
        case other:
            by = other.upper()
    return f"{found.mutant.id:31} {by:9}{found.seconds:4.0f} s  {found.how}"[:WIDTH]


def _summary(results: Sequence[Found], false_alarms: Sequence[str], seconds: float) -> None:
    def those(verdict: str) -> list[Found]:
        return [one for one in results if one.verdict == verdict]

    print()
    for one in those("test"):
        why = one.mutant.why or "No seed that was played has the situation."
        print(f"{one.mutant.id}: {one.mutant.fault}\n    {why}\n    {one.by}")
    for one in [*those("survived"), *those("broken")]:
        print(f"{one.verdict.upper()} {one.mutant.id}: {one.mutant.fault}\n    {one.mutant.file}: {one.how}")
    content = [one for one in results if one.proved is False]
    if content:
        print(f"`verify` says that all is well of {len(content)}: {', '.join(one.mutant.id for one in content)}")
    for alarm in false_alarms:
        print(f"FAILS WITHOUT ANY FAULT {alarm}")
    print(
        f"{len(results)} faults: {len(those('simulation'))} caught by the simulation, {len(those('test'))} only by a named "
        f"test, {len(those('survived'))} survived, {len(those('broken'))} could not be judged; {seconds:.0f} s"
    )


if __name__ == "__main__":
    sys.exit(main())
