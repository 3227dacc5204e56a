"""The ten handoffs, in the order of the teams' article: one function each, pure, a ladder of early returns.

Each says for the record before it what is true, and what is to be done. The reasons are what `explain` prints.
Nothing here reads, writes, or knows the time but through the `Case`.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta

from mappings.vocabulary import EmailKind, Handoff, Revision, Role, Stage, Status, TaskKind
from sync.clock import CLOCKS_APART, from_ms, start_of_day, to_ms
from sync.crm import RecordRef
from sync.rules.context import Case, note_context, state_of, ticket_context
from sync.rules.cycle import Ending
from sync.rules.model import (
    NOT_YET,
    STANDS,
    TAKEN_BACK,
    UNRESOLVED,
    CloseTask,
    Effect,
    EffectState,
    Email,
    Fired,
    NewTask,
    Occurrence,
    OwnTask,
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


def kickoff(case: Case) -> list[Verdict]:
    """Once a cycle, when the Refresh Date comes within the window."""
    portfolio, today = case.portfolio, case.moment.today
    when = portfolio.refresh_date
    if when is None:
        return [_not_applicable(case, Handoff.KICKOFF, "the portfolio has no Refresh Date")]
    if case.pending:
        return [_after_ending(case, Handoff.KICKOFF)]
    days = (when - today).days
    if days > case.window:
        opens = start_of_day(date.fromordinal(when.toordinal() - case.window), case.mapping.zone)
        reason = f"the Refresh Date {_day(when)} is {days} days away; the kickoff comes at {case.window}"
        return [_waiting(case, Handoff.KICKOFF, reason, opens)]
    anchor = _window_anchor(case)
    before = [fired for fired in case.facts.of(Handoff.KICKOFF, case.cycle) if fired.settled]
    if before and _cause_of(before[-1].key) >= anchor:
        return [_done(before[-1])]
    if portfolio.status is Status.UNMAPPED:
        return [_not_applicable(case, Handoff.KICKOFF, _unmapped(case))]
    if portfolio.status not in {None, Status.NO_REFRESH_REQUESTED}:
        return [_overtaken(case, Handoff.KICKOFF, f"the status has already moved on to {_status(case)}")]
    owner, blocked = case.owner(Role.ACCOUNT_MANAGER)
    context = case.context()
    effects: list[Effect] = []
    if portfolio.status is Status.NO_REFRESH_REQUESTED:
        effects.append(_status_write(case, None))
    effects.append(NewTask(TaskKind.KICKOFF, Role.ACCOUNT_MANAGER, owner, (portfolio.ref,), context, blocked))
    effects.append(Email(EmailKind.KICKOFF, Role.ACCOUNT_MANAGER, owner, context, None, blocked))
    reason = f"the Refresh Date {_day(when)} is {_distance(days)}"
    key = f"1:{portfolio.id}:{case.cycle}:{anchor}"
    return [_due(case, Handoff.KICKOFF, key, reason, effects)]


def _window_anchor(case: Case) -> int:
    """What the kickoff of this cycle hangs on: the newest date of the cycle that was out of the window, or 0."""
    started, history = case.cycle_started, case.portfolio.date_history
    return max(
        (
            version.ms
            for version in history
            if (started is None or version.at >= started)
            and case.out_of_window(version)
            and not case.passed_outside(version, history)
        ),
        default=0,
    )


# 2a · Account Manager → System


def declined(case: Case) -> list[Verdict]:
    """Once a closing version: the date moves on, and what the cycle had open is closed."""
    mine = case.pending_declines
    if not mine:
        before = [fired for fired in case.facts.of(Handoff.DECLINED) if fired.settled]
        if before and case.portfolio.status is Status.NO_REFRESH_REQUESTED:
            return [_done(before[-1])]
        return [_not_applicable(case, Handoff.DECLINED, "the client has not declined in this cycle")]
    ending = mine[0]
    if ending is not case.pending[0]:
        return [_after_ending(case, Handoff.DECLINED)]
    key = case.ending_key(ending)
    cycle = case.cycle_ended_by(ending)
    if _taken_back(case, ending):
        # Whether a ticket was on this portfolio at that time nobody knows any more: its tasks are left alone.
        tasks = _tasks_of_cycle(case, cycle, on=(case.portfolio.ref,))
        return [_ended_before(case, Handoff.DECLINED, ending, "the date was moved", tasks)]
    reason = (
        f"the client declined: {_name(case, Status.NO_REFRESH_REQUESTED)} was set on {_at(case, ending.closing.at)}"
    )
    values: dict[str, str] = {}
    if case.mapping.rules.clear_declined_status and case.portfolio.status is Status.NO_REFRESH_REQUESTED:
        values[case.mapping.portfolio.properties.status] = ""
    write = _date_write(case, values)
    known = case.facts.fired.get(key)  # decided before: what has come into the cycle since is not closed
    slots = None if known is None else {effect.slot for effect in known.effects}
    to_close = case.tasks(_tasks_of_cycle(case, cycle))
    close = [CloseTask(task.id, reason) for task in to_close if task.is_open_since(ending.closing.at)]
    effects: list[Effect] = [write, *(effect for effect in close if slots is None or effect.slot in slots)]
    verdict = _due(case, Handoff.DECLINED, key, reason, effects, cause_at=ending.closing.at, cycle=cycle)
    return [_with_block(verdict, write)]


def _tasks_of_cycle(case: Case, cycle: str, on: Collection[RecordRef] | None = None) -> list[str]:
    """The tasks that the service itself made in a cycle, by any handoff (for these records); adopted ones are people's."""
    found = []
    for fired in case.facts.fired.values():
        if fired.cycle != cycle or (on is not None and fired.record not in on):
            continue
        found += [e.crm_id for e in fired.effects if e.kind == "task" and e.crm_id is not None and not e.adopted]
    return sorted(found, key=int)


# 2b · Account Manager → Social Ad Specialist


def confirmed(case: Case) -> list[Verdict]:
    """Notation only: recorded once a version, nothing is done."""
    verdicts = []
    for version in _versions(case, Status.REFRESH_REQUEST_SUBMITTED):
        key = f"2b:{case.portfolio.id}:{version.ms}"
        if case.facts.settled(key) is None:
            reason = f"the client's yes was noted on {_at(case, version.at)}; notation only"
            verdicts.append(_recorded(case, Handoff.CONFIRMED, key, reason, version.at))
    if verdicts:
        return verdicts
    before = list(case.facts.of(Handoff.CONFIRMED, case.cycle))
    if before:
        return [_done(before[-1])]
    return [_not_applicable(case, Handoff.CONFIRMED, "the client's yes has not been noted in this cycle")]


# 3 · Automation → Social Ad Specialist


def date_arrived(case: Case) -> list[Verdict]:
    """Once a cycle, on the Refresh Date or as soon after it as anybody looks."""
    portfolio = case.portfolio
    when = portfolio.refresh_date
    if when is None:
        return [_not_applicable(case, Handoff.DATE_ARRIVED, "the portfolio has no Refresh Date")]
    if case.pending:
        return [_after_ending(case, Handoff.DATE_ARRIVED)]
    arrives = start_of_day(when, case.mapping.zone)
    if when > case.moment.today:
        return [_waiting(case, Handoff.DATE_ARRIVED, f"the Refresh Date is {_day(when)}", arrives)]
    before = [fired for fired in case.facts.of(Handoff.DATE_ARRIVED, case.cycle) if fired.settled]
    if before and when.isoformat() <= max(_date_of(fired) for fired in before):
        return [_done(before[-1])]
    if portfolio.status is Status.UNMAPPED:
        return [_not_applicable(case, Handoff.DATE_ARRIVED, _unmapped(case))]
    if portfolio.status not in EARLY:
        reason = f"the status {_status(case)} is later in the process: the deliverables are under way"
        return [_overtaken(case, Handoff.DATE_ARRIVED, reason)]
    key = f"3:{portfolio.id}:{case.cycle}:{when.isoformat()}"
    made = case.tasks_made(Handoff.DATE_ARRIVED, case.cycle)
    came = max(arrives, case.date_since)  # one set to a day that was past already came when it was set
    if any(task.was_open_at(came) for task in case.tasks(effect.crm_id for effect in made if effect.crm_id)):
        reason = f"the date was moved to {_day(when)}, and the task from before was still open when it came"
        return [_recorded_overtaken(case, Handoff.DATE_ARRIVED, key, reason)]
    owner, blocked = case.owner(Role.SOCIAL_AD_SPECIALIST)
    note = note_context(case.newest_note(portfolio.ref, case.cycle_started))
    context = case.context(note=note)
    late = (case.moment.today - when).days
    reason = f"the Refresh Date {_day(when)} is today" if not late else f"the Refresh Date {_day(when)} has come"
    role = Role.SOCIAL_AD_SPECIALIST
    effects: list[Effect] = [
        NewTask(TaskKind.CREATE_TICKETS, role, owner, (portfolio.ref,), context, blocked),
        Email(EmailKind.DATE_ARRIVED, role, owner, context, None, blocked),
    ]
    return [_due(case, Handoff.DATE_ARRIVED, key, reason, effects)]


# 4 · Social Ad Specialist → Creative Team


def tickets(case: Case) -> list[Verdict]:
    """Once a ticket and role: a task for the Copywriter and one for the Graphic Designer."""
    if not case.snapshot.tickets:
        return [_not_applicable(case, Handoff.TICKETS, "the portfolio has no tickets")]
    return [_ticket_made(case, ticket) for ticket in case.snapshot.tickets]


def _ticket_made(case: Case, ticket: Ticket) -> Verdict:
    fired = case.facts.settled(f"4:{ticket.id}")
    if fired is None:
        return _creative_work(case, ticket, CREATIVE_WORK)
    missing = _not_taken_back(fired, CREATIVE_WORK)
    verdict = _creative_work(case, ticket, missing) if missing else None
    return _done(fired) if verdict is None or verdict.occurrence is None else verdict


def _not_taken_back(fired: Fired, work: Work) -> Work:
    """Of an occurrence taken back from the CRM after its ledger was lost: the work for which no task was found."""
    if TAKEN_BACK not in fired.detail:
        return ()
    found = {effect.task_kind for effect in fired.effects}
    return tuple((kind, role) for kind, role in work if kind not in found)


def _creative_work(case: Case, ticket: Ticket, work: Work) -> Verdict:
    if ticket.came_in is None:
        return _not_applicable(case, Handoff.TICKETS, f"{name_of(ticket)} is not in the deliverables pipeline", ticket)
    if ticket.came_in < case.moment.go_live:
        return _not_applicable(case, Handoff.TICKETS, f"{name_of(ticket)} is older than going live", ticket)
    if not ticket.is_open:
        return _not_applicable(case, Handoff.TICKETS, f"{name_of(ticket)} is closed", ticket)
    if case.snapshot.portfolio is None:
        reason = f"{name_of(ticket)} is not associated to a portfolio yet"
        return Verdict(Handoff.TICKETS, State.WAITING, reason, ticket.ref)
    decline = case.declined_after(ticket.came_in)
    if decline is not None:
        reason = f"{name_of(ticket)} belongs to a cycle that the client declined on {_at(case, decline.at)}"
        return Verdict(Handoff.TICKETS, State.OVERTAKEN, reason, ticket.ref)
    context = case.context(ticket=ticket_context(ticket), folder=ticket.folder)
    effects: list[Effect] = []
    for kind, role in work:
        owner, blocked = case.owner(role, ticket)
        effects.append(NewTask(kind, role, owner, (ticket.ref, case.portfolio.ref), context, blocked))
    reason = f"{name_of(ticket)} came on {_at(case, ticket.came_in)}"
    return _due(
        case, Handoff.TICKETS, f"4:{ticket.id}", reason, effects,
        record=ticket.ref, cause_at=ticket.came_in, cycle=case.cycle_of(ticket.came_in),
    )  # fmt: skip


# 5 · Creative Team → Account Manager


def set_ready(case: Case) -> list[Verdict]:
    """Once for what is new in a complete Ad Set: all its open tickets are in Pending Approval."""
    status = case.portfolio.status
    sets = ad_sets(case)
    if status in {Status.CREATIVES_APPROVED, Status.CREATIVES_IMPLEMENTED}:
        return [_not_applicable(case, Handoff.SET_READY, f"the status is {_status(case)}: the client has seen it")]
    if status is Status.UNMAPPED:
        return [_not_applicable(case, Handoff.SET_READY, _unmapped(case))]
    homeless = [ticket for ticket in current_tickets(case) if not ticket.folder_key]
    verdicts = [
        _not_applicable(
            case, Handoff.SET_READY, f"{name_of(t)} has no Deliverable Folder Name: it belongs to no Ad Set", t
        )
        for t in homeless
    ]
    verdicts += [_one_set(case, members) for members in sets.values()]
    if not verdicts:
        verdicts.append(_not_applicable(case, Handoff.SET_READY, "this cycle has no open ticket"))
    return verdicts


def current_tickets(case: Case) -> list[Ticket]:
    """The open tickets of the current cycle."""
    return [ticket for ticket in case.snapshot.tickets if ticket.is_open and case.in_cycle(ticket)]


def ad_sets(case: Case) -> dict[str, list[Ticket]]:
    """The Ad Sets of the current cycle by their folder's key, each with its open tickets by rising id."""
    sets: dict[str, list[Ticket]] = {}
    for ticket in sorted(current_tickets(case), key=lambda t: int(t.id)):
        if ticket.folder_key:
            sets.setdefault(ticket.folder_key, []).append(ticket)
    return dict(sorted(sets.items()))


def _was_announced(fired: Fired) -> bool:
    return fired.settled or any(effect.attempted for effect in fired.effects if effect.kind != "write")


def _one_set(case: Case, members: list[Ticket]) -> Verdict:
    portfolio = case.portfolio
    folder = " ".join(members[0].folder.split())
    behind = [ticket for ticket in members if ticket.stage is not Stage.PENDING_APPROVAL]
    if behind:
        names = ", ".join(name_of(ticket) for ticket in behind[:5])
        reason = f"Ad Set “{folder}”: {len(members) - len(behind)} of {len(members)} are ready; waiting for {names}"
        return _waiting(case, Handoff.SET_READY, reason, None)
    entries = {f"{ticket.id}@{to_ms(ticket.stage_since)}": ticket for ticket in members}
    before = list(case.facts.of(Handoff.SET_READY, case.cycle))
    announced = {entry for fired in before if _was_announced(fired) for entry in _entries_of(fired.key)}
    fresh = [
        ticket
        for entry, ticket in entries.items()
        if entry not in announced and ticket.stage_since >= case.moment.go_live
    ]
    if not fresh:
        held = [fired for fired in before if _entries_of(fired.key) & set(entries)]
        if held and not held[-1].settled and portfolio.status in SUBMITTED:
            # Announced, but the CRM refused the status: that is still to be done, and whatever waits for a person.
            effects = _announcement(case, folder, members)
            return _due(case, Handoff.SET_READY, held[-1].key, held[-1].reason, effects)
        if held:
            return _done(held[-1])
        reason = f"Ad Set “{folder}” was ready before going live"
        return _not_applicable(case, Handoff.SET_READY, reason)
    sure = portfolio.status in {Status.DELIVERABLES_SUBMITTED, Status.CREATIVES_PENDING_APPROVAL}
    complete_at = max(ticket.created_at for ticket in members) + case.barrier
    if not sure and case.moment.now < complete_at:
        reason = f"Ad Set “{folder}” is ready, but its newest ticket is younger than {case.barrier}: more may come"
        return _waiting(case, Handoff.SET_READY, reason, complete_at)
    effects = _announcement(case, folder, members)
    ready = f"all {len(members)} tickets" if len(members) > 1 else "the one ticket"
    reason = f"{ready} of Ad Set “{folder}” {'are' if len(members) > 1 else 'is'} ready for approval"
    key = f"5:{portfolio.id}:{case.cycle}:{','.join(sorted(entries))}"
    newest = max(ticket.stage_since for ticket in members)
    return _due(case, Handoff.SET_READY, key, reason, effects, cause_at=newest)


def _announcement(case: Case, folder: str, members: list[Ticket]) -> list[Effect]:
    """The status where it is to advance, the task, and the two emails.

    Each set of several asks for the status, which is written once: another's may be withdrawn before it is written.
    """
    am, sas = Role.ACCOUNT_MANAGER, Role.SOCIAL_AD_SPECIALIST
    manager, no_manager = case.owner(am)
    specialist, no_specialist = case.owner(sas)
    context = case.context(folder=folder, tickets=[ticket_context(ticket) for ticket in members])
    effects: list[Effect] = []
    if case.portfolio.status in SUBMITTED:
        effects.append(_status_write(case, Status.CREATIVES_PENDING_APPROVAL))
    effects += [
        NewTask(TaskKind.SHARE_DELIVERABLES, am, manager, (case.portfolio.ref,), context, no_manager),
        Email(EmailKind.SET_READY_ACCOUNT_MANAGER, am, manager, context, None, no_manager),
        Email(EmailKind.SET_READY_SOCIAL_AD_SPECIALIST, sas, specialist, context, None, no_specialist),
    ]
    return effects


# 6 · Account Manager → Creative Team


def revisions(case: Case) -> list[Verdict]:
    """Once a version of Needs Revisions: back to In Progress, approvals reset, tasks for the roles concerned."""
    verdicts = [verdict for ticket in case.snapshot.tickets for verdict in _revisions_of(case, ticket)]
    if verdicts:
        return verdicts
    return [_not_applicable(case, Handoff.REVISIONS, "no ticket needs revisions")]


def _revisions_of(case: Case, ticket: Ticket) -> list[Verdict]:
    if ticket.came_in is None:
        return []
    if ticket.revision is Revision.UNMAPPED:
        value = ticket.raw.get(case.mapping.ticket.properties.needs_revisions, "")
        reason = f"{name_of(ticket)}: Needs Revisions is “{value}”, which the mapping does not name"
        return [Verdict(Handoff.REVISIONS, State.BLOCKED, reason, ticket.ref)]
    verdicts: list[Verdict] = []
    asked: set[TaskKind] = set()
    for version in reversed(ticket.revision_history):
        if version.value in {None, Revision.UNMAPPED}:
            continue
        fired = case.facts.settled(f"6:{ticket.id}:{version.ms}")
        if fired is not None:
            verdict, kinds = _revised(case, ticket, version, asked, fired)
        elif case.counts(version, ticket.revision_history):
            verdict, kinds = _revise(case, ticket, version, asked)
        else:
            continue
        asked |= kinds
        verdicts = [v for v in verdicts if v.occurrence is not None] + [verdict]
    if not any(verdict.occurrence for verdict in verdicts):
        verdicts += _clear_revision(case, ticket)
    return verdicts


def _revise(
    case: Case, ticket: Ticket, version: Version[Revision | None], asked: set[TaskKind]
) -> tuple[Verdict, set[TaskKind]]:
    """What a version asks for, and the tasks among it."""
    assert version.value is not None
    decline = None if case.snapshot.portfolio is None else case.declined_after(version.at)
    if decline is not None:
        reason = f"{name_of(ticket)}: asked for before the client declined on {_at(case, decline.at)}"
        key = f"6:{ticket.id}:{version.ms}"
        occurrence = _occurrence(case, Handoff.REVISIONS, key, reason, record=ticket.ref, cause_at=version.at)
        return _recorded_as_overtaken(occurrence), set()
    lost = version.at < case.moment.born  # a ledger since lost may have answered it by nothing that carries its key
    under_way = asked | _revisions_under_way(case, ticket, version) if lost else asked
    new = _revisions_due(case, ticket, version, ROLES_OF[version.value], under_way)
    back = lost and ticket.left_in_progress is not None and ticket.left_in_progress > version.at
    write = None if back else _kick_back(case, ticket, {kind for kind, _ in new})
    return _revision(case, ticket, version, new, write)


def _revised(
    case: Case, ticket: Ticket, version: Version[Revision | None], asked: set[TaskKind], fired: Fired
) -> tuple[Verdict, set[TaskKind]]:
    """A version that was answered: done, but for what was not found of one that was taken back in part."""
    assert version.value is not None
    missing = _not_taken_back(fired, ROLES_OF[version.value])
    if not missing or (case.snapshot.portfolio is not None and case.declined_after(version.at) is not None):
        return _done(fired), set()
    under_way = asked | _revisions_under_way(case, ticket, version)
    new = _revisions_due(case, ticket, version, missing, under_way)
    if not new:
        return _done(fired), set()
    return _revision(case, ticket, version, new, None)  # it was kicked back then


def _revisions_due(
    case: Case, ticket: Ticket, version: Version[Revision | None], work: Work, asked: set[TaskKind]
) -> Work:
    """Of this work, what no task that is still to be done stands for already."""
    wanted = [(kind, role) for kind, role in work if kind not in asked]
    still_open = _open_revisions(case, ticket, [kind for kind, _ in wanted], but=f"6:{ticket.id}:{version.ms}")
    return tuple((kind, role) for kind, role in wanted if kind not in still_open)


def _revision(
    case: Case, ticket: Ticket, version: Version[Revision | None], new: Work, write: Write | None
) -> tuple[Verdict, set[TaskKind]]:
    """The write, and a task for each role."""
    assert version.value is not None
    effects: list[Effect] = [write] if write is not None else []
    note = note_context(case.newest_note(ticket.ref)) if new else None
    label = case.mapping.ticket.revisions[version.value]
    context = case.context(ticket=ticket_context(ticket), folder=ticket.folder, note=note, revision=label)
    on = (ticket.ref,) if case.snapshot.portfolio is None else (ticket.ref, case.portfolio.ref)
    for kind, role in new:
        owner, blocked = case.owner(role, ticket)
        effects.append(NewTask(kind, role, owner, on, context, blocked))
    reason = f"{name_of(ticket)}: {label} was asked for on {_at(case, version.at)}"
    # With nothing to write and nobody to do it, nothing would be tried: the ticket is back already, and may move on.
    detail = {STANDS: True} if write is None and effects else {}
    verdict = _due(
        case, Handoff.REVISIONS, f"6:{ticket.id}:{version.ms}", reason, effects,
        record=ticket.ref, cause_at=version.at, cycle=case.cycle_of(version.at), detail=detail,
    )  # fmt: skip
    return verdict, {kind for kind, _ in new}


def _open_revisions(case: Case, ticket: Ticket, kinds: Iterable[TaskKind], *, but: str) -> set[TaskKind]:
    """The revision tasks of this ticket that are still to be done, be they in the CRM or only planned."""
    wanted = set(kinds)
    found: set[TaskKind] = set()
    made: dict[str, TaskKind] = {}
    for fired in case.facts.of(Handoff.REVISIONS, record=ticket.id):
        for effect in fired.effects:
            if effect.task_kind not in wanted or effect.task_kind is None or fired.key == but:
                continue
            if effect.crm_id is not None:
                made[effect.crm_id] = effect.task_kind
            elif effect.state in {"planned", "blocked", "failed"}:
                found.add(effect.task_kind)
    closing = _about_to_be_closed(case)
    return found | {made[task.id] for task in case.tasks(made) if task.is_open and task.id not in closing}


def _about_to_be_closed(case: Case) -> set[str]:
    """The tasks that a decline closes, in this pass or in one that was cut off: they are not open any more."""
    found: set[str] = set()
    for ending in case.pending_declines:
        found.update(_tasks_of_cycle(case, case.cycle_ended_by(ending)))
    on_the_way = {EffectState.PLANNED} | UNRESOLVED
    for fired in case.facts.of(Handoff.DECLINED):
        found.update(
            e.slot.removeprefix("close:") for e in fired.effects if e.kind == "close" and e.state in on_the_way
        )
    return found


def _revisions_under_way(case: Case, ticket: Ticket, version: Version[Revision | None]) -> set[TaskKind]:
    """What an earlier version had asked for, and was not done when this one was set: so it asked for no second task."""
    earlier = [
        effect
        for fired in case.facts.of(Handoff.REVISIONS, record=ticket.id)
        if fired.key.startswith("6:") and _cause_of(fired.key) < version.ms
        for effect in fired.effects
        if effect.crm_id is not None
    ]
    tasks = {task.id: task for task in case.tasks(effect.crm_id for effect in earlier if effect.crm_id)}
    return {
        effect.task_kind
        for effect in earlier
        if effect.task_kind is not None
        and effect.crm_id is not None
        and not _completed_before(tasks[effect.crm_id], version.at)
    }


def _completed_before(task: OwnTask, moment: datetime) -> bool:
    return task.exists and task.completed and task.completed_at is not None and task.completed_at < moment


def _kick_back(case: Case, ticket: Ticket, kinds: set[TaskKind]) -> Write | None:
    names, reset = case.mapping.ticket.properties, case.mapping.ticket.approval_reset
    wanted = {names.stage: case.in_progress}
    if TaskKind.REVISE_COPY in kinds:
        wanted[names.copy_approval] = reset
    if TaskKind.REVISE_GRAPHICS in kinds:
        wanted[names.graphic_approval] = reset
    changed = {name: value for name, value in wanted.items() if ticket.raw.get(name, "") != value}
    if not changed:
        return None
    return Write(ticket.ref, changed, {name: ticket.raw.get(name, "") for name in changed})


def _clear_revision(case: Case, ticket: Ticket) -> list[Verdict]:
    """Needs Revisions is emptied once its newest version was handled and the ticket is back in Pending Approval."""
    if ticket.revision is None or ticket.stage is not Stage.PENDING_APPROVAL or not ticket.revision_history:
        return []
    newest = ticket.revision_history[0]
    if case.facts.settled(f"6:{ticket.id}:{newest.ms}") is None or ticket.stage_since <= newest.at:
        return []
    names = case.mapping.ticket.properties
    key = f"6c:{ticket.id}:{newest.ms}"
    if case.facts.settled(key) is not None:
        return []
    expects = {name: ticket.raw.get(name, "") for name in (names.needs_revisions, names.stage)}
    write = Write(ticket.ref, {names.needs_revisions: ""}, expects)
    reason = f"{name_of(ticket)} is ready for approval again: Needs Revisions is emptied"
    return [
        _due(
            case, Handoff.REVISIONS, key, reason, [write],
            record=ticket.ref, cause_at=ticket.stage_since, cycle=case.cycle_of(newest.at),
        )
    ]  # fmt: skip


# 7 · Account Manager → Social Ad Specialist


def approved(case: Case) -> list[Verdict]:
    """Once a version of Creatives Completed & Approved, if it still stands when the service looks."""
    portfolio = case.portfolio
    verdicts = []
    versions = list(_versions(case, Status.CREATIVES_APPROVED))
    standing = versions[0] if versions and versions[0] is portfolio.status_history[0] else None
    for version in versions:
        key = _approval_key(case, version)
        if version is not standing and case.facts.settled(key) is None:
            reason = f"set on {_at(case, version.at)}, but the status had moved on before the service looked"
            verdicts.append(_recorded_overtaken(case, Handoff.APPROVED, key, reason, version.at))
    if standing is None:
        before = list(case.facts.of(Handoff.APPROVED, case.cycle))
        if before:
            return [*verdicts, _done(before[-1])]
        if verdicts:
            return verdicts
        if portfolio.status is Status.CREATIVES_APPROVED:
            return [_not_applicable(case, Handoff.APPROVED, "the client's approval is older than going live")]
        return [_not_applicable(case, Handoff.APPROVED, "the client has not approved in this cycle")]
    return [*verdicts, _approval(case, standing)]


def _approval_key(case: Case, version: Version[Status | None]) -> str:
    return f"7:{case.portfolio.id}:{version.ms}"


def _approval(case: Case, version: Version[Status | None]) -> Verdict:
    key = _approval_key(case, version)
    fired = case.facts.settled(key)
    if fired is not None:
        return _done(fired)
    made = case.tasks_made(Handoff.APPROVED, case.cycle)
    if made and made[-1].crm_id and case.tasks([made[-1].crm_id])[0].was_open_at(version.at):
        reason = "set again while the implementation task was still open: that task stands"
        return _recorded_overtaken(case, Handoff.APPROVED, key, reason, version.at)
    if _is_on_its_way(case, but=key):
        reason = "set again before the implementation task of the approval before could be made: that task stands"
        return _recorded_overtaken(case, Handoff.APPROVED, key, reason, version.at)
    owner, blocked = case.owner(Role.SOCIAL_AD_SPECIALIST)
    current = [ticket_context(ticket) for ticket in sorted(current_tickets(case), key=lambda t: int(t.id))]
    context = case.context(tickets=current)
    role = Role.SOCIAL_AD_SPECIALIST
    effects: list[Effect] = [
        NewTask(TaskKind.IMPLEMENT, role, owner, (case.portfolio.ref,), context, blocked),
        Email(EmailKind.CLIENT_APPROVED, role, owner, context, None, blocked),
    ]
    reason = f"the client approved: {_status(case)} was set on {_at(case, version.at)}"
    return _due(case, Handoff.APPROVED, key, reason, effects, cause_at=version.at)


def _is_on_its_way(case: Case, *, but: str = "", refused: bool = False) -> bool:
    """Whether an approval of this cycle (`but` one) has begun, and its task is still to be made, or was `refused`."""
    to_come = NOT_YET | UNRESOLVED | ({EffectState.FAILED} if refused else set())
    return any(
        effect.kind == "task" and effect.crm_id is None and effect.state in to_come
        for fired in case.facts.of(Handoff.APPROVED, case.cycle)
        if fired.key != but
        for effect in fired.effects
    )


# 8 · Social Ad Specialist → System


def closed(case: Case) -> list[Verdict]:
    """Once a closing version: date and status are reset in one write. A completed task sets the status first."""
    pending = [ending for ending in case.pending if ending.closing.by is Status.CREATIVES_IMPLEMENTED]
    if pending:
        if pending[0] is not case.pending[0]:
            return [_after_ending(case, Handoff.CLOSE)]
        return [_reset(case, pending[0])]
    status = case.portfolio.status
    if status is Status.CREATIVES_APPROVED:
        return [_by_task(case)]
    if status is Status.CREATIVES_IMPLEMENTED:
        return [_not_applicable(case, Handoff.CLOSE, "the cycle was closed before going live")]
    reset = _last_reset(case)
    if reset is not None and status is None:
        return [_done(reset)]
    return [_not_applicable(case, Handoff.CLOSE, "the creatives are not implemented in this cycle")]


def _last_reset(case: Case) -> Fired | None:
    """The closing that began the current cycle, if handoff 8 carried it out."""
    last = case.closings[-1] if case.closings else None
    if last is None or last.by is not Status.CREATIVES_IMPLEMENTED:
        return None
    return case.facts.settled(f"8:{case.portfolio.id}:{to_ms(last.at)}")


def _by_task(case: Case) -> Verdict:
    """The newest task of handoff 7 in this cycle decides; an older one does not stand in for it."""
    implemented = _name(case, Status.CREATIVES_IMPLEMENTED)
    made = case.tasks_made(Handoff.APPROVED, case.cycle)
    newest = made[-1].crm_id if made else None
    if newest is None:
        return _waiting(case, Handoff.CLOSE, f"the status must reach {implemented}", None)
    task = case.tasks([newest])[0]
    if not task.exists:
        reason = f"the implementation task {newest} was deleted: set {implemented} by hand"
        return _waiting(case, Handoff.CLOSE, reason, None)
    if not task.completed:
        return _waiting(case, Handoff.CLOSE, f"the implementation task {newest} is open", None)
    if _approved_after(case, task) or _is_on_its_way(case, refused=True):
        return _waiting(case, Handoff.CLOSE, "the newest approval gets a task of its own first", None)
    key = f"8t:{case.portfolio.id}:{newest}"
    if case.facts.settled(key) is not None:
        reason = f"task {newest} has closed a cycle already; set {implemented} by hand"
        return _waiting(case, Handoff.CLOSE, reason, None)
    write = _status_write(case, Status.CREATIVES_IMPLEMENTED)
    reason = f"the implementation task {newest} is completed"
    return _due(case, Handoff.CLOSE, key, reason, [write], cause_at=task.completed_at)


def _approved_after(case: Case, task: OwnTask) -> bool:
    """Whether the task was completed for an earlier approval, and the one that stands gets its own from handoff 7."""
    history = case.portfolio.status_history
    standing = history[0] if history else None
    if standing is None or task.completed_at is None or task.completed_at >= standing.at:
        return False
    return case.counts(standing, history) and case.facts.settled(_approval_key(case, standing)) is None


def _reset(case: Case, ending: Ending) -> Verdict:
    key = case.ending_key(ending)
    portfolio = case.portfolio
    cycle = case.cycle_ended_by(ending)
    made = [e.crm_id for e in case.tasks_made(Handoff.APPROVED, cycle) if not e.adopted and e.crm_id is not None]
    if _taken_back(case, ending):
        return _ended_before(case, Handoff.CLOSE, ending, "it was reset", made)
    values: dict[str, str] = {}
    if portfolio.status is Status.CREATIVES_IMPLEMENTED:
        values[case.mapping.portfolio.properties.status] = ""
    write = _date_write(case, values)
    reason = f"{_name(case, Status.CREATIVES_IMPLEMENTED)} was set on {_at(case, ending.closing.at)}"
    effects: list[Effect] = [write]
    after = f"{key}/{write.slot}"
    open_tasks = [task for task in case.tasks(made) if task.is_open_since(ending.closing.at)]
    effects += [CloseTask(task.id, reason, after) for task in open_tasks]
    detail = {"next_date": write.values.get(case.mapping.portfolio.properties.refresh_date)}
    verdict = _due(case, Handoff.CLOSE, key, reason, effects, cause_at=ending.closing.at, cycle=cycle, detail=detail)
    return _with_block(verdict, write)


# 9 · System → Account Manager


def confirmation(case: Case) -> list[Verdict]:
    """One email a closing, once the reset has been written: the creatives are live, and the next date."""
    verdicts: list[Verdict] = []
    told: Fired | None = None
    for fired in case.facts.of(Handoff.CLOSE):
        if not _is_reset(fired):
            continue
        mine = case.facts.settled(_confirmation_key(fired.key))
        if mine is not None:
            told = mine
        else:
            verdicts.append(_confirm(case, fired.key, str(fired.detail["next_date"]), fired.cycle))
    now = next((v for v in closed(case) if v.occurrence is not None and v.occurrence.key.startswith("8:")), None)
    if now is not None:
        verdicts.append(_confirm_with(case, now))
    if verdicts:
        return verdicts
    if told is not None:
        return [_done(told)]
    return [_not_applicable(case, Handoff.CONFIRMATION, "no cycle has been closed")]


def _is_reset(fired: Fired) -> bool:
    """Whether a closing's reset has been written, so that somebody is to be told."""
    written = any(effect.kind == "write" and effect.state == "done" for effect in fired.effects)
    return fired.key.startswith("8:") and fired.settled and written and "next_date" in fired.detail


def _confirmation_key(closing_key: str) -> str:
    return closing_key.replace("8:", "9:", 1)


def _confirm_with(case: Case, closing: Verdict) -> Verdict:
    """What follows from a closing that is decided now."""
    occurrence = closing.occurrence
    assert occurrence is not None
    if "next_date" not in occurrence.detail:
        return _not_applicable(case, Handoff.CONFIRMATION, "the closing was before this ledger began")
    if closing.state is State.BLOCKED:
        return _waiting(case, Handoff.CONFIRMATION, "handoff 8 is blocked", None)
    return _confirm(case, occurrence.key, str(occurrence.detail["next_date"]), occurrence.cycle)


def _confirm(case: Case, closing_key: str, next_day: str, cycle: str) -> Verdict:
    owner, blocked = case.owner(Role.ACCOUNT_MANAGER)
    context = case.context(next_date=next_day)
    email = Email(EmailKind.REFRESH_LIVE, Role.ACCOUNT_MANAGER, owner, context, f"{closing_key}/write", blocked)
    key = _confirmation_key(closing_key)
    cause = from_ms(_cause_of(closing_key))
    return _due(case, Handoff.CONFIRMATION, key, "the reset is written", [email], cause_at=cause, cycle=cycle)


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


def _versions(case: Case, status: Status) -> Iterable[Version[Status | None]]:
    """The versions of one status that may cause something, newest first."""
    history = case.portfolio.status_history
    return (version for version in history if version.value is status and case.counts(version, history))


def _ended_before(case: Case, handoff: Handoff, ending: Ending, what: str, tasks: Iterable[str]) -> Verdict:
    """An ending that a ledger since lost has carried out, but perhaps for the last of these tasks, which it was to close."""
    key, reason = case.ending_key(ending), f"{what} before this ledger began"
    left = [CloseTask(task.id, reason) for task in case.tasks(tasks) if task.is_open_since(ending.closing.at)]
    if not left:
        return _recorded(case, handoff, key, reason, ending.closing.at)
    cycle = case.cycle_ended_by(ending)
    return _due(case, handoff, key, reason, left, cause_at=ending.closing.at, cycle=cycle)


def _taken_back(case: Case, ending: Ending) -> bool:
    """Whether the history shows that a ledger since lost has carried out this ending: the service wrote the date.

    The CRM's clock may be ahead of ours, so that this may seem to be later than the new ledger's beginning; unless the
    new ledger has moved the date itself.
    """
    ended = [fired for number in (Handoff.DECLINED, Handoff.CLOSE) for fired in case.facts.of(number)]
    moved = any(
        e.kind == "write" and e.attempted for fired in ended if not fired.key.startswith("8t:") for e in fired.effects
    )
    until = case.moment.born + (timedelta() if moved else CLOCKS_APART)
    moves = [version.at for version in reversed(case.portfolio.date_history) if version.own and version.at < until]
    for one in case.endings:  # each has moved the date once, the oldest first
        if not case.counts(one.version, case.portfolio.status_history):
            continue
        while moves and moves[0] <= one.closing.at:
            del moves[0]
        if one == ending:
            return bool(moves)
        del moves[:1]
    return False


def _status_write(case: Case, status: Status | None) -> Write:
    name = case.mapping.portfolio.properties.status
    new = case.mapping.portfolio.raw_status(status)
    return Write(case.portfolio.ref, {name: new}, {name: case.portfolio.raw.get(name, "")})


def _date_write(case: Case, more: dict[str, str]) -> Write:
    """The move of the Refresh Date, with whatever else goes into the same write."""
    names, raw = case.mapping.portfolio.properties, case.portfolio.raw
    expects = {name: raw.get(name, "") for name in (names.refresh_date, names.status)}
    following = case.next_refresh()
    if following is None:
        reason = f"the cadence “{case.portfolio.cadence}” is not in the mapping (cadence.values): add it or change it"
        return Write(case.portfolio.ref, more, expects, blocked=reason)
    return Write(case.portfolio.ref, {names.refresh_date: following.isoformat(), **more}, expects)


def _occurrence(
    case: Case,
    handoff: Handoff,
    key: str,
    reason: str,
    effects: Iterable[Effect] = (),
    *,
    record: RecordRef | None = None,
    cause_at: datetime | None = None,
    cycle: str | None = None,
    detail: Mapping[str, object] | None = None,
    overtaken: bool = False,
) -> Occurrence:
    return Occurrence(
        key=key,
        handoff=handoff,
        record=record or case.snapshot.ref,
        cycle=case.cycle if cycle is None else cycle,
        reason=reason,
        cause_at=cause_at,
        effects=tuple(effects),
        detail=detail or {},
        overtaken=overtaken,
    )


def _due(
    case: Case,
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
        case, handoff, key, reason, effects, record=record, cause_at=cause_at, cycle=cycle, detail=detail
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


def _recorded(case: Case, handoff: Handoff, key: str, reason: str, cause_at: datetime) -> Verdict:
    occurrence = _occurrence(case, handoff, key, reason, cause_at=cause_at, cycle=case.cycle_of(cause_at))
    return Verdict(handoff, State.DONE, reason, occurrence.record, occurrence, when=cause_at, key=key)


def _recorded_overtaken(
    case: Case, handoff: Handoff, key: str, reason: str, cause_at: datetime | None = None
) -> Verdict:
    cycle = case.cycle if cause_at is None else case.cycle_of(cause_at)
    return _recorded_as_overtaken(_occurrence(case, handoff, key, reason, cause_at=cause_at, cycle=cycle))


def _recorded_as_overtaken(occurrence: Occurrence) -> Verdict:
    final = Occurrence(
        occurrence.key,
        occurrence.handoff,
        occurrence.record,
        occurrence.cycle,
        occurrence.reason,
        occurrence.cause_at,
        overtaken=True,
    )
    return Verdict(final.handoff, State.OVERTAKEN, final.reason, final.record, final, key=final.key)


def _done(fired: Fired) -> Verdict:
    state = State.OVERTAKEN if fired.state == "overtaken" else State.DONE
    return Verdict(fired.handoff, state, fired.reason, fired.record, when=fired.decided_at, key=fired.key)


def _not_applicable(case: Case, handoff: Handoff, reason: str, ticket: Ticket | None = None) -> Verdict:
    return Verdict(handoff, State.NOT_APPLICABLE, reason, ticket.ref if ticket else case.snapshot.ref)


def _overtaken(case: Case, handoff: Handoff, reason: str) -> Verdict:
    return Verdict(handoff, State.OVERTAKEN, reason, case.snapshot.ref)


def _waiting(case: Case, handoff: Handoff, reason: str, until: datetime | None) -> Verdict:
    return Verdict(handoff, State.WAITING, reason, case.snapshot.ref, when=until)


def _after_ending(case: Case, handoff: Handoff) -> Verdict:
    """The date still belongs to the cycle before: what hangs on it waits until that cycle's end is carried out."""
    number = "2a" if case.pending[0].closing.by is Status.NO_REFRESH_REQUESTED else "8"
    return _waiting(case, handoff, f"handoff {number} of the cycle before comes first: it moves the date", None)


def _cause_of(key: str) -> int:
    return int(key.rsplit(":", 1)[1])


def _date_of(fired: Fired) -> str:
    return fired.key.rsplit(":", 1)[1]


def _entries_of(key: str) -> set[str]:
    return set(key.split(":", 3)[3].split(","))


def _name(case: Case, status: Status) -> str:
    return f"“{case.mapping.portfolio.raw_status(status)}”"


def _status(case: Case) -> str:
    return f"“{case.portfolio.raw.get(case.mapping.portfolio.properties.status, '')}”"


def _unmapped(case: Case) -> str:
    return f"the status {_status(case)} is not in the mapping"


def name_of(ticket: Ticket) -> str:
    """How reasons call a ticket."""
    return f"ticket {ticket.id} “{ticket.subject}”"


def _day(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b %Y}"


def _at(case: Case, moment: datetime) -> str:
    local = moment.astimezone(case.mapping.zone)
    return f"{_day(local.date())} {local:%H:%M}"


def _distance(days: int) -> str:
    if days == 0:
        return "today"
    if days < 0:
        return f"{-days} day{'s' if days < -1 else ''} past"
    return f"{days} day{'s' if days > 1 else ''} away"
