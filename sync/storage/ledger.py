"""What was decided, tried and done: the memory that makes every effect happen once.

`plan` writes down all effects of all occurrences of a group in one transaction before the first is tried. `claim` marks
an effect as being tried, before the call; `settle` says what came of it. An effect found claimed after a crash is
unknown: somebody looks at the CRM before it is tried again.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import zip_longest
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, and_, bindparam, case, func, or_, select, update
from sqlalchemy.dialects.sqlite import insert

from mappings.vocabulary import Handoff, Role, Status, TaskKind
from sync.clock import from_ms, to_ms
from sync.crm import Kind, RecordRef
from sync.rules.model import (
    NOT_YET,
    RECOVERED,
    UNRESOLVED,
    CloseTask,
    Closing,
    Decision,
    Effect,
    EffectState,
    Email,
    LedgerView,
    NewTask,
    Occurrence,
    Reassigned,
    RecordedEffect,
    RecordedOccurrence,
    Write,
    unit_of,
)
from sync.storage.database import in_parts, to_json
from sync.storage.tables import cycles, effects, occurrences, releases

_OPEN = tuple(sorted(state.value for state in NOT_YET))
_UNRESOLVED = tuple(sorted(state.value for state in UNRESOLVED))


@dataclass(frozen=True, slots=True)
class Planned:
    """An effect as it stands in the ledger, ready to be tried or looked after."""

    key: str
    occurrence: str
    record: RecordRef  # the occurrence's
    portfolio: str | None
    kind: str  # write, task, close, email
    payload: Mapping[str, Any]
    state: EffectState
    state_at: datetime
    attempts: int
    tried_at: datetime | None  # since when it may have been done; None: never tried

    @property
    def unit(self) -> RecordRef:
        """The record that a pass looks at for this effect: the portfolio, or a ticket that has none."""
        return unit_of(self.record, self.portfolio)


# -- what it knows


_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_OF_PORTFOLIOS = occurrences.c.portfolio.in_(_IDS)
_OF_TICKETS = and_(
    occurrences.c.record_kind == Kind.TICKET.value, occurrences.c.record.in_(bindparam("tickets", expanding=True))
)
_WITH_OCCURRENCE = select(effects).join(occurrences, effects.c.occurrence == occurrences.c.key)
_OF_EITHER = or_(_OF_PORTFOLIOS, _OF_TICKETS)
_LOADED = select(occurrences).where(_OF_EITHER)
_LOADED_EFFECTS = _WITH_OCCURRENCE.where(_OF_EITHER).order_by(effects.c.position)
_REMEMBERED = select(cycles).where(cycles.c.portfolio.in_(_IDS))


def load(connection: Connection, portfolios: Iterable[str], tickets: Iterable[str]) -> list[RecordedOccurrence]:
    """Every occurrence of these portfolios and tickets, with its effects."""
    found: dict[str, RecordedOccurrence] = {}
    for wanted in _both(list(portfolios), list(tickets)):
        rows = connection.execute(_LOADED, wanted).all()
        by_occurrence: dict[str, list[RecordedEffect]] = {}
        for effect in connection.execute(_LOADED_EFFECTS, wanted) if rows else ():
            by_occurrence.setdefault(effect.occurrence, []).append(_effect_fact(effect))
        for row in rows:
            found[row.key] = _recorded_occurrences(row, tuple(by_occurrence.get(row.key, ())))
    return list(found.values())


def facts_of(
    recorded: Sequence[RecordedOccurrence], portfolio: str | None, tickets: Iterable[str], closings: Iterable[Closing]
) -> LedgerView:
    """What concerns one portfolio: its own occurrences, and those of its tickets, of old ones and of new ones."""
    ids = set(tickets)
    mine = {
        each.key: each
        for each in recorded
        if (portfolio is not None and each.portfolio == portfolio)  # those of a ticket since deleted or moved too
        or (each.record.kind is Kind.TICKET and each.record.id in ids)
    }
    return LedgerView(mine, tuple(sorted(closings, key=lambda closing: closing.at)))


def remembered(connection: Connection, portfolios: Iterable[str]) -> dict[str, list[Closing]]:
    """The closings that were seen of each portfolio."""
    found: dict[str, list[Closing]] = {}
    for part in in_parts(list(portfolios)):
        for row in connection.execute(_REMEMBERED, {"ids": part}):
            found.setdefault(row.portfolio, []).append(Closing(from_ms(row.started), Status(row.by)))
    return found


def _recorded_occurrences(row: Row[Any], found: tuple[RecordedEffect, ...]) -> RecordedOccurrence:
    return RecordedOccurrence(
        key=row.key,
        handoff=Handoff(row.handoff),
        record=RecordRef(Kind(row.record_kind), row.record),
        cycle=row.cycle,
        cause_at=None if row.cause_at is None else from_ms(row.cause_at),
        decided_at=from_ms(row.decided_at),
        state=row.state,
        reason=row.reason,
        detail=json.loads(row.detail),
        effects=found,
        portfolio=row.portfolio,
    )


@lru_cache(maxsize=4096)  # every pass over a portfolio reads all its effects again, most of them done long ago
def _effect_fact(row: Row[Any]) -> RecordedEffect:
    payload = json.loads(row.payload)
    task_kind = payload.get("task_kind")
    return RecordedEffect(
        key=row.key,
        slot=row.key.rsplit("/", 1)[1],
        kind=row.kind,
        role=None if row.role is None else Role(row.role),
        state=EffectState(row.state),
        state_at=from_ms(row.state_at),
        crm_id=row.crm_id,
        task_kind=None if task_kind is None else TaskKind(task_kind),
        adopted=bool(payload.get("adopted")),
        attempted=row.attempted_at is not None,
        reason=row.reason,
    )


@dataclass(frozen=True, slots=True)
class Tried:
    """An effect that was tried at least once, with all that the ledger knows of it."""

    key: str
    handoff: Handoff
    portfolio: str
    record: RecordRef  # the occurrence's
    kind: str  # write, task, close, email
    payload: Mapping[str, Any]
    state: EffectState
    first_at: datetime
    state_at: datetime
    crm_id: str | None
    reason: str | None
    stands: bool  # its occurrence is neither withdrawn nor gone
    origin: str


def tried(connection: Connection, portfolios: Iterable[str]) -> list[Tried]:
    """Every effect of these portfolios and of their tickets that was ever tried, oldest first."""
    found: list[Tried] = []
    for part in in_parts(list(portfolios)):
        rows = connection.execute(
            select(effects, occurrences)
            .join(occurrences, effects.c.occurrence == occurrences.c.key)
            .where(occurrences.c.portfolio.in_(part), effects.c.attempted_at.is_not(None))
            .order_by(effects.c.attempted_at, effects.c.key)
        )
        found += [_tried_row(row) for row in rows]
    return found


def _tried_row(row: Row[Any]) -> Tried:
    known = row._mapping
    return Tried(
        key=known[effects.c.key],
        handoff=Handoff(row.handoff),
        portfolio=row.portfolio,
        record=RecordRef(Kind(row.record_kind), row.record),
        kind=row.kind,
        payload=json.loads(row.payload),
        state=EffectState(known[effects.c.state]),
        first_at=from_ms(row.attempted_at),
        state_at=from_ms(row.state_at),
        crm_id=row.crm_id,
        reason=known[effects.c.reason],
        stands=known[occurrences.c.state] in {"open", "done"},
        origin=row.origin,
    )


def task_of(connection: Connection, keys: Iterable[str]) -> dict[str, str | None]:
    """The task that the ledger has for each of these keys; None where it was not made yet. Unknown keys are left out."""
    found: dict[str, str | None] = {}
    for part in in_parts(list(keys)):
        rows = connection.execute(select(effects.c.key, effects.c.crm_id).where(effects.c.key.in_(part)))
        found.update({row.key: row.crm_id for row in rows})
    return found


# -- plan


def plan(
    connection: Connection,
    portfolio: str | None,
    decision: Decision,
    ledger_view: LedgerView,
    now: datetime,
    origin: str,
    *,
    retry_failed: bool = False,
) -> None:
    """Write a decision down: new occurrences, fresher effects for those not yet tried, and what is not to be any more."""
    yielded = {occurrence.key for occurrence in decision.occurrences}
    for occurrence in decision.occurrences:
        _plan_one(connection, portfolio, occurrence, ledger_view, now, origin, retry_failed=retry_failed)
    for recorded in ledger_view.recorded.values():
        if recorded.key not in yielded:
            _cancel(connection, recorded, now)
    waits_for = {effect.key: effect.reason for recorded in ledger_view.recorded.values() for effect in recorded.effects}
    for key, who in decision.reassigned.items():
        if who.blocked is None or who.blocked != waits_for.get(key):
            _reassign(connection, key, who, now)
    for occurrence in decision.occurrences:
        if occurrence.handoff is Handoff.DECLINED and occurrence.effects:
            _cancel_cycle(connection, occurrence, ledger_view, now)
    if portfolio is not None:
        _remember(connection, portfolio, decision.closings, ledger_view.closings)


def effects_ahead(decision: Decision, ledger_view: LedgerView) -> int:
    """How many effects a decision would try: what the breaker counts before anything is written down."""
    ahead = 0
    for occurrence in decision.occurrences:
        recorded = ledger_view.recorded.get(occurrence.key)
        known = {effect.key: effect for effect in recorded.effects} if recorded else {}
        for effect in occurrence.effects:
            known_effect = known.get(occurrence.effect_key(effect))
            if effect.blocked is None and (known_effect is None or not known_effect.attempted):
                ahead += 1
    return ahead + sum(1 for who in decision.reassigned.values() if who.blocked is None)


_NEW_OCCURRENCE = occurrences.insert()
_OF_OCCURRENCE = occurrences.c.key == bindparam("of_occurrence")
_DECIDED_ANEW = (
    update(occurrences)
    .where(_OF_OCCURRENCE)
    .values(
        {
            name: bindparam(name)
            for name in ("state", "reason", "detail", "cycle", "portfolio", "cause_at", "decided_at", "origin")
        }
    )
)
_OPEN_AGAIN = update(occurrences).where(_OF_OCCURRENCE).values(state="open", detail=bindparam("detail"))
_CANCELLED = update(occurrences).where(_OF_OCCURRENCE).values(state="withdrawn")
_NEW_EFFECT = effects.insert()
_OF_EFFECT = effects.c.key == bindparam("of_effect")
_FRESHER = (
    update(effects)
    .where(_OF_EFFECT)
    .values(
        payload=bindparam("payload"),
        state=bindparam("state"),
        # What stays blocked has been so since it first was, however often it is decided anew.
        state_at=case(
            (
                and_(effects.c.state == EffectState.BLOCKED.value, bindparam("state") == EffectState.BLOCKED.value),
                effects.c.state_at,
            ),
            else_=bindparam("state_at"),
        ),
        reason=bindparam("reason"),
    )
)
_SUPERSEDED = (
    update(effects)
    .where(_OF_EFFECT, effects.c.state.in_([*_OPEN, EffectState.FAILED.value]))
    .values(state=EffectState.SUPERSEDED.value, state_at=bindparam("now"), reason=bindparam("because"))
)


def _plan_one(
    connection: Connection,
    portfolio: str | None,
    occurrence: Occurrence,
    ledger_view: LedgerView,
    now: datetime,
    origin: str,
    *,
    retry_failed: bool,
) -> None:
    recorded = ledger_view.recorded.get(occurrence.key)
    state = "overtaken" if occurrence.superseded else "open" if occurrence.effects else "done"
    cause_at = None if occurrence.cause_at is None else to_ms(occurrence.cause_at)
    if recorded is None:
        new = {
            "key": occurrence.key,
            "handoff": occurrence.handoff.value,
            "record_kind": occurrence.record.kind.value,
            "record": occurrence.record.id,
            "portfolio": portfolio,
            "cycle": occurrence.cycle,
            "cause_at": cause_at,
            "decided_at": to_ms(now),
            "origin": origin,
            "state": state,
            "reason": occurrence.reason,
            "detail": to_json(occurrence.detail),
        }
        connection.execute(_NEW_OCCURRENCE, new)
    elif not recorded.committed:
        anew = {
            "of_occurrence": occurrence.key,
            "state": state,
            "reason": occurrence.reason,
            "detail": to_json(occurrence.detail),
            "cycle": occurrence.cycle,
            "portfolio": portfolio,
            "cause_at": cause_at,
            "decided_at": to_ms(now),
            "origin": origin,
        }
        connection.execute(_DECIDED_ANEW, anew)
    elif occurrence.effects:  # a write that was refused is decided anew, and so is what hangs on it
        connection.execute(_OPEN_AGAIN, {"of_occurrence": occurrence.key, "detail": to_json(occurrence.detail)})
    known = {effect.key: effect for effect in recorded.effects} if recorded else {}
    new_effects: list[dict[str, Any]] = []
    for position, effect in enumerate(occurrence.effects):
        key = occurrence.effect_key(effect)
        known_effect = known.pop(key, None)
        row = {
            "payload": to_json(payload_of(effect)),
            "state": (EffectState.BLOCKED if effect.blocked else EffectState.PLANNED).value,
            "state_at": to_ms(now),
            "reason": effect.blocked,
        }
        if known_effect is None:
            role = effect.role.value if isinstance(effect, NewTask | Email) else None
            place = {"occurrence": occurrence.key, "position": position}
            new_effects.append({"key": key, **place, "kind": _kind(effect), "role": role, "attempts": 0, **row})
        elif _may_change(known_effect, retry_failed=retry_failed):
            connection.execute(_FRESHER, {"of_effect": key, **row})
    if new_effects:
        connection.execute(_NEW_EFFECT, new_effects)
    for known_effect in known.values():
        # Of one that stands only its writes are decided anew: its other effects go on waiting for what they wait for.
        if known_effect.kind == "write" or recorded is None or not recorded.committed:
            _supersede(connection, known_effect, now, "no longer needed when it was decided anew")


def _may_change(known_effect: RecordedEffect, *, retry_failed: bool) -> bool:
    """Whether deciding anew may still change an effect: it was not tried, or it certainly was not applied."""
    if known_effect.state in NOT_YET:
        return True
    if known_effect.state is EffectState.SUPERSEDED:
        return not known_effect.attempted
    return known_effect.state is EffectState.FAILED and retry_failed


def _cancel(connection: Connection, recorded: RecordedOccurrence, now: datetime) -> None:
    """What its own rule no longer asks for: all of it if nothing was tried yet, else only its writes."""
    if recorded.state != "open":
        return
    reason = "what caused it no longer holds"
    if not recorded.committed:
        connection.execute(_CANCELLED, {"of_occurrence": recorded.key})
        for effect in recorded.effects:
            _supersede(connection, effect, now, reason)
        return
    for effect in recorded.effects:
        if effect.kind == "write":
            _supersede(connection, effect, now, reason)


def _cancel_cycle(connection: Connection, decline: Occurrence, ledger_view: LedgerView, now: datetime) -> None:
    """After a decline nothing more happens for the cycle that it ended: what was not tried yet is overtaken.

    So is what waits on a ticket that is deleted now, and may be restored.
    """
    for recorded in ledger_view.recorded.values():
        if recorded.cycle == decline.cycle and recorded.key != decline.key and recorded.state in {"open", GONE}:
            for effect in recorded.effects:
                if effect.kind != "close":
                    _supersede(connection, effect, now, "the client declined the refresh")


def _supersede(connection: Connection, effect: RecordedEffect, now: datetime, reason: str) -> None:
    connection.execute(_SUPERSEDED, {"of_effect": effect.key, "now": to_ms(now), "because": reason})


def _reassign(connection: Connection, key: str, who: Reassigned, now: datetime) -> None:
    row = connection.execute(
        select(effects.c.payload).where(effects.c.key == key, effects.c.state == EffectState.BLOCKED.value)
    ).one_or_none()
    if row is None:
        return
    payload = {**json.loads(row.payload), "owner": who.owner}
    values: dict[str, str | int | None] = {"payload": to_json(payload), "reason": who.blocked}
    if who.blocked is None:  # else it stays blocked since it first was
        values |= {"state": EffectState.PLANNED.value, "state_at": to_ms(now)}
    connection.execute(update(effects).where(effects.c.key == key).values(**values))


def _remember(connection: Connection, portfolio: str, found: Iterable[Closing], known: Iterable[Closing]) -> None:
    for closing in set(found) - set(known):
        statement = insert(cycles).values(portfolio=portfolio, started=to_ms(closing.at), by=closing.by.value)
        connection.execute(statement.on_conflict_do_nothing())


def _kind(effect: Effect) -> str:
    match effect:
        case Write():
            return "write"
        case NewTask():
            return "task"
        case CloseTask():
            return "close"
        case Email():
            return "email"


def payload_of(effect: Effect) -> dict[str, Any]:
    """The effect as the ledger keeps it: plain JSON values."""
    match effect:
        case Write(record, values, expects):
            return {
                "record": [record.kind.value, record.id], "values": dict(values), "expects": dict(expects),
            }  # fmt: skip
        case NewTask(kind, role, owner, on, variables):
            places = [[record.kind.value, record.id] for record in on]
            return {
                "task_kind": kind.value,
                "role": role.value,
                "owner": owner,
                "on": places,
                "context": dict(variables),
            }
        case CloseTask(task, reason, after):
            return {"task": task, "reason": reason, "after": after}
        case Email(kind, role, owner, variables, after):
            return {
                "email_kind": kind.value, "role": role.value, "owner": owner, "context": dict(variables), "after": after,
            }  # fmt: skip


def payloads(connection: Connection, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
    """What the ledger keeps of each of these effects, by its key."""
    found: dict[str, dict[str, Any]] = {}
    for part in in_parts(list(keys)):
        rows = connection.execute(select(effects.c.key, effects.c.payload).where(effects.c.key.in_(part)))
        found.update({row.key: json.loads(row.payload) for row in rows})
    return found


# -- claim and settle


def undone(connection: Connection, records: Iterable[RecordRef]) -> list[Planned]:
    """The effects of these portfolios (or lone tickets) that may be tried now, and the unresolved ones, in their order."""
    return _planned(connection, records, (EffectState.PLANNED.value, *_UNRESOLVED))


def unresolved(connection: Connection, records: Iterable[RecordRef]) -> list[Planned]:
    """The effects that were tried and whose outcome is not known: to be looked for in the CRM."""
    return _planned(connection, records, _UNRESOLVED)


_PLANNED = (
    select(effects, occurrences.c.record_kind, occurrences.c.record, occurrences.c.portfolio)
    .join(occurrences, effects.c.occurrence == occurrences.c.key)
    .where(
        or_(_OF_PORTFOLIOS, and_(occurrences.c.portfolio.is_(None), _OF_TICKETS)),
        effects.c.state.in_(bindparam("states", expanding=True)),
        occurrences.c.state == "open",
    )
    .order_by(occurrences.c.decided_at, occurrences.c.handoff, occurrences.c.key, effects.c.position)
)


def _planned(connection: Connection, records: Iterable[RecordRef], states: Sequence[str]) -> list[Planned]:
    return [
        _planned_row(row)
        for wanted in _portfolios_and_tickets(records)
        for row in connection.execute(_PLANNED, {**wanted, "states": states})
    ]


def _planned_row(row: Row[Any]) -> Planned:
    return Planned(
        row.key,
        row.occurrence,
        RecordRef(Kind(row.record_kind), row.record),
        row.portfolio,
        row.kind,
        json.loads(row.payload),
        EffectState(row.state),
        from_ms(row.state_at),
        row.attempts,
        None if row.attempted_at is None else from_ms(row.attempted_at),
    )


_STATES = select(effects.c.key, effects.c.state).where(effects.c.key.in_(bindparam("keys", expanding=True)))


def states_of(connection: Connection, keys: Iterable[str]) -> dict[str, EffectState]:
    found: dict[str, EffectState] = {}
    for part in in_parts(list(keys)):
        rows = connection.execute(_STATES, {"keys": part})
        found.update({row.key: EffectState(row.state) for row in rows})
    return found


_CLAIM = (
    update(effects)
    .where(effects.c.key.in_(bindparam("keys", expanding=True)), effects.c.state == EffectState.PLANNED.value)
    .values(
        state=EffectState.ATTEMPTING.value,
        state_at=bindparam("now"),
        attempts=effects.c.attempts + 1,
        attempted_at=func.coalesce(effects.c.attempted_at, bindparam("now")),
    )
    .returning(effects.c.key)
)


def claim(connection: Connection, keys: Iterable[str], now: datetime) -> set[str]:
    """Mark these as being tried; the ones that this caller may try. Whoever claims second gets nothing."""
    claimed: set[str] = set()
    for part in in_parts(list(keys)):
        claimed.update(connection.scalars(_CLAIM, {"keys": part, "now": to_ms(now)}))
    return claimed


_SETTLE = (
    update(effects)
    .where(_OF_EFFECT)
    .values(
        state=bindparam("to_state"),
        state_at=bindparam("now"),
        reason=bindparam("because"),
        crm_id=func.coalesce(bindparam("found"), effects.c.crm_id),
    )
)


def settle(
    connection: Connection,
    key: str,
    state: EffectState,
    now: datetime,
    *,
    crm_id: str | None = None,
    reason: str | None = None,
) -> None:
    """Say what came of an effect; the occurrence is done with its last effect."""
    values = {"of_effect": key, "to_state": state.value, "now": to_ms(now), "because": reason, "found": crm_id}
    connection.execute(_SETTLE, values)


_RELEASE = (
    update(effects)
    .where(_OF_EFFECT)
    .values(
        state=EffectState.PLANNED.value,
        state_at=bindparam("now"),
        reason=bindparam("because"),
        attempts=case((effects.c.attempts > 1, effects.c.attempts - 1), else_=0),
        attempted_at=case((effects.c.attempts > 1, effects.c.attempted_at)),
    )
)


def release_claim(connection: Connection, key: str, now: datetime, reason: str) -> None:
    """It was certainly not sent: it is as if it had not been tried, and may still be decided anew."""
    connection.execute(_RELEASE, {"of_effect": key, "now": to_ms(now), "because": reason})


_PENDING = select(effects.c.occurrence).where(
    effects.c.occurrence == occurrences.c.key,
    effects.c.state.in_([*_OPEN, *_UNRESOLVED, EffectState.FAILED.value]),
)
_MARK_DONE = (
    update(occurrences).where(_OF_EITHER, occurrences.c.state == "open", ~_PENDING.exists()).values(state="done")
)


def mark_done(connection: Connection, records: Iterable[RecordRef]) -> None:
    """Occurrences whose every effect is done, failed for good or overtaken are done."""
    for wanted in _portfolios_and_tickets(records):
        connection.execute(_MARK_DONE, wanted)


_RETRY_FAILED = (
    update(effects)
    .where(
        effects.c.occurrence.in_(select(occurrences.c.key).where(_OF_EITHER, occurrences.c.state == "open")),
        effects.c.state == EffectState.FAILED.value,
        effects.c.kind != "write",
    )
    .values(
        state=case((effects.c.role.is_(None), EffectState.PLANNED.value), else_=EffectState.BLOCKED.value),
        state_at=bindparam("now"),
    )
)


def retry_failed(connection: Connection, records: Iterable[RecordRef], now: datetime) -> None:
    """Let tasks, closings and emails that the CRM refused be tried once more; a person may have mended the cause.

    What a role is to do is blocked until it is decided who does it now: the old owner may have been the cause.
    """
    for wanted in _portfolios_and_tickets(records):
        connection.execute(_RETRY_FAILED, {**wanted, "now": to_ms(now)})


# -- where a record has gone

GONE = "gone"
"""The state of an open occurrence whose record is no longer there: it is kept as it stands, should it be restored."""


def count(connection: Connection) -> dict[EffectState, int]:
    """How many effects are in each state, those of records that are gone left out: nobody can do anything about them."""
    rows = connection.execute(
        select(effects.c.state, func.count())
        .join(occurrences, effects.c.occurrence == occurrences.c.key)
        .where(occurrences.c.state != GONE)
        .group_by(effects.c.state)
    )
    return dict.fromkeys(EffectState, 0) | {EffectState(state): int(number) for state, number in rows}


_SUSPEND = update(occurrences).where(_OF_EITHER, occurrences.c.state == "open").values(state=GONE)


def suspend(connection: Connection, records: Iterable[RecordRef]) -> None:
    """These were deleted, or merged into others: nothing is to be done for them, or for what was to be done on them."""
    for wanted in _portfolios_and_tickets(records):
        connection.execute(_SUSPEND, wanted)


_OF_THESE = or_(and_(occurrences.c.record_kind == Kind.PORTFOLIO.value, occurrences.c.record.in_(_IDS)), _OF_TICKETS)
_RESUME = update(occurrences).where(_OF_THESE, occurrences.c.state == GONE).values(state="open")


def resume(connection: Connection, records: Iterable[RecordRef]) -> None:
    """These are there: what was set aside with them goes on."""
    for wanted in _portfolios_and_tickets(records):
        connection.execute(_RESUME, wanted)


def _portfolios_and_tickets(records: Iterable[RecordRef]) -> Iterable[dict[str, Sequence[str]]]:
    """The ids of both, as `_OF_EITHER` and `_OF_THESE` take them."""
    ids: dict[Kind, list[str]] = {Kind.PORTFOLIO: [], Kind.TICKET: []}
    for record in sorted(set(records)):
        ids[record.kind].append(record.id)
    return _both(ids[Kind.PORTFOLIO], ids[Kind.TICKET])


def _both(portfolios: Sequence[str], tickets: Sequence[str]) -> Iterable[dict[str, Sequence[str]]]:
    parts = zip_longest(in_parts(portfolios), in_parts(tickets), fillvalue=())
    return ({"ids": some, "tickets": others} for some, others in parts)


# -- taken back after a loss, or adopted


def record_recovered_task(
    connection: Connection,
    *,
    effect_key: str,
    handoff: Handoff,
    record: RecordRef,
    portfolio: str | None,
    cycle: str,
    task: str,
    task_kind: TaskKind,
    role: Role,
    made_at: datetime,
    origin: str,
    reason: str,
    adopted: bool,
) -> None:
    """Write an occurrence and its task down as done: it stands in the CRM already. Repeating changes nothing."""
    key = effect_key.rsplit("/", 1)[0]
    statement = insert(occurrences).values(
        key=key, handoff=handoff.value, record_kind=record.kind.value, record=record.id, portfolio=portfolio,
        cycle=cycle, cause_at=None, decided_at=to_ms(made_at), origin=origin, state="done", reason=reason,
        detail=to_json({RECOVERED: True} if origin == "recovery" else {}),
    )  # fmt: skip
    connection.execute(statement.on_conflict_do_nothing())
    payload = to_json({"task_kind": task_kind.value, "role": role.value, "adopted": adopted})
    row = insert(effects).values(
        key=effect_key, occurrence=key, position=0, kind="task", role=role.value, payload=payload,
        state=EffectState.DONE.value, state_at=to_ms(made_at), attempted_at=to_ms(made_at), attempts=1, crm_id=task,
    )  # fmt: skip
    connection.execute(row.on_conflict_do_nothing())


def record(connection: Connection, recorded: RecordedOccurrence, portfolio: str, origin: str) -> None:
    """Write an occurrence down as it is given, with its effects. What is there already is left as it is."""
    statement = insert(occurrences).values(
        key=recorded.key, handoff=recorded.handoff.value, record_kind=recorded.record.kind.value, record=recorded.record.id,
        portfolio=portfolio, cycle=recorded.cycle, cause_at=None if recorded.cause_at is None else to_ms(recorded.cause_at),
        decided_at=to_ms(recorded.decided_at), origin=origin, state=recorded.state, reason=recorded.reason,
        detail=to_json(recorded.detail),
    )  # fmt: skip
    if connection.execute(statement.on_conflict_do_nothing()).rowcount == 0:
        return
    for position, effect in enumerate(recorded.effects):
        payload: dict[str, Any] = {"adopted": effect.adopted}
        if effect.task_kind is not None:
            payload["task_kind"] = effect.task_kind.value
        if effect.role is not None:
            payload["role"] = effect.role.value
        connection.execute(
            effects.insert().values(
                key=effect.key, occurrence=recorded.key, position=position, kind=effect.kind,
                role=None if effect.role is None else effect.role.value, payload=to_json(payload),
                state=effect.state.value, state_at=to_ms(effect.state_at), attempted_at=to_ms(effect.state_at),
                attempts=1, crm_id=effect.crm_id, reason=effect.reason,
            )
        )  # fmt: skip


MISSING = "missing"
"""In the detail of an adopted occurrence: the tasks that nobody had made for it."""


def reopened(recorded: RecordedOccurrence, since: datetime) -> RecordedOccurrence:
    """An occurrence that was adopted without its tasks, as it is once causes count from `since` on: to be decided anew."""
    if MISSING not in recorded.detail or recorded.cause_at is None or recorded.cause_at < since:
        return recorded
    return replace(recorded, state="withdrawn")


def reopen(connection: Connection, portfolios: Iterable[str], since: datetime) -> None:
    """Let what was adopted without its tasks be decided anew, where its cause is not older than `since`."""
    for part in in_parts(list(portfolios)):
        for recorded in load(connection, part, ()):
            if reopened(recorded, since) is not recorded:
                again = update(occurrences).where(occurrences.c.key == recorded.key, occurrences.c.state == "done")
                connection.execute(again.values(state="withdrawn"))


def take_back(connection: Connection, key: str, task: str, now: datetime) -> None:
    """The task of an effect not tried yet stands in the CRM: it is done, and so are its occurrence's emails."""
    reason = "taken back from the CRM: the task carries this key"
    made = update(effects).where(effects.c.key == key, effects.c.state.in_(_OPEN))
    done = {"state": EffectState.DONE.value, "state_at": to_ms(now), "reason": reason}
    before = func.coalesce(effects.c.attempted_at, 0)  # tried before this ledger began: the breaker does not count it
    if connection.execute(made.values(**done, crm_id=task, attempted_at=before)).rowcount:
        emails = update(effects).where(
            effects.c.occurrence == key.rpartition("/")[0], effects.c.kind == "email", effects.c.state.in_(_OPEN)
        )
        connection.execute(emails.values(**done, attempted_at=before))


_SET_PORTFOLIO = (
    update(occurrences)
    .where(
        occurrences.c.record_kind == Kind.TICKET.value,
        occurrences.c.record == bindparam("ticket"),
        occurrences.c.portfolio.is_distinct_from(bindparam("home")),
    )
    .values(portfolio=bindparam("home"))
)


def set_portfolio(connection: Connection, tickets: Mapping[str, str | None]) -> None:
    """A ticket's occurrences belong to the portfolio that the ticket is on; None: to none."""
    if tickets:
        connection.execute(_SET_PORTFOLIO, [{"ticket": ticket, "home": parent} for ticket, parent in tickets.items()])


# -- the breaker


_ATTEMPTED = (
    select(func.count())
    .select_from(effects.join(occurrences, effects.c.occurrence == occurrences.c.key))
    .where(effects.c.attempted_at > bindparam("since"), occurrences.c.origin.not_in(["recovery", "adopt"]))
)
_RELEASED = select(func.sum(releases.c.effects)).where(releases.c.at > bindparam("since"))


def attempted_since(connection: Connection, moment: datetime) -> int:
    """How many effects were first tried since `moment`, those taken back or adopted not counted."""
    return int(connection.execute(_ATTEMPTED, {"since": to_ms(moment)}).scalar_one())


def released_since(connection: Connection, moment: datetime) -> int:
    """How many effects an admin has let go since `moment`."""
    return int(connection.execute(_RELEASED, {"since": to_ms(moment)}).scalar() or 0)


BREAKER_WINDOW = timedelta(hours=1)
