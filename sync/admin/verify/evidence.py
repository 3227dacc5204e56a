"""All that is known of one portfolio, in the CRM and in the ledger, to be compared."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cached_property
from typing import Any

from mappings.schema import ProcessMapping
from mappings.vocabulary import Handoff, Status
from sync.admin.inventory import ExistingTask
from sync.admin.verify.finding import Finding, Sort
from sync.admin.verify.history import PortfolioHistories, TicketHistories, day, standing
from sync.admin.verify.service_times import ServiceTimes
from sync.crm import Kind, RecordRef
from sync.rules.context import Context
from sync.rules.keys import EffectKind
from sync.rules.model import Portfolio, RecordedEffect, Snapshot, Ticket, Version
from sync.storage.ledger import AttemptedEffect

FORGETFUL = 15
"""A history of so many versions may have lost its oldest ones: HubSpot keeps about 20."""


@dataclass(frozen=True, slots=True)
class Enqueued:
    """That a record is in the work queue. `text`: when it is looked at, or why not."""

    text: str
    not_before: datetime
    parked: bool  # nobody looks at it any more
    held: bool  # the breaker holds it, until an admin lets it go


@dataclass(frozen=True)
class Evidence:
    """One portfolio as the CRM shows it, beside what the ledger says of it.

    `tried`: what the ledger has tried of it, oldest first. `task_of_key`: the task that the ledger has for each key of
    its group, None where none was made; keys that the ledger does not know are left out. `enqueued`: why or when it is
    looked at next, None where nobody has asked for that.
    """

    context: Context
    tasks: Mapping[str, ExistingTask]  # by id, oldest first
    tried: Sequence[AttemptedEffect]
    task_of_key: Mapping[str, str | None]
    enqueued: Enqueued | None
    times: ServiceTimes
    histories: TicketHistories
    of_portfolios: PortfolioHistories
    since: datetime | None  # only what was caused, made or tried from then on; None: everything

    @property
    def whole(self) -> Snapshot:
        """The snapshot with every version that the CRM shows, those of records that were merged into this one too."""
        return self.context.snapshot if self.context.as_read is None else self.context.as_read[0]

    @property
    def portfolio(self) -> Portfolio:
        assert self.whole.portfolio is not None
        return self.whole.portfolio

    @cached_property
    def tickets(self) -> Mapping[str, Ticket]:
        """Its tickets by id."""
        return {ticket.id: ticket for ticket in self.whole.tickets}

    @cached_property
    def recorded_tasks(self) -> Mapping[str, RecordedEffect]:
        """The ledger's effects that make a task, by key; as read, before recovery adds to them."""
        return {
            effect.key: effect
            for recorded in self.context.ledger_as_read.recorded.values()
            for effect in recorded.effects
            if effect.kind is EffectKind.TASK
        }

    @cached_property
    def known_keys(self) -> Mapping[str, str | None]:
        """The task (its id) that stands for each key that the ledger knows; None: none was made."""
        return {**self.task_of_key, **{key: effect.crm_id for key, effect in self.recorded_tasks.items()}}

    def counts(self, moment: datetime | None) -> bool:
        """Whether what happened then is to be compared; None, a time that nobody knows, always is."""
        return self.since is None or moment is None or moment >= self.since

    def has(self, record: RecordRef) -> bool:
        """Whether the record is this portfolio or one of its tickets, or was merged into one of them."""
        record = self.context.ledger.current(record)
        return record == self.portfolio.ref or record in {ticket.ref for ticket in self.context.snapshot.tickets}

    def task_exists(self, task: str) -> bool:
        """Whether the task (its id) is in the CRM, as far as this portfolio's snapshot shows."""
        found = self.context.snapshot.tasks.get(task)
        return found is not None and found.exists

    def history(
        self, record: RecordRef, name: str, effect: AttemptedEffect
    ) -> tuple[Sequence[Version[Any]], object] | None:
        """The history (newest first) of a property, and what this write set it to as that has it; None where none is read.

        A value means what it meant when it was written (docs/process.md F.5).
        """
        value, then = effect.payload["values"][name], self.context.past.at(effect.first_at)
        names, own = self.context.mapping.portfolio.properties, self.context.mapping.ticket.properties
        if record == self.portfolio.ref and name == names.status:
            status = None if then is None else then.statuses.get(value)
            return self.portfolio.status_history, status or self.context.mapping.portfolio.status(value)
        if record == self.portfolio.ref and name == names.refresh_date:
            return self.portfolio.date_history, day(value) if value else None
        ticket = self.tickets.get(record.id)
        if record.kind is Kind.TICKET and ticket is not None and name == own.needs_revisions:
            revision = None if then is None else then.revisions.get(value)
            return ticket.revision_history, revision or self.context.mapping.ticket.revision(value)
        if record.kind is Kind.TICKET and ticket is not None and name in written_on_tickets(self.context.mapping):
            return self.raw_history(record.id, name), value
        return None

    def statuses_between(self, since: datetime, until: datetime) -> set[Status | None]:
        """Every status that stood at some time between two moments; none where the visible history does not reach back."""
        history = self.portfolio.status_history
        if history and history[-1].at <= since:
            return set(standing(history, since, until))
        # A status that nobody has ever set has no version.
        return set() if len(history) >= FORGETFUL else {None, *standing(history, since, until)}

    def raw_history(self, ticket: str, name: str) -> tuple[Version[str], ...]:
        """The history (newest first) of what the service writes on a ticket (its id). Raises the port's errors."""
        versions = self.histories.of(ticket, name)
        return tuple(Version(version.value, version.at, self.times.is_own(version)) for version in versions)

    def finding(
        self, sort: Sort, handoff: Handoff | None, key: str | None, cause: str, tasks: Iterable[str] = ()
    ) -> Finding:
        """A finding about this portfolio."""
        return Finding(sort, self.portfolio.id, self.portfolio.name, handoff, key, tuple(tasks), cause)

    def local(self, moment: datetime) -> str:
        """A moment in words, in the portal's time zone: `Sun 29 Nov 2026 18:30`."""
        return moment_text(moment, self.context.mapping.zone)


def moment_text(moment: datetime, zone: tzinfo) -> str:
    """A moment in words, in this time zone: `Sun 29 Nov 2026 18:30`."""
    local = moment.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %Y} {local:%H:%M}"


def written_on_tickets(mapping: ProcessMapping) -> tuple[str, ...]:
    """The properties that a revision changes (docs/process.md 6.10), the stage first."""
    names = mapping.ticket.properties
    return names.stage, names.copy_approval, names.graphic_approval


def read_of_tickets(mapping: ProcessMapping) -> tuple[str, ...]:
    """Of which properties of tickets the history is read, the stage first."""
    return *written_on_tickets(mapping), mapping.ticket.properties.folder, *mapping.ticket.owners.values()


def read_of_portfolios(mapping: ProcessMapping) -> tuple[str, ...]:
    """Of which properties of portfolios the history is read besides those that a rule asks for."""
    return mapping.portfolio.properties.cadence, *mapping.portfolio.owners.values()
