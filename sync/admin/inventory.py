"""Take an inventory of the portal: each portfolio's context, and every task on it and on its tickets. Reads only.

A pass reads only the tasks that the ledger names. Commands that compare the CRM with the ledger (`adopt`, `verify`) read
all of them, whoever made them: by association, never by search.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from mappings.texts import TASK_READER
from sync.clock import from_ms
from sync.crm import (
    CREATED,
    TASK_COMPLETED,
    TASK_STATUS,
    TASK_SUBJECT,
    CRMReader,
    Faulty,
    Kind,
    RawVersion,
    Record,
    RecordRef,
    moment_of,
)
from sync.errors import last_line
from sync.passes.reconcile import GROUP
from sync.passes.snapshot import own_task
from sync.passes.task_keys import TaskKeys
from sync.rules import keys
from sync.rules.context import Context
from sync.rules.identity import as_one
from sync.rules.model import EffectState, LedgerView, OccurrenceState, OwnTask, RecordedEffect, RecordedOccurrence
from sync.rules.process import read_task_key
from sync.service.reading import ReadingService
from sync.storage import service_state
from sync.storage.database import StoreReader

_CARRIES_KEY = "the task carries this key: it will be taken back from the CRM"


@dataclass(frozen=True, slots=True)
class ExistingTask:
    """A task that exists in the CRM, whoever made it. `on`: the portfolios and tickets of its group that it is on."""

    id: str
    subject: str
    key: str  # '' for one that the service did not make
    made_at: datetime
    status: str
    statuses: tuple[RawVersion, ...]  # newest first
    on: frozenset[RecordRef]

    @property
    def is_open(self) -> bool:
        return self.status != TASK_COMPLETED

    @property
    def completed_at(self) -> datetime | None:
        """Since when it has been completed; None while it is open, and where the history does not show it."""
        return self.own.completed_at

    def was_open_at(self, moment: datetime) -> bool:
        """Say whether it existed then and was not completed; a history that does not reach back says what holds now."""
        if moment < self.made_at:
            return False
        standing = next((version.value for version in self.statuses if version.at <= moment), self.status)
        return standing != TASK_COMPLETED

    @property
    def was_ever_completed(self) -> bool:
        """Whether it is completed, or its visible history shows that it once was."""
        return not self.is_open or any(version.value == TASK_COMPLETED for version in self.statuses)

    @property
    def own(self) -> OwnTask:
        """The task as rules see it."""
        return own_task(self.id, self.status, self.statuses)


@dataclass(frozen=True)
class Inventory:
    """One group of portfolios. A context holds every task that a rule may ask for, and no Notes: only texts quote those.

    A portfolio of which a ticket or a task came incomplete is among the faulty: what holds of the rest might not be true.
    """

    contexts: Mapping[RecordRef, Context]
    tasks: Mapping[RecordRef, tuple[ExistingTask, ...]]  # by portfolio, those of its tickets included; oldest first
    pending_approval: str  # the stage's id
    closed: frozenset[str]  # the ids of the stages that count as closed
    faulty: Mapping[RecordRef, str]  # the portfolios that could not be read, and why
    gone: frozenset[RecordRef]  # asked for, but no longer in the CRM


def all_portfolios(service: ReadingService) -> list[str]:
    """List the ids of all portfolios, rising. The search lags by seconds: one that was made just now may be missing.

    Raises the port's errors.
    """
    return [record.id for record in service.crm.search(Kind.PORTFOLIO, [])]


def in_groups(portfolios: Sequence[str]) -> Iterator[Sequence[str]]:
    """Split ids into groups, each as large as one batched read with history takes."""
    return (portfolios[start : start + GROUP] for start in range(0, len(portfolios), GROUP))


def take_inventory(service: ReadingService, portfolios: Sequence[str]) -> Inventory:
    """Read one group of portfolios (ids) with their tickets and all tasks. Raises the port's errors.

    Tasks that carry a key but were lost with an earlier database count as done, as they will once recovery has recorded
    them again.
    """
    portal, group, contexts = service.decider.read(portfolios)
    tasks, incomplete = _tasks(service.crm, portal.task_keys, contexts)
    for record, each in group.incomplete.items():
        incomplete.setdefault(record, []).extend(each)
    contexts = {record: context for record, context in contexts.items() if record not in incomplete}
    lost = _lost_before(service.store)
    near = {record: _near(context, tasks.values()) for record, context in contexts.items()}
    left = {record: [task for task in found if lost and task.made_at < lost] for record, found in near.items()}
    full = {
        record: _filled(with_recovered_tasks(context, left[record]), tasks, near[record])
        for record, context in contexts.items()
    }
    closed = frozenset(stage.id for stage in portal.pipeline.stages if stage.closed)
    faulty = {record: last_line(text) for record, text in group.faulty.items()}
    faulty |= {record: str(each[0]) for record, each in incomplete.items() if record not in faulty}
    return Inventory(full, near, portal.pending_approval, closed, faulty, group.gone)


def _lost_before(store: StoreReader) -> datetime | None:
    """Tasks that are older than this may be missing in the ledger until recovery has ended; None: none is."""
    with store.read() as connection:
        asked = service_state.get(connection, service_state.RECOVERED)
        final = service_state.get(connection, service_state.RECOVERED_FOR_GOOD)
        ledger_began = service_state.get(connection, service_state.LEDGER_BEGAN)
    if final is not None:
        return None
    return datetime.max.replace(tzinfo=UTC) if asked is None or ledger_began is None else ledger_began


def _tasks(
    crm: CRMReader, keys: TaskKeys, contexts: Mapping[RecordRef, Context]
) -> tuple[dict[str, ExistingTask], dict[RecordRef, list[Faulty]]]:
    """The tasks on all of these and on their tickets, and those that the ledger names.

    Apart from them, by portfolio, what came incomplete.
    """
    on: dict[str, set[RecordRef]] = {}
    lists: dict[RecordRef, Faulty] = {}
    places = {Kind.PORTFOLIO: [ref.id for ref in contexts], Kind.TICKET: _tickets(contexts.values())}
    for kind, ids in places.items():
        reading = crm.associated_each(kind, Kind.TASK, ids)
        lists |= {RecordRef(kind, i): one for i, one in reading.faulty.items()}
        for i, ends in reading.found.items():
            for end in ends:
                on.setdefault(end.to, set()).add(RecordRef(kind, i))
    named = {task for context in contexts.values() for task in tasks_named(context.ledger_as_read)}
    wanted = sorted({*on, *named}, key=int)
    properties = [TASK_SUBJECT, TASK_STATUS, CREATED, *keys.names]
    records = crm.read_each(Kind.TASK, wanted, properties, [TASK_STATUS])
    existing = {
        i: _existing(record, keys.of(record), frozenset(on.get(i, ())))
        for i, record in records.found.items()
        if record.id == i  # merged into another, it is that other one
    }
    return existing, _incomplete(contexts, on, lists, records.faulty)


def _incomplete(
    contexts: Mapping[RecordRef, Context],
    on: Mapping[str, set[RecordRef]],
    lists: Mapping[RecordRef, Faulty],
    tasks: Mapping[str, Faulty],
) -> dict[RecordRef, list[Faulty]]:
    """By portfolio, the lists of tasks that are missing and the tasks that came incomplete."""
    found: dict[RecordRef, list[Faulty]] = {}
    for record, context in contexts.items():
        places = {record, *(ticket.ref for ticket in context.snapshot.tickets)}
        named = tasks_named(context.ledger_as_read)
        mine = [one for place, one in lists.items() if place in places]
        mine += [one for i, one in tasks.items() if i in named or on.get(i, set()) & places]
        if mine:
            found[record] = mine
    return found


def _tickets(contexts: Iterable[Context]) -> list[str]:
    return sorted({ticket.id for context in contexts for ticket in context.snapshot.tickets}, key=int)


def tasks_named(ledger_view: LedgerView) -> set[str]:
    """Collect the ids of the tasks that the ledger names, those included that it closed."""
    effects = (effect for recorded in ledger_view.recorded.values() for effect in recorded.effects)
    return {effect.crm_id for effect in effects if effect.crm_id is not None and effect.kind in {"task", "close"}}


def _existing(record: Record, key: str, on: frozenset[RecordRef]) -> ExistingTask:
    values = record.properties
    return ExistingTask(
        id=record.id,
        subject=values.get(TASK_SUBJECT, ""),
        key=key,
        made_at=moment_of(values.get(CREATED, "")) or record.created_at or from_ms(0),
        status=values.get(TASK_STATUS, ""),
        statuses=tuple(record.history.get(TASK_STATUS, ())),
        on=on,
    )


def _near(context: Context, tasks: Iterable[ExistingTask]) -> tuple[ExistingTask, ...]:
    places = {context.snapshot.ref, *(ticket.ref for ticket in context.snapshot.tickets)}
    return tuple(sorted((task for task in tasks if task.on & places), key=lambda task: (task.made_at, int(task.id))))


def _filled(context: Context, tasks: Mapping[str, ExistingTask], near: Iterable[ExistingTask]) -> Context:
    named = tasks_named(context.ledger_as_read)
    own = {task.id: task.own for task in near}
    own |= {i: tasks[i].own if i in tasks else OwnTask(i, exists=False, completed=False) for i in named}
    blank = dict.fromkeys([context.snapshot.ref, *(ticket.ref for ticket in context.snapshot.tickets)], ())
    return replace(context, snapshot=replace(context.snapshot, tasks=own, notes=blank))


def with_recovered_tasks(context: Context, near: Iterable[ExistingTask]) -> Context:
    """Return the context as it will be once the tasks that carry a key have been recorded again in its empty ledger."""
    recorded = dict(context.ledger_as_read.recorded)
    for task in near:
        read = read_task_key(task.key) if task.key else None
        if read is None:
            continue
        key, kind = read
        effect = RecordedEffect(
            task.key, keys.task_slot(kind), TASK_READER[kind], EffectState.DONE, task.made_at,
            crm_id=task.id, task_kind=kind, attempted=True,
        )  # fmt: skip
        occurrence = str(key)
        before = recorded.get(occurrence)
        if before is None:
            before = RecordedOccurrence(
                occurrence,
                key.handoff,
                key.record,
                key.cycle_told,
                None,
                task.made_at,
                OccurrenceState.DONE,
                _CARRIES_KEY,
            )
        if all(effect.key != task.key for effect in before.effects):
            recorded[occurrence] = replace(before, effects=(*before.effects, effect))
    if context.as_read is None:
        return replace(context, ledger_as_read=replace(context.ledger_as_read, recorded=recorded))
    as_read, view = context.as_read
    snapshot, whole = as_one(as_read, replace(view, recorded={**recorded, **view.recorded}))
    return replace(context, snapshot=snapshot, ledger_as_read=whole)
