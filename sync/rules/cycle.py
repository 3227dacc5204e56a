"""Which cycle a portfolio is in: told by the CRM's own history, so that a lost database forgets nothing."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from mappings.vocabulary import Status
from sync.clock import to_ms
from sync.rules.keys import START
from sync.rules.model import Closing, History, Version


@dataclass(frozen=True, slots=True)
class Ending:
    """A closing version in the visible history.

    `sure` is False for a *Creatives Implemented* that still stands: a person may yet move it on, which would make it
    a slip.
    """

    version: Version[Status | None]
    closing: Closing
    emptied: bool  # it no longer stands, and what came next was the empty status
    sure: bool


def endings(history: History[Status | None], closed: Iterable[int] = ()) -> tuple[Ending, ...]:
    """The versions that ended a cycle, oldest first. `closed`: those (ms) whose closing the ledger holds as done.

    No Refresh Requested always ends a cycle. Creatives Implemented does while it stands, and where the next version is
    empty; moved on to another status before the service looked it was a slip, and ends nothing.
    """
    done = frozenset(closed)
    found = []
    runs = list(_runs(history))
    for position, version in enumerate(runs):
        after = runs[position + 1] if position + 1 < len(runs) else None
        emptied = after is not None and after.value is None
        if version.value is Status.NO_REFRESH_REQUESTED:
            found.append(Ending(version, Closing(version.at, Status.NO_REFRESH_REQUESTED), emptied, sure=True))
        elif version.value is Status.CREATIVES_IMPLEMENTED:
            sure = emptied or version.ms in done
            if sure or after is None:
                found.append(Ending(version, Closing(version.at, Status.CREATIVES_IMPLEMENTED), emptied, sure))
    return tuple(found)


def all_closings(found: Iterable[Ending], remembered: Iterable[Closing]) -> tuple[Closing, ...]:
    """Every closing known, from the history and from the ledger, oldest first."""
    return tuple(sorted({*remembered, *(ending.closing for ending in found)}, key=lambda closing: closing.at))


def cycle_at(moment: datetime, closings: Iterable[Closing]) -> str:
    """The identity of the cycle that `moment` falls in: the time (ms) of the closing that began it, or `start`."""
    begun = [closing.at for closing in closings if closing.at <= moment]
    return cycle_id(max(begun)) if begun else START


def cycle_id(started: datetime | None) -> str:
    return START if started is None else str(to_ms(started))


def _runs(history: History[Status | None]) -> Iterable[Version[Status | None]]:
    """Oldest first, a value set again while it stood counted once."""
    previous: Version[Status | None] | None = None
    for version in reversed(history):
        if previous is None or version.value is not previous.value:
            yield version
        previous = version
