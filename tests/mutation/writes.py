"""Faults in what is written: on which record, over what, with what need, and what becomes of what people wrote there."""

from tests.mutation.mutant import Mutant
from tests.mutation.rules import decision

CLOSINGS, WRITES = "sync/passes/effects/closings.py", "sync/passes/effects/writes.py"
REVISIONS, SET_READY = "sync/rules/handoffs/revisions.py", "sync/rules/handoffs/set_ready.py"
CLOSED, MODEL = "sync/rules/handoffs/closed.py", "sync/rules/model.py"

_BODY = 'TASK_BODY: task.properties.get(TASK_BODY, "") + line}'

MUTANTS = (
    Mutant("body-overwritten", "The line that says why takes the place of the task's body.", CLOSINGS, _BODY, "TASK_BODY: line}"),
    Mutant(
        "body-line-first", "The line that says why is put before what stands in the task's body.",
        CLOSINGS, _BODY, 'TASK_BODY: line + task.properties.get(TASK_BODY, "")}',
    ),
    Mutant(
        "body-without-line", "A task is closed without a line that says why.",
        CLOSINGS, f"TASK_STATUS: TASK_COMPLETED, {_BODY}", "TASK_STATUS: TASK_COMPLETED}",
    ),
    Mutant(
        "closed-though-completed", "A task that a person has ticked meanwhile is closed once more.",
        CLOSINGS, 'return task is not None and task.properties.get(TASK_STATUS, "") != TASK_COMPLETED', "return task is not None",
        test="tests/story/handoffs/test_edits.py::test_a_person_completes_the_task_that_a_decline_is_about_to_close",
        why="A person must tick it between the decision and the closing's own reading: no seed that was played has that.",
    ),
    Mutant(
        "closed-though-reopened", "A task that a person has opened again since the end is closed.",
        MODEL, "return self.is_open and (self.reopened_at is None or self.reopened_at < moment)", "return self.is_open",
        test=decision("2a a lost database: what a person has opened again since stays open"),
    ),
    Mutant(
        "closed-before-the-reset", "The implementation task is closed though the reset may never be written.",
        CLOSED, 'is completed, {reason}", after)', 'is completed, {reason}")',
        test="tests/unit/handoffs/test_8_closed.py::test_8_reset_is_one_write_and_9_waits_for_it",
        why="What waits for the write of its occurrence waits anyway, unless the CRM refuses that.",
    ),
    Mutant(
        "stage-as-it-is", "A ticket that is In Progress is put there once more.",
        REVISIONS, 'if ticket.raw.get(names.stage, "") != context.in_progress:', "if True:",
    ),
)  # fmt: skip
