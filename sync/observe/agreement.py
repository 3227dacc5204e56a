"""Does the running service go by the same clock and the same mapping as whoever asks? Told from its signs of life. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sync.observe.running import SILENT_FOR, Finding, is_live, live
from sync.storage.processes import Part, Process

_SAME_CLOCK = timedelta(minutes=2)
"""How far a process's clock may be from its machine's, and still be taken for that."""


def by_another_clock(found: Sequence[Process], now: datetime, on_machine: datetime) -> list[Process]:
    """Pick those that live by their machine's time, but not by `now`: it is a rehearsal, and one of the two goes by its clock.

    `now` is the asker's clock, `on_machine` the time of the asker's machine. One that was killed is left out where another of
    its part lives by `now`: the clock was moved in between.
    """
    by_now = {one.part for one in found if is_live(one, now) and one.beat_at - now <= SILENT_FOR}
    return [
        one
        for one in found
        if one.ended_at is None
        and one.part not in by_now
        and one.clock_ahead is not None
        and abs(on_machine - (one.beat_at - one.clock_ahead)) <= SILENT_FOR
        and abs(now - one.beat_at) > SILENT_FOR
    ]


def of_clock(one: Process, now: datetime, on_machine: datetime, command: str) -> str:
    """Say that a process goes by another clock than the asker, and how `command` is run by that of the process."""
    assert one.clock_ahead is not None
    ahead = one.clock_ahead - (now - on_machine)
    which = "ahead of" if ahead > timedelta() else "behind"
    text = f"the {one} works by another clock, {_length(abs(ahead))} {which} this command's"
    if abs(one.clock_ahead) > _SAME_CLOCK:
        return f"{text}: this is a rehearsal; ask by the sandbox's clock, with `handoffs sandbox now {command}`"
    return f"{text}: it was started by the machine's; ask without `sandbox now`, or end it and start `handoffs sandbox now serve`"


def of_mapping(found: Sequence[Process], now: datetime, digest: str, name: str) -> list[Finding]:
    """Tell which workers go by another mapping than the one that `name` holds now, with this digest."""
    return [
        Finding(
            f"the {one} goes by another mapping than {name} holds now: the one that it read at its start, "
            f"{one.started_at:%Y-%m-%d %H:%M:%S} UTC. Restart `handoffs serve` to let this one count",
            stops_work=False,
        )
        for one in live(found, Part.WORKER, now)
        if one.mapping not in {None, digest}
    ]


def begun_before(found: Sequence[Process], changed_at: datetime, host: str) -> list[Process]:
    """Pick the processes of this host that run and were started before then, by the machine's time: they know nothing of it.

    A rehearsal's clock is moved while they run, so nobody can tell when they were started by the machine's: they are left out.
    """
    return [
        one
        for one in found
        if one.ended_at is None
        and one.host == host
        and one.clock_ahead is not None
        and abs(one.clock_ahead) <= _SAME_CLOCK
        and one.started_at - one.clock_ahead < changed_at
    ]


def _length(apart: timedelta) -> str:
    for unit, name in ((timedelta(days=1), "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute")):
        count = round(apart / unit)
        if apart >= unit:
            return f"{count:,} {name}" if count == 1 else f"{count:,} {name}s"
    return f"{apart.total_seconds():.0f} seconds"
