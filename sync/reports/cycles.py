"""What happened in each cycle of a client, and how long it took, out of the versions that were kept. Pure.

What cannot be told is left out: a cycle that began before the histories reach has no more than they show. Whether a person
has the next step is told as `status` tells it (`sync.rules.waiting`), but for one thing: a task that was ticked is in no
history, so that the Account Manager and the client, who answers through them, are one party here.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import TypeVar
from zoneinfo import ZoneInfo

from mappings.schema import Party
from mappings.vocabulary import Kept, Role, Status, Step
from sync.reports.tickets import TicketPast, TicketState, tickets_of
from sync.reports.workdays import days, midnight_of, working_days
from sync.rules.cycle import CLOSING, cycle_id
from sync.rules.model import Closing
from sync.storage.ledger.past import ClientPast

T = TypeVar("T")

HOLDERS = {
    Step.KICKOFF: Party.ACCOUNT_MANAGER,
    Step.TICKETS: Party.SOCIAL_AD_SPECIALIST,
    Step.PRODUCTION: Party.CREATIVE_TEAM,
    Step.REVISIONS: Party.CREATIVE_TEAM,
    Step.REVIEW: Party.ACCOUNT_MANAGER,
    Step.IMPLEMENTATION: Party.SOCIAL_AD_SPECIALIST,
}
"""Who has the next step; in any other step it is the calendar. The Account Manager's turn is the client's as well."""

ROLES_OF = {
    Party.ACCOUNT_MANAGER: (Role.ACCOUNT_MANAGER,),
    Party.SOCIAL_AD_SPECIALIST: (Role.SOCIAL_AD_SPECIALIST,),
    Party.CREATIVE_TEAM: (Role.COPYWRITER, Role.GRAPHIC_DESIGNER),
}
"""Who does a party's work."""

_HANDED_TO = {
    Step.PRODUCTION: {Step.REVIEW, Step.IMPLEMENTATION},
    Step.REVISIONS: {Step.REVIEW, Step.IMPLEMENTATION},
    Step.REVIEW: {Step.REVISIONS, Step.IMPLEMENTATION},
    Step.TICKETS: {Step.PRODUCTION, Step.REVISIONS, Step.REVIEW, Step.IMPLEMENTATION},
    Step.KICKOFF: {Step.CONFIRMED, Step.PRODUCTION, Step.REVIEW, Step.IMPLEMENTATION},
}
"""After which step a turn was handed on; before any other it was cut short: the date was moved, a status taken back."""

_LATE = (Status.DELIVERABLES_SUBMITTED, Status.CREATIVES_PENDING_APPROVAL, Status.CREATIVES_APPROVED)
"""Statuses at which every ticket is known to be there."""


class Outcome(StrEnum):
    """How a cycle ended."""

    LIVE = "live"
    DECLINED = "declined"
    RUNNING = "running"


class Lead(StrEnum):
    """A length of time that is reported."""

    KICKOFF_TO_YES = "kickoff_to_yes"
    DATE_TO_TICKETS = "date_to_tickets"
    TICKETS_TO_READY = "tickets_to_ready"
    REVIEW = "review"
    REVISION = "revision"
    APPROVAL_TO_LIVE = "approval_to_live"

    @property
    def headline(self) -> str:
        """What it is called: `Kickoff to yes`."""
        return _HEADLINES[self]


_HEADLINES = {
    Lead.KICKOFF_TO_YES: "Kickoff to yes",
    Lead.DATE_TO_TICKETS: "Date to tickets",
    Lead.TICKETS_TO_READY: "Tickets to ready",
    Lead.REVIEW: "A review",
    Lead.REVISION: "A revision",
    Lead.APPROVAL_TO_LIVE: "Approval to live",
}


PARTY_OF = {
    Lead.KICKOFF_TO_YES: Party.ACCOUNT_MANAGER,
    Lead.DATE_TO_TICKETS: Party.SOCIAL_AD_SPECIALIST,
    Lead.TICKETS_TO_READY: Party.CREATIVE_TEAM,
    Lead.REVIEW: Party.ACCOUNT_MANAGER,
    Lead.REVISION: Party.CREATIVE_TEAM,
    Lead.APPROVAL_TO_LIVE: Party.SOCIAL_AD_SPECIALIST,
}
"""Whose work each of them is."""


@dataclass(frozen=True, slots=True)
class Span:
    """One length of time in a cycle that is over."""

    lead: Lead
    start: datetime
    end: datetime

    @property
    def days(self) -> float:
        return days(self.start, self.end)


@dataclass(frozen=True, slots=True)
class Turn:
    """A time in which a party had the next step. `handed_on`: it ended because they took it; False: it was cut short."""

    step: Step
    party: Party
    start: datetime
    end: datetime
    handed_on: bool
    working_days: float

    @property
    def days(self) -> float:
        return days(self.start, self.end)


@dataclass(frozen=True, slots=True)
class Cycle:
    """One cycle of a portfolio. `began` None: the first that is known; `ended` None: it goes on, and so does its last turn.

    `rounds`: how many rounds of revisions each ticket had that was ready once, by rising id.
    """

    portfolio: str
    id: str
    began: datetime | None
    ended: datetime | None
    outcome: Outcome
    spans: tuple[Span, ...] = ()
    turns: tuple[Turn, ...] = ()
    rounds: tuple[int, ...] = ()

    @property
    def has_begun(self) -> bool:
        """Whether anybody has had a turn that is over."""
        return bool(self.turns or self.spans)

    def held(self, party: Party) -> float:
        """How many working days this party had the next step, of the turns that are over."""
        return sum(turn.working_days for turn in self.turns if turn.party is party)


@dataclass(frozen=True, slots=True)
class Terms:
    """By what time is told: the mapping's zone, the kickoff's window in days, how long a set may still grow, and now."""

    zone: ZoneInfo
    window_days: int
    barrier: timedelta
    now: datetime


def cycles_of(past: ClientPast, terms: Terms, since: datetime | None = None) -> list[Cycle]:
    """Tell a client's cycles, the oldest first, the one that goes on last; only those that had not ended before `since`."""
    bounds: list[Closing | None] = [None, *past.closings, None]
    tickets = tickets_of(past)
    return [
        _Told(past, tickets, began, ended, terms).cycle()
        for began, ended in pairwise(bounds)
        if since is None or ended is None or ended.at >= since
    ]


class _Told:
    """One cycle, as the versions tell it."""

    def __init__(
        self,
        past: ClientPast,
        tickets: Sequence[TicketPast],
        began: Closing | None,
        ended: Closing | None,
        terms: Terms,
    ) -> None:
        self._terms = terms
        self._portfolio = past.portfolio
        self._began = None if began is None else began.at
        self._ended = ended
        self._id = cycle_id(self._began)
        self._statuses = [
            (one.at, Status(one.means) if one.means else None)
            for one in past.versions
            if one.property is Kept.STATUS and self._is_within(one.at) and one.means not in CLOSING
        ]
        self._dates = list(self._dates_of(past))
        self._kickoffs = [at for cycle, at in past.kickoffs if cycle == self._id]
        self._tickets = [ticket for ticket in tickets if self._is_within(ticket.came_in)]

    def cycle(self) -> Cycle:
        turns = list(self._turns())
        outcome = Outcome.RUNNING
        if self._ended is not None:
            outcome = Outcome.LIVE if self._ended.by is Status.CREATIVES_IMPLEMENTED else Outcome.DECLINED
        spans = sorted(self._spans(turns), key=lambda span: (span.end, span.lead))
        rounds = tuple(ticket.rounds for ticket in self._tickets if ticket.first_ready is not None)
        return Cycle(
            self._portfolio, self._id, self._began, None if self._ended is None else self._ended.at, outcome,
            tuple(spans), tuple(turns), rounds,
        )  # fmt: skip

    def _is_within(self, at: datetime) -> bool:
        return (self._began is None or at > self._began) and (self._ended is None or at < self._ended.at)

    def _dates_of(self, past: ClientPast) -> Iterator[tuple[datetime, date | None]]:
        """The Refresh Dates of the cycle since when; one that had come before it began was the one's before."""
        before: tuple[datetime, date | None] | None = None
        for one in past.versions:
            if one.property is not Kept.REFRESH_DATE or (self._ended is not None and one.at >= self._ended.at):
                continue
            found = date.fromisoformat(one.means) if one.means else None
            if self._began is None or one.at > self._began:
                yield one.at, found
            elif found is not None and found <= self._began.astimezone(self._terms.zone).date():
                before = None
            else:
                before = (self._began, found)
        if before is not None:
            yield before

    # -- who had the next step when

    def _turns(self) -> Iterator[Turn]:
        """Each time in which a party had the next step, and that is over."""
        steps: list[tuple[datetime, Step]] = []
        for at in self._moments():
            step = self._step_at(at)
            if not steps or steps[-1][1] is not step:
                steps.append((at, step))
        if self._ended is not None:
            steps.append((self._ended.at, Step.BETWEEN))
        for (start, step), (end, following) in pairwise(steps):
            if step in HOLDERS:
                closes = self._ended is not None and end == self._ended.at
                yield Turn(
                    step, HOLDERS[step], start, end, self._is_handed_on(step, following, closes=closes),
                    working_days(start, end, self._terms.zone),
                )  # fmt: skip

    def _is_handed_on(self, step: Step, following: Step, *, closes: bool) -> bool:
        if closes and self._ended is not None:  # the client's no is an answer, but no approval
            live = self._ended.by is Status.CREATIVES_IMPLEMENTED
            return step is Step.KICKOFF if not live else step in {Step.REVIEW, Step.IMPLEMENTATION}
        return following in _HANDED_TO.get(step, ())

    def _moments(self) -> list[datetime]:
        """When anything may have become otherwise."""
        found = {at for at, _ in (*self._statuses, *self._dates)} | set(self._kickoffs)
        for at, day in self._dates:
            if day is not None:
                opening = day - timedelta(days=self._terms.window_days)
                found |= {max(at, midnight_of(each, self._terms.zone)) for each in (opening, day)}
        for ticket in self._tickets:
            found |= {at for at, _ in ticket.states}
            found.add(ticket.came_in + self._terms.barrier)
        return sorted(at for at in found if at <= self._terms.now and (self._is_within(at) or at == self._began))

    def _step_at(self, at: datetime) -> Step:
        """One rung a step of the process, the last one first."""
        status = _in_force(self._statuses, at)
        if status is Status.UNMAPPED:
            return Step.BETWEEN
        if status is Status.CREATIVES_APPROVED:
            return Step.IMPLEMENTATION
        there = [(ticket, state) for ticket in self._tickets if (state := ticket.at(at)) is not None]
        if there:
            return self._step_of_tickets(there, status, at)
        if status is Status.CREATIVES_PENDING_APPROVAL:
            return Step.REVIEW
        when, today = _in_force(self._dates, at), at.astimezone(self._terms.zone).date()
        if status is Status.DELIVERABLES_SUBMITTED or (when is not None and when <= today):
            return Step.TICKETS
        if status is Status.REFRESH_REQUEST_SUBMITTED:
            return Step.CONFIRMED
        asked = any(kickoff <= at for kickoff in self._kickoffs)
        if asked and when is not None and (when - today).days <= self._terms.window_days:
            return Step.KICKOFF
        return Step.BETWEEN

    def _step_of_tickets(
        self, there: Sequence[tuple[TicketPast, TicketState]], status: Status | None, at: datetime
    ) -> Step:
        states = {state for _, state in there}
        if TicketState.ASKED in states:
            return Step.REVISIONS
        may_grow = status not in _LATE and at < max(ticket.came_in for ticket, _ in there) + self._terms.barrier
        return Step.PRODUCTION if TicketState.AT_WORK in states or may_grow else Step.REVIEW

    # -- what is reported

    def _spans(self, turns: Sequence[Turn]) -> Iterator[Span]:
        yield from self._to_yes()
        came_in = min((ticket.came_in for ticket in self._tickets), default=None)
        if came_in is not None:
            yield from self._to_tickets(came_in)
            ready = next((turn.start for turn in self._reviews(turns)), None)
            if ready is not None:
                yield Span(Lead.TICKETS_TO_READY, came_in, ready)
        for turn in turns:
            if turn.handed_on and turn.step in {Step.REVIEW, Step.REVISIONS}:
                lead = Lead.REVIEW if turn.step is Step.REVIEW else Lead.REVISION
                yield Span(lead, turn.start, turn.end)
        if turns and turns[-1].step is Step.IMPLEMENTATION and turns[-1].handed_on:
            yield Span(Lead.APPROVAL_TO_LIVE, turns[-1].start, turns[-1].end)

    def _to_yes(self) -> Iterator[Span]:
        yes = next((at for at, status in self._statuses if status is Status.REFRESH_REQUEST_SUBMITTED), None)
        asked = [at for at in self._kickoffs if yes is not None and at <= yes]
        if yes is not None and asked:
            yield Span(Lead.KICKOFF_TO_YES, max(asked), yes)

    def _to_tickets(self, came_in: datetime) -> Iterator[Span]:
        set_at, when = max(
            ((at, day) for at, day in self._dates if at <= came_in), default=(came_in, None), key=lambda one: one[0]
        )
        if when is not None:
            start = max(set_at, midnight_of(when, self._terms.zone))
            yield Span(Lead.DATE_TO_TICKETS, min(start, came_in), came_in)

    def _reviews(self, turns: Sequence[Turn]) -> Iterable[Turn]:
        return (turn for turn in turns if turn.step in {Step.REVIEW, Step.IMPLEMENTATION})


def _in_force(versions: Sequence[tuple[datetime, T]], at: datetime) -> T | None:
    """The newest of these at a moment, whatever their order."""
    newest = max((one for one in versions if one[0] <= at), default=None, key=lambda one: one[0])
    return None if newest is None else newest[1]
