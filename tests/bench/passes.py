"""What passes take of a processor, beside an earlier version: `python -m tests.bench.passes [--before COMMIT] [--runs N]`.

What a pass takes depends on the machine, and on what else it does: so each version plays the same, in turns, each time in a
process of its own, and what counts is the ratio of the two. On a machine that others use no time can be relied on: how
many functions are called is the same on each, and told beside it. What the simulated CRM takes in the same process is left
out, and so are deliveries and searches: a record is put into the work queue, and carried through a pass. This file is
run by the earlier version too, and asks only for what versions since 0.2 have.
"""

import argparse
import cProfile
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from sync.crm import Kind, RecordRef
from sync.service.drain import drain
from sync.storage import work_queue
from tests.world import World

if TYPE_CHECKING:
    from tests.bench.figures import Figure

ROOT = Path(__file__).parent.parent.parent
TICKETS = 4
SCENES = {
    "one client, nothing due": (1, False, 60),
    "one client, a kickoff due": (1, True, 60),
    "50 clients together, nothing due": (50, False, 6),
    "50 clients together, a kickoff due of each": (50, True, 6),
}
"""By its name: how many clients a pass looks at, whether a kickoff is due of each, and how many passes are played."""


class _Passes:
    """One world and its passes. Clients whose kickoff is due have no tickets yet, the others have `TICKETS` each."""

    def __init__(self, directory: Path, clients: int, *, due: bool) -> None:
        self._world = World(
            directory, mapping="rules: {effects_per_hour: 100000}\n", email_url="console:", webhooks=False
        )
        self._clients, self._due, self._number = clients, due, 0
        self._in_crm = 0.0
        self._profile: cProfile.Profile | None = None  # None: nothing is counted
        self._handle = self._world.sandbox.api.handle
        self._world.sandbox.api.handle = self._timed  # type: ignore[method-assign]
        self._same: list[str] = [] if due else self._made(60)
        for _ in range(2):  # a ledger that has just begun looks for what one before it had done
            self._world.sweep()
            self._world.clock.advance(timedelta(days=1))
        self._world.restart()
        self._world.work()

    def function_calls(self) -> int:
        """Functions that are called for one pass, those of the interpreter too, without those of the CRM."""
        self._profile = cProfile.Profile()
        try:
            self.seconds()
            return sum(entry.callcount for entry in self._profile.getstats())
        finally:
            self._profile = None

    def seconds(self) -> float:
        """Processor seconds of one pass, without what the CRM took of them."""
        world = self._world
        self._number += 1
        clients = self._made(5) if self._due else self._same
        for client in self._same:
            link = f"https://lab.example.com/{self._number}"
            world.people.set("portfolio", client, {"most_recent_ad_lab_link": link})
        world.clock.advance(timedelta(minutes=3))
        with world.service.store.write() as connection:
            records = [RecordRef(Kind.PORTFOLIO, client) for client in clients]
            work_queue.enqueue(connection, records, world.clock.now(), "poll")
        self._in_crm = 0.0
        before = len(world.tasks()) if self._due else 0
        began = time.process_time()
        with self._counted():
            tally = drain(world.service)
        took = time.process_time() - began - self._in_crm
        made = len(world.tasks()) - before if self._due else 0
        if tally.looked != len(clients) or made != len(clients) * self._due:
            raise AssertionError(f"not the pass that was meant: {tally}, {made} tasks")
        return took

    def close(self) -> None:
        self._world.close()

    def _made(self, ahead: int) -> list[str]:
        world = self._world
        made = [world.people.create_portfolio(f"Client {n}", world.day(ahead)) for n in range(self._clients)]
        for client in made if not self._due else ():
            for ticket in range(TICKETS):
                world.people.create_ticket(f"Ad {ticket}", "Winter", client)
        return made

    @contextmanager
    def _counted(self) -> Iterator[None]:
        if self._profile is not None:
            self._profile.enable()
        try:
            yield
        finally:
            if self._profile is not None:
                self._profile.disable()

    def _timed(self, request: Any) -> Any:
        if self._profile is not None:
            self._profile.disable()
        began = time.process_time()
        try:
            return self._handle(request)
        finally:
            self._in_crm += time.process_time() - began
            if self._profile is not None:
                self._profile.enable()


def measure() -> dict[str, tuple[float, float]]:
    """For each client of a pass, by scene: milliseconds of a processor (the least disturbed pass), and function calls."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    found = {}
    for name, (clients, due, times) in SCENES.items():
        with tempfile.TemporaryDirectory() as directory, redirect_stderr(io.StringIO()):
            passes = _Passes(Path(directory), clients, due=due)
            try:
                took = [passes.seconds() for _ in range(times + 3)][3:]
                calls = statistics.median(passes.function_calls() for _ in range(5))
            finally:
                passes.close()
        found[name] = 1000 * min(took) / clients, calls / clients
    return found


def _measured_in(place: Path) -> dict[str, tuple[float, float]]:
    """The same of the version that stands there, in a process of its own."""
    command = [sys.executable, "-P", str(Path(__file__)), "--measure"]
    environment = {**os.environ, "PYTHONPATH": str(place)}
    ran = subprocess.run(command, cwd=place, env=environment, check=True, stdout=subprocess.PIPE)
    return {name: (took, calls) for name, (took, calls) in json.loads(ran.stdout).items()}


Runs = Sequence[Mapping[str, tuple[float, float]]]


def compared(before: Runs, now: Runs) -> str:
    """The table: of the function calls both and their ratio, of the times the ratio, and the least and the most of it."""
    rows = [
        "| a pass over | calls, before | now | ratio | ratio of processor time | from, to |",
        "|---|---|---|---|---|---|",
    ]
    for name in SCENES:
        times = [new[name][0] / old[name][0] for old, new in zip(before, now, strict=True)]
        old, new = (statistics.median(one[name][1] for one in each) for each in (before, now))
        spread = f"{min(times):.2f}, {max(times):.2f}"
        rows.append(
            f"| {name} | {old:,.0f} | {new:,.0f} | {new / old:.2f} | {statistics.median(times):.2f} | {spread} |"
        )
    return "\n".join(rows)


def figures(commit: str, before: Runs, now: Runs) -> "list[Figure]":
    """The ratios of the function calls, for the page of costs."""
    from tests.bench.figures import Figure

    found = []
    for name in SCENES:
        old, new = (statistics.median(one[name][1] for one in each) for each in (before, now))
        found.append(
            Figure(
                f"a pass over {name}: function calls", f"of those at {commit}", ours=new / old, wanted=0.5, bound=None,
                details={"before": commit, "calls_before": round(old), "calls_now": round(new)},
            )
        )  # fmt: skip
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.passes", description="Processor time of passes.")
    parser.add_argument("--before", help="a tag or commit of this repository to compare with")
    parser.add_argument("--runs", type=int, default=3, help="of each version, in turns")
    parser.add_argument("--json", type=Path, help="also write the ratios of the function calls, for the page of costs")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.measure:
        print(json.dumps(measure()))
        return 0
    if wanted.before is None:
        for name, (took, calls) in measure().items():
            print(f"{name}: {took:.2f} ms, {calls:,.0f} function calls a client")
        return 0
    from tests.bench.figures import write
    from tests.bench.upgrade import take_out

    with tempfile.TemporaryDirectory() as place:
        take_out(wanted.before, Path(place))
        before, now = [], []
        for _ in range(wanted.runs):
            before.append(_measured_in(Path(place)))
            now.append(_measured_in(ROOT))
    print(compared(before, now))
    if wanted.json is not None:
        write(wanted.json, figures(wanted.before, before, now))
    return 0


if __name__ == "__main__":
    sys.exit(main())
