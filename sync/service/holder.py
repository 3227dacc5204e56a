"""Who holds a lane, told to whoever waits for it."""

from collections.abc import Callable
from typing import Final

import structlog

from sync.storage.lane_locks import Holder

__all__ = ["Holder", "OnWait", "say"]

FIRST_SAID_AFTER: Final = 2.0
SAID_AGAIN_AFTER: Final = 60.0
"""Seconds of waiting after which it is said for whom, and how often then."""

SAID_OF_WORKERS_AFTER: Final = 60.0
"""The same of one of several lanes, which other workers share: each has it for a group of records, and gives it up."""

log = structlog.get_logger()

OnWait = Callable[[int, Holder | None, float], None]
"""Called with the lane, who holds it (None: that is not known), and the seconds waited for so far."""


def say(lane: int, holder: Holder | None, waited: float) -> None:
    """Log for whom one waits."""
    log.warning(
        "lane.waiting",
        lane="all of them" if lane < 0 else lane,
        held_by="a process that did not say" if holder is None else str(holder),
        waited_seconds=round(waited),
        note="work goes on as soon as it lets go; a process that hangs must be ended (kill -9)",
    )
