"""The lock of a lane: whoever has it may run passes there, and its death gives it up.

On SQLite it is a lock file beside the database, which its process's end frees. On PostgreSQL it is a lock of a session
(`sync.storage.session_locks`). Beside it stands who has it, so that whoever waits can say for whom.
"""

import json
import os
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

from filelock import FileLock, Timeout
from sqlalchemy import Connection

from sync.errors import LaneLostError, StoreError

_WIDTH: Final = 512
"""Bytes of the note: it is overwritten in place, which a full disk does not prevent."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that holds a lane. `command`: how it was called, as far as it tells."""

    command: str
    pid: int
    host: str
    since: datetime

    def __str__(self) -> str:
        return f"{self.command} (pid {self.pid} on {self.host}), which has held it since {self.since:%Y-%m-%d %H:%M:%S} UTC"


def this_process() -> Holder:
    """This process, as one that holds a lane from now on."""
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:2]])[:100]
    return Holder(command, os.getpid(), socket.gethostname()[:100], datetime.now(UTC))


def lost(name: str) -> LaneLostError:
    """Say that a lock is gone."""
    return LaneLostError(
        f"{name} was lost with the connection to the database: another worker may have it by now, so nothing more is "
        "written. The next pass finds out what came of all that was begun"
    )


class LaneLock(Protocol):
    """One lane's lock, for one holding: each is taken once, and freed."""

    def take(self, patience: float) -> bool:
        """Take it, waiting `patience` seconds at the most; False: another has it. Raises `StoreError`."""
        ...

    def holder(self) -> Holder | None:
        """Who said last that it has it; None: nobody, or it cannot be told."""
        ...

    @property
    def name(self) -> str:
        """What it is the lock of, in words."""
        ...

    def is_mine(self) -> bool:
        """Whether it is still had: one that hangs on a session can be lost with it."""
        ...

    def is_mine_in(self, connection: Connection) -> bool:
        """The same, asked in a transaction that writes. Raises the driver's errors."""
        ...

    def free(self) -> None:
        """Give it up."""
        ...


class Fence(Protocol):
    """What is asked before each write: see `LaneLock`."""

    @property
    def name(self) -> str: ...

    def is_mine(self) -> bool: ...

    def is_mine_in(self, connection: Connection) -> bool: ...


class LocksTogether:
    """The locks by which a pass may write: its own lane's, and those that it has taken too."""

    def __init__(self, own: LaneLock) -> None:
        self._locks = [own]

    @property
    def name(self) -> str:
        """What they are the locks of, in words."""
        return " and ".join(lock.name for lock in self._locks)

    def add(self, lock: LaneLock) -> None:
        """Have this one too."""
        self._locks.append(lock)

    def remove(self, lock: LaneLock) -> None:
        """Have this one no more."""
        self._locks.remove(lock)

    def is_mine(self) -> bool:
        """Whether all are still had."""
        return all(lock.is_mine() for lock in self._locks)

    def is_mine_in(self, connection: Connection) -> bool:
        """The same, asked in a transaction that writes. Raises the driver's errors."""
        return all(lock.is_mine_in(connection) for lock in self._locks)


class FileLaneLock:
    """A lock file beside the database. It is lost by nothing but the end of its process.

    `place`: the database's file itself: one lock, by whatever link it is reached.
    """

    def __init__(self, place: Path, lane: int) -> None:
        self._lock = FileLock(place.parent / f".{place.name}.lane-{lane}.lock")
        self.name = f"lane {lane}"
        self._noted = place.parent / f".{place.name}.lane-{lane}.holder"

    def take(self, patience: float) -> bool:
        """Take it, waiting `patience` seconds at the most; False: another has it. Raises `StoreError`."""
        try:
            self._lock.acquire(timeout=patience)
        except Timeout:
            return False
        except OSError as error:
            raise StoreError(f"the lane's lock {self._lock.lock_file} cannot be written: {error}") from error
        _note(self._noted, this_process())
        return True

    def holder(self) -> Holder | None:
        """Who wrote last that it has it."""
        return _read(self._noted)

    def is_mine(self) -> bool:
        """Whether it is still had."""
        return self._lock.is_locked

    def is_mine_in(self, _connection: Connection) -> bool:
        """The same."""
        return self.is_mine()

    def free(self) -> None:
        """Give it up."""
        self._lock.release()


class EveryFileLaneLock:
    """The lock files of all lanes, taken in their order: of two who want all of them one has the first."""

    name = "the lanes"

    def __init__(self, locks: Sequence[FileLaneLock]) -> None:
        self._locks = locks
        self._taken = 0

    def take(self, patience: float) -> bool:
        """Take those that are lacking, waiting `patience` seconds for each at the most. Raises `StoreError`."""
        while self._taken < len(self._locks) and self._locks[self._taken].take(patience):
            self._taken += 1
        return self._taken == len(self._locks)

    def holder(self) -> Holder | None:
        """Who wrote last that it has the one that is waited for."""
        return self._locks[min(self._taken, len(self._locks) - 1)].holder()

    def is_mine(self) -> bool:
        """Whether all are still had."""
        return all(lock.is_mine() for lock in self._locks)

    def is_mine_in(self, _connection: Connection) -> bool:
        """The same."""
        return self.is_mine()

    def free(self) -> None:
        """Give them up."""
        for lock in self._locks:
            lock.free()


def _note(path: Path, holder: Holder) -> None:
    """Write down who has it. What cannot be written is left: the lock is held all the same."""
    text = json.dumps(
        {"command": holder.command, "pid": holder.pid, "host": holder.host, "since": holder.since.isoformat()}
    )
    with suppress(OSError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, text.ljust(_WIDTH).encode())
        finally:
            os.close(descriptor)


def _read(path: Path) -> Holder | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        since = datetime.fromisoformat(str(found["since"]))
        return Holder(str(found["command"]), int(found["pid"]), str(found["host"]), since)
    except (OSError, ValueError, KeyError, TypeError):
        return None
