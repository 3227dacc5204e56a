"""A group of portfolios as they now stand, with their tickets, in as few calls as batches allow."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from mappings.schema import ProcessMapping
from sync.clock import CLOCKS_APART, Clock
from sync.crm import CRMReader, Kind, Record, RecordRef
from sync.passes.portal import Portal
from sync.passes.snapshot.activities import read_notes, read_tasks
from sync.passes.snapshot.parents import find_parents
from sync.passes.snapshot.records import Translator
from sync.rules.in_force import MappingHistory
from sync.rules.model import History, Portfolio, Snapshot, Ticket


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
    def absorbed(self) -> dict[RecordRef, tuple[str, ...]]:
        """The ids of the records that each record of the group was made of, as far as it says so."""
        records: list[Portfolio | Ticket] = []
        for snapshot in self.snapshots.values():
            records += [*([] if snapshot.portfolio is None else [snapshot.portfolio]), *snapshot.tickets]
        return {record.ref: record.absorbed for record in records if record.absorbed}

    def histories_of(self, record: RecordRef) -> list[History[Any]]:
        """The histories that were read of a record of the group."""
        for snapshot in self.snapshots.values():
            portfolio = snapshot.portfolio
            if portfolio is not None and portfolio.ref == record:
                return [portfolio.status_history, portfolio.date_history]
            for ticket in snapshot.tickets:
                if ticket.ref == record:
                    return [ticket.stage_history, ticket.pipeline_history, ticket.revision_history]
        return []

    @property
    def present(self) -> frozenset[RecordRef]:
        """Every record that was read and understood."""
        tickets = {ticket.ref for snapshot in self.snapshots.values() for ticket in snapshot.tickets}
        return frozenset({*self.snapshots, *tickets})


@dataclass(frozen=True)
class _Records:
    """A group as the CRM gave it; portfolios and tickets by the id asked for."""

    portfolios: Mapping[str, Record]
    tickets_on: Mapping[str, Sequence[str]]  # of each portfolio that was not merged into another: their ids, rising
    parents: Mapping[str, str | None]
    problems: Mapping[str, str]  # of tickets that are on several portfolios
    tickets: Mapping[str, Record]
    lone: Sequence[str]  # tickets that were asked for and are on none of these portfolios


class SnapshotReader:
    """Reads through the mapping: what comes out speaks the service's words. `app_id`: see `Translator`."""

    def __init__(
        self,
        crm: CRMReader,
        mapping: ProcessMapping,
        app_id: str | None,
        clock: Clock,
        past: Callable[[], MappingHistory],
    ) -> None:
        self._crm = crm
        self._translator = Translator(mapping, app_id)
        self._clock = clock
        self._past = past

    def read(self, portfolios: Iterable[str], lone_tickets: Iterable[str], portal: Portal) -> Group:
        """Read these portfolios (ids) with their tickets, and tickets that have none. Raises the port's errors."""
        wanted = sorted(set(portfolios), key=int)
        past = self._past()
        read = self._records(wanted, set(lone_tickets), portal, past)
        snapshots, faulty = self._snapshots(read, portal, past)
        return Group(snapshots, _gone(wanted, read), _merged(read), _modified(read), faulty)

    def complete(
        self, snapshots: Mapping[RecordRef, Snapshot], tasks: Mapping[RecordRef, Iterable[str]],
        notes: Mapping[RecordRef, Iterable[RecordRef]], portal: Portal,
    ) -> dict[RecordRef, Snapshot]:  # fmt: skip
        """Add the tasks (ids) and the notes (of these records) that the rules asked for. Raises the port's errors."""
        found_tasks = read_tasks(self._crm, sorted({task for ids in tasks.values() for task in ids}, key=int))
        found_notes = read_notes(self._crm, {record for records in notes.values() for record in records}, portal)
        fuller = dict(snapshots)
        for ref in {*tasks, *notes}:
            snapshot = snapshots[ref]
            fuller[ref] = replace(
                snapshot,
                tasks={**snapshot.tasks, **{task: found_tasks[task] for task in tasks.get(ref, ())}},
                notes={**snapshot.notes, **{record: found_notes[record] for record in notes.get(ref, ())}},
            )
        return fuller

    # -- from the CRM

    def _records(
        self, wanted: Sequence[str], lone_tickets: Collection[str], portal: Portal, past: MappingHistory
    ) -> _Records:
        began = self._clock.now()
        portfolios = self._portfolios(wanted, portal, past)
        on = self._tickets_on([i for i, record in portfolios.items() if record.id == i])
        near = {ticket for tickets in on.values() for ticket in tickets}
        parents, problems = find_parents(self._crm, near)
        lone = sorted(set(lone_tickets) - near, key=int)
        tickets = self._tickets(sorted([*near, *lone], key=int), portal)
        # A ticket that changed meanwhile may be of a cycle that began meanwhile: its portfolio must not be the older one.
        newer = {t for t, record in tickets.items() if record.updated_at is not None and record.updated_at > began}
        stale = sorted({i for t in newer if (i := parents.get(t)) is not None and i in on}, key=int)
        again = self._portfolios(stale, portal, past)
        portfolios |= {i: record for i, record in again.items() if record.id == i}
        return _Records(portfolios, on, parents, problems, tickets, lone)

    def _tickets_on(self, portfolios: Sequence[str]) -> dict[str, list[str]]:
        ends = self._crm.associated(Kind.PORTFOLIO, Kind.TICKET, portfolios) if portfolios else {}
        return {i: sorted({end.to for end in ends.get(i, ())}, key=int) for i in portfolios}

    def _portfolios(self, ids: Sequence[str], portal: Portal, past: MappingHistory) -> dict[str, Record]:
        properties, history = self._translator.portfolio_properties(portal, past)
        return self._crm.read(Kind.PORTFOLIO, ids, properties, history) if ids else {}

    def _tickets(self, ids: Sequence[str], portal: Portal) -> dict[str, Record]:
        properties, history = self._translator.ticket_properties(portal)
        return self._crm.read(Kind.TICKET, ids, properties, history) if ids else {}

    # -- through the mapping

    def _snapshots(
        self, read: _Records, portal: Portal, past: MappingHistory
    ) -> tuple[dict[RecordRef, Snapshot], dict[RecordRef, str]]:
        """The snapshot of each record, and of each that cannot be understood why."""
        snapshots: dict[RecordRef, Snapshot] = {}
        faulty: dict[RecordRef, str] = {}
        for i in read.tickets_on:
            ref = RecordRef(Kind.PORTFOLIO, i)
            try:
                snapshots[ref] = self._snapshot(i, read, portal, past)
            except ValueError as error:
                faulty[ref] = str(error)
        for t in read.lone:
            if t in read.tickets and read.tickets[t].id == t:
                ticket = self._translator.ticket(read.tickets[t], portal, past)
                snapshots[RecordRef(Kind.TICKET, t)] = Snapshot(None, (ticket,), owners=portal.owners)
        return snapshots, faulty

    def _snapshot(self, i: str, read: _Records, portal: Portal, past: MappingHistory) -> Snapshot:
        mine = [t for t in read.tickets_on[i] if read.parents.get(t) == i and t in read.tickets]
        portfolio = self._translator.portfolio(read.portfolios[i], portal, past, self._clock.now())
        tickets = tuple(self._translator.ticket(read.tickets[t], portal, past) for t in mine if read.tickets[t].id == t)
        problems = tuple(read.problems[t] for t in mine if t in read.problems)
        # Where the CRM tells no time: our own, less as much as the two clocks may be apart.
        read_at = read.portfolios[i].read_at or self._clock.now() - CLOCKS_APART
        return Snapshot(portfolio, tickets, owners=portal.owners, problems=problems, read_at=read_at)


def _gone(wanted: Iterable[str], read: _Records) -> frozenset[RecordRef]:
    gone = {RecordRef(Kind.PORTFOLIO, i) for i in wanted if i not in read.portfolios}
    return frozenset(gone | {RecordRef(Kind.TICKET, t) for t in read.lone if t not in read.tickets})


def _merged(read: _Records) -> dict[RecordRef, RecordRef]:
    lone = {t: read.tickets[t] for t in read.lone if t in read.tickets}
    return {
        RecordRef(record.kind, i): RecordRef(record.kind, record.id)
        for i, record in (*read.portfolios.items(), *lone.items())
        if record.id != i
    }


def _modified(read: _Records) -> dict[RecordRef, datetime]:
    """When each record was last changed. A ticket that counts for a portfolio that was not read is left out."""
    decided = [record for t, record in read.tickets.items() if read.parents.get(t) in read.portfolios or t in read.lone]
    return {
        RecordRef(record.kind, record.id): record.updated_at
        for record in (*read.portfolios.values(), *decided)
        if record.updated_at is not None
    }
