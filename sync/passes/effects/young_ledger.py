"""While a ledger is young it may not hold yet what was done before the one before it was lost: what must wait for that."""

from collections.abc import Sequence

from mappings.vocabulary import KeyCarrier
from sync.clock import Clock
from sync.passes import recovery
from sync.passes.effects.attempts import TRY_AGAIN, Attempts, Performed
from sync.passes.effects.find_tasks import FoundTasks, TaskFinder, since_caused
from sync.passes.task_keys import TaskKeys
from sync.rules import keys
from sync.rules.model import EffectState
from sync.storage import identities, ledger, service_state
from sync.storage.database import Store
from sync.storage.ledger import LedgerEffect


class YoungLedger:
    """Looks for tasks at their record, as the CRM's search may not have shown the newest ones yet (docs/process.md G.7)."""

    def __init__(self, finder: TaskFinder, store: Store, clock: Clock, attempts: Attempts) -> None:
        self._finder = finder
        self._store = store
        self._clock = clock
        self._attempts = attempts

    def tasks_to_make(self, effects: Sequence[LedgerEffect], keys: TaskKeys, done: Performed) -> Sequence[LedgerEffect]:
        """Those of these tasks that are not in the CRM already; what is, is taken back.

        None is made while one may still land that was on its way when the ledger was lost. Once the search was asked again
        there is nothing to look for, but where keys are in bodies: a body may have lost its mark, and no search shows that
        (docs/process.md K.6). Raises the port's errors and `StoreError`.
        """
        if not effects:
            return effects
        looked_for = self._older_than_the_ledger(effects, keys) if recovery.is_final(self._store) else effects
        if self._may_land(looked_for, done):
            return []
        found = self._taken_back(looked_for, keys)
        for effect in effects:
            if effect.key in found.unsure:
                done.recheck_at(effect.unit, self._clock.now() + TRY_AGAIN)
        return [effect for effect in effects if effect.key not in found.ids and effect.key not in found.unsure]

    def _older_than_the_ledger(self, effects: Sequence[LedgerEffect], keys: TaskKeys) -> Sequence[LedgerEffect]:
        """Those that an earlier ledger may have had made, where a task can lose its key."""
        if keys.carrier is not KeyCarrier.BODY:
            return []
        with self._store.read() as connection:
            began = service_state.ledger_began_there(connection)
        caused = since_caused(effects)
        return [effect for effect in effects if began is not None and caused[effect.key] < began]

    def emails_to_send(
        self, effects: Sequence[LedgerEffect], keys: TaskKeys, done: Performed
    ) -> Sequence[LedgerEffect]:
        """Those of these emails whose occurrence has no task that may still be found: with it they would be sent again.

        A task that waits for a person is looked for as well: it may have been made when there was one. Raises the port's
        errors and `StoreError`.
        """
        if not effects or recovery.is_final(self._store):
            return effects
        occurrences = {effect.occurrence for effect in effects}
        with self._store.read() as connection:
            tasks = ledger.open_tasks(connection, {effect.unit for effect in effects})
        tasks = [task for task in tasks if task.occurrence in occurrences]
        blocked = [task for task in tasks if task.state is EffectState.BLOCKED]
        held = {task.occurrence for task in tasks if task.state is not EffectState.BLOCKED}
        if self._may_land(blocked, done):
            held |= {task.occurrence for task in blocked}
        elif blocked:
            found = self._taken_back(blocked, keys)
            occurrences -= {task.occurrence for task in blocked if task.key in found.ids}
            held |= {task.occurrence for task in blocked if task.key in found.unsure}
        for effect in effects:
            if effect.occurrence in held:
                done.recheck_at(effect.unit, self._clock.now() + TRY_AGAIN)
        return [effect for effect in effects if effect.occurrence in occurrences - held]

    def _may_land(self, effects: Sequence[LedgerEffect], done: Performed) -> bool:
        """Whether one of these tasks may still be on its way to the CRM; if so, they are looked at when that is over."""
        until = recovery.may_land_until(self._store)
        if until is None or self._clock.now() >= until:
            return False
        for effect in effects:
            done.recheck_at(effect.unit, until)
        return True

    def _taken_back(self, effects: Sequence[LedgerEffect], keys: TaskKeys) -> FoundTasks:
        """Those that are in the CRM: recorded as done, with the emails of their occurrences."""
        if not effects:
            return FoundTasks()
        before = self._keys_before(effects)
        found = self._finder.find(effects, keys, since=since_caused(effects), before=before)
        if found.unsure and not recovery.took_any_back(self._store):
            # Nothing speaks for a ledger before this one: a search that fails must not keep all tasks from being made.
            found = FoundTasks(found.ids)
        self._attempts.failpoint("looked first")
        if found.ids:
            with self._store.write() as connection:
                for key, task in found.ids.items():
                    ledger.mark_recovered(connection, key, task, self._clock.now())
        return found

    def _keys_before(self, effects: Sequence[LedgerEffect]) -> dict[str, list[str]]:
        """The keys that each of these may have had under an id that its record had before a merge (docs/process.md M.14)."""
        found = {}
        with self._store.read() as connection:
            for effect in effects:
                key = keys.parse_effect(effect.key)
                found[effect.key] = [
                    keys.effect_key(str(key.occurrence.of(one.record.id)), key.slot)
                    for one in identities.find(connection, [effect.record])
                    if one.primary or not key.occurrence.cycle_told
                ]
        return found
