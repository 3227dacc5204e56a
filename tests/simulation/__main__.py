"""`python -m tests.simulation`: weeks of simulated agencies, many seeds at a time; what fails is told and can be replayed."""

import argparse
import gc
import re
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path

from tests.simulation.player import Counts
from tests.simulation.run import MODES, Outcome, mode_of, replay, run
from tests.simulation.script import Script
from tests.simulation.shrink import shrink

INTERRUPTED = 130
"""The exit code after Ctrl-C, as a shell gives it."""

TAIL = 60
"""Lines of a failing seed's log that are shown."""


def main(arguments: list[str] | None = None) -> int:
    """0: nothing missing, doubled or unexplained; 1: something was found; 130: interrupted."""
    options = _parser().parse_args(arguments)
    if options.story is not None:
        return _one(
            replay(Script.from_json(options.story.read_text(encoding="utf-8")), mode_of(1, options.mode)), options
        )
    if options.seed is not None:
        return _one(run(options.seed, options.days, mode_of(options.seed, options.mode)), options)
    return _many(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=_seeds, default=range(100), help="FIRST:END, as in 0:5000")
    parser.add_argument("--days", type=int, default=30, help="simulated days of each seed")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--mode", choices=[*MODES, "all"], default="all", help="all: takes turns by seed")
    parser.add_argument(
        "--for", dest="limit", type=_seconds, default=None, help="begin no seed after so long: 10m, 90s"
    )
    parser.add_argument("--stop", type=int, default=5, help="end after so many failing seeds (default 5; 0: never)")
    parser.add_argument("--seed", type=int, help="one seed alone")
    parser.add_argument("--story", type=Path, help="replay a story that was saved")
    parser.add_argument("--save", type=Path, help="with --seed or --story: save the (shrunk) story there")
    parser.add_argument("--log", action="store_true", help="with --seed or --story: print the whole log")
    parser.add_argument("--shrink", action="store_true", help="make what fails small, and print the small story")
    return parser


def _seeds(text: str) -> range:
    first, _, end = text.partition(":")
    return range(int(first), int(end) if end else int(first) + 1)


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if found is None:
        raise argparse.ArgumentTypeError("give seconds, or 90s, 10m, 2h")
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]


# -- one seed


def _one(outcome: Outcome, options: argparse.Namespace) -> int:
    if outcome.failed and options.shrink:
        outcome = shrink(outcome, lambda text: print(f"  … {text}", file=sys.stderr))
        print("\n".join(outcome.log))
    elif options.log:
        print("\n".join(outcome.log))
    if options.save is not None:
        options.save.write_text(outcome.script.to_json(), encoding="utf-8")
    if outcome.failed:
        print("\n".join(_findings(outcome)))
    _summary([outcome], outcome.seconds)
    return int(outcome.failed)


# -- many


def _many(options: argparse.Namespace) -> int:
    began = time.monotonic()
    outcomes: list[Outcome] = []
    failing: list[Outcome] = []
    interrupted = False
    try:
        for outcome in _outcomes(options, began):
            outcomes.append(outcome)
            if outcome.failed:
                failing.append(outcome)
                _tell(outcome, options)
            if sys.stderr.isatty() or len(outcomes) % 100 == 0:
                seconds = time.monotonic() - began
                print(
                    f"{len(outcomes)} seeds, {len(failing)} failed, {len(outcomes) * options.days / seconds:.0f} days/s",
                    end="\r" if sys.stderr.isatty() else "\n", file=sys.stderr, flush=True,
                )  # fmt: skip
            if options.stop and len(failing) >= options.stop:
                break
    except KeyboardInterrupt:  # hours of it may be behind us: what was found so far is told
        interrupted = True
        print("\ninterrupted", file=sys.stderr)
    _summary(outcomes, time.monotonic() - began)
    return INTERRUPTED if interrupted else int(bool(failing))


def _outcomes(options: argparse.Namespace, began: float) -> Iterator[Outcome]:
    seeds = iter(options.seeds)
    if options.jobs <= 1:
        for seed in seeds:
            if options.limit is not None and time.monotonic() - began > options.limit:
                return
            yield _task(seed, options.days, options.mode)
        return
    with ProcessPoolExecutor(options.jobs, initializer=_begin_process) as pool:
        waiting: set[Future[Outcome]] = set()
        try:
            while True:
                in_time = options.limit is None or time.monotonic() - began < options.limit
                while in_time and len(waiting) < 2 * options.jobs and (seed := next(seeds, None)) is not None:
                    waiting.add(pool.submit(_task, seed, options.days, options.mode))
                if not waiting:
                    return
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _begin_process() -> None:
    # Ctrl-C reaches every process of a terminal; the one that gave out the seeds answers it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()  # the code itself is never garbage, and a run makes little that is in rings
    gc.set_threshold(1_000_000)


def _task(seed: int, days: int, mode: str) -> Outcome:
    outcome = run(seed, days, mode_of(seed, mode))
    if outcome.failed:
        return outcome
    return Outcome(seed, outcome.mode, (), outcome.counts, outcome.seconds, (), outcome.script.with_items(()))


def _tell(outcome: Outcome, options: argparse.Namespace) -> None:
    print(f"\nseed {outcome.seed} failed, by {outcome.mode}:")
    print("\n".join(_findings(outcome)))
    print("\nthe end of its log:")
    print("\n".join(line[:240] for line in _until_found(outcome)[-TAIL:]))
    days = "" if options.days == 30 else f" --days {options.days}"
    print(f"\nreplay:  python -m tests.simulation --seed {outcome.seed} --mode {outcome.mode}{days} --log")
    print(
        f"shrink:  python -m tests.simulation --seed {outcome.seed} --mode {outcome.mode}{days} --shrink\n", flush=True
    )
    if options.shrink:
        small = shrink(outcome, lambda text: print(f"  … {text}", file=sys.stderr))
        print("the small story:")
        print("\n".join((*small.log, *_findings(small))))


def _findings(outcome: Outcome) -> list[str]:
    return [*(f"  {one}" for one in outcome.findings), *([outcome.error] if outcome.error else ())]


def _until_found(outcome: Outcome) -> list[str]:
    """The log up to a little after the first finding."""
    if not outcome.findings:
        return list(outcome.log)
    stamp = str(outcome.findings[0]).split(" at ", 1)[1][:19]
    until = max((n for n, line in enumerate(outcome.log) if line[:19] <= stamp), default=len(outcome.log))
    return list(outcome.log[: until + 3])


def _summary(outcomes: Iterable[Outcome], seconds: float) -> None:
    total = Counts()
    seeds = failed = 0
    found = {"missing": 0, "doubled": 0, "unexplained": 0}
    for outcome in outcomes:
        total += outcome.counts
        seeds += 1
        failed += outcome.failed
        for one in outcome.findings:
            found[one.verdict] += 1
    print(f"{seeds} seeds, {failed} failed")
    print(f"{total.days:,} simulated days in {seconds:,.0f} s: {total.days / max(seconds, 0.001):,.1f} days/s")
    print(f"{total.acts:,} acts of people; {total.requests:,} webhook requests with {total.events:,} events")
    print(f"{total.passes:,} passes with {total.calls:,} calls to the CRM")
    print(f"{sum(total.faults.values()):,} faults: {_listed(total.faults)}")
    print(f"{sum(total.kills.values()):,} kills: {_listed(total.kills)}")
    print(f"effects: {_listed(total.effects)}")
    print(", ".join(f"{verdict} {number}" for verdict, number in found.items()))


def _listed(counts: dict[str, int]) -> str:
    return (
        ", ".join(f"{name} {counts[name]:,}" for name in sorted(counts, key=lambda name: (-counts[name], name)))
        or "none"
    )


if __name__ == "__main__":
    sys.exit(main())
