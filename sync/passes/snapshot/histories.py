"""What the versions of a property tell, newest first as the CRM keeps them. Pure."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from sync.crm import RawVersion

D = TypeVar("D", bound=datetime | None)


def since(history: Sequence[RawVersion], holds: Callable[[str], bool], otherwise: D) -> datetime | D:
    """Tell when the newest run of versions for which `holds` is true began; `otherwise` where the newest is not of them."""
    began: datetime | D = otherwise
    for version in history:
        if not holds(version.value):
            break
        began = version.at
    return began


def left(history: Sequence[RawVersion], held: Callable[[str], bool]) -> datetime | None:
    """Tell when the last value for which `held` is true was replaced; None: it stands, or there was none."""
    began = None
    for version in history:
        if held(version.value):
            return began
        began = version.at
    return None
