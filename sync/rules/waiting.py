"""Who is waited for: whose turn it is in a cycle, to do what, since when. Pure.

The rules say what the service does; this says what a person has to do before the process goes on. What the service, an
admin or the calendar has to do first is nobody's turn.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from mappings.schema import Party, ProcessMapping
from mappings.vocabulary import Handoff, Role, Stage, Status
from sync.clock import local_date
from sync.rules.context import Context, NeededError, UnreadError
from sync.rules.handoffs.advancing import approved_since, both_approved
from sync.rules.handoffs.announcements import announcements
from sync.rules.handoffs.wording import name_of, word
from sync.rules.keys import EffectKind
from sync.rules.model import EffectState, Needed, RecordedOccurrence, State, Ticket, Verdict, Wait

LOOKED_AT_WITHIN = timedelta(hours=26)
"""How soon a portfolio is looked at again at the latest: the sweep's day, and two hours for one that is late."""

NAMED = 3
"""So many tickets are named one by one."""

SERVICE_NEXT = frozenset({State.DUE, State.BLOCKED, State.WAITING})
"""What a rule says while the next step is the service's own, or hangs on what blocks it."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """Who is waited for (None: nobody), or what has to be read before that can be told.

    `is_known`: False where that cannot be told, because something came incomplete from the CRM.
    """

    wait: Wait | None = None
    needed: Needed = field(default_factory=Needed)
    is_known: bool = True

    @property
    def complete(self) -> bool:
        return not self.needed


def judge(context: Context, verdicts: Sequence[Verdict], *, closely: bool = False) -> Judgement:
    """Who is waited for in this portfolio's cycle, given what the rules say of it.

    Whether a task is done tells the Account Manager's turn from the client's. It is read only where one of them may
    have waited too long by the next look, or `closely`.
    """
    if any(ticket.may_count for ticket in context.snapshot.unread):
        return Judgement(is_known=False)
    try:
        return Judgement(_Turn(context, verdicts, closely=closely).wait())
    except NeededError as error:
        return Judgement(needed=error.needed)
    except UnreadError:
        return Judgement(is_known=False)


def judged_closely_on(wait: Wait, mapping: ProcessMapping) -> date:
    """The day from which on it matters to whom this waits for whether a task is done: at its first look it is read."""
    days = mapping.rules.stuck_after_days
    soonest = min(days[Party.ACCOUNT_MANAGER], days[Party.CLIENT])
    return local_date(wait.since + timedelta(days=soonest), mapping.zone)


def day_of_the_clock(context: Context, wait: Wait | None) -> date | None:
    """The next day on which the clock alone may make something due, or turn whom it waits for; None: none is in sight.

    What waits for an hour or a minute asks for its next look itself. `wait`: whom it waits for now; None: for nobody.
    """
    days = []
    when = context.portfolio.refresh_date
    if when is not None:
        days += [when, date.fromordinal(max(1, when.toordinal() - context.window))]
    if wait is not None:
        days.append(judged_closely_on(wait, context.mapping))
    return min((day for day in days if day > context.times.today), default=None)


class _Turn:
    def __init__(self, context: Context, verdicts: Sequence[Verdict], *, closely: bool) -> None:
        self._context = context
        self._verdicts = verdicts
        self._closely = closely

    def wait(self) -> Wait | None:
        """One rung a stage of the process, the last one first."""
        context, status = self._context, self._context.portfolio.status
        if not context.portfolio.inside or context.pending or status in {Status.UNMAPPED, Status.CREATIVES_IMPLEMENTED}:
            return None
        if context.settling is not None:
            return None
        if status is Status.CREATIVES_APPROVED:
            return self._implementation()
        current = context.current_tickets
        if current:
            return self._tickets(current)
        if status is Status.CREATIVES_PENDING_APPROVAL:
            return self._sharing()
        if status is Status.DELIVERABLES_SUBMITTED:
            what = (
                "to create the deliverable tickets: the status says that they are there, but none of this cycle is open"
            )
            return self._of(Party.SOCIAL_AD_SPECIALIST, Handoff.DATE_ARRIVED, what, self._status_since())
        return self._before_tickets()

    def _before_tickets(self) -> Wait | None:
        context, status = self._context, self._context.portfolio.status
        when = context.portfolio.refresh_date
        if when is None:
            if status is not Status.REFRESH_REQUEST_SUBMITTED:
                return None
            what = "to set the Refresh Date: the client has said yes, and nothing happens before a date comes"
            since = max(self._status_since(), context.date_since)
            return self._of(Party.ACCOUNT_MANAGER, Handoff.CONFIRMED, what, since)
        if when <= context.times.today:
            cued = list(context.ledger.of(Handoff.DATE_ARRIVED, context.cycle))
            if not cued or not _passed_on(cued[-1]) or self._says(Handoff.DATE_ARRIVED, SERVICE_NEXT):
                return None
            what = "to create the deliverable tickets"
            return self._of(Party.SOCIAL_AD_SPECIALIST, Handoff.DATE_ARRIVED, what, cued[-1].decided_at)
        asked = list(context.ledger.of(Handoff.KICKOFF, context.cycle))
        if (
            status is not None
            or not asked
            or not _passed_on(asked[-1])
            or not self._says(Handoff.KICKOFF, {State.DONE})
        ):
            return None
        return self._client_by_way_of_manager(
            Handoff.KICKOFF,
            "to ask the client whether they want a refresh",
            "to say whether they want a refresh",
            asked[-1].decided_at,
        )

    def _tickets(self, current: Sequence[Ticket]) -> Wait | None:
        since = max(_moved(ticket) for ticket in current)
        behind = [ticket for ticket in current if ticket.stage is not Stage.PENDING_APPROVAL]
        without_task = {
            recorded.record.id for recorded in self._context.ledger.recorded.values() if not _passed_on(recorded)
        }
        if behind and all(ticket.id in without_task for ticket in behind):
            return None
        if behind:
            return self._creative_team(behind, len(current), since)
        homeless = [ticket for ticket in current if not ticket.folder_key]
        if homeless:
            what = f"to fill in the {word(self._context, 'folder')} of {_named(homeless)}"
            return self._of(Party.SOCIAL_AD_SPECIALIST, Handoff.TICKETS, what, since)
        if self._says(Handoff.SET_READY, SERVICE_NEXT):
            return None
        return self._sharing()

    def _creative_team(self, behind: Sequence[Ticket], of: int, since: datetime) -> Wait | None:
        """Theirs are the tickets that are not ready; those that only have to be moved are named as such."""
        revised = any(ticket.revision is not None for ticket in behind)
        after = Handoff.REVISIONS if revised else Handoff.TICKETS
        approved = [at for ticket in behind if (at := approved_since(self._context, ticket)) is not None]
        if len(approved) < len(behind):
            what = f"to finish {f'{len(behind)} of {of} tickets' if of > 1 else 'the one ticket'}: {_named(behind)}"
            return self._of(Party.CREATIVE_TEAM, after, what, since)
        if self._says(Handoff.SET_READY, {State.DUE}):
            return None  # `rules.advance_approved_tickets`: the service moves them
        stage = word(self._context, "pending_approval")
        what = f"to move {_named(behind)} to “{stage}”: {both_approved(self._context)}"
        return self._of(Party.CREATIVE_TEAM, after, what, max(since, *approved))

    def _sharing(self) -> Wait | None:
        announced = [one.recorded for one in announcements(self._context)]
        if not all(_passed_on(recorded) for recorded in announced):
            return None
        return self._client_by_way_of_manager(
            Handoff.SET_READY,
            "to share the deliverables with the client",
            "to approve the deliverables, or ask for changes",
            max([self._status_since(), *(recorded.decided_at for recorded in announced)]),
        )

    def _implementation(self) -> Wait | None:
        cycle = self._context.cycle
        recorded = (one for one in self._context.ledger.recorded.values() if one.handoff is Handoff.APPROVED)
        if not all(_passed_on(one) for one in recorded if one.cycle == cycle):
            return None
        if any(v.handoff is Handoff.CLOSE and v.state is State.WAITING and v.when is not None for v in self._verdicts):
            return None  # the task is completed, and will soon count
        what = "to implement the creatives and complete the task, or set the status"
        return self._of(Party.SOCIAL_AD_SPECIALIST, Handoff.APPROVED, what, self._status_since())

    # -- what the rungs share

    def _client_by_way_of_manager(self, after: Handoff, asking: str, answering: str, since: datetime) -> Wait:
        """The Account Manager's turn while a task of theirs is open, and then the client's."""
        manager = self._of(Party.ACCOUNT_MANAGER, after, asking, since)
        client = self._of(Party.CLIENT, after, answering, since)
        soon = self._context.times.now + LOOKED_AT_WITHIN
        if not self._closely and soon < min(manager.stuck_at, client.stuck_at):
            return manager
        made = self._context.tasks_made(after, self._context.cycle)
        tasks = [task for task in self._context.tasks(e.crm_id for e in made if e.crm_id is not None) if task.exists]
        if not tasks or any(task.is_open for task in tasks):
            return manager
        done = [task.completed_at for task in tasks if task.completed_at is not None]
        return self._of(Party.CLIENT, after, answering, max([since, *done]))

    def _of(self, party: Party, after: Handoff, what: str, since: datetime) -> Wait:
        days = self._context.mapping.rules.stuck_after_days[party]
        return Wait(party, self._who(party), after, what, since, since + timedelta(days=days))

    def _who(self, party: Party) -> str:
        if party is Party.CLIENT:
            return "the client"
        label = f"the {self._context.mapping.party_label(party)}"
        if party is Party.CREATIVE_TEAM:
            return label
        role = Role(party.value)
        owner = self._context.snapshot.owners.get(self._context.portfolio.owners.get(role, ""))
        return label if owner is None else f"{label} ({owner.name})"

    def _says(self, handoff: Handoff, states: Iterable[State]) -> bool:
        """Whether a rule says one of these of its handoff."""
        wanted = frozenset(states)
        return any(verdict.handoff is handoff and verdict.state in wanted for verdict in self._verdicts)

    def _status_since(self) -> datetime:
        history = self._context.portfolio.status_history
        return history[0].at if history else self._context.times.go_live


def _passed_on(recorded: RecordedOccurrence) -> bool:
    """Whether everybody whose work this is has a task for it: what is blocked or was refused waits for an admin."""
    not_made = {EffectState.BLOCKED, EffectState.FAILED}
    return not any(effect.kind is EffectKind.TASK and effect.state in not_made for effect in recorded.effects)


def _moved(ticket: Ticket) -> datetime:
    """When anything last happened to a ticket that the process knows of."""
    asked = [version.at for version in ticket.revision_history[:1]]
    return max([ticket.created_at, ticket.stage_since, *asked])


def _named(tickets: Sequence[Ticket]) -> str:
    names = ", ".join(name_of(ticket) for ticket in tickets[:NAMED])
    more = len(tickets) - NAMED
    return f"{names} and {more} more" if more > 0 else names
