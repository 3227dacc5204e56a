"""What the CRM shows: every record with all of its versions, and who its people are. It knows no handoff's conditions."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import zip_longest

from sync.sandbox.process import Names, Process
from tests.simulation.event_log import Created, Event, Linked, Merged, Ref, Updated
from tests.simulation.oracle.calendar import Calendar
from tests.simulation.oracle.record import CW, GD, NOBODY, TASKS, Closing, Rec, Task, Version
from tests.simulation.oracle.terms import Terms
from tests.simulation.oracle.words import STRANGE, Reread

OWNERS_CACHED = 15 * 60_000
"""Owners are cached and refreshed: for so long a change of them may not have been noticed."""

SETTLE = 120_000
"""How long a closing version, and a completed implementation task, must have stood before it counts (C.1, C.15)."""

TOLD = 3_000
"""The CRM tells its time in whole seconds, and a call takes some: so much later it counts for certain."""


def role_property(terms: Terms, role: str, rec: Rec) -> str:
    """The property of a record that names who has a role; '': none does."""
    return (terms.ticket_owners if rec.ref.kind == "ticket" else terms.owners).get(role, "")


def _value_at(rec: Rec, name: str, at: int) -> str:
    return next((version.value for version in reversed(rec.history.get(name, ())) if version.at <= at), "")


class Records:
    """The records as they stand at the event that is judged (`now`), with all that came before it."""

    def __init__(self, process: Process, inactive: Iterable[str]) -> None:
        """`inactive`: owners who had left before the beginning."""
        self.names: Names = process.names
        (
            self.requested, self.declined, self.submitted, self.pending, self.approved, self.implemented,
        ) = (value for value, _ in self.names.statuses)  # fmt: skip
        stages = [value for value, _ in self.names.stages]
        self.in_progress, self.in_review, self.closed = stages[1], stages[2], stages[-1]
        copy, graphic, both = (value for value, _ in self.names.revisions)
        self.revisions = {copy: (CW,), graphic: (GD,), both: (CW, GD)}
        self.approvals = {CW: self.names.copy_approval, GD: self.names.graphic_approval}
        self.now = Event(0, 0)
        self.calendar = Calendar()
        self.all: dict[Ref, Rec] = {}
        self.tasks: dict[Ref, Task] = {}
        """Those that the service made."""
        self.resets: set[int] = set()
        """Closings (their numbers) whose reset was written."""
        self.uncertain: set[Ref] = set()
        """Merged, with versions that nobody had seen, or before a loss: too much is open to say what must be."""
        self.merged_at: dict[Ref, int] = {}
        """The number of the newest merge that a record came of."""
        self.former: dict[Ref, list[Rec]] = {}
        """The records that each was made of, as they were."""
        self.merged_ms: dict[Ref, int] = {}
        """When that was."""
        self._first_look: dict[Ref, int] = {}
        """The number of the first look at each merged record that the ledger knows of."""
        self.unseen: set[int] = set()
        """Closings that no pass had seen to its end before a merge: whether they count, or were known, is open (M.8)."""
        self._kept_look: dict[Ref, int] = {}
        """The number of the newest look at each record that the ledger knows of."""
        self.moving: set[Ref] = set()
        """Tickets that a person puts on a portfolio, or takes off one, in mid-pass; or whose portfolio comes or goes."""
        self.seen_at: dict[Ref, int] = {}
        """The number of the newest look at each record."""
        self.bypassed: set[Ref] = set()
        """Tickets of a declined cycle of a portfolio that was merged into another."""
        self.notes_brought: set[Ref] = set()
        """Notes that were on a ticket which was merged into another: that merge alone adds nothing to a task (M.7)."""
        self.brought: dict[Ref, int] = {}
        """Tickets that were on a portfolio which was merged into another: the number of that merge."""
        self.lost_at = -1
        """The number of the newest loss of the database."""
        self.seen_ms: dict[Ref, int] = {}
        """When that was."""
        self.owner_changes: dict[str, list[tuple[int, bool]]] = {one: [(0, False)] for one in inactive}
        self._parents: dict[Ref, set[Ref]] = defaultdict(set)  # every portfolio that a ticket was ever on
        self._alias: dict[Ref, Ref] = {}
        self._called_before: dict[str, Ref] = {}  # the portfolio of each name that a merge has taken away

    @property
    def today(self) -> date:
        return self.calendar.today_at(self.now.at)

    # -- what happens to them

    def created(self, event: Created) -> Rec:
        rec = Rec(event.ref, event.number, event.at, dict(event.values))
        for name, value in event.values.items():
            rec.history[name].append(Version(event.number, event.at, value, event.own))
        self.all[event.ref] = rec
        return rec

    def updated(self, rec: Rec, event: Updated) -> None:
        if event.source.startswith("MERGE"):  # the merge itself: its values are there already, and nobody has acted
            return
        for name, value in event.values.items():
            rec.values[name] = value
            rec.history[name].append(Version(event.number, event.at, value, event.own))

    def reread(self, event: Reread) -> None:
        """What stands is read otherwise.

        What was not named when it was set is a version once it is named, if it stands, or once the record is moved.
        """
        rec = self.rec(event.ref)
        if rec is None:
            return
        for name, value in event.values.items():
            rec.values[name] = value
            rec.readings[name].append((event.number, value))
            history = rec.history.get(name)
            if history and history[-1].value.startswith(STRANGE) and not value.startswith(STRANGE):
                if event.moved:
                    history.append(Version(event.number, event.at, value, own=False))
                else:
                    history[-1] = history[-1]._replace(value=value)

    def is_strange(self, rec: Rec) -> bool:
        """Whether a value stands on it, or on its portfolio, that the mapping does not name (F.5)."""
        near = [rec, *([] if (parent := self.parent(rec)) is None else [parent])] if rec.ref.kind == "ticket" else [rec]
        names = (self.names.status, self.names.needs_revisions, *self.approvals.values())
        return any(one[name].startswith(STRANGE) for one in near for name in names)

    def archive_or_restore(self, ref: Ref, *, lives: bool) -> None:
        rec = self.all.get(ref)
        if rec is None:  # merged into another: its own deletion is told too, and deletes nothing
            return
        rec.archived = not lives
        rec.lives.append((self.now.number, lives))
        if ref.kind == "portfolio":  # its tickets count for it again, or for another, or for none
            self.moving |= {far for far in rec.links if far.kind == "ticket"}

    def remapped(self, terms: Terms) -> None:
        """Another mapping is in force from now on; after a loss it is taken for what was in force all the time."""
        self._reconsider(lambda: self.calendar.remapped(self.now.at, terms))

    def forget_mappings(self) -> None:
        """The database is lost: the mapping that is in force is taken for what was in force all the time."""
        self._reconsider(self.calendar.forget)

    def _reconsider(self, change: Callable[[], None]) -> None:
        before = self._outside_of_all()
        change()
        # What was seen inside, and would not be by what is known now, or the other way round: what of it counts is open.
        after = self._outside_of_all()
        self.uncertain |= {ref for ref, spans in before.items() if self._known_of(spans) != self._known_of(after[ref])}

    def _outside_of_all(self) -> dict[Ref, list[tuple[int, int]]]:
        return {ref: self.outside(rec) for ref, rec in self.all.items() if ref.kind == "portfolio"}

    def _known_of(self, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """What of them is over, or was begun before now."""
        return [(begun, min(ended, self.now.at)) for begun, ended in spans if begun < self.now.at]

    def linked(self, event: Linked) -> None:
        near, far = self.all.get(event.near), self.all.get(event.far)
        if near is None or far is None:
            return
        label = "primary" if event.primary else ""
        between = event.near.kind == "ticket" and event.far.kind == "portfolio"
        if between:
            self.moving.add(event.near)
        if not event.removed:
            if between:
                self._parents[event.near].add(event.far)
            near.links[event.far].add(label)
            if label:
                near.links[event.far].add("")
        elif label:
            near.links.get(event.far, set()).discard(label)
        else:
            near.links.pop(event.far, None)

    def merged(self, event: Merged) -> None:
        """One record with the primary's history and its values, and where it has none the other's (docs/process.md M.6)."""
        self._note_tickets_of(event.other)
        primary, other = self.all.pop(event.primary), self.all.pop(event.other)
        # A version that nobody had seen before the merge is nobody's: which of them count is not said in full (M.8).
        both = ((event.primary, primary), (event.other, other))
        kept = {ref: self._kept_look.get(ref, -1) for ref, _ in both}
        unseen = {
            one.number
            for ref, rec in both
            for one in self.closings(rec)
            if one.number > kept[ref] or kept[ref] < self.lost_at
        }
        self.unseen |= unseen
        if (
            unseen
            or not all(self._is_seen(ref, rec) for ref, rec in both)
            or self.uncertain & {event.primary, event.other}
        ):
            self.uncertain.add(event.new)
        self.all[event.new] = self._one_of(event.new, primary, other)
        self.former[event.new] = [
            primary,
            other,
            *self.former.get(event.primary, ()),
            *self.former.get(event.other, ()),
        ]
        self.merged_at[event.new] = event.number
        self.merged_ms[event.new] = event.at
        self._called_before[other[self.names.name]] = event.new
        self.seen_at[event.new] = max(self.seen_at.get(event.primary, 0), self.seen_at.get(event.other, 0))
        self._kept_look[event.new] = min(kept.values())
        for one in {event.primary, event.other} - {event.new}:
            self._alias[one] = event.new
        self._relink(event.new, {event.primary, event.other})
        theirs = max((one.number for one in self.known_closings(other) if one.number not in self.unseen), default=0)
        for task in self.tasks.values():
            if task.parent == event.other and task.ticket is None:
                task.ended = task.ended or task.began <= theirs
                task.joined = 0 if task.ended else event.number
            if task.ticket in {event.primary, event.other}:
                task.brought = task.brought or task.ticket == event.other
                task.ticket = event.new
            if task.parent in {event.primary, event.other}:
                task.parent = event.new

    def kept(self, looked: Iterable[Ref]) -> None:
        """A pass that has looked at these has come to its end: the ledger knows of it."""
        for ref in looked:
            self._kept_look[ref] = self.seen_at.get(ref, self.now.number)
            if self._first_look.get(ref, -1) < self.merged_at.get(ref, -1):
                self._first_look[ref] = self.seen_at.get(ref, self.now.number)

    def is_nobodys(self, rec: Rec, name: str, number: int) -> bool:
        """Whether a version was overwritten between a merge and the first look at what came of it.

        Where no event tells of the merge, it is not known whose version that was, and it leads to no value that stands (M.8).
        """
        merged, first = self.merged_at.get(rec.ref), self._first_look.get(rec.ref, -1)
        if merged is None or number < merged:
            return False
        until = first if first > merged else self.now.number
        return any(number < one.number <= until for one in rec.history.get(name, ()))

    def _note_tickets_of(self, other: Ref) -> None:
        """Its tickets come by the merge; what its declines have bypassed is not made because of that alone (M.7)."""
        portfolio = self.all[other]
        if other.kind != "portfolio":
            self.notes_brought |= {far for far in portfolio.links if far.kind == "note"}
            return
        self.brought |= dict.fromkeys((ticket.ref for ticket in self.tickets(portfolio)), self.now.number)
        declines = [closing.number for closing in self.closings(portfolio) if closing.declined]
        self.bypassed |= {
            ticket.ref
            for ticket in self.tickets(portfolio)
            if any(number > self.run_began(ticket, "hs_pipeline").number for number in declines)
        }

    def _one_of(self, new: Ref, primary: Rec, other: Rec) -> Rec:
        made = Rec(new, primary.number, min(primary.at, other.at), dict(primary.values), primary.archived)
        made.history, made.lives, made.given = primary.history, primary.lives, primary.given
        for name, value in other.values.items():
            if value and not made[name]:
                made.values[name] = value
                if other.given.get(name, (-1, ""))[0] > max(
                    (one.number for one in other.history.get(name, ())), default=-1
                ):
                    made.given[name] = (self.now.number, value)
                    continue
                # A closing version of the other one never ends the cycle, and the value is no act of a person.
                # One that no pass had seen is nobody's, and counts, as it led to the value (M.8).
                began = self.run_began(other, name)
                if value not in {self.declined, self.implemented} or began.number > self.seen_at.get(other.ref, -1):
                    made.history[name] = [*made.history.get(name, ()), began]
                else:
                    made.given[name] = (self.now.number, value)
        for rec in (primary, other):
            for far, labels in rec.links.items():
                made.links[far] |= labels
        return made

    def _relink(self, new: Ref, old: set[Ref]) -> None:
        for rec in self.all.values():
            for one in old & set(rec.links):
                rec.links[new] |= rec.links.pop(one)
        for ticket, parents in self._parents.items():
            if parents & old:
                self._parents[ticket] = parents - old | {new}
        if new.kind == "ticket":
            self._parents[new] = {parent for one in old for parent in self._parents[one]}
            self.moving.add(new)
        else:
            self.moving |= {far for far in self.all[new].links if far.kind == "ticket"}

    def _is_seen(self, ref: Ref, rec: Rec) -> bool:
        """Whether the service had looked at a record since it last changed."""
        newest = max((versions[-1].number for versions in rec.history.values() if versions), default=rec.number)
        return self._known_since_loss(ref) > newest

    def _known_since_loss(self, ref: Ref) -> int:
        """The newest look that the ledger knows of: none of before the database was lost (M.14)."""
        looked = self.seen_at.get(ref, -1)
        return looked if looked > self.lost_at else -1

    def owner_changed(self, owner: str, *, active: bool) -> None:
        self.owner_changes.setdefault(owner, []).append((self.now.at, active))

    # -- records and what they are on

    def is_forgotten(self, task: Task) -> bool:
        """Whether nothing tells any more what a task was made for: the database was lost since, and so is its mark (K.5)."""
        return task.number < self.lost_at and task.has_lost_its_mark

    def rec(self, ref: Ref | None) -> Rec | None:
        if ref is None:
            return None
        while (found := self.all.get(ref)) is None and ref in self._alias:
            ref = self._alias[ref]
        return found

    def same(self, one: Ref | None, other: Ref | None) -> bool:
        return one == other or ((first := self.rec(one)) is not None and first is self.rec(other))

    def parent(self, ticket: Rec) -> Rec | None:
        """The portfolio that a ticket counts for (handoff 4)."""
        found: tuple[bool, int, Rec] | None = None
        for far, labels in ticket.links.items():
            if far.kind == "portfolio" and (rec := self.all.get(far)) is not None and not rec.archived:
                one = ("primary" not in labels, int(far.id), rec)
                found = one if found is None else min(found, one, key=lambda each: each[:2])
        return None if found is None else found[2]

    def was_elsewhere(self, ticket: Rec) -> bool:
        """Whether it was ever on more than one portfolio."""
        return len(self._parents[ticket.ref]) > 1

    def was_on(self, ticket: Ref | None, portfolio: Ref | None) -> bool:
        return ticket is not None and portfolio in self._parents[ticket]

    def tickets(self, portfolio: Rec) -> list[Rec]:
        return [
            rec
            for rec in self.all.values()
            if rec.ref.kind == "ticket" and not rec.archived and self.parent(rec) is portfolio
        ]

    def portfolio_named(self, name: str) -> Ref | None:
        for rec in self.all.values():
            if rec.ref.kind == "portfolio" and rec[self.names.name] == name:
                return rec.ref
        return self._called_before.get(name, NOBODY)

    def in_pipeline(self, ticket: Rec) -> bool:
        return ticket["hs_pipeline"] == self.names.pipeline[0]

    def is_open(self, ticket: Rec) -> bool:
        return self.in_pipeline(ticket) and ticket["hs_pipeline_stage"] != self.closed

    # -- the mapping's condition

    def is_inside(self, rec: Rec | None) -> bool:
        """Whether the service looks after a portfolio (W.6), or the one of a ticket; what is on none it looks after."""
        if rec is None:
            return True
        if rec.ref.kind == "ticket":
            return self.is_inside(self.parent(rec))
        return self.calendar.terms.holds(rec.values)

    def outside(self, portfolio: Rec) -> list[tuple[int, int]]:
        """From when to when (ms) the condition that was in force did not hold."""
        tiers = self.calendar.tiers()
        if not tiers:
            return []
        versions = sorted({version.at for name in tiers for version in portfolio.history.get(name, ())})
        moments = sorted({portfolio.at, *versions, *(at for at in self.calendar.changes() if at > portfolio.at)})
        spans: list[tuple[int, int]] = []
        for begun, ended in zip_longest(moments, moments[1:], fillvalue=self.now.at + 1):
            values = {name: _value_at(portfolio, name, begun) for name in tiers}
            if self.calendar.at(begun).holds(values):
                continue
            if spans and spans[-1][1] == begun:
                begun = spans.pop()[0]
            spans.append((begun, ended))
        return spans

    def passed_outside(self, portfolio: Rec | None, version: Version, after: Version | None) -> bool:
        """Whether a version came and went (W.7) while its portfolio was outside. `after`: the one that replaced it."""
        if portfolio is None or after is None:
            return False
        return any(begun <= version.at and after.at < ended for begun, ended in self.outside(portfolio))

    def counting(self, rec: Rec, name: str) -> list[Version]:
        """The versions but for those that came and went outside."""
        portfolio = self.parent(rec) if rec.ref.kind == "ticket" else rec
        versions = rec.history.get(name, [])
        if portfolio is None or not self.outside(portfolio):
            return versions
        return [
            version
            for version, after in zip_longest(versions, versions[1:])
            if not self.passed_outside(portfolio, version, after)
        ]

    # -- Notes

    def notes(self, record: Rec) -> list[Rec]:
        """The Notes on a record, deleted ones too, by age."""
        found = [rec for far in record.links if far.kind == "note" and (rec := self.rec(far)) is not None]
        return sorted(found, key=lambda rec: rec.number)

    @staticmethod
    def note_at(note: Rec) -> int:
        """A Note's own time (ms)."""
        told = note["hs_timestamp"]
        return int(told) if told.isdecimal() else round(datetime.fromisoformat(told).timestamp() * 1000)

    def watched(self, ref: Ref) -> set[str]:
        """The properties of a portfolio or a ticket that a condition speaks of."""
        names = self.names
        if ref.kind == "ticket":
            people = self.calendar.terms.ticket_owners.values()
            return {"hs_pipeline", "hs_pipeline_stage", names.folder, names.needs_revisions, *people}
        if ref.kind == "portfolio":
            tiers = {name for name, _ in self.calendar.terms.condition}
            return {names.status, names.date, names.cadence, *self.calendar.terms.owners.values(), *tiers}
        return set()

    def stands_since(self, rec: Rec, name: str) -> int:
        """Since when (ms) a value stands. One that a merge has left without a version of its own (M.8), since the merge."""
        return self.run_began(rec, name).at if rec.history.get(name) else self.merged_ms.get(rec.ref, rec.at)

    # -- cycles

    @staticmethod
    def run_began(rec: Rec, name: str) -> Version:
        """The version that brought the value that stands now."""
        versions = rec.history[name]
        began = versions[-1]
        for version in reversed(versions):
            if version.value != versions[-1].value:
                break
            began = version
        return began

    def closings(self, portfolio: Rec) -> list[Closing]:
        """The versions that ended a cycle (docs/process.md C.1 to C.3, C.11, C.12)."""
        found = []
        for version, after in self._closing_versions(portfolio):
            stood = (self.now.at if after is None else after.at) - version.at
            own = (version.own and version.value == self.implemented) or (after is not None and after.own)
            if own or stood >= SETTLE:
                unsure = not own and after is None and stood < SETTLE + TOLD
                found.append(Closing(version.number, version.at, version.value == self.declined, unsure))
        return found

    def known_closings(self, portfolio: Rec) -> list[Closing]:
        """Those whose versions a look had shown: of another that a merge brought along nobody can tell whose it was (M.8)."""
        looked = self._known_since_loss(portfolio.ref)
        return [closing for closing in self.closings(portfolio) if closing.number <= looked]

    def settling(self, portfolio: Rec) -> Version | None:
        """The closing version that stands and may still be taken back (C.14), or counts only just; None: there is none."""
        for version, after in self._closing_versions(portfolio):
            own = version.own and version.value == self.implemented
            if after is None and not own and self.now.at - version.at < SETTLE + TOLD:
                return version
        return None

    def waits(self, since: int) -> bool:
        """Whether what has stood since then does not count yet for certain."""
        return self.now.at - since < SETTLE

    def _closing_versions(self, portfolio: Rec) -> Iterator[tuple[Version, Version | None]]:
        """Each with the next different version; a value set again while it stood is one version, the first."""
        runs: list[Version] = []
        for version in portfolio.history.get(self.names.status, []):
            if version.value != (runs[-1].value if runs else ""):
                runs.append(version)
        spans = self.outside(portfolio)
        for version, after in zip_longest(runs, runs[1:]):
            if version.value in {self.declined, self.implemented}:
                gone = after is not None and any(one <= version.at and after.at < other for one, other in spans)
                if not gone:
                    yield version, after

    @staticmethod
    def cycle(closings: Sequence[Closing], number: int) -> int:
        """The cycle that a moment belongs to, named by the closing that began it; 0: the first."""
        return max((one.number for one in closings if one.number <= number), default=0)

    def cycle_now(self, parent: Ref) -> int:
        rec = self.rec(parent)
        return 0 if rec is None else self.cycle(self.closings(rec), self.now.number)

    def came_since(self, ticket: Rec, portfolio: Rec, number: int) -> bool:
        came_in = self.run_began(ticket, "hs_pipeline").number
        return self.parent(ticket) is portfolio and self.in_pipeline(ticket) and came_in > number

    def declined_elsewhere(self, ticket: Rec, parent: Rec | None, number: int) -> bool:
        """Whether a portfolio that it was on before had declined since: whether what was bypassed there is due is open."""
        before = [rec for ref in self._parents[ticket.ref] if (rec := self.rec(ref)) is not None and rec is not parent]
        before += [former for rec in before for former in self.former.get(rec.ref, ())]
        return any(one.declined and one.number > number for rec in before for one in self.closings(rec))

    def day(self, portfolio: Rec) -> date | None:
        raw = portfolio[self.names.date]
        return date.fromisoformat(raw) if raw else None

    # -- tasks

    def tasks_on(self, portfolio: Rec, handoff: str) -> list[Task]:
        """Of one handoff, on the portfolio itself, by age."""
        found = [
            task
            for task in self.tasks.values()
            if TASKS[task.kind][0] == handoff
            and self.rec(task.parent) is portfolio
            and task.ticket is None
            and not task.ended
        ]
        return sorted(found, key=lambda task: task.number)

    def revisions_asked(self, ticket: Rec) -> Iterator[tuple[Version, str]]:
        """Each version of Needs Revisions with each role that it asks; nothing for a portfolio."""
        for version in self.counting(ticket, self.names.needs_revisions):
            for role in self.revisions.get(version.value, ()):
                yield version, role

    def task_versions(self, at: int) -> list[Version]:
        """Versions of tasks up to a moment: enough to say how tasks stood then."""
        return [
            version
            for task in self.tasks.values()
            for version in task.rec.history["hs_task_status"]
            if version.at <= at
        ]

    # -- people

    def owner(self, role: str, portfolio: Rec | None, ticket: Rec | None) -> tuple[str | None, bool]:
        """Who a role is now (None: nobody, so that its effects are blocked), and whether that is beyond doubt (P.1)."""
        terms, sure = self.calendar.terms, True
        named = [rec[role_property(terms, role, rec)] for rec in (ticket, portfolio) if rec is not None]
        for one in (*named, terms.stand_ins.get(role, "")):
            if one:
                active, certain = self.active(one)
                sure = sure and certain
                if active:
                    return one, sure
        return None, sure

    def active(self, owner: str) -> tuple[bool, bool]:
        changes = self.owner_changes.get(owner, [])
        active = changes[-1][1] if changes else True
        sure = not changes or changes[-1][0] == 0 or self.now.at - changes[-1][0] > OWNERS_CACHED
        return active, sure
