"""The figures of `docs/costs.md`, from what the bench has measured: `python -m tests.bench.page FILE…`.

Each FILE is one that `python -m tests.bench --json FILE` wrote; together they become `docs/figures/costs.json`. From that
alone come the page's table and its chart: without a FILE both are drawn again. No figure is typed by hand.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.bench.chart import lines
from tests.bench.figures import Figure, from_json, table

DOCS = Path(__file__).parent.parent.parent / "docs"
FIGURES, CHART, PAGE = DOCS / "figures" / "costs.json", DOCS / "figures" / "costs.svg", DOCS / "costs.md"

BEGIN, END = "## Measured\n", "![Calls for one kickoff"
"""The heading and the image between which the page's own part stands."""

KICKOFFS = "due_together"
"""By which of its details a figure is one of the kickoffs: how many came due at once."""


def put_together(runs: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Make one record of several runs of one machine. Raises `ValueError` where a figure is there twice, or machines differ."""
    told: dict[str, Any] = {"version": 1, "machine": None, "figures": []}
    for run in runs:
        machine = {name: value for name, value in run["machine"].items() if name != "commit"}
        if told["machine"] not in (None, machine):
            raise ValueError(f"measured on another machine, or another day: {machine}, and {told['machine']}")
        told["machine"] = machine
        told["figures"] += run["figures"]
    names = [one["name"] for one in told["figures"]]
    if len(set(names)) != len(names):
        raise ValueError("a figure was measured twice")
    return told


def written(told: Mapping[str, Any]) -> str:
    """Write the page's own part: the table, and on what it was measured."""
    machine, figures = told["machine"], [from_json(one) for one in told["figures"]]
    most = max((_due(one) for one in figures), default=0)
    shown = [one for one in figures if _due(one) in {0, most}]
    cycle = next((one for one in figures if one.name.startswith(_CYCLE)), None)
    return (
        f"{table(shown)}\n\n"
        + ("" if cycle is None else f"{spent(cycle)}\n\n")
        + f"Measured on {machine['on']}: {machine['system']}, {machine['processors']} processors, "
        f"Python {machine['python']}, SQLite {machine['sqlite']}.\n"
    )


_CYCLE = "a whole cycle of"
_SPENT = (
    ("searches of the polls and sweeps", ("/search",)),
    (
        "settings: owners, pipelines, properties",
        ("/owners/", "/pipelines/", "/properties/", "/details", "/schemas", "/labels"),
    ),
    ("which tickets and Notes a record has", ("/associations/",)),
    ("what is written: tasks, statuses, closings", ("batch/create", "batch/update")),
    ("tickets, with their histories or without", ("/tickets/batch/read",)),
    ("tasks, before they are closed and to see what is done", ("/tasks/batch/read",)),
    ("portfolios and Notes", ("batch/read",)),
)
"""What calls are for, by what their endpoints have in them; the first that fits."""


def spent(figure: Figure) -> str:
    """What the calls of a cycle go to, as a Markdown table."""
    calls = figure.details["calls"]
    assert isinstance(calls, dict)
    found = dict.fromkeys((name for name, _ in _SPENT), 0)
    for endpoint, number in calls.items():
        found[next(name for name, signs in _SPENT if any(sign in endpoint for sign in signs))] += number
    each = figure.ours / sum(found.values())
    rows = (f"| {name} | {number * each:.2f} |" for name, number in found.items())
    return "\n".join(["| of a whole cycle, for | calls a portfolio |", "|---|---|", *rows])


def chart(told: Mapping[str, Any]) -> str:
    """Draw calls for a kickoff against how many come due together."""
    kickoffs = sorted((one for one in map(from_json, told["figures"]) if _due(one)), key=_due)
    series = {
        "one call a record": [(_due(one), one.baseline) for one in kickoffs if one.baseline is not None],
        "this service": [(_due(one), one.ours) for one in kickoffs],
        "lower bound": [(_due(one), one.bound) for one in kickoffs if one.bound is not None],
    }
    return lines("Calls to HubSpot for one kickoff", "kickoffs that come due together", "calls", series)


def replaced(page: str, part: str) -> str:
    """Give the page's text with this part between heading and image. Raises `ValueError` where one of them lacks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page lacks “{BEGIN.strip()}”, or after it “{END}”")
    return f"{before}{BEGIN}\n{part}\n{END}{after}"


def _due(figure: Figure) -> int:
    found = figure.details.get(KICKOFFS, 0)
    return found if isinstance(found, int) else 0


def main(files: Sequence[str]) -> int:
    if files:
        told = put_together(json.loads(Path(name).read_text(encoding="utf-8")) for name in files)
        FIGURES.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    told = json.loads(FIGURES.read_text(encoding="utf-8"))
    CHART.write_text(chart(told), encoding="utf-8")
    PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), written(told)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
