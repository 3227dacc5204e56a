"""New tasks: made in one call, each with its key, its text and its due date."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from mappings.problems import MappingError
from mappings.schema import ProcessMapping
from mappings.texts import Texts
from mappings.vocabulary import TaskKind
from sync.clock import Clock, local_date, to_ms
from sync.crm import CRM, TASK_STATUS, TASK_SUBJECT, TIMESTAMP, Applied, Create, Kind, Outcome, Rejected, Unknown
from sync.errors import HandoffsError
from sync.passes.effects.attempts import Attempts, Performed
from sync.passes.effects.find_tasks import TaskFinder, since_caused
from sync.passes.effects.payloads import places
from sync.passes.effects.young_ledger import YoungLedger
from sync.passes.portal import Portal
from sync.passes.task_keys import TaskKeys
from sync.rules.model import EffectState
from sync.storage.ledger import LedgerEffect


class Tasks:
    """Makes tasks. `calendar` is what due dates are counted from: `--today` shifts it."""

    def __init__(
        self,
        crm: CRM,
        finder: TaskFinder,
        young_ledger: YoungLedger,
        mapping: ProcessMapping,
        texts: Texts,
        calendar: Clock,
        attempts: Attempts,
    ) -> None:
        self._crm = crm
        self._finder = finder
        self._young_ledger = young_ledger
        self._mapping = mapping
        self._texts = texts
        self._calendar = calendar
        self._attempts = attempts

    def perform(self, effects: Sequence[LedgerEffect], portal: Portal, done: Performed) -> None:
        """Try these. Raises the port's errors."""
        ready: list[tuple[LedgerEffect, Create]] = []
        keys, today = portal.task_keys, local_date(self._calendar.now(), self._mapping.zone)
        texts = self._texts.speaking(portal.words)
        for effect in self._young_ledger.tasks_to_make(effects, keys, done):
            if self._attempts.left_without(effect, portal, done):
                continue
            try:
                ready.append((effect, self._create(effect, keys, today, texts)))
            except MappingError as error:
                self._attempts.put_aside(effect, EffectState.BLOCKED, str(error), done)
        claimed = self._attempts.claim(effect for effect, _ in ready)
        ready = [(effect, create) for effect, create in ready if effect.key in claimed]
        if ready:
            tried = [effect for effect, _ in ready]
            creates = [create for _, create in ready]
            outcomes = self._attempts.send(tried, lambda: self._crm.create(Kind.TASK, creates))
            self._attempts.settle(self._proved(tried, outcomes, keys), done)

    def _proved(
        self, tried: Sequence[LedgerEffect], outcomes: Sequence[Outcome], keys: TaskKeys
    ) -> list[tuple[LedgerEffect, Outcome]]:
        """The same outcomes; a refusal because a task has this key already proves that it is made (docs/process.md W.15)."""
        told: dict[str, Outcome] = {}
        refused = {e.key: e for e, outcome in zip(tried, outcomes, strict=True) if _is_taken(outcome)}
        if refused:
            holders = {e.key: o.holder or "" for e, o in zip(tried, outcomes, strict=True) if isinstance(o, Rejected)}
            try:
                made = self._made(list(refused.values()), {key: holders[key] for key in refused}, keys)
            except (
                HandoffsError
            ) as error:  # what was refused is certain, who has the key is not: it is looked for later
                told = {key: Unknown(f"a task has this key already, and could not be read: {error}") for key in refused}
            else:
                told = {key: Applied(task) for key, task in made.items()}
        return [(effect, told.get(effect.key, outcome)) for effect, outcome in zip(tried, outcomes, strict=True)]

    def _made(self, effects: Sequence[LedgerEffect], holders: Mapping[str, str], keys: TaskKeys) -> dict[str, str]:
        """The tasks that carry these effects' keys, deleted ones too: ids by keys. Raises the port's errors."""
        made = self._finder.holding(holders, keys)
        left = [effect for effect in effects if effect.key not in made]
        made |= self._finder.find(left, keys, since=since_caused(left)).ids
        return made | self._finder.find_deleted([effect for effect in left if effect.key not in made], keys)

    def _create(self, effect: LedgerEffect, keys: TaskKeys, today: date, texts: Texts) -> Create:
        """The task as it is to be made. Raises `MappingError` where its text cannot be written."""
        kind, variables = TaskKind(effect.payload["task_kind"]), effect.payload["context"]
        subject, body = texts.task(kind, variables)
        entry = self._mapping.tasks[kind]
        properties = {
            TASK_SUBJECT: subject,
            TASK_STATUS: "NOT_STARTED",
            "hs_task_priority": entry.priority,
            "hs_task_type": entry.type,
            TIMESTAMP: str(to_ms(self._mapping.due(kind, today, _latest(kind, variables)))),
            "hubspot_owner_id": str(effect.payload["owner"]),
            **keys.carried(effect.key, body),
        }
        return Create(_trace_of(effect.key), properties, places(effect))


def _is_taken(outcome: Outcome) -> bool:
    return isinstance(outcome, Rejected) and outcome.holder is not None


def _latest(kind: TaskKind, variables: Mapping[str, Any]) -> date | None:
    """The last day on which a task may be due; None: any. The client is asked before the Refresh Date, not after it."""
    when = variables.get("refresh_date")
    return date.fromisoformat(when) if kind is TaskKind.KICKOFF and when else None


def _trace_of(key: str) -> str:
    """A short name for one input of a batch create; keys may be long."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]
