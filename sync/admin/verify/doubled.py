"""Are there two tasks for one cause, or one task for two?"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from mappings.texts import TASK_READER
from mappings.vocabulary import Handoff, TaskKind
from sync.admin.inventory import ExistingTask
from sync.admin.verify.evidence import Evidence
from sync.admin.verify.finding import Finding, Sort
from sync.crm import Kind, RecordRef
from sync.rules import keys
from sync.rules.context import Context
from sync.rules.handoffs.announcements import Announcement, entries_of, is_announcement
from sync.rules.handoffs.rounds import rounds
from sync.rules.keys import EffectKind, RevisionKey, SetReadyKey, close_slot
from sync.rules.model import ANNOUNCEMENT, RECOVERED, RecordedOccurrence
from sync.rules.process import HANDOFF_OF

ONE_AT_A_TIME = frozenset({TaskKind.REVISE_COPY, TaskKind.REVISE_GRAPHICS, TaskKind.IMPLEMENT, TaskKind.CREATE_TICKETS})
"""Of these a record gets no second one while the first is open."""


class Copies:
    """Collects every task by its key, over all groups: a copy may be on another portfolio."""

    def __init__(self) -> None:
        self._tasks: dict[str, dict[str, ExistingTask]] = {}
        self._contexts: dict[str, Context] = {}

    def note(self, context: Context, tasks: Iterable[ExistingTask]) -> None:
        """Take in the tasks of one portfolio."""
        for task in tasks:
            if task.key:
                self._tasks.setdefault(task.key, {})[task.id] = task
                self._contexts.setdefault(task.key, context)

    def findings(self, since: datetime | None) -> list[Finding]:
        """Report the keys that several tasks carry, one of them made at `since` or later (None: at any time)."""
        found = []
        for key, tasks in self._tasks.items():
            if len(tasks) > 1 and (since is None or any(task.made_at >= since for task in tasks.values())):
                portfolio = self._contexts[key].portfolio
                read, ids = keys.parse_task(key), tuple(sorted(tasks, key=int))
                cause = f"{len(ids)} tasks carry the same key"
                handoff = None if read is None else read[0].handoff
                found.append(Finding(Sort.DOUBLED, portfolio.id, portfolio.name, handoff, key, ids, cause))
        return found


def findings(evidence: Evidence) -> Iterator[Finding]:
    """Report what was made while the same work was still open, and tasks that stand for more than one thing."""
    yield from _made_while_open(evidence)
    yield from _left_open(evidence)
    yield from _shared(evidence)


def _made_while_open(evidence: Evidence) -> Iterator[Finding]:
    made: dict[tuple[str, str, TaskKind], list[ExistingTask]] = {}
    opened: set[str] = set()  # tasks of a round: what an older one asked for had been delivered
    for recorded in evidence.context.ledger.recorded.values():
        if evidence.portfolio.absorbed and RECOVERED in recorded.detail:
            continue  # of which cycle, or of which of the merged ones, a task was that a lost database knew is not told
        for effect in recorded.effects:
            task = None if effect.crm_id is None else evidence.tasks.get(effect.crm_id)
            if effect.kind is EffectKind.TASK and task is not None and effect.task_kind in ONE_AT_A_TIME:
                cycle = "" if recorded.record.kind is Kind.TICKET else recorded.cycle
                made_for = keys.parse(recorded.key).record.id  # each of two that were merged since had one of its own
                made.setdefault((made_for, cycle, effect.task_kind), []).append(task)
                if _opens_a_round(evidence, recorded, effect.task_kind):
                    opened.add(task.id)
    for (_, _, kind), tasks in made.items():
        tasks.sort(key=lambda task: (task.made_at, int(task.id)))
        for position, task in enumerate(tasks):
            older = _still_open(evidence, tasks[:position], task)
            if older is None or task.id in opened or not evidence.counts(task.made_at):
                continue
            cause = f"task {task.id} was made while task {older.id} for the same work was still open"
            cause += " (or deleted, and restored since: the CRM does not tell)"
            yield evidence.finding(Sort.DOUBLED, HANDOFF_OF[kind], task.key or None, cause, [older.id, task.id])


def _opens_a_round(evidence: Evidence, recorded: RecordedOccurrence, kind: TaskKind) -> bool:
    """Whether a revision opened a round of its own (docs/process.md 6.16)."""
    key, ticket = keys.parse(recorded.key), evidence.tickets.get(recorded.record.id)
    if not isinstance(key, RevisionKey):
        return False
    if ticket is None:
        return True  # it may have: of a ticket that was deleted since the CRM shows no histories
    found = rounds(evidence.context, ticket, kind, TASK_READER[kind], by_ledger=False)
    return any(one.opened == key.ms for one in found)


def _still_open(evidence: Evidence, earlier: Iterable[ExistingTask], task: ExistingTask) -> ExistingTask | None:
    """The first of the earlier tasks that was open when this one was made, and should have done for it."""
    for other in earlier:
        if not other.was_open_at(task.made_at) or other.key == (task.key or None):
            continue  # two that carry one key are found as copies
        # One that a decline is still to close, once it knows its next date, stands for nothing asked since.
        end = evidence.context.declined_after(other.made_at)
        if end is None or end.at > task.made_at:
            return other
    return None


def _left_open(evidence: Evidence) -> Iterator[Finding]:
    """Tasks to share an Ad Set that were to be closed when the set was announced again (docs/process.md 5.20).

    Announcements of earlier versions closed none.
    """
    by_cycle: dict[str, list[Announcement]] = {}
    for recorded in filter(is_announcement, evidence.context.ledger.of(Handoff.SET_READY)):
        by_cycle.setdefault(recorded.cycle, []).append(Announcement(recorded, entries_of(evidence.context, recorded)))
    for announced in by_cycle.values():
        for place, newer in enumerate(announced):
            made = [task for task in newer.tasks if evidence.task_exists(task)]
            if not made or ANNOUNCEMENT not in newer.recorded.detail:
                continue
            to_come = {effect.slot for effect in newer.recorded.effects if effect.is_unfinished}
            same = [older for older in announced[:place] if _is_same(evidence, older, newer)]
            for task in (task for older in same for task in older.tasks):
                found = evidence.tasks.get(task)
                if found is None or found.was_ever_completed or close_slot(task) in to_come:
                    continue
                if evidence.counts(found.made_at):
                    cause = (
                        f"task {task} is still open, though task {made[0]} to share the same Ad Set was made after it"
                    )
                    yield evidence.finding(Sort.DOUBLED, Handoff.SET_READY, newer.recorded.key, cause, [task, made[0]])


def _is_same(evidence: Evidence, older: Announcement, newer: Announcement) -> bool:
    """Whether the older one was of the same set, as far as that does not hang on what has happened since."""
    if not older.was_made:
        return False
    if newer.name != "" and older.name == newer.name:
        return True
    at = newer.recorded.decided_at
    return _tickets_as_of(evidence, older, at) <= _tickets_as_of(evidence, newer, at)


def _tickets_as_of(evidence: Evidence, one: Announcement, at: datetime) -> set[RecordRef]:
    """The tickets that it held, as they were merged by then: a later merge alone closes no task (docs/process.md M.7)."""
    key = keys.parse(one.recorded.key)
    assert isinstance(key, SetReadyKey)
    into = {f.record: f.into for f in evidence.context.ledger.former if f.at is None or f.at <= at}
    found = set()
    for entry in key.entries:
        ticket = RecordRef(Kind.TICKET, entry.ticket)
        while ticket in into and into[ticket] != ticket:
            ticket = into[ticket]
        found.add(ticket)
    return found


def _shared(evidence: Evidence) -> Iterator[Finding]:
    keys: dict[str, list[str]] = {}
    for key, effect in evidence.recorded_tasks.items():
        if effect.crm_id is not None and evidence.counts(effect.state_at):
            keys.setdefault(effect.crm_id, []).append(key)
    for task, of in keys.items():
        if len(of) > 1:
            cause = f"the ledger has task {task} for {len(of)} different things: {', '.join(sorted(of))}"
            yield evidence.finding(Sort.UNEXPLAINED, None, min(of), cause, [task])
