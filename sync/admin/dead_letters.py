"""Dead letters: records whose passes failed until they were parked, effects that were refused, or cannot be proved, copies of
the weekly letter of which the same is true, and webhook deliveries that could not be unpacked.

An admin lists them, sees all that is known of one, has them tried again, or drops them. What is dropped stays in the
ledger, with who dropped it and why.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from mappings.letter import Letter
from sync.clock import Clock, iso
from sync.crm import Kind, RecordRef
from sync.errors import HandoffsError, last_line
from sync.rules.model import EffectState
from sync.service.bootstrap import Service
from sync.service.lanes import every_lane_held
from sync.storage import inbox, ledger, letters, memberships, raw_deliveries, runs, work_queue
from sync.storage.database import Connection, Store
from sync.storage.ledger import queries
from sync.storage.ledger.queries import Trouble
from sync.storage.letters import Copy
from sync.storage.raw_deliveries import PutAside

EVENTS = 10
"""So many of a record's newest events are shown."""


class NotDeadError(HandoffsError):
    """There is no such record or effect, or nothing is the matter with it."""


@dataclass(frozen=True, slots=True)
class Parked:
    """A record that no pass takes up any more. `error`: what it was decided on, where it got so far, and the traceback."""

    record: RecordRef
    since: datetime
    attempts: int  # failed passes in a row
    error: str

    @property
    def reason(self) -> str:
        """What the last pass failed with, in a line."""
        return last_line(self.error)

    def as_json(self) -> dict[str, object]:
        return {
            "record": self.record.as_json(),
            "since": self.since.isoformat(),
            "attempts": self.attempts,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """Parked records, refused effects, those of which nobody can tell whether they were done, and deliveries put aside.

    `letters`: copies of the newest weekly letter, refused or unproven.
    """

    parked: tuple[Parked, ...] = ()
    failed: tuple[Trouble, ...] = ()
    unproven: tuple[Trouble, ...] = ()
    deliveries: tuple[PutAside, ...] = ()
    letters: tuple[Copy, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.parked or self.effects or self.deliveries or self.letters)

    @property
    def unproven_letters(self) -> list[Copy]:
        return [one for one in self.letters if one.state is EffectState.UNPROVEN]

    @property
    def effects(self) -> tuple[Trouble, ...]:
        return (*self.failed, *self.unproven)

    @property
    def units(self) -> list[RecordRef]:
        """The records that have to be decided again to try all of it again, each kind by rising id."""
        found = {parked.record for parked in self.parked} | {one.unit for one in self.effects}
        return sorted(found, key=lambda record: (record.kind, int(record.id)))

    def as_json(self) -> dict[str, object]:
        return {
            "parked": [parked.as_json() for parked in self.parked],
            "failed": [failed_json(failed) for failed in self.failed],
            "unproven": [failed_json(one) for one in self.unproven],
            "deliveries": [_delivery_json(one) for one in self.deliveries],
            "letters": [one.as_json() for one in self.letters],
        }


@dataclass(frozen=True, slots=True)
class FailedEffect:
    """What one refused or unproven effect was to do, and what asked for it."""

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
            "cause_at": iso(self.cause_at),
        }


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """One event that named the record, or a ticket on it."""

    received_at: datetime
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Details:
    """All that is known of one dead record or effect."""

    parked: tuple[Parked, ...]
    failed: tuple[FailedEffect, ...]
    events: tuple[ReceivedEvent, ...]  # newest first
    deliveries: tuple[tuple[PutAside, bytes], ...] = ()  # each with its body, as it came
    letters: tuple[tuple[Copy, Letter | None], ...] = ()  # each with what it says, as long as that is kept

    def as_json(self) -> dict[str, object]:
        return {
            "parked": [{**parked.as_json(), "error": parked.error} for parked in self.parked],
            "failed": [failed.as_json() for failed in self.failed],
            "events": [{"received_at": seen.received_at.isoformat(), **seen.raw} for seen in self.events],
            "deliveries": [
                {**_delivery_json(one), "error": one.error, "body": body.decode(errors="replace")}
                for one, body in self.deliveries
            ],
            "letters": [
                {**one.as_json(), "subject": letter and letter.subject, "text": letter and letter.text}
                for one, letter in self.letters
            ],
        }


def find_all(store: Store, today: date) -> DeadLetters:
    """Find every dead letter by this day of the portal's. Reads the database alone."""
    with store.read() as connection:
        return _find_all(connection, today)


def find(store: Store, wanted: Iterable[str], today: date) -> DeadLetters:
    """Find what is meant by these: an effect's key, a record (`1001`, `portfolio 1001`, `ticket:2001`) with all on it, a
    delivery (`delivery:7`), or a copy of the weekly letter (`letter:ops@agency.example`).

    Raises `NotDeadError` for the first that names nothing dead.
    """
    with store.read() as connection:
        everything = _find_all(connection, today)
        parked: dict[RecordRef, Parked] = {}
        failed: dict[str, Trouble] = {}
        deliveries: dict[int, PutAside] = {}
        copies: dict[str, Copy] = {}
        for one in wanted:
            mine = _named(connection, everything, one)
            parked |= {found.record: found for found in mine.parked}
            failed |= {found.key: found for found in mine.effects}
            deliveries |= {found.id: found for found in mine.deliveries}
            copies |= {found.key: found for found in mine.letters}
    return DeadLetters(
        tuple(parked.values()), *_by_state(failed.values()), tuple(deliveries.values()), tuple(copies.values())
    )


def show(store: Store, wanted: str, today: date) -> Details:
    """Read all that is known of one, named as for `find`. Raises `NotDeadError`."""
    found = find(store, [wanted], today)
    with store.read() as connection:
        inputs = tuple(_inputs(connection, one) for one in found.effects)
        seen = _events(connection, found.units)
        bodies = tuple((one, raw_deliveries.body_of(connection, one.id)) for one in found.deliveries)
        copies = tuple((one, letters.find(connection, one.week)) for one in found.letters)
    return Details(found.parked, inputs, seen, bodies, copies)


def unpack_again(service: Service, found: Sequence[PutAside]) -> list[PutAside]:
    """Try again to unpack these; those that could not be unpacked again. Raises `StoreError`."""
    ids = {one.id for one in found}
    with service.store.write() as connection:
        raw_deliveries.try_again(connection, ids)
    service.unpack()
    with service.store.read() as connection:
        return [one for one in raw_deliveries.find_put_aside(connection) if one.id in ids]


def drop(store: Store, clock: Clock, found: DeadLetters, reason: str) -> None:
    """Give up on these for good: effects and letters are superseded, parked records leave the queue until something changes,
    and deliveries are removed.

    It waits until no pass runs. The run is kept in the database with its reason and what was dropped.
    """
    arguments = {
        "effects": [one.key for one in found.effects],
        "records": {str(parked.record): parked.error for parked in found.parked},
        "deliveries": {str(one.id): one.error for one in found.deliveries},
        "letters": [one.key for one in found.letters],
    }
    with (
        every_lane_held(store),
        runs.kept(store, clock, "dead drop", reason, arguments, dict),
        store.write() as connection,
    ):
        word = f"dropped by {runs.actor()}: {reason}"
        queries.give_up(connection, [one.key for one in found.effects], clock.now(), word)
        ledger.mark_done(connection, {one.unit for one in found.effects})
        work_queue.remove_parked(connection, [parked.record for parked in found.parked])
        raw_deliveries.drop(connection, [one.id for one in found.deliveries])
        letters.decide(connection, found.letters, EffectState.SUPERSEDED, clock.now(), word)


def decide(store: Store, clock: Clock, found: DeadLetters, reason: str, *, sent: bool) -> None:
    """Write down what somebody has found out of these, which nobody could prove: they were `sent`, or are to be sent again.

    It waits until no pass runs. The run is kept in the database with its reason.
    """
    keys, copies = [one.key for one in found.unproven], found.unproven_letters
    command = "dead confirm" if sent else "dead retry"
    with (
        every_lane_held(store),
        runs.kept(store, clock, command, reason, {"effects": [*keys, *(one.key for one in copies)]}, dict),
        store.write() as connection,
    ):
        word = f"{'confirmed' if sent else 'not sent before'}, by {runs.actor()}: {reason}"
        ledger.decide_unproven(connection, keys, clock.now(), word, sent=sent)
        state = EffectState.DONE if sent else EffectState.PLANNED
        letters.decide(connection, copies, state, clock.now(), word)
        ledger.mark_done(connection, {one.unit for one in found.unproven})


def send_again(store: Store, clock: Clock, copies: Sequence[Copy]) -> None:
    """Have these copies of the weekly letter, which were refused, sent by the running service now. Raises `StoreError`."""
    keys = [one.key for one in copies]
    with runs.kept(store, clock, "dead retry", None, {"letters": keys}, dict), store.write() as connection:
        letters.decide(connection, copies, EffectState.PLANNED, clock.now(), None)


def failed_json(failed: Trouble) -> dict[str, object]:
    return {
        "key": failed.key,
        "handoff": failed.handoff.value,
        "record": failed.record.as_json(),
        "portfolio": failed.portfolio,
        "name": failed.name,
        "kind": failed.kind,
        "since": failed.since.isoformat(),
        "reason": failed.reason,
    }


def _find_all(connection: Connection, today: date) -> DeadLetters:
    parked = tuple(
        Parked(queued.record, queued.parked_at, queued.attempts, queued.error or "")
        for queued in work_queue.parked(connection)
        if queued.parked_at is not None
    )
    deliveries = tuple(raw_deliveries.find_put_aside(connection))
    return DeadLetters(
        parked, *_by_state(queries.troubles(connection)), deliveries, tuple(letters.dead(connection, today))
    )


def _delivery_json(one: PutAside) -> dict[str, object]:
    return {"delivery": one.id, "received_at": one.received_at.isoformat(), "bytes": one.size, "reason": one.reason}


def _named(connection: Connection, everything: DeadLetters, text: str) -> DeadLetters:
    if text.casefold().startswith(letters.NAMED):
        return _copy(everything, text)
    kind, _, number = text.replace(":", " ").partition(" ")
    if kind != "delivery":
        return _effect(connection, everything, text) if "/" in text else _record(everything, text)
    found = tuple(one for one in everything.deliveries if str(one.id) == number.strip())
    if not found:
        raise NotDeadError(f"no “{text}” was put aside: `handoffs dead` lists those that could not be unpacked")
    return DeadLetters((), (), (), found)


def _copy(everything: DeadLetters, text: str) -> DeadLetters:
    found = tuple(one for one in everything.letters if one.name.casefold() == text.strip().casefold())
    if not found:
        raise NotDeadError(f"nothing is the matter with “{text}” of the newest weekly letter: see `handoffs letter`")
    return DeadLetters(letters=found)


def _by_state(effects: Iterable[Trouble]) -> tuple[tuple[Trouble, ...], tuple[Trouble, ...]]:
    """The refused ones of these effects, and the unproven ones."""
    known = list(effects)
    failed = tuple(one for one in known if one.state is EffectState.FAILED)
    return failed, tuple(one for one in known if one.state is EffectState.UNPROVEN)


def _effect(connection: Connection, everything: DeadLetters, key: str) -> DeadLetters:
    found = [one for one in everything.effects if one.key == key]
    if found:
        return DeadLetters((), *_by_state(found))
    state = ledger.states_of(connection, [key]).get(key)
    if state is None:
        raise NotDeadError(f"there is no effect “{key}”: `handoffs dead` lists those that failed")
    raise NotDeadError(f"the effect “{key}” has not failed: it is {state.value}")


def _record(everything: DeadLetters, text: str) -> DeadLetters:
    kind, record = _read_record(text)
    refs = {RecordRef(one, record) for one in ([kind] if kind is not None else [Kind.PORTFOLIO, Kind.TICKET])}
    parked = tuple(one for one in everything.parked if one.record in refs)
    found = [one for one in everything.effects if refs & {one.unit, one.record}]
    if not parked and not found:
        raise NotDeadError(f"“{text}” is not parked, and nothing of it has failed: `handoffs dead` lists what is dead")
    return DeadLetters(parked, *_by_state(found))


def _read_record(text: str) -> tuple[Kind | None, str]:
    words = text.replace(":", " ").split()
    if len(words) == 2 and words[0] in {Kind.PORTFOLIO, Kind.TICKET} and words[1].isdigit():
        return Kind(words[0]), words[1]
    return None, text.strip()


def _inputs(connection: Connection, failed: Trouble) -> FailedEffect:
    known = queries.inputs_of(connection, failed.key)
    return FailedEffect(failed, known.attempts, known.payload, known.cause, known.cause_at)


def _events(connection: Connection, units: Sequence[RecordRef]) -> tuple[ReceivedEvent, ...]:
    portfolios = [unit.id for unit in units if unit.kind is Kind.PORTFOLIO]
    ids = {unit.id for unit in units} | memberships.tickets_of(connection, portfolios)
    newest = inbox.newest_of(connection, ids, EVENTS)
    return tuple(ReceivedEvent(stored.received_at, json.loads(stored.raw)) for stored in newest)
