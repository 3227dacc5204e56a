"""Copies of the database: made while the service runs, known as copies, and put back on an admin's word.

Either is written beside its place, and has its name only once it is whole: a full disk or a killed process leaves no
half of a file under the name that somebody trusts.
"""

import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from sync.storage import processes, service_state
from sync.storage.database import Store, open_store

_ABANDONED: Final = 3600.0
"""Seconds after which a part that nobody has written to belongs to a process that was killed."""


def copy_to(store: Store, file: Path, at: datetime) -> None:
    """Write a consistent copy of the database into a new file, whoever writes meanwhile; it is marked as of `at`.

    Raises `OSError` where there can be no such file, or the disk is full, and `StoreError`.
    """
    with _beside(file) as part, store.read() as connection:
        source = connection.connection.driver_connection
        assert isinstance(source, sqlite3.Connection)
        try:
            with closing(sqlite3.connect(part)) as target:
                source.backup(target)
                target.execute("PRAGMA journal_mode=DELETE")  # one file, whole without others beside it
                target.execute(
                    "INSERT OR REPLACE INTO fact (name, value) VALUES (?, ?)",
                    (service_state.COPIED_AT.name, service_state.COPIED_AT.encode(at)),
                )
                target.commit()
        except sqlite3.Error as error:
            raise OSError(0, str(error)) from error


def copied_at(store: Store) -> datetime | None:
    """When this copy was made; None: the database is not a copy. Raises `StoreError`."""
    with store.read() as connection:
        return service_state.get(connection, service_state.COPIED_AT)


def why_not(store: Store) -> str | None:
    """Why no service may start on this database, in words that go on from its name; None: it is no copy. Raises `StoreError`."""
    with store.read() as connection:
        copied = service_state.get(connection, service_state.COPIED_AT)
        moved_to = service_state.get(connection, service_state.MOVED_TO)
    if copied is None:
        return None
    if moved_to is not None:
        return (
            f"was copied on {copied:%Y-%m-%d at %H:%M} UTC into {moved_to}, and what was done since stands there: set "
            "DATABASE_URL to that one (to go on with this one after all: `handoffs db restored`)"
        )
    return (
        f"is a copy of {copied:%Y-%m-%d %H:%M} UTC: what was done since would be done again. Move it away and start on an "
        "empty one, or see `handoffs db restore --help`"
    )


def put_back(copy: Path, place: Path, now: datetime) -> None:
    """Let a copy be the database, in a place where there is none.

    What was done since it was made it does not know. So it knows no more of the CRM than an empty ledger does: the next pass
    waits until the CRM was asked (docs/process.md G.12). Raises `OSError` and `StoreError`.
    """
    with _beside(place) as part:
        shutil.copyfile(copy, part)
        with closing(open_store(f"sqlite:///{part}")) as store:
            begin_anew(store, now)


def begin_anew(store: Store, now: datetime) -> None:
    """Have the database know that work was done which it does not know of: it is an older state, put back.

    The next pass waits until the CRM was asked (docs/process.md G.12). Raises `StoreError`.
    """
    with store.write() as connection:
        of_the_copy = (service_state.COPIED_AT, service_state.MOVED_TO, service_state.LEDGER_BEGAN_THERE)
        for entry in (*service_state.OF_THE_RECOVERY, *of_the_copy):
            service_state.remove(connection, entry)
        processes.forget(connection)  # those that ran when the copy was made would count as cut off
        service_state.put(connection, service_state.LEDGER_BEGAN, now)
        told_by_us = service_state.get(connection, service_state.BY_OUR_CLOCK) or frozenset()
        service_state.put(connection, service_state.BY_OUR_CLOCK, told_by_us | {service_state.LEDGER_BEGAN.name})


@contextmanager
def _beside(file: Path) -> Iterator[Path]:
    """A file to be written in the place of one that does not exist: it gets that name when the block ends well.

    Raises `FileExistsError` where there is one by then.
    """
    for left in file.parent.glob(f".{file.name}.*.part*"):
        if time.time() - left.stat().st_mtime > _ABANDONED:
            left.unlink(missing_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".part", dir=file.parent)
    part = Path(name)
    try:
        os.close(descriptor)
        yield part
        _keep(part)
        try:
            os.link(part, file)
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            part.rename(file)
    finally:
        for each in (part, *(part.with_name(part.name + end) for end in ("-wal", "-shm", "-journal"))):
            each.unlink(missing_ok=True)


def _keep(part: Path) -> None:
    """See to it that it is on the disk before it has its name."""
    with part.open("rb+") as opened:
        os.fsync(opened.fileno())
