"""What a user has done on the board: each enqueues work for the running service, and is kept as a run by that user."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sync.clock import Clock, local_date
from sync.crm import RecordRef
from sync.passes import breaker
from sync.rules.model import EffectState
from sync.storage import letters, portfolios, runs, work_queue
from sync.storage.database import Connection, Store
from sync.storage.ledger import queries
from sync.storage.letters import Copy

ORIGIN = "replay"
"""What the work is enqueued as: as that of `handoffs replay`, it also tries again what was refused."""


@dataclass(frozen=True, slots=True)
class BoardActs:
    """Carries out what the board permits, one transaction each. `limit`: the mapping's effects an hour; `zone`: its zone."""

    store: Store
    clock: Clock
    limit: int
    zone: ZoneInfo

    def look_again(self, portfolio: str, actor: str, reason: str) -> int:
        """Enqueue this portfolio; 0 where no pass has found one of this id."""

        def known(connection: Connection) -> Iterable[RecordRef]:
            return [one.ref for one in portfolios.of(connection, [portfolio])]

        return self._enqueue(known, "board look again", {"portfolio": portfolio}, actor, reason)

    def retry(self, actor: str, reason: str) -> int:
        """Enqueue every record that is parked, or has an effect that was refused, and have refused letters sent again.

        What is unproven is left alone: it may have arrived, and `handoffs dead` asks for each by its key.
        """

        def refused(connection: Connection) -> Iterable[RecordRef]:
            parked = {one.record for one in work_queue.parked(connection)}
            return parked | {one.unit for one in queries.troubles(connection) if one.state is EffectState.FAILED}

        return self._enqueue(refused, "board retry", {}, actor, reason, refused_letters=True)

    def release(self, actor: str, reason: str, everything: bool) -> int:
        """Let go what the breaker holds, as `handoffs release` does; kept with the releases."""
        done = breaker.release(self.store, self.clock, actor, reason, everything=everything, limit=self.limit)
        return done.records + done.records_kept

    def _enqueue(
        self,
        find: Callable[[Connection], Iterable[RecordRef]],
        command: str,
        arguments: Mapping[str, str],
        actor: str,
        reason: str,
        *,
        refused_letters: bool = False,
    ) -> int:
        now = self.clock.now()
        with self.store.write() as connection:
            records = set(find(connection))
            copies = self._refused_letters(connection) if refused_letters else []
            if records or copies:
                told = {**arguments, **({"letters": [one.key for one in copies]} if copies else {})}
                run = runs.begin(connection, command, now, reason=reason, arguments=told, by=actor)
                work_queue.enqueue(connection, records, now, ORIGIN)
                letters.decide(connection, copies, EffectState.PLANNED, now, None)
                runs.finish(connection, run, now, {"enqueued": len(records)})
        return len(records) + len(copies)

    def _refused_letters(self, connection: Connection) -> list[Copy]:
        today = local_date(self.clock.now(), self.zone)
        return [one for one in letters.dead(connection, today) if one.state is EffectState.FAILED]
