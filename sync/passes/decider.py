"""The half of a pass that changes nothing: read a group, put together what is known of each record, judge it.

A pass decides by it, and so does all that only looks ahead (`plan`, `explain`, `verify`): it holds nothing that can
write to the CRM or to the database.
"""

import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from mappings.schema import ProcessMapping
from mappings.vocabulary import Handoff
from sync.crm import RecordRef
from sync.passes.dump import dump
from sync.passes.ledger_views import ledger_views, recorded_occurrences
from sync.passes.portal import Portal, PortalCache
from sync.passes.snapshot import Group, SnapshotReader
from sync.rules.context import Context, Times
from sync.rules.decide import decide
from sync.rules.identity import as_one
from sync.rules.model import Decision, LedgerView, Needed
from sync.rules.unlisted import Unlisted, unlisted_in
from sync.storage.database import StoreReader


class Judged(Protocol):
    """What a judge says of a context: `complete`, or what it needs to see first."""

    @property
    def complete(self) -> bool: ...
    @property
    def needed(self) -> Needed: ...


J = TypeVar("J", bound=Judged)


@dataclass(frozen=True)
class Preview:
    """What a pass would decide now, and what by. Nothing of it is written down."""

    portal: Portal
    group: Group
    contexts: Mapping[RecordRef, Context]
    decisions: Mapping[RecordRef, Decision]
    faulty: Mapping[RecordRef, str]  # the records that could not be decided: the traceback, after what was seen


class Decider:
    """Reads records and applies the rules to them.

    `times` gives the moment and the day that decisions go by.
    """

    def __init__(
        self,
        store: StoreReader,
        mapping: ProcessMapping,
        portals: PortalCache,
        reader: SnapshotReader,
        times: Callable[[], Times],
    ) -> None:
        self._store = store
        self._mapping = mapping
        self._portals = portals
        self._reader = reader
        self._times = times

    def preview(self, portfolios: Sequence[str]) -> Preview:
        """Read and decide these portfolios (ids) as a pass would. Raises the port's errors and `StoreError`."""
        portal, group, contexts = self.read(portfolios)
        decisions, faulty = self.decide(contexts, portal)
        return Preview(portal, group, contexts, decisions, {**group.faulty, **faulty})

    def read(
        self, portfolios: Sequence[str], lone_tickets: Sequence[str] = ()
    ) -> tuple[Portal, Group, dict[RecordRef, Context]]:
        """Read these portfolios, and tickets that have none, with what the ledger knows of them.

        Takes ids; gives the portal, all that was read, and the context of each record that could be understood. Raises
        the port's errors and `StoreError`.
        """
        portal, group = self.read_group(portfolios, lone_tickets, self._portals.get())
        with self._store.read() as connection:
            views = ledger_views(connection, group, recorded_occurrences(connection, group))
        return portal, group, self.contexts(group, views, portal)

    def read_group(
        self, portfolios: Sequence[str], lone_tickets: Sequence[str], portal: Portal
    ) -> tuple[Portal, Group]:
        """Read these (ids). Where something came without a property, the portal's definitions are looked at again first.

        So they are where a record has a value that is no option of its property (R.15), and so is who works there, where one
        names somebody who is not known (docs/process.md P.7).
        Raises the port's errors; `MappingMisfitError` where somebody has archived a property that the mapping names.
        """
        group = self._reader.read(portfolios, lone_tickets, portal)
        if group.lacks_property:
            fresh = self._portals.doubt()
            if fresh is not portal:  # one that the mapping can do without may be gone: it is not asked for any more
                portal, group = fresh, self._reader.read(portfolios, lone_tickets, fresh)
        fresh = self._portals.with_options(portal, self._unlisted(group, portal))
        if fresh is not portal:
            portal, group = fresh, self._reader.read(portfolios, lone_tickets, fresh)
        fallbacks = {one for about in self._mapping.roles.values() if (one := about.fallback_owner)}
        portal = self._portals.with_people(portal, work_for=group.named | fallbacks)
        return portal, group.as_known_by(portal)

    def _unlisted(self, group: Group, portal: Portal) -> list[Unlisted]:
        return [
            one for snapshot in group.snapshots.values() for one in unlisted_in(snapshot, self._mapping, portal.options)
        ]

    def outdated(
        self, decisions: Mapping[RecordRef, Decision], group: Group, portal: Portal
    ) -> tuple[set[RecordRef], set[str]]:
        """Find the decisions that rest on tickets that have changed, and these tickets (ids).

        Only what announces an Ad Set rests on tickets that were left unread (docs/process.md C.18): those are read now.
        Raises the port's errors.
        """
        on = {
            record: {ticket.id for ticket in group.snapshots[record].tickets} & group.as_known
            for record, decision in decisions.items()
            if group.as_known and any(one.handoff is Handoff.SET_READY for one in decision.occurrences)
        }
        unread = {ticket for tickets in on.values() for ticket in tickets}
        changed = self._reader.changed(unread, portal) if unread else set()
        return {record for record, tickets in on.items() if tickets & changed}, changed

    def contexts(self, group: Group, views: Mapping[RecordRef, LedgerView], portal: Portal) -> dict[RecordRef, Context]:
        """Put together what the rules are to know of each record of the group, all as of one moment."""
        times = self._times()
        contexts = {}
        for record, read in group.snapshots.items():
            snapshot, view = as_one(read, views[record])
            contexts[record] = Context(
                snapshot,
                view,
                self._mapping,
                times if view.backfilled_since is None else times.counting_since(view.backfilled_since),
                portal.people,
                portal.in_progress,
                portal.choices,
                group.past,
                as_read=(read, views[record]) if views[record].former else None,
                pending_approval=portal.pending_approval,
                words=portal.words,
                options=portal.options,
            )
        return contexts

    def decide(
        self, contexts: dict[RecordRef, Context], portal: Portal
    ) -> tuple[dict[RecordRef, Decision], dict[RecordRef, str]]:
        """Judge each context by the rules of the process; see `judge`."""
        return self.judge(contexts, portal, decide)

    def judge(
        self, contexts: dict[RecordRef, Context], portal: Portal, judge: Callable[[Context], J]
    ) -> tuple[dict[RecordRef, J], dict[RecordRef, str]]:
        """Judge each context, reading what the judge asks for, for all of them together.

        Gives the judgements and, for each record at which the judge failed, its traceback after what was seen. What was
        read meanwhile is put into `contexts`. Raises the port's errors.
        """
        judged: dict[RecordRef, J] = {}
        faulty: dict[RecordRef, str] = {}
        still_open: Iterable[RecordRef] = list(contexts)
        while still_open:
            incomplete: dict[RecordRef, J] = {}
            for record in still_open:
                try:
                    found = judge(contexts[record])
                except Exception as error:  # noqa: BLE001 - the boundary: one record must not stop the others
                    faulty[record] = _with_inputs(contexts[record], error)
                    continue
                (judged if found.complete else incomplete)[record] = found
            contexts.update(self._completed(contexts, incomplete, portal))
            still_open = incomplete
        return judged, faulty

    def _completed(
        self, contexts: Mapping[RecordRef, Context], incomplete: Mapping[RecordRef, Judged], portal: Portal
    ) -> dict[RecordRef, Context]:
        """Read the tasks and notes that the judge needs to see."""
        fuller = self._reader.complete(
            {record: contexts[record].snapshot for record in incomplete},
            {record: judged.needed for record, judged in incomplete.items()},
            portal,
        )
        return {record: replace(contexts[record], snapshot=fuller[record]) for record in incomplete}


def _with_inputs(context: Context, error: Exception) -> str:
    """What a decision failed with, after what it was made on: for `handoffs dead show`."""
    seen = dump(context.snapshot)
    failure = "".join(traceback.format_exception(error))
    return f"Seen at {context.times.now.isoformat()}:\n{seen}\n\n{failure}"
