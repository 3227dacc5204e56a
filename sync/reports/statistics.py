"""What stands for many lengths of time: their median, and the length that nine of ten stay within. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median, quantiles


@dataclass(frozen=True, slots=True)
class Summary:
    """Of `count` values, in their unit. `ninth`: the 90th percentile, between two values in proportion; None: no value."""

    count: int = 0
    median: float | None = None
    ninth: float | None = None

    def as_json(self) -> dict[str, object]:
        return {"count": self.count, "median": _rounded(self.median), "p90": _rounded(self.ninth)}


def summary(values: Iterable[float]) -> Summary:
    """Sum up these values, in any order."""
    found = sorted(values)
    if not found:
        return Summary()
    ninth = quantiles(found, n=10, method="inclusive")[8] if len(found) > 1 else found[0]
    return Summary(len(found), median(found), ninth)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
