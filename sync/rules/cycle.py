"""Which cycle a portfolio is in: told by the CRM's own history, so that a lost database forgets nothing."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Final

from mappings.vocabulary import Status
from sync.clock import to_ms
from sync.rules.keys import START
from sync.rules.model import Closing, History, Version

CLOSING: Final = (Status.NO_REFRESH_REQUESTED, Status.CREATIVES_IMPLEMENTED)
"""The statuses that end a cycle."""


@dataclass(frozen=True, slots=True)
class Ending:
    """A closing version in the visible history."""

    version: Version[Status | None]
    closing: Closing


@dataclass(frozen=True, slots=True)
class Slip:
    """A closing version that was changed to something else too soon: it ended nothing."""

    version: Version[Status | None]
    until: datetime  # when it was changed


@dataclass(frozen=True, slots=True)
class ClosingVersions:
    """The closing versions of a visible history, oldest first, by what they have come to."""

    counted: tuple[Ending, ...] = ()
    slips: tuple[Slip, ...] = ()
    settling: Ending | None = None  # the one that stands, while it has not stood for long enough


@dataclass(frozen=True, slots=True)
class Settled:
    """What of a history was judged before, and stays as it was judged. Times are the versions' own, in ms.

    `before`: what was replaced before this moment was judged by releases without a settle time; None: there were none.
    """

    counted: frozenset[int] = frozenset()
    slips: frozenset[int] = frozenset()
    before: datetime | None = None


def closing_versions(
    history: History[Status | None], settle: timedelta, read_at: datetime, known: Settled = Settled()
) -> ClosingVersions:
    """Judge the closing versions of a status's history, which was read at `read_at` by the CRM's own clock.

    One counts once it has stood for the time of `settle`: until the next different version, or until it was read. One that
    the service has set itself counts at once, and so does one that the service itself has replaced: it had counted before.
    """
    counted, slips, settling = [], [], None
    runs = list(_runs(history))
    for version, after in zip_longest(runs, runs[1:]):
        if version.value not in CLOSING:
            continue
        ending = Ending(version, Closing(version.at, version.value))
        stood = (read_at if after is None else after.at) - version.at
        if version.ms in known.counted or (
            version.ms not in known.slips and _counts(version, after, stood >= settle or not settle, known)
        ):
            counted.append(ending)
        elif after is None:
            settling = ending
        else:
            slips.append(Slip(version, after.at))
    return ClosingVersions(tuple(counted), tuple(slips), settling)


def _counts(version: Version[Status | None], after: Version[Status | None] | None, stood: bool, known: Settled) -> bool:
    by_service = version.own and version.value is Status.CREATIVES_IMPLEMENTED
    if by_service or (after is not None and after.own):
        return True
    if after is not None and known.before is not None and after.at < known.before:
        return version.value is Status.NO_REFRESH_REQUESTED or after.value is None
    return stood


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
