"""A simulated week with the whole kit of faults at once: `python -m tests.bench.trouble [CLIENTS] [--days 7] [--seed 0]`.

Exit code 1 where a client that could be served was not, where something was done twice, or where `status` does not name one
that cannot be served.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import structlog

from tests.story.troubled_week import TroubledWeek


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.trouble")
    parser.add_argument("clients", type=int, nargs="?", default=300)
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    with tempfile.TemporaryDirectory() as directory:
        week = TroubledWeek(Path(directory), clients=options.clients, seed=options.seed, spoiling=True)
        began = time.perf_counter()
        report = week.play(options.days)
        seconds = time.perf_counter() - began
        week.world.close()
    print(
        f"{options.clients} clients, {options.days} days, seed {options.seed}: {report.calls:,d} calls, {seconds:.0f} s"
    )
    print(f"  {sum(report.faults.values()):,d} of them failed, in {len(report.faults)} ways; {report.kills} kills")
    steps = sorted(report.steps.values())
    print(f"  steps of a client's people: {steps[0]} to {steps[-1]}, {sum(steps)} in all")
    for what, found in (
        ("missing", report.missing), ("doubled", report.doubled), ("wrong", report.wrong), ("unnamed", report.unnamed),
    ):  # fmt: skip
        print(f"  {what}: {len(found)}")
        for one in found[:20]:
            print(f"    {one}")
    return 0 if report.well else 1


if __name__ == "__main__":
    sys.exit(main())
