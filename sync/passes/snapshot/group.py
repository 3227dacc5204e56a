"""A group of portfolios as they now stand, with their tickets, in as few calls as batches allow."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from mappings.schema import ProcessMapping
from sync.clock import CLOCKS_APART, Clock, ahead_of
from sync.crm import CRMReader, Faulty, Kind, Lack, Reading, Record, RecordRef
from sync.passes.portal import Portal, PortalCache
from sync.passes.snapshot.activities import read_notes, read_tasks
from sync.passes.snapshot.parents import LastSeenOn, Parents, TicketLists, read_listed, read_parents
from sync.passes.snapshot.records import Translator, mark_of_values
from sync.passes.snapshot.seen_before import SeenWithStatus, with_seen_histories
from sync.passes.snapshot.tickets import Known, Wanted, changed, find_known, is_old, read_tickets
from sync.rules.in_force import MappingHistory
from sync.rules.model import History, Needed, Portfolio, Snapshot, Ticket
from sync.rules.people import people_in
from sync.storage.changes import READ_TOO_SOON
from sync.storage.ticket_histories import TicketRead

READ_ANEW = 3
"""How often a group is read anew whose lists of tickets change while it is read; then it is taken as it came."""


@dataclass(frozen=True)
class Group:
    """What was read. `gone`: asked for, but no longer in the CRM. `merged`: an asked id → the survivor's.

    `incomplete`: by the portfolio or lone ticket that a pass looks at, what came without something that was asked for.
    """

    snapshots: Mapping[RecordRef, Snapshot] = field(default_factory=dict)
    gone: frozenset[RecordRef] = frozenset()
    merged: Mapping[RecordRef, RecordRef] = field(default_factory=dict)
    modified: Mapping[RecordRef, datetime] = field(default_factory=dict)  # when each record was last changed
    shown: Mapping[RecordRef, str] = field(default_factory=dict)  # a mark of the values of those read in that moment
    faulty: Mapping[RecordRef, str] = field(default_factory=dict)  # cannot be decided as a whole, and why
    incomplete: Mapping[RecordRef, tuple[Faulty, ...]] = field(default_factory=dict)
    past: MappingHistory = field(default_factory=MappingHistory)  # the mappings by which the past was read
    records: Mapping[RecordRef, Record] = field(default_factory=dict)  # those that came whole, as the CRM gave them
    tickets_on: Mapping[str, Sequence[str]] = field(default_factory=dict)  # ids of the tickets near each portfolio
    to_keep: Sequence[TicketRead] = ()  # tickets that came with their histories, of which to know them saves calls
    as_known: frozenset[str] = frozenset()  # old tickets (ids) that were not asked for: they are as they were known

    @property
    def parents(self) -> dict[str, str]:
        """The portfolio of each ticket that was read with one, though not whole."""
        return {
            ticket: record.id
            for record, snapshot in sorted(self.snapshots.items())
            if record.kind is Kind.PORTFOLIO
            for ticket in snapshot.ticket_ids
            if ticket not in self.unplaced
        }

    @property
    def absorbed(self) -> dict[RecordRef, tuple[str, ...]]:
        """The ids of the records that each record of the group was made of, as far as it says so."""
        return {record.ref: record.absorbed for record in self._records() if record.absorbed}

    def _records(self) -> Iterator[Portfolio | Ticket]:
        for snapshot in self.snapshots.values():
            if snapshot.portfolio is not None:
                yield snapshot.portfolio
            yield from snapshot.tickets

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
    def unplaced(self) -> frozenset[str]:
        """The tickets near these portfolios of which nobody can tell for which they count."""
        unread = (one for snapshot in self.snapshots.values() for one in snapshot.unread)
        return frozenset(one.id for one in unread if not one.placed)

    @property
    def unread(self) -> frozenset[RecordRef]:
        """The tickets of these portfolios that came incomplete."""
        return frozenset(one.ref for snapshot in self.snapshots.values() for one in snapshot.unread)

    @property
    def named(self) -> set[str]:
        """Everybody whom these records name for a role, by owner's id or email."""
        return {one for record in self._records() for value in record.owners.values() for one in people_in(value)}

    def as_known_by(self, portal: Portal) -> "Group":
        """Give the same with the people of this portal."""
        snapshots = {ref: replace(snapshot, owners=portal.owners) for ref, snapshot in self.snapshots.items()}
        return replace(self, snapshots=snapshots)

    @property
    def lacks_property(self) -> bool:
        """Whether anything came without a property: somebody may have archived it."""
        gaps = (gap for each in self.incomplete.values() for one in each for gap in one.gaps)
        return any(gap.lack is Lack.PROPERTY for gap in gaps)

    @property
    def present(self) -> frozenset[RecordRef]:
        """Every record that was read and understood."""
        tickets = {ticket.ref for snapshot in self.snapshots.values() for ticket in snapshot.tickets}
        return frozenset({*self.snapshots, *tickets})


@dataclass(frozen=True)
class _Records:
    """A group as the CRM gave it; portfolios and tickets by the id asked for."""

    portfolios: Mapping[str, Record]
    tickets_on: Mapping[str, Sequence[str]]  # of each portfolio that was not merged into another: `TicketLists.on`
    parents: Parents
    tickets: Mapping[str, Record]
    lone: Sequence[str]  # tickets that were asked for and are on none of these portfolios
    faulty_portfolios: Mapping[str, Faulty]
    faulty_tickets: Mapping[str, Faulty]
    to_keep: Sequence[TicketRead]
    as_known: frozenset[str]


class SnapshotReader:
    """Reads through the mapping: what comes out speaks the service's words.

    `app_id`: see `Translator`; `known`: see `Known`; `last_seen_on`: see `LastSeenOn`;
    `seen`: see `SeenWithStatus`.
    """

    def __init__(
        self,
        crm: CRMReader,
        mapping: ProcessMapping,
        app_id: str | None,
        clock: Clock,
        past: Callable[[], MappingHistory],
        portals: PortalCache,
        known: Known,
        last_seen_on: LastSeenOn,
        seen: SeenWithStatus,
    ) -> None:
        self._crm = crm
        self._known = known
        self._last_seen_on = last_seen_on
        self._seen = seen
        self._status = mapping.portfolio.properties.status
        self._portals = portals
        self._translator = Translator(mapping, app_id)
        self._clock = clock
        self._past = past

    def read(self, portfolios: Iterable[str], lone_tickets: Iterable[str], portal: Portal) -> Group:
        """Read these portfolios (ids) with their tickets, and tickets that have none. Raises the port's errors."""
        wanted = sorted(set(portfolios), key=int)
        past = self._past()
        read = self._records(wanted, set(lone_tickets), portal, past)
        snapshots, faulty = self._snapshots(read, portal, past)
        incomplete = _incomplete(read, snapshots)
        records = {RecordRef(one.kind, one.id): one for one in (*read.portfolios.values(), *read.tickets.values())}
        modified = _modified(read)
        return Group(
            snapshots,
            _gone(wanted, read),
            _merged(read),
            {record: at for record, (at, _) in modified.items()},
            self._shown(modified.values(), portal, past),
            faulty,
            incomplete,
            past,
            records,
            read.tickets_on,
            read.to_keep,
            read.as_known,
        )

    def _shown(
        self, modified: Iterable[tuple[datetime, Record]], portal: Portal, past: MappingHistory
    ) -> dict[RecordRef, str]:
        """Marks of what was read in the moment of its last change: a later one need not have another time.

        What comes after a read is not older than `read_at`; where the CRM tells no time it goes by our clock.
        """
        surely = self._clock.now() - READ_TOO_SOON
        names = {kind: self._translator.told_apart_by(kind, portal, past) for kind in (Kind.PORTFOLIO, Kind.TICKET)}
        return {
            RecordRef(record.kind, record.id): mark_of_values(record, names[record.kind])
            for at, record in modified
            if at >= (record.read_at or surely)
        }

    def changed(self, tickets: Iterable[str], portal: Portal) -> set[str]:
        """Find those of these tickets (ids), left unread, that are no longer as they were known. Raises the port's errors."""
        wanted = Wanted(*self._translator.ticket_properties(portal))
        return changed(self._crm, sorted(set(tickets), key=int), wanted, self._known)

    def complete(
        self, snapshots: Mapping[RecordRef, Snapshot], needed: Mapping[RecordRef, Needed], portal: Portal
    ) -> dict[RecordRef, Snapshot]:
        """Add the tasks and the notes that the rules asked for. Raises the port's errors."""
        all_needed = Needed.of_all(needed.values())
        found_tasks, faulty_tasks = read_tasks(self._crm, all_needed.tasks, all_needed.states)
        read = read_notes(self._crm, all_needed.notes)
        portal = self._portals.with_people(portal, authors=read.authors)
        found_notes, faulty_notes = read.told(portal), read.faulty
        fuller = dict(snapshots)
        for ref, asked in needed.items():
            snapshot, tasks = snapshots[ref], asked.tasks | asked.states
            fuller[ref] = replace(
                snapshot,
                owners=portal.owners,
                tasks={**snapshot.tasks, **{i: found_tasks[i] for i in tasks if i in found_tasks}},
                notes={**snapshot.notes, **{one: found_notes[one] for one in asked.notes if one in found_notes}},
                faulty={
                    **snapshot.faulty,
                    **{RecordRef(Kind.TASK, i): faulty_tasks[i] for i in tasks if i in faulty_tasks},
                    **{record: faulty_notes[record] for record in asked.notes if record in faulty_notes},
                },
            )
        return fuller

    # -- from the CRM

    def _records(
        self,
        wanted: Sequence[str],
        lone_tickets: Collection[str],
        portal: Portal,
        past: MappingHistory,
        tries: int = READ_ANEW,
    ) -> _Records:
        began = self._clock.now()
        portfolios = self._portfolios(wanted, portal, past)
        of_tickets = Wanted(*self._translator.ticket_properties(portal))
        listed = read_listed(self._crm, [i for i, record in portfolios.found.items() if record.id == i])
        known = find_known(
            sorted({ticket for tickets in listed.found.values() for ticket in tickets}, key=int),
            of_tickets,
            self._known,
            lambda one: is_old(one, began) and self._translator.is_out_of_play(one, portal),
        )
        lists = read_parents(self._crm, listed, self._last_seen_on, known.unread)
        if tries and self._are_merged_meanwhile(lists):
            return self._records(wanted, lone_tickets, portal, past, tries - 1)
        on, parents = lists.listed, lists.parents
        near = {ticket for tickets in lists.on.values() for ticket in tickets}
        lone = sorted(set(lone_tickets) - near, key=int)
        read = read_tickets(self._crm, sorted([*near, *lone], key=int), of_tickets, known)
        tickets = read.reading
        # A ticket that changed meanwhile may be of a cycle that began meanwhile: its portfolio must not be the older one.
        began_there = began - self._clock_ahead()
        newer = {t for t, one in tickets.found.items() if one.updated_at is not None and one.updated_at > began_there}
        newer_on = {i for t in newer if (i := parents.of.get(t)) is not None and i in on.found}
        again = self._portfolios(sorted(newer_on, key=int), portal, past)
        # Nor must it be newer than its list of tickets: its status may say that this is complete.
        if tries and self._have_changed(again.found, on.found):
            return self._records(wanted, lone_tickets, portal, past, tries - 1)
        faulty = {**portfolios.faulty, **on.faulty, **again.faulty}
        found = {**portfolios.found, **{i: record for i, record in again.found.items() if record.id == i}}
        return _Records(
            portfolios={i: record for i, record in found.items() if i not in faulty},
            tickets_on={i: tickets for i, tickets in lists.on.items() if i not in faulty},
            parents=parents,
            tickets={t: record for t, record in tickets.found.items() if t not in parents.faulty},
            lone=lone,
            faulty_portfolios=faulty,
            faulty_tickets={
                **tickets.faulty,
                **{t: replace(one, shown=tickets.found.get(t)) for t, one in parents.faulty.items()},
            },
            to_keep=read.to_keep,
            as_known=read.as_known,
        )

    def _are_merged_meanwhile(self, lists: TicketLists) -> bool:
        """Whether one of these portfolios has been merged into another since it was read: its tickets are on that one."""
        suspects = {
            i
            for i, tickets in lists.listed.found.items()
            for ticket in tickets
            if lists.parents.of.get(ticket) not in {i, None} and ticket not in lists.parents.problems
        }
        now = self._crm.read_each(Kind.PORTFOLIO, sorted(suspects, key=int), []) if suspects else Reading({}, {})
        return any(record.id != i for i, record in now.found.items())

    def _have_changed(self, portfolios: Collection[str], on: Mapping[str, Sequence[str]]) -> bool:
        """Whether tickets have come to one of these portfolios (ids), or have left it, since these lists were read."""
        now = read_listed(self._crm, sorted(set(portfolios) & set(on), key=int))
        return any(tickets != on[i] for i, tickets in now.found.items())

    def _portfolios(self, ids: Sequence[str], portal: Portal, past: MappingHistory) -> Reading[Record]:
        properties, history = self._translator.portfolio_properties(portal, past)
        if not ids:
            return Reading({}, {})
        reading = self._crm.read_each(Kind.PORTFOLIO, ids, properties, history)
        if any(one.status_property != self._status for one in past.mappings):
            return reading  # what was seen may have been the history of another property
        return with_seen_histories(reading, self._status, self._seen)

    # -- through the mapping

    def _snapshots(
        self, read: _Records, portal: Portal, past: MappingHistory
    ) -> tuple[dict[RecordRef, Snapshot], dict[RecordRef, str]]:
        """The snapshot of each record, and of each that cannot be understood why."""
        snapshots: dict[RecordRef, Snapshot] = {}
        faulty = {RecordRef(Kind.PORTFOLIO, i): str(one) for i, one in read.faulty_portfolios.items()}
        for i in read.tickets_on:
            ref = RecordRef(Kind.PORTFOLIO, i)
            try:
                snapshots[ref] = self._snapshot(i, read, portal, past)
            except ValueError as error:
                faulty[ref] = str(error)
        for t in read.lone:
            ref = RecordRef(Kind.TICKET, t)
            if t in read.faulty_tickets:
                faulty[ref] = str(read.faulty_tickets[t])
            elif t in read.tickets and read.tickets[t].id == t:
                ticket = self._translator.ticket(read.tickets[t], portal, past)
                snapshots[ref] = Snapshot(None, (ticket,), owners=portal.owners, clock_ahead=self._clock_ahead())
        return snapshots, faulty

    def _snapshot(self, i: str, read: _Records, portal: Portal, past: MappingHistory) -> Snapshot:
        unread = tuple(
            self._translator.unread_ticket(one, portal, placed=one.record.id not in read.parents.faulty)
            for one in _faulty_on(i, read)
        )
        mine = [t for t in read.tickets_on[i] if read.parents.of.get(t) == i and t in read.tickets]
        now, ahead = self._clock.now(), self._clock_ahead()
        portfolio = self._translator.portfolio(read.portfolios[i], portal, past, now - ahead)
        tickets = tuple(self._translator.ticket(read.tickets[t], portal, past) for t in mine if read.tickets[t].id == t)
        problems = tuple(read.parents.problems[t] for t in mine if t in read.parents.problems)
        # Where the CRM tells no time: our own, less as much as the two clocks may be apart.
        read_at = read.portfolios[i].read_at or now - CLOCKS_APART
        return Snapshot(
            portfolio,
            tickets,
            owners=portal.owners,
            problems=problems,
            read_at=read_at,
            unread=unread,
            clock_ahead=ahead,
        )

    def _clock_ahead(self) -> timedelta:
        return ahead_of(self._crm.time(), self._clock.now())


def _faulty_on(portfolio: str, read: _Records) -> list[Faulty]:
    """The faulty tickets that may count for this portfolio; one that was merged into another is that other one."""
    near = [t for t in read.tickets_on[portfolio] if t in read.faulty_tickets]
    return [
        one
        for t in near
        if (one := read.faulty_tickets[t]).record.id == t
        and (t in read.parents.faulty or read.parents.of.get(t) == portfolio)
    ]


def _gone(wanted: Iterable[str], read: _Records) -> frozenset[RecordRef]:
    portfolios = {*read.portfolios, *read.faulty_portfolios}
    tickets = {*read.tickets, *read.faulty_tickets}
    gone = {RecordRef(Kind.PORTFOLIO, i) for i in wanted if i not in portfolios}
    return frozenset(gone | {RecordRef(Kind.TICKET, t) for t in read.lone if t not in tickets})


def _incomplete(read: _Records, snapshots: Iterable[RecordRef]) -> dict[RecordRef, tuple[Faulty, ...]]:
    found: dict[RecordRef, tuple[Faulty, ...]] = {}
    found |= {RecordRef(Kind.PORTFOLIO, i): (one,) for i, one in read.faulty_portfolios.items()}
    found |= {RecordRef(Kind.TICKET, t): (read.faulty_tickets[t],) for t in read.lone if t in read.faulty_tickets}
    for ref in snapshots:
        if ref.kind is Kind.PORTFOLIO and (faulty := _faulty_on(ref.id, read)):
            found[ref] = tuple(faulty)
    return found


def _merged(read: _Records) -> dict[RecordRef, RecordRef]:
    lone = {t: read.tickets[t] for t in read.lone if t in read.tickets}
    return {
        RecordRef(record.kind, i): RecordRef(record.kind, record.id)
        for i, record in (*read.portfolios.items(), *lone.items())
        if record.id != i
    }


def _modified(read: _Records) -> dict[RecordRef, tuple[datetime, Record]]:
    """When each record was last changed, and the record; a ticket that counts for a portfolio not read is left out."""
    asked = {t: record for t, record in read.tickets.items() if t not in read.as_known}
    decided = [record for t, record in asked.items() if read.parents.of.get(t) in read.portfolios or t in read.lone]
    return {
        RecordRef(record.kind, record.id): (record.updated_at, record)
        for record in (*read.portfolios.values(), *decided)
        if record.updated_at is not None
    }
