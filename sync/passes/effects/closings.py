"""Closings: tasks that are completed because their cycle has ended, with a line that says why."""

from collections.abc import Sequence

from mappings.problems import MappingError
from mappings.schema import ProcessMapping
from mappings.texts import Texts
from sync.clock import Clock, local_date
from sync.crm import CRM, TASK_COMPLETED, TASK_STATUS, Applied, Outcome
from sync.passes.effects.attempts import Attempts, Performed
from sync.passes.effects.bodies import claim_and_read, is_open, send
from sync.passes.effects.payloads import addressed_task
from sync.passes.portal import Portal
from sync.rules.model import EffectState
from sync.storage.ledger import LedgerEffect


class Closings:
    """Completes tasks. `calendar` gives the date in the line: `--today` shifts it."""

    def __init__(self, crm: CRM, mapping: ProcessMapping, texts: Texts, calendar: Clock, attempts: Attempts) -> None:
        self._crm = crm
        self._mapping = mapping
        self._texts = texts
        self._calendar = calendar
        self._attempts = attempts

    def perform(self, effects: Sequence[LedgerEffect], portal: Portal, done: Performed) -> None:
        """Try these. Raises the port's errors; what was certainly not sent is then planned again."""
        if not effects:
            return
        lines = self._lines(effects, self._texts.speaking(portal.words), done)
        ready = [effect for effect in effects if effect.key in lines]
        mine, tasks = claim_and_read(self._crm, self._attempts, ready, done)
        open_now = {effect.key: is_open(tasks.get(addressed_task(effect))) for effect in mine}
        tried = [effect for effect in mine if open_now[effect.key]]
        already: list[tuple[LedgerEffect, Outcome]] = [
            (effect, Applied(addressed_task(effect))) for effect in mine if not open_now[effect.key]
        ]
        settled = [*already, *send(self._crm, self._attempts, tried, tasks, lines, {TASK_STATUS: TASK_COMPLETED})]
        self._attempts.settle(settled, done)
        # What waited for the end of a cycle waited for this, where it was the last of it.
        done.wrote |= {effect.unit for effect, outcome in settled if isinstance(outcome, Applied)}

    def _lines(self, effects: Sequence[LedgerEffect], texts: Texts, done: Performed) -> dict[str, str]:
        """What is added to each task's body, by the effect's key."""
        today = local_date(self._calendar.now(), self._mapping.zone).isoformat()
        lines = {}
        for effect in effects:
            try:
                lines[effect.key] = texts.closing_line({"reason": effect.payload["reason"], "today": today})
            except MappingError as error:
                self._attempts.put_aside(effect, EffectState.FAILED, str(error), done)
        return lines
