"""Writes: properties of portfolios and tickets, each record read once more just before."""

from collections.abc import Mapping, Sequence

import structlog

from sync.crm import CRM, Applied, Kind, Reading, Record, Update
from sync.errors import HandoffsError
from sync.passes.effects.attempts import Attempts, Performed
from sync.passes.effects.payloads import expected, written
from sync.storage.ledger import LedgerEffect

log = structlog.get_logger()


class Writes:
    """Tries writes, in one call for portfolios and one for tickets."""

    def __init__(self, crm: CRM, attempts: Attempts) -> None:
        self._crm = crm
        self._attempts = attempts

    def perform(self, effects: Sequence[LedgerEffect], done: Performed) -> None:
        """Try these. Raises the port's errors; what was certainly not sent is then planned again."""
        for kind in (Kind.PORTFOLIO, Kind.TICKET):
            mine = [effect for effect in effects if written(effect).kind is kind]
            if mine:
                self._perform(kind, mine, done)

    def _perform(self, kind: Kind, effects: Sequence[LedgerEffect], done: Performed) -> None:
        claimed = self._attempts.claim(effects)
        mine = [effect for effect in effects if effect.key in claimed]
        ready, stale = self._as_decided_on(kind, mine, done)
        done.stale |= {effect.unit for effect in stale}
        if not ready:
            return
        updates = _merged(ready)
        sent = self._attempts.send(ready, lambda: self._crm.update(kind, updates))
        outcomes = {update.id: outcome for update, outcome in zip(updates, sent, strict=True)}
        done.wrote |= {effect.unit for effect in ready if isinstance(outcomes[written(effect).id], Applied)}
        self._attempts.settle([(effect, outcomes[written(effect).id]) for effect in ready], done)

    def _as_decided_on(
        self, kind: Kind, effects: Sequence[LedgerEffect], done: Performed
    ) -> tuple[list[LedgerEffect], list[LedgerEffect]]:
        """Those whose record still shows what they replace, and the others, given up.

        Nothing stands between this read and the write. What shows only a part of it is tried again in a while.
        """
        names = sorted({name for e in effects for name in (*e.payload["expects"], *e.payload["values"])})
        ids = sorted({written(e).id for e in effects}, key=int)
        try:
            reading: Reading[Record] = self._crm.read_each(kind, ids, names) if ids else Reading({}, {})
        except HandoffsError as error:
            self._attempts.release(effects, str(error))
            raise
        ready, stale = [], []
        for effect in effects:
            record = _unmerged(reading.found, written(effect).id)
            if (faulty := reading.faulty.get(written(effect).id)) is not None:
                self._attempts.put_off(effect, str(faulty), done)
            elif record is not None and all(record.properties.get(n, "") == v for n, v in expected(effect)):
                ready.append(effect)
            else:
                stale.append(effect)
                log.info("effect.stale", effect=effect.key, record=str(effect.record), there=record is not None)
        self._attempts.release(stale, "the record had changed since it was decided")
        self._attempts.failpoint("reread")
        return ready, stale


def _unmerged(records: Mapping[str, Record], i: str) -> Record | None:
    """The record with this id; None: it is deleted, or merged into another."""
    record = records.get(i)
    return record if record is not None and record.id == i else None


def _merged(effects: Sequence[LedgerEffect]) -> list[Update]:
    """All changes of one record in one update; where two speak of one property, the later wins."""
    values: dict[str, dict[str, str]] = {}
    for effect in effects:
        values.setdefault(written(effect).id, {}).update(effect.payload["values"])
    return [Update(i, values[i]) for i in sorted(values, key=int)]
