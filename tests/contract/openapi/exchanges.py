"""Recorded exchanges: what `sync.sandbox.recorder` wrote."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SERVICE = "creative-refresh-handoffs"
"""How the service names itself to the CRM."""


@dataclass(frozen=True)
class Exchange:
    """A request and its answer. `asked` and `answered` are parsed bodies; None where there was none, or no JSON."""

    method: str
    path: str
    query: Mapping[str, Sequence[str]]
    agent: str
    content_type: str | None
    asked: Any
    status: int
    fault: str | None
    answered: Any

    @property
    def by_the_service(self) -> bool:
        return self.agent == SERVICE

    @property
    def was_meant(self) -> bool:
        """Whether the request stands for itself; what a test sends in order to see it refused does not.

        A test may do so by the service's client too. What the service itself sends is taken in many other exchanges.
        """
        return self.fault is not None or 200 <= self.status < 300 or (self.by_the_service and self.status != 400)


def read(directory: Path) -> Iterator[Exchange]:
    """The exchanges of every file in a directory."""
    for path in sorted(directory.glob("*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                one = json.loads(line)
                one["content_type"] = one.pop("contentType")
                yield Exchange(**one)
