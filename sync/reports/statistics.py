"""What stands for many lengths of time: their median, and the length that nine of ten stay within. Pure."""

from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from statistics import median, quantiles
from typing import Final

MANY: Final = 4096
"""So many values are kept as they are; more are counted by thousandths, so that a million of them take no more memory."""

_PARTS: Final = 1000


@dataclass(frozen=True, slots=True)
class Summary:
    """Of `count` values, in their unit. `ninth`: the 90th percentile, between two values in proportion; None: no value."""

    count: int = 0
    median: float | None = None
    ninth: float | None = None

    def as_json(self) -> dict[str, object]:
        return {"count": self.count, "median": _rounded(self.median), "p90": _rounded(self.ninth)}


class Values:
    """Collects values, none below 0. From `MANY` on their figures are right to a thousandth of the unit."""

    __slots__ = ("_counted", "_newest", "sum")

    def __init__(self) -> None:
        self._newest = array("d")
        self._counted: Counter[int] = Counter()  # by thousandths
        self.sum = 0.0

    def add(self, value: float) -> None:
        self.sum += value
        self._newest.append(value)
        if len(self._newest) >= MANY:
            self._count()

    def summary(self) -> Summary:
        """Sum up what has come by now."""
        if not self._counted:
            return summary(self._newest)
        self._count()
        found = sorted(self._counted.items())
        up_to = list(accumulate(number for _, number in found))

        def at(share: float) -> float:
            rank, rest = divmod(share * (up_to[-1] - 1), 1)
            low, high = (found[bisect_right(up_to, min(rank + n, up_to[-1] - 1))][0] / _PARTS for n in (0, 1))
            return low + (high - low) * rest

        return Summary(up_to[-1], at(0.5), at(0.9))

    def _count(self) -> None:
        self._counted.update(round(value * _PARTS) for value in self._newest)
        del self._newest[:]


def summary(values: Iterable[float]) -> Summary:
    """Sum up these values, in any order."""
    found = sorted(values)
    if not found:
        return Summary()
    ninth = quantiles(found, n=10, method="inclusive")[8] if len(found) > 1 else found[0]
    return Summary(len(found), median(found), ninth)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
