"""One figure of the bench: what it costs us, what a script of one call a record would cost, and what it cannot be below."""

import json
import os
import platform
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Figure:
    """`bound`: what the CRM's batches allow at best. `wanted`: the goal, which `ours` is to be below (or above: `at_least`).

    `baseline` and `bound` are None where there is none to compare with. All of one figure have its `unit`.
    """

    name: str
    unit: str
    ours: float
    wanted: float
    bound: float | None = None
    baseline: float | None = None
    at_least: bool = False
    details: Mapping[str, object] = field(default_factory=dict)

    @property
    def reached(self) -> bool:
        """Whether it is as good as wanted."""
        return self.ours >= self.wanted if self.at_least else self.ours <= self.wanted

    def as_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "unit": self.unit,
            "bound": self.bound,
            "wanted": self.wanted,
            "ours": self.ours,
            "baseline": self.baseline,
            "at_least": self.at_least,
            "reached": self.reached,
            "details": dict(self.details),
        }


def table(figures: Sequence[Figure]) -> str:
    """The figures as a Markdown table."""
    rows = ["| figure | unit | bound | wanted | ours | one call a record |", "|---|---|---|---|---|---|"]
    for one in figures:
        sign = "≥" if one.at_least else "≤"
        cells = (_shown(one.bound), f"{sign} {_shown(one.wanted)}", _shown(one.ours), _shown(one.baseline))
        rows.append(f"| {one.name} | {one.unit} | {' | '.join(cells)} |")
    return "\n".join(rows)


def from_json(told: Mapping[str, Any]) -> Figure:
    """Make the figure of what `as_json` gave."""
    names = ("name", "unit", "ours", "wanted", "bound", "baseline", "at_least", "details")
    return Figure(**{name: told[name] for name in names})


def machine() -> dict[str, object]:
    """Tell on what the figures were measured, and when."""
    return {
        "system": platform.system(),
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "on": datetime.now(UTC).date().isoformat(),
    }


def write(path: Path, figures: Sequence[Figure]) -> None:
    """Write them as JSON."""
    told = {"version": 1, "machine": machine(), "figures": [one.as_json() for one in figures]}
    path.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:,.3g}" if abs(value) < 100 else f"{value:,.0f}"
