"""Tasks that lines are added to, read just before: all that stands in their body is kept."""

from collections.abc import Mapping, Sequence

from sync.crm import CRM, TASK_BODY, TASK_COMPLETED, TASK_STATUS, CRMReader, Kind, Outcome, Record, Update
from sync.errors import HandoffsError
from sync.passes.effects.attempts import Attempts, Performed
from sync.passes.effects.payloads import addressed_task
from sync.rules.task_marks import with_line
from sync.storage.ledger import LedgerEffect


def claim_and_read(
    crm: CRMReader, attempts: Attempts, effects: Sequence[LedgerEffect], done: Performed
) -> tuple[list[LedgerEffect], Mapping[str, Record]]:
    """Claim these and read their tasks: those that can be tried, and the tasks as they stand, by id; a deleted one is missing.

    One whose task came incomplete is put off. Raises the port's errors, with every claim given up.
    """
    claimed = attempts.claim(effects)
    mine = [effect for effect in effects if effect.key in claimed]
    if not mine:
        return [], {}
    ids = sorted({addressed_task(effect) for effect in mine}, key=int)
    try:
        reading = crm.read_each(Kind.TASK, ids, [TASK_STATUS, TASK_BODY])
    except HandoffsError as error:
        attempts.release(mine, str(error))
        raise
    for effect in mine:
        if addressed_task(effect) in reading.faulty:
            attempts.put_off(effect, str(reading.faulty[addressed_task(effect)]), done)
    return [effect for effect in mine if addressed_task(effect) not in reading.faulty], reading.found


def send(
    crm: CRM,
    attempts: Attempts,
    effects: Sequence[LedgerEffect],
    tasks: Mapping[str, Record],
    lines: Mapping[str, str],
    more: Mapping[str, str],
) -> list[tuple[LedgerEffect, Outcome]]:
    """Add to each task the lines (by effect key) of all its effects, in one update, and set what `more` says.

    What came of each effect is what came of its task's update: of two updates the second would forget the first one's line.
    Raises the port's errors.
    """
    bodies: dict[str, str] = {}
    for effect in effects:
        task = addressed_task(effect)
        before = bodies.get(task, tasks[task].properties.get(TASK_BODY, ""))
        bodies[task] = with_line(before, lines[effect.key])
    updates = [Update(task, {**more, TASK_BODY: bodies[task]}) for task in sorted(bodies, key=int)]
    sent = attempts.send(effects, lambda: crm.update(Kind.TASK, updates)) if updates else []
    outcomes = {update.id: outcome for update, outcome in zip(updates, sent, strict=True)}
    return [(effect, outcomes[addressed_task(effect)]) for effect in effects]


def is_open(task: Record | None) -> bool:
    return task is not None and task.properties.get(TASK_STATUS, "") != TASK_COMPLETED
