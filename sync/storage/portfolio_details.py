"""What a pass found of one portfolio, ticket by ticket and handoff by handoff: for whoever looks at that one.

It is kept beside the row in `portfolios`, which is read for all of them at once.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select

from mappings.vocabulary import Handoff
from sync.clock import from_ms, to_ms
from sync.crm import Kind, RecordRef
from sync.storage.database import in_parts, to_json
from sync.storage.lists import is_among
from sync.storage.tables import portfolio_details
from sync.storage.upsert import upsert


@dataclass(frozen=True, slots=True)
class HandoffNow:
    """What a rule said of a record, as `handoffs explain` prints it.

    `state` None: it stands in the ledger, or is about to, under `key`; the ledger says what came of it.
    """

    handoff: Handoff
    record: RecordRef
    name: str  # the ticket's; '' for the portfolio
    state: str | None
    reason: str
    until: datetime | None  # until when it waits; None: it does not, or nobody knows
    key: str | None


@dataclass(frozen=True, slots=True)
class TicketNow:
    """A ticket as it stood. `lacks`: what keeps its Ad Set waiting; `left_out`: why it counts for none, '' where it does."""

    id: str
    name: str
    url: str
    ad_set: str
    stage: str
    since: datetime  # in this stage
    lacks: tuple[str, ...]
    left_out: str


@dataclass(frozen=True, slots=True)
class PortfolioDetail:
    """All that is shown of one portfolio alone, as its last pass found it."""

    id: str
    handoffs: tuple[HandoffNow, ...] = ()
    tickets: tuple[TicketNow, ...] = ()


_OF = select(portfolio_details).where(is_among(portfolio_details.c.portfolio, "ids"))
_REMEMBER = upsert(portfolio_details)
_FORGOTTEN = portfolio_details.delete().where(portfolio_details.c.portfolio == bindparam("gone"))


def remember(connection: Connection, found: Collection[PortfolioDetail]) -> None:
    """Keep these as they were found; what has not changed is not written."""
    known: dict[str, Mapping[str, Any]] = {}
    for part in in_parts(sorted(one.id for one in found)):
        known.update({row.portfolio: dict(row._mapping) for row in connection.execute(_OF, {"ids": part})})
    rows = [row for one in found if (row := _row(one)) != known.get(one.id)]
    if rows:
        connection.execute(_REMEMBER, sorted(rows, key=lambda row: str(row["portfolio"])))


def forget(connection: Connection, ids: Collection[str]) -> None:
    """Record that these are gone."""
    if ids:
        connection.execute(_FORGOTTEN, [{"gone": one} for one in sorted(ids)])


def get(connection: Connection, portfolio: str) -> PortfolioDetail:
    """Read what is kept of this one; nothing in it where no pass has kept it yet."""
    row = connection.execute(_OF, {"ids": [portfolio]}).one_or_none()
    if row is None:
        return PortfolioDetail(portfolio)
    handoffs = [_handoff(one) for one in json.loads(row.handoffs)["handoffs"]]
    return PortfolioDetail(
        portfolio, tuple(handoffs), tuple(_ticket(one) for one in json.loads(row.tickets)["tickets"])
    )


def _row(one: PortfolioDetail) -> dict[str, Any]:
    handoffs = [
        {
            "handoff": each.handoff.value,
            "kind": each.record.kind.value,
            "record": each.record.id,
            "name": each.name,
            "state": each.state,
            "reason": each.reason,
            "until": None if each.until is None else to_ms(each.until),
            "key": each.key,
        }
        for each in one.handoffs
    ]
    tickets = [
        {
            "id": each.id,
            "name": each.name,
            "url": each.url,
            "ad_set": each.ad_set,
            "stage": each.stage,
            "since": to_ms(each.since),
            "lacks": list(each.lacks),
            "left_out": each.left_out,
        }
        for each in one.tickets
    ]
    return {
        "portfolio": one.id,
        "handoffs": to_json({"handoffs": handoffs}),
        "tickets": to_json({"tickets": tickets}),
    }


def _handoff(one: Mapping[str, Any]) -> HandoffNow:
    return HandoffNow(
        Handoff(one["handoff"]),
        RecordRef(Kind(one["kind"]), one["record"]),
        one["name"],
        one["state"],
        one["reason"],
        None if one["until"] is None else from_ms(one["until"]),
        one["key"],
    )


def _ticket(one: Mapping[str, Any]) -> TicketNow:
    return TicketNow(
        one["id"],
        one["name"],
        one["url"],
        one["ad_set"],
        one["stage"],
        from_ms(one["since"]),
        tuple(one["lacks"]),
        one["left_out"],
    )
