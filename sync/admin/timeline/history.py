"""What the CRM remembers of one portfolio, of its tickets and of its tasks: read for the timeline alone, in three calls."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sync.crm import OWNER, TASK_STATUS, TASK_SUBJECT, CRMReader, Kind, Record
from sync.rules.context import Context
from sync.rules.model import RecordedOccurrence


@dataclass(frozen=True)
class History:
    """The records, each with the history of what the timeline shows. None, or left out: the CRM has it no more."""

    portfolio: Record | None
    tickets: Mapping[str, Record]  # by id
    tasks: Mapping[str, Record]  # by id


def read(crm: CRMReader, context: Context) -> History:
    """Read them for one portfolio: itself, its tickets and the tasks that the ledger names. Raises the port's errors."""
    mapping, portfolio = context.mapping, context.portfolio.id
    names, of_ticket = mapping.portfolio.properties, mapping.ticket.properties
    dates = [names.status, names.refresh_date, names.cadence]
    stages = [of_ticket.pipeline, of_ticket.stage, of_ticket.folder, of_ticket.needs_revisions]
    approvals = [of_ticket.copy_approval, of_ticket.graphic_approval]
    tickets = [ticket.id for ticket in context.snapshot.tickets]
    tasks = sorted(_tasks_named(context.ledger.recorded.values()), key=int)
    return History(
        crm.read(Kind.PORTFOLIO, [portfolio], [], dates).get(portfolio),
        crm.read(Kind.TICKET, tickets, [of_ticket.subject], [*stages, *approvals]) if tickets else {},
        crm.read(Kind.TASK, tasks, [TASK_SUBJECT, TASK_STATUS, OWNER], [TASK_STATUS]) if tasks else {},
    )


def _tasks_named(recorded: Iterable[RecordedOccurrence]) -> set[str]:
    effects = (effect for one in recorded for effect in one.effects)
    return {effect.crm_id for effect in effects if effect.kind == "task" and effect.crm_id is not None}
