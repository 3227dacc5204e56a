"""How many workers, what backlog, which limit binds: `python -m tests.bench.capacity [PORTFOLIOS] [--tickets T] [--cycles C] …`.

Measures what one cycle costs on the simulated CRM, and reckons from it (`capacity_model`). Without PORTFOLIOS a table from a
hundred clients to a million. docs/capacity.md says what each figure means. Exit code: 0; 1 where PORTFOLIOS do not fit.
"""

import argparse
import sys
from dataclasses import replace

from tests.bench.capacity_measure import measure
from tests.bench.capacity_model import Demand, Forecast, Limits, Measured, forecast, most_of_one_portal
from tests.bench.capacity_page import SIZES, keep, rows


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.capacity", description=__doc__)
    parser.add_argument("portfolios", type=int, nargs="?")
    parser.add_argument("--tickets", type=float, default=Demand.tickets, help="of one cycle")
    parser.add_argument("--cycles", type=float, default=Demand.cycles, help="of one client, a month")
    parser.add_argument("--latency", type=float, default=Demand.latency, help="seconds that HubSpot takes to answer")
    parser.add_argument("--portals", type=int, default=None, help="over which they are spread; default: as few as do")
    parser.add_argument("--daily", type=float, default=Limits.daily, help="requests a day that the account allows")
    parser.add_argument("--share", type=float, default=Limits.share, help="of these that other apps leave, 0 to 1")
    parser.add_argument("--commits", type=float, default=Limits.commits, help="transactions a second of the database")
    parser.add_argument("--page", action="store_true", help="keep what is measured, and draw docs/capacity.md anew")
    wanted = parser.parse_args(arguments)
    measured = measure()
    if wanted.page:
        keep(measured)
    limits = Limits(daily=wanted.daily, share=wanted.share, commits=wanted.commits)
    demand = Demand(wanted.portfolios or 1, wanted.tickets, wanted.cycles, wanted.latency)
    _show_measured(measured, demand)
    most = most_of_one_portal(measured, demand, limits)
    print(f"One portal's limits carry {most:,} such clients.\n")
    if wanted.portfolios is None:
        _show_table(measured, demand, limits, most)
        return 0
    portals = wanted.portals or max(1, -(-wanted.portfolios // most))
    found = forecast(measured, replace(demand, portals=portals), limits)
    _show(found, portals)
    return 0 if found.fits else 1


def _show_measured(measured: Measured, demand: Demand) -> None:
    tickets = demand.tickets
    print(f"Measured: one cycle with {tickets:g} tickets and a round of revisions, by itself")
    for name, figure in rows(measured, tickets):
        print(f"  {name:<38}{figure:>8}")
    print()


def _show_table(measured: Measured, demand: Demand, limits: Limits, most: int) -> None:
    print(
        f"{'clients':>10} {'portals':>8} {'calls/day':>12} {'workers':>8} {'cores':>6} {'sweep':>8} {'GB/year':>8}  binds"
    )
    for size in SIZES:
        portals = max(1, -(-size // most))
        found = forecast(measured, replace(demand, portfolios=size, portals=portals), limits)
        print(
            f"{size:10,d} {portals:8,d} {found.calls_a_day * portals:12,.0f} {found.workers * portals:8,d} "
            f"{found.cores * portals:6.1f} {found.sweep_minutes:4.0f} min {found.bytes_a_year * portals / 1e9:8.2f}  "
            f"{found.binding.limit}, {found.binding.ratio:.0%}"
        )


def _show(found: Forecast, portals: int) -> None:
    each = "" if portals == 1 else f", in each of {portals:,} portals"
    print(f"{found.portfolios:,} clients{each}")
    print(f"  calls           {found.calls_a_day:12,.0f}   a day, and {found.searches_a_day:,.0f} searches")
    print(f"  webhook events  {found.events_a_day:12,.0f}   a day")
    print(
        f"  busiest hour    {found.peak_calls:12,.1f}   calls a second; at its end a change waits {found.lag_minutes:.0f} min"
    )
    print(f"  workers         {found.workers:12,d}   of {found.cores:.1f} cores together")
    print(f"  sweep           {found.sweep_minutes:12,.0f}   minutes until it is worked off")
    print(f"  database        {found.bytes_a_year / 1e9:12,.2f}   GB a year, kept for good")
    print(f"  deliveries      {found.bytes_of_deliveries / 1e9:12,.2f}   GB, removed after RETENTION_DAYS")
    print("  limits")
    for use in sorted(found.uses, key=lambda one: -one.ratio):
        print(f"    {use.limit:<24}{use.ratio:8.1%}   {use.needed:,.1f} of {use.there:,.1f} {use.unit}")
    print(f"  binds           {found.binding.limit}" + ("" if found.fits else ": too many for so few portals"))


if __name__ == "__main__":
    sys.exit(main())
