"""The service killed with -9 under load: `python -m tests.bench.kills [--kills N] [--seed N] [--clients N] [--real-time]`.

People play clients' cycles in a simulated CRM that loses answers and lets writes land late; the service, its receiver or
all of it is killed at random moments and started again. At the end the CRM is compared with what should stand there.
Exit code: 0 nothing was lost, doubled or wrong; 1 something was.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.story import killing


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.kills", description="Kill the service under load.")
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clients", type=int, default=24)
    parser.add_argument("--real-time", action="store_true", help="`handoffs serve` itself, on the machine's clock")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        report = killing.run(
            Path(directory),
            kills=wanted.kills, seed=wanted.seed, clients=wanted.clients, real_time=wanted.real_time,
            told=lambda line: print(line, file=sys.stderr),
        )  # fmt: skip
    show(report)
    return 1 if report.lost or report.doubled or report.wrong else 0


def show(report: killing.Report) -> None:
    """Print a report, in the order in which things come about."""
    print(
        f"kills             {report.kills.total():7,d}   in {report.seconds:.0f} s, the service started {report.starts} times"
    )
    for (target, at), times in sorted(report.kills.items()):
        print(f"  {target:<18}{times:5d}   {at}")
    print(f"time in the CRM   {report.crm_time.total_seconds() / 3600:7.1f}   hours")
    print(f"steps of people   {report.steps:7,d}")
    delivered = report.deliveries["delivered"]
    print(f"webhook events    {report.deliveries['created']:7,d}   {report.deliveries['lost']} never delivered")
    print(f"  requests        {delivered['requests']:7,d}   {delivered['failed']} failed, and came again")
    print(f"calls to the CRM  {report.calls:7,d}")
    print(f"  faults          {report.faults.total():7,d}   {told(report)}")
    print(f"effects           {report.tasks + report.emails:7,d}   {report.tasks} tasks, {report.emails} emails")
    print(f"  email calls     {report.sends:7,d}   a repeat is dropped by its sendId")
    print(f"after one poll    {report.after_poll:7,d}   still missing or wrong; after the sweep:")
    print(f"lost              {len(report.lost):7,d}")
    print(f"doubled           {len(report.doubled):7,d}")
    print(f"wrong             {len(report.wrong):7,d}")
    for line in (*report.lost, *report.doubled, *report.wrong):
        print(f"  {line}")


def told(report: killing.Report) -> str:
    return ", ".join(f"{kind} {times}" for kind, times in sorted(report.faults.items()))


if __name__ == "__main__":
    sys.exit(main())
