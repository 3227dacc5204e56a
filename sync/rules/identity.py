"""Records that were merged: one history and one ledger of several (docs/process.md M). Pure.

A merge makes one record of two, with the histories of both and no word on which version was whose. So the versions are
sorted out by what the ledger knows: those of the primary count, those of the other one do not. What was done for either
is done for the new one: its occurrences stay under their old keys, and are looked up under every identity.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from mappings.vocabulary import Role, Stage, Status
from sync.clock import from_ms, to_ms
from sync.crm import Kind, RecordRef
from sync.rules import keys
from sync.rules.ancestry import Owners, Shown, all_in, ancestry_of
from sync.rules.histories import began, left, since
from sync.rules.keys import (
    START,
    AdvancedKey,
    ApprovedKey,
    ClosedKey,
    ConfirmationKey,
    ConfirmedKey,
    DeclinedKey,
    KickoffKey,
    OccurrenceKey,
    RevisionClearedKey,
    RevisionKey,
    SetReadyKey,
)
from sync.rules.model import (
    Ancestry,
    Former,
    History,
    LedgerView,
    Portfolio,
    RecordedOccurrence,
    Snapshot,
    StageValue,
    Ticket,
    Version,
)

T = TypeVar("T")

STATUS: Final = "status"
DATE: Final = "date"
STAGE: Final = "stage"
PIPELINE: Final = "pipeline"
REVISION: Final = "revision"
APPROVAL: Final = "approval of "

CLOSING_STATUSES: Final = frozenset({Status.NO_REFRESH_REQUESTED, Status.CREATIVES_IMPLEMENTED})

_EVER: Final = datetime.max.replace(tzinfo=UTC)
_A_MOMENT: Final = timedelta(milliseconds=1)


def with_stages(ticket: Ticket, stage: StageValue, stages: History[StageValue], pipelines: History[bool]) -> Ticket:
    """The ticket with these histories, and all that they tell. `stage`: the one that it is in."""
    here = ticket.came_in is not None
    return replace(
        ticket,
        came_in=since(pipelines, bool, ticket.created_at) if here else None,
        stage_since=since(stages, lambda value: value.id == stage.id, ticket.created_at),
        left_in_progress=left(stages, lambda value: value.stage is Stage.IN_PROGRESS),
        left_pending_approval=left(stages, lambda value: value.stage is Stage.PENDING_APPROVAL),
        came_to_review=began(stages, lambda value: value.stage is Stage.PENDING_APPROVAL),
        stage_value=stage,
        stage_history=stages,
        pipeline_history=pipelines,
    )


def versions_of(snapshot: Snapshot) -> dict[RecordRef, dict[str, list[int]]]:
    """The times (ms) of the versions that a snapshot shows, by record and property: what a pass remembers as seen."""
    found: dict[RecordRef, dict[str, list[int]]] = {}
    if snapshot.portfolio is not None:
        found[snapshot.portfolio.ref] = _times(
            {STATUS: snapshot.portfolio.status_history, DATE: snapshot.portfolio.date_history}
        )
    for ticket in snapshot.tickets:
        histories: dict[str, History[Any]] = {
            STAGE: ticket.stage_history, PIPELINE: ticket.pipeline_history, REVISION: ticket.revision_history,
        }  # fmt: skip
        found[ticket.ref] = _times(histories) | {
            f"{APPROVAL}{role.value}": [to_ms(at) for at in reversed(times)]
            for role, times in ticket.approved.items()
            if times
        }
    return found


def names_of(snapshot: Snapshot) -> dict[RecordRef, str]:
    """What the records of a snapshot are called, those that have no name left out: what a pass remembers as seen."""
    portfolio = snapshot.portfolio
    found = {} if portfolio is None or not portfolio.is_named else {portfolio.ref: portfolio.name}
    return found | {ticket.ref: ticket.subject for ticket in snapshot.tickets if ticket.subject}


def _times(histories: Mapping[str, History[Any]]) -> dict[str, list[int]]:
    return {
        name: sorted({version.ms for version in history if not version.inherited})
        for name, history in histories.items()
        if history
    }


def as_one(snapshot: Snapshot, view: LedgerView) -> tuple[Snapshot, LedgerView]:
    """Snapshot and ledger of records that were merged, as those of one record each; others as they are."""
    if not view.former:
        return snapshot, view
    owners = _owners(view)
    portfolio = snapshot.portfolio
    shown = _shown(snapshot)
    ancestries = {ref: found for ref in shown if (found := ancestry_of(ref, view, owners, shown[ref])) is not None}
    if portfolio is not None and portfolio.ref in ancestries:
        portfolio = _portfolio(portfolio, _Sorter(ancestries[portfolio.ref], owners))
    tickets = tuple(
        _ticket(ticket, _Sorter(ancestries[ticket.ref], owners)) if ticket.ref in ancestries else ticket
        for ticket in snapshot.tickets
    )
    return replace(snapshot, portfolio=portfolio, tickets=tickets), _placed(view, ancestries, owners)


# -- what stands, and whose version is whose


def _shown(snapshot: Snapshot) -> dict[RecordRef, Shown]:
    """What tells who was the primary of a merge, by record."""
    found: dict[RecordRef, Shown] = {}
    values: dict[str, tuple[History[Any], Any]]
    if snapshot.portfolio is not None:
        one = snapshot.portfolio
        values = {STATUS: (one.status_history, one.status), DATE: (one.date_history, one.refresh_date)}
        found[one.ref] = Shown(one.name, values)
    for ticket in snapshot.tickets:
        values = {
            STAGE: (ticket.stage_history, ticket.stage_value),
            REVISION: (ticket.revision_history, ticket.revision),
        }
        found[ticket.ref] = Shown(ticket.subject, values)
    return found


def _owners(view: LedgerView) -> Owners:
    """By the passes that have seen a version, and by the keys and closings of the ledger that name it."""
    found: dict[tuple[str, int], set[RecordRef]] = {}
    for record, properties in view.seen.items():
        for name, times in properties.items():
            for ms in times:
                found.setdefault((name, ms), set()).add(record)
    for text in view.recorded:
        for record, name, ms in _named(keys.parse(text)):
            found.setdefault((name, ms), set()).add(record)
    for record, closings in view.former_closings.items():
        for closing in closings:
            found.setdefault((STATUS, to_ms(closing.at)), set()).add(record)
    return {version: frozenset(records) for version, records in found.items()}


def _named(key: OccurrenceKey) -> Iterable[tuple[RecordRef, str, int]]:
    """The versions that a key tells to be those of a record."""
    if key.cycle_told not in {"", START}:
        yield key.record, STATUS, int(key.cycle_told)
    match key:
        case KickoffKey(_, _, anchor) if anchor:
            yield key.record, DATE, anchor
        case DeclinedKey(_, ms) | ConfirmedKey(_, ms) | ApprovedKey(_, ms) | ClosedKey(_, ms) | ConfirmationKey(_, ms):
            yield key.record, STATUS, ms
        case RevisionKey(_, ms) | RevisionClearedKey(_, ms):
            yield key.record, REVISION, ms
        case AdvancedKey(_, ms):
            yield from (
                (key.record, f"{APPROVAL}{role.value}", ms) for role in (Role.COPYWRITER, Role.GRAPHIC_DESIGNER)
            )
        case SetReadyKey(_, _, entries):
            yield from ((RecordRef(Kind.TICKET, entry.ticket), STAGE, entry.ms) for entry in entries)


@dataclass(frozen=True)
class _Sorter:
    """Sorts the versions of one merged record's histories."""

    ancestry: Ancestry
    owners: Owners

    @property
    def until(self) -> datetime:
        """When the record began to have a history of its own."""
        return self.ancestry.at or _EVER

    def own(
        self, name: str, history: History[T], current: T, *, may_inherit: Callable[[T], bool] = lambda _: True
    ) -> History[T]:
        """The versions that count: the primary's; of those that nobody knows the one that led to the value that was left.

        Where that value is the other's, as the primary had none, its version stands for it, as inherited.
        """
        before = [version for version in history if version.at <= self.until or version.by_merge]
        later = [version for version in history if version.at > self.until and not version.by_merge]
        if not before:
            return tuple(later)
        value = before[0].value if later else current
        people = [version for version in before if not version.by_merge]
        kept = [version for version in people if self._is_of_line(name, version)]
        # Two of one millisecond, as an import makes them, are of two records: the one that led to the value counts.
        leads = {version.ms for version in kept if version.value == value}
        kept = [version for version in kept if version.value == value or version.ms not in leads]
        # What the primary had emptied is not what was left, though it may have had the same value before.
        newest = max(kept, key=lambda version: version.at, default=None)
        emptied_at = newest.at if newest is not None and value and not newest.value else None
        since = [version for version in people if emptied_at is None or version.at > emptied_at]
        leading = next((one for one in since if one.value == value and not self.is_of_others(name, one)), None)
        if leading is None and value and may_inherit(value):
            of_others = (one for one in people if one.value == value and not self._is_of_line(name, one))
            leading = next((replace(one, inherited=True) for one in of_others), None)
        # What stands is this one's value, though another may be newer: the primary may have emptied its own.
        standing = [] if leading is None else [leading]
        by_time = sorted(kept, key=lambda version: version.at, reverse=True)
        return (*later, *standing, *(version for version in by_time if version not in standing))

    def is_of_others(self, name: str, version: Version[Any]) -> bool:
        """Whether it is known to be another's, and not to be the primary's."""
        return bool(self.owners.get((name, version.ms))) and not self._is_of_line(name, version)

    def _is_of_line(self, name: str, version: Version[Any]) -> bool:
        return any(record in self.ancestry.line for record in self.owners.get((name, version.ms), ()))


def _portfolio(portfolio: Portfolio, sorter: _Sorter) -> Portfolio:
    dates = sorter.own(DATE, portfolio.date_history, portfolio.refresh_date)
    moved = next((version for version in dates if version.at <= sorter.until), None)
    if moved is not None and moved.own:
        # The closing for which the service moved the date that stands: it is the primary's, though no key tells it.
        endings = [v for v in portfolio.status_history if v.at < moved.at and v.value in CLOSING_STATUSES]
        ended = next((v for v in endings if not sorter.is_of_others(STATUS, v)), None)
        if ended is not None:
            owners = {**sorter.owners, (STATUS, ended.ms): frozenset({sorter.ancestry.record})}
            sorter = replace(sorter, owners=owners)
    statuses = sorter.own(
        STATUS, portfolio.status_history, portfolio.status, may_inherit=lambda status: status not in CLOSING_STATUSES
    )
    return replace(portfolio, date_history=dates, status_history=statuses)


def _ticket(ticket: Ticket, sorter: _Sorter) -> Ticket:
    stages, pipelines, stage = ticket.stage_history, ticket.pipeline_history, ticket.stage_value
    if stages and stage is not None:
        own = sorter.own(STAGE, stages, stage), sorter.own(PIPELINE, pipelines, ticket.came_in is not None)
        ticket = with_stages(ticket, stage, *own)
    revisions = sorter.own(REVISION, ticket.revision_history, ticket.revision)
    approved = {
        role: tuple(at for at in times if not sorter.is_of_others(f"{APPROVAL}{role.value}", Version(None, at)))
        for role, times in ticket.approved.items()
    }
    return replace(ticket, revision_history=revisions, approved=approved, merged_at=sorter.ancestry.at)


# -- the ledger of all


def _placed(view: LedgerView, ancestries: Mapping[RecordRef, Ancestry], owners: Owners) -> LedgerView:
    """The view with every occurrence under the record that answers now, in a cycle of the primary's."""
    whole = replace(view, ancestries=ancestries)
    cycles = _Cycles(view, owners)
    closings = {
        closing
        for ancestry in ancestries.values()
        for record in ancestry.line
        for closing in view.former_closings.get(record, ())
    }
    recorded = {text: _joined(one, whole, cycles) for text, one in view.recorded.items()}
    by_time = tuple(sorted({*view.closings, *closings}, key=lambda closing: closing.at))
    return replace(whole, recorded=recorded, closings=by_time)


def _joined(recorded: RecordedOccurrence, view: LedgerView, cycles: "_Cycles") -> RecordedOccurrence:
    named = keys.parse(recorded.key).record
    portfolio = None if recorded.portfolio is None else view.current(RecordRef(Kind.PORTFOLIO, recorded.portfolio)).id
    moved = replace(recorded, record=view.current(recorded.record), portfolio=portfolio)
    ancestry = next((one for one in view.ancestries.values() if named in one.others), None)
    if named.kind is Kind.TICKET or ancestry is None:
        return moved
    root = cycles.root(named, ancestry.line)
    cycle = cycles.cycle_in(root.record, recorded, named)
    if cycle != cycles.running(root.record):
        return replace(moved, cycle=f"{root.record.id}/{cycle}")
    return replace(moved, joined_at=recorded.decided_at if root.at is None else root.at - _A_MOMENT)


class _Cycles:
    """The cycles of the records that were merged into others, as far as the ledger knows them."""

    def __init__(self, view: LedgerView, owners: Owners) -> None:
        self._former = view.former
        self._view = view
        self._owners = owners
        self._closings: dict[RecordRef, set[datetime]] = {}
        for record, closings in view.former_closings.items():
            self._closings.setdefault(record, set()).update(closing.at for closing in closings)
        for text in view.recorded:
            key = keys.parse(text)
            if key.cycle_told not in {"", START}:
                self._closings.setdefault(key.record, set()).add(from_ms(int(key.cycle_told)))

    def root(self, named: RecordRef, line: Iterable[RecordRef]) -> Former:
        """The merge by which a record, or the one that it had been merged into before, came into this line."""
        return next(
            one
            for one in self._former
            if one.into in {*line} and one.record not in {*line} and named in all_in(one, self._former)
        )

    def running(self, record: RecordRef) -> str:
        """The cycle that a record was in when it was merged."""
        closings = self._of_line(record)
        return str(to_ms(max(closings))) if closings else START

    def cycle_in(self, record: RecordRef, recorded: RecordedOccurrence, named: RecordRef) -> str:
        """The cycle of a record that an occurrence belongs to, whose key names it or one that was merged into it."""
        line = self._line(record)
        if named in line:
            return recorded.cycle or self._at(line, recorded.cause_at or recorded.decided_at)
        root = self.root(named, line)
        cycle = self.cycle_in(root.record, recorded, named)
        if cycle != self.running(root.record):
            return f"{root.record.id}/{cycle}"
        return self._at(line, recorded.decided_at if root.at is None else root.at - _A_MOMENT)

    def _line(self, record: RecordRef) -> tuple[RecordRef, ...]:
        ancestry = ancestry_of(record, self._view, self._owners)
        return (record,) if ancestry is None else ancestry.line

    def _of_line(self, record: RecordRef) -> set[datetime]:
        return {at for one in self._line(record) for at in self._closings.get(one, ())}

    def _at(self, line: Iterable[RecordRef], moment: datetime) -> str:
        begun = [at for one in line for at in self._closings.get(one, ()) if at <= moment]
        return str(to_ms(max(begun))) if begun else START
