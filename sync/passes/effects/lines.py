"""Lines: what is added to the body of an open task, all that stands in it being kept."""

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from mappings.problems import MappingError
from mappings.richtext import plain_text
from mappings.texts import Texts
from sync.crm import CRM, TASK_BODY, Applied, CRMReader, Kind, Outcome
from sync.passes.effects.attempts import Attempts, Performed
from sync.passes.effects.bodies import claim_and_read, is_open, send
from sync.passes.effects.known_texts import KnownTexts
from sync.passes.effects.payloads import addressed_task
from sync.rules.model import EffectState
from sync.storage.ledger import LedgerEffect

_NOTE: Final = re.compile(r"[?&]engagement=(\d+)")
"""How the link to a Note tells which one it is."""

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
        whole = {
            effect.key: line for effect in effects if (line := self._line(effect, _context(effect), done)) is not None
        }
        ready = [effect for effect in effects if effect.key in whole]
        mine, tasks = claim_and_read(self._crm, self._attempts, ready, done)
        open_ones = [effect for effect in mine if is_open(tasks.get(addressed_task(effect)))]
        for effect in mine:
            if effect not in open_ones:
                self._attempts.leave(effect, LEFT)
        bodies = {task: record.properties.get(TASK_BODY, "") for task, record in tasks.items()}
        stands = [effect for effect in open_ones if _stands(bodies[addressed_task(effect)], effect, whole[effect.key])]
        tried = [effect for effect in open_ones if effect not in stands]
        lines = self._new(tried, bodies, done)
        tried = [effect for effect in tried if effect.key in lines]
        settled: list[tuple[LedgerEffect, Outcome]] = [(e, Applied(addressed_task(e))) for e in stands]
        self._attempts.settle([*settled, *send(self._crm, self._attempts, tried, tasks, lines, {})], done)

    def _new(self, effects: Sequence[LedgerEffect], bodies: Mapping[str, str], done: Performed) -> dict[str, str]:
        """What is added, by the effect's key: '' where another one of these adds all of it to the same task."""
        bodies, lines = dict(bodies), dict[str, str]()
        for effect in effects:
            task = addressed_task(effect)
            context = _unsaid(_context(effect), bodies[task])
            line = self._line(effect, context, done) if context["notes"] else ""
            if line is not None:
                lines[effect.key] = line
                bodies[task] += line
        return lines

    def _line(self, effect: LedgerEffect, context: Mapping[str, Any], done: Performed) -> str | None:
        """The line that tells this; None: it cannot be made, and the effect is put aside."""
        try:
            return self._texts.notes_line(context)
        except MappingError as error:
            self._attempts.put_aside(effect, EffectState.FAILED, str(error), done)
            return None


def find_lines(crm: CRMReader, texts: KnownTexts, effects: Sequence[LedgerEffect]) -> dict[str, str]:
    """Find the lines that stand in their task's body, in the words of whatever mapping. Tasks' ids by keys.

    Raises the port's errors.
    """
    ids = sorted({addressed_task(effect) for effect in effects}, key=int)
    tasks = crm.read(Kind.TASK, ids, [TASK_BODY]) if ids else {}
    found = {}
    for effect in effects:
        task = tasks.get(addressed_task(effect))
        if task is None:
            continue
        body = task.properties.get(TASK_BODY, "")
        if any(_stands(body, effect, line) for line in texts.notes_lines(_context(effect))):
            found[effect.key] = task.id
    return found


def _context(effect: LedgerEffect) -> Mapping[str, Any]:
    context: Mapping[str, Any] = effect.payload["context"]
    return context


def _stands(body: str, effect: LedgerEffect, line: str) -> bool:
    """Whether a body tells this already: by this line, or by links to all of its Notes."""
    return _words(line) in _words(body) or not _unsaid(_context(effect), body)["notes"]


def _unsaid(context: Mapping[str, Any], body: str) -> dict[str, Any]:
    """What a line tells, without the Notes to which a link stands in the body already.

    A ledger that was lost has added some of them; so has a try of which nobody knows the outcome, in whatever words.
    """
    said = set(_NOTE.findall(html.unescape(body)))
    notes = [note for note in context["notes"] if not said.intersection(_NOTE.findall(note.get("url") or ""))]
    if len(notes) == len(context["notes"]) or not notes:
        return {**context, "notes": notes}
    return {**context, "notes": notes, "note": max(notes, key=lambda note: str(note.get("at") or ""))}


def _words(text: str) -> str:
    """What a person reads: the CRM may write the same HTML otherwise."""
    return " ".join(plain_text(text).split())
