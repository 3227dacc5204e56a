"""Does the history show the cause that a task's key names? Each function says why not, or None.

They raise `NotJudgedError` where the visible history does not reach back to the cause.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from mappings.vocabulary import Revision, Status, TaskKind
from sync.admin.inventory import ExistingTask
from sync.admin.verify.evidence import FORGETFUL, Evidence
from sync.admin.verify.history import NotJudgedError, reaches, standing, too_short
from sync.clock import CLOCKS_APART, from_ms, local_date, start_of_day, to_ms
from sync.crm import Kind, RecordRef
from sync.rules.handoffs.rounds import ROLES_OF
from sync.rules.handoffs.wording import word
from sync.rules.keys import (
    START,
    ApprovedKey,
    DateArrivedKey,
    Entry,
    KickoffKey,
    OccurrenceKey,
    RevisionKey,
    SetReadyKey,
    TicketKey,
)
from sync.rules.model import History, Version

AFTER_AN_END = timedelta(minutes=15)
"""How long after a decline a task of the cycle that it ended may still come: it was being made already."""


def unexplained(evidence: Evidence, key: OccurrenceKey, kind: TaskKind, task: ExistingTask) -> str | None:
    """Say why the history does not explain this task of this kind and key; None if it does. Raises `NotJudgedError`."""
    asked_nobody = _without_cause(evidence, key, kind) or _no_work(evidence, key)
    return asked_nobody or _after_decline(evidence, key, task)


def _without_cause(evidence: Evidence, key: OccurrenceKey, kind: TaskKind) -> str | None:
    match key:
        case KickoffKey(_, cycle, anchor):
            early = _too_early(evidence, key)
            return _no_cycle(evidence, cycle) or _no_anchor(evidence, anchor) or early
        case DateArrivedKey(_, cycle, day):
            return _no_cycle(evidence, cycle) or _no_date(evidence, day)
        case TicketKey(ticket):
            if evidence.tickets[ticket].came_in is None:
                raise NotJudgedError("the ticket has left the deliverables pipeline since")
            return None
        case SetReadyKey(_, cycle, entries):
            return _no_cycle(evidence, cycle) or _no_entries(evidence, entries)
        case RevisionKey(ticket, ms):
            return _no_revision(evidence, evidence.tickets[ticket].revision_history, ms, kind)
        case ApprovedKey(_, ms):
            return _no_approval(evidence, ms)
        case _:
            return None  # no other form is the key of a task


def _no_revision(evidence: Evidence, history: History[Revision | None], ms: int, kind: TaskKind) -> str | None:
    version = next((version for version in history if version.ms == ms), None)
    if version is None:
        name = word(evidence.context, "needs_revisions")
        reaches(history, from_ms(ms), name)
        return f"{name} was not set on {evidence.local(from_ms(ms))}"
    asked = [] if version.value is None else [kind for kind, _ in ROLES_OF.get(version.value, ())]
    if kind not in asked:
        return f"what was set on {evidence.local(version.at)} does not ask this role for a revision"
    return None


def _no_approval(evidence: Evidence, ms: int) -> str | None:
    history = evidence.portfolio.status_history
    if any(version.ms == ms and version.value is Status.CREATIVES_APPROVED for version in history):
        return None
    reaches(history, from_ms(ms), "the status")
    return f"the client's approval was not set on {evidence.local(from_ms(ms))}"


def _too_early(evidence: Evidence, key: KickoffKey) -> str | None:
    """docs/process.md 1.3, by the window that was in force when it was decided."""
    recorded = evidence.context.ledger.recorded.get(evidence.context.ledger.text_of(key))
    if recorded is None or recorded.decided_at < evidence.times.ledger_began or evidence.portfolio.absorbed:
        return None
    at, history = recorded.decided_at, evidence.portfolio.date_history
    if not history or history[-1].at > at - AFTER_AN_END:
        return None
    then, mapping = evidence.context.past.at(at), evidence.context.mapping
    window, zone = (mapping.rules.window_days, mapping.zone) if then is None else (then.window_days, then.zone)
    today = local_date(at, zone)
    days = [when for when in standing(history, at - AFTER_AN_END, at + CLOCKS_APART) if when is not None]
    if any((when - today).days <= window for when in days):
        return None
    return f"the Refresh Date was more than {window} days away on {evidence.local(at)}"


def _no_work(evidence: Evidence, key: OccurrenceKey) -> str | None:
    """docs/process.md 4.4, 4.5: a ticket from before going live, or one that was closed when it was decided, brings none."""
    if not isinstance(key, TicketKey):
        return None
    ticket = evidence.tickets[key.ticket]
    recorded = evidence.context.ledger.recorded.get(evidence.context.ledger.text_of(key))
    if recorded is None or recorded.decided_at < evidence.times.ledger_began:
        return None  # taken back: when that was decided, and what going live was then, nobody knows any more
    if ticket.came_in is not None and ticket.came_in < evidence.context.times.go_live:
        return f"ticket {ticket.id} came before going live"
    if ticket.absorbed:
        return None
    at, history = recorded.decided_at, evidence.histories.stage_of(ticket.id)
    begun = max(at - AFTER_AN_END, ticket.created_at)
    if not history or history[-1].at > begun:
        return None
    raw = tuple(Version(version.value, version.at) for version in history)
    if set(standing(raw, begun, at)) <= evidence.histories.closed:
        return f"ticket {ticket.id} was closed on {evidence.local(at)}, when that was decided"
    return None


# -- parts of a cause


def _no_cycle(evidence: Evidence, cycle: str) -> str | None:
    if cycle == START or any(str(to_ms(closing.at)) == cycle for closing in evidence.context.closings):
        return None
    ending = next((v for v in evidence.portfolio.status_history if str(v.ms) == cycle), None)
    if ending is not None and ending.value is Status.CREATIVES_IMPLEMENTED:
        return None  # moved on by a person in the very moment of its reset: the history shows a slip
    if ending is not None and evidence.portfolio.absorbed and ending.value is Status.NO_REFRESH_REQUESTED:
        return None  # a cycle of a record that was merged into this one
    started = from_ms(int(cycle))
    reaches(evidence.portfolio.status_history, started, "the status")
    return f"no cycle of this portfolio began on {evidence.local(started)}"


def _no_anchor(evidence: Evidence, ms: int) -> str | None:
    history = evidence.portfolio.date_history
    past = evidence.context.past
    for version in history:
        # Where it is not known which mapping was in force, that kickoff may have gone by another window or zone.
        if version.ms == ms and (evidence.context.out_of_window(version) or not past.is_known(version.at)):
            return None
    if ms == 0:
        return None
    reaches(history, from_ms(ms), "the Refresh Date")
    return f"the Refresh Date was not moved out of the window on {evidence.local(from_ms(ms))}"


def _no_date(evidence: Evidence, wanted: date) -> str | None:
    history = evidence.portfolio.date_history
    if any(version.value == wanted for version in history):
        return None
    if evidence.portfolio.absorbed and len(history) >= FORGETFUL:
        # It was set before it came, and of several records the history may begin with another's version since.
        raise NotJudgedError(too_short("the Refresh Date"))
    reaches(history, start_of_day(wanted, evidence.context.mapping.zone), "the Refresh Date")
    return f"the Refresh Date never was {wanted}"


def _no_entries(evidence: Evidence, entries: Sequence[Entry]) -> str | None:
    for entry in entries:
        ticket = evidence.context.ledger.current(RecordRef(Kind.TICKET, entry.ticket)).id
        found = evidence.tickets.get(ticket)
        if found is None:
            raise NotJudgedError(f"ticket {entry.ticket} is no longer on this portfolio")
        if entry.ms in {to_ms(found.stage_since), to_ms(found.created_at)}:
            continue
        history = evidence.histories.stage_of(ticket)
        stages = {
            evidence.histories.pending_approval,
            *(one.pending_approval for one in evidence.context.past.mappings),
        }
        if not any(version.value in stages and to_ms(version.at) == entry.ms for version in history):
            entered = from_ms(entry.ms)
            reaches(history, entered, f"the stage of ticket {entry.ticket}")
            return f"ticket {entry.ticket} did not come into the stage of approval on {evidence.local(entered)}"
    return None


# -- what a decline rules out


def _after_decline(evidence: Evidence, key: OccurrenceKey, task: ExistingTask) -> str | None:
    """Say that the task was made after its cycle had been declined; None if it was not.

    A decline that came and went outside of the condition of then ends nothing (docs/process.md W.7, F.2). What a merge or a
    ticket brought along may be of a cycle of another portfolio, which the CRM does not tell. Raises `NotJudgedError`.
    """
    of_ticket = key.record.kind is Kind.TICKET
    merged = evidence.portfolio.absorbed or (of_ticket and evidence.tickets[key.record.id].absorbed)
    if merged or (of_ticket and _was_elsewhere(evidence, key.record)):
        return None
    begun: datetime | None
    match key:
        case TicketKey(ticket):
            begun = evidence.tickets[ticket].came_in
        case RevisionKey(_, ms) | ApprovedKey(_, ms):
            begun = from_ms(ms)
        case _:
            begun = from_ms(0 if key.cycle_told in {"", START} else int(key.cycle_told))
    decline = None if begun is None else evidence.context.declined_after(begun)
    if decline is None or task.made_at <= decline.at + AFTER_AN_END:
        return None
    made, declined = evidence.local(task.made_at), evidence.local(decline.at)
    cause = f"it was made on {made}, after the client had declined on {declined}"
    if evidence.context.mapping.portfolio.condition and evidence.context.times.is_older_than_ledger(task.made_at):
        raise NotJudgedError(
            f"{cause}: whether the mapping's condition held then, this ledger, which is younger, does not know"
        )
    return cause


def _was_elsewhere(evidence: Evidence, ticket: RecordRef) -> bool:
    """Whether something was made on the ticket while it was on another portfolio, or on none."""
    on = (task.on for task in evidence.tasks.values())
    return any(ticket in records and evidence.portfolio.ref not in records for records in on)
