"""The figures of `docs/capacity.md`: measured once, kept, and drawn from that alone (`python -m tests.bench.capacity --page`)."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from tests.bench.capacity_model import Demand, Forecast, Limits, Line, Measured, forecast, most_of_one_portal

DOCS = Path(__file__).parent.parent.parent / "docs"
FIGURES, PAGE = DOCS / "figures" / "capacity.json", DOCS / "capacity.md"

SIZES = (100, 1_000, 10_000, 100_000, 1_000_000)
BACKLOG = 10_000
"""Clients of whose day it is told how long it takes to be worked off."""

_MEASURED = ("and by day the usual one.\n", "## What is reckoned\n")
_RECKONED = ("## What is reckoned\n", "(Four tickets a cycle")
"""Between which words of the page its two parts stand."""


def as_json(measured: Measured) -> dict[str, Any]:
    """What is kept of a measurement."""
    return {"version": 1, "measured": asdict(measured)}


def from_json(told: Mapping[str, Any]) -> Measured:
    """Make it of what was kept."""
    figures: dict[str, Any] = {
        name: Line(**one) if isinstance(one, Mapping) else one for name, one in told["measured"].items()
    }
    return Measured(**figures)


def measured_part(measured: Measured, tickets: float = Demand.tickets) -> str:
    """What one cycle costs, a line each."""
    lines = (f"> {name} {figure}  " for name, figure in rows(measured, tickets))
    return f"> Measured: one cycle with {tickets:g} tickets and a round of revisions, by itself  \n" + "\n".join(lines)


def rows(measured: Measured, tickets: float) -> tuple[tuple[str, str], ...]:
    """Each figure of a cycle with so many tickets: what it is of, and as it is shown."""
    return (
        ("calls that count against ten seconds", f"{measured.calls.at(tickets):,.0f}"),
        ("calls of associations, which do not", f"{measured.uncounted.at(tickets):,.0f}"),
        ("webhook events", f"{measured.events.at(tickets):,.0f}"),
        ("passes over the client", f"{measured.looks.at(tickets):,.0f}"),
        ("commits", f"{measured.writes.at(tickets):,.0f}"),
        ("seconds of a processor", f"{measured.cpu.at(tickets):,.2f}"),
        ("kilobytes kept for good", f"{measured.bytes.at(tickets) / 1000:,.0f}"),
        ("searches of a poll, of a sweep", f"{measured.searches_a_poll:.0f}, {measured.searches_a_sweep:.0f}"),
    )


def reckoned_part(measured: Measured, demand: Demand | None = None, limits: Limits | None = None) -> str:
    """What so many clients need, a row each, and what one portal carries."""
    demand, limits = demand or Demand(1), limits or Limits()
    most = most_of_one_portal(measured, demand, limits)
    table = [
        "| clients | portals | calls a day | workers | sweep worked off in | kept for good, a year | binds |",
        "|---|---|---|---|---|---|---|",
    ]
    for size in SIZES:
        portals = max(1, -(-size // most))
        found = forecast(measured, replace(demand, portfolios=size, portals=portals), limits)
        table.append(_row(size, portals, found))
    day = forecast(measured, replace(demand, portfolios=BACKLOG), limits)
    minutes = day.calls_a_day / limits.steady / 60
    return "\n".join(
        [
            *table,
            "",
            f"One portal's limits carry {most:,} such clients. {limits.steady:g} calls a second are reckoned with: what a day",
            f"of {BACKLOG:,} clients asks for, {day.calls_a_day:,.0f} calls, is worked off in {minutes:.0f} minutes after that",
            "day was lost.",
        ]
    )


def _row(size: int, portals: int, found: Forecast) -> str:
    minutes, gigabytes = found.sweep_minutes, found.bytes_a_year * portals / 1e9
    cells = (
        f"{size:,d}",
        f"{portals:,d}",
        f"{found.calls_a_day * portals:,.0f}",
        f"{found.workers * portals:,d}",
        "seconds" if minutes < 1 else f"{minutes:.0f} min",
        f"{gigabytes:,.0f} GB" if gigabytes >= 1 else f"{gigabytes:.2g} GB",
        f"{found.binding.limit}, {100 * found.binding.ratio:.0f} %",
    )
    return f"| {' | '.join(cells)} |"


def drawn(page: str, measured: Measured) -> str:
    """Give the page's text with these figures in it. Raises `ValueError` where a place for them lacks."""
    for (begin, end), part in ((_MEASURED, measured_part(measured)), (_RECKONED, reckoned_part(measured))):
        before, found, rest = page.partition(begin)
        _, ends, after = rest.partition(end)
        if not (found and ends):
            raise ValueError(f"the page lacks “{begin.strip()}”, or after it “{end.strip()}”")
        page = f"{before}{begin}\n{part}\n\n{end}{after}"
    return page


def keep(measured: Measured) -> None:
    """Write down what was measured, and draw the page anew."""
    FIGURES.write_text(json.dumps(as_json(measured), indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(drawn(PAGE.read_text(encoding="utf-8"), measured), encoding="utf-8")
