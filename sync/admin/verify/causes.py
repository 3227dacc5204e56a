"""Does the history show the cause that a task's key names? One function for each handoff, each says why not, or None.

They raise `NotJudgedError` where the visible history does not reach back to the cause.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from mappings.vocabulary import Handoff, Status, TaskKind
from sync.admin.inventory import ExistingTask
from sync.admin.verify.evidence import Evidence
from sync.admin.verify.history import NotJudgedError, day, reaches
from sync.clock import from_ms, start_of_day, to_ms
from sync.crm import Kind, RecordRef
from sync.rules.cycle import START
from sync.rules.handoffs.revisions import ROLES_OF

AFTER_AN_END = timedelta(minutes=15)
"""How long after a decline a task of the cycle that it ended may still come: it was being made already."""


def unexplained(evidence: Evidence, handoff: Handoff, task: ExistingTask, kind: TaskKind) -> str | None:
    """Say why the history does not explain this task that carries a key; None if it does. Raises `NotJudgedError`."""
    parts = task.key.rpartition("/")[0].split(":", 3)
    without_cause = _OF_HANDOFF.get(handoff)
    why = None if without_cause is None else without_cause(evidence, parts, kind)
    return why or _after_decline(evidence, handoff, task)


def _kickoff(evidence: Evidence, parts: Sequence[str], _: TaskKind) -> str | None:
    return _no_cycle(evidence, parts[2]) or _no_anchor(evidence, int(parts[3]))


def _date_arrived(evidence: Evidence, parts: Sequence[str], _: TaskKind) -> str | None:
    return _no_cycle(evidence, parts[2]) or _no_date(evidence, parts[3])


def _tickets(evidence: Evidence, parts: Sequence[str], _: TaskKind) -> str | None:
    if evidence.tickets[parts[1]].came_in is None:
        raise NotJudgedError("the ticket has left the deliverables pipeline since")
    return None


def _set_ready(evidence: Evidence, parts: Sequence[str], _: TaskKind) -> str | None:
    return _no_cycle(evidence, parts[2]) or _no_entries(evidence, parts[3].split(","))


def _revisions(evidence: Evidence, parts: Sequence[str], kind: TaskKind) -> str | None:
    history, ms = evidence.tickets[parts[1]].revision_history, int(parts[2])
    version = next((version for version in history if version.ms == ms), None)
    if version is None:
        reaches(history, from_ms(ms), "Needs Revisions")
        return f"Needs Revisions was not set on {evidence.local(from_ms(ms))}"
    asked = [] if version.value is None else [kind for kind, _ in ROLES_OF.get(version.value, ())]
    if kind not in asked:
        return f"what was set on {evidence.local(version.at)} does not ask this role for a revision"
    return None


def _approved(evidence: Evidence, parts: Sequence[str], _: TaskKind) -> str | None:
    history, ms = evidence.portfolio.status_history, int(parts[2])
    if any(version.ms == ms and version.value is Status.CREATIVES_APPROVED for version in history):
        return None
    reaches(history, from_ms(ms), "the status")
    return f"the client's approval was not set on {evidence.local(from_ms(ms))}"


_OF_HANDOFF: Mapping[Handoff, Callable[[Evidence, Sequence[str], TaskKind], str | None]] = {
    Handoff.KICKOFF: _kickoff,
    Handoff.DATE_ARRIVED: _date_arrived,
    Handoff.TICKETS: _tickets,
    Handoff.SET_READY: _set_ready,
    Handoff.REVISIONS: _revisions,
    Handoff.APPROVED: _approved,
}


# -- parts of a cause


def _no_cycle(evidence: Evidence, cycle: str) -> str | None:
    if cycle == START or any(str(to_ms(closing.at)) == cycle for closing in evidence.context.closings):
        return None
    ending = next((v for v in evidence.portfolio.status_history if str(v.ms) == cycle), None)
    if ending is not None and ending.value is Status.CREATIVES_IMPLEMENTED:
        return None  # moved on by a person in the very moment of its reset: the history shows a slip
    started = from_ms(int(cycle))
    reaches(evidence.portfolio.status_history, started, "the status")
    return f"no cycle of this portfolio began on {evidence.local(started)}"


def _no_anchor(evidence: Evidence, ms: int) -> str | None:
    history = evidence.portfolio.date_history
    if ms == 0 or any(version.ms == ms and evidence.context.out_of_window(version) for version in history):
        return None
    reaches(history, from_ms(ms), "the Refresh Date")
    return f"the Refresh Date was not moved out of the window on {evidence.local(from_ms(ms))}"


def _no_date(evidence: Evidence, wanted: str) -> str | None:
    history = evidence.portfolio.date_history
    if any(version.value is not None and version.value.isoformat() == wanted for version in history):
        return None
    reaches(history, start_of_day(day(wanted), evidence.context.mapping.zone), "the Refresh Date")
    return f"the Refresh Date never was {wanted}"


def _no_entries(evidence: Evidence, entries: Sequence[str]) -> str | None:
    for entry in entries:
        ticket, _, ms = entry.partition("@")
        found = evidence.tickets.get(ticket)
        if found is None:
            raise NotJudgedError(f"ticket {ticket} is no longer on this portfolio")
        if ms in {str(to_ms(found.stage_since)), str(to_ms(found.created_at))}:
            continue
        history, stage = evidence.stages.of(ticket), evidence.stages.pending_approval
        if not any(version.value == stage and str(to_ms(version.at)) == ms for version in history):
            entered = from_ms(int(ms))
            reaches(history, entered, f"the stage of ticket {ticket}")
            return f"ticket {ticket} did not come into the stage of approval on {evidence.local(entered)}"
    return None


# -- what a decline rules out


def _after_decline(evidence: Evidence, handoff: Handoff, task: ExistingTask) -> str | None:
    """Say that the task was made after its cycle had been declined; None if it was not.

    What a merge or a ticket brought along may be of a cycle of another portfolio, which the CRM does not tell.
    """
    parts = task.key.rpartition("/")[0].split(":")
    of_ticket = handoff in {Handoff.TICKETS, Handoff.REVISIONS}
    if evidence.portfolio.has_absorbed or (of_ticket and _was_elsewhere(evidence, parts[1])):
        return None
    begun: datetime | None
    if handoff is Handoff.TICKETS:
        begun = evidence.tickets[parts[1]].came_in
    else:
        begun = from_ms(0 if parts[2] == START else int(parts[2]))
    decline = None if begun is None else evidence.context.declined_after(begun)
    if decline is None or task.made_at <= decline.at + AFTER_AN_END:
        return None
    made, declined = evidence.local(task.made_at), evidence.local(decline.at)
    return f"it was made on {made}, after the client had declined on {declined}"


def _was_elsewhere(evidence: Evidence, ticket: str) -> bool:
    """Whether something was made on the ticket while it was on another portfolio, or on none."""
    on = (task.on for task in evidence.tasks.values())
    return any(RecordRef(Kind.TICKET, ticket) in records and evidence.portfolio.ref not in records for records in on)
