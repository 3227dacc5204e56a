"""One pass over a group: read, decide, plan, do, settle. The only place that turns dirty rows into work."""

import traceback
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from mappings.schema import ProcessMapping
from mappings.vocabulary import Handoff
from sync.clock import Clock
from sync.crm import Kind, RecordRef
from sync.errors import (
    AuthenticationError,
    CRMUnavailableError,
    MappingMisfitError,
    PartialAnswerError,
    StoreError,
    TaskPropertyMissingError,
)
from sync.passes.breaker import Breaker
from sync.passes.decider import Decider
from sync.passes.effects import Effects, Performed
from sync.passes.held_lane import HeldLane
from sync.passes.ledger_views import ledger_views, recorded_occurrences
from sync.passes.portal import Portal, PortalCache
from sync.passes.snapshot import Group, Reader
from sync.rules import waiting
from sync.rules.context import Context
from sync.rules.model import (
    Decision,
    EffectState,
    LedgerView,
    OccurrenceState,
    Portfolio,
    RecordedOccurrence,
    Snapshot,
    Wait,
)
from sync.rules.transition import effects_ahead
from sync.storage import changes, ledger, memberships, waits, work_queue
from sync.storage.database import Connection, Store
from sync.storage.work_queue import MENDED_BY_TIME, WorkItem

GROUP = 50
"""Records of one pass: what one batch read with history takes (docs/hubspot.md 4.3)."""

ROUNDS = 6
"""How often a pass may decide anew because of its own writes; what is then still moving is looked at again soon."""

SOON = timedelta(seconds=15)

log = structlog.get_logger()


Gate = Callable[[Context, Decision], bool]
"""Whether a pass may do what it has decided for a record; what it may not is left undone, and dirty."""


@dataclass
class Tally:
    """What passes did, for logs and for commands."""

    looked: int = 0
    tried: int = 0
    failed: int = 0
    unknown: int = 0
    not_sent: int = 0  # certainly not applied, to be tried again
    held: int = 0  # effects that the breaker holds
    errors: int = 0  # records whose pass failed

    def __iadd__(self, other: "Tally") -> "Tally":
        for name in vars(other):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self


@dataclass
class _Pass:
    """The state of one pass over its units (portfolios, and tickets that have none)."""

    items: Mapping[RecordRef, WorkItem]
    tally: Tally
    again: dict[RecordRef, datetime] = field(default_factory=dict)
    faulty: dict[RecordRef, str] = field(default_factory=dict)
    held: dict[RecordRef, int] = field(default_factory=dict)
    gate: Gate | None = None  # None: whatever is decided may be done
    refused: set[RecordRef] = field(default_factory=set)
    rounds: int = 0

    def mends(self, record: RecordRef) -> bool:
        """Whether what the CRM has refused is tried again: once a pass, or it would be asked in every round."""
        return self.rounds == 1 and self.items[record].origin in MENDED_BY_TIME

    def recheck_at(self, record: RecordRef, moment: datetime) -> None:
        self.again[record] = min(moment, self.again.get(record, moment))


class Reconciler:
    """Carries dirty records through a pass. One at a time for each lane; the engine sees to that."""

    def __init__(
        self,
        *,
        store: Store,
        mapping: ProcessMapping,
        portals: PortalCache,
        reader: Reader,
        decider: Decider,
        effects: Effects,
        clock: Clock,
        alert: Callable[[str, str], None],
    ) -> None:
        self._store = store
        self._mapping = mapping
        self._portals = portals
        self._reader = reader
        self._decider = decider
        self._effects = effects
        self._clock = clock
        self._breaker = Breaker(store, mapping.rules.effects_per_hour, clock, alert)

    def failpoint(self, step: str) -> None:
        """Say that a step is done; the crash tests end the process here."""
        self._effects.failpoint(step)

    def run(self, lane: HeldLane, items: Sequence[WorkItem], gate: Gate | None = None) -> Tally:
        """Carry these work items through passes, as far as the gate permits. A record that fails alone backs off alone.

        Raises what concerns every record, and the items then stay in the queue: `AuthenticationError`,
        `CRMUnavailableError`, `MappingMisfitError`, `StoreError`.
        """
        lane.require()
        return self._run(items, gate)

    def _run(self, items: Sequence[WorkItem], gate: Gate | None) -> Tally:
        portal = self._portals.get()
        if not portal.has_task_property:
            name = self._mapping.task.key_property
            raise TaskPropertyMissingError(
                f"the task property “{name}” is missing in the portal: run `handoffs setup --apply`"
            )
        tally = Tally()
        units = items
        try:
            units = self._resolve_parents(items)
            self.failpoint("homes")
            self._pass(units, portal, tally, gate)
        except Exception as error:  # the boundary: one record must not stop the others
            if _concerns_all(error):
                raise
            if len(units) == 1:
                self._failed(units[0], error, tally)
            else:  # what was done is settled; each of them is looked at alone
                for item in units:
                    tally += self._run([item], gate)
        return tally

    def _failed(self, item: WorkItem, error: Exception, tally: Tally) -> None:
        self._nack(item, "".join(traceback.format_exception(error)))
        tally.looked += 1
        tally.errors += 1

    def _nack(self, item: WorkItem, text: str) -> None:
        with self._store.write() as connection:
            parked = work_queue.nack(connection, item, self._clock.now(), text)
        last_line = text.strip().rsplit("\n", 1)[-1]
        log.error("record.failed", record=str(item.record), attempts=item.attempts + 1, parked=parked, error=last_line)

    # -- tickets find their portfolio

    def _resolve_parents(self, items: Sequence[WorkItem]) -> list[WorkItem]:
        """Turn tickets into looks at their portfolios; what is left are portfolios and tickets without one."""
        tickets = [item for item in items if item.record.kind is Kind.TICKET]
        rest = [item for item in items if item.record.kind is Kind.PORTFOLIO]
        if not tickets:
            return rest
        parents, _ = self._reader.parents(item.record.id for item in tickets)
        now = self._clock.now()
        with self._store.write() as connection:
            before = memberships.parents(connection, [item.record.id for item in tickets])
            for item in tickets:
                parent = parents.get(item.record.id)
                marked = {RecordRef(Kind.PORTFOLIO, i) for i in (parent, before.get(item.record.id)) if i is not None}
                work_queue.enqueue(connection, marked, now, item.origin)
                if parent is None:
                    memberships.forget(connection, [item.record.id])
                if item.record.id in parents and parent is None:
                    rest.append(item)
                else:  # on a portfolio, deleted, or merged into another
                    work_queue.ack(connection, {item: None})
            # Should it move before that portfolio is read, it is missed there, and looked for.
            memberships.remember(connection, [], {t: parent for t, parent in parents.items() if parent is not None})
        return rest

    # -- the pass

    def _pass(self, items: Sequence[WorkItem], portal: Portal, tally: Tally, gate: Gate | None) -> None:
        state = _Pass({item.record: item for item in items}, tally, gate=gate)
        waiting = self._effects.resolve(state.items)
        for record, until in waiting.items():
            state.recheck_at(record, until)
        units = [record for record in state.items if record not in waiting]
        for _ in range(ROUNDS):
            if not units:
                break
            units = self._round(units, state, portal)
        for record in units:
            state.recheck_at(record, self._clock.now() + SOON)
        self._settle(state)
        tally.looked += len(items)

    def _round(self, units: Sequence[RecordRef], state: _Pass, portal: Portal) -> list[RecordRef]:
        """Read, decide, plan and do once; what its own writes or a person's may have changed is to be decided anew."""
        state.rounds += 1
        group, ledger_view = self._read(units, portal, state)
        state.faulty.update(group.faulty)
        contexts = self._decider.contexts(group, ledger_view, portal)
        decisions, faulty = self._decider.decide(contexts, portal)
        state.faulty.update(faulty)
        waited_for = self._waited_for(contexts, decisions, portal)
        inside = {r: d for r, d in decisions.items() if (p := group.snapshots[r].portfolio) is None or p.inside}
        if state.gate is not None:
            state.refused |= {record for record in inside if not state.gate(contexts[record], inside[record])}
            inside = {record: decision for record, decision in inside.items() if record not in state.refused}
        self._hold(inside, ledger_view, state)
        inside = {record: decision for record, decision in inside.items() if record not in state.held}
        self._plan(inside, {record: contexts[record].ledger for record in inside}, waited_for, state)
        performed = self._effects.perform(inside, group.present, portal, state.items)
        self._note(performed, state)
        for record, decision in inside.items():
            if decision.recheck_at is not None:
                ahead = decision.recheck_at - contexts[record].times.now  # a run's own today does not move the look
                state.recheck_at(record, self._clock.now() + ahead)
            waits = (
                _wait_for_portfolio(group.snapshots[record], self._clock.now()) if record.kind is Kind.TICKET else None
            )
            if waits is not None:
                state.recheck_at(record, waits)
        told = {record for record, decision in inside.items() if _ends_a_cycle_untouched(decision)}
        return sorted(((performed.wrote | performed.stale | told) - performed.unsure) & set(inside))

    def _read(
        self, units: Sequence[RecordRef], portal: Portal, state: _Pass
    ) -> tuple[Group, dict[RecordRef, LedgerView]]:
        """What the CRM shows of these, and what the ledger knows of them once it has heard of that."""
        portfolios = [record.id for record in units if record.kind is Kind.PORTFOLIO]
        lone = [record.id for record in units if record.kind is Kind.TICKET]
        group = self._reader.read(portfolios, lone, portal)
        log.info("group.read", asked=len(units), read=len(group.snapshots), gone=len(group.gone))
        self.failpoint("snapshot")
        now = self._clock.now()
        with self._store.write() as connection:
            for survivor in set(group.merged.values()):
                work_queue.enqueue(connection, [survivor], now, "merge")
            ledger.suspend(connection, {*group.gone, *group.merged})
            waits.forget(connection, {*group.gone, *group.merged})
            changes.remember(connection, group.modified, now)
            recorded = recorded_occurrences(connection, group)
            parents = group.parents
            understood = [i for i in portfolios if RecordRef(Kind.PORTFOLIO, i) not in group.faulty]
            departed = memberships.remember(connection, understood, parents)
            departed |= {one.record.id for one in recorded if _is_left(one, understood, parents)}
            ledger_view = {} if departed else self._refreshed(connection, group, state, recorded)
        if departed:
            self._requeue_departed(departed)
            with self._store.write() as connection:
                ledger_view = self._refreshed(connection, group, state, recorded_occurrences(connection, group))
        self.failpoint("read")
        return group, ledger_view

    def _requeue_departed(self, departed: Iterable[str]) -> None:
        """These tickets have left a portfolio, and nobody has said so: whatever they are on now is looked at."""
        there = self._reader.still_there(departed)
        now = self._clock.now()
        with self._store.write() as connection:
            memberships.forget(connection, departed)
            ledger.suspend(connection, [RecordRef(Kind.TICKET, ticket) for ticket in departed if ticket not in there])
            ledger.set_portfolio(connection, dict.fromkeys(there))
            left = [RecordRef(Kind.TICKET, ticket) for ticket in there]
            work_queue.enqueue(connection, left, now, "moved", not_before=now + SOON)

    def _refreshed(
        self, connection: Connection, group: Group, state: _Pass, recorded: Sequence[RecordedOccurrence]
    ) -> dict[RecordRef, LedgerView]:
        """What the ledger knows of the group, once it has heard where the tickets are and what may be tried again."""
        retry = [record for record in group.snapshots if state.mends(record)]
        parents: dict[str, str | None] = {**group.parents}
        parents |= dict.fromkeys(record.id for record in group.snapshots if record.kind is Kind.TICKET)
        present = group.present
        tickets = [one for one in recorded if one.record.kind is Kind.TICKET]
        moved = {one.record.id for one in tickets if one.portfolio != parents.get(one.record.id, one.portfolio)}
        back = {one.record for one in recorded if one.state == OccurrenceState.GONE and one.record in present}
        refused = any(effect.state is EffectState.FAILED for one in recorded for effect in one.effects)
        if moved or back or (retry and refused):
            ledger.retry_failed(connection, retry, self._clock.now())
            ledger.set_portfolio(connection, {ticket: parents[ticket] for ticket in moved})
            ledger.resume(connection, back)
            recorded = recorded_occurrences(connection, group)
        return ledger_views(connection, group, recorded)

    def _waited_for(
        self, contexts: Mapping[RecordRef, Context], decisions: Mapping[RecordRef, Decision], portal: Portal
    ) -> list[tuple[Portfolio, Wait | None]]:
        """Whom each portfolio waits for; one that this cannot be told of keeps what the pass before has said."""
        mine = {record: contexts[record] for record in decisions if record.kind is Kind.PORTFOLIO}
        told, faulty = self._decider.judge(
            mine, portal, lambda context: waiting.judge(context, decisions[context.snapshot.ref].verdicts)
        )
        for record, text in faulty.items():
            log.error("record.wait_unknown", record=str(record), error=text.strip().rsplit("\n", 1)[-1])
        return [(contexts[record].portfolio, found.wait) for record, found in told.items()]

    def _hold(
        self, decisions: Mapping[RecordRef, Decision], ledger_view: Mapping[RecordRef, LedgerView], state: _Pass
    ) -> None:
        """Let the breaker hold what would pass the limit; what begins nothing new goes on."""
        ahead = {record: effects_ahead(decision, ledger_view[record]) for record, decision in decisions.items()}
        held = self._breaker.held(ahead)
        state.held.update(held)
        state.tally.held += sum(held.values())

    def _plan(
        self,
        decisions: Mapping[RecordRef, Decision],
        ledger_view: Mapping[RecordRef, LedgerView],
        waited_for: Sequence[tuple[Portfolio, Wait | None]],
        state: _Pass,
    ) -> None:
        now = self._clock.now()
        with self._store.write() as connection:
            waits.remember(connection, waited_for, now)
            for record, decision in sorted(decisions.items()):
                origin = state.items[record].origin
                ledger.record_decision(
                    connection,
                    record.id if record.kind is Kind.PORTFOLIO else None,
                    decision,
                    ledger_view[record],
                    now,
                    origin,
                    retry_failed=state.mends(record),
                )
        for record, decision in decisions.items():
            for occurrence in decision.occurrences:
                log.info(
                    "handoff.decided",
                    handoff=occurrence.handoff.value,
                    record=str(record),
                    key=occurrence.key,
                    effects=len(occurrence.effects),
                    reason=occurrence.reason,
                )
        self.failpoint("planned")

    @staticmethod
    def _note(performed: Performed, state: _Pass) -> None:
        state.tally.tried += performed.tried
        state.tally.failed += performed.failed
        state.tally.unknown += performed.unknown
        state.tally.not_sent += performed.not_sent
        for record, moment in performed.again_at.items():
            state.recheck_at(record, moment)

    def _settle(self, state: _Pass) -> None:
        self.failpoint("passed")
        with self._store.write() as connection:
            left = state.faulty.keys() | state.held.keys() | state.refused
            through = {item: state.again.get(record) for record, item in state.items.items() if record not in left}
            work_queue.ack(connection, through)
            held = [item for record, item in state.items.items() if record in state.held]
            work_queue.hold(connection, held, state.held)
        for record, text in state.faulty.items():
            state.tally.errors += 1
            self._nack(state.items[record], text)
        self.failpoint("looked at")


def _concerns_all(error: Exception) -> bool:
    """Whether an error stands in the way of every record."""
    everywhere = AuthenticationError | CRMUnavailableError | MappingMisfitError | StoreError
    return isinstance(error, everywhere) and not isinstance(error, PartialAnswerError)


def _is_left(recorded: RecordedOccurrence, portfolios: Collection[str], parents: Mapping[str, str]) -> bool:
    """Whether this is work still to be done on a ticket that has left its portfolio, which is one of these."""
    ticket = recorded.record.kind is Kind.TICKET
    return (
        ticket
        and recorded.state is OccurrenceState.OPEN
        and recorded.portfolio in portfolios
        and recorded.record.id not in parents
    )


def _ends_a_cycle_untouched(decision: Decision) -> bool:
    """Whether the end of a cycle was only recorded, with no write to follow: what waited for it can be decided now."""
    endings = {Handoff.DECLINED, Handoff.CLOSE}
    return any(one.handoff in endings and not one.effects for one in decision.occurrences)


def _wait_for_portfolio(snapshot: Snapshot, now: datetime) -> datetime | None:
    """A ticket can be announced before its association: look again, ever more seldom, for a day.

    After that an event, a poll or a sweep of its portfolio will find it.
    """
    ticket = snapshot.tickets[0]
    age = now - ticket.created_at
    if snapshot.portfolio is not None or ticket.came_in is None or age > timedelta(days=1):
        return None
    return now + max(timedelta(seconds=30), age)
