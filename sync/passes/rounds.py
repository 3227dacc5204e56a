"""One round of a pass: read, decide, write down, do. What its own writes have changed is to be decided anew."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from mappings.schema import ProcessMapping
from mappings.vocabulary import Handoff
from sync.clock import Clock, local_date
from sync.crm import Faulty, Kind, RecordRef
from sync.errors import last_line
from sync.failpoints import Failpoint
from sync.log import name_clients
from sync.passes.bookkeeping import Bookkeeper
from sync.passes.breaker import Breaker
from sync.passes.decider import Decider
from sync.passes.effects import Performer
from sync.passes.effects.attempts import Performed
from sync.passes.elsewhere import ElsewhereError
from sync.passes.found import found as what_was_found
from sync.passes.plans import PlanWriter
from sync.passes.portal import Portal
from sync.passes.snapshot import Group
from sync.passes.state import PassState
from sync.passes.turns import turns_passed_on
from sync.rules import waiting
from sync.rules.context import Context
from sync.rules.model import Decision, LedgerView, Portfolio, Snapshot, Wait
from sync.rules.transition import effects_ahead
from sync.rules.waiting import judged_closely_on
from sync.storage import waits
from sync.storage.database import Store

log = structlog.get_logger()


class Rounds:
    """Plays the rounds of a pass. It asks for the pass's lane, which `Reconciler.run` holds."""

    def __init__(
        self,
        *,
        store: Store,
        mapping: ProcessMapping,
        decider: Decider,
        bookkeeper: Bookkeeper,
        performer: Performer,
        breaker: Breaker,
        clock: Clock,
        failpoint: Failpoint,
    ) -> None:
        self._store = store
        self._mapping = mapping
        self._decider = decider
        self._bookkeeper = bookkeeper
        self._plans = PlanWriter(store, mapping, clock, failpoint)
        self._performer = performer
        self._breaker = breaker
        self._clock = clock
        self._failpoint = failpoint

    def play(self, units: Sequence[RecordRef], state: PassState, portal: Portal) -> list[RecordRef]:
        """Read, decide, plan and do once; what its own writes or a person's may have changed is to be decided anew."""
        state.rounds += 1
        portal, group, views = self._read_and_note(units, state, portal)
        units = [record for record in units if record not in state.elsewhere]
        contexts = self._decider.contexts(group, views, portal)
        decisions, faulty = self._decider.decide(contexts, portal)
        outdated = self._outdated(decisions, group, portal)
        decisions = {record: decision for record, decision in decisions.items() if record not in outdated}
        incomplete = _incomplete(group, contexts)
        state.looked_at.update(units)
        state.incomplete = {r: one for r, one in state.incomplete.items() if r not in units} | incomplete
        state.faulty.update({r: text for r, text in {**group.faulty, **faulty}.items() if r not in incomplete})
        waited_for = self._waited_for(contexts, decisions, portal)
        found = what_was_found(contexts, decisions, waited_for, group, portal)
        state.rest_on(units, found.looks if self._is_today(contexts) else {})
        decisions = state.permitted({r: d for r, d in decisions.items() if _is_inside(group.snapshots[r])}, contexts)
        decisions = self._not_held(decisions, views, state)
        self._plans.write(decisions, contexts, found, state)
        undecided = {record: decision.undecided for record, decision in decisions.items()}
        performed = self._performer.perform(decisions, group.present, portal, state.items, undecided)
        state.tally.count(performed)
        for record, moment in performed.again_at.items():
            state.recheck_at(record, moment)
        self._plan_rechecks(decisions, contexts, state)
        anew = sorted({*_to_decide_anew(decisions, performed), *outdated})
        if performed.tried:
            self._pass_turns_on(group, contexts, decisions.keys() - set(anew) - performed.unsure, state)
        return anew

    def _outdated(self, decisions: Mapping[RecordRef, Decision], group: Group, portal: Portal) -> set[RecordRef]:
        """Find what is to be decided anew, as it rests on tickets that have changed since they were known."""
        outdated, changed = self._decider.outdated(decisions, group, portal)
        if changed:
            self._bookkeeper.forget_tickets(changed)
        return outdated

    def _pass_turns_on(
        self, group: Group, contexts: Mapping[RecordRef, Context], among: Collection[RecordRef], state: PassState
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
        self, units: Sequence[RecordRef], state: PassState, portal: Portal
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
        self, decisions: Mapping[RecordRef, Decision], views: Mapping[RecordRef, LedgerView], state: PassState
    ) -> dict[RecordRef, Decision]:
        """Let the breaker hold what would pass the limit; what begins nothing new goes on."""
        ahead = {record: effects_ahead(decision, views[record]) for record, decision in decisions.items()}
        weighed = self._breaker.weigh(ahead, state.lane)
        state.held.update(weighed.held)
        state.tally.held += sum(weighed.held.values())
        state.elsewhere |= weighed.waiting
        return {r: decision for r, decision in decisions.items() if r not in state.held and r not in weighed.waiting}

    def _plan_rechecks(
        self, decisions: Mapping[RecordRef, Decision], contexts: Mapping[RecordRef, Context], state: PassState
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


def _ids(records: Sequence[RecordRef], kind: Kind) -> list[str]:
    return [record.id for record in records if record.kind is kind]


def _incomplete(group: Group, contexts: Mapping[RecordRef, Context]) -> dict[RecordRef, tuple[Faulty, ...]]:
    """By the record that waits for it, all that came incomplete: itself, its tickets, and tasks and Notes that rules read."""
    found = {record: list(each) for record, each in group.incomplete.items()}
    for record, context in contexts.items():
        if context.snapshot.faulty:
            found.setdefault(record, []).extend(context.snapshot.faulty.values())
    return {record: tuple({one.record: one for one in each}.values()) for record, each in found.items()}


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
