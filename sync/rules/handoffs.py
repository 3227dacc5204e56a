"""The ten handoffs, in the order of the teams' article: one function each, pure, a ladder of early returns.

Each says for the record before it what is true, and what is to be done. The reasons are what `explain` prints.
Nothing here reads, writes, or knows the time but through the `Case`.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta

from mappings.vocabulary import EmailKind, Handoff, Revision, Role, Stage, Status, TaskKind
from sync.clock import CLOCKS_APART, from_ms, start_of_day, to_ms
from sync.crm import RecordRef
from sync.rules.context import Context, note_variables, state_of, ticket_variables
from sync.rules.cycle import Ending
from sync.rules.model import (
    NOT_YET,
    RECOVERED,
    STANDS,
    UNRESOLVED,
    CloseTask,
    Effect,
    EffectState,
    Email,
    NewTask,
    Occurrence,
    OwnTask,
    RecordedOccurrence,
    State,
    Ticket,
    Verdict,
    Version,
    Write,
)

EARLY = frozenset({None, Status.REFRESH_REQUEST_SUBMITTED, Status.NO_REFRESH_REQUESTED})
"""Statuses that do not yet say that the SAS has acted; No Refresh Requested is left over from the cycle before."""

SUBMITTED = EARLY | {Status.DELIVERABLES_SUBMITTED}
"""Statuses that a ready Ad Set advances."""

Work = tuple[tuple[TaskKind, Role], ...]
"""Tasks, each with the role that it is for."""

CREATIVE_WORK: Work = ((TaskKind.WRITE_COPY, Role.COPYWRITER), (TaskKind.DESIGN_GRAPHICS, Role.GRAPHIC_DESIGNER))
"""What a new ticket asks for."""

ROLES_OF: Mapping[Revision, Work] = {
    Revision.COPY: ((TaskKind.REVISE_COPY, Role.COPYWRITER),),
    Revision.GRAPHIC: ((TaskKind.REVISE_GRAPHICS, Role.GRAPHIC_DESIGNER),),
    Revision.COPY_AND_GRAPHIC: (
        (TaskKind.REVISE_COPY, Role.COPYWRITER),
        (TaskKind.REVISE_GRAPHICS, Role.GRAPHIC_DESIGNER),
    ),
}


# 1 · Automation → Account Manager


def kickoff(context: Context) -> list[Verdict]:
    """Once a cycle, when the Refresh Date comes within the window."""
    portfolio, today = context.portfolio, context.times.today
    when = portfolio.refresh_date
    if when is None:
        return [_not_applicable(context, Handoff.KICKOFF, "the portfolio has no Refresh Date")]
    if context.pending:
        return [_after_ending(context, Handoff.KICKOFF)]
    days = (when - today).days
    if days > context.window:
        opens = start_of_day(date.fromordinal(when.toordinal() - context.window), context.mapping.zone)
        reason = f"the Refresh Date {_day(when)} is {days} days away; the kickoff comes at {context.window}"
        return [_waiting(context, Handoff.KICKOFF, reason, opens)]
    anchor = _window_anchor(context)
    before = [recorded for recorded in context.ledger.of(Handoff.KICKOFF, context.cycle) if recorded.settled]
    if before and _cause_of(before[-1].key) >= anchor:
        return [_done(before[-1])]
    if portfolio.status is Status.UNMAPPED:
        return [_not_applicable(context, Handoff.KICKOFF, _unmapped(context))]
    if portfolio.status not in {None, Status.NO_REFRESH_REQUESTED}:
        return [_superseded(context, Handoff.KICKOFF, f"the status has already moved on to {_status(context)}")]
    owner, blocked = context.owner(Role.ACCOUNT_MANAGER)
    variables = context.variables()
    effects: list[Effect] = []
    if portfolio.status is Status.NO_REFRESH_REQUESTED:
        effects.append(_status_write(context, None))
    effects.append(NewTask(TaskKind.KICKOFF, Role.ACCOUNT_MANAGER, owner, (portfolio.ref,), variables, blocked))
    effects.append(Email(EmailKind.KICKOFF, Role.ACCOUNT_MANAGER, owner, variables, None, blocked))
    reason = f"the Refresh Date {_day(when)} is {_distance(days)}"
    key = f"1:{portfolio.id}:{context.cycle}:{anchor}"
    return [_due(context, Handoff.KICKOFF, key, reason, effects)]


def _window_anchor(context: Context) -> int:
    """What the kickoff of this cycle hangs on: the newest date of the cycle that was out of the window, or 0."""
    started, history = context.cycle_started, context.portfolio.date_history
    return max(
        (
            version.ms
            for version in history
            if (started is None or version.at >= started)
            and context.out_of_window(version)
            and not context.passed_outside(version, history)
        ),
        default=0,
    )


# 2a · Account Manager → System


def declined(context: Context) -> list[Verdict]:
    """Once a closing version: the date moves on, and what the cycle had open is closed."""
    mine = context.pending_declines
    if not mine:
        before = [recorded for recorded in context.ledger.of(Handoff.DECLINED) if recorded.settled]
        if before and context.portfolio.status is Status.NO_REFRESH_REQUESTED:
            return [_done(before[-1])]
        return [_not_applicable(context, Handoff.DECLINED, "the client has not declined in this cycle")]
    ending = mine[0]
    if ending is not context.pending[0]:
        return [_after_ending(context, Handoff.DECLINED)]
    key = context.ending_key(ending)
    cycle = context.cycle_ended_by(ending)
    if _was_recovered(context, ending):
        # Whether a ticket was on this portfolio at that time nobody knows any more: its tasks are left alone.
        tasks = _tasks_of_cycle(context, cycle, on=(context.portfolio.ref,))
        return [_ended_before(context, Handoff.DECLINED, ending, "the date was moved", tasks)]
    reason = f"the client declined: {_name(context, Status.NO_REFRESH_REQUESTED)} was set on {_at(context, ending.closing.at)}"
    values: dict[str, str] = {}
    if context.mapping.rules.clear_declined_status and context.portfolio.status is Status.NO_REFRESH_REQUESTED:
        values[context.mapping.portfolio.properties.status] = ""
    write = _date_write(context, values)
    known = context.ledger.recorded.get(key)  # decided before: what has come into the cycle since is not closed
    slots = None if known is None else {effect.slot for effect in known.effects}
    to_close = context.tasks(_tasks_of_cycle(context, cycle))
    close = [CloseTask(task.id, reason) for task in to_close if task.is_open_since(ending.closing.at)]
    effects: list[Effect] = [write, *(effect for effect in close if slots is None or effect.slot in slots)]
    verdict = _due(context, Handoff.DECLINED, key, reason, effects, cause_at=ending.closing.at, cycle=cycle)
    return [_with_block(verdict, write)]


def _tasks_of_cycle(context: Context, cycle: str, on: Collection[RecordRef] | None = None) -> list[str]:
    """The tasks that the service itself made in a cycle, by any handoff (for these records); adopted ones are people's."""
    found = []
    for recorded in context.ledger.recorded.values():
        if recorded.cycle != cycle or (on is not None and recorded.record not in on):
            continue
        found += [e.crm_id for e in recorded.effects if e.kind == "task" and e.crm_id is not None and not e.adopted]
    return sorted(found, key=int)


# 2b · Account Manager → Social Ad Specialist


def confirmed(context: Context) -> list[Verdict]:
    """Notation only: recorded once a version, nothing is done."""
    verdicts = []
    for version in _versions(context, Status.REFRESH_REQUEST_SUBMITTED):
        key = f"2b:{context.portfolio.id}:{version.ms}"
        if context.ledger.settled(key) is None:
            reason = f"the client's yes was noted on {_at(context, version.at)}; notation only"
            verdicts.append(_recorded(context, Handoff.CONFIRMED, key, reason, version.at))
    if verdicts:
        return verdicts
    before = list(context.ledger.of(Handoff.CONFIRMED, context.cycle))
    if before:
        return [_done(before[-1])]
    return [_not_applicable(context, Handoff.CONFIRMED, "the client's yes has not been noted in this cycle")]


# 3 · Automation → Social Ad Specialist


def date_arrived(context: Context) -> list[Verdict]:
    """Once a cycle, on the Refresh Date or as soon after it as anybody looks."""
    portfolio = context.portfolio
    when = portfolio.refresh_date
    if when is None:
        return [_not_applicable(context, Handoff.DATE_ARRIVED, "the portfolio has no Refresh Date")]
    if context.pending:
        return [_after_ending(context, Handoff.DATE_ARRIVED)]
    arrives = start_of_day(when, context.mapping.zone)
    if when > context.times.today:
        return [_waiting(context, Handoff.DATE_ARRIVED, f"the Refresh Date is {_day(when)}", arrives)]
    before = [recorded for recorded in context.ledger.of(Handoff.DATE_ARRIVED, context.cycle) if recorded.settled]
    if before and when.isoformat() <= max(_date_of(recorded) for recorded in before):
        return [_done(before[-1])]
    if portfolio.status is Status.UNMAPPED:
        return [_not_applicable(context, Handoff.DATE_ARRIVED, _unmapped(context))]
    if portfolio.status not in EARLY:
        reason = f"the status {_status(context)} is later in the process: the deliverables are under way"
        return [_superseded(context, Handoff.DATE_ARRIVED, reason)]
    key = f"3:{portfolio.id}:{context.cycle}:{when.isoformat()}"
    made = context.tasks_made(Handoff.DATE_ARRIVED, context.cycle)
    came = max(arrives, context.date_since)  # one set to a day that was past already came when it was set
    if any(task.was_open_at(came) for task in context.tasks(effect.crm_id for effect in made if effect.crm_id)):
        reason = f"the date was moved to {_day(when)}, and the task from before was still open when it came"
        return [_recorded_superseded(context, Handoff.DATE_ARRIVED, key, reason)]
    owner, blocked = context.owner(Role.SOCIAL_AD_SPECIALIST)
    note = note_variables(context.newest_note(portfolio.ref, context.cycle_started))
    variables = context.variables(note=note)
    late = (context.times.today - when).days
    reason = f"the Refresh Date {_day(when)} is today" if not late else f"the Refresh Date {_day(when)} has come"
    role = Role.SOCIAL_AD_SPECIALIST
    effects: list[Effect] = [
        NewTask(TaskKind.CREATE_TICKETS, role, owner, (portfolio.ref,), variables, blocked),
        Email(EmailKind.DATE_ARRIVED, role, owner, variables, None, blocked),
    ]
    return [_due(context, Handoff.DATE_ARRIVED, key, reason, effects)]


# 4 · Social Ad Specialist → Creative Team


def tickets(context: Context) -> list[Verdict]:
    """Once a ticket and role: a task for the Copywriter and one for the Graphic Designer."""
    if not context.snapshot.tickets:
        return [_not_applicable(context, Handoff.TICKETS, "the portfolio has no tickets")]
    return [_ticket_made(context, ticket) for ticket in context.snapshot.tickets]


def _ticket_made(context: Context, ticket: Ticket) -> Verdict:
    recorded = context.ledger.settled(f"4:{ticket.id}")
    if recorded is None:
        return _creative_work(context, ticket, CREATIVE_WORK)
    missing = _not_recovered(recorded, CREATIVE_WORK)
    verdict = _creative_work(context, ticket, missing) if missing else None
    return _done(recorded) if verdict is None or verdict.occurrence is None else verdict


def _not_recovered(recorded: RecordedOccurrence, work: Work) -> Work:
    """Of an occurrence taken back from the CRM after its ledger was lost: the work for which no task was found."""
    if RECOVERED not in recorded.detail:
        return ()
    found = {effect.task_kind for effect in recorded.effects}
    return tuple((kind, role) for kind, role in work if kind not in found)


def _creative_work(context: Context, ticket: Ticket, work: Work) -> Verdict:
    if ticket.came_in is None:
        return _not_applicable(
            context, Handoff.TICKETS, f"{name_of(ticket)} is not in the deliverables pipeline", ticket
        )
    if ticket.came_in < context.times.go_live:
        return _not_applicable(context, Handoff.TICKETS, f"{name_of(ticket)} is older than going live", ticket)
    if not ticket.is_open:
        return _not_applicable(context, Handoff.TICKETS, f"{name_of(ticket)} is closed", ticket)
    if context.snapshot.portfolio is None:
        reason = f"{name_of(ticket)} is not associated to a portfolio yet"
        return Verdict(Handoff.TICKETS, State.WAITING, reason, ticket.ref)
    decline = context.declined_after(ticket.came_in)
    if decline is not None:
        reason = f"{name_of(ticket)} belongs to a cycle that the client declined on {_at(context, decline.at)}"
        return Verdict(Handoff.TICKETS, State.SUPERSEDED, reason, ticket.ref)
    variables = context.variables(ticket=ticket_variables(ticket), folder=ticket.folder)
    effects: list[Effect] = []
    for kind, role in work:
        owner, blocked = context.owner(role, ticket)
        effects.append(NewTask(kind, role, owner, (ticket.ref, context.portfolio.ref), variables, blocked))
    reason = f"{name_of(ticket)} came on {_at(context, ticket.came_in)}"
    return _due(
        context, Handoff.TICKETS, f"4:{ticket.id}", reason, effects,
        record=ticket.ref, cause_at=ticket.came_in, cycle=context.cycle_of(ticket.came_in),
    )  # fmt: skip


# 5 · Creative Team → Account Manager


def set_ready(context: Context) -> list[Verdict]:
    """Once for what is new in a complete Ad Set: all its open tickets are in Pending Approval."""
    status = context.portfolio.status
    sets = ad_sets(context)
    if status in {Status.CREATIVES_APPROVED, Status.CREATIVES_IMPLEMENTED}:
        return [
            _not_applicable(context, Handoff.SET_READY, f"the status is {_status(context)}: the client has seen it")
        ]
    if status is Status.UNMAPPED:
        return [_not_applicable(context, Handoff.SET_READY, _unmapped(context))]
    homeless = [ticket for ticket in current_tickets(context) if not ticket.folder_key]
    verdicts = [
        _not_applicable(
            context, Handoff.SET_READY, f"{name_of(t)} has no Deliverable Folder Name: it belongs to no Ad Set", t
        )
        for t in homeless
    ]
    verdicts += [_one_set(context, members) for members in sets.values()]
    if not verdicts:
        verdicts.append(_not_applicable(context, Handoff.SET_READY, "this cycle has no open ticket"))
    return verdicts


def current_tickets(context: Context) -> list[Ticket]:
    """The open tickets of the current cycle."""
    return [ticket for ticket in context.snapshot.tickets if ticket.is_open and context.in_cycle(ticket)]


def ad_sets(context: Context) -> dict[str, list[Ticket]]:
    """The Ad Sets of the current cycle by their folder's key, each with its open tickets by rising id."""
    sets: dict[str, list[Ticket]] = {}
    for ticket in sorted(current_tickets(context), key=lambda t: int(t.id)):
        if ticket.folder_key:
            sets.setdefault(ticket.folder_key, []).append(ticket)
    return dict(sorted(sets.items()))


def _was_announced(recorded: RecordedOccurrence) -> bool:
    return recorded.settled or any(effect.attempted for effect in recorded.effects if effect.kind != "write")


def _one_set(context: Context, members: list[Ticket]) -> Verdict:
    portfolio = context.portfolio
    folder = " ".join(members[0].folder.split())
    behind = [ticket for ticket in members if ticket.stage is not Stage.PENDING_APPROVAL]
    if behind:
        names = ", ".join(name_of(ticket) for ticket in behind[:5])
        reason = f"Ad Set “{folder}”: {len(members) - len(behind)} of {len(members)} are ready; waiting for {names}"
        return _waiting(context, Handoff.SET_READY, reason, None)
    entries = {f"{ticket.id}@{to_ms(ticket.stage_since)}": ticket for ticket in members}
    before = list(context.ledger.of(Handoff.SET_READY, context.cycle))
    announced = {entry for recorded in before if _was_announced(recorded) for entry in _entries_of(recorded.key)}
    fresh = [
        ticket
        for entry, ticket in entries.items()
        if entry not in announced and ticket.stage_since >= context.times.go_live
    ]
    if not fresh:
        held = [recorded for recorded in before if _entries_of(recorded.key) & set(entries)]
        if held and not held[-1].settled and portfolio.status in SUBMITTED:
            # Announced, but the CRM refused the status: that is still to be done, and whatever waits for a person.
            effects = _announcement(context, folder, members)
            return _due(context, Handoff.SET_READY, held[-1].key, held[-1].reason, effects)
        if held:
            return _done(held[-1])
        reason = f"Ad Set “{folder}” was ready before going live"
        return _not_applicable(context, Handoff.SET_READY, reason)
    sure = portfolio.status in {Status.DELIVERABLES_SUBMITTED, Status.CREATIVES_PENDING_APPROVAL}
    complete_at = max(ticket.created_at for ticket in members) + context.barrier
    if not sure and context.times.now < complete_at:
        reason = f"Ad Set “{folder}” is ready, but its newest ticket is younger than {context.barrier}: more may come"
        return _waiting(context, Handoff.SET_READY, reason, complete_at)
    effects = _announcement(context, folder, members)
    ready = f"all {len(members)} tickets" if len(members) > 1 else "the one ticket"
    reason = f"{ready} of Ad Set “{folder}” {'are' if len(members) > 1 else 'is'} ready for approval"
    key = f"5:{portfolio.id}:{context.cycle}:{','.join(sorted(entries))}"
    newest = max(ticket.stage_since for ticket in members)
    return _due(context, Handoff.SET_READY, key, reason, effects, cause_at=newest)


def _announcement(context: Context, folder: str, members: list[Ticket]) -> list[Effect]:
    """The status where it is to advance, the task, and the two emails.

    Each set of several asks for the status, which is written once: another's may be withdrawn before it is written.
    """
    am, sas = Role.ACCOUNT_MANAGER, Role.SOCIAL_AD_SPECIALIST
    manager, no_manager = context.owner(am)
    specialist, no_specialist = context.owner(sas)
    variables = context.variables(folder=folder, tickets=[ticket_variables(ticket) for ticket in members])
    effects: list[Effect] = []
    if context.portfolio.status in SUBMITTED:
        effects.append(_status_write(context, Status.CREATIVES_PENDING_APPROVAL))
    effects += [
        NewTask(TaskKind.SHARE_DELIVERABLES, am, manager, (context.portfolio.ref,), variables, no_manager),
        Email(EmailKind.SET_READY_ACCOUNT_MANAGER, am, manager, variables, None, no_manager),
        Email(EmailKind.SET_READY_SOCIAL_AD_SPECIALIST, sas, specialist, variables, None, no_specialist),
    ]
    return effects


# 6 · Account Manager → Creative Team


def revisions(context: Context) -> list[Verdict]:
    """Once a version of Needs Revisions: back to In Progress, approvals reset, tasks for the roles concerned."""
    verdicts = [verdict for ticket in context.snapshot.tickets for verdict in _revisions_of(context, ticket)]
    if verdicts:
        return verdicts
    return [_not_applicable(context, Handoff.REVISIONS, "no ticket needs revisions")]


def _revisions_of(context: Context, ticket: Ticket) -> list[Verdict]:
    if ticket.came_in is None:
        return []
    if ticket.revision is Revision.UNMAPPED:
        value = ticket.raw.get(context.mapping.ticket.properties.needs_revisions, "")
        reason = f"{name_of(ticket)}: Needs Revisions is “{value}”, which the mapping does not name"
        return [Verdict(Handoff.REVISIONS, State.BLOCKED, reason, ticket.ref)]
    verdicts: list[Verdict] = []
    asked: set[TaskKind] = set()
    for version in reversed(ticket.revision_history):
        if version.value in {None, Revision.UNMAPPED}:
            continue
        recorded = context.ledger.settled(f"6:{ticket.id}:{version.ms}")
        if recorded is not None:
            verdict, kinds = _revised(context, ticket, version, asked, recorded)
        elif context.counts(version, ticket.revision_history):
            verdict, kinds = _revise(context, ticket, version, asked)
        else:
            continue
        asked |= kinds
        verdicts = [v for v in verdicts if v.occurrence is not None] + [verdict]
    if not any(verdict.occurrence for verdict in verdicts):
        verdicts += _clear_revision(context, ticket)
    return verdicts


def _revise(
    context: Context, ticket: Ticket, version: Version[Revision | None], asked: set[TaskKind]
) -> tuple[Verdict, set[TaskKind]]:
    """What a version asks for, and the tasks among it."""
    assert version.value is not None
    decline = None if context.snapshot.portfolio is None else context.declined_after(version.at)
    if decline is not None:
        reason = f"{name_of(ticket)}: asked for before the client declined on {_at(context, decline.at)}"
        key = f"6:{ticket.id}:{version.ms}"
        occurrence = _occurrence(context, Handoff.REVISIONS, key, reason, record=ticket.ref, cause_at=version.at)
        return _recorded_as_superseded(occurrence), set()
    lost = (
        version.at < context.times.ledger_began
    )  # a ledger since lost may have answered it by nothing that carries its key
    under_way = asked | _revisions_under_way(context, ticket, version) if lost else asked
    new = _revisions_due(context, ticket, version, ROLES_OF[version.value], under_way)
    back = lost and ticket.left_in_progress is not None and ticket.left_in_progress > version.at
    write = None if back else _kick_back(context, ticket, {kind for kind, _ in new})
    return _revision(context, ticket, version, new, write)


def _revised(
    context: Context,
    ticket: Ticket,
    version: Version[Revision | None],
    asked: set[TaskKind],
    recorded: RecordedOccurrence,
) -> tuple[Verdict, set[TaskKind]]:
    """A version that was answered: done, but for what was not found of one that was taken back in part."""
    assert version.value is not None
    missing = _not_recovered(recorded, ROLES_OF[version.value])
    if not missing or (context.snapshot.portfolio is not None and context.declined_after(version.at) is not None):
        return _done(recorded), set()
    under_way = asked | _revisions_under_way(context, ticket, version)
    new = _revisions_due(context, ticket, version, missing, under_way)
    if not new:
        return _done(recorded), set()
    return _revision(context, ticket, version, new, None)  # it was kicked back then


def _revisions_due(
    context: Context, ticket: Ticket, version: Version[Revision | None], work: Work, asked: set[TaskKind]
) -> Work:
    """Of this work, what no task that is still to be done stands for already."""
    wanted = [(kind, role) for kind, role in work if kind not in asked]
    still_open = _open_revisions(context, ticket, [kind for kind, _ in wanted], but=f"6:{ticket.id}:{version.ms}")
    return tuple((kind, role) for kind, role in wanted if kind not in still_open)


def _revision(
    context: Context, ticket: Ticket, version: Version[Revision | None], new: Work, write: Write | None
) -> tuple[Verdict, set[TaskKind]]:
    """The write, and a task for each role."""
    assert version.value is not None
    effects: list[Effect] = [write] if write is not None else []
    note = note_variables(context.newest_note(ticket.ref)) if new else None
    label = context.mapping.ticket.revisions[version.value]
    variables = context.variables(ticket=ticket_variables(ticket), folder=ticket.folder, note=note, revision=label)
    on = (ticket.ref,) if context.snapshot.portfolio is None else (ticket.ref, context.portfolio.ref)
    for kind, role in new:
        owner, blocked = context.owner(role, ticket)
        effects.append(NewTask(kind, role, owner, on, variables, blocked))
    reason = f"{name_of(ticket)}: {label} was asked for on {_at(context, version.at)}"
    # With nothing to write and nobody to do it, nothing would be tried: the ticket is back already, and may move on.
    detail = {STANDS: True} if write is None and effects else {}
    verdict = _due(
        context, Handoff.REVISIONS, f"6:{ticket.id}:{version.ms}", reason, effects,
        record=ticket.ref, cause_at=version.at, cycle=context.cycle_of(version.at), detail=detail,
    )  # fmt: skip
    return verdict, {kind for kind, _ in new}


def _open_revisions(context: Context, ticket: Ticket, kinds: Iterable[TaskKind], *, but: str) -> set[TaskKind]:
    """The revision tasks of this ticket that are still to be done, be they in the CRM or only planned."""
    wanted = set(kinds)
    found: set[TaskKind] = set()
    made: dict[str, TaskKind] = {}
    for recorded in context.ledger.of(Handoff.REVISIONS, record=ticket.id):
        for effect in recorded.effects:
            if effect.task_kind not in wanted or effect.task_kind is None or recorded.key == but:
                continue
            if effect.crm_id is not None:
                made[effect.crm_id] = effect.task_kind
            elif effect.state in {"planned", "blocked", "failed"}:
                found.add(effect.task_kind)
    closing = _about_to_be_closed(context)
    return found | {made[task.id] for task in context.tasks(made) if task.is_open and task.id not in closing}


def _about_to_be_closed(context: Context) -> set[str]:
    """The tasks that a decline closes, in this pass or in one that was cut off: they are not open any more."""
    found: set[str] = set()
    for ending in context.pending_declines:
        found.update(_tasks_of_cycle(context, context.cycle_ended_by(ending)))
    on_the_way = {EffectState.PLANNED} | UNRESOLVED
    for recorded in context.ledger.of(Handoff.DECLINED):
        found.update(
            e.slot.removeprefix("close:") for e in recorded.effects if e.kind == "close" and e.state in on_the_way
        )
    return found


def _revisions_under_way(context: Context, ticket: Ticket, version: Version[Revision | None]) -> set[TaskKind]:
    """What an earlier version had asked for, and was not done when this one was set: so it asked for no second task."""
    earlier = [
        effect
        for recorded in context.ledger.of(Handoff.REVISIONS, record=ticket.id)
        if recorded.key.startswith("6:") and _cause_of(recorded.key) < version.ms
        for effect in recorded.effects
        if effect.crm_id is not None
    ]
    tasks = {task.id: task for task in context.tasks(effect.crm_id for effect in earlier if effect.crm_id)}
    return {
        effect.task_kind
        for effect in earlier
        if effect.task_kind is not None
        and effect.crm_id is not None
        and not _completed_before(tasks[effect.crm_id], version.at)
    }


def _completed_before(task: OwnTask, moment: datetime) -> bool:
    return task.exists and task.completed and task.completed_at is not None and task.completed_at < moment


def _kick_back(context: Context, ticket: Ticket, kinds: set[TaskKind]) -> Write | None:
    names, reset = context.mapping.ticket.properties, context.mapping.ticket.approval_reset
    wanted = {names.stage: context.in_progress}
    if TaskKind.REVISE_COPY in kinds:
        wanted[names.copy_approval] = reset
    if TaskKind.REVISE_GRAPHICS in kinds:
        wanted[names.graphic_approval] = reset
    changed = {name: value for name, value in wanted.items() if ticket.raw.get(name, "") != value}
    if not changed:
        return None
    return Write(ticket.ref, changed, {name: ticket.raw.get(name, "") for name in changed})


def _clear_revision(context: Context, ticket: Ticket) -> list[Verdict]:
    """Needs Revisions is emptied once its newest version was handled and the ticket is back in Pending Approval."""
    if ticket.revision is None or ticket.stage is not Stage.PENDING_APPROVAL or not ticket.revision_history:
        return []
    newest = ticket.revision_history[0]
    if context.ledger.settled(f"6:{ticket.id}:{newest.ms}") is None or ticket.stage_since <= newest.at:
        return []
    names = context.mapping.ticket.properties
    key = f"6c:{ticket.id}:{newest.ms}"
    if context.ledger.settled(key) is not None:
        return []
    expects = {name: ticket.raw.get(name, "") for name in (names.needs_revisions, names.stage)}
    write = Write(ticket.ref, {names.needs_revisions: ""}, expects)
    reason = f"{name_of(ticket)} is ready for approval again: Needs Revisions is emptied"
    return [
        _due(
            context, Handoff.REVISIONS, key, reason, [write],
            record=ticket.ref, cause_at=ticket.stage_since, cycle=context.cycle_of(newest.at),
        )
    ]  # fmt: skip


# 7 · Account Manager → Social Ad Specialist


def approved(context: Context) -> list[Verdict]:
    """Once a version of Creatives Completed & Approved, if it still stands when the service looks."""
    portfolio = context.portfolio
    verdicts = []
    versions = list(_versions(context, Status.CREATIVES_APPROVED))
    standing = versions[0] if versions and versions[0] is portfolio.status_history[0] else None
    for version in versions:
        key = _approval_key(context, version)
        if version is not standing and context.ledger.settled(key) is None:
            reason = f"set on {_at(context, version.at)}, but the status had moved on before the service looked"
            verdicts.append(_recorded_superseded(context, Handoff.APPROVED, key, reason, version.at))
    if standing is None:
        before = list(context.ledger.of(Handoff.APPROVED, context.cycle))
        if before:
            return [*verdicts, _done(before[-1])]
        if verdicts:
            return verdicts
        if portfolio.status is Status.CREATIVES_APPROVED:
            return [_not_applicable(context, Handoff.APPROVED, "the client's approval is older than going live")]
        return [_not_applicable(context, Handoff.APPROVED, "the client has not approved in this cycle")]
    return [*verdicts, _approval(context, standing)]


def _approval_key(context: Context, version: Version[Status | None]) -> str:
    return f"7:{context.portfolio.id}:{version.ms}"


def _approval(context: Context, version: Version[Status | None]) -> Verdict:
    key = _approval_key(context, version)
    recorded = context.ledger.settled(key)
    if recorded is not None:
        return _done(recorded)
    made = context.tasks_made(Handoff.APPROVED, context.cycle)
    if made and made[-1].crm_id and context.tasks([made[-1].crm_id])[0].was_open_at(version.at):
        reason = "set again while the implementation task was still open: that task stands"
        return _recorded_superseded(context, Handoff.APPROVED, key, reason, version.at)
    if _is_on_its_way(context, but=key):
        reason = "set again before the implementation task of the approval before could be made: that task stands"
        return _recorded_superseded(context, Handoff.APPROVED, key, reason, version.at)
    owner, blocked = context.owner(Role.SOCIAL_AD_SPECIALIST)
    current = [ticket_variables(ticket) for ticket in sorted(current_tickets(context), key=lambda t: int(t.id))]
    variables = context.variables(tickets=current)
    role = Role.SOCIAL_AD_SPECIALIST
    effects: list[Effect] = [
        NewTask(TaskKind.IMPLEMENT, role, owner, (context.portfolio.ref,), variables, blocked),
        Email(EmailKind.CLIENT_APPROVED, role, owner, variables, None, blocked),
    ]
    reason = f"the client approved: {_status(context)} was set on {_at(context, version.at)}"
    return _due(context, Handoff.APPROVED, key, reason, effects, cause_at=version.at)


def _is_on_its_way(context: Context, *, but: str = "", refused: bool = False) -> bool:
    """Whether an approval of this cycle (`but` one) has begun, and its task is still to be made, or was `refused`."""
    to_come = NOT_YET | UNRESOLVED | ({EffectState.FAILED} if refused else set())
    return any(
        effect.kind == "task" and effect.crm_id is None and effect.state in to_come
        for recorded in context.ledger.of(Handoff.APPROVED, context.cycle)
        if recorded.key != but
        for effect in recorded.effects
    )


# 8 · Social Ad Specialist → System


def closed(context: Context) -> list[Verdict]:
    """Once a closing version: date and status are reset in one write. A completed task sets the status first."""
    pending = [ending for ending in context.pending if ending.closing.by is Status.CREATIVES_IMPLEMENTED]
    if pending:
        if pending[0] is not context.pending[0]:
            return [_after_ending(context, Handoff.CLOSE)]
        return [_reset(context, pending[0])]
    status = context.portfolio.status
    if status is Status.CREATIVES_APPROVED:
        return [_by_task(context)]
    if status is Status.CREATIVES_IMPLEMENTED:
        return [_not_applicable(context, Handoff.CLOSE, "the cycle was closed before going live")]
    reset = _last_reset(context)
    if reset is not None and status is None:
        return [_done(reset)]
    return [_not_applicable(context, Handoff.CLOSE, "the creatives are not implemented in this cycle")]


def _last_reset(context: Context) -> RecordedOccurrence | None:
    """The closing that began the current cycle, if handoff 8 carried it out."""
    last = context.closings[-1] if context.closings else None
    if last is None or last.by is not Status.CREATIVES_IMPLEMENTED:
        return None
    return context.ledger.settled(f"8:{context.portfolio.id}:{to_ms(last.at)}")


def _by_task(context: Context) -> Verdict:
    """The newest task of handoff 7 in this cycle decides; an older one does not stand in for it."""
    implemented = _name(context, Status.CREATIVES_IMPLEMENTED)
    made = context.tasks_made(Handoff.APPROVED, context.cycle)
    newest = made[-1].crm_id if made else None
    if newest is None:
        return _waiting(context, Handoff.CLOSE, f"the status must reach {implemented}", None)
    task = context.tasks([newest])[0]
    if not task.exists:
        reason = f"the implementation task {newest} was deleted: set {implemented} by hand"
        return _waiting(context, Handoff.CLOSE, reason, None)
    if not task.completed:
        return _waiting(context, Handoff.CLOSE, f"the implementation task {newest} is open", None)
    if _approved_after(context, task) or _is_on_its_way(context, refused=True):
        return _waiting(context, Handoff.CLOSE, "the newest approval gets a task of its own first", None)
    key = f"8t:{context.portfolio.id}:{newest}"
    if context.ledger.settled(key) is not None:
        reason = f"task {newest} has closed a cycle already; set {implemented} by hand"
        return _waiting(context, Handoff.CLOSE, reason, None)
    write = _status_write(context, Status.CREATIVES_IMPLEMENTED)
    reason = f"the implementation task {newest} is completed"
    return _due(context, Handoff.CLOSE, key, reason, [write], cause_at=task.completed_at)


def _approved_after(context: Context, task: OwnTask) -> bool:
    """Whether the task was completed for an earlier approval, and the one that stands gets its own from handoff 7."""
    history = context.portfolio.status_history
    standing = history[0] if history else None
    if standing is None or task.completed_at is None or task.completed_at >= standing.at:
        return False
    return context.counts(standing, history) and context.ledger.settled(_approval_key(context, standing)) is None


def _reset(context: Context, ending: Ending) -> Verdict:
    key = context.ending_key(ending)
    portfolio = context.portfolio
    cycle = context.cycle_ended_by(ending)
    made = [e.crm_id for e in context.tasks_made(Handoff.APPROVED, cycle) if not e.adopted and e.crm_id is not None]
    if _was_recovered(context, ending):
        return _ended_before(context, Handoff.CLOSE, ending, "it was reset", made)
    values: dict[str, str] = {}
    if portfolio.status is Status.CREATIVES_IMPLEMENTED:
        values[context.mapping.portfolio.properties.status] = ""
    write = _date_write(context, values)
    reason = f"{_name(context, Status.CREATIVES_IMPLEMENTED)} was set on {_at(context, ending.closing.at)}"
    effects: list[Effect] = [write]
    after = f"{key}/{write.slot}"
    open_tasks = [task for task in context.tasks(made) if task.is_open_since(ending.closing.at)]
    effects += [CloseTask(task.id, reason, after) for task in open_tasks]
    detail = {"next_date": write.values.get(context.mapping.portfolio.properties.refresh_date)}
    verdict = _due(context, Handoff.CLOSE, key, reason, effects, cause_at=ending.closing.at, cycle=cycle, detail=detail)
    return _with_block(verdict, write)


# 9 · System → Account Manager


def confirmation(context: Context) -> list[Verdict]:
    """One email a closing, once the reset has been written: the creatives are live, and the next date."""
    verdicts: list[Verdict] = []
    told: RecordedOccurrence | None = None
    for recorded in context.ledger.of(Handoff.CLOSE):
        if not _is_reset(recorded):
            continue
        mine = context.ledger.settled(_confirmation_key(recorded.key))
        if mine is not None:
            told = mine
        else:
            verdicts.append(_confirm(context, recorded.key, str(recorded.detail["next_date"]), recorded.cycle))
    now = next((v for v in closed(context) if v.occurrence is not None and v.occurrence.key.startswith("8:")), None)
    if now is not None:
        verdicts.append(_confirm_with(context, now))
    if verdicts:
        return verdicts
    if told is not None:
        return [_done(told)]
    return [_not_applicable(context, Handoff.CONFIRMATION, "no cycle has been closed")]


def _is_reset(recorded: RecordedOccurrence) -> bool:
    """Whether a closing's reset has been written, so that somebody is to be told."""
    written = any(effect.kind == "write" and effect.state == "done" for effect in recorded.effects)
    return recorded.key.startswith("8:") and recorded.settled and written and "next_date" in recorded.detail


def _confirmation_key(closing_key: str) -> str:
    return closing_key.replace("8:", "9:", 1)


def _confirm_with(context: Context, closing: Verdict) -> Verdict:
    """What follows from a closing that is decided now."""
    occurrence = closing.occurrence
    assert occurrence is not None
    if "next_date" not in occurrence.detail:
        return _not_applicable(context, Handoff.CONFIRMATION, "the closing was before this ledger began")
    if closing.state is State.BLOCKED:
        return _waiting(context, Handoff.CONFIRMATION, "handoff 8 is blocked", None)
    return _confirm(context, occurrence.key, str(occurrence.detail["next_date"]), occurrence.cycle)


def _confirm(context: Context, closing_key: str, next_day: str, cycle: str) -> Verdict:
    owner, blocked = context.owner(Role.ACCOUNT_MANAGER)
    variables = context.variables(next_date=next_day)
    email = Email(EmailKind.REFRESH_LIVE, Role.ACCOUNT_MANAGER, owner, variables, f"{closing_key}/write", blocked)
    key = _confirmation_key(closing_key)
    cause = from_ms(_cause_of(closing_key))
    return _due(context, Handoff.CONFIRMATION, key, "the reset is written", [email], cause_at=cause, cycle=cycle)


RULES = (
    kickoff,
    declined,
    confirmed,
    date_arrived,
    tickets,
    set_ready,
    revisions,
    approved,
    closed,
    confirmation,
)

TICKET_RULES = (tickets, revisions)
"""The rules that also speak of a ticket without a portfolio."""


# What the rules share


def _versions(context: Context, status: Status) -> Iterable[Version[Status | None]]:
    """The versions of one status that may cause something, newest first."""
    history = context.portfolio.status_history
    return (version for version in history if version.value is status and context.counts(version, history))


def _ended_before(context: Context, handoff: Handoff, ending: Ending, what: str, tasks: Iterable[str]) -> Verdict:
    """An ending that a ledger since lost has carried out, but perhaps for the last of these tasks, which it was to close."""
    key, reason = context.ending_key(ending), f"{what} before this ledger began"
    left = [CloseTask(task.id, reason) for task in context.tasks(tasks) if task.is_open_since(ending.closing.at)]
    if not left:
        return _recorded(context, handoff, key, reason, ending.closing.at)
    cycle = context.cycle_ended_by(ending)
    return _due(context, handoff, key, reason, left, cause_at=ending.closing.at, cycle=cycle)


def _was_recovered(context: Context, ending: Ending) -> bool:
    """Whether the history shows that a ledger since lost has carried out this ending: the service wrote the date.

    The CRM's clock may be ahead of ours, so that this may seem to be later than the new ledger's beginning; unless the
    new ledger has moved the date itself.
    """
    ended = [recorded for number in (Handoff.DECLINED, Handoff.CLOSE) for recorded in context.ledger.of(number)]
    moved = any(
        e.kind == "write" and e.attempted
        for recorded in ended
        if not recorded.key.startswith("8t:")
        for e in recorded.effects
    )
    until = context.times.ledger_began + (timedelta() if moved else CLOCKS_APART)
    moves = [version.at for version in reversed(context.portfolio.date_history) if version.own and version.at < until]
    for one in context.endings:  # each has moved the date once, the oldest first
        if not context.counts(one.version, context.portfolio.status_history):
            continue
        while moves and moves[0] <= one.closing.at:
            del moves[0]
        if one == ending:
            return bool(moves)
        del moves[:1]
    return False


def _status_write(context: Context, status: Status | None) -> Write:
    name = context.mapping.portfolio.properties.status
    new = context.mapping.portfolio.raw_status(status)
    return Write(context.portfolio.ref, {name: new}, {name: context.portfolio.raw.get(name, "")})


def _date_write(context: Context, more: dict[str, str]) -> Write:
    """The move of the Refresh Date, with whatever else goes into the same write."""
    names, raw = context.mapping.portfolio.properties, context.portfolio.raw
    expects = {name: raw.get(name, "") for name in (names.refresh_date, names.status)}
    following = context.next_refresh()
    if following is None:
        reason = (
            f"the cadence “{context.portfolio.cadence}” is not in the mapping (cadence.values): add it or change it"
        )
        return Write(context.portfolio.ref, more, expects, blocked=reason)
    return Write(context.portfolio.ref, {names.refresh_date: following.isoformat(), **more}, expects)


def _occurrence(
    context: Context,
    handoff: Handoff,
    key: str,
    reason: str,
    effects: Iterable[Effect] = (),
    *,
    record: RecordRef | None = None,
    cause_at: datetime | None = None,
    cycle: str | None = None,
    detail: Mapping[str, object] | None = None,
    superseded: bool = False,
) -> Occurrence:
    return Occurrence(
        key=key,
        handoff=handoff,
        record=record or context.snapshot.ref,
        cycle=context.cycle if cycle is None else cycle,
        reason=reason,
        cause_at=cause_at,
        effects=tuple(effects),
        detail=detail or {},
        superseded=superseded,
    )


def _due(
    context: Context,
    handoff: Handoff,
    key: str,
    reason: str,
    effects: Iterable[Effect],
    *,
    record: RecordRef | None = None,
    cause_at: datetime | None = None,
    cycle: str | None = None,
    detail: Mapping[str, object] | None = None,
) -> Verdict:
    occurrence = _occurrence(
        context, handoff, key, reason, effects, record=record, cause_at=cause_at, cycle=cycle, detail=detail
    )
    blocks = [effect.blocked for effect in occurrence.effects]
    state = state_of(blocks)
    why = "; ".join(dict.fromkeys(block for block in blocks if block))
    return Verdict(
        handoff, state, f"{reason}; blocked: {why}" if why else reason, occurrence.record, occurrence, key=key
    )


def _with_block(verdict: Verdict, write: Write) -> Verdict:
    if write.blocked is None:
        return verdict
    return Verdict(verdict.handoff, State.BLOCKED, write.blocked, verdict.record, verdict.occurrence, key=verdict.key)


def _recorded(context: Context, handoff: Handoff, key: str, reason: str, cause_at: datetime) -> Verdict:
    occurrence = _occurrence(context, handoff, key, reason, cause_at=cause_at, cycle=context.cycle_of(cause_at))
    return Verdict(handoff, State.DONE, reason, occurrence.record, occurrence, when=cause_at, key=key)


def _recorded_superseded(
    context: Context, handoff: Handoff, key: str, reason: str, cause_at: datetime | None = None
) -> Verdict:
    cycle = context.cycle if cause_at is None else context.cycle_of(cause_at)
    return _recorded_as_superseded(_occurrence(context, handoff, key, reason, cause_at=cause_at, cycle=cycle))


def _recorded_as_superseded(occurrence: Occurrence) -> Verdict:
    final = Occurrence(
        occurrence.key,
        occurrence.handoff,
        occurrence.record,
        occurrence.cycle,
        occurrence.reason,
        occurrence.cause_at,
        superseded=True,
    )
    return Verdict(final.handoff, State.SUPERSEDED, final.reason, final.record, final, key=final.key)


def _done(recorded: RecordedOccurrence) -> Verdict:
    state = State.SUPERSEDED if recorded.state == "overtaken" else State.DONE
    return Verdict(
        recorded.handoff, state, recorded.reason, recorded.record, when=recorded.decided_at, key=recorded.key
    )


def _not_applicable(context: Context, handoff: Handoff, reason: str, ticket: Ticket | None = None) -> Verdict:
    return Verdict(handoff, State.NOT_APPLICABLE, reason, ticket.ref if ticket else context.snapshot.ref)


def _superseded(context: Context, handoff: Handoff, reason: str) -> Verdict:
    return Verdict(handoff, State.SUPERSEDED, reason, context.snapshot.ref)


def _waiting(context: Context, handoff: Handoff, reason: str, until: datetime | None) -> Verdict:
    return Verdict(handoff, State.WAITING, reason, context.snapshot.ref, when=until)


def _after_ending(context: Context, handoff: Handoff) -> Verdict:
    """The date still belongs to the cycle before: what hangs on it waits until that cycle's end is carried out."""
    number = "2a" if context.pending[0].closing.by is Status.NO_REFRESH_REQUESTED else "8"
    return _waiting(context, handoff, f"handoff {number} of the cycle before comes first: it moves the date", None)


def _cause_of(key: str) -> int:
    return int(key.rsplit(":", 1)[1])


def _date_of(recorded: RecordedOccurrence) -> str:
    return recorded.key.rsplit(":", 1)[1]


def _entries_of(key: str) -> set[str]:
    return set(key.split(":", 3)[3].split(","))


def _name(context: Context, status: Status) -> str:
    return f"“{context.mapping.portfolio.raw_status(status)}”"


def _status(context: Context) -> str:
    return f"“{context.portfolio.raw.get(context.mapping.portfolio.properties.status, '')}”"


def _unmapped(context: Context) -> str:
    return f"the status {_status(context)} is not in the mapping"


def name_of(ticket: Ticket) -> str:
    """How reasons call a ticket."""
    return f"ticket {ticket.id} “{ticket.subject}”"


def _day(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b %Y}"


def _at(context: Context, moment: datetime) -> str:
    local = moment.astimezone(context.mapping.zone)
    return f"{_day(local.date())} {local:%H:%M}"


def _distance(days: int) -> str:
    if days == 0:
        return "today"
    if days < 0:
        return f"{-days} day{'s' if days < -1 else ''} past"
    return f"{days} day{'s' if days > 1 else ''} away"
