"""Looking in the CRM for the task that an effect may have made already. Reads only."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import structlog

from mappings.vocabulary import KeyCarrier, TaskKind
from sync.clock import CLOCKS_APART, from_ms
from sync.crm import CREATED, TASK_SUBJECT, CRMReader, Kind, Record, RecordRef, moment_of
from sync.errors import CRMRejectedError, CRMUnavailableError
from sync.passes import recovery
from sync.passes.effects.known_texts import KnownTexts
from sync.passes.effects.payloads import first_place
from sync.passes.task_keys import TaskKeys
from sync.rules import keys as rule_keys
from sync.storage import ledger
from sync.storage.database import Store
from sync.storage.ledger import LedgerEffect

_NONE: Final[Mapping[str, Sequence[str]]] = {}

log = structlog.get_logger()


@dataclass(frozen=True)
class FoundTasks:
    """`ids`: the tasks' ids by the effects' keys. `unsure`: the keys of those that are not among them and may exist."""

    ids: dict[str, str] = field(default_factory=dict)
    unsure: frozenset[str] = frozenset()


class TaskFinder:
    """Finds tasks by their keys: on their record, by search, and where a body has lost its mark by what it still is."""

    def __init__(self, crm: CRMReader, store: Store, texts: KnownTexts) -> None:
        self._crm = crm
        self._store = store
        self._texts = texts

    def find(
        self,
        effects: Sequence[LedgerEffect],
        keys: TaskKeys,
        *,
        since: Mapping[str, datetime],
        before: Mapping[str, Sequence[str]] = _NONE,
    ) -> FoundTasks:
        """Find the task that each effect has made, deleted ones aside.

        `since`: by effect key, before when it cannot have been made. `before`: by effect key, those that it may have had
        under ids that its record had before a merge. A key on a task that is on no record any more is found by search;
        where that does not answer, nothing is known of what the record does not show. Raises the port's errors for what
        concerns the reading by id.
        """
        if not effects:
            return FoundTasks()
        wanted = {e.key: (e.key, *before.get(e.key, ())) for e in effects}
        near = self._near(effects, keys)
        found = _carried(wanted, keys, [task for tasks in near.values() for task in tasks])
        left = [e for e in effects if e.key not in found]
        unsure: frozenset[str] = frozenset()
        if left:
            elsewhere = self._searched(left, wanted, keys, min(since[e.key] for e in left))
            if elsewhere is None:
                unsure = frozenset(e.key for e in left)
            else:
                found |= _carried({e.key: wanted[e.key] for e in left}, keys, elsewhere)
        if keys.carrier is KeyCarrier.BODY:
            found |= self._unmarked([e for e in left if e.key not in found], keys, near, since, set(found.values()))
        return FoundTasks(found, unsure - found.keys())

    def find_deleted(self, effects: Sequence[LedgerEffect], keys: TaskKeys) -> dict[str, str]:
        """Find them among the tasks that people have deleted: it was made all the same. Tasks' ids by keys."""
        if not effects:
            return {}
        carried = keys.assign(recovery.deleted_tasks(self._crm, keys.names))
        return {e.key: carried[e.key].id for e in effects if e.key in carried}

    def holding(self, holders: Mapping[str, str], keys: TaskKeys) -> dict[str, str]:
        """Those of these tasks (ids by effect keys) that do carry the key: the CRM names whoever has a unique value."""
        named = {key: task for key, task in holders.items() if task}
        tasks = self._read(set(named.values()), keys)
        return {key: task for key, task in named.items() if task in tasks and keys.of(tasks[task]) == key}

    def _near(self, effects: Sequence[LedgerEffect], keys: TaskKeys) -> dict[RecordRef, list[Record]]:
        """The tasks on the record of each of these effects, by rising id."""
        near: dict[RecordRef, list[Record]] = {}
        for kind in (Kind.PORTFOLIO, Kind.TICKET):
            ids = sorted({first_place(e).id for e in effects if first_place(e).kind is kind}, key=int)
            ends = self._crm.associated(kind, Kind.TASK, ids) if ids else {}
            tasks = self._read({end.to for found in ends.values() for end in found}, keys)
            for i, found in ends.items():
                on = sorted({end.to for end in found} & tasks.keys(), key=int)
                near[RecordRef(kind, i)] = [tasks[task] for task in on]
        return near

    def _read(self, ids: Collection[str], keys: TaskKeys) -> dict[str, Record]:
        names = [*keys.names, TASK_SUBJECT, CREATED]
        return self._crm.read(Kind.TASK, sorted(ids, key=int), names) if ids else {}

    def _searched(
        self, left: Sequence[LedgerEffect], wanted: Mapping[str, Sequence[str]], keys: TaskKeys, since: datetime
    ) -> list[Record] | None:
        """What a search shows of these keys; None: it did not answer."""
        groups = keys.searches_for([key for e in left for key in wanted[e.key]], since)
        try:
            ids = {record.id for record in self._crm.search(Kind.TASK, groups)} if groups else set()
        except CRMUnavailableError as error:
            log.warning("effect.not_searched", error=str(error))
            return None
        except CRMRejectedError as error:  # this portal does not search for it: what its record shows has to do
            log.warning("effect.not_searchable", error=str(error))
            return []
        return list(self._read(ids, keys).values())

    def _unmarked(
        self,
        effects: Iterable[LedgerEffect],
        keys: TaskKeys,
        near: Mapping[RecordRef, Sequence[Record]],
        since: Mapping[str, datetime],
        taken: set[str],
    ) -> dict[str, str]:
        """Tasks of which somebody has cut the mark, or replaced the body: known by who made them, where, when and what for.

        Each stands for one effect, those with the older causes first, and for none if the ledger has it for another.
        """
        bare = {task.id for tasks in near.values() for task in tasks if not keys.of(task) and keys.is_ours(task)}
        with self._store.read() as connection:
            bare -= ledger.known_tasks(connection, bare) | taken
        found: dict[str, str] = {}
        for effect in sorted(effects, key=lambda effect: since[effect.key]):
            kind = TaskKind(effect.payload["task_kind"])
            for task in near.get(first_place(effect), ()):
                made_at = moment_of(task.properties.get(CREATED, "")) or task.created_at
                made_for_it = made_at is not None and made_at >= since[effect.key]
                if task.id in bare and made_for_it and self._texts.is_subject_of(kind, task.properties[TASK_SUBJECT]):
                    log.warning("effect.found_without_its_mark", effect=effect.key, task=task.id)
                    found[effect.key] = task.id
                    bare.discard(task.id)
                    break
        return found


def since_tried(effects: Iterable[LedgerEffect]) -> dict[str, datetime]:
    """Before when none of these can have been made: they were tried, by a clock that may differ from the CRM's."""
    return {e.key: (e.tried_at or e.state_at) - CLOCKS_APART for e in effects}


def since_caused(effects: Iterable[LedgerEffect]) -> dict[str, datetime]:
    """The same for those that an earlier ledger may have had made: none is older than its cause."""
    return {e.key: from_ms(rule_keys.parse(e.occurrence).newest_ms) for e in effects}


def _carried(wanted: Mapping[str, Sequence[str]], keys: TaskKeys, tasks: Iterable[Record]) -> dict[str, str]:
    """The tasks that carry one of the keys wanted for each effect: their ids by the effects' keys."""
    carriers = keys.assign(tasks)
    return {
        key: next(carriers[each].id for each in mine if each in carriers)
        for key, mine in wanted.items()
        if any(each in carriers for each in mine)
    }
