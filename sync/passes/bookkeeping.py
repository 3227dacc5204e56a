"""What a pass writes down before it decides: where tickets are, what is gone or back, what has changed.

The CRM tells nobody that a ticket has moved, or in which order. So each reading is compared with what the database
remembers, and what has gone elsewhere is put into the work queue.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sync.clock import Clock
from sync.crm import CRMReader, Faulty, Kind, RecordRef
from sync.passes.elsewhere import require_lanes
from sync.passes.held_lane import HeldLane
from sync.passes.ledger_views import Known, ledger_views, merged_into, recorded_occurrences
from sync.passes.snapshot import Group
from sync.passes.snapshot.parents import find_existing, find_parents
from sync.rules.model import (
    EffectState,
    Former,
    LedgerView,
    OccurrenceState,
    RecordedOccurrence,
    SeenVersions,
)
from sync.storage import (
    changes,
    identities,
    ledger,
    look_alikes,
    looks,
    memberships,
    ticket_histories,
    waits,
    work_queue,
)
from sync.storage import portfolios as kept_portfolios
from sync.storage.database import Connection, Store
from sync.storage.work_queue import WorkItem

SOON = timedelta(seconds=15)
"""When what is still moving is passed over again."""


@dataclass(frozen=True)
class Homes:
    """What work items lead to. `units`: portfolios, and tickets that have none. `faulty`: tickets of which nobody can tell."""

    units: list[WorkItem]
    faulty: Mapping[WorkItem, Faulty] = field(default_factory=dict)


class Bookkeeper:
    """Keeps what the database remembers of records in step with what is read of them."""

    def __init__(self, crm: CRMReader, store: Store, clock: Clock) -> None:
        self._crm = crm
        self._store = store
        self._clock = clock

    # -- tickets find their portfolio

    def find_units(self, items: Sequence[WorkItem]) -> Homes:
        """Turn work on tickets into work on their portfolios; what is left are portfolios, and tickets without one.

        A ticket's portfolios, the one that it is on and the one that it was on, are put into the work queue. Raises the
        port's errors and `StoreError`.
        """
        tickets = [item for item in items if item.record.kind is Kind.TICKET]
        units = [item for item in items if item.record.kind is Kind.PORTFOLIO]
        if not tickets:
            return Homes(units)
        found = find_parents(self._crm, (item.record.id for item in tickets))
        faulty = {item: found.faulty[item.record.id] for item in tickets if item.record.id in found.faulty}
        tickets = [item for item in tickets if item not in faulty]
        parents = found.of
        alone = [item for item in tickets if item.record.id in parents and parents[item.record.id] is None]
        with self._store.write() as connection:
            before = memberships.parents(connection, [item.record.id for item in tickets])
            for item in tickets:
                self._hand_on(connection, item, parents.get(item.record.id), before.get(item.record.id))
                if item not in alone:  # on a portfolio, deleted, or merged into another
                    work_queue.ack(connection, {item: None})
            # Whatever has named them: what is known of their histories is no longer relied on.
            ticket_histories.forget(connection, [item.record.id for item in tickets])
            # Should it move before that portfolio is read, it is missed there, and looked for.
            memberships.remember(connection, [], {t: parent for t, parent in parents.items() if parent is not None})
        return Homes([*units, *alone], faulty)

    def _hand_on(self, connection: Connection, item: WorkItem, parent: str | None, before: str | None) -> None:
        """Put the portfolio that the ticket is on, and the one that it was on, into the work queue."""
        portfolios = {RecordRef(Kind.PORTFOLIO, i) for i in (parent, before) if i is not None}
        work_queue.enqueue(connection, portfolios, self._clock.now(), item.origin)
        if parent is None:
            memberships.forget(connection, [item.record.id])

    def forget_tickets(self, tickets: Iterable[str]) -> None:
        """Rely no longer on what is known of these tickets (ids): they are read anew. Raises `StoreError`."""
        with self._store.write() as connection:
            ticket_histories.forget(connection, sorted(tickets))

    # -- what a reading shows

    def note_group(
        self, group: Group, portfolios: Sequence[str], retry: Collection[RecordRef], lane: HeldLane
    ) -> dict[RecordRef, LedgerView]:
        """Write down what the group shows, and give what the ledger then knows of each record.

        `portfolios` (ids) were asked for; for the records of `retry` what was refused is planned anew. Raises the port's
        errors, `StoreError`, and `ElsewhereError` where the pass needs other lanes too.
        """
        with self._store.write() as connection:
            require_lanes(connection, group, lane)
            former = self._note_records(connection, group)
            known = recorded_occurrences(connection, group, former)
            departed = _departed(connection, group, portfolios, known.recorded)
            views = {} if departed else self._refreshed(connection, group, known, retry)
        if departed:
            self._requeue_departed(departed)
            with self._store.write() as connection:
                views = self._refreshed(connection, group, recorded_occurrences(connection, group), retry)
        return views

    def _note_records(self, connection: Connection, group: Group) -> tuple[Former, ...]:
        """What was deleted, what was merged into what, and what has changed when. Gives what the records were made of."""
        now = self._clock.now()
        for survivor in set(group.merged.values()):
            work_queue.enqueue(connection, [survivor], now, "merge")
        former = self._hand_over(connection, group)
        ledger.suspend(connection, {*group.gone, *group.merged})
        waits.forget(connection, {*group.gone, *group.merged})
        kept_portfolios.forget(connection, {*group.gone, *group.merged})
        looks.forget(connection, {*group.gone, *group.merged})
        look_alikes.forget(connection, {*group.gone, *group.merged})
        changes.remember(connection, group.modified, group.shown)
        ticket_histories.remember(connection, group.to_keep, now)
        return former

    def _hand_over(self, connection: Connection, group: Group) -> tuple[Former, ...]:
        """What was done, and is to be done, for records that were merged goes to those that answer for them."""
        former = merged_into(connection, group)
        if not former:
            return ()
        merged = {record for one in former for record in (one.record, one.into)}
        seen = identities.seen(connection, merged).versions
        identities.remember(connection, (_dated(one, former, seen, group, self._clock.now()) for one in former))
        current = identities.last_of(former)
        ledger.hand_over(connection, current)
        portfolios = {old.id: new.id for old, new in current.items() if old.kind is Kind.PORTFOLIO}
        memberships.hand_over(connection, portfolios)
        waits.forget(connection, current)
        kept_portfolios.forget(connection, current)
        looks.forget(connection, {*current, *current.values()})
        look_alikes.forget(connection, current)
        return merged_into(connection, group)  # with their times

    def _requeue_departed(self, departed: Collection[str]) -> None:
        """These tickets have left a portfolio, and nobody has said so: whatever they are on now gets a pass."""
        existing = find_existing(self._crm, departed)
        now = self._clock.now()
        with self._store.write() as connection:
            memberships.forget(connection, departed)
            ledger.suspend(connection, [RecordRef(Kind.TICKET, t) for t in departed if t not in existing])
            ledger.set_portfolio(connection, dict.fromkeys(existing))
            left = [RecordRef(Kind.TICKET, ticket) for ticket in existing]
            work_queue.enqueue(connection, left, now, "moved", not_before=now + SOON)

    def _refreshed(
        self,
        connection: Connection,
        group: Group,
        known: Known,
        retry: Collection[RecordRef],
    ) -> dict[RecordRef, LedgerView]:
        """What the ledger knows of the group, once it knows where the tickets are and what may be tried again."""
        moved = _moved(group, known.recorded)
        back = _back(group, known.recorded)
        if moved or back or (retry and _has_failed(known.recorded)):
            ledger.retry_failed(connection, retry, self._clock.now())
            ledger.set_portfolio(connection, moved)
            ledger.resume(connection, back)
            known = recorded_occurrences(connection, group)
        return ledger_views(connection, group, known)


def _dated(one: Former, former: Iterable[Former], seen: SeenVersions, group: Group, now: datetime) -> Former:
    """The merge with its time, as far as the CRM shows it: by a version that it wrote itself, else it was before now.

    What an earlier merge of one of the two has written is older than what was seen of them since. A record of which it was
    known before keeps the time that it had (`identities.remember`).
    """
    parts = {one.into, *(other.record for other in former if other.into == one.into)}
    newest = max((ms for part in parts for times in seen.get(part, {}).values() for ms in times), default=0)
    shown = (version for history in group.histories_of(one.into) for version in history if version.by_merge)
    return replace(one, at=one.at or max((version.at for version in shown if version.ms >= newest), default=now))


def _departed(
    connection: Connection, group: Group, portfolios: Iterable[str], recorded: Iterable[RecordedOccurrence]
) -> set[str]:
    """The tickets that have left one of these portfolios, as far as it could be read."""
    parents = group.parents
    understood = [i for i in portfolios if RecordRef(Kind.PORTFOLIO, i) not in group.faulty]
    departed = memberships.remember(connection, understood, parents)
    departed |= {one.record.id for one in recorded if _is_left(one, understood, parents)}
    return departed - group.unplaced


def _is_left(recorded: RecordedOccurrence, portfolios: Collection[str], parents: Mapping[str, str]) -> bool:
    """Whether this is work still to be done on a ticket that has left its portfolio, which is one of these."""
    ticket = recorded.record.kind is Kind.TICKET
    return (
        ticket
        and recorded.state is OccurrenceState.OPEN
        and recorded.portfolio in portfolios
        and recorded.record.id not in parents
    )


def _moved(group: Group, recorded: Iterable[RecordedOccurrence]) -> dict[str, str | None]:
    """The tickets whose work the ledger has under another portfolio than the one that they are on (None: on none)."""
    parents: dict[str, str | None] = {**group.parents}
    parents |= dict.fromkeys(record.id for record in group.snapshots if record.kind is Kind.TICKET)
    tickets = [one for one in recorded if one.record.kind is Kind.TICKET and one.record.id in parents]
    return {one.record.id: parents[one.record.id] for one in tickets if one.portfolio != parents[one.record.id]}


def _back(group: Group, recorded: Iterable[RecordedOccurrence]) -> set[RecordRef]:
    """The records that were deleted or out of sight, and are there again."""
    present = group.present
    return {one.record for one in recorded if one.state is OccurrenceState.GONE and one.record in present}


def _has_failed(recorded: Iterable[RecordedOccurrence]) -> bool:
    return any(effect.state is EffectState.FAILED for one in recorded for effect in one.effects)
