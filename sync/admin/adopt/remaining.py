"""Report what is left once the rest is recorded: what is due, and tasks that nothing asks for."""

from mappings.vocabulary import Handoff, Status, TaskKind
from sync.admin.adopt.adoption import AdoptionLine
from sync.admin.adopt.recorder import Recorder
from sync.rules.decide import decide
from sync.rules.handoffs.wording import status_name
from sync.rules.model import State
from sync.rules.process import HANDOFF_OF
from sync.rules.transition import untried


def silence_dates(recorder: Recorder) -> None:
    """Record the kickoffs and arrived dates that are due as done, so that none of them fires."""
    for handoff in (Handoff.KICKOFF, Handoff.DATE_ARRIVED):
        for occurrence in recorder.new_of(decide(recorder.context), handoff):
            recorder.record(occurrence, [], f"{occurrence.reason}; silenced when the service was installed")


def report_due(recorder: Recorder) -> None:
    """Report what the rules will do in the next pass, or would but for something that a person must mend."""
    for verdict in decide(recorder.context).verdicts:
        due = verdict.occurrence
        if due is not None and (verdict.state is State.BLOCKED or untried(due, recorder.context.ledger)):
            recorder.due.append(recorder.line(due, due.key, None, verdict.reason + _leftover(recorder, due.handoff)))


def _leftover(recorder: Recorder, handoff: Handoff) -> str:
    """Say why a client who seems to have declined is asked: the status is left of the refresh before."""
    context = recorder.context
    if (
        handoff not in {Handoff.KICKOFF, Handoff.DATE_ARRIVED}
        or context.portfolio.status is not Status.NO_REFRESH_REQUESTED
    ):
        return ""
    return f"; {status_name(context, Status.NO_REFRESH_REQUESTED)} in the status is left of the refresh before"


def report_unasked_tasks(recorder: Recorder) -> None:
    """Report the open tasks with a subject of the service's that nothing in this cycle asks for."""
    portfolio = recorder.context.portfolio
    for task in recorder.free:
        kind = next((kind for kind in TaskKind if recorder.texts.is_subject_of(kind, task.subject)), None)
        if kind is not None and task.is_open:
            handoff = HANDOFF_OF[kind]
            why = f"the open task “{task.subject}” looks like handoff {handoff}'s, but nothing asks for it now"
            record = min(task.on & {portfolio.ref, *(ticket.ref for ticket in recorder.context.snapshot.tickets)})
            recorder.unmatched.append(AdoptionLine(portfolio.id, portfolio.name, handoff, record, None, task.id, why))
