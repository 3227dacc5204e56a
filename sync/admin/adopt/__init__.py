"""Take over a portal in mid-process: what people and older automation have done is recorded as done, and nothing fires.

The keys are the rules' own: each portfolio is decided as if the service had been there since its cycle began (`as_if`),
and what the rules would then have done is recorded as done (`recorder`), with the task that stands for it in the CRM
where there is one (`matching`): `dates` for handoffs 1 and 3, `cycle` for 2b, 4, 5, 7 and 8, `revisions` for 6. What is
left (`remaining`) is decided once more as a pass would: that is due, and reported.

Only what is older than going live is taken over, or has a task already: the rest is the service's own work.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from mappings.texts import Texts
from mappings.vocabulary import Handoff, Status
from sync.admin.adopt.adoption import Adoption, AdoptionLine
from sync.admin.adopt.as_if import before_what_may_be_taken_back
from sync.admin.adopt.cycle import adopt_cycle, report_closed_by_hand
from sync.admin.adopt.dates import adopt_dates
from sync.admin.adopt.recorder import Recorder
from sync.admin.adopt.remaining import report_due, report_unasked_tasks, silence_dates
from sync.admin.adopt.revisions import adopt_revisions
from sync.admin.inventory import all_portfolios, in_groups, take_inventory
from sync.service.bootstrap import Service
from sync.service.reading import ReadingService
from sync.storage import ledger, runs

__all__ = ["ORIGIN", "Adoption", "AdoptionLine", "apply", "plan"]

ORIGIN = "adopt"

log = structlog.get_logger()


def plan(
    service: ReadingService,
    portfolios: Sequence[str] | None = None,
    *,
    silence_due: bool = False,
    progress: Callable[[Adoption], None] = lambda _: None,
) -> Adoption:
    """Work out what `apply` would record of these portfolios (ids; None: of all). Writes nothing.

    `silence_due` records kickoffs and arrived dates that are due as done too. `progress` is called with what was found so
    far after each group. Raises the port's errors and `StoreError`.
    """
    adoption = Adoption()
    for group in in_groups(all_portfolios(service) if portfolios is None else list(portfolios)):
        _add(adoption, _adopted(service, group, silence_due=silence_due))
        progress(adoption)
    return adoption


def apply(
    service: Service,
    portfolios: Sequence[str] | None = None,
    *,
    silence_due: bool = False,
    reason: str | None = None,
    progress: Callable[[Adoption], None] = lambda _: None,
) -> Adoption:
    """Record what `plan` shows; no task, email or property of the CRM changes. A second time records nothing new.

    Each group is read anew while no pass can run on it, so that a running service and this never decide the same. The
    run is kept in the database, with the admin's `reason`. Raises the port's errors and `StoreError`.
    """
    adoption = Adoption(applied=True)
    arguments = {"portfolios": portfolios, "silence_due": silence_due}
    with runs.kept(service.store, service.clock, ORIGIN, reason, arguments, lambda: _counts(adoption)):
        lanes = service.lanes()
        for group in in_groups(all_portfolios(service.reading) if portfolios is None else list(portfolios)):
            with lanes.every():
                adopted = _adopted(service.reading, group, silence_due=silence_due)
                with service.store.write() as connection:
                    for recorder in adopted.recorders:
                        for recorded in recorder.recorded:
                            ledger.record(connection, recorded, recorder.context.portfolio.id, ORIGIN)
            _add(adoption, adopted)
            log.info("adopt.recorded", looked=adoption.looked, adopted=len(adoption.adopted), tasks=adoption.tasks)
            progress(adoption)
    return adoption


def _counts(adoption: Adoption) -> dict[str, int]:
    return {name: len(getattr(adoption, name)) for name in ("adopted", "due", "unmatched", "faulty")}


@dataclass(frozen=True)
class _AdoptedGroup:
    recorders: Sequence[Recorder]  # by rising id of the portfolio
    faulty: Mapping[str, str]


def _adopted(service: ReadingService, portfolios: Sequence[str], *, silence_due: bool) -> _AdoptedGroup:
    inventory = take_inventory(service, portfolios)
    texts = Texts(service.mapping, service.portals.get().words)
    recorders: list[Recorder] = []
    faulty = {record.id: why for record, why in inventory.faulty.items()}
    faulty |= {record.id: "it is no longer in the CRM" for record in inventory.gone}
    for record, context in sorted(inventory.contexts.items(), key=lambda each: int(each[0].id)):
        recorder = Recorder(before_what_may_be_taken_back(context), inventory.tasks[record], texts)
        try:
            if context.portfolio.inside:
                _adopt(recorder, silence_due=silence_due)
        except Exception as error:
            log.error("adopt.failed", record=str(record), exc_info=True)
            faulty[record.id] = f"{type(error).__name__}: {error}"
        else:
            recorders.append(recorder)
    return _AdoptedGroup(recorders, faulty)


def _adopt(recorder: Recorder, *, silence_due: bool) -> None:
    if recorder.context.portfolio.status is Status.CREATIVES_IMPLEMENTED:
        report_closed_by_hand(recorder)
    else:
        adopt_dates(recorder)
        adopt_cycle(recorder)
    for ticket in recorder.context.snapshot.tickets:
        adopt_revisions(recorder, ticket)
    if silence_due:
        silence_dates(recorder)
    report_due(recorder)
    report_unasked_tasks(recorder)


def _add(adoption: Adoption, group: _AdoptedGroup) -> None:
    in_order = list(Handoff).index
    for recorder in group.recorders:
        adoption.looked += 1
        adoption.adopted += sorted(recorder.adopted, key=lambda line: in_order(line.handoff))
        adoption.due += recorder.due
        adoption.unmatched += recorder.unmatched
    adoption.faulty |= group.faulty
