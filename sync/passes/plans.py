"""Writing down what a round has decided and found, before anything of it is done."""

from collections.abc import Mapping

import structlog

from mappings.digest import digest_of
from mappings.schema import ProcessMapping
from sync.clock import Clock
from sync.crm import Kind, Owner, RecordRef
from sync.failpoints import Failpoint
from sync.passes.found import Found
from sync.passes.found import remember as remember_found
from sync.passes.state import PassState
from sync.rules.context import Context
from sync.rules.model import Decision
from sync.storage import ledger, people
from sync.storage.database import Store

PART = 50
"""Records of one transaction: a receiver waits while it lasts, and it has not long to answer."""

log = structlog.get_logger()


class PlanWriter:
    """Writes the plans of a pass into the ledger, and what it found beside them."""

    def __init__(self, store: Store, mapping: ProcessMapping, clock: Clock, failpoint: Failpoint) -> None:
        self._store = store
        self._mapping = mapping
        self._digest = digest_of(mapping)
        self._people_kept: Mapping[str, Owner] | None = None  # those of the portal that were last written down
        self._clock = clock
        self._failpoint = failpoint

    def write(
        self,
        decisions: Mapping[RecordRef, Decision],
        contexts: Mapping[RecordRef, Context],
        found: Found,
        state: PassState,
    ) -> None:
        """Write down what was decided for these records, and what was found of them.

        Raises `StoreError`.
        """
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
        state: PassState,
    ) -> None:
        """Write down what was decided: each record's at once, and of many in several transactions."""
        now, ordered = self._clock.now(), sorted(decisions.items())
        parts = [ordered[start : start + PART] for start in range(0, len(ordered), PART)]
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
