"""A lost database: before the first pass of an empty ledger, what the CRM shows as done is taken back into it."""

import structlog

from mappings.schema import ProcessMapping
from mappings.vocabulary import Handoff, Role, TaskKind
from sync import ledger
from sync.clock import from_ms
from sync.crm import CREATED, CRM, Filter, Kind, RecordRef
from sync.snapshot import moment_of
from sync.store import Store, get_fact, set_fact

DONE = "recovered"
"""The fact that says that taking back is finished; until then no pass may begin."""

log = structlog.get_logger()

_ROLES = {
    TaskKind.KICKOFF: Role.ACCOUNT_MANAGER,
    TaskKind.CREATE_TICKETS: Role.SOCIAL_AD_SPECIALIST,
    TaskKind.WRITE_COPY: Role.COPYWRITER,
    TaskKind.DESIGN_GRAPHICS: Role.GRAPHIC_DESIGNER,
    TaskKind.SHARE_DELIVERABLES: Role.ACCOUNT_MANAGER,
    TaskKind.REVISE_COPY: Role.COPYWRITER,
    TaskKind.REVISE_GRAPHICS: Role.GRAPHIC_DESIGNER,
    TaskKind.IMPLEMENT: Role.SOCIAL_AD_SPECIALIST,
}


def is_needed(store: Store) -> bool:
    with store.read() as connection:
        return get_fact(connection, DONE) is None


def take_back(store: Store, crm: CRM, mapping: ProcessMapping) -> int:
    """Record every task in the CRM that carries a key as done, with the emails of its occurrence; how many.

    Interrupted, it begins again: a row that is there already changes nothing.
    """
    key_property = mapping.task.key_property
    found = [record.id for record in crm.search(Kind.TASK, [[Filter(key_property, "HAS_PROPERTY")]])]
    records = crm.read(Kind.TASK, found, [key_property, CREATED]) if found else {}
    taken = 0
    with store.write() as connection:
        for record in records.values():
            row = read_key(record.properties.get(key_property, ""))
            if row is None:
                log.warning("recovery.unknown_key", task=record.id, key=record.properties.get(key_property, ""))
                continue
            handoff, at, cycle, kind = row
            made_at = moment_of(record.properties.get(CREATED, "")) or record.created_at
            ledger.record_done_task(
                connection,
                effect_key=record.properties[key_property],
                handoff=handoff,
                record=at,
                portfolio=at.id if at.kind is Kind.PORTFOLIO else None,
                cycle=cycle,
                task=record.id,
                task_kind=kind,
                role=_ROLES[kind],
                made_at=made_at or from_ms(0),
                origin="recovery",
                reason="taken back from the CRM: the task carries this key",
                adopted=False,
            )
            taken += 1
        set_fact(connection, DONE, str(taken))
    log.info("recovery.done", tasks=taken)
    return taken


def read_key(key: str) -> tuple[Handoff, RecordRef, str, TaskKind] | None:
    """What the key of a task tells: handoff, record, cycle ('' where it does not tell it) and kind of task."""
    occurrence, _, slot = key.rpartition("/")
    parts = occurrence.split(":")
    try:
        handoff = Handoff(parts[0])
        kind = TaskKind(slot.removeprefix("task:"))
        record = RecordRef(Kind.TICKET if handoff in {Handoff.TICKETS, Handoff.REVISIONS} else Kind.PORTFOLIO, parts[1])
    except (ValueError, IndexError):
        return None
    if not record.id.isdigit():
        return None
    has_cycle = handoff in {Handoff.KICKOFF, Handoff.DATE_ARRIVED, Handoff.SET_READY} and len(parts) > 2
    return handoff, record, parts[2] if has_cycle else "", kind
