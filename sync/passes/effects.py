"""Tries what the ledger has planned, in batches, and writes down what came of each.

The order is fixed: writes, then tasks, then closings of tasks, then emails. Every write is preceded by a fresh read of
what it replaces; every try is claimed in the ledger before the call and settled after. What a crash or a lost answer
leaves open is looked for in the CRM by `resolve` before it is tried again.
"""

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from mappings.problems import MappingError
from mappings.schema import ProcessMapping
from mappings.texts import Texts
from mappings.vocabulary import EmailKind, TaskKind
from sync.clock import CLOCKS_APART, Clock, from_ms, local_date, to_ms
from sync.crm import (
    CRM,
    LANDED_AFTER,
    TASK_BODY,
    TASK_COMPLETED,
    TASK_STATUS,
    TASK_SUBJECT,
    TIMESTAMP,
    Applied,
    Create,
    Kind,
    NotSent,
    Outcome,
    RecordRef,
    Rejected,
    Unknown,
    Update,
)
from sync.errors import AuthenticationError, EmailError, EmailUnknownError, HandoffsError
from sync.failpoints import Failpoint, no_failpoint
from sync.passes import recovery
from sync.passes.email import Mailer
from sync.passes.portal import Portal
from sync.rules import keys
from sync.rules.keys import EffectKind
from sync.rules.model import EffectState
from sync.storage import ledger
from sync.storage.database import Store
from sync.storage.ledger import LedgerEffect

TRY_AGAIN = timedelta(minutes=2)
"""When something that was certainly not sent is tried again."""

BLOCKED_AGAIN = timedelta(hours=1)
"""When something that a person has to mend is tried again."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")

log = structlog.get_logger()


@dataclass
class Performed:
    """What a round did: `wrote` must be read again, `stale` was not as decided on, `again_at` says when to look next.

    Nothing may be decided on what is `unsure` before its outcome is known: what was read of it may not be true.
    """

    wrote: set[RecordRef] = field(default_factory=set)
    stale: set[RecordRef] = field(default_factory=set)
    unsure: set[RecordRef] = field(default_factory=set)
    again_at: dict[RecordRef, datetime] = field(default_factory=dict)
    tried: int = 0
    failed: int = 0
    unknown: int = 0
    not_sent: int = 0  # certainly not applied, to be tried again

    def recheck_at(self, record: RecordRef, moment: datetime) -> None:
        self.again_at[record] = min(moment, self.again_at.get(record, moment))


class Effects:
    """Does the work of a lane; one pass at a time."""

    def __init__(
        self,
        crm: CRM,
        store: Store,
        mapping: ProcessMapping,
        mailer: Mailer | None,
        clock: Clock,
        calendar: Clock,
        failpoint: Failpoint = no_failpoint,
    ) -> None:
        self._crm = crm
        self._store = store
        self._mapping = mapping
        self._texts = Texts(mapping)
        self._mailer = mailer
        self._clock = clock
        self._calendar = calendar  # what due dates are counted from: `--today` shifts it
        self.failpoint = failpoint

    # -- what is open from before

    def resolve(self, records: Iterable[RecordRef]) -> dict[RecordRef, datetime]:
        """Find out what came of every try without an answer; the records that have to wait for it, and until when."""
        waiting: dict[RecordRef, datetime] = {}
        ripe = []
        with self._store.read() as connection:
            unresolved = ledger.unresolved(connection, records)
        unresolved = self._interrupted(unresolved)
        now = self._clock.now()
        for effect in unresolved:
            if now < effect.state_at + LANDED_AFTER:
                _wait_for(effect, waiting)
            else:
                ripe.append(effect)
        if not ripe:
            return waiting
        found = {
            **self._find_tasks([e for e in ripe if e.kind is EffectKind.TASK]),
            **self._find_writes([e for e in ripe if e.kind is EffectKind.WRITE]),
            **self._find_closings([e for e in ripe if e.kind is EffectKind.CLOSE]),
        }
        gone = self._gone([e for e in ripe if e.key not in found and e.kind in {EffectKind.TASK, EffectKind.WRITE}])
        found |= self._find_deleted([e for e in ripe if e.key not in {*found, *gone} and e.kind is EffectKind.TASK])
        self.failpoint("looked")
        now = self._clock.now()
        with self._store.write() as connection:
            for effect in ripe:
                if effect.key in gone:  # nothing can be told before its record is back, if ever
                    continue
                crm_id = found.get(effect.key)
                if crm_id is not None:
                    ledger.settle(
                        connection, effect.key, EffectState.DONE, now, crm_id=crm_id, reason="found in the CRM"
                    )
                elif effect.kind is EffectKind.EMAIL:
                    ledger.settle(connection, effect.key, EffectState.PLANNED, now, reason="it may not have been sent")
                else:
                    ledger.release_claim(connection, effect.key, now, "not found in the CRM")
                log.info("effect.resolved", effect=effect.key, found=crm_id is not None)
            ledger.mark_done(connection, {effect.unit for effect in ripe})
        self.failpoint("resolved")
        return waiting

    def _interrupted(self, effects: Sequence[LedgerEffect]) -> list[LedgerEffect]:
        """The same; a try found open is noted as cut off: its process died, at the latest just now.

        When it was claimed says nothing of when it was sent: a full batch may have waited minutes for its turn.
        """
        cut_off = [effect for effect in effects if effect.state is EffectState.ATTEMPTING]
        if not cut_off:
            return list(effects)
        now = self._clock.now()
        with self._store.write() as connection:
            for effect in cut_off:
                reason = "the process ended while it was tried"
                ledger.settle(connection, effect.key, EffectState.UNKNOWN, now, reason=reason)
        known = [effect for effect in effects if effect.state is not EffectState.ATTEMPTING]
        return [*known, *(replace(effect, state=EffectState.UNKNOWN, state_at=now) for effect in cut_off)]

    def _find_tasks(self, effects: Sequence[LedgerEffect]) -> dict[str, str]:
        """The task that carries an effect's key, among the tasks of the record that it was made on."""
        key_property = self._mapping.task.key_property
        found: dict[str, str] = {}
        for kind in (Kind.PORTFOLIO, Kind.TICKET):
            mine = {e.key: place for e in effects if (place := _first_place(e)).kind is kind}
            if not mine:
                continue
            near = self._crm.associated(kind, Kind.TASK, sorted({place.id for place in mine.values()}, key=int))
            ids = sorted({end.to for ends in near.values() for end in ends}, key=int)
            tasks = self._crm.read(Kind.TASK, ids, [key_property]) if ids else {}
            keys = {task.properties.get(key_property, ""): task.id for task in tasks.values()}
            found.update({key: keys[key] for key in mine if key in keys})
        return found

    def _find_deleted(self, effects: Sequence[LedgerEffect]) -> dict[str, str]:
        """The task that carries an effect's key, among those that people have deleted: it was made all the same."""
        if not effects:
            return {}
        key_property = self._mapping.task.key_property
        keys = {e.key for e in effects}
        deleted = {
            task.properties.get(key_property, ""): task.id for task in recovery.deleted_tasks(self._crm, [key_property])
        }
        return {key: task for key, task in deleted.items() if key in keys}

    def _find_writes(self, effects: Sequence[LedgerEffect]) -> dict[str, str]:
        """Whether a write has landed: its values stand, or stood since it was tried."""
        found: dict[str, str] = {}
        for kind in (Kind.PORTFOLIO, Kind.TICKET):
            mine = [e for e in effects if _written(e).kind is kind]
            if not mine:
                continue
            names = sorted({name for e in mine for name in e.payload["values"]})
            ids = sorted({_written(e).id for e in mine}, key=int)
            records = self._crm.read(kind, ids, names, names)
            for effect in mine:
                record = records.get(_written(effect).id)
                if record is None:
                    continue
                since = (effect.tried_at or effect.state_at) - CLOCKS_APART
                if all(
                    _reads_as(record.properties.get(name, ""), value)
                    or any(
                        _reads_as(version.value, value) and version.source_type == "INTEGRATION" and version.at >= since
                        for version in record.history.get(name, ())
                    )
                    for name, value in effect.payload["values"].items()
                ):
                    found[effect.key] = record.id
        return found

    def _gone(self, effects: Sequence[LedgerEffect]) -> set[str]:
        """Those whose record is deleted: what the CRM does not show of it now it may show once it is restored."""
        places = {e.key: _written(e) if e.kind is EffectKind.WRITE else _first_place(e) for e in effects}
        there: set[RecordRef] = set()
        for kind in (Kind.PORTFOLIO, Kind.TICKET):
            ids = sorted({place.id for place in places.values() if place.kind is kind}, key=int)
            there |= {RecordRef(kind, i) for i in (self._crm.read(kind, ids, []) if ids else {})}
        return {key for key, place in places.items() if place not in there}

    def _find_closings(self, effects: Sequence[LedgerEffect]) -> dict[str, str]:
        ids = sorted({str(e.payload["task"]) for e in effects}, key=int)
        tasks = self._crm.read(Kind.TASK, ids, [TASK_STATUS]) if ids else {}
        return {
            e.key: str(e.payload["task"])
            for e in effects
            if (task := tasks.get(str(e.payload["task"]))) is None
            or task.properties.get(TASK_STATUS, "") == TASK_COMPLETED
        }

    # -- what is planned

    def perform(
        self,
        records: Collection[RecordRef],
        present: Collection[RecordRef],
        portal: Portal,
        looked: Iterable[RecordRef] = (),
    ) -> Performed:
        """Try everything planned for these records that may be tried now.

        `present` are all records that were read: work on a ticket that is not among them (deleted, or on another
        portfolio by now) waits until it is known where the ticket is. `looked` are all that the pass looks at: where
        the outcome of a try is still not known, it says when to look for it.
        """
        with self._store.read() as connection:
            undone = ledger.undone(connection, {*records, *looked})
        waiting: dict[RecordRef, datetime] = {}
        planned = []
        for effect in undone:
            if effect.state is not EffectState.PLANNED:
                _wait_for(effect, waiting)
            elif effect.record in present and effect.unit in records:
                planned.append(effect)
        done = Performed(again_at=waiting)
        if not planned:
            return done
        self._writes([e for e in planned if e.kind is EffectKind.WRITE], done)
        rest = self._unheld([e for e in planned if e.kind is not EffectKind.WRITE])
        self._tasks([e for e in rest if e.kind is EffectKind.TASK], done)
        self._closings([e for e in rest if e.kind is EffectKind.CLOSE], done)
        self._emails(self._unheld([e for e in rest if e.kind is EffectKind.EMAIL]), portal, done)
        with self._store.write() as connection:
            ledger.mark_done(connection, {effect.unit for effect in planned})
        self.failpoint("finished")
        return done

    def _unheld(self, effects: Sequence[LedgerEffect]) -> list[LedgerEffect]:
        """Those whose occurrence has no write still to be done, and whose `after` is done."""
        needs: dict[str, list[str]] = {}
        for effect in effects:
            after = effect.payload.get("after")
            needs[effect.key] = [keys.effect_key(effect.occurrence, keys.WRITE), *([after] if after else [])]
        with self._store.read() as connection:
            states = ledger.states_of(connection, {key for needed in needs.values() for key in needed})
        free, pointless = [], []
        for effect in effects:
            own, *after = (states.get(key) for key in needs[effect.key])
            if after and after[0] is EffectState.SUPERSEDED:
                pointless.append(effect)
            elif (after and after[0] is not EffectState.DONE) or own in {
                EffectState.PLANNED,
                EffectState.ATTEMPTING,
                EffectState.UNKNOWN,
            }:
                continue
            else:
                free.append(effect)
        if pointless:
            with self._store.write() as connection:
                for effect in pointless:
                    reason = "what it was to follow is not to be any more"
                    ledger.settle(connection, effect.key, EffectState.SUPERSEDED, self._clock.now(), reason=reason)
        return free

    def _claim(self, effects: Iterable[LedgerEffect]) -> set[str]:
        self.failpoint("claiming")
        with self._store.write() as connection:
            claimed = ledger.claim(connection, [effect.key for effect in effects], self._clock.now())
        self.failpoint("claimed")
        return claimed

    # -- writes

    def _writes(self, effects: Sequence[LedgerEffect], done: Performed) -> None:
        for kind in (Kind.PORTFOLIO, Kind.TICKET):
            mine = [effect for effect in effects if _written(effect).kind is kind]
            if mine:
                self._writes_of(kind, mine, done)

    def _writes_of(self, kind: Kind, effects: Sequence[LedgerEffect], done: Performed) -> None:
        claimed = self._claim(effects)
        mine = [effect for effect in effects if effect.key in claimed]
        ready = self._still_as_decided_on(kind, mine)
        kept = {effect.key for effect in ready}
        done.stale |= {effect.unit for effect in mine if effect.key not in kept}
        if not ready:
            return
        merged: dict[str, dict[str, str]] = {}  # all changes of one record go in one write
        for effect in ready:  # where two speak of one property, the later wins
            merged.setdefault(_written(effect).id, {}).update(effect.payload["values"])
        order = sorted(merged, key=int)
        updates = [Update(i, merged[i]) for i in order]
        outcomes = dict(zip(order, self._sent(ready, lambda: self._crm.update(kind, updates)), strict=True))
        done.wrote |= {effect.unit for effect in ready if isinstance(outcomes[_written(effect).id], Applied)}
        self._settle([(effect, outcomes[_written(effect).id]) for effect in ready], done)

    def _still_as_decided_on(self, kind: Kind, effects: Sequence[LedgerEffect]) -> list[LedgerEffect]:
        """Those whose record still shows what they replace; nothing stands between this read and the write."""
        names = sorted({name for e in effects for name in (*e.payload["expects"], *e.payload["values"])})
        ids = sorted({_written(e).id for e in effects}, key=int)
        try:
            records = self._crm.read(kind, ids, names) if ids else {}
        except HandoffsError as error:
            self._release(effects, str(error))
            raise
        ready, stale = [], []
        for effect in effects:
            record = records.get(_written(effect).id)
            there = record is not None and record.id == _written(effect).id
            if record is not None and there and all(record.properties.get(n, "") == v for n, v in _expected(effect)):
                ready.append(effect)
            else:
                stale.append(effect)
                log.info("effect.stale", effect=effect.key, there=there)
        self._release(stale, "the record had changed since it was decided")
        self.failpoint("reread")
        return ready

    # -- tasks

    def _tasks(self, effects: Sequence[LedgerEffect], done: Performed) -> None:
        ready: list[tuple[LedgerEffect, Create]] = []
        today = local_date(self._calendar.now(), self._mapping.zone)
        for effect in self._not_made_before(effects, done):
            kind = TaskKind(effect.payload["task_kind"])
            try:
                subject, body = self._texts.task(kind, effect.payload["context"])
            except MappingError as error:
                self._put_aside(effect, EffectState.BLOCKED, str(error), done)
                continue
            entry = self._mapping.tasks[kind]
            properties = {
                TASK_SUBJECT: subject,
                TASK_BODY: body,
                TASK_STATUS: "NOT_STARTED",
                "hs_task_priority": entry.priority,
                "hs_task_type": entry.type,
                TIMESTAMP: str(to_ms(self._mapping.due(kind, today))),
                "hubspot_owner_id": str(effect.payload["owner"]),
                self._mapping.task.key_property: effect.key,
            }
            ready.append((effect, Create(trace_of(effect.key), properties, _places(effect))))
        claimed = self._claim(effect for effect, _ in ready)
        ready = [(effect, create) for effect, create in ready if effect.key in claimed]
        if ready:
            creates = [create for _, create in ready]
            outcomes = self._sent([effect for effect, _ in ready], lambda: self._crm.create(Kind.TASK, creates))
            self._settle([(effect, outcome) for (effect, _), outcome in zip(ready, outcomes, strict=True)], done)

    def _not_made_before(self, effects: Sequence[LedgerEffect], done: Performed) -> Sequence[LedgerEffect]:
        """While the ledger is young, those whose task is not in the CRM already; what is, is taken back.

        The CRM's search, by which a lost ledger is made up for, may not have shown the newest tasks yet. And none is
        made while one may still land that was on its way when the ledger was lost.
        """
        if not effects or recovery.is_final(self._store):
            return effects
        until = recovery.may_land_until(self._store)
        if until is not None and self._clock.now() < until:
            for effect in effects:
                done.recheck_at(effect.unit, until)
            return []
        found = self._find_tasks(effects)
        self.failpoint("looked first")
        if found:
            with self._store.write() as connection:
                for key, task in found.items():
                    ledger.mark_recovered(connection, key, task, self._clock.now())
        return [effect for effect in effects if effect.key not in found]

    def _closings(self, effects: Sequence[LedgerEffect], done: Performed) -> None:
        if not effects:
            return
        lines = self._closing_lines(effects, done)
        claimed = self._claim(effect for effect in effects if effect.key in lines)
        mine = [effect for effect in effects if effect.key in claimed]
        ids = sorted({str(e.payload["task"]) for e in mine}, key=int)
        try:
            tasks = self._crm.read(Kind.TASK, ids, [TASK_STATUS, TASK_BODY]) if ids else {}
        except HandoffsError as error:
            self._release(mine, str(error))
            raise
        updates: list[tuple[LedgerEffect, Update]] = []
        already: list[tuple[LedgerEffect, Outcome]] = []
        for effect in mine:
            task = tasks.get(str(effect.payload["task"]))
            if task is None or task.properties.get(TASK_STATUS, "") == TASK_COMPLETED:
                already.append((effect, Applied(str(effect.payload["task"]))))
                continue
            body = task.properties.get(TASK_BODY, "") + lines[effect.key]
            updates.append((effect, Update(task.id, {TASK_STATUS: TASK_COMPLETED, TASK_BODY: body})))
        tried = [effect for effect, _ in updates]
        wanted = [update for _, update in updates]
        outcomes = self._sent(tried, lambda: self._crm.update(Kind.TASK, wanted)) if updates else []
        settled = [*already, *zip(tried, outcomes, strict=True)]
        self._settle(settled, done)
        # What waited for the end of a cycle waited for this, where it was the last of it.
        done.wrote |= {effect.unit for effect, outcome in settled if isinstance(outcome, Applied)}

    def _closing_lines(self, effects: Sequence[LedgerEffect], done: Performed) -> dict[str, str]:
        today = local_date(self._calendar.now(), self._mapping.zone).isoformat()
        lines = {}
        for effect in effects:
            try:
                lines[effect.key] = self._texts.closing_line({"reason": effect.payload["reason"], "today": today})
            except MappingError as error:
                self._put_aside(effect, EffectState.FAILED, str(error), done)
        return lines

    def _sent(self, effects: Sequence[LedgerEffect], call: Callable[[], list[Outcome]]) -> list[Outcome]:
        """Make the call for which these were claimed. A refused token means that certainly nothing was applied."""
        try:
            outcomes = call()
        except AuthenticationError as error:
            self._release(effects, str(error))
            raise
        self.failpoint("sent")
        return outcomes

    def _release(self, effects: Sequence[LedgerEffect], reason: str) -> None:
        """Give up the claim on what was certainly not sent."""
        if not effects:
            return
        with self._store.write() as connection:
            for effect in effects:
                ledger.release_claim(connection, effect.key, self._clock.now(), reason)

    def _put_aside(self, effect: LedgerEffect, state: EffectState, reason: str, done: Performed) -> None:
        """It cannot even be tried: say why, and look again in a while."""
        log.warning("effect.put_aside", effect=effect.key, state=state.value, reason=reason)
        with self._store.write() as connection:
            ledger.settle(connection, effect.key, state, self._clock.now(), reason=reason)
        done.recheck_at(effect.unit, self._clock.now() + BLOCKED_AGAIN)

    def _settle(self, outcomes: Sequence[tuple[LedgerEffect, Outcome]], done: Performed) -> None:
        now = self._clock.now()
        with self._store.write() as connection:
            for effect, outcome in outcomes:
                done.tried += 1
                match outcome:
                    case Applied(crm_id):
                        ledger.settle(connection, effect.key, EffectState.DONE, now, crm_id=crm_id)
                    case Rejected(message, missing=True) if effect.kind is EffectKind.WRITE:
                        # Deleted since it was read: the next look finds that out, and what becomes of all that is open.
                        ledger.release_claim(connection, effect.key, now, message)
                        done.recheck_at(effect.unit, now + TRY_AGAIN)
                        done.not_sent += 1
                    case Rejected(message, missing=True) if effect.kind is EffectKind.CLOSE:
                        ledger.settle(connection, effect.key, EffectState.SUPERSEDED, now, reason=message)
                        done.tried -= 1
                    case Rejected(message):
                        ledger.settle(connection, effect.key, EffectState.FAILED, now, reason=message)
                        done.failed += 1
                    case NotSent(message):
                        ledger.release_claim(connection, effect.key, now, message)
                        done.recheck_at(effect.unit, now + TRY_AGAIN)
                        done.not_sent += 1
                    case Unknown(message):
                        ledger.settle(connection, effect.key, EffectState.UNKNOWN, now, reason=message)
                        done.recheck_at(effect.unit, now + LANDED_AFTER)
                        done.unsure.add(effect.unit)
                        done.unknown += 1
                log.info(
                    "effect.settled",
                    effect=effect.key,
                    record=str(effect.record),
                    outcome=type(outcome).__name__.lower(),
                    reason=getattr(outcome, "message", None),
                )
        self.failpoint("settled")

    # -- emails

    def _emails(self, effects: Sequence[LedgerEffect], portal: Portal, done: Performed) -> None:
        for effect in effects:
            self.failpoint("mailing")
            owner = portal.owners.get(str(effect.payload["owner"]))
            if self._mailer is None:
                self._put_aside(effect, EffectState.BLOCKED, "EMAIL_URL is not set", done)
                continue
            if owner is None or not owner.email:
                reason = f"owner {effect.payload['owner']} has no address"
                self._put_aside(effect, EffectState.BLOCKED, reason, done)
                continue
            try:
                subject, body = self._texts.email(EmailKind(effect.payload["email_kind"]), effect.payload["context"])
            except MappingError as error:
                self._put_aside(effect, EffectState.BLOCKED, str(error), done)
                continue
            if effect.key not in self._claim([effect]):
                continue
            outcome, server_down = self._send(self._mailer, effect.key, owner.email, subject, body)
            self.failpoint("sent")
            self._settle([(effect, outcome)], done)
            if server_down:
                for other in effects:
                    done.recheck_at(other.unit, self._clock.now() + TRY_AGAIN)
                return  # the others would only wait for the same

    @staticmethod
    def _send(mailer: Mailer, key: str, to: str, subject: str, body: str) -> tuple[Outcome, bool]:
        """What came of it, and whether no other email can be sent now either."""
        try:
            mailer.send(key, to, subject, body)
        except EmailUnknownError as error:
            return Unknown(str(error)), False
        except EmailError as error:
            return Rejected(str(error)) if error.permanent else NotSent(str(error)), error.server_down
        return Applied(to), False


def trace_of(key: str) -> str:
    """A short name for one input of a batch create; keys may be long."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def _wait_for(effect: LedgerEffect, until: dict[RecordRef, datetime]) -> None:
    """Note when an outcome that is not known can be looked for: with the last of its record's."""
    lands = effect.state_at + LANDED_AFTER
    unit = effect.unit
    until[unit] = max(lands, until.get(unit, lands))


def _written(effect: LedgerEffect) -> RecordRef:
    kind, record = effect.payload["record"]
    return RecordRef(Kind(kind), record)


def _expected(effect: LedgerEffect) -> Iterable[tuple[str, str]]:
    """The values that a write replaces, and those that it depends on."""
    expects: dict[str, str] = effect.payload["expects"]
    return expects.items()


def _reads_as(read: str, written: str) -> bool:
    """Whether this is what was written: a date may come back as milliseconds at midnight UTC (docs/hubspot.md 4.2)."""
    if read == written or not (read.isdecimal() and _DATE.fullmatch(written)):
        return read == written
    return from_ms(int(read)).date().isoformat() == written


def _first_place(effect: LedgerEffect) -> RecordRef:
    kind, record = effect.payload["on"][0]
    return RecordRef(Kind(kind), record)


def _places(effect: LedgerEffect) -> tuple[RecordRef, ...]:
    """The records that a task is made on. A ticket's portfolio is the one that it is on now, not when it was decided."""
    tickets = [RecordRef(Kind.TICKET, i) for kind, i in effect.payload["on"] if kind == Kind.TICKET]
    parent = () if effect.portfolio is None else (RecordRef(Kind.PORTFOLIO, effect.portfolio),)
    return (*tickets, *parent)
