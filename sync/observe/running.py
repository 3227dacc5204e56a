"""Does anybody work, and can they? Told from the signs of life that worker and receiver write into the database. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sync.storage.processes import Part, Process

SILENT_FOR = timedelta(minutes=2)
"""How long a process may give no sign of life (they come every 20 seconds) before it counts as dead, or frozen."""

AT_ONE_GROUP_FOR = timedelta(minutes=15)
"""How long a worker may be at one group of records: a CRM that is slow to answer each call takes minutes."""

WAITS_FOR = timedelta(minutes=1)
"""How long a worker may wait for somebody else's command before it is said."""

MISSED_FOR = timedelta(seconds=45)
"""A process that has given no sign of life for so long, two of them, may have been replaced by one that started since."""

TOLD_FOR = timedelta(days=1)
"""How long it is told of one of several workers that it gives no sign of life."""

_HOLDER = re.compile(r"\(pid (?P<pid>\d+) on (?P<host>\S*)\), which has held it")
"""How a process that holds a lane is written (`sync.storage.lane_locks.Holder`)."""

CRASHES_WITHIN = timedelta(minutes=30)
CRASHES = 3
"""So many starts within that time that nobody told to end are a part that cannot stay up."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that keeps all from being well, in words for the admin.

    `stops_work`: it keeps the service as a whole from its work, so that it is not ready; else it needs a person for a part.
    """

    text: str
    stops_work: bool = True


def is_live(process: Process, now: datetime) -> bool:
    """Whether it was not told to end, and its last sign of life is not old."""
    return process.ended_at is None and now - process.beat_at <= SILENT_FOR


def live(found: Sequence[Process], part: Part, now: datetime) -> list[Process]:
    """Pick those of a part that live, the one that started last at the end."""
    return [one for one in found if one.part is part and is_live(one, now) and not _was_replaced(one, found, now)]


def of_worker(found: Sequence[Process], now: datetime) -> list[Finding]:
    """Tell what is wrong with the workers."""
    workers = [one for one in found if one.part is Part.WORKER]
    alive = live(found, Part.WORKER, now)
    findings = _lost_ones(workers, now) if alive else [Finding(_nobody(workers, now))]
    findings += _crashes(workers, now)
    for one in alive:
        if one.busy_since is not None and now - one.busy_since > AT_ONE_GROUP_FOR:
            findings.append(
                Finding(
                    f"the {one} has been at one group of records since {_time(one.busy_since)}: it hangs. Look at its "
                    f"log, then end it (kill -9 {one.pid}) and start it again: what it has begun is looked for in the CRM"
                )
            )
        if one.waits_for is not None and not any(
            _is_meant(other, one.waits_for) for other in alive if other is not one
        ):
            findings.append(Finding(f"the {one} waits for {one.waits_for}"))
    return findings


def _is_meant(worker: Process, holder: str) -> bool:
    """Whether whoever holds a lane is this worker: one that lives is at work there, and told of if that takes too long.

    The holder's host may be shortened: it is the name of a session.
    """
    named = _HOLDER.search(holder)
    return named is not None and int(named["pid"]) == worker.pid and worker.host.startswith(named["host"])


def of_receiver(found: Sequence[Process], now: datetime, *, expected: bool) -> list[Finding]:
    """Tell what is wrong with the receiver. `expected`: webhooks are set up, so there must be one."""
    receivers = [one for one in found if one.part is Part.RECEIVER]
    if live(found, Part.RECEIVER, now):
        return [*_lost_ones(receivers, now), *_crashes(receivers, now)]
    was_cut_off = bool(receivers) and receivers[-1].ended_at is None
    if not expected and not was_cut_off:
        return []
    return [Finding(_nobody(receivers, now, Part.RECEIVER, "webhooks are not stored")), *_crashes(receivers, now)]


def _nobody(
    starts: Sequence[Process], now: datetime, part: Part = Part.WORKER, so: str = "nothing is done by itself"
) -> str:
    """Say that nobody does a part's work, and who did last."""
    if not starts:
        return f"no {part} has ever run on this database, so {so}: start `handoffs serve`"
    last = max(starts, key=lambda one: (one.beat_at, one.id))
    if last.ended_at is not None:
        return (
            f"no {part} runs, so {so}: the last one was told to end at {_time(last.ended_at)}; start `handoffs serve`"
        )
    minutes = (now - last.beat_at) // timedelta(minutes=1)
    return (
        f"the {last} has given no sign of life for {minutes} minutes, since {_time(last.beat_at)}, so {so}: it is dead, "
        f"frozen, or cannot write the database. Look at its log, end what is left of it (kill -9 {last.pid}) and start "
        "`handoffs serve`"
    )


def _lost_ones(starts: Sequence[Process], now: datetime) -> list[Finding]:
    """Tell of each that has fallen silent, while others of its part live and do its work."""
    silent = [
        one
        for one in starts
        if one.ended_at is None and SILENT_FOR < now - one.beat_at <= TOLD_FOR and not _was_replaced(one, starts, now)
    ]
    return [
        Finding(
            f"the {one} has given no sign of life since {_time(one.beat_at)}: it is dead, frozen, or cannot reach the database. "
            "The others go on, but what it holds waits for it as long as it is frozen: end what is left of it "
            f"(kill -9 {one.pid} on {one.host}), and start it again if it is still wanted",
            stops_work=False,
        )
        for one in silent
    ]


def _crashes(starts: Sequence[Process], now: datetime) -> list[Finding]:
    lost = [
        one
        for one in starts
        if one.ended_at is None
        and now - one.started_at <= CRASHES_WITHIN
        and (_was_replaced(one, starts, now) or not is_live(one, now))
    ]
    if len(lost) < CRASHES:
        return []
    return [
        Finding(
            f"the {lost[-1].part} was started {len(lost)} times within {CRASHES_WITHIN // timedelta(minutes=1)} minutes and "
            "cut off each time: its log says why"
        )
    ]


def _was_replaced(one: Process, found: Sequence[Process], now: datetime) -> bool:
    """Whether it has given no sign of life since another one of its part started: of two that run, each does.

    Not before two of them are missing, unless its number is another's by now: of several that start together each has
    given its first one before the next started.
    """
    since = [
        other for other in found if other.part is one.part and other.started_at > one.beat_at and other.id != one.id
    ]
    is_late = now - one.beat_at > MISSED_FOR
    return one.ended_at is None and any(is_late or (other.pid, other.host) == (one.pid, one.host) for other in since)


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
