"""What is kept of clients' cycles, the earlier ones too: for reports, which read the database alone."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from mappings.vocabulary import Handoff, Role, Status
from sync.clock import from_ms
from sync.crm import Kind, RecordRef
from sync.rules.keys import EffectKind
from sync.rules.model import Closing, EffectState
from sync.storage import memberships, versions
from sync.storage.database import in_parts
from sync.storage.lists import is_among
from sync.storage.tables import cycles, effects, occurrences
from sync.storage.versions import KeptVersion


@dataclass
class ClientPast:
    """Every version that was kept of a portfolio and of the tickets that are on it, and what the ledger knows of it beside.

    `kickoffs`: when each was decided, by its cycle's identity. Of one that was adopted or taken back from the CRM that is
    when its task was made. `owners`: who had the newest task of a role in a cycle, the owner's id by cycle and role.
    """

    portfolio: str
    versions: list[KeptVersion] = field(default_factory=list)  # by property, each oldest first
    tickets: dict[str, list[KeptVersion]] = field(default_factory=dict)  # the same of each ticket, by its id
    closings: list[Closing] = field(default_factory=list)  # oldest first
    kickoffs: list[tuple[str, datetime]] = field(default_factory=list)  # oldest first
    owners: dict[tuple[str, Role], str] = field(default_factory=dict)


_CLOSINGS = select(cycles).where(is_among(cycles.c.portfolio, "portfolios")).order_by(cycles.c.started)

_TASKS_DONE = (
    select(occurrences.c.portfolio, occurrences.c.cycle, occurrences.c.decided_at, effects.c.role, effects.c.payload)
    .join(effects, effects.c.occurrence == occurrences.c.key)
    .where(
        is_among(occurrences.c.portfolio, "portfolios"),
        effects.c.kind == EffectKind.TASK.value,
        effects.c.state == EffectState.DONE.value,
    )
    .order_by(occurrences.c.decided_at, occurrences.c.key, effects.c.position)
)
_KICKOFFS = _TASKS_DONE.where(occurrences.c.handoff == bindparam("handoff")).with_only_columns(
    occurrences.c.portfolio, occurrences.c.cycle, occurrences.c.decided_at
)


def read_past(
    connection: Connection, portfolios: Sequence[str], *, since: datetime | None = None, owners: bool = False
) -> dict[str, ClientPast]:
    """Read what is kept of these portfolios (ids), each with an entry; `owners`: who had their tasks, too.

    A ticket that is on no portfolio any more, or was deleted, is left out. `since`: the cycles that had ended by then are not
    looked into, so that of tickets what only those need is not read; None: all is read.
    """
    found = {portfolio: ClientPast(portfolio) for portfolio in portfolios}
    for part in in_parts(portfolios):
        for row in connection.execute(_CLOSINGS, {"portfolios": part}):
            found[row.portfolio].closings.append(Closing(from_ms(row.started), Status(row.by)))
        for row in connection.execute(_KICKOFFS, {"portfolios": part, "handoff": Handoff.KICKOFF.value}):
            found[row.portfolio].kickoffs.append((row.cycle, from_ms(row.decided_at)))
        for row in connection.execute(_TASKS_DONE, {"portfolios": part}) if owners else ():
            owner = json.loads(row.payload).get("owner")
            if owner and row.role:
                found[row.portfolio].owners[row.cycle, Role(row.role)] = str(owner)
    for record, kept in versions.of(connection, [RecordRef(Kind.PORTFOLIO, one) for one in portfolios]).items():
        found[record.id].versions = kept
    on = memberships.on(connection, portfolios)
    for bound, tickets in _by_bound(found, on, since):
        for record, kept in versions.of(connection, tickets, since=bound).items():
            found[on[record.id]].tickets[record.id] = kept
    return found


def _by_bound(
    found: Mapping[str, ClientPast], on: Mapping[str, str], since: datetime | None
) -> Iterator[tuple[datetime | None, list[RecordRef]]]:
    """Sort the tickets by whether something of theirs need not be read: whatever was before a bound."""
    began = {
        portfolio: max((one.at for one in past.closings if since is not None and one.at < since), default=None)
        for portfolio, past in found.items()
    }
    yield None, [RecordRef(Kind.TICKET, one) for one, portfolio in on.items() if began[portfolio] is None]
    bounds = [at for at in began.values() if at is not None]
    if bounds:
        yield (
            min(bounds),
            [RecordRef(Kind.TICKET, one) for one, portfolio in on.items() if began[portfolio] is not None],
        )
