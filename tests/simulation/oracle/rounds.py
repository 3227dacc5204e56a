"""The rounds of revisions (docs/process.md 6.16), by the histories alone."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from tests.simulation.oracle.record import (
    CW,
    Closing,
    Rec,
    Task,
    Version,
)
from tests.simulation.oracle.records import Records

APPROVED = "Approved"


@dataclass(slots=True)
class Round:
    """One round of a role on a ticket."""

    role: str
    number: int
    versions: list[Version] = field(default_factory=list)
    doubtful: bool = False
    """Whether the round before was delivered hangs on a task that has been opened again since."""

    @property
    def opened(self) -> int:
        return self.versions[0].number

    def has(self, number: int) -> bool:
        return any(version.number == number for version in self.versions)


class Rounds:
    def __init__(self, records: Records) -> None:
        self._crm = records

    def of(self, ticket: Rec, role: str) -> list[Round]:
        """Oldest first."""
        parent = self._crm.parent(ticket)
        closings = [] if parent is None else self._crm.closings(parent)
        found: list[Round] = []
        for version in self._crm.counting(ticket, self._crm.names.needs_revisions):
            if role not in self._crm.revisions.get(version.value, ()):
                continue
            over, doubtful = self._is_over(ticket, found[-1], version, closings) if found else (True, False)
            if over:
                found.append(Round(role, len(found) + 1, [], doubtful))
            found[-1].versions.append(version)
        return found

    def _is_over(self, ticket: Rec, last: Round, version: Version, closings: Sequence[Closing]) -> tuple[bool, bool]:
        """Whether a round was over when this version came, and whether there is a doubt about it."""
        if any(last.opened < moment < version.number for moment in self._deliveries(ticket, last.role, closings)):
            return True, False
        done = [
            task for task in self.tasks(ticket, last) if task.rec.as_of("hs_task_status", version.number) == "COMPLETED"
        ]
        return bool(done), bool(done) and not any(_was_completed_ever_since(task, version.number) for task in done)

    def is_delivered(self, ticket: Rec, mine: Round) -> bool:
        """Whether it is by now."""
        now = Version(self._crm.now.number, self._crm.now.at, "", own=False)
        return self._is_over(ticket, mine, now, ())[0]

    def delivered_at(self, ticket: Rec, mine: Round) -> list[int]:
        """The moments (ms) that may be the last delivery before this round; what is left after it is for this round."""
        before = [one for one in self.of(ticket, mine.role) if one.opened < mine.opened]
        for one in reversed(before):
            moments = [
                version.at
                for version in ticket.history.get(self._crm.approvals[mine.role], ())
                if version.value == APPROVED and one.opened < version.number < mine.opened
            ]
            moments += [version.at for version in self._reviews(ticket) if one.opened < version.number < mine.opened]
            if moments:
                return [min(moments)]
            moments = [
                version.at
                for task in self.tasks(ticket, one)
                for version in task.rec.history["hs_task_status"]
                if version.value == "COMPLETED" and version.number < mine.opened
            ]
            if moments:
                return moments
        first = [version.at for version in self._reviews(ticket) if version.number < mine.opened]
        # How old a record is that two were merged into is a guess (docs/hubspot.md 4.12): as the one of them, or the other.
        merged = self._crm.merged_ms.get(ticket.ref)
        return first[:1] or [ticket.at, *([] if merged is None else [merged])]

    def notes_since_delivery(self, ticket: Rec, mine: Round) -> tuple[list[Rec], list[Rec]]:
        """The Notes since the role's last delivery: those that may be, and those that are beyond doubt."""
        bounds, notes, at = self.delivered_at(ticket, mine), self._crm.notes(ticket), self._crm.note_at
        sure = [note for note in notes if at(note) >= max(bounds) and not note.archived]
        return [note for note in notes if at(note) >= min(bounds)], sure

    def _reviews(self, ticket: Rec) -> Iterator[Version]:
        """The versions that brought it into Pending Approval."""
        before = ""
        for version in ticket.history["hs_pipeline_stage"]:
            if version.value == self._crm.in_review != before:
                yield version
            before = version.value

    def _deliveries(self, ticket: Rec, role: str, closings: Sequence[Closing]) -> Iterator[int]:
        """When its approval was set to Approved, the ticket came into Pending Approval, or a decline ended its round."""
        for version in ticket.history.get(self._crm.approvals[role], ()):
            if version.value == APPROVED:
                yield version.number
        yield from (version.number for version in self._reviews(ticket))
        yield from (one.number for one in closings if one.declined)

    def tasks(self, ticket: Rec, of: Round) -> list[Task]:
        """Those that were made for a round."""
        return [task for task in self.all_tasks(ticket, of.role) if of.has(task.cause)]

    def all_tasks(self, ticket: Rec, role: str) -> list[Task]:
        kind = "Revise Copy: " if role == CW else "Revise Graphics: "
        return [task for task in self._crm.tasks.values() if task.kind == kind and task.ticket == ticket.ref]

    def of_version(self, ticket: Rec, role: str, number: int) -> Round:
        return next(one for one in self.of(ticket, role) if one.has(number))

    def stands(self, ticket: Rec, role: str, number: int, looked: int | None = None) -> bool:
        """Whether the round of this version has an open task; or had, when it was looked at, and a person closed it since.

        What a merge brought along is not said to be on this ticket or not.
        """
        if ticket.ref in self._crm.uncertain:
            return False
        mine = self.tasks(ticket, self.of_version(ticket, role, number))
        if looked is None:
            return any(task.open for task in mine)
        return any(
            task.number <= looked and task.open_at(looked) and not self._crm.run_began(task.rec, "hs_task_status").own
            for task in mine
        )

    def left_open(self, ticket: Rec, now: Round) -> Iterable[Task]:
        """The tasks of the rounds before that are still open."""
        return [task for task in self.all_tasks(ticket, now.role) if task.cause < now.opened and task.open]


def notes_quoted(body: str) -> set[str]:
    """The Notes (ids) whose links stand in a task's body."""
    return set(re.findall(r"\?engagement=(\d+)", body))


def are_left_out(body: str) -> bool:
    """Whether it says that more Notes are there than it quotes."""
    return "not quoted here" in body


def _was_completed_ever_since(task: Task, number: int) -> bool:
    later = [version.value for version in task.rec.history["hs_task_status"] if version.number > number]
    return not task.rec.archived and all(value == "COMPLETED" for value in later)
