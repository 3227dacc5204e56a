"""What would be done, record by record, now or on a day to come: worked out over the whole portal, and nothing changed.

`make` works out a plan (`model`), in words too (`summaries`). It can be kept in a file (`file`) and carried out later. It
then holds for the records for which the very same effects are still what the rules ask for; for any other it is stale
(`kept`).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime

from sync.admin import cost
from sync.admin.inventory import all_portfolios, in_groups, take_inventory
from sync.admin.plan.file import PlanFileError, read_file, write_file
from sync.admin.plan.kept import only, stale, undone
from sync.admin.plan.model import KINDS, Plan, Step
from sync.admin.plan.summaries import Summarizer
from sync.clock import local_date
from sync.crm import Kind, RecordRef
from sync.errors import last_line
from sync.passes import recovery
from sync.passes.reconcile import GROUP
from sync.rules.context import Context
from sync.rules.dry_run import DryRun, dry_run
from sync.rules.model import LedgerView
from sync.rules.transition import reopened
from sync.service.grouping import widest
from sync.service.reading import ReadingService
from sync.storage import work_queue
from sync.storage.ledger import queries

__all__ = ["KINDS", "Plan", "PlanFileError", "Step", "make", "only", "read_file", "stale", "undone", "write_file"]

Progress = Callable[[int, int], None]
"""Called after each group with how many of how many records have been decided."""


def no_progress(_looked: int, _of: int) -> None:
    """Report nothing."""


def make(
    service: ReadingService,
    units: Iterable[RecordRef] | None = None,
    *,
    until: date | None = None,
    since: datetime | None = None,
    progress: Progress = no_progress,
    by_itself: bool = False,
) -> Plan:
    """Work out what would be done for these portfolios and lone tickets. Reads only.

    `units` None: for every portfolio, and for what the database knows to be enqueued or unfinished besides. `until`
    looks ahead to the end of that day, None: only this moment; `since` lets causes count from then on, as `backfill`
    would. What cannot be decided is in the plan's `faulty`. `by_itself`: its calls are those of the service's own passes,
    which take more records together than where an admin has it done. Raises the port's errors and `StoreError`.
    """
    made_at = service.calendar.now()
    wanted = set(_everything(service) if units is None else units)
    portfolios = sorted((unit.id for unit in wanted if unit.kind is Kind.PORTFOLIO), key=int)
    lone = sorted((unit.id for unit in wanted if unit.kind is Kind.TICKET), key=int)
    groups: list[tuple[Sequence[str], Sequence[str]]] = [(group, ()) for group in in_groups(portfolios)]
    groups += [((), group) for group in in_groups(lone)]
    maker = _Maker(service, made_at, until, since)
    looked = 0
    for some, tickets in groups:
        maker.add(some, tickets)
        looked += len(some) + len(tickets)
        progress(looked, len(wanted))
    by_crm = (service.settings.email_url or "").startswith("hubspot:")
    email_calls = cost.CALLS_AN_EMAIL if by_crm else 0  # elsewhere the CRM sends none
    limit = service.mapping.rules.effects_per_hour
    group = widest(limit, emails_cost_calls=by_crm) if by_itself else GROUP
    return Plan(
        made_at,
        local_date(made_at, service.mapping.zone),
        until,
        tuple(maker.steps),
        looked,
        cost.calls(maker.dry_runs.values(), email_calls=email_calls, group=group),
        maker.faulty,
        maker.dry_runs,
        email_calls,
        group,
    )


def _everything(service: ReadingService) -> set[RecordRef]:
    """Every portfolio that a search shows, and what the database knows to be enqueued or unfinished besides."""
    with service.store.read() as connection:
        known = work_queue.records(connection) | queries.with_open_effects(connection)
    return known | {RecordRef(Kind.PORTFOLIO, i) for i in all_portfolios(service)}


class _Maker:
    """Collects the steps of one plan, group by group."""

    def __init__(self, service: ReadingService, now: datetime, until: date | None, since: datetime | None) -> None:
        self._service = service
        self._now = now
        self._until = until
        self._since = since
        self._lost = recovery.is_needed(service.store)
        self.steps: list[Step] = []
        self.dry_runs: dict[RecordRef, DryRun] = {}
        self.faulty: dict[RecordRef, str] = {}

    def add(self, portfolios: Sequence[str], tickets: Sequence[str]) -> None:
        """Add a group of portfolios or of lone tickets (ids). Raises the port's errors."""
        service = self._service
        portal, group, contexts = service.decider.read(portfolios, tickets)
        recovered = take_inventory(service, portfolios).contexts if self._lost and portfolios else {}
        contexts = {
            record: self._as_planned(
                context, recovered[record].ledger_as_read if record in recovered else context.ledger_as_read
            )
            for record, context in contexts.items()
        }
        dry_runs, faulty = service.decider.judge(contexts, portal, lambda context: dry_run(context, self._until))
        for record, text in {**group.faulty, **faulty}.items():
            self.faulty[record] = last_line(text)
        for unit, incomplete in group.incomplete.items():
            self.faulty |= {one.record: one.why for one in incomplete if unit not in group.faulty}
        summarizer = Summarizer(service, portal)
        for record in sorted(dry_runs, key=lambda ref: (ref.kind, int(ref.id))):
            self.dry_runs[record] = dry_runs[record]
            self.steps += summarizer.steps(contexts[record], dry_runs[record].effects)

    def _as_planned(self, context: Context, known: LedgerView) -> Context:
        """The context at the moment of the plan; one moment for all, so that their passes are counted together."""
        moment = replace(context.times, now=self._now, today=local_date(self._now, context.mapping.zone))
        if self._since is not None and context.snapshot.portfolio is not None:
            since = self._since
            moment = moment.counting_since(since)
            known = replace(known, recorded={key: reopened(each, since) for key, each in known.recorded.items()})
        return replace(context, ledger_as_read=known, times=moment)
