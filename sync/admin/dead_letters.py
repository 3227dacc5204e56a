"""What does not heal by itself: records at which looking failed until they were parked, and effects that were refused.

They are listed, shown with all that is known of them, tried again on an admin's word, or dropped on it. What is dropped
stays in the ledger, with who dropped it and why.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from sync.clock import Clock, from_ms, to_ms
from sync.crm import Kind, RecordRef
from sync.errors import HandoffsError
from sync.observe.status import Trouble, troubles
from sync.rules.model import EffectState
from sync.service.lanes import every_lane_held
from sync.storage import ledger, runs
from sync.storage.database import Store
from sync.storage.tables import effects, events, memberships, occurrences, work_items

EVENTS = 10
"""The newest events of a record that are shown: what it was looked at for."""


class NotDeadError(HandoffsError):
    """There is no such record or effect, or nothing is the matter with it."""


@dataclass(frozen=True, slots=True)
class Parked:
    """A record that is looked at no more. `error`: the traceback, after what the decision was made on where it got so far."""

    record: RecordRef
    since: datetime
    attempts: int
    error: str

    @property
    def reason(self) -> str:
        lines = self.error.strip().splitlines() or ["no error was kept"]
        return lines[-1]

    def as_json(self) -> dict[str, object]:
        return {
            "record": _record_json(self.record),
            "since": self.since.isoformat(),
            "attempts": self.attempts,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Dead:
    """All of it."""

    parked: tuple[Parked, ...]
    failed: tuple[Trouble, ...]

    @property
    def units(self) -> list[RecordRef]:
        """What has to be looked at to try all of it again."""
        found = {parked.record for parked in self.parked} | {failed.unit for failed in self.failed}
        return sorted(found, key=lambda record: (record.kind, int(record.id)))

    def as_json(self) -> dict[str, object]:
        return {
            "parked": [parked.as_json() for parked in self.parked],
            "failed": [failed_json(failed) for failed in self.failed],
        }


@dataclass(frozen=True, slots=True)
class Inputs:
    """What one refused effect was to do, and what asked for it."""

    trouble: Trouble
    attempts: int
    payload: Mapping[str, Any]
    cause: str  # the rule's reason
    cause_at: datetime | None

    def as_json(self) -> dict[str, object]:
        return {
            **failed_json(self.trouble),
            "attempts": self.attempts,
            "payload": dict(self.payload),
            "cause": self.cause,
            "cause_at": None if self.cause_at is None else self.cause_at.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class SeenEvent:
    """One event that named the record, or a ticket on it."""

    received_at: datetime
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shown:
    """All that is known of one dead record or effect."""

    parked: tuple[Parked, ...]
    failed: tuple[Inputs, ...]
    events: tuple[SeenEvent, ...]  # newest first

    def as_json(self) -> dict[str, object]:
        return {
            "parked": [{**parked.as_json(), "error": parked.error} for parked in self.parked],
            "failed": [failed.as_json() for failed in self.failed],
            "events": [{"received_at": seen.received_at.isoformat(), **seen.raw} for seen in self.events],
        }


def listed(store: Store) -> Dead:
    """Everything that is dead. Reads the database alone."""
    with store.read() as connection:
        return _listed(connection)


def find(store: Store, wanted: Iterable[str]) -> Dead:
    """What is meant by these: an effect's key, or a record (`1001`, `portfolio 1001`, `ticket:2001`) with all on it.

    Raises `NotDeadError` for the first that names nothing dead.
    """
    with store.read() as connection:
        everything = _listed(connection)
        parked: dict[RecordRef, Parked] = {}
        failed: dict[str, Trouble] = {}
        for one in wanted:
            mine = _effect(connection, everything, one) if "/" in one else _record(everything, one)
            parked |= {found.record: found for found in mine.parked}
            failed |= {found.key: found for found in mine.failed}
    return Dead(tuple(parked.values()), tuple(failed.values()))


def show(store: Store, wanted: str) -> Shown:
    """All that is known of one. Raises `NotDeadError`."""
    found = find(store, [wanted])
    with store.read() as connection:
        inputs = tuple(_inputs(connection, failed) for failed in found.failed)
        seen = _events(connection, found.units)
    return Shown(found.parked, inputs, seen)


def drop(store: Store, clock: Clock, found: Dead, reason: str) -> None:
    """Give up on these for good: effects are overtaken, looks are not made until something changes. Nobody's word but yours.

    It waits for a pass that is running, and is kept as a run with its reason and what was dropped.
    """
    arguments = {
        "effects": [failed.key for failed in found.failed],
        "records": {str(parked.record): parked.error for parked in found.parked},
    }
    with (
        every_lane_held(store),
        runs.kept(store, clock, "dead drop", reason, arguments, dict),
        store.write() as connection,
    ):
        word = f"dropped by {runs.actor()}: {reason}"
        for failed in found.failed:
            connection.execute(
                update(effects)
                .where(effects.c.key == failed.key, effects.c.state == EffectState.FAILED.value)
                .values(state=EffectState.SUPERSEDED.value, state_at=to_ms(clock.now()), reason=word)
            )
        ledger.mark_done(connection, {failed.unit for failed in found.failed})
        for parked in found.parked:
            mine = (work_items.c.kind == parked.record.kind.value, work_items.c.id == parked.record.id)
            connection.execute(work_items.delete().where(*mine, work_items.c.parked_at.is_not(None)))


def failed_json(failed: Trouble) -> dict[str, object]:
    return {
        "key": failed.key,
        "handoff": failed.handoff.value,
        "record": _record_json(failed.record),
        "portfolio": failed.portfolio,
        "name": failed.name,
        "kind": failed.kind,
        "since": failed.since.isoformat(),
        "reason": failed.reason,
    }


def _record_json(record: RecordRef) -> dict[str, object]:
    return {"kind": record.kind.value, "id": record.id}


def _listed(connection: Connection) -> Dead:
    rows = connection.execute(
        select(work_items).where(work_items.c.parked_at.is_not(None)).order_by(work_items.c.parked_at)
    )
    parked = tuple(
        Parked(RecordRef(Kind(row.kind), row.id), from_ms(row.parked_at), row.attempts, row.error or "") for row in rows
    )
    return Dead(parked, tuple(one for one in troubles(connection) if one.state is EffectState.FAILED))


def _effect(connection: Connection, everything: Dead, key: str) -> Dead:
    failed = tuple(one for one in everything.failed if one.key == key)
    if failed:
        return Dead((), failed)
    row = connection.execute(select(effects.c.state).where(effects.c.key == key)).one_or_none()
    if row is None:
        raise NotDeadError(f"there is no effect “{key}”: `handoffs dead` lists those that failed")
    raise NotDeadError(f"the effect “{key}” has not failed: it is {row.state}")


def _record(everything: Dead, text: str) -> Dead:
    kind, record = _read_record(text)
    refs = {RecordRef(one, record) for one in ([kind] if kind is not None else [Kind.PORTFOLIO, Kind.TICKET])}
    parked = tuple(one for one in everything.parked if one.record in refs)
    failed = tuple(one for one in everything.failed if refs & {one.unit, one.record})
    if not parked and not failed:
        raise NotDeadError(f"“{text}” is not parked, and nothing of it has failed: `handoffs dead` lists what is dead")
    return Dead(parked, failed)


def _read_record(text: str) -> tuple[Kind | None, str]:
    words = text.replace(":", " ").split()
    if len(words) == 2 and words[0] in {Kind.PORTFOLIO, Kind.TICKET} and words[1].isdigit():
        return Kind(words[0]), words[1]
    return None, text.strip()


def _inputs(connection: Connection, failed: Trouble) -> Inputs:
    row = connection.execute(
        select(effects.c.attempts, effects.c.payload, occurrences.c.reason, occurrences.c.cause_at)
        .join(occurrences, effects.c.occurrence == occurrences.c.key)
        .where(effects.c.key == failed.key)
    ).one()
    cause_at = None if row.cause_at is None else from_ms(row.cause_at)
    return Inputs(failed, row.attempts, json.loads(row.payload), row.reason, cause_at)


def _events(connection: Connection, units: Sequence[RecordRef]) -> tuple[SeenEvent, ...]:
    ids = {unit.id for unit in units}
    portfolios = [unit.id for unit in units if unit.kind is Kind.PORTFOLIO]
    near = connection.execute(select(memberships.c.ticket).where(memberships.c.portfolio.in_(portfolios)))
    ids |= {row.ticket for row in near}
    rows = connection.execute(
        select(events.c.received_at, events.c.raw)
        .where(events.c.object_id.in_(sorted(ids)))
        .order_by(events.c.received_at.desc(), events.c.occurred_at.desc())
        .limit(EVENTS)
    )
    return tuple(SeenEvent(from_ms(row.received_at), json.loads(row.raw)) for row in rows)
