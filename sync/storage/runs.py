"""Runs: what an admin had done, who, when, why, and what came of it. One row a run of a command that acts on many records."""

import getpass
import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from sync.clock import Clock, from_ms, iso, to_ms
from sync.storage import releases
from sync.storage.database import Store, in_parts, to_json
from sync.storage.tables import runs


def actor() -> str:
    """Name whoever gives the command, as the machine knows them."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user id without a name, as containers have
        return f"user id {os.getuid()}"


def begin(
    connection: Connection,
    command: str,
    now: datetime,
    *,
    reason: str | None,
    arguments: Mapping[str, Any],
    by: str | None = None,
) -> int:
    """Record that a run begins, and return its number. `arguments`: what it was told to do, as plain JSON values.

    `by` is who has it done; None: whoever gives the command.
    """
    row = {"command": command, "actor": by or actor(), "reason": reason, "started": to_ms(now), "finished": None}
    made = connection.execute(runs.insert().values(**row, arguments=to_json(arguments), counts="{}"))
    assert made.inserted_primary_key is not None
    return int(made.inserted_primary_key[0])


def finish(connection: Connection, run: int, now: datetime, counts: Mapping[str, Any]) -> None:
    """Record that a run has ended, and what came of it. One that was cut off has no end."""
    connection.execute(update(runs).where(runs.c.id == run).values(finished=to_ms(now), counts=to_json(counts)))


def began(connection: Connection, numbers: Collection[int]) -> dict[int, datetime]:
    """Tell when these runs began."""
    found: dict[int, datetime] = {}
    for part in in_parts(sorted(numbers)):
        rows = connection.execute(select(runs.c.id, runs.c.started).where(runs.c.id.in_(part)))
        found.update({row.id: from_ms(row.started) for row in rows})
    return found


@contextmanager
def kept(
    store: Store,
    clock: Clock,
    command: str,
    reason: str | None,
    arguments: Mapping[str, Any],
    counts: Callable[[], Mapping[str, Any]],
) -> Iterator[int]:
    """Record a run at its beginning and at its end, however it ends; gives its number.

    `counts` is called at the end, and gives what came of it, as plain JSON values. Raises `StoreError`.
    """
    with store.write() as connection:
        run = begin(connection, command, clock.now(), reason=reason, arguments=arguments)
    try:
        yield run
    finally:
        with store.write() as connection:
            finish(connection, run, clock.now(), counts())


# -- who had what done


RELEASE = "release"
"""The command whose runs stand in a table of their own (`releases`)."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a command. `finished` None: it goes on, or was cut off; `reason` None: none was asked for."""

    command: str
    actor: str
    reason: str | None
    arguments: Mapping[str, Any]  # what it was told to do
    started: datetime
    finished: datetime | None
    counts: Mapping[str, Any]  # what came of it

    def as_json(self) -> dict[str, object]:
        return {
            "command": self.command,
            "actor": self.actor,
            "reason": self.reason,
            "arguments": dict(self.arguments),
            "started": iso(self.started),
            "finished": iso(self.finished),
            "counts": dict(self.counts),
        }


_BETWEEN = select(runs).where(runs.c.started >= bindparam("since"), runs.c.started < bindparam("until"))


def find(connection: Connection, since: datetime, until: datetime) -> list[Run]:
    """List the runs that began from `since` on and before `until`, releases among them, oldest first."""
    span = {"since": to_ms(since), "until": to_ms(until)}
    found = [
        Run(
            row.command,
            row.actor,
            row.reason,
            json.loads(row.arguments),
            from_ms(row.started),
            None if row.finished is None else from_ms(row.finished),
            json.loads(row.counts),
        )
        for row in connection.execute(_BETWEEN, span)
    ]
    found += [
        Run(RELEASE, one.actor, one.reason, {}, one.at, one.at, {"permitted": one.effects})
        for one in releases.find(connection, since, until)
    ]
    return sorted(found, key=lambda run: run.started)
