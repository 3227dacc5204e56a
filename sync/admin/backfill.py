"""Act on causes that are older than going live, for chosen portfolios: planned first, and carried out when an admin says so.

What is carried out is remembered for each portfolio: from then on its causes count since that day, in every later pass
too, so that what is blocked, refused or not known is retried as everything else is. What `adopt` had recorded without its tasks
is decided anew. A second run finds nothing left to do; one that was stopped is completed by the same command.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from mappings.vocabulary import Handoff
from sync.admin import bulk, plan
from sync.admin.bulk import Result, Summary
from sync.admin.plan import Plan
from sync.clock import to_ms
from sync.crm import Kind, RecordRef
from sync.errors import ConfigurationError
from sync.service.bootstrap import Service
from sync.service.lanes import never
from sync.service.reading import ReadingService
from sync.storage import backfills, ledger, runs
from sync.storage.database import Connection

ORIGIN = "backfill"

log = structlog.get_logger()


class NothingOlderError(ConfigurationError):
    """The day is not before going live: everything younger the service acts on by itself."""


@dataclass(frozen=True)
class Proposal:
    """What a backfill would do. `chosen`: the portfolios, in order; `beyond`: those that a limit leaves for another run."""

    since: datetime
    plan: Plan  # of the chosen ones
    chosen: tuple[RecordRef, ...]
    beyond: int


def propose(
    service: ReadingService,
    since: datetime,
    *,
    portfolios: Collection[str] | None = None,
    handoffs: Collection[Handoff] = (),
    owners: Collection[str] = (),
    max_effects: int | None = None,
    progress: plan.Progress = plan.no_progress,
) -> Proposal:
    """Plan what would be done if causes counted from `since` on. Reads only.

    `handoffs` and `owners` (ids) choose the portfolios for which something of that kind is due; all that is due for a
    portfolio is done together. `max_effects` takes as many portfolios as it has room for, in the order of their ids.
    Raises `NothingOlderError`, the port's errors and `StoreError`.
    """
    if since >= service.go_live:
        raise NothingOlderError(
            f"the service went live on {service.go_live.astimezone(service.mapping.zone):%Y-%m-%d %H:%M}: what is younger "
            "it acts on by itself. Give an earlier --since"
        )
    units = None if portfolios is None else [RecordRef(Kind.PORTFOLIO, i) for i in portfolios]
    whole = plan.make(service, units, since=since, progress=progress)
    wanted = [unit for unit in whole.units if unit.kind is Kind.PORTFOLIO and _concerns(whole, unit, handoffs, owners)]
    chosen = _within(whole, wanted, max_effects)
    return Proposal(since, whole.narrowed(chosen), tuple(chosen), len(wanted) - len(chosen))


def _concerns(whole: Plan, unit: RecordRef, handoffs: Collection[Handoff], owners: Collection[str]) -> bool:
    return any(
        (not handoffs or step.handoff in handoffs) and (not owners or step.payload.get("owner") in owners)
        for step in whole.by_unit[unit]
    )


def _within(whole: Plan, units: Sequence[RecordRef], limit: int | None) -> list[RecordRef]:
    """As many of these, from the first on, as keep all their effects together within the limit."""
    chosen, total = [], 0
    for unit in units:
        total += len(whole.by_unit[unit])
        if limit is not None and total > limit:
            break
        chosen.append(unit)
    return chosen


def carry_out(
    service: Service,
    proposal: Proposal,
    summary: Summary,
    *,
    reason: str | None,
    stop: Callable[[], bool] = never,
) -> Iterator[Result]:
    """Carry out a proposal, group by group, and yield what came of each portfolio.

    `summary` fills meanwhile. `stop` is asked between groups. The run is kept in the database with its `reason`. Raises
    what concerns every record, as `Reconciler.run` does.
    """
    arguments = {"since": to_ms(proposal.since), "portfolios": len(proposal.chosen)}
    with runs.kept(service.store, service.clock, ORIGIN, reason, arguments, summary.as_json) as run:

        def prepare(connection: Connection, group: Iterable[RecordRef]) -> None:
            portfolios = [unit.id for unit in group]
            backfills.reach_back(connection, portfolios, proposal.since, run)
            ledger.reopen(connection, portfolios, proposal.since)

        yield from bulk.carry_out(service, proposal.chosen, ORIGIN, summary, prepare=prepare, stop=stop)
    log.info("backfill.done", run=run, **summary.as_json())
