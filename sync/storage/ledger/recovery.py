"""What is taken back from the CRM after a loss, or adopted when the service goes live."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, func, update

from mappings.vocabulary import Handoff, Role, TaskKind
from sync.clock import to_ms
from sync.crm import RecordRef
from sync.rules import keys
from sync.rules.keys import EffectKind
from sync.rules.model import RECOVERED, EffectState, OccurrenceState, RecordedOccurrence
from sync.rules.transition import reopened
from sync.storage.database import in_parts, to_json
from sync.storage.ledger.selection import OPEN
from sync.storage.ledger.views import load
from sync.storage.tables import effects, occurrences
from sync.storage.upsert import insert_new


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
    """Write an occurrence and its task down as done: it stands in the CRM already. Repeating changes nothing.

    Where the ledger has the effect, and has not tried it, it is as `mark_recovered` leaves it.
    """
    key = keys.occurrence_of(effect_key)
    statement = insert_new(occurrences).values(
        key=key, handoff=handoff.value, record_kind=record.kind.value, record=record.id, portfolio=portfolio,
        cycle=cycle, cause_at=None, decided_at=to_ms(made_at), origin=origin, state=OccurrenceState.DONE.value, reason=reason,
        detail=to_json({RECOVERED: True} if origin == "recovery" else {}),
    )  # fmt: skip
    connection.execute(statement)
    payload = to_json({"task_kind": task_kind.value, "role": role.value, "adopted": adopted})
    row = insert_new(effects).values(
        key=effect_key, occurrence=key, position=0, kind=EffectKind.TASK.value, role=role.value, payload=payload,
        state=EffectState.DONE.value, state_at=to_ms(made_at), attempted_at=to_ms(made_at), attempts=1, crm_id=task,
        adopted=int(adopted),
    )  # fmt: skip
    if connection.execute(row).rowcount == 0:
        mark_recovered(connection, effect_key, task, made_at)
    withdrawn = occurrences.c.state == OccurrenceState.CANCELLED.value  # in a copy: it was decided again since
    again = update(occurrences).where(occurrences.c.key == key, withdrawn, _is_done(effect_key))
    connection.execute(again.values(state=OccurrenceState.DONE.value))


def _is_done(effect_key: str) -> ColumnElement[bool]:
    return exists().where(effects.c.key == effect_key, effects.c.state == EffectState.DONE.value)


def record(connection: Connection, recorded: RecordedOccurrence, portfolio: str, origin: str) -> None:
    """Write an occurrence down as it is given, with its effects. What is there already is left as it is."""
    statement = insert_new(occurrences).values(
        key=recorded.key, handoff=recorded.handoff.value, record_kind=recorded.record.kind.value, record=recorded.record.id,
        portfolio=portfolio, cycle=recorded.cycle, cause_at=None if recorded.cause_at is None else to_ms(recorded.cause_at),
        decided_at=to_ms(recorded.decided_at), origin=origin, state=recorded.state.value, reason=recorded.reason,
        detail=to_json(recorded.detail),
    )  # fmt: skip
    if connection.execute(statement).rowcount == 0:
        return
    for position, effect in enumerate(recorded.effects):
        payload: dict[str, Any] = {"adopted": effect.adopted}
        if effect.task_kind is not None:
            payload["task_kind"] = effect.task_kind.value
        if effect.role is not None:
            payload["role"] = effect.role.value
        connection.execute(
            effects.insert().values(
                key=effect.key, occurrence=recorded.key, position=position, kind=effect.kind.value,
                role=None if effect.role is None else effect.role.value, payload=to_json(payload),
                state=effect.state.value, state_at=to_ms(effect.state_at), attempted_at=to_ms(effect.state_at),
                attempts=1, crm_id=effect.crm_id, reason=effect.reason, adopted=int(effect.adopted),
            )
        )  # fmt: skip


def reopen(connection: Connection, portfolios: Iterable[str], since: datetime) -> None:
    """Let what was adopted without its tasks be decided anew, where its cause is not older than `since`."""
    for part in in_parts(list(portfolios)):
        for recorded in load(connection, part, ()):
            if reopened(recorded, since) is not recorded:
                again = update(occurrences).where(
                    occurrences.c.key == recorded.key, occurrences.c.state == OccurrenceState.DONE.value
                )
                connection.execute(again.values(state=OccurrenceState.CANCELLED.value))


def mark_recovered(connection: Connection, key: str, task: str, now: datetime) -> None:
    """The task of an effect not tried yet, or refused, stands in the CRM: it is done, and so are its occurrence's emails."""
    reason = "taken back from the CRM: the task carries this key"
    made = update(effects).where(effects.c.key == key, effects.c.state.in_((*OPEN, EffectState.FAILED.value)))
    done = {"state": EffectState.DONE.value, "state_at": to_ms(now), "reason": reason}
    before = func.coalesce(effects.c.attempted_at, 0)  # before this ledger began: the breaker does not count it
    if connection.execute(made.values(**done, crm_id=task, attempted_at=before)).rowcount:
        emails = update(effects).where(
            effects.c.occurrence == keys.occurrence_of(key),
            effects.c.kind == EffectKind.EMAIL.value,
            effects.c.state.in_(OPEN),
        )
        connection.execute(emails.values(**done, attempted_at=before))
