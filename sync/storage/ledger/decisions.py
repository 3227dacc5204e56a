"""Writing a decision down: all effects of all its occurrences, before the first of them is tried."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, or_, select, update

from sync.clock import to_ms
from sync.rules.keys import EffectKind
from sync.rules.model import (
    AddLine,
    CloseTask,
    Decision,
    Effect,
    EffectState,
    Email,
    LedgerView,
    NewTask,
    RecordedEffect,
    RecordedOccurrence,
    Write,
    may_be_dropped,
)
from sync.rules.transition import Transition, transition
from sync.storage.database import in_parts, to_json
from sync.storage.ledger.selection import OF_EFFECT, OF_OCCURRENCE
from sync.storage.lists import is_one_of
from sync.storage.tables import cycles, effects, occurrences
from sync.storage.upsert import insert_new

_NEW_OCCURRENCE = occurrences.insert()
_DECIDED_ANEW = (
    update(occurrences)
    .where(OF_OCCURRENCE)
    .values(
        {
            name: bindparam(name)
            for name in (
                "state",
                "reason",
                "detail",
                "cycle",
                "portfolio",
                "cause_at",
                "decided_at",
                "origin",
                "mapping",
            )
        }
    )
)
_CHANGED = update(occurrences).where(OF_OCCURRENCE).values(state=bindparam("state"), detail=bindparam("detail"))
_NEW_EFFECT = effects.insert()
_FRESHER = (
    update(effects)
    .where(OF_EFFECT)
    .values({name: bindparam(name) for name in ("payload", "state", "state_at", "reason")})
)
_MAY_BE_DROPPED = or_(
    *(
        and_(
            effects.c.kind == kind.value,
            is_one_of(effects.c.state, [state.value for state in EffectState if may_be_dropped(kind, state)]),
        )
        for kind in EffectKind
    )
)
_SUPERSEDED = (
    update(effects)
    .where(OF_EFFECT, _MAY_BE_DROPPED)
    .values({name: bindparam(name) for name in ("state", "state_at", "reason")})
)
_BLOCKED = select(effects.c.payload).where(OF_EFFECT, effects.c.state == EffectState.BLOCKED.value)
_NEW_CYCLE = insert_new(cycles)


def record_decision(
    connection: Connection,
    portfolio: str | None,
    decision: Decision,
    view: LedgerView,
    now: datetime,
    origin: str,
    *,
    retry_failed: bool = False,
    mapping: str | None = None,
) -> None:
    """Write down what a decision changes: see `transition`, which alone says what that is.

    `view` is what the decision was made on, and nothing else may have written to it since: the lane is held. `origin` is
    what had the record looked at: webhook, poll, sweep, replay, …. `mapping` is the digest of the one that decided
    (`mapping_texts`); None: it is not told.
    """
    change = transition(decision, view, now, portfolio, retry_failed=retry_failed)
    for key, after in change.occurrences.items():
        before = view.recorded.get(key)
        _write_occurrence(connection, before, after, origin, mapping, decided=key in change.decided)
        _write_effects(connection, before, after, change)
    if portfolio is not None:
        for closing in change.closings:
            values = {"portfolio": portfolio, "started": to_ms(closing.at), "by": closing.by.value}
            connection.execute(_NEW_CYCLE, values)


def _write_occurrence(
    connection: Connection,
    before: RecordedOccurrence | None,
    after: RecordedOccurrence,
    origin: str,
    mapping: str | None,
    *,
    decided: bool,
) -> None:
    anew = {
        "state": after.state.value,
        "reason": after.reason,
        "detail": to_json(after.detail),
        "cycle": after.cycle,
        "portfolio": after.portfolio,
        "cause_at": None if after.cause_at is None else to_ms(after.cause_at),
        "decided_at": to_ms(after.decided_at),
        "origin": origin,
        "mapping": mapping,
    }
    if before is None:
        record = {"record_kind": after.record.kind.value, "record": after.record.id}
        connection.execute(_NEW_OCCURRENCE, {"key": after.key, "handoff": after.handoff.value, **record, **anew})
    elif decided:
        connection.execute(_DECIDED_ANEW, {"of_occurrence": after.key, **anew})
    elif (after.state, after.detail) != (before.state, before.detail):
        changed = {name: anew[name] for name in ("state", "detail")}
        connection.execute(_CHANGED, {"of_occurrence": after.key, **changed})


def _write_effects(
    connection: Connection, before: RecordedOccurrence | None, after: RecordedOccurrence, change: Transition
) -> None:
    known = {effect.key: effect for effect in before.effects} if before is not None else {}
    new: list[dict[str, Any]] = []
    for position, effect in enumerate(after.effects):
        planned = change.planned.get(effect.key)
        state = {"state": effect.state.value, "state_at": to_ms(effect.state_at), "reason": effect.reason}
        if planned is not None and effect.key in known:
            connection.execute(_FRESHER, {"of_effect": effect.key, "payload": to_json(payload_of(planned)), **state})
        elif planned is not None:
            role = None if effect.role is None else effect.role.value
            place = {"occurrence": after.key, "position": position, "kind": effect.kind.value, "role": role}
            new.append({"key": effect.key, **place, "payload": to_json(payload_of(planned)), "attempts": 0, **state})
        elif effect.key in change.owners:
            _reassign(connection, effect, change.owners[effect.key])
        elif effect != known[effect.key]:
            connection.execute(_SUPERSEDED, {"of_effect": effect.key, **state})
    if new:
        connection.execute(_NEW_EFFECT, new)


def _reassign(connection: Connection, effect: RecordedEffect, owner: str | None) -> None:
    row = connection.execute(_BLOCKED, {"of_effect": effect.key}).one_or_none()
    if row is None:
        return
    payload = to_json({**json.loads(row.payload), "owner": owner})
    state = {"state": effect.state.value, "state_at": to_ms(effect.state_at), "reason": effect.reason}
    connection.execute(_FRESHER, {"of_effect": effect.key, "payload": payload, **state})


def payload_of(effect: Effect) -> dict[str, Any]:
    """The effect as the ledger keeps it: plain JSON values."""
    match effect:
        case Write(record, values, expects):
            return {
                "record": [record.kind.value, record.id], "values": dict(values), "expects": dict(expects),
            }  # fmt: skip
        case NewTask(kind, role, owner, variables):
            return {
                "task_kind": kind.value,
                "role": role.value,
                "owner": owner,
                "context": dict(variables),
            }
        case AddLine(task, variables):
            return {"task": task, "context": dict(variables)}
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
