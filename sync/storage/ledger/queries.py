"""Questions about many records at once: what the sweep, the poll, `status` and the admins' commands ask of the ledger.

What a pass reads and writes of its own records stands in the modules beside it.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, func, literal_column, not_, select, update

from mappings.vocabulary import Handoff, TaskKind
from sync.clock import from_ms, iso, to_ms
from sync.crm import Kind, RecordRef
from sync.rules.keys import slot_of, suffix_of
from sync.rules.model import EffectState, OccurrenceState, unit_of
from sync.storage.database import in_parts
from sync.storage.ledger.selection import IS_OPEN
from sync.storage.lists import is_among, is_one_of
from sync.storage.tables import effects, occurrences

_IMPLEMENTS = effects.c.key.endswith(suffix_of(TaskKind.IMPLEMENT))
_UNIT = (occurrences.c.portfolio, occurrences.c.record_kind, occurrences.c.record)
_WITH_EFFECTS = select(*_UNIT).join(effects, effects.c.occurrence == occurrences.c.key)


# -- records that something is to be done for


_TO_BE_DONE = [state.value for state in EffectState if state not in {EffectState.DONE, EffectState.SUPERSEDED}]
_OPEN = _WITH_EFFECTS.where(
    IS_OPEN,
    is_one_of(effects.c.state, _TO_BE_DONE),  # named one by one, so that the index of states serves
).distinct()


def with_open_effects(connection: Connection) -> set[RecordRef]:
    """Find the records with an effect that is still to be done, whatever it waits for."""
    return _units(connection.execute(_OPEN))


_BLOCKED = _WITH_EFFECTS.where(effects.c.state == EffectState.BLOCKED.value, IS_OPEN).distinct()


def with_blocked_effects(connection: Connection) -> set[RecordRef]:
    """Find the records with an effect that waits for a person."""
    return _units(connection.execute(_BLOCKED))


_LIVE_TICKETS = (
    select(occurrences.c.portfolio)
    .where(occurrences.c.handoff == Handoff.TICKETS.value, occurrences.c.decided_at >= bindparam("since"))
    .where(occurrences.c.portfolio.is_not(None))
    .distinct()
)


def with_tickets_since(connection: Connection, since: datetime) -> set[RecordRef]:
    """Find the portfolios that a ticket came to at or after `since`, by the decision about that ticket (handoff 4)."""
    found = connection.scalars(_LIVE_TICKETS, {"since": to_ms(since)})
    return {RecordRef(Kind.PORTFOLIO, portfolio) for portfolio in found if portfolio is not None}


# -- tasks of handoff 7: the only ones whose completion moves something


_WITH_TASKS = _WITH_EFFECTS.where(is_among(effects.c.crm_id, "tasks"), _IMPLEMENTS)


def units_of_tasks(connection: Connection, tasks: Sequence[str]) -> set[RecordRef]:
    """Find the records whose implementation tasks are among these ids, made by the service or adopted."""
    found: set[RecordRef] = set()
    for part in in_parts(tasks):
        found |= _units(connection.execute(_WITH_TASKS, {"tasks": part}))
    return found


_PORTFOLIOS = (
    select(occurrences.c.portfolio)
    .join(effects, effects.c.occurrence == occurrences.c.key)
    .where(is_among(effects.c.crm_id, "tasks"), occurrences.c.portfolio.is_not(None))
    .distinct()
)


def portfolios_of_tasks(connection: Connection, tasks: Sequence[str]) -> set[RecordRef]:
    """Find the portfolios that have tasks of any handoff among these ids, made by the service or adopted."""
    found: set[RecordRef] = set()
    for part in in_parts(tasks):
        found |= {RecordRef(Kind.PORTFOLIO, str(one)) for one in connection.scalars(_PORTFOLIOS, {"tasks": part})}
    return found


_ADOPTED = (
    select(effects.c.crm_id)
    # Written out, so that SQLite sees that the index of just these serves.
    .where(effects.c.adopted == literal_column("1"), _IMPLEMENTS, effects.c.crm_id.is_not(None))
    .where(effects.c.payload.contains('"adopted":true'))  # it may have been planned anew since, as the service's own
    .order_by(effects.c.state_at.desc(), effects.c.key)
    .limit(bindparam("at_most"))
)


def adopted_tasks(connection: Connection, at_most: int) -> list[str]:
    """List the ids of the implementation tasks that people made and `adopt` took over, the newest first."""
    return [str(task) for task in connection.scalars(_ADOPTED, {"at_most": at_most})]


# -- effects that have not been done


@dataclass(frozen=True, slots=True)
class Trouble:
    """An effect that has not been done, and why."""

    key: str
    handoff: Handoff
    record: RecordRef
    portfolio: str | None  # the id; None: a ticket without one
    name: str  # the portfolio's, where the effect knows it
    kind: str  # write, task, close, email
    slot: str  # what of it: `task:kickoff`
    state: EffectState
    since: datetime
    reason: str

    @property
    def unit(self) -> RecordRef:
        """The record that a pass looks at for this effect: the portfolio, or a ticket that has none."""
        return unit_of(self.record, self.portfolio)

    @property
    def what(self) -> str:
        """`task kickoff`, `email date arrived`, `close 4711`, `write`."""
        return self.slot.replace(":", " ").replace("_", " ")

    @property
    def where(self) -> str:
        """`handoff 1, portfolio 1001 “Acme”`, in one line."""
        place = str(self.record)
        if self.portfolio is not None and self.record.kind is not Kind.PORTFOLIO:
            place += f" of portfolio {self.portfolio}"
        return f"handoff {self.handoff.value}, {place}" + (f" “{self.name}”" if self.name else "")

    def as_json(self) -> dict[str, object]:
        return {
            "state": self.state.value,
            "handoff": self.handoff.value,
            "record": str(self.record),
            "portfolio": self.portfolio,
            "name": self.name,
            "what": self.what,
            "since": iso(self.since),
            "reason": self.reason,
            "key": self.key,
        }


_WRONG_STATES = (EffectState.FAILED, EffectState.UNPROVEN, EffectState.BLOCKED, EffectState.UNKNOWN)
_WRONG = is_one_of(effects.c.state, [state.value for state in _WRONG_STATES])
_PUT_OFF = and_(effects.c.state == EffectState.PLANNED.value, effects.c.reason.is_not(None))
_IS_TROUBLE = and_(_WRONG | _PUT_OFF, occurrences.c.state != OccurrenceState.GONE.value)
_TROUBLES = (
    select(effects, occurrences.c.handoff, *_UNIT)
    .join(occurrences, effects.c.occurrence == occurrences.c.key)
    .where(_IS_TROUBLE, effects.c.state_at >= bindparam("since"))
    .order_by(
        not_(_WRONG),
        effects.c.state != EffectState.FAILED.value,
        effects.c.state,
        effects.c.state_at,
        effects.c.occurrence,
        effects.c.position,
    )
)


_TROUBLES_OF = _TROUBLES.where(is_among(occurrences.c.portfolio, "portfolios"))


def troubles(
    connection: Connection, *, since: datetime | None = None, portfolios: Sequence[str] | None = None
) -> Iterator[Trouble]:
    """List what failed, is blocked, unknown or unproven, or is planned again after a try that did not go out; in this order.

    Effects of records that are deleted are left out. With `since` only what came to its state at that moment or later;
    with `portfolios` (ids) only what is theirs.
    """
    bounds: dict[str, object] = {"since": 0 if since is None else to_ms(since)}
    if portfolios is None:
        rows = connection.execute(_TROUBLES, bounds)
    else:
        rows = connection.execute(_TROUBLES_OF, {**bounds, "portfolios": list(portfolios)})
    for row in rows:
        variables = json.loads(row.payload).get("context") or {}
        yield Trouble(
            key=row.key,
            handoff=Handoff(row.handoff),
            record=RecordRef(Kind(row.record_kind), row.record),
            portfolio=row.portfolio,
            name=str((variables.get("portfolio") or {}).get("name", "")),
            kind=row.kind,
            slot=str(slot_of(row.key)),
            state=EffectState(row.state),
            since=from_ms(row.state_at),
            reason=row.reason or "no reason was given",
        )


_COUNT_TROUBLES = (
    select(effects.c.state, func.count())
    .join(occurrences, effects.c.occurrence == occurrences.c.key)
    .where(_IS_TROUBLE)
    .group_by(effects.c.state)
)


def count_troubles(connection: Connection) -> dict[EffectState, int]:
    """Count what `troubles` lists, by state; a state of which there is none is absent."""
    return {EffectState(state): int(number) for state, number in connection.execute(_COUNT_TROUBLES)}


@dataclass(frozen=True, slots=True)
class EffectInputs:
    """What one effect is to do, and what asked for it."""

    attempts: int
    payload: Mapping[str, Any]
    cause: str  # the rule's reason
    cause_at: datetime | None  # None: the cause has no moment, or it is not known


_INPUTS = (
    select(effects.c.attempts, effects.c.payload, occurrences.c.reason, occurrences.c.cause_at)
    .join(occurrences, effects.c.occurrence == occurrences.c.key)
    .where(effects.c.key == bindparam("wanted"))
)


def inputs_of(connection: Connection, key: str) -> EffectInputs:
    """Read what the effect of this key is to do. Raises `KeyError` where there is none."""
    row = connection.execute(_INPUTS, {"wanted": key}).one_or_none()
    if row is None:
        raise KeyError(key)
    cause_at = None if row.cause_at is None else from_ms(row.cause_at)
    return EffectInputs(row.attempts, json.loads(row.payload), row.reason, cause_at)


_GIVE_UP = (
    update(effects)
    .where(
        effects.c.key == bindparam("of_effect"),
        is_one_of(effects.c.state, [EffectState.FAILED.value, EffectState.UNPROVEN.value]),
    )
    .values(state=EffectState.SUPERSEDED.value, state_at=bindparam("now"), reason=bindparam("because"))
)


def give_up(connection: Connection, keys: Iterable[str], now: datetime, reason: str) -> None:
    """Supersede these effects where they failed, or nobody can tell whether they did: they are not tried again."""
    rows = [{"of_effect": key, "now": to_ms(now), "because": reason} for key in keys]
    if rows:
        connection.execute(_GIVE_UP, rows)


# -- effects of chosen records


@dataclass(frozen=True, slots=True)
class EffectStanding:
    """How an effect stands: compared before and after, it shows what a run did."""

    state: EffectState
    attempts: int
    reason: str | None


_STANDINGS = select(effects.c.key, effects.c.state, effects.c.attempts, effects.c.reason).join(
    occurrences, effects.c.occurrence == occurrences.c.key
)


def standings(connection: Connection, records: Iterable[RecordRef]) -> dict[RecordRef, dict[str, EffectStanding]]:
    """Read how every effect of these records stands, by its key: a portfolio's with those of its tickets."""
    found: dict[RecordRef, dict[str, EffectStanding]] = {}
    for record in records:
        rows = connection.execute(_STANDINGS.where(_of(record)))
        found[record] = {row.key: EffectStanding(EffectState(row.state), row.attempts, row.reason) for row in rows}
    return found


def with_effects(
    connection: Connection,
    *,
    handoffs: Collection[Handoff] = (),
    owners: Collection[str] = (),
    states: Collection[EffectState] | None = None,
) -> set[RecordRef]:
    """Find the records with an effect of one of these handoffs, for one of these owners, in one of these states.

    Empty `handoffs` or `owners` (ids) let every one through, and so do `states` of None. States count only while the
    occurrence is open.
    """
    statement = _WITH_EFFECTS.add_columns(effects.c.payload)
    if handoffs:
        statement = statement.where(occurrences.c.handoff.in_([handoff.value for handoff in handoffs]))
    if states is not None:
        wanted = [state.value for state in states]
        statement = statement.where(effects.c.state.in_(wanted), IS_OPEN)
    rows = connection.execute(statement)
    return _units(row for row in rows if not owners or json.loads(row.payload).get("owner") in owners)


def _of(record: RecordRef) -> ColumnElement[bool]:
    if record.kind is Kind.PORTFOLIO:
        return occurrences.c.portfolio == record.id
    return and_(occurrences.c.record_kind == record.kind.value, occurrences.c.record == record.id)


def _units(rows: Iterable[Row[Any]]) -> set[RecordRef]:
    return {unit_of(RecordRef(Kind(row.record_kind), row.record), row.portfolio) for row in rows}
