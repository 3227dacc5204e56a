"""Tasks that lines are added to, read just before: all that stands in their body is kept."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

from sync.crm import (
    CRM,
    LONGEST_TEXT,
    TASK_BODY,
    TASK_COMPLETED,
    TASK_STATUS,
    Applied,
    CRMReader,
    Kind,
    Outcome,
    Record,
    Rejected,
    Update,
)
from sync.errors import HandoffsError
from sync.passes.effects.attempts import Attempts, Performed
from sync.passes.effects.payloads import addressed_task
from sync.rules.task_marks import with_line
from sync.storage.ledger import LedgerEffect

_FULL: Final = f"its text is full ({LONGEST_TEXT:,} characters)"


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
    A line for which a task's text has no room, or with which HubSpot refuses the text, is left out where `more` is to be
    set all the same: `Applied.message` says so. Raises the port's errors.
    """
    bodies: dict[str, str] = {}
    without: set[str] = set()
    for effect in effects:
        task = addressed_task(effect)
        before = bodies.get(task, tasks[task].properties.get(TASK_BODY, ""))
        after = with_line(before, lines[effect.key])
        if length(after) <= LONGEST_TEXT:
            bodies[task] = after
        else:
            without.add(effect.key)
    outcomes = _updated(crm, attempts, effects, {**dict.fromkeys(map(addressed_task, effects)), **bodies}, more)
    return [(effect, _told(effect, outcomes, without, closes=bool(more))) for effect in effects]


def _updated(
    crm: CRM,
    attempts: Attempts,
    effects: Sequence[LedgerEffect],
    bodies: Mapping[str, str | None],
    more: Mapping[str, str],
) -> dict[str, tuple[Outcome, bool]]:
    """What came of each task's update, and whether with its body; None for a body that stays as it is."""
    wanted = {task: {**more, **({} if body is None else {TASK_BODY: body})} for task, body in bodies.items()}
    outcomes = {task: (out, True) for task, out in _sent(crm, attempts, effects, wanted).items()}
    refused = [task for task, (outcome, _) in outcomes.items() if isinstance(outcome, Rejected) and not outcome.missing]
    again = {task: dict(more) for task in refused if more and TASK_BODY in wanted[task]}
    return outcomes | {task: (out, False) for task, out in _sent(crm, attempts, effects, again).items()}


def _sent(
    crm: CRM, attempts: Attempts, effects: Sequence[LedgerEffect], wanted: Mapping[str, Mapping[str, str]]
) -> dict[str, Outcome]:
    updates = [Update(task, properties) for task, properties in sorted(wanted.items(), key=_by_id) if properties]
    sent = attempts.send(effects, lambda: crm.update(Kind.TASK, updates)) if updates else []
    return {update.id: outcome for update, outcome in zip(updates, sent, strict=True)}


def _by_id(item: tuple[str, object]) -> int:
    return int(item[0])


def _told(
    effect: LedgerEffect, outcomes: Mapping[str, tuple[Outcome, bool]], without: Collection[str], *, closes: bool
) -> Outcome:
    """What came of an effect: of its task's update, and of its own line."""
    if effect.key in without and not closes:
        return Rejected(f"{_FULL}: shorten the text of this task in HubSpot; it is tried again every day")
    outcome, whole = outcomes[addressed_task(effect)]
    if not isinstance(outcome, Applied) or (whole and effect.key not in without):
        return outcome
    why = _FULL if effect.key in without else "HubSpot refuses its text with it"
    return replace(outcome, message=f"closed without the line that says why: {why}")


def length(text: str) -> int:
    """Count a text's characters as HubSpot may: an emoji as two."""
    return len(text.encode("utf-16-le")) // 2


def is_open(task: Record | None) -> bool:
    return task is not None and task.properties.get(TASK_STATUS, "") != TASK_COMPLETED
