"""Carries out a plan that was kept in a file: what it holds and nothing else."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from sync.admin import bulk
from sync.admin.plan import Plan, only
from sync.crm import RecordRef
from sync.service.bootstrap import Service
from sync.service.lanes import never
from sync.storage import runs

ORIGIN = "apply"


def carry_out(
    service: Service,
    kept: Plan,
    left_alone: Mapping[RecordRef, str],
    summary: bulk.Summary,
    *,
    file: Path,
    stop: Callable[[], bool] = never,
) -> Iterator[bulk.Result]:
    """Do what a kept plan holds and nothing else, group by group, and yield what came of each record.

    `left_alone` are its records that are stale. `summary` fills meanwhile. `stop` is asked between groups. The run is
    kept in the database, with the plan's `file`. Raises what concerns every record.
    """
    units = [unit for unit in kept.units if unit not in left_alone]
    arguments = {"file": str(file), "records": len(units), "stale": [str(unit) for unit in left_alone]}
    with runs.kept(service.store, service.clock, ORIGIN, None, arguments, summary.as_json):
        gate = only(kept, service.reading)
        yield from bulk.carry_out(service, units, ORIGIN, summary, gate=gate, stop=stop)
