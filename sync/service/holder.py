"""Who holds a lane: written beside its lock, so that whoever waits for it can say for whom."""

import json
import os
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog

FIRST_SAID_AFTER: Final = 2.0
SAID_AGAIN_AFTER: Final = 60.0
"""Seconds of waiting after which it is said for whom, and how often then."""

_WIDTH: Final = 512
"""Bytes of the note: it is overwritten in place, which a full disk does not prevent."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that holds a lane. `command`: how it was called, as far as it tells."""

    command: str
    pid: int
    host: str
    since: datetime

    def __str__(self) -> str:
        return f"{self.command} (pid {self.pid} on {self.host}), which has held it since {self.since:%Y-%m-%d %H:%M:%S} UTC"


OnWait = Callable[[int, "Holder | None", float], None]
"""Called with the lane, who holds it (None: that is not known), and the seconds waited for so far."""


def say(lane: int, holder: Holder | None, waited: float) -> None:
    """Log for whom one waits."""
    log.warning(
        "lane.waiting",
        lane=lane,
        held_by="a process that did not say" if holder is None else str(holder),
        waited_seconds=round(waited),
        note="work goes on as soon as it lets go; a process that hangs must be ended (kill -9)",
    )


def note(path: Path) -> None:
    """Write down that this process holds it from now on. What cannot be written is left: the lock is held all the same."""
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:2]])[:100]
    text = json.dumps(
        {
            "command": command,
            "pid": os.getpid(),
            "host": socket.gethostname()[:100],
            "since": datetime.now(UTC).isoformat(),
        }
    )
    with suppress(OSError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, text.ljust(_WIDTH).encode())
        finally:
            os.close(descriptor)


def read(path: Path) -> Holder | None:
    """Read who wrote last that it holds it; None: nobody, or it cannot be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        since = datetime.fromisoformat(str(found["since"]))
        return Holder(str(found["command"]), int(found["pid"]), str(found["host"]), since)
    except (OSError, ValueError, KeyError, TypeError):
        return None
