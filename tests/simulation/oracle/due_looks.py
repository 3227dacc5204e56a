"""Which records must have been looked at by now, by what the service was told of, or could find, of people's changes.

Any one of webhook, poll and sweep is enough (docs/process.md C.10). At the end of a run all three have come, and one
hides what another has missed; so each is held to its own here, whenever the service rests undisturbed: deliveries to
every change of what they tell, a poll to the changes that a search shows, a sweep to every open cycle and every date
that is near, and the service itself to the moments for which it had put off a look.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta

from tests.simulation.event_log import Archived, Created, Event, Linked, PassBegan, PassEnded, Ref, Restored, Updated
from tests.simulation.oracle.record import TASKS, Rec
from tests.simulation.oracle.records import Records

SEARCH_LAGS = 10_000
"""How much older than a search a change is that it shows for certain (docs/hubspot.md 6.2: some seconds)."""


class DueLooks:
    """Told of every event after the records have taken it in."""

    def __init__(self, records: Records) -> None:
        self._crm = records
        self._changed: dict[Ref, set[str]] = defaultdict(set)
        """Changed by people and not looked at since: on records of which kinds."""
        self._findable: dict[Ref, int] = {}
        """Those of them that a search shows."""
        self._put_off: dict[Ref, tuple[int, int]] = {}
        """To be looked at again: from when on a look counts, and by when there must have been one."""
        self._parent_seen: dict[Ref, Ref | None] = {}
        """The portfolio that a ticket counted for, when it was last looked at."""
        self._began = PassBegan(0, 0, "")
        self._knows_tasks = True
        """Not from a loss to the next sweep: a task that is completed meanwhile is nobody's that it knows."""

    def began(self, event: PassBegan) -> None:
        self._began = event

    def looked(self, refs: frozenset[Ref]) -> None:
        for ref in refs:
            if (rec := self._crm.rec(ref)) is not None and ref.kind == "ticket":
                parent = self._crm.parent(rec)
                self._parent_seen[ref] = None if parent is None else parent.ref
            self._changed.pop(ref, None)
            self._findable.pop(ref, None)
            if self._put_off.get(ref, (0, 0))[0] <= self._crm.now.at:
                self._put_off.pop(ref, None)

    def put_off(self, ref: Ref, moment: int, within: int = 0) -> None:
        self._put_off[ref] = moment, moment + within

    def waits_for_nothing(self, ref: Ref) -> None:
        """A look has shown that what its look was put off for is gone: a slip was taken back (C.2), a set was announced."""
        self._put_off.pop(ref, None)

    def counted(self, ref: Ref) -> None:
        """What its look was put off for, until it would count for certain, has been carried out: it counted."""
        moment, by = self._put_off.get(ref, (0, 0))
        if moment < by:
            self._put_off.pop(ref)

    def forget(self) -> None:
        """The database was lost: what was told is told no more, and the next sweep finds it."""
        self._changed.clear()
        self._findable.clear()
        self._put_off.clear()
        self._parent_seen.clear()
        self._knows_tasks = False

    def by_person(self, event: Event) -> None:
        """Something was changed, which is told of and leads to looks."""
        for ref in self._concerned(event):
            self._changed[ref].add(_kind(event))
            if isinstance(event, Updated | Created):
                self._findable[ref] = event.at

    def overlooked(self, event: PassEnded) -> set[Ref]:
        """What must have been looked at by the end of an undisturbed pass, and was not. Told once."""
        found = {ref for ref, (_, by) in self._put_off.items() if by <= self._began.at}
        found |= {ref for ref, kinds in self._changed.items() if kinds & event.delivered}
        if self._began.what == "poll":
            found |= {ref for ref, at in self._findable.items() if at <= self._began.at - SEARCH_LAGS}
        for ref in found:
            for kept in (self._changed, self._findable, self._put_off):
                kept.pop(ref, None)
        if self._began.what == "sweep":
            self._knows_tasks = True
            found |= {rec.ref for rec in self._crm.all.values() if self._is_swept(rec)}
        return found

    def _concerned(self, event: Event) -> Iterator[Ref]:
        match event:
            case Updated(ref=ref, values=values) if ref.kind == "task":
                task = self._crm.tasks.get(ref)
                completed = values.get("hs_task_status") == "COMPLETED" and self._knows_tasks
                if completed and task is not None and task.parent is not None and TASKS[task.kind][0] == "7":
                    yield task.parent
            case Updated(ref=ref, values=values):
                if values.keys() & self._crm.watched(ref):
                    yield from self._with_parents(ref, came_or_left="hs_pipeline" in values)
            case Created(ref=ref) | Archived(ref=ref) | Restored(ref=ref) if ref.kind in {"portfolio", "ticket"}:
                yield from self._with_parents(ref)
            case Linked(near=near, far=far) if (near.kind, far.kind) == ("ticket", "portfolio"):
                yield from self._with_parents(near)

    def _with_parents(self, ref: Ref, *, came_or_left: bool = False) -> Iterator[Ref]:
        """A portfolio; or a ticket of the pipeline, with the portfolio that it counts for, and the one that it did."""
        rec = self._crm.rec(ref)
        if rec is None or (ref.kind == "ticket" and not (came_or_left or self._crm.in_pipeline(rec))):
            return
        yield ref
        if ref.kind == "ticket":
            now = None if rec.archived else self._crm.parent(rec)
            parents = {None if now is None else now.ref, self._parent_seen.get(ref)}
            yield from (parent for parent in parents if parent is not None)

    def _is_swept(self, rec: Rec) -> bool:
        """Whether a sweep that began with this pass finds it: an open cycle, or a date that is near or past."""
        if rec.ref.kind == "ticket":
            parent = self._crm.parent(rec)
            return parent is not None and self._is_swept(parent)
        if rec.ref.kind != "portfolio" or rec.archived:
            return False
        before = self._began.at - SEARCH_LAGS
        if rec[self._crm.names.status] and self._crm.stands_since(rec, self._crm.names.status) <= before:
            return True
        day = self._crm.day(rec)
        calendar, began = self._crm.calendar, self._began.at
        near = day is not None and day - calendar.today_at(began) <= timedelta(days=calendar.window_at(began))
        return near and self._crm.stands_since(rec, self._crm.names.date) <= before


def _kind(event: Event) -> str:
    """Of the record whose change is told of."""
    match event:
        case Linked(near=ref) | Updated(ref=ref) | Created(ref=ref) | Archived(ref=ref) | Restored(ref=ref):
            return ref.kind
    return ""
