"""What the service costs and how fast it is: `python -m tests.bench [--only NAME …] [--json FILE] [--portfolios N]`.

Prints a table: ours beside a script of one call a record, measured in the same run, and beside the lower bound that the
CRM's batch limits set. Ratios and counts are compared, never times of one machine with those of another. Exit code 0
whatever comes out: a figure is no test.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import structlog

from tests.bench import backlog, latency, queries, receiving, scenes
from tests.bench.figures import Figure, table, write

SCENES: dict[str, Callable[[int], Figure]] = {
    "kickoffs": scenes.kickoffs,
    "nothing-due": lambda portfolios: scenes.nothing_due(2 * portfolios),
    "cycle": lambda portfolios: scenes.whole_cycle(max(1, portfolios // 20), 10),
    "idle-day": lambda _: scenes.idle_day(300),
    "old-tickets": lambda portfolios: scenes.old_tickets(max(1, portfolios // 100), 300),
    "receive-100": lambda _: receiving.receiving(100, 40),
    "receive-1": lambda _: receiving.receiving(1, 160),
    "queries": lambda _: queries.flat(),
    "backlog": lambda _: backlog.share(),
    "latency": lambda _: latency.webhook_to_effect(21),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="What it costs, and how fast it is.")
    parser.add_argument("--only", choices=list(SCENES), action="append", help="may be given several times")
    parser.add_argument("--portfolios", type=int, default=1000, help="of the sweep in which all are due")
    parser.add_argument("--json", type=Path, help="also write the figures, with all details, to this file")
    wanted = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    figures = []
    for name in wanted.only or SCENES:
        print(f"{name} …", file=sys.stderr)
        figures.append(SCENES[name](wanted.portfolios))
    print(table(figures))
    if wanted.json is not None:
        write(wanted.json, figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
