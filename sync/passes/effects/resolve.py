"""Tries whose outcome is not known, from a crash or a lost answer: what came of them is found out before anything else."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from mappings.schema import ProcessMapping
from sync.clock import Clock
from sync.crm import LANDED_AFTER, CRMReader, RecordRef
from sync.failpoints import Failpoint
from sync.passes.effects.attempts import TRY_AGAIN, lands_by, wait_for_outcome
from sync.passes.effects.find_tasks import TaskFinder, since_tried
from sync.passes.effects.known_texts import KnownTexts
from sync.passes.effects.lines import find_lines
from sync.passes.effects.lookup import find_closings, find_gone, find_writes
from sync.passes.task_keys import TaskKeys
from sync.rules.keys import EffectKind
from sync.rules.model import EffectState
from sync.storage import ledger
from sync.storage.database import Connection, Store
from sync.storage.ledger import LedgerEffect

TRIES = 30
"""Tries without an answer, and without a trace in the CRM, after which an effect is shown as failed: some 24 hours of them."""

PAUSES = (
    timedelta(0),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=1),
)
"""How long the next try waits, by the number of those without an answer; the last one for all that follow."""

WHO_DECIDES = "Ask whoever it was for: `handoffs dead confirm` if it came, `handoffs dead retry` to send it again"
_GONE: Final = "its record is deleted: nothing is known before it is back, if ever"
_NOT_ANSWERED: Final = "the CRM's search does not answer"

log = structlog.get_logger()


class Resolver:
    """Settles tries without an answer by what the CRM shows."""

    def __init__(
        self,
        crm: CRMReader,
        store: Store,
        mapping: ProcessMapping,
        clock: Clock,
        failpoint: Failpoint,
        email_tries: int = TRIES,
    ) -> None:
        self._crm = crm
        self._store = store
        self._texts = KnownTexts(store, mapping)
        self._tasks = TaskFinder(crm, store, self._texts)
        self._clock = clock
        self._failpoint = failpoint
        self._email_tries = email_tries

    def resolve(self, records: Iterable[RecordRef], keys: TaskKeys) -> dict[RecordRef, datetime]:
        """Find out what came of every try without an answer for these records.

        Gives the records that have to wait for it, and until when: what may still land is not looked for yet. Raises the
        port's errors and `StoreError`.
        """
        with self._store.read() as connection:
            unresolved = ledger.unresolved(connection, records)
        unresolved = self._interrupted(unresolved)
        waiting: dict[RecordRef, datetime] = {}
        ripe = []
        now = self._clock.now()
        for effect in unresolved:
            if now >= lands_by(effect):
                ripe.append(effect)
            elif effect.kind is not EffectKind.EMAIL or now < effect.state_at + LANDED_AFTER:
                wait_for_outcome(effect, waiting)  # a mail server that is slow keeps nothing else waiting
        if ripe:
            found, unknown = self._find(ripe, keys)
            self._failpoint("looked")
            self._settle(ripe, found, unknown)
            self._failpoint("resolved")
            for effect in ripe:
                if unknown.get(effect.key) is _NOT_ANSWERED:
                    waiting[effect.unit] = max(now + TRY_AGAIN, waiting.get(effect.unit, now))
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
        return [*known, *(_cut_off(effect, now) for effect in cut_off)]

    def _find(self, effects: Sequence[LedgerEffect], keys: TaskKeys) -> tuple[dict[str, str], dict[str, str]]:
        """What each has made or changed (ids by keys), and why of others nothing is known yet."""
        kinds = (EffectKind.TASK, EffectKind.WRITE, EffectKind.LINE, EffectKind.CLOSE)
        tasks, writes, lines, closings = ([e for e in effects if e.kind is kind] for kind in kinds)
        made = self._tasks.find(tasks, keys, since=since_tried(tasks))
        found = {
            **made.ids,
            **find_writes(self._crm, writes),
            **find_lines(self._crm, self._texts, lines),
            **find_closings(self._crm, closings),
        }
        missing = [e for e in effects if e.key not in found]
        gone = find_gone(self._crm, [e for e in missing if e.kind in {EffectKind.TASK, EffectKind.WRITE}])
        lost = [e for e in missing if e.kind is EffectKind.TASK and e.key not in gone]
        found |= self._tasks.find_deleted(lost, keys)
        return found, dict.fromkeys(made.unsure - found.keys(), _NOT_ANSWERED) | dict.fromkeys(gone, _GONE)

    def _settle(self, effects: Sequence[LedgerEffect], found: dict[str, str], unknown: Mapping[str, str]) -> None:
        now = self._clock.now()
        with self._store.write() as connection:
            for effect in effects:
                if effect.key not in unknown:
                    self._settle_one(connection, effect, found.get(effect.key), now)
            ledger.mark_done(connection, {effect.unit for effect in effects})

    def _settle_one(self, connection: Connection, effect: LedgerEffect, crm_id: str | None, now: datetime) -> None:
        """Write down that it was found, as this record of the CRM, or that it was not (None)."""
        again = now + PAUSES[min(max(effect.unanswered, 1), len(PAUSES)) - 1]
        is_email = effect.kind is EffectKind.EMAIL
        if crm_id is not None:
            ledger.settle(connection, effect.key, EffectState.DONE, now, crm_id=crm_id, reason="found in the CRM")
        elif is_email and effect.unanswered >= self._email_tries:
            reason = f"it may have been sent or not: {effect.unanswered} tries, and no answer to any. {WHO_DECIDES}"
            ledger.settle(connection, effect.key, EffectState.UNPROVEN, now, reason=reason)
        elif is_email:
            reason = "it may not have been sent"
            ledger.settle(connection, effect.key, EffectState.PLANNED, now, reason=reason, not_before=again)
        elif effect.unanswered >= TRIES:
            reason = f"the CRM gave no answer to {effect.unanswered} tries, and shows nothing of them"
            ledger.settle(connection, effect.key, EffectState.FAILED, now, reason=reason, refused=False)
        else:
            ledger.release_claim(connection, effect.key, now, "not found in the CRM", not_before=again)
        log.info("effect.resolved", effect=effect.key, record=str(effect.record), found=crm_id is not None)


def _cut_off(effect: LedgerEffect, now: datetime) -> LedgerEffect:
    """The effect as the ledger has it once it is noted as cut off."""
    once_more = effect.unanswered + 1
    return replace(effect, state=EffectState.UNKNOWN, state_at=now, unanswered=once_more, not_before=None)
