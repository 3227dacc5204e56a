"""Several workers and receivers on one PostgreSQL, killed and frozen at random: `python -m tests.bench.hosts [--part …]`.

    storm      signed events over many portfolios by two receivers, while workers get kill -9 and SIGSTOP: prints what was
               lost, doubled, and whether two passes of a lane overlapped
    recovery   kill -9 of the worker that holds a lane, again and again: how long until another one holds that lane
    cut        two workers on hosts of their own lose the network in the middle of a pass (network namespaces: Linux, root): how
               long until others have worked off their lanes, and what they wrote meanwhile; then they are let back
    upgrade    workers and receivers of the version before (`--before`: a commit or tag) go on beside this one's while its
               migrations are made
    scale      the same work with 1, 2 and 4 workers, the CRM's limits off, as ratios; and what binds

All hosts are processes of this machine. Small by default; `--events 100000 --portfolios 2000 --recoveries 20` is the full
size. Exit code: 0 nothing was lost, doubled or overlapping, or taken over late; 1 something was.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.bench.storm import storm
from tests.bench.upgrade import upgrade
from tests.story import cut_off
from tests.story.namespaces import are_allowed
from tests.story.several_hosts import Hosts, hosts, until

WITHIN = 30.0
"""Seconds within which others are to have what a lost worker had."""


def recovery(times: int, portfolios: int) -> bool:
    took: list[float] = []
    with hosts(3, unlimited=True) as run:
        busy = _Busy(run, run.populate(portfolios))
        until(lambda: busy.kept() and run.are_up() and run.holders(), 120)
        while len(took) < times:
            busy.kept()
            mine = {process.pid: process for process in run.workers}
            held = {lane: pid for lane, pid in run.holders().items() if pid in mine}
            if not held:
                time.sleep(0.02)
                continue
            lane, pid = next(iter(held.items()))
            began = time.monotonic()
            mine[pid].kill()
            taken = until(lambda: busy.kept() and run.holders().get(lane, pid) != pid, 60, every=0.02)  # noqa: B023
            took.append(time.monotonic() - began if taken else 60.0)
            mine[pid].wait()
            run.workers.remove(mine[pid])
            run.add_worker()
    print(f"recovery: {times} × kill -9 of the worker that holds a lane, until another one holds it")
    print(f"  median {statistics.median(took):.2f} s   maximum {max(took):.2f} s")
    return max(took) < WITHIN


class _Busy:
    """Enqueues every client again each second, so that no lane is without work."""

    def __init__(self, run: Hosts, ids: Sequence[str]) -> None:
        self._run = run
        self._ids = ids
        self._again = 0.0

    def kept(self) -> bool:
        if time.monotonic() >= self._again:
            self._again = time.monotonic() + 1
            self._run.enqueue(self._ids)
        return True


def cut() -> bool:
    if not are_allowed():
        print("cut: left out, for network namespaces need Linux, iproute2 and root")
        return True
    with tempfile.TemporaryDirectory() as directory:
        report = cut_off.play(Path(directory))
    print("cut: one worker loses the database, and one everything, in the middle of a pass; then both are let back")
    print(f"  their lanes were worked off by another one after {report.worked_off_after:.1f} s")
    print(f"  writes begun after the cut {len(report.written)}")
    print(f"  lost {len(report.lost)}   doubled {len(report.doubled)}   overlapping {len(report.overlapping)}")
    harm = (report.written, report.lost, report.doubled, report.overlapping)
    return not any(harm) and report.worked_off_after < WITHIN


def scale(portfolios: int) -> bool:
    print(f"scale: {portfolios} kickoffs, the CRM's limits off")
    speeds: dict[int, float] = {}
    for workers in (1, 2, 4):
        with hosts(workers, unlimited=True) as run:
            ids = run.populate(portfolios)
            until(run.are_up, 120)
            before, began = _processor(run), time.monotonic()
            run.enqueue(ids)
            until(lambda: sum(run.done()[1].values()) >= portfolios, every=0.5)
            seconds = time.monotonic() - began
            crm, ours = (after - one for after, one in zip(_processor(run), before, strict=True))
        speeds[workers] = portfolios / seconds
        print(
            f"  {workers} workers: {speeds[workers] / speeds[1]:.2f} of one ({speeds[workers]:.0f} a second); of "
            f"{os.cpu_count()} processors the simulated CRM took {crm / seconds:.2f}, the workers {ours / seconds:.2f}"
        )
    return True


def _processor(run: Hosts) -> tuple[float, float]:
    """Seconds of processor time of the CRM with this bench, and of the workers."""
    tick = os.sysconf("SC_CLK_TCK")
    stats = [Path(f"/proc/{one.pid}/stat").read_text().rpartition(")")[2].split() for one in run.workers]
    return time.process_time(), sum(int(one[11]) + int(one[12]) for one in stats) / tick


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.hosts", description="Several hosts on one PostgreSQL.")
    parser.add_argument("--part", choices=["storm", "recovery", "cut", "upgrade", "scale"], action="append")
    parser.add_argument("--events", type=int, default=2_000)
    parser.add_argument("--portfolios", type=int, default=100)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--receivers", type=int, default=2)
    parser.add_argument("--recoveries", type=int, default=5)
    parser.add_argument("--before", default="HEAD", help="the version before, for `upgrade`")
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    run: dict[str, Callable[[], bool]] = {
        "storm": lambda: storm(wanted.events, wanted.portfolios, wanted.workers, wanted.receivers, wanted.seed),
        "recovery": lambda: recovery(wanted.recoveries, wanted.portfolios),
        "cut": cut,
        "upgrade": lambda: upgrade(wanted.before, wanted.portfolios),
        "scale": lambda: scale(wanted.portfolios),
    }
    well = [run[part]() for part in wanted.part or run]
    return 0 if all(well) else 1


if __name__ == "__main__":
    sys.exit(main())
