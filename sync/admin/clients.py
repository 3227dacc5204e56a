"""Every client in a line, by the CRM's own names, statuses and dates of this moment.

A search shows two hundred portfolios a call. What else is told of each stands in the database: see `observe.clients`. No
history is read, and no rule decides: `explain` does both, for one client.
"""

from mappings.schema import all_hold
from sync.crm import Kind, Record, moment_of
from sync.observe.clients import Client, Shown, as_shown
from sync.passes.portal import Portal
from sync.service.reading import ReadingService

__all__ = ["Client", "clients"]


def clients(service: ReadingService) -> list[Client]:
    """List every portfolio that the mapping's condition takes in: what is urgent first, else by name.

    Raises the port's errors and `StoreError`.
    """
    portal = service.portals.get()
    names = service.mapping.portfolio.properties
    conditions = service.mapping.portfolio.condition
    wanted = [names.name, names.status, names.refresh_date, *(one.property for one in conditions)]
    shown = [
        _shown(service, portal, record)
        for record in service.crm.search(Kind.PORTFOLIO, [], list(dict.fromkeys(wanted)))
        if all_hold(conditions, record.properties)
    ]
    window = service.mapping.rules.window_days
    with service.store.read() as connection:
        return as_shown(connection, shown, service.calendar.now(), service.today, window)


def _shown(service: ReadingService, portal: Portal, record: Record) -> Shown:
    names = service.mapping.portfolio.properties
    status = record.properties.get(names.status, "")
    moment = moment_of(record.properties.get(names.refresh_date, ""))
    return Shown(
        record.id,
        record.properties.get(names.name, "") or f"portfolio {record.id}",
        portal.url(Kind.PORTFOLIO, record.id),
        portal.status_labels.get(status, status),
        None if moment is None else moment.date(),
    )
