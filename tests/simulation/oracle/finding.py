"""What is wrong with what the service did, or left undone."""

from dataclasses import dataclass
from typing import Literal

from sync.clock import from_ms
from tests.simulation.oracle.terms import ZONE

Verdict = Literal["missing", "doubled", "unexplained"]


@dataclass(frozen=True, slots=True)
class Finding:
    verdict: Verdict
    at: int
    text: str

    def __str__(self) -> str:
        return f"{self.verdict} at {from_ms(self.at).astimezone(ZONE):%Y-%m-%d %H:%M:%S}: {self.text}"
