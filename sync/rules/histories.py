"""What the versions of a property tell, newest first as the CRM keeps them. Pure."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

V = TypeVar("V", covariant=True)
T = TypeVar("T")
D = TypeVar("D", bound=datetime | None)


class _Version(Protocol[V]):
    """One entry of a history, as the CRM gave it or as rules see it."""

    @property
    def value(self) -> V: ...
    @property
    def at(self) -> datetime: ...


def since(history: Sequence[_Version[T]], holds: Callable[[T], bool], otherwise: D) -> datetime | D:
    """Tell when the newest run of versions for which `holds` is true began; `otherwise` where the newest is not of them."""
    began: datetime | D = otherwise
    for version in history:
        if not holds(version.value):
            break
        began = version.at
    return began


def began(history: Sequence[_Version[T]], holds: Callable[[T], bool]) -> tuple[datetime, ...]:
    """Tell when each run of versions for which `holds` is true began, newest first."""
    oldest_first = list(reversed(history))
    runs = [
        version.at
        for before, version in zip([None, *oldest_first], oldest_first, strict=False)
        if holds(version.value) and (before is None or not holds(before.value))
    ]
    return tuple(reversed(runs))


def left(history: Sequence[_Version[T]], held: Callable[[T], bool]) -> datetime | None:
    """Tell when the last value for which `held` is true was replaced; None: it stands, or there was none."""
    began = None
    for version in history:
        if held(version.value):
            return began
        began = version.at
    return None
