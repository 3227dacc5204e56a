"""What became of a ticket, out of the versions that were kept. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mappings.vocabulary import Kept, Revision, Stage
from sync.storage.ledger.past import ClientPast
from sync.storage.versions import APPROVED, CLOSED, DELIVERABLES, KeptVersion

_ASKED_OF = {
    Revision.COPY: {Kept.COPY_APPROVAL},
    Revision.GRAPHIC: {Kept.GRAPHIC_APPROVAL},
    Revision.COPY_AND_GRAPHIC: {Kept.COPY_APPROVAL, Kept.GRAPHIC_APPROVAL},
}
"""By which approvals each value of Needs Revisions is answered."""

_ORDER = [Kept.PIPELINE, Kept.STAGE, Kept.COPY_APPROVAL, Kept.GRAPHIC_APPROVAL, Kept.NEEDS_REVISIONS]
"""Of versions of one moment: revisions that were asked for then are not answered by what was written with them."""


class TicketState(StrEnum):
    """What has to happen to a ticket that counts."""

    AT_WORK = "at_work"
    ASKED = "asked"  # a revision is asked for, and was not delivered
    READY = "ready"


@dataclass(frozen=True, slots=True)
class TicketPast:
    """A ticket of the deliverables pipeline. `came_in`: when it last came into it.

    `states`: since when it is in which state, oldest first; None: it does not count, being closed or elsewhere.
    `rounds`: how many rounds of revisions were asked for. One asked for before the one before was delivered (the ticket
    ready, or an approval given that was asked for) is the same round.
    """

    id: str
    came_in: datetime
    states: tuple[tuple[datetime, TicketState | None], ...]
    rounds: int

    @property
    def first_ready(self) -> datetime | None:
        """When it was ready for the first time; None: it never was."""
        return next((at for at, state in self.states if state is TicketState.READY), None)

    def at(self, moment: datetime) -> TicketState | None:
        """Its state at a moment; None: it did not count then."""
        found: TicketState | None = None
        for at, state in self.states:
            if at > moment:
                break
            found = state
        return found


def tickets_of(past: ClientPast) -> list[TicketPast]:
    """Tell each of a client's tickets that came into the deliverables pipeline and is there, by rising id."""
    found = (_told(ticket, past.tickets[ticket]) for ticket in sorted(past.tickets, key=int))
    return [ticket for ticket in found if ticket is not None]


def _told(ticket: str, versions: Iterable[KeptVersion]) -> TicketPast | None:
    reader = _Reader()
    for version in sorted(versions, key=lambda one: (one.at, _ORDER.index(one.property))):
        reader.read(version)
    if reader.came_in is None:
        return None
    return TicketPast(ticket, reader.came_in, tuple(reader.states), reader.rounds)


class _Reader:
    def __init__(self) -> None:
        self.came_in: datetime | None = None
        self.states: list[tuple[datetime, TicketState | None]] = []
        self.rounds = 0
        self._stage = ""
        self._undelivered: Revision | None = None  # asked for, and nothing of it was delivered
        self._asked = False  # it has not been ready since a revision was asked for

    def read(self, version: KeptVersion) -> None:
        match version.property:
            case Kept.PIPELINE:
                self._move(version)
            case Kept.STAGE:
                self._stage = version.means
                if version.means == Stage.PENDING_APPROVAL:
                    self._asked, self._undelivered = False, None
            case Kept.NEEDS_REVISIONS:
                self._ask(version.means)
            case approval if self._undelivered is not None and version.means == APPROVED:
                if approval in _ASKED_OF[self._undelivered]:
                    self._undelivered = None
        state = self._state()
        if not self.states or self.states[-1][1] is not state:
            self.states.append((version.at, state))

    def _move(self, version: KeptVersion) -> None:
        if version.means != DELIVERABLES:
            self.came_in = None
        elif self.came_in is None:
            self.came_in = version.at

    def _ask(self, means: str) -> None:
        if means in _ASKED_OF:
            self.rounds += self._undelivered is None
            self._undelivered, self._asked = Revision(means), True
        elif not means and self._stage == Stage.PENDING_APPROVAL:  # taken back before it was handled
            self._asked = False

    def _state(self) -> TicketState | None:
        if self.came_in is None or self._stage == CLOSED:
            return None
        if self._asked:
            return TicketState.ASKED
        return TicketState.READY if self._stage == Stage.PENDING_APPROVAL else TicketState.AT_WORK
