"""How far back the causes of a portfolio count, where an admin had a `backfill` run for it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, select

from sync.clock import from_ms, to_ms
from sync.crm import Kind, RecordRef
from sync.rules.model import Former
from sync.storage import identities, runs
from sync.storage.database import in_parts
from sync.storage.lists import is_among
from sync.storage.tables import backfills
from sync.storage.upsert import upsert

_NOT_KNOWN = datetime.max.replace(tzinfo=UTC)
"""When a merge was that only the CRM shows yet: after every run."""


@dataclass(frozen=True, slots=True)
class _Backfill:
    """`since`: causes count from then on. `run_at`: when the run began that said so; None: it was not asked, as no merge was."""

    since: datetime
    run_at: datetime | None


_REACH_BACK = upsert(backfills)


def reach_back(connection: Connection, portfolios: Iterable[str], since: datetime, run: int) -> None:
    """Have causes of these portfolios count from `since` on, in every later pass; never less far back than before."""
    wanted = sorted(set(portfolios))
    before = reaching_back(connection, wanted)
    rows = [{"portfolio": i, "since": to_ms(min(since, before.get(i, since))), "run": run} for i in wanted]
    if rows:
        connection.execute(_REACH_BACK, rows)


_REACHING_BACK = select(backfills).where(is_among(backfills.c.portfolio, "portfolios"))


def reaching_back(
    connection: Connection, portfolios: Iterable[str], merged: Sequence[Former] | None = None
) -> dict[str, datetime]:
    """Find since when causes of these portfolios count; one without a backfill is left out.

    A merge alone begins nothing: for a record that was made of several they count as far back as for every one of those,
    until a run since the merge says otherwise (docs/process.md M.16). `merged`: what they were made of; None: it is looked
    up.
    """
    wanted = sorted(set(portfolios))
    if merged is None:
        merged = identities.find(connection, [RecordRef(Kind.PORTFOLIO, i) for i in wanted])
    merges = [one for one in merged if one.record.kind is Kind.PORTFOLIO]
    found: dict[str, _Backfill] = {}
    for part in in_parts(sorted({*wanted, *(one.record.id for one in merges)})):
        rows = connection.execute(_REACHING_BACK, {"portfolios": part}).all()
        began = runs.began(connection, {row.run for row in rows}) if merges else {}
        found |= {row.portfolio: _Backfill(from_ms(row.since), began.get(row.run)) for row in rows}
    return {i: since for i in wanted if (since := _since(i, merges, found)) is not None}


def _since(portfolio: str, merges: Sequence[Former], backfilled: dict[str, _Backfill]) -> datetime | None:
    own = backfilled.get(portfolio)
    mine = [one for one in merges if one.into.id == portfolio]
    if own is not None and all((own.run_at or _NOT_KNOWN) >= (one.at or _NOT_KNOWN) for one in mine):
        return own.since
    parts = [_since(one.record.id, merges, backfilled) for one in mine]
    if own is not None or not any(one.primary for one in mine):  # it is no new record: it was there before
        parts.append(None if own is None else own.since)
    known = [since for since in parts if since is not None]
    return max(known) if len(known) == len(parts) else None
