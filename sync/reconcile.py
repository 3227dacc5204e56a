"""One pass over a group: read, decide, plan, do, settle. The only place that turns dirty rows into work."""

import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection
from sqlalchemy.dialects.sqlite import insert

from mappings.schema import ProcessMapping
from sync import dirty, ledger
from sync.case import Case, Moment
from sync.clock import Clock, to_ms
from sync.crm import Kind, RecordRef
from sync.decide import decide
from sync.dirty import Look
from sync.effects import Effects, Performed
from sync.errors import AuthenticationError, CRMUnavailableError, MappingMisfitError, StoreError
from sync.model import Decision, Facts, Snapshot
from sync.portal import Portal, PortalCache
from sync.snapshot import Group, Reader
from sync.store import Store, memberships, seen

GROUP = 50
"""Records of one pass: what one batch read with history takes (hubspot.md, reading and writing)."""

ROUNDS = 6
"""How often a pass may decide anew because of its own writes; what is then still moving is looked at again soon."""

SOON = timedelta(seconds=15)

MENDED_BY_TIME = frozenset({"sweep", "replay", "release"})
"""Origins of a look that also try again what the CRM has refused: a person may have mended the cause."""

log = structlog.get_logger()


@dataclass
class Tally:
    """What passes did, for logs and for commands."""

    looked: int = 0
    tried: int = 0
    failed: int = 0
    unknown: int = 0
    held: int = 0  # effects that the breaker holds
    errors: int = 0  # records whose pass failed

    def __iadd__(self, other: "Tally") -> "Tally":
        for name in vars(other):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self


@dataclass
class _Pass:
    """The state of one pass over its units (portfolios, and tickets that have none)."""

    looks: Mapping[RecordRef, Look]
    tally: Tally = field(default_factory=Tally)
    again: dict[RecordRef, datetime] = field(default_factory=dict)
    faulty: dict[RecordRef, str] = field(default_factory=dict)
    held: dict[RecordRef, int] = field(default_factory=dict)
    begun: bool = False  # an effect of this group has been tried

    def look_again(self, record: RecordRef, moment: datetime) -> None:
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
        effects: Effects,
        clock: Clock,
        moment: Callable[[], Moment],
        alert: Callable[[str, str], None],
    ) -> None:
        self._store = store
        self._mapping = mapping
        self._portals = portals
        self._reader = reader
        self._effects = effects
        self._clock = clock
        self._moment = moment
        self._alert = alert

    def run(self, looks: Sequence[Look]) -> Tally:
        """Carry these dirty rows through. A record that fails alone backs off alone.

        Raises what concerns every record: `AuthenticationError`, `CRMUnavailableError`, `MappingMisfitError`,
        `StoreError`. The rows are then still dirty.
        """
        portal = self._portals.get()
        if not portal.has_task_property:
            name = self._mapping.task.key_property
            raise MappingMisfitError(
                f"the task property “{name}” is missing in the portal: run `handoffs setup --apply`"
            )
        units = self._find_homes(looks)
        try:
            return self._pass(units, portal)
        except (AuthenticationError, CRMUnavailableError, MappingMisfitError, StoreError):
            raise
        except Exception as error:  # noqa: BLE001 - the boundary: one record must not stop the others
            if len(units) > 1:
                tally = Tally()
                for look in units:
                    tally += self.run([look])
                return tally
            return self._failed(units, error)

    def _failed(self, units: Sequence[Look], error: Exception) -> Tally:
        text = "".join(traceback.format_exception(error))
        for look in units:
            self._settle_failed(look, text)
        return Tally(looked=len(units), errors=len(units))

    def _settle_failed(self, look: Look, text: str) -> None:
        with self._store.write() as connection:
            parked = dirty.settle_failed(connection, look, self._clock.now(), text)
        last_line = text.strip().rsplit("\n", 1)[-1]
        log.error("record.failed", record=str(look.record), attempts=look.attempts + 1, parked=parked, error=last_line)
        if parked:
            self._alert("parked", f"{look.record} is parked after {look.attempts + 1} failed passes: {last_line}")

    # -- tickets find their portfolio

    def _find_homes(self, looks: Sequence[Look]) -> list[Look]:
        """Turn tickets into looks at their portfolios; what is left are portfolios and tickets without one."""
        tickets = [look for look in looks if look.record.kind is Kind.TICKET]
        rest = [look for look in looks if look.record.kind is Kind.PORTFOLIO]
        if not tickets:
            return rest
        homes, _ = self._reader.homes(look.record.id for look in tickets)
        now = self._clock.now()
        with self._store.write() as connection:
            for look in tickets:
                home = homes.get(look.record.id)
                before = _membership(connection, look.record.id)
                marked = {RecordRef(Kind.PORTFOLIO, i) for i in (home, before) if i is not None}
                dirty.mark(connection, marked, now, look.origin)
                if look.record.id not in homes:  # deleted, or merged into another
                    connection.execute(memberships.delete().where(memberships.c.ticket == look.record.id))
                elif home is None:
                    rest.append(look)
                    continue
                dirty.settle_done(connection, look)
        return rest

    # -- the pass

    def _pass(self, looks: Sequence[Look], portal: Portal) -> Tally:
        state = _Pass({look.record: look for look in looks}, Tally(looked=len(looks)))
        waiting = self._effects.resolve(state.looks)
        for record, until in waiting.items():
            state.look_again(record, until)
        units = [record for record in state.looks if record not in waiting]
        for _ in range(ROUNDS):
            if not units:
                break
            units = self._round(units, state, portal)
        for record in units:
            state.look_again(record, self._clock.now() + SOON)
        self._settle(state)
        return state.tally

    def _round(self, units: Sequence[RecordRef], state: _Pass, portal: Portal) -> list[RecordRef]:
        """Read, decide, plan and do once; what its own writes or a person's may have changed is to be decided anew."""
        group = self._read(units, portal)
        state.faulty.update(group.faulty)
        facts = self._facts(group, state)
        cases = self._cases(group, facts, portal)
        decisions = self._decide(cases, state, portal)
        inside = {r: d for r, d in decisions.items() if (p := group.snapshots[r].portfolio) is None or p.inside}
        if self._holds(inside, facts, state):
            return []
        self._plan(inside, facts, state)
        performed = self._effects.perform(inside, portal)
        self._note(performed, state)
        for record, decision in inside.items():
            if decision.look_again is not None:
                ahead = decision.look_again - cases[record].moment.now  # a run's own today does not move the look
                state.look_again(record, self._clock.now() + ahead)
            waits = (
                _wait_for_portfolio(group.snapshots[record], self._clock.now()) if record.kind is Kind.TICKET else None
            )
            if waits is not None:
                state.look_again(record, waits)
        return sorted((performed.wrote | performed.stale) & set(inside))

    def _read(self, units: Sequence[RecordRef], portal: Portal) -> Group:
        portfolios = [record.id for record in units if record.kind is Kind.PORTFOLIO]
        lone = [record.id for record in units if record.kind is Kind.TICKET]
        group = self._reader.read(portfolios, lone, portal)
        log.info("group.read", asked=len(units), read=len(group.snapshots), gone=len(group.gone))
        with self._store.write() as connection:
            for survivor in set(group.merged.values()):
                dirty.mark(connection, [survivor], self._clock.now(), "merge")
            _remember(connection, group)
        return group

    def _facts(self, group: Group, state: _Pass) -> dict[RecordRef, Facts]:
        portfolios = [record.id for record in group.snapshots if record.kind is Kind.PORTFOLIO]
        tickets = [ticket.id for snapshot in group.snapshots.values() for ticket in snapshot.tickets]
        with self._store.write() as connection:
            retry = [r for r in group.snapshots if state.looks[r].origin in MENDED_BY_TIME]
            ledger.retry_failed(connection, retry, self._clock.now())
            for record, snapshot in group.snapshots.items():
                if record.kind is Kind.PORTFOLIO and snapshot.tickets:
                    ledger.set_portfolio(connection, {ticket.id: record.id for ticket in snapshot.tickets})
            fired = ledger.load(connection, portfolios, tickets)
            closings = ledger.remembered(connection, portfolios)
        return {
            record: ledger.facts_of(
                fired,
                record.id if record.kind is Kind.PORTFOLIO else None,
                (ticket.id for ticket in snapshot.tickets),
                closings.get(record.id, ()) if record.kind is Kind.PORTFOLIO else (),
            )
            for record, snapshot in group.snapshots.items()
        }

    def _cases(self, group: Group, facts: Mapping[RecordRef, Facts], portal: Portal) -> dict[RecordRef, Case]:
        moment = self._moment()
        return {
            record: Case(snapshot, facts[record], self._mapping, moment, portal.people, portal.in_progress)
            for record, snapshot in group.snapshots.items()
        }

    def _decide(self, cases: dict[RecordRef, Case], state: _Pass, portal: Portal) -> dict[RecordRef, Decision]:
        """Decide for each case, reading what the rules ask for, for all of them together."""
        decisions: dict[RecordRef, Decision] = {}
        open_cases = dict(cases)
        while open_cases:
            incomplete: dict[RecordRef, Decision] = {}
            for record, case in open_cases.items():
                try:
                    decision = decide(case)
                except Exception as error:  # noqa: BLE001 - the boundary: one record must not stop the others
                    state.faulty[record] = "".join(traceback.format_exception(error))
                    continue
                if decision.complete:
                    decisions[record] = decision
                else:
                    incomplete[record] = decision
            fuller = self._reader.complete(
                {record: open_cases[record].snapshot for record in incomplete},
                {record: decision.needed_tasks for record, decision in incomplete.items()},
                {record: decision.needed_notes for record, decision in incomplete.items()},
                portal,
            )
            open_cases = {record: _with(open_cases[record], fuller[record]) for record in incomplete}
            cases.update(open_cases)
        return decisions

    def _holds(self, decisions: Mapping[RecordRef, Decision], facts: Mapping[RecordRef, Facts], state: _Pass) -> bool:
        """The breaker: whether this group would pass the limit of effects an hour. It is then not begun."""
        ahead = {record: ledger.effects_ahead(decision, facts[record]) for record, decision in decisions.items()}
        total = sum(ahead.values())
        if total == 0 or state.begun:
            return False
        since = self._clock.now() - ledger.BREAKER_WINDOW
        with self._store.read() as connection:
            spent = ledger.attempted_since(connection, since)
            released = ledger.released_since(connection, since)
        limit = self._mapping.rules.effects_per_hour + released
        if spent + total <= limit:
            state.begun = True
            return False
        state.held = {record: count for record, count in ahead.items() if count}
        state.tally.held += total
        log.warning("group.held", effects=total, spent=spent, limit=limit)
        self._alert(
            "held",
            f"{total} effects are held: {spent} were done in the last hour, and the limit is {limit} "
            "(rules.effects_per_hour). See `handoffs status`; `handoffs release --reason …` lets them go.",
        )
        return True

    def _plan(self, decisions: Mapping[RecordRef, Decision], facts: Mapping[RecordRef, Facts], state: _Pass) -> None:
        now = self._clock.now()
        with self._store.write() as connection:
            for record, decision in sorted(decisions.items()):
                origin = state.looks[record].origin
                ledger.plan(
                    connection,
                    record.id if record.kind is Kind.PORTFOLIO else None,
                    decision,
                    facts[record],
                    now,
                    origin,
                    retry_failed=origin in MENDED_BY_TIME,
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
        self._effects.checkpoint("planned")

    @staticmethod
    def _note(performed: Performed, state: _Pass) -> None:
        state.tally.tried += performed.tried
        state.tally.failed += performed.failed
        state.tally.unknown += performed.unknown
        for record, moment in performed.again_at.items():
            state.look_again(record, moment)

    def _settle(self, state: _Pass) -> None:
        with self._store.write() as connection:
            for record, look in state.looks.items():
                if record in state.faulty or record in state.held:
                    continue
                dirty.settle_done(connection, look, state.again.get(record))
            held = [look for record, look in state.looks.items() if record in state.held]
            dirty.settle_held(connection, held, state.held)
        for record, text in state.faulty.items():
            state.tally.errors += 1
            self._settle_failed(state.looks[record], text)


def _with(case: Case, snapshot: Snapshot) -> Case:
    return Case(snapshot, case.known, case.mapping, case.moment, case.people, case.in_progress)


def _wait_for_portfolio(snapshot: Snapshot, now: datetime) -> datetime | None:
    """A ticket can be announced before its association: look again, ever more seldom, for a day.

    After that an event, a poll or a sweep of its portfolio will find it.
    """
    ticket = snapshot.tickets[0]
    age = now - ticket.created_at
    if snapshot.portfolio is not None or ticket.came_in is None or age > timedelta(days=1):
        return None
    return now + max(timedelta(seconds=30), age)


def _membership(connection: Connection, ticket: str) -> str | None:
    row = connection.execute(memberships.select().where(memberships.c.ticket == ticket)).one_or_none()
    return None if row is None else str(row.portfolio)


def _remember(connection: Connection, group: Group) -> None:
    """Which ticket is on which portfolio, and when each record was last changed, as far as this group shows."""
    on = {
        ticket.id: record.id
        for record, snapshot in sorted(group.snapshots.items())
        if record.kind is Kind.PORTFOLIO
        for ticket in snapshot.tickets
    }
    if on:
        statement = insert(memberships)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=[memberships.c.ticket], set_={"portfolio": statement.excluded.portfolio}
            ),
            [{"ticket": ticket, "portfolio": portfolio} for ticket, portfolio in sorted(on.items())],
        )
    _remember_changes(connection, group.modified.items())


def _remember_changes(connection: Connection, modified: Iterable[tuple[RecordRef, datetime]]) -> None:
    rows = [{"kind": r.kind.value, "id": r.id, "modified_at": to_ms(at)} for r, at in sorted(modified)]
    if rows:
        statement = insert(seen)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=[seen.c.kind, seen.c.id], set_={"modified_at": statement.excluded.modified_at}
            ),
            rows,
        )
