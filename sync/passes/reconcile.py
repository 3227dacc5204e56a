"""One pass over a group: read, decide, plan, do, settle. The only place that turns work items into work."""

import os
import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count

import structlog
from structlog.contextvars import bound_contextvars

from mappings.digest import digest_of
from mappings.schema import ProcessMapping
from mappings.vocabulary import Handoff
from sync.clock import Clock, local_date
from sync.crm import Faulty, Kind, Owner, RecordRef
from sync.errors import (
    AuthenticationError,
    CRMUnavailableError,
    FaultyRecordError,
    MappingMisfitError,
    PartialAnswerError,
    StoreError,
    TaskPropertyMissingError,
    last_line,
)
from sync.failpoints import Failpoint
from sync.log import name_clients
from sync.passes.bookkeeping import SOON, Bookkeeper
from sync.passes.breaker import Breaker
from sync.passes.decider import Decider
from sync.passes.dump import bounded
from sync.passes.effects import Follower, Performer, Resolver
from sync.passes.effects.attempts import Performed
from sync.passes.elsewhere import ElsewhereError
from sync.passes.found import Found
from sync.passes.found import found as what_was_found
from sync.passes.found import remember as remember_found
from sync.passes.held_lane import AGAIN, HeldLane
from sync.passes.portal import Portal, PortalCache
from sync.passes.snapshot import Group, SnapshotReader
from sync.passes.tally import Tally
from sync.passes.turns import turns_passed_on
from sync.rules import waiting
from sync.rules.context import Context
from sync.rules.model import Decision, LedgerView, Portfolio, Snapshot, Wait
from sync.rules.transition import effects_ahead
from sync.rules.waiting import judged_closely_on
from sync.storage import faulty_records, ledger, looks, people, waits, work_queue
from sync.storage.database import Store
from sync.storage.looks import Look
from sync.storage.work_queue import MENDED_BY_TIME, WorkItem

GROUP = 50
"""Records of one pass, at least where so many are due: what one batch read with history takes (docs/hubspot.md 4.3)."""

LOOKED_AT_LEAST = timedelta(hours=1)
"""How often what came incomplete from the CRM is looked at again at least."""

ROUNDS = 6
"""How often a pass may decide anew because of its own writes; what is then still moving gets another pass soon."""

log = structlog.get_logger()

_numbers = count(1)

Gate = Callable[[Context, Decision], bool]
"""Whether a pass may do what it has decided for a record; what it may not is left undone, and in the work queue."""


@dataclass
class _Pass:
    """The state of one pass over its units (portfolios, and tickets that have none)."""

    items: Mapping[RecordRef, WorkItem]
    tally: Tally
    lane: HeldLane
    again: dict[RecordRef, datetime] = field(default_factory=dict)
    faulty: dict[RecordRef, str] = field(default_factory=dict)
    looked_at: set[RecordRef] = field(default_factory=set)
    incomplete: dict[RecordRef, tuple[Faulty, ...]] = field(default_factory=dict)  # as the last round saw it
    held: dict[RecordRef, int] = field(default_factory=dict)
    gate: Gate | None = None  # None: whatever is decided may be done
    refused: set[RecordRef] = field(default_factory=set)
    elsewhere: set[RecordRef] = field(default_factory=set)  # another lane's pass is at work on what these need
    looks: dict[RecordRef, Look] = field(default_factory=dict)  # what the last round's look at each rests on
    rounds: int = 0

    def mends(self, record: RecordRef) -> bool:
        """Whether what the CRM has refused is tried again: once a pass, or it would be asked in every round."""
        return self.rounds == 1 and self.items[record].origin in MENDED_BY_TIME

    def rest_on(self, units: Sequence[RecordRef], found: Mapping[RecordRef, Look]) -> None:
        """Keep what a round found of these, in the place of what the round before did."""
        self.looks = {record: look for record, look in self.looks.items() if record not in units} | dict(found)

    def recheck_at(self, record: RecordRef, moment: datetime) -> None:
        self.again[record] = min(moment, self.again.get(record, moment))

    def permitted(
        self, decisions: Mapping[RecordRef, Decision], contexts: Mapping[RecordRef, Context]
    ) -> dict[RecordRef, Decision]:
        """Those that the gate lets pass."""
        if self.gate is not None:
            self.refused |= {record for record in decisions if not self.gate(contexts[record], decisions[record])}
        return {record: decision for record, decision in decisions.items() if record not in self.refused}


class Reconciler:
    """Carries the records of work items through passes."""

    def __init__(
        self,
        *,
        store: Store,
        mapping: ProcessMapping,
        portals: PortalCache,
        reader: SnapshotReader,
        decider: Decider,
        bookkeeper: Bookkeeper,
        resolver: Resolver,
        performer: Performer,
        follower: Follower,
        breaker: Breaker,
        clock: Clock,
        failpoint: Failpoint,
    ) -> None:
        self._store = store
        self._mapping = mapping
        self._digest = digest_of(mapping)
        self._people_kept: Mapping[str, Owner] | None = None  # those of the portal that were last written down
        self._portals = portals
        self._reader = reader
        self._decider = decider
        self._bookkeeper = bookkeeper
        self._resolver = resolver
        self._performer = performer
        self._follower = follower
        self._breaker = breaker
        self._clock = clock
        self._failpoint = failpoint

    def run(self, lane: HeldLane, items: Sequence[WorkItem], gate: Gate | None = None) -> Tally:
        """Carry these work items through passes, as far as the gate permits. A record that fails alone backs off alone.

        Raises what concerns every record, and the items then stay in the queue: `AuthenticationError`,
        `CRMUnavailableError`, `MappingMisfitError`, `StoreError`.
        """
        lane.require()
        try:
            with bound_contextvars(**_named(lane)):
                tally = self._run(items, gate, lane)
        finally:
            lane.only_own()
        self._follower.follow()
        return tally

    def follow(self, lane: HeldLane) -> None:
        """Find out what became of emails that were handed over, as far as it is time to. Raises `StoreError`."""
        lane.require()
        self._follower.follow()

    def finish(self, lane: HeldLane) -> None:
        """The same at the end of a command, once a slow mail server has been given some time. Raises `StoreError`."""
        lane.require()
        self._follower.finish()

    def _run(self, items: Sequence[WorkItem], gate: Gate | None, lane: HeldLane) -> Tally:
        portal = self._portals.get()
        if not portal.task_keys.ready:
            name = self._mapping.task.key_property
            raise TaskPropertyMissingError(
                f"the task property “{name}” is missing in the portal: run `handoffs setup --apply`, or write "
                "`key_carrier: body` under `task` in the mapping (MAPPING)"
            )
        tally = Tally()
        units = items
        try:
            units = self._find_units(items, tally)
            self._failpoint("homes")
            self._pass(units, portal, _Pass({item.record: item for item in units}, tally, lane, gate=gate))
        except Exception as error:  # the boundary: one record must not stop the others
            if _concerns_all(error):
                raise
            if isinstance(error, FaultyRecordError):
                self._portals.doubt()
            if len(units) == 1:
                self._failed(units[0], error, tally)
            else:  # what was done is settled; each of them gets a pass alone
                for item in units:
                    tally += self._run([item], gate, lane)
        return tally

    def _find_units(self, items: Sequence[WorkItem], tally: Tally) -> list[WorkItem]:
        """What is to be passed over for these; a ticket of which nobody can tell where it is backs off alone."""
        homes = self._bookkeeper.find_units(items)
        if homes.faulty:
            self._portals.doubt()
        for item, faulty in homes.faulty.items():
            self._failed(item, FaultyRecordError(str(faulty)), tally)
        return homes.units

    def _failed(self, item: WorkItem, error: Exception, tally: Tally) -> None:
        self._nack(item, "".join(traceback.format_exception(error)))
        tally.looked += 1
        tally.errors += 1

    def _nack(self, item: WorkItem, text: str) -> None:
        with self._store.write() as connection:
            parked = work_queue.nack(connection, item, self._clock.now(), bounded(text))
            looks.forget(connection, [item.record])
        error = last_line(text)
        log.error("record.failed", record=str(item.record), attempts=item.attempts + 1, parked=parked, error=error)

    # -- the pass

    def _pass(self, items: Sequence[WorkItem], portal: Portal, state: _Pass) -> None:
        waiting = self._resolver.resolve(state.items, portal.task_keys)
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
        state.tally.looked += len(items)

    def _round(self, units: Sequence[RecordRef], state: _Pass, portal: Portal) -> list[RecordRef]:
        """Read, decide, plan and do once; what its own writes or a person's may have changed is to be decided anew."""
        state.rounds += 1
        portal, group, views = self._read_and_note(units, state, portal)
        units = [record for record in units if record not in state.elsewhere]
        contexts = self._decider.contexts(group, views, portal)
        decisions, faulty = self._decider.decide(contexts, portal)
        incomplete = _incomplete(group, contexts)
        state.looked_at.update(units)
        state.incomplete = {r: one for r, one in state.incomplete.items() if r not in units} | incomplete
        state.faulty.update({r: text for r, text in {**group.faulty, **faulty}.items() if r not in incomplete})
        waited_for = self._waited_for(contexts, decisions, portal)
        found = what_was_found(contexts, decisions, waited_for, group, portal)
        state.rest_on(units, found.looks if self._is_today(contexts) else {})
        decisions = state.permitted({r: d for r, d in decisions.items() if _is_inside(group.snapshots[r])}, contexts)
        decisions = self._not_held(decisions, views, state)
        self._plan(decisions, contexts, found, state)
        undecided = {record: decision.undecided for record, decision in decisions.items()}
        performed = self._performer.perform(decisions, group.present, portal, state.items, undecided)
        state.tally.count(performed)
        for record, moment in performed.again_at.items():
            state.recheck_at(record, moment)
        self._plan_rechecks(decisions, contexts, state)
        anew = _to_decide_anew(decisions, performed)
        if performed.tried:
            self._pass_turns_on(group, contexts, decisions.keys() - set(anew) - performed.unsure, state)
        return anew

    def _pass_turns_on(
        self, group: Group, contexts: Mapping[RecordRef, Context], among: Collection[RecordRef], state: _Pass
    ) -> None:
        """Write down whom these wait for now that what was decided is done."""
        found = turns_passed_on(self._store, group, contexts, among)
        if found:
            with self._store.write() as connection:
                waits.remember(connection, found, self._clock.now())
        for portfolio, wait in found:
            look = state.looks.get(portfolio.ref)
            if look is not None and wait is not None:
                day = judged_closely_on(wait, self._mapping)
                state.looks[portfolio.ref] = replace(look, due_on=min(day, look.due_on or day))

    def _is_today(self, contexts: Mapping[RecordRef, Context]) -> bool:
        """Whether it is decided as of today: what a run on a day of its own finds says nothing of the days before that."""
        today = local_date(self._clock.now(), self._mapping.zone)
        return all(context.times.today == today for context in contexts.values())

    def _read(self, units: Sequence[RecordRef], portal: Portal) -> tuple[Portal, Group]:
        """What the CRM shows of these, and the portal by which it was read."""
        portal, group = self._decider.read_group(_ids(units, Kind.PORTFOLIO), _ids(units, Kind.TICKET), portal)
        name_clients(_clients_of(group))
        log.info("group.read", asked=len(units), read=len(group.snapshots), gone=len(group.gone))
        self._failpoint("snapshot")
        return portal, group

    def _read_and_note(
        self, units: Sequence[RecordRef], state: _Pass, portal: Portal
    ) -> tuple[Portal, Group, dict[RecordRef, LedgerView]]:
        """What the CRM shows of these, and what the ledger knows of them once that is written down.

        Where another lane's pass may be in the middle of it that lane is taken too, and all is read once more; what another
        worker has is put off.
        """
        while True:
            portal, group = self._read(units, portal)
            retry = [record for record in group.snapshots if state.mends(record)]
            try:
                views = self._bookkeeper.note_group(group, _ids(units, Kind.PORTFOLIO), retry, state.lane)
            except ElsewhereError as error:
                missing = state.lane.take_too({lane for lanes in error.lanes.values() for lane in lanes})
                left = {record for record, lanes in error.lanes.items() if lanes & missing}
                state.elsewhere |= left
                units = [record for record in units if record not in left]
            else:
                self._failpoint("read")
                return portal, group, views

    def _waited_for(
        self, contexts: Mapping[RecordRef, Context], decisions: Mapping[RecordRef, Decision], portal: Portal
    ) -> list[tuple[Portfolio, Wait | None]]:
        """Whom each portfolio waits for; one of which this cannot be judged keeps what the pass before has said."""
        mine = {record: contexts[record] for record in decisions if record.kind is Kind.PORTFOLIO}
        judged, faulty = self._decider.judge(
            mine, portal, lambda context: waiting.judge(context, decisions[context.snapshot.ref].verdicts)
        )
        for record, text in faulty.items():
            log.error("record.wait_unknown", record=str(record), error=last_line(text))
        return [(contexts[record].portfolio, found.wait) for record, found in judged.items() if found.is_known]

    def _not_held(
        self, decisions: Mapping[RecordRef, Decision], views: Mapping[RecordRef, LedgerView], state: _Pass
    ) -> dict[RecordRef, Decision]:
        """Let the breaker hold what would pass the limit; what begins nothing new goes on."""
        ahead = {record: effects_ahead(decision, views[record]) for record, decision in decisions.items()}
        weighed = self._breaker.weigh(ahead, state.lane)
        state.held.update(weighed.held)
        state.tally.held += sum(weighed.held.values())
        state.elsewhere |= weighed.waiting
        return {r: decision for r, decision in decisions.items() if r not in state.held and r not in weighed.waiting}

    def _plan(
        self,
        decisions: Mapping[RecordRef, Decision],
        contexts: Mapping[RecordRef, Context],
        found: Found,
        state: _Pass,
    ) -> None:
        self._write_down(decisions, contexts, found, state)
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
        self._failpoint("planned")

    def _write_down(
        self,
        decisions: Mapping[RecordRef, Decision],
        contexts: Mapping[RecordRef, Context],
        found: Found,
        state: _Pass,
    ) -> None:
        """Write down what was decided: each record's at once, and of many in several transactions.

        A receiver waits while one lasts, and it has not long to answer.
        """
        now, ordered = self._clock.now(), sorted(decisions.items())
        parts = [ordered[start : start + GROUP] for start in range(0, len(ordered), GROUP)]
        for place, part in enumerate(parts or [[]]):
            with self._store.write() as connection:
                if place == 0:
                    remember_found(connection, found, self._mapping, now)
                    if found.portal.owners is not self._people_kept:
                        people.remember(connection, found.portal.owners.values())
                for record, decision in part:
                    ledger.record_decision(
                        connection,
                        record.id if record.kind is Kind.PORTFOLIO else None,
                        decision,
                        contexts[record].ledger,
                        now,
                        state.items[record].origin,
                        retry_failed=state.mends(record),
                        mapping=self._digest,
                    )
        self._people_kept = found.portal.owners

    def _plan_rechecks(
        self, decisions: Mapping[RecordRef, Decision], contexts: Mapping[RecordRef, Context], state: _Pass
    ) -> None:
        """Note when each of these is to get its next pass by itself."""
        for record, decision in decisions.items():
            context = contexts[record]
            if decision.recheck_at is not None:
                ahead = decision.recheck_at - context.times.now  # a run's own today does not move the pass
                state.recheck_at(record, self._clock.now() + ahead)
            if record.kind is Kind.TICKET:
                moment = _wait_for_portfolio(context.snapshot, self._clock.now())
                if moment is not None:
                    state.recheck_at(record, moment)

    def _settle(self, state: _Pass) -> None:
        self._failpoint("passed")
        now = self._clock.now()
        with self._store.write() as connection:
            since = faulty_records.remember(connection, state.looked_at, state.incomplete, now)
            for record, began in since.items():
                state.recheck_at(record, now + _until_whole(now - began))
            left = state.faulty.keys() | state.held.keys() | state.refused | state.elsewhere
            through = {item: state.again.get(record) for record, item in state.items.items() if record not in left}
            work_queue.ack(connection, through)
            certain = [state.looks[item.record] for item in through if item.record in state.looks]
            looks.remember(connection, certain, now)
            looks.forget(connection, state.items.keys() - {RecordRef(Kind.PORTFOLIO, one.portfolio) for one in certain})
            held = [item for record, item in state.items.items() if record in state.held]
            work_queue.hold(connection, held, state.held)
            work_queue.put_off(connection, state.elsewhere, now + AGAIN)
            self._breaker.end(connection, state.lane)
        for record, text in state.faulty.items():
            state.tally.errors += 1
            self._nack(state.items[record], text)
        for record, faulty in state.incomplete.items():
            late = all(one.is_late for one in faulty)
            state.tally.errors += not late
            say = log.info if late else log.error
            say("record.incomplete", record=str(record), lacks=[str(one) for one in faulty])
        self._failpoint("looked at")


def _named(lane: HeldLane) -> dict[str, object]:
    """What the log says of a pass where others may run at the same time: its lane, and a name of its own."""
    return {} if lane.is_alone else {"lane": lane.number, "pass": f"{os.getpid()}-{next(_numbers)}"}


def _incomplete(group: Group, contexts: Mapping[RecordRef, Context]) -> dict[RecordRef, tuple[Faulty, ...]]:
    """By the record that waits for it, all that came incomplete: itself, its tickets, and tasks and Notes that rules read."""
    found = {record: list(each) for record, each in group.incomplete.items()}
    for record, context in contexts.items():
        if context.snapshot.faulty:
            found.setdefault(record, []).extend(context.snapshot.faulty.values())
    return {record: tuple({one.record: one for one in each}.values()) for record, each in found.items()}


def _until_whole(age: timedelta) -> timedelta:
    """How long to wait for a record that came incomplete: ever longer, as long as it has been so; an hour at most."""
    return min(max(SOON, age), LOOKED_AT_LEAST)


def _concerns_all(error: Exception) -> bool:
    """Whether an error stands in the way of every record."""
    everywhere = AuthenticationError | CRMUnavailableError | MappingMisfitError | StoreError
    return isinstance(error, everywhere) and not isinstance(error, PartialAnswerError)


def _ids(records: Sequence[RecordRef], kind: Kind) -> list[str]:
    return [record.id for record in records if record.kind is kind]


def _clients_of(group: Group) -> dict[str, str]:
    """The client's name of every record of a group, a ticket's being its portfolio's: whoever reads the log knows no ids."""
    names = {}
    for record, snapshot in group.snapshots.items():
        if snapshot.portfolio is not None:
            names[str(record)] = snapshot.portfolio.name
            names |= {str(ticket.ref): snapshot.portfolio.name for ticket in snapshot.tickets}
    return names


def _is_inside(snapshot: Snapshot) -> bool:
    """Whether the process is about this record; a ticket that has no portfolio is let be by the rules."""
    return snapshot.portfolio is None or snapshot.portfolio.inside


def _to_decide_anew(decisions: Mapping[RecordRef, Decision], performed: Performed) -> list[RecordRef]:
    """The records of which something has changed since they were read, and that are certain."""
    ended = {record for record, decision in decisions.items() if _ends_a_cycle_untouched(decision)}
    return sorted(((performed.wrote | performed.stale | ended) - performed.unsure) & set(decisions))


def _ends_a_cycle_untouched(decision: Decision) -> bool:
    """Whether the end of a cycle was only recorded, with no write to follow: what waited for it can be decided now."""
    endings = {Handoff.DECLINED, Handoff.CLOSE}
    return any(one.handoff in endings and not one.effects and not one.superseded for one in decision.occurrences)


def _wait_for_portfolio(snapshot: Snapshot, now: datetime) -> datetime | None:
    """When a ticket without a portfolio gets its next pass: it can be announced before its association.

    Ever more seldom, for a day. After that an event, a poll or a sweep of its portfolio will find it.
    """
    ticket = snapshot.tickets[0]
    age = now - ticket.created_at
    if snapshot.portfolio is not None or ticket.came_in is None or age > timedelta(days=1):
        return None
    return now + max(timedelta(seconds=30), age)
