"""Every kind of call that the service lives by, tried on the records that are there: it reads, and changes nothing."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import TypeVar

from mappings.vocabulary import KeyCarrier
from sync.admin.check.deployment import Deployment, Misfits, SkippedError
from sync.admin.check.report import Severity
from sync.crm import (
    CREATED_BY,
    MODIFIED,
    NOTE_BODY,
    NOTE_FILES,
    OWNER,
    TASK_BODY,
    TASK_COMPLETED,
    TASK_COMPLETED_AT,
    TASK_STATUS,
    TIMESTAMP,
    Faulty,
    Filter,
    Gap,
    Kind,
    Reading,
    Record,
)
from sync.errors import AuthenticationError, CRMRejectedError, CRMUnavailableError, MappingMisfitError

T = TypeVar("T")

LOOKED_AT = 5
"""So many records of a kind are read: one may be odd."""


def compare(deployment: Deployment, misfits: Misfits) -> str:
    """Search, read with history, follow associations each way, look into the recycle bin; as a sweep and a pass do."""
    if not deployment.has_object or not deployment.fits:
        raise SkippedError  # what is missing is noted already, and would be missed here once more
    return _Rehearsal(deployment, misfits).run()


Lists = Mapping[str, Sequence[str]]
"""By record (id), the far ends (ids) of its associations."""


class _Rehearsal:
    """One rehearsal; `run` may be called once."""

    def __init__(self, deployment: Deployment, misfits: Misfits) -> None:
        self._crm = deployment.crm
        self._mapping = deployment.mapping
        self._misfits = misfits

    def run(self) -> str:
        portfolio, ticket = self._mapping.portfolio, self._mapping.ticket
        names = portfolio.properties
        named = [[Filter(name, "HAS_PROPERTY")] for name in (names.refresh_date, names.status)]
        portfolios = self._found(Kind.PORTFOLIO, named)
        tickets = self._found(Kind.TICKET, [[Filter(ticket.properties.pipeline, "HAS_PROPERTY")]])
        task = self._mapping.task
        # With keys in bodies the portal needs no property for them: a call that names it may be refused.
        key = [task.key_property] if task.key_carrier is KeyCarrier.PROPERTY else []
        completed = Filter(TASK_STATUS, "EQ", TASK_COMPLETED)
        tasks = self._found(Kind.TASK, [[completed, *(Filter(name, "HAS_PROPERTY") for name in key)]], [MODIFIED])
        self._read(
            Kind.PORTFOLIO,
            portfolios,
            [*names.model_dump().values(), *portfolio.owners.values()],
            [names.status, names.refresh_date, names.ad_lab_link],
        )
        history = [ticket.properties.pipeline, ticket.properties.stage, ticket.properties.needs_revisions]
        self._read(Kind.TICKET, tickets, list(ticket.properties.model_dump().values()), history)
        self._read(Kind.TASK, tasks, [TASK_STATUS, TASK_COMPLETED_AT, TASK_BODY, *key], [TASK_STATUS])
        on_portfolios = {
            kind: self._far(Kind.PORTFOLIO, kind, portfolios) for kind in (Kind.TICKET, Kind.TASK, Kind.NOTE)
        }
        on_tickets = {kind: self._far(Kind.TICKET, kind, tickets) for kind in (Kind.PORTFOLIO, Kind.TASK, Kind.NOTE)}
        self._compare_directions(on_portfolios[Kind.TICKET], on_tickets[Kind.PORTFOLIO])
        notes = list(dict.fromkeys([*_some(on_portfolios[Kind.NOTE]), *_some(on_tickets[Kind.NOTE])]))[:LOOKED_AT]
        self._read(Kind.NOTE, notes, [NOTE_BODY, TIMESTAMP, NOTE_FILES, OWNER, CREATED_BY], [])
        self._tried(
            "look into the recycle bin of tasks", lambda: next(self._crm.deleted(Kind.TASK, [TASK_BODY, *key]), None)
        )
        counts = ((len(portfolios), "portfolio"), (len(tickets), "ticket"), (len(notes), "note"), (len(tasks), "task"))
        read = ", ".join(f"{count} {noun}{'s' if count > 1 else ''}" for count, noun in counts if count)
        return f"{read} read as the service reads them" if read else "no portfolio or ticket yet to try it on"

    def _found(self, kind: Kind, groups: list[list[Filter]], properties: Iterable[str] = ()) -> list[str]:
        def search() -> list[Record]:
            return list(islice(self._crm.search(kind, groups, list(properties)), LOOKED_AT))

        return [record.id for record in self._tried(f"search {kind}s", search) or ()]

    def _read(self, kind: Kind, ids: list[str], properties: list[str], history: list[str]) -> None:
        if ids:
            reading = self._tried(f"read {kind}s", lambda: self._crm.read_each(kind, ids, properties, history))
            self._note_faulty(kind, reading)

    def _far(self, source: Kind, target: Kind, ids: list[str]) -> Lists:
        """The far ends of each of these records that is answered."""
        if not ids:
            return {}
        purpose = f"read which {target}s a {source} has"
        reading = self._tried(purpose, lambda: self._crm.associated_each(source, target, ids))
        self._note_faulty(source, reading)
        return {} if reading is None else {i: [end.to for end in ends] for i, ends in reading.found.items()}

    def _compare_directions(self, listed: Lists, own: Lists) -> None:
        """Note tickets that are associated to a portfolio in one direction only (docs/process.md R.8).

        `listed`: the tickets of some portfolios; `own`: the portfolios of some tickets. What the one names, the other is
        asked for.
        """
        own = {**own, **self._far(Kind.TICKET, Kind.PORTFOLIO, [t for t in _some(listed) if t not in own])}
        listed = {**listed, **self._far(Kind.PORTFOLIO, Kind.TICKET, [p for p in _some(own) if p not in listed])}
        lost = [(t, p) for p, tickets in listed.items() for t in tickets if t in own and p not in own[t]]
        missed = [(t, p) for t, portfolios in own.items() for p in portfolios if p in listed and t not in listed[p]]
        key = ("portfolio", "object")
        remedy = "take the one off the other in HubSpot and associate them again; if all are so, ask HubSpot's support"
        for ticket, portfolio in lost[:1]:
            names = f"portfolio {portfolio} lists ticket {ticket}"
            self._misfits.error(
                key, f"{names}, whose own list does not have it: nothing is done for that ticket", remedy
            )
        for ticket, portfolio in missed[:1]:
            names = f"ticket {ticket} lists portfolio {portfolio}"
            self._misfits.warning(
                key, f"{names}, whose own list does not have it: the ticket may be found late", remedy
            )

    def _note_faulty(self, kind: Kind, reading: Reading[T] | None) -> None:
        """Note each thing that answers lack, once: what lacks it is not served (docs/process.md R.1)."""
        lacking: dict[Gap, Faulty] = {}
        for faulty in reading.faulty.values() if reading is not None else ():
            for gap in faulty.gaps:
                lacking.setdefault(gap, faulty)
        for gap, faulty in lacking.items():
            self._misfits.setting(
                "HUBSPOT_ACCESS_TOKEN",
                f"{faulty.record}: {gap}. Nothing is done for a {kind} of which that is so",
                "let the app see it (permissions of the property and of the app's scopes); if it may, and it lasts, ask "
                "HubSpot's support",
                severity=Severity.WARNING if faulty.is_late else Severity.ERROR,
            )

    def _tried(self, purpose: str, call: Callable[[], T]) -> T | None:
        """Make a call; None, and what it means is noted, where it fails."""
        try:
            return call()
        except AuthenticationError as error:
            self._misfits.not_permitted(purpose, error)
        except (CRMRejectedError, CRMUnavailableError, MappingMisfitError) as error:
            self._misfits.setting(
                "HUBSPOT_BASE_URL",
                f"to {purpose} fails: {error}",
                "run the check again; if it lasts, ask HubSpot's support, with the correlation id",
            )
        return None


def _some(lists: Lists) -> list[str]:
    """A few of the far ends."""
    return list(dict.fromkeys(end for ends in lists.values() for end in ends))[:LOOKED_AT]
