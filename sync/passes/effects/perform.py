"""The order in which planned effects are tried: writes, then tasks, lines, closings of tasks, and emails."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from mappings.schema import ProcessMapping
from mappings.texts import Texts
from mappings.vocabulary import Handoff
from sync.clock import Clock
from sync.crm import CRM, RecordRef
from sync.failpoints import Failpoint, no_failpoint
from sync.passes.effects.attempts import Attempts, Performed, wait_for_outcome
from sync.passes.effects.closings import Closings
from sync.passes.effects.emails import Emails
from sync.passes.effects.find_tasks import TaskFinder
from sync.passes.effects.known_texts import KnownTexts
from sync.passes.effects.lines import Lines
from sync.passes.effects.tasks import Tasks
from sync.passes.effects.writes import Writes
from sync.passes.effects.young_ledger import YoungLedger
from sync.passes.email import Mailer
from sync.passes.portal import Portal
from sync.rules import keys
from sync.rules.keys import EffectKind
from sync.rules.model import EffectState
from sync.storage import ledger
from sync.storage.database import Store
from sync.storage.ledger import LedgerEffect

_NOT_THROUGH = {EffectState.PLANNED, EffectState.ATTEMPTING, EffectState.UNKNOWN}


class Performer:
    """Tries what the ledger has planned. One pass at a time."""

    def __init__(
        self, store: Store, clock: Clock, attempts: Attempts, young_ledger: YoungLedger, writes: Writes, tasks: Tasks,
        lines: Lines,
        closings: Closings, emails: Emails,
    ) -> None:  # fmt: skip
        self._store = store
        self._clock = clock
        self._attempts = attempts
        self._young_ledger = young_ledger
        self._writes = writes
        self._tasks = tasks
        self._lines = lines
        self._closings = closings
        self._emails = emails

    def perform(
        self,
        records: Collection[RecordRef],
        present: Collection[RecordRef],
        portal: Portal,
        passed: Iterable[RecordRef] = (),
        undecided: Mapping[RecordRef, Collection[Handoff]] = MappingProxyType({}),
    ) -> Performed:
        """Try everything planned for these records that may be tried now.

        `present` are all records that were read: work on a ticket that is not among them (deleted, or on another
        portfolio by now) waits until it is known where the ticket is. `passed` are all records of the pass: where the
        outcome of a try is still not known, the answer says when to look for it. `undecided`: handoffs of which no property
        is written in this pass. Raises the port's errors and
        `StoreError`; what was tried before is settled.
        """
        with self._store.read() as connection:
            undone = ledger.undone(connection, {*records, *passed})
        waiting: dict[RecordRef, datetime] = {}
        free = []
        for effect in undone:
            if effect.state is not EffectState.PLANNED:
                wait_for_outcome(effect, waiting)
            elif effect.kind is EffectKind.WRITE and _handoff(effect) in undecided.get(effect.unit, ()):
                continue
            elif effect.record in present and effect.unit in records:
                free.append(effect)
        done = Performed(again_at=waiting)
        planned = self._in_time(free, done)
        if planned:
            self._in_order(planned, portal, done)
        return done

    def _in_time(self, effects: Sequence[LedgerEffect], done: Performed) -> list[LedgerEffect]:
        """Those that may be tried by now; what had no answer a few times is tried ever more seldom."""
        now = self._clock.now()
        for effect in effects:
            if effect.not_before is not None and now < effect.not_before:
                done.recheck_at(effect.unit, effect.not_before)
        return [effect for effect in effects if effect.not_before is None or effect.not_before <= now]

    def _in_order(self, planned: Sequence[LedgerEffect], portal: Portal, done: Performed) -> None:
        self._writes.perform([e for e in planned if e.kind is EffectKind.WRITE], done)
        rest = self._free([e for e in planned if e.kind is not EffectKind.WRITE])
        self._tasks.perform([e for e in rest if e.kind is EffectKind.TASK], portal, done)
        self._lines.perform([e for e in rest if e.kind is EffectKind.LINE], done)
        self._closings.perform(
            self._free([e for e in planned if e.kind is EffectKind.CLOSE]), portal, done
        )  # of a task just made
        free = self._free([e for e in rest if e.kind is EffectKind.EMAIL])
        emails = self._young_ledger.emails_to_send(free, portal.task_keys, done)
        self._emails.perform(emails, portal, done)
        with self._store.write() as connection:
            ledger.mark_done(connection, {effect.unit for effect in planned})
        self._attempts.failpoint("finished")

    def _free(self, effects: Sequence[LedgerEffect]) -> list[LedgerEffect]:
        """Those whose occurrence has no write still to be done, and whose `after` is done."""
        if not effects:
            return []
        needed = {key for e in effects for key in (_write_before(e), _effect_before(e)) if key is not None}
        with self._store.read() as connection:
            states = ledger.states_of(connection, needed)
        free, pointless = [], []
        for effect in effects:
            after = _effect_before(effect)
            before = EffectState.DONE if after is None else states.get(after)
            if before is EffectState.SUPERSEDED:
                pointless.append(effect)
            elif before is EffectState.DONE and states.get(_write_before(effect)) not in _NOT_THROUGH:
                free.append(effect)
        self._supersede(pointless)
        return free

    def _supersede(self, effects: Sequence[LedgerEffect]) -> None:
        if not effects:
            return
        reason = "what it was to follow is not to be any more"
        with self._store.write() as connection:
            for effect in effects:
                ledger.settle(connection, effect.key, EffectState.SUPERSEDED, self._clock.now(), reason=reason)


def _handoff(effect: LedgerEffect) -> Handoff:
    return keys.parse(effect.occurrence).handoff


def _write_before(effect: LedgerEffect) -> str:
    """The key of the write that everything else of its occurrence waits for, whether there is one or not."""
    return keys.effect_key(effect.occurrence, keys.WRITE)


def _effect_before(effect: LedgerEffect) -> str | None:
    """The key of the effect that this one follows; None: it follows none."""
    after: str | None = effect.payload.get("after")
    return after or None


def make_performer(
    crm: CRM,
    store: Store,
    mapping: ProcessMapping,
    mailer: Mailer | None,
    clock: Clock,
    calendar: Clock,
    failpoint: Failpoint = no_failpoint,
) -> Performer:
    """Put together what tries each kind of effect. `calendar`: the clock that due dates go by (`--today` shifts it)."""
    texts = Texts(mapping)
    attempts = Attempts(store, clock, failpoint)
    finder = TaskFinder(crm, store, KnownTexts(store, mapping))
    young_ledger = YoungLedger(finder, store, clock, attempts)
    return Performer(
        store,
        clock,
        attempts,
        young_ledger,
        Writes(crm, attempts),
        Tasks(crm, finder, young_ledger, mapping, texts, calendar, attempts),
        Lines(crm, texts, attempts),
        Closings(crm, mapping, texts, calendar, attempts),
        Emails(mailer, texts, clock, attempts),
    )
