"""What the board's pages, `handoffs report` and the letter's lead times take with very many clients.

python -m tests.bench.board [--clients 20000] [--cycles 4]

Prints a table: each page as a multiple of one that only fills in a template, measured in the same run; then what is summed up of
all clients, with what it takes of memory. Each client has so many cycles that are over, of four tickets with a revision each.
"""

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from sync.reports.report import By, Wanted, read_report
from sync.service.letters import write_letter
from tests.board.browser import Visitor, visitor
from tests.board.many import FIRST, plant
from tests.world import World

AT_MOST = 300
"""A page takes at most so many times what the log-in page does: that is about 1 ms on a quiet machine, and so 300 ms."""

PAGES = (
    "/board",
    "/board?q=client",
    "/board?person=Cody+7&month=2026-02",
    "/board?step=between&page=40",
    "/board?urgent=1",
    f"/board/client/{FIRST + 1}",
    "/board/attention",
    "/board/history?client=client",
    "/board/runs",
    "/board/reports?client=Client+777",
    "/board/health",
)


def took(dana: Visitor, path: str) -> float:
    """What a page takes of the processor, in seconds, the best of a few times; not what is summed up beside it."""
    taken = []
    for _ in range(3):
        began = time.thread_time()
        assert dana.get(path).status_code == 200, path
        taken.append(time.thread_time() - began)
    return min(taken)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.board", description=__doc__.partition("\n")[0])
    parser.add_argument("--clients", type=int, default=20_000)
    parser.add_argument("--cycles", type=int, default=4, help="of each client, one every four weeks")
    wanted = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    with tempfile.TemporaryDirectory() as directory:
        world = World(Path(directory))
        try:
            plant(world.service.store, wanted.clients, world.clock.now(), cycles=wanted.cycles)
            print(f"{wanted.clients:,} clients, {wanted.cycles} cycles each.\n")
            _pages(visitor(world))
            _sums(world)
        finally:
            world.close()
    return 0


def _pages(dana: Visitor) -> None:
    plain = took(dana, "/board/login")
    print(f"| page | ms | of a plain page (at most {AT_MOST}) |\n|---|---|---|")
    print(f"| a plain one | {1000 * plain:,.1f} | 1 |")
    for path in PAGES:
        seconds = took(dana, path)
        print(f"| `{path}` | {1000 * seconds:,.0f} | {seconds / plain:,.0f} |")
    began = time.thread_time()
    dana.get("/board/reports")
    first = time.thread_time() - began
    while "Refresh" in dana.get("/board/reports").headers:  # it is summed up beside the page
        time.sleep(0.5)
    seconds = took(dana, "/board/reports")
    print(f"| `/board/reports`, while it is summed up | {1000 * first:,.0f} | {first / plain:,.0f} |")
    print(f"| `/board/reports`, once it is | {1000 * seconds:,.0f} | {seconds / plain:,.0f} |\n")


def _sums(world: World) -> None:
    service = world.service

    def report(by: By) -> Callable[[], object]:
        def read() -> object:
            with service.store.read() as connection:
                return read_report(connection, service.mapping, Wanted(), by, world.clock.now())

        return read

    print("| summed up of all | s | MB of memory, at its most |\n|---|---|---|")
    for name, do in (
        ("`handoffs report`", report(By.CLIENT)),
        ("`handoffs report --by person`", report(By.PERSON)),
        (
            "the weekly letter",
            lambda: write_letter(service.store.reader, service.mapping, service.settings, service.clock),
        ),
    ):
        before = _resident()
        watch = _Watch()
        began = time.thread_time()
        do()
        print(f"| {name} | {time.thread_time() - began:,.0f} | {max(0, watch.most() - before):,.0f} |")


class _Watch:
    """Looks every tenth of a second at how much memory this process has."""

    def __init__(self) -> None:
        self._most = _resident()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def most(self) -> float:
        self._over.set()
        self._thread.join()
        return max(self._most, _resident())

    def _look(self) -> None:
        while not self._over.wait(0.1):
            self._most = max(self._most, _resident())


def _resident() -> float:
    """Megabytes of memory that this process has now, as Linux tells."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6


if __name__ == "__main__":
    sys.exit(main())
