"""Reads a group of portfolios as they now stand, with their history, in as few calls as batches allow."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TypeVar

from mappings.schema import Condition, ProcessMapping
from mappings.vocabulary import Role, Stage
from sync.clock import Clock
from sync.crm import (
    NOTE_BODY,
    TASK_COMPLETED,
    TASK_STATUS,
    TIMESTAMP,
    Association,
    CRMReader,
    Kind,
    RawVersion,
    Record,
    RecordRef,
    moment_of,
)
from sync.passes.portal import Portal
from sync.rules.model import History, Note, OwnTask, Portfolio, Snapshot, Ticket, Version

T = TypeVar("T")
D = TypeVar("D", bound=datetime | None)
R = TypeVar("R", bound=Role)  # a mapping is invariant in its keys, and a ticket's has only two of the roles


@dataclass(frozen=True)
class Group:
    """What was read. `gone`: asked for, but no longer in the CRM. `merged`: an asked id → the survivor's."""

    snapshots: Mapping[RecordRef, Snapshot] = field(default_factory=dict)
    gone: frozenset[RecordRef] = frozenset()
    merged: Mapping[RecordRef, RecordRef] = field(default_factory=dict)
    modified: Mapping[RecordRef, datetime] = field(default_factory=dict)
    faulty: Mapping[RecordRef, str] = field(default_factory=dict)  # read, but not to be understood; and why

    @property
    def parents(self) -> dict[str, str]:
        """The portfolio of each ticket that was read with one."""
        return {
            ticket.id: record.id
            for record, snapshot in sorted(self.snapshots.items())
            if record.kind is Kind.PORTFOLIO
            for ticket in snapshot.tickets
        }

    @property
    def present(self) -> frozenset[RecordRef]:
        """Every record that was read and understood."""
        tickets = {ticket.ref for snapshot in self.snapshots.values() for ticket in snapshot.tickets}
        return frozenset({*self.snapshots, *tickets})


class Reader:
    """Reads through the mapping: what comes out speaks the service's words."""

    def __init__(self, crm: CRMReader, mapping: ProcessMapping, app_id: str | None, clock: Clock) -> None:
        self._crm = crm
        self._mapping = mapping
        self._app_id = app_id
        self._clock = clock

    # -- who belongs where

    def parents(self, tickets: Iterable[str]) -> tuple[dict[str, str | None], dict[str, str]]:
        """The portfolio of each ticket (None: of none), and a problem for each that is on several.

        A ticket that no longer exists has no key.
        """
        ids = sorted(set(tickets), key=int)
        found: dict[str, str | None] = {}
        problems: dict[str, str] = {}
        if not ids:
            return found, problems
        for ticket, ends in self._crm.associated(Kind.TICKET, Kind.PORTFOLIO, ids).items():
            parent = _parent(ends)
            found[ticket] = parent
            if len({end.to for end in ends}) > 1:
                others = ", ".join(sorted({end.to for end in ends}, key=int))
                problems[ticket] = f"ticket {ticket} is on portfolios {others}: it counts for {parent} only"
        return found, problems

    def still_there(self, tickets: Iterable[str]) -> set[str]:
        """Those of these tickets that were neither deleted nor merged into another."""
        records = self._crm.read(Kind.TICKET, sorted(tickets, key=int), [])
        return {ticket for ticket, record in records.items() if record.id == ticket}

    # -- the group

    def read(self, portfolios: Iterable[str], lone_tickets: Iterable[str], portal: Portal) -> Group:
        """Snapshots of these portfolios with their tickets, and of tickets that have none."""
        wanted = sorted(set(portfolios), key=int)
        began = self._clock.now()
        records = self._portfolios(wanted)
        survivors = {i: record.id for i, record in records.items() if record.id != i}
        alive = [i for i in records if i not in survivors]
        on = self._crm.associated(Kind.PORTFOLIO, Kind.TICKET, alive) if alive else {}
        near = {end.to for ends in on.values() for end in ends}
        parents, double = self.parents(near)
        lone = sorted(set(lone_tickets) - near, key=int)
        tickets = self._tickets(sorted([*near, *lone], key=int), portal)
        # A ticket that changed meanwhile may be of a cycle that began meanwhile: its portfolio must not be the older one.
        newer = {t for t, record in tickets.items() if record.updated_at is not None and record.updated_at > began}
        again = self._portfolios(
            sorted({i for t in newer if (i := parents.get(t)) is not None and i in alive}, key=int)
        )
        records |= {i: record for i, record in again.items() if record.id == i}
        snapshots: dict[RecordRef, Snapshot] = {}
        faulty: dict[RecordRef, str] = {}
        for i in alive:
            ref = RecordRef(Kind.PORTFOLIO, i)
            near_it = sorted({end.to for end in on.get(i, ())}, key=int)
            mine = [t for t in near_it if parents.get(t) == i and t in tickets]
            try:
                portfolio = self._portfolio(records[i], portal)
                own = tuple(self._ticket(tickets[t], portal) for t in mine if tickets[t].id == t)
            except ValueError as error:
                faulty[ref] = str(error)
                continue
            problems = tuple(double[t] for t in mine if t in double)
            snapshots[ref] = Snapshot(portfolio, own, owners=portal.owners, problems=problems)
        for t in lone:
            if t in tickets and tickets[t].id == t:
                ticket = self._ticket(tickets[t], portal)
                snapshots[RecordRef(Kind.TICKET, t)] = Snapshot(None, (ticket,), owners=portal.owners)
        gone = {RecordRef(Kind.PORTFOLIO, i) for i in wanted if i not in records}
        gone |= {RecordRef(Kind.TICKET, t) for t in lone if t not in tickets}
        # A ticket that counts for a portfolio that was not read has not been looked at.
        decided = [record for t, record in tickets.items() if parents.get(t) in records or t in lone]
        modified = {
            RecordRef(record.kind, record.id): record.updated_at
            for record in (*records.values(), *decided)
            if record.updated_at is not None
        }
        merged = {
            RecordRef(Kind.PORTFOLIO, i): RecordRef(Kind.PORTFOLIO, survivor) for i, survivor in survivors.items()
        }
        return Group(snapshots, frozenset(gone), merged, modified, faulty)

    def complete(
        self, snapshots: Mapping[RecordRef, Snapshot], tasks: Mapping[RecordRef, Iterable[str]],
        notes: Mapping[RecordRef, Iterable[RecordRef]], portal: Portal,
    ) -> dict[RecordRef, Snapshot]:  # fmt: skip
        """The same snapshots with the tasks and notes that rules asked for."""
        found_tasks = self._own_tasks(sorted({task for ids in tasks.values() for task in ids}, key=int))
        found_notes = self._notes({record for records in notes.values() for record in records}, portal)
        fuller = dict(snapshots)
        for ref in {*tasks, *notes}:
            snapshot = snapshots[ref]
            fuller[ref] = replace(
                snapshot,
                tasks={**snapshot.tasks, **{task: found_tasks[task] for task in tasks.get(ref, ())}},
                notes={**snapshot.notes, **{record: found_notes[record] for record in notes.get(ref, ())}},
            )
        return fuller

    # -- one kind each

    def _portfolios(self, ids: Sequence[str]) -> dict[str, Record]:
        if not ids:
            return {}
        names = self._mapping.portfolio.properties
        conditions = [condition.property for condition in self._mapping.portfolio.condition]
        properties = [*names.model_dump().values(), *self._mapping.portfolio.owners.values(), *conditions]
        history = [names.status, names.refresh_date, *conditions]
        return self._crm.read(Kind.PORTFOLIO, ids, list(dict.fromkeys(properties)), list(dict.fromkeys(history)))

    def _tickets(self, ids: Sequence[str], portal: Portal) -> dict[str, Record]:
        if not ids:
            return {}
        names = self._mapping.ticket.properties
        owners = [name for name in self._mapping.ticket.owners.values() if name not in portal.absent]
        properties = [*names.model_dump().values(), *owners]
        history = [names.pipeline, names.stage, names.needs_revisions]
        return self._crm.read(Kind.TICKET, ids, list(dict.fromkeys(properties)), history)

    def _own_tasks(self, ids: Sequence[str]) -> dict[str, OwnTask]:
        records = self._crm.read(Kind.TASK, ids, [TASK_STATUS], [TASK_STATUS]) if ids else {}
        return {i: _own_task(i, records.get(i)) for i in ids}

    def _notes(self, records: Iterable[RecordRef], portal: Portal) -> dict[RecordRef, tuple[Note, ...]]:
        wanted = sorted(records)
        on: dict[RecordRef, list[str]] = {}
        for kind in {record.kind for record in wanted}:
            ids = [record.id for record in wanted if record.kind is kind]
            for i, ends in self._crm.associated(kind, Kind.NOTE, ids).items():
                on[RecordRef(kind, i)] = sorted({end.to for end in ends}, key=int)
        ids = sorted({note for notes in on.values() for note in notes}, key=int)
        read = self._crm.read(Kind.NOTE, ids, [NOTE_BODY, TIMESTAMP]) if ids else {}
        found: dict[RecordRef, tuple[Note, ...]] = {}
        for record in wanted:
            notes = [
                Note(read[i].properties.get(NOTE_BODY, ""), at, portal.url(record.kind, record.id))
                for i in on.get(record, ())
                if i in read and (at := moment_of(read[i].properties.get(TIMESTAMP, "")) or read[i].created_at)
            ]
            found[record] = tuple(sorted(notes, key=lambda note: note.at, reverse=True))
        return found

    # -- through the mapping

    def _portfolio(self, record: Record, portal: Portal) -> Portfolio:
        mapping = self._mapping.portfolio
        names, values = mapping.properties, record.properties
        where = f"portfolio {record.id}: {names.refresh_date}"
        inside, since = self._scope(record)
        return Portfolio(
            id=record.id,
            name=values.get(names.name, "") or f"portfolio {record.id}",
            url=portal.url(Kind.PORTFOLIO, record.id),
            status=mapping.status(values.get(names.status, "")),
            status_history=self._history(record, names.status, mapping.status),
            refresh_date=_date(values.get(names.refresh_date, ""), where),
            date_history=self._history(record, names.refresh_date, lambda raw: _date(raw, where)),
            cadence=values.get(names.cadence, ""),
            ad_lab_link=values.get(names.ad_lab_link, ""),
            owners=_owners(mapping.owners, values),
            raw=values,
            inside=inside,
            inside_since=since,
            has_absorbed=record.has_absorbed,
        )

    def _ticket(self, record: Record, portal: Portal) -> Ticket:
        mapping = self._mapping.ticket
        names, values = mapping.properties, record.properties
        created = record.created_at
        if created is None:
            raise ValueError(f"ticket {record.id} was read without the time of its creation")
        stage_id = values.get(names.stage, "")
        stages = record.history.get(names.stage, ())
        here = values.get(names.pipeline, "") == portal.pipeline.id
        entered = _since(record.history.get(names.pipeline, ()), portal.pipeline.id, created)
        return Ticket(
            id=record.id,
            subject=values.get(names.subject, ""),
            url=portal.url(Kind.TICKET, record.id),
            created_at=created,
            came_in=entered if here else None,
            is_open=here and not portal.is_closed(stage_id),
            stage=portal.stage(stage_id) if here else Stage.OTHER,
            stage_since=_since(stages, stage_id, created),
            folder=values.get(names.folder, ""),
            revision=mapping.revision(values.get(names.needs_revisions, "")),
            revision_history=self._history(record, names.needs_revisions, mapping.revision),
            owners=_owners(mapping.owners, values),
            raw=values,
            left_in_progress=_left(stages, lambda stage: portal.stage(stage) is Stage.IN_PROGRESS),
        )

    def _history(self, record: Record, name: str, read: Callable[[str], T]) -> History[T]:
        return tuple(
            Version(read(version.value), version.at, self._is_own(version)) for version in record.history.get(name, ())
        )

    def _is_own(self, version: RawVersion) -> bool:
        return version.source_type == "INTEGRATION" and self._app_id in {None, version.source_id}

    def _scope(self, record: Record) -> tuple[bool, datetime | None]:
        """Whether the mapping's condition holds, and since when; None: as far back as the history shows."""
        conditions = self._mapping.portfolio.condition
        inside = all(record.properties.get(c.property, "") in c.values for c in conditions)
        if not inside:
            return False, None
        since = [moment for c in conditions if (moment := _held_since(record, c)) is not None]
        return True, max(since, default=None)


def _held_since(record: Record, condition: Condition) -> datetime | None:
    since = None
    for version in record.history.get(condition.property, ()):
        if version.value not in condition.values:
            return since
        since = version.at
    return None


def _since(history: Sequence[RawVersion], value: str, otherwise: D) -> datetime | D:
    """When the newest run of versions with this value began."""
    since: datetime | D = otherwise
    for version in history:
        if version.value != value:
            break
        since = version.at
    return since


def _left(history: Sequence[RawVersion], was: Callable[[str], bool]) -> datetime | None:
    """When the last value of this kind was replaced by one that is not; None: it stands, or there was none."""
    since = None
    for version in history:
        if was(version.value):
            return since
        since = version.at
    return None


def _parent(ends: Sequence[Association]) -> str | None:
    """The portfolio that a ticket counts for: the one labelled primary, else the one with the lowest id."""
    primary = [end.to for end in ends if any(label.casefold() == "primary" for label in end.labels)]
    return min(primary or [end.to for end in ends], key=int, default=None)


def _owners(properties: Mapping[R, str], values: Mapping[str, str]) -> dict[Role, str]:
    return {role: value for role, name in properties.items() if (value := values.get(name, ""))}


def _own_task(task: str, record: Record | None) -> OwnTask:
    if record is None or record.id != task:
        return OwnTask(task, exists=False, completed=False)
    return own_task(task, record.properties.get(TASK_STATUS, ""), record.history.get(TASK_STATUS, ()))


def own_task(task: str, status: str, versions: Sequence[RawVersion]) -> OwnTask:
    """A task that is there, by its status and the versions of it, newest first."""
    if status != TASK_COMPLETED:
        reopened_at = _left(versions, lambda value: value == TASK_COMPLETED)
        return OwnTask(task, exists=True, completed=False, reopened_at=reopened_at)
    return OwnTask(task, exists=True, completed=True, completed_at=_since(versions, TASK_COMPLETED, None))


def _date(raw: str, where: str) -> date | None:
    """A HubSpot date: `YYYY-MM-DD`, or milliseconds at midnight UTC (docs/hubspot.md 4.2)."""
    if not raw:
        return None
    moment = moment_of(raw)
    if moment is None:
        raise ValueError(f"{where} is “{raw}”, which is no date: is the property of type date? (handoffs check)")
    return moment.astimezone(UTC).date()
