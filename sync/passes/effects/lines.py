"""Lines: what is added to the body of an open task, all that stands in it being kept."""

from collections.abc import Sequence

from mappings.problems import MappingError
from mappings.richtext import plain_text
from mappings.texts import Texts
from sync.crm import CRM, TASK_BODY, Applied, CRMReader, Kind, Outcome, Record
from sync.passes.effects.attempts import Attempts, Performed
from sync.passes.effects.bodies import claim_and_read, is_open, send
from sync.passes.effects.known_texts import KnownTexts
from sync.passes.effects.payloads import addressed_task
from sync.rules.model import EffectState
from sync.storage.ledger import LedgerEffect

LEFT = "the task was completed or deleted before"


class Lines:
    """Adds lines to tasks, each task read just before."""

    def __init__(self, crm: CRM, texts: Texts, attempts: Attempts) -> None:
        self._crm = crm
        self._texts = texts
        self._attempts = attempts

    def perform(self, effects: Sequence[LedgerEffect], done: Performed) -> None:
        """Try these. Raises the port's errors; what was certainly not sent is then planned again."""
        if not effects:
            return
        lines = self._lines(effects, done)
        ready = [effect for effect in effects if effect.key in lines]
        mine, tasks = claim_and_read(self._crm, self._attempts, ready, done)
        open_ones = [effect for effect in mine if is_open(tasks.get(addressed_task(effect)))]
        for effect in mine:
            if effect not in open_ones:
                self._attempts.leave(effect, LEFT)
        stands = [effect for effect in open_ones if has_line(tasks[addressed_task(effect)], lines[effect.key])]
        tried = [effect for effect in open_ones if effect not in stands]
        settled: list[tuple[LedgerEffect, Outcome]] = [(e, Applied(addressed_task(e))) for e in stands]
        self._attempts.settle([*settled, *send(self._crm, self._attempts, tried, tasks, lines, {})], done)

    def _lines(self, effects: Sequence[LedgerEffect], done: Performed) -> dict[str, str]:
        """What is added, by the effect's key."""
        lines = {}
        for effect in effects:
            try:
                lines[effect.key] = self._texts.notes_line(effect.payload["context"])
            except MappingError as error:
                self._attempts.put_aside(effect, EffectState.FAILED, str(error), done)
        return lines


def find_lines(crm: CRMReader, texts: KnownTexts, effects: Sequence[LedgerEffect]) -> dict[str, str]:
    """Find the lines that stand in their task's body, in the words of whatever mapping. Tasks' ids by keys.

    Raises the port's errors.
    """
    ids = sorted({addressed_task(effect) for effect in effects}, key=int)
    tasks = crm.read(Kind.TASK, ids, [TASK_BODY]) if ids else {}
    found = {}
    for effect in effects:
        task = tasks.get(addressed_task(effect))
        if task is not None and any(has_line(task, line) for line in texts.notes_lines(effect.payload["context"])):
            found[effect.key] = task.id
    return found


def has_line(task: Record, line: str) -> bool:
    """Whether a task's body says this already, as a person reads it: the CRM may write the same HTML otherwise."""
    return _words(line) in _words(task.properties.get(TASK_BODY, ""))


def _words(html: str) -> str:
    return " ".join(plain_text(html).split())
