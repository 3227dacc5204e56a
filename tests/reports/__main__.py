"""Play an agency of any size, and hold what a report says of it against what was planted.

python -m tests.reports --clients 60 --days 120 --seeds 0:3
"""

import argparse
import logging
import sys
import tempfile
from pathlib import Path

import structlog

from tests.reports.agency import Agency
from tests.reports.test_lead_times import AUTUMN, MAPPING, wrong
from tests.world import World


def main() -> int:
    """Print each figure that is another than was planted; the exit code says whether there is one."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--clients", type=int, default=60)
    arguments.add_argument("--days", type=int, default=120)
    arguments.add_argument("--seeds", default="0:1", help="from:to")
    told = arguments.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    found = 0
    for seed in range(*map(int, told.seeds.split(":"))):
        with tempfile.TemporaryDirectory() as directory:
            world = World(Path(directory), start=AUTUMN, mapping=MAPPING)
            try:
                agency = Agency(world, told.clients, told.days, seed)
                agency.play()
                differences = wrong(world, agency)
            finally:
                world.close()
        print(f"seed {seed}: {len(differences)} figures are wrong", *differences, sep="\n  ")
        found += len(differences)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
