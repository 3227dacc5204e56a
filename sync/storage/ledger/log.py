"""The ledger read as a log: what was decided, when and why, and what came of each effect."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, exists, or_, select

from mappings.vocabulary import Handoff, Role
from sync.clock import from_ms, iso, to_ms
from sync.crm import Kind, RecordRef
from sync.rules.keys import MalformedKeyError, slot_of
from sync.rules.model import EffectState, OccurrenceState
from sync.storage import people, portfolios
from sync.storage.database import in_parts
from sync.storage.lists import is_among
from sync.storage.people import Person
from sync.storage.tables import cycles, effects, occurrences

STATES: Sequence[str] = tuple(
    dict.fromkeys([*(one.value for one in EffectState), *(one.value for one in OccurrenceState)])
)
"""What may have become of an effect or of an occurrence, in the words of the ledger."""


@dataclass(frozen=True, slots=True)
class LoggedEffect:
    """One effect, as it stands. `at`: since when; `person` '': nobody's, or their name is not known.

    `task_kind`: of a task that the service makes, else ''; `refresh_date`: the portfolio's when it was decided, ISO, or ''.
    """

    key: str
    what: str  # `task kickoff`, `email date arrived`, `close 4711`, `write`
    role: Role | None
    person: str
    state: EffectState
    at: datetime
    attempts: int
    crm_id: str | None
    reason: str | None
    task_kind: str = ""
    refresh_date: str = ""

    def as_json(self) -> dict[str, object]:
        return {
            "key": self.key,
            "what": self.what,
            "role": None if self.role is None else self.role.value,
            "person": self.person,
            "state": self.state.value,
            "at": iso(self.at),
            "attempts": self.attempts,
            "crm_id": self.crm_id,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One occurrence with its effects. `client`: the portfolio's name where it is known, else ''.

    `mapping`: the digest of the one that decided it (`mapping_texts`); None: nobody has said.
    """

    key: str
    handoff: Handoff
    record: RecordRef
    portfolio: str | None  # the id; None: a ticket without one
    client: str
    cycle: str
    cause_at: datetime | None
    decided_at: datetime
    origin: str
    state: OccurrenceState
    reason: str
    mapping: str | None
    effects: tuple[LoggedEffect, ...]

    def as_json(self) -> dict[str, object]:
        return {
            "key": self.key,
            "handoff": self.handoff.value,
            "record": self.record.as_json(),
            "portfolio": None if self.portfolio is None else {"id": self.portfolio, "name": self.client},
            "cycle": self.cycle,
            "cause_at": iso(self.cause_at),
            "decided_at": iso(self.decided_at),
            "origin": self.origin,
            "state": self.state.value,
            "reason": self.reason,
            "mapping": self.mapping,
            "effects": [one.as_json() for one in self.effects],
        }


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which occurrences: all of these must hold, and what is left out or empty lets every one through.

    `client`: a portfolio's id, or a part of its name; `person`: an owner's id, an email, or a part of a name, of whoever an
    effect is for; `states`: of the occurrence or of one of its effects; decided from `since` on and before `until`.
    """

    client: str = ""
    person: str = ""
    handoffs: Collection[Handoff] = ()
    states: Collection[str] = ()
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Log:
    """The newest occurrences that a filter lets through, oldest first; `more`: there are older ones."""

    entries: tuple[LogEntry, ...] = ()
    more: bool = False
    people: Mapping[str, Person] = field(default_factory=dict)


def read_log(connection: Connection, wanted: LogFilter, limit: int | None, *, skip: int = 0) -> Log:
    """Read what the ledger knows of these, at most `limit` occurrences (None: all), those after the newest `skip`."""
    everybody = people.find(connection)
    conditions = _conditions(wanted, everybody)
    if conditions is None:
        return Log(people=everybody)
    found = select(occurrences).where(*conditions).order_by(occurrences.c.decided_at.desc(), occurrences.c.key.desc())
    if limit is not None:
        found = found.limit(limit + 1).offset(skip)
    rows = connection.execute(found).all()
    shown = list(reversed(rows if limit is None else rows[:limit]))
    return Log(_entries(connection, shown, everybody), limit is not None and len(rows) > limit, everybody)


_OF = (
    select(occurrences)
    .where(
        occurrences.c.portfolio == bindparam("wanted"),
        occurrences.c.decided_at >= bindparam("since"),
        occurrences.c.decided_at < bindparam("until"),
    )
    .order_by(occurrences.c.decided_at.desc(), occurrences.c.key)
    .limit(bindparam("at_most"))
)
_NAMED = select(occurrences).where(is_among(occurrences.c.key, "keys"))
_FIRST, _LAST = 0, 2**62


def of_portfolio(
    connection: Connection, portfolio: str, since: datetime | None, until: datetime | None, at_most: int
) -> tuple[LogEntry, ...]:
    """Read what was decided of this portfolio (id) from `since` on and before `until` (None: no bound), newest first."""
    bounds = {
        "wanted": portfolio,
        "since": _FIRST if since is None else to_ms(since),
        "until": _LAST if until is None else to_ms(until),
        "at_most": at_most,
    }
    return _entries(connection, connection.execute(_OF, bounds).all(), people.find(connection))


def by_key(connection: Connection, keys: Collection[str]) -> dict[str, LogEntry]:
    """Read what was decided under these keys; one that the ledger does not have is left out."""
    rows = [row for part in in_parts(sorted(keys)) for row in connection.execute(_NAMED, {"keys": part})]
    return {one.key: one for one in _entries(connection, rows, people.find(connection))}


_CYCLES = select(cycles.c.started).where(cycles.c.portfolio == bindparam("wanted")).order_by(cycles.c.started)


def ends_of_cycles(connection: Connection, portfolio: str) -> list[datetime]:
    """List the moments at which a cycle of this portfolio ended, and the next one began, oldest first."""
    return [from_ms(started) for started in connection.scalars(_CYCLES, {"wanted": portfolio})]


def _entries(connection: Connection, rows: Sequence[Row[Any]], everybody: Mapping[str, Person]) -> tuple[LogEntry, ...]:
    effects_of = _effects(connection, [row.key for row in rows])
    names = portfolios.names(connection, {row.portfolio for row in rows if row.portfolio is not None})
    return tuple(_entry(row, effects_of.get(row.key, []), names, everybody) for row in rows)


def _conditions(wanted: LogFilter, everybody: Mapping[str, Person]) -> list[ColumnElement[bool]] | None:
    """What must hold of an occurrence; None: of none it can."""
    found: list[ColumnElement[bool]] = []
    if wanted.client:
        mine = occurrences.c.portfolio.in_(portfolios.called(wanted.client))
        found.append(or_(occurrences.c.portfolio == wanted.client, mine))
    if wanted.person:
        called = [one.id for one in everybody.values() if one.is_called(wanted.person)]
        if not called:
            return None
        # The ledger writes an effect's JSON in one form (`to_json`), so that whose work it is can be found as a text.
        theirs = or_(*(effects.c.payload.contains(f'"owner":"{i}"', autoescape=True) for i in called))
        found.append(exists().where(effects.c.occurrence == occurrences.c.key, theirs))
    if wanted.handoffs:
        found.append(occurrences.c.handoff.in_([handoff.value for handoff in wanted.handoffs]))
    if wanted.states:
        states = sorted(wanted.states)
        of_effects = exists().where(effects.c.occurrence == occurrences.c.key, effects.c.state.in_(states))
        found.append(or_(occurrences.c.state.in_(states), of_effects))
    if wanted.since is not None:
        found.append(occurrences.c.decided_at >= to_ms(wanted.since))
    if wanted.until is not None:
        found.append(occurrences.c.decided_at < to_ms(wanted.until))
    return [and_(*found)] if found else []


_EFFECTS = select(effects).where(is_among(effects.c.occurrence, "keys")).order_by(effects.c.position, effects.c.key)


def _effects(connection: Connection, keys: Sequence[str]) -> dict[str, list[Row[Any]]]:
    found: dict[str, list[Row[Any]]] = {}
    for part in in_parts(keys):
        for row in connection.execute(_EFFECTS, {"keys": part}):
            found.setdefault(row.occurrence, []).append(row)
    return found


def _entry(
    row: Row[Any], of_it: Iterable[Row[Any]], names: Mapping[str, str], everybody: Mapping[str, Person]
) -> LogEntry:
    rows = list(of_it)
    payloads = [json.loads(one.payload) for one in rows]
    told = ((one.get("context") or {}).get("portfolio") or {} for one in payloads)
    known = names.get(row.portfolio or "") or next((str(one["name"]) for one in told if one.get("name")), "")
    return LogEntry(
        row.key,
        Handoff(row.handoff),
        RecordRef(Kind(row.record_kind), row.record),
        row.portfolio,
        known,
        row.cycle,
        None if row.cause_at is None else from_ms(row.cause_at),
        from_ms(row.decided_at),
        row.origin,
        OccurrenceState(row.state),
        row.reason,
        row.mapping,
        tuple(_effect(one, payload, everybody) for one, payload in zip(rows, payloads, strict=True)),
    )


def _effect(row: Row[Any], payload: Mapping[str, Any], everybody: Mapping[str, Person]) -> LoggedEffect:
    owner = str(payload.get("owner") or "")
    person = everybody.get(owner)
    return LoggedEffect(
        row.key,
        _what(row.key),
        None if row.role is None else Role(row.role),
        owner if person is None else person.name,
        EffectState(row.state),
        from_ms(row.state_at),
        row.attempts,
        row.crm_id,
        row.reason,
        "" if payload.get("adopted") else str(payload.get("task_kind") or ""),
        str((payload.get("context") or {}).get("refresh_date") or ""),
    )


def _what(key: str) -> str:
    try:
        return str(slot_of(key)).replace(":", " ").replace("_", " ")
    except MalformedKeyError:  # of a release that is not known here
        return key.rpartition("/")[2]
