"""Prove from the CRM's own history what was done: nothing missing, nothing doubled, nothing unexplained. Reads only.

Of each portfolio it is asked:

- `keyed_tasks`, `causes`: does the ledger know each task that carries a key, and does the history show its cause?
- `doubled`: are there two tasks for one cause?
- `carried_out`: does the CRM show what the ledger says was done: tasks, closings, writes?
- `own_changes`: does the ledger know each change that the service's app has made?
- `followed`: was everything done that belongs to what was done: tasks closed at an end, the status advanced or cleared,
  an email for whoever else is told?
- `announced`: was each ticket of an Ad Set that was announced ready then?
- `assigned`: did the record name whoever was given a task?
- `next_dates`: is the Refresh Date that an ending wrote the next one by the cadence of that day?
- `due`: what do the rules ask for now that is neither done nor on its way? What is known and waits, and for whom?

`evidence` holds what is compared, `finding` what is reported. Where the visible history does not reach back far enough
(HubSpot keeps about 20 versions) nothing is judged, and that is said. Emails leave no trace in the CRM: the ledger alone
knows of them, and `carried_out` counts them.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from sync.admin.inventory import Inventory, all_portfolios, in_groups, take_inventory
from sync.admin.verify import (
    announced,
    assigned,
    carried_out,
    doubled,
    due,
    followed,
    keyed_tasks,
    next_dates,
    own_changes,
)
from sync.admin.verify.doubled import Copies
from sync.admin.verify.evidence import Evidence, read_of_portfolios, read_of_tickets
from sync.admin.verify.finding import FAULTS, Finding, Report, Sort
from sync.admin.verify.history import PortfolioHistories, TicketHistories
from sync.admin.verify.service_times import ServiceTimes
from sync.rules.context import Context
from sync.service.reading import ReadingService
from sync.storage import ledger

__all__ = ["FAULTS", "Finding", "Report", "Sort", "verify"]

CHECKS = (keyed_tasks, doubled, carried_out, own_changes, followed, announced, assigned, next_dates, due)
"""What is asked of each portfolio, in this order."""


def verify(
    service: ReadingService,
    portfolios: Sequence[str] | None = None,
    *,
    since: datetime | None = None,
    progress: Callable[[Report], None] = lambda _: None,
) -> Report:
    """Compare the CRM with the rules and the ledger for these portfolios (ids; None: for all). Writes nothing.

    `since`: only what was caused, made or tried then or later. `progress` is called with the report so far after each
    group of portfolios. A portfolio that cannot be read is a finding. Raises the port's errors and `StoreError`.
    """
    report = Report(since=since)
    if not service.portals.get().task_keys.ready:
        report.unable = (
            "task property missing: no task can be made, and none that was made is known: run `handoffs setup --apply`"
        )
    copies = Copies()
    for group in in_groups(all_portfolios(service) if portfolios is None else list(portfolios)):
        inventory = take_inventory(service, group)
        report.looked += len(inventory.contexts)
        for evidence in _evidence(service, inventory, since):
            report.tasks += keyed_tasks.count(evidence) + carried_out.count_adopted(evidence)
            report.effects += carried_out.count_changes(evidence)
            report.blocked += due.count_blocked(evidence)
            report.held += evidence.enqueued is not None and evidence.enqueued.held
            report.emails += carried_out.count_emails(evidence)
            for check in CHECKS:
                report.findings += check.findings(evidence)
            copies.note(evidence.context, evidence.tasks.values())
        report.findings += _not_read(inventory)
        progress(report)
    report.findings = list(dict.fromkeys([*report.findings, *copies.findings(since)]))
    report.findings.sort(key=lambda f: (list(Sort).index(f.sort), int(f.portfolio), f.key or "", f.cause))
    return report


def _evidence(service: ReadingService, inventory: Inventory, since: datetime | None) -> Iterator[Evidence]:
    """What is known of each portfolio of a group that the mapping's condition takes in, by rising id."""
    keys = {task.key for tasks in inventory.tasks.values() for task in tasks if task.key}
    with service.store.read() as connection:
        ids = {record: _ids_of(context) for record, context in inventory.contexts.items()}
        tried = ledger.attempted(connection, sorted({i for known in ids.values() for i in known}))
        task_of_key = ledger.task_of(connection, sorted(keys))
        enqueued = due.enqueued(connection, inventory, service.mapping.zone)
        times = ServiceTimes.read(connection, service)
    histories = TicketHistories(service.crm, read_of_tickets(service.mapping), inventory)
    of_portfolios = PortfolioHistories(service.crm, read_of_portfolios(service.mapping), inventory)
    for record, context in sorted(inventory.contexts.items(), key=lambda each: int(each[0].id)):
        if context.portfolio.inside:
            yield Evidence(
                context,
                {task.id: task for task in inventory.tasks[record]},
                [effect for effect in tried if effect.portfolio in ids[record]],
                task_of_key,
                enqueued.get(context.snapshot.ref),
                times,
                histories,
                of_portfolios,
                since,
            )


def _ids_of(context: Context) -> set[str]:
    """The ids under which the ledger may have what was done for a portfolio: its own, and those of merged ones."""
    ref = context.snapshot.ref
    ancestry = context.ledger.ancestries.get(ref)
    return {ref.id} if ancestry is None else {ref.id, *(record.id for record in ancestry.former)}


def _not_read(inventory: Inventory) -> list[Finding]:
    why = {**inventory.faulty, **dict.fromkeys(inventory.gone, "it is no longer in the CRM")}
    return [Finding(Sort.NOT_READ, record.id, "", None, None, (), text) for record, text in why.items()]
