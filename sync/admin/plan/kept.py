"""Is a plan that was kept still what the rules ask for? And a gate that lets a pass do nothing else."""

import re
from collections.abc import Callable
from dataclasses import replace

from sync.admin.plan.model import Plan
from sync.admin.plan.summaries import Summarizer
from sync.crm import RecordRef
from sync.rules.context import Context
from sync.rules.dry_run import LATER, Projection, Prospect
from sync.rules.model import Decision, EffectState
from sync.service.reading import ReadingService
from sync.storage.database import StoreReader
from sync.storage.ledger import queries

SETTLED = frozenset({EffectState.DONE, EffectState.SUPERSEDED})
"""States of an effect that nothing is left to be done for."""


def undone(kept: Plan, store: StoreReader) -> Plan:
    """Return what of a kept plan is still to be done: without what the ledger has as done, or as pointless by now.

    So a plan may be carried out again: after it was cut off half-way, or by somebody who does not know that it was.
    """
    with store.read() as connection:
        known = queries.standings(connection, kept.units)
    settled = {
        unit: [key for key, standing in effects.items() if standing.state in SETTLED] for unit, effects in known.items()
    }
    left = [
        step for step in kept.steps if not any(_pattern(step.key).fullmatch(key) for key in settled.get(step.unit, ()))
    ]
    return replace(kept, steps=tuple(left))


def _pattern(text: str) -> re.Pattern[str]:
    """What a key, or a text with one, may be by now: `LATER` stands for a time that was not known; or is somebody's own ~."""
    return re.compile(re.escape(text).replace(re.escape(LATER), rf"(?:{LATER}|\d{{13}})"))


def stale(kept: Plan, fresh: Plan) -> dict[RecordRef, str]:
    """Find the records of a kept plan for which a fresh one asks for something else, and say how they differ."""
    found: dict[RecordRef, str] = {}
    for unit in kept.units:
        if unit in fresh.faulty:
            found[unit] = fresh.faulty[unit]
            continue
        before, now = ({step.what: step for step in plan.by_unit.get(unit, ())} for plan in (kept, fresh))
        gone = [step.summary for what, step in before.items() if what not in now]
        come = [step.summary for what, step in now.items() if what not in before]
        if gone or come:
            changes = [f"no longer due: {gone[0]}"] if gone else []
            changes += [f"new: {come[0]}"] if come else []
            more = len(gone) + len(come) - len(changes)
            found[unit] = "; ".join(changes) + (f"; and {more} more" if more > 0 else "")
    return found


def only(kept: Plan, service: ReadingService) -> Callable[[Context, Decision], bool]:
    """Make a gate that lets a pass do what the plan holds and nothing else, whatever people change meanwhile."""
    allowed: dict[RecordRef, list[re.Pattern[str]]] = {}
    for step in kept.due:
        allowed.setdefault(step.unit, []).append(_pattern(step.what))

    def permits(context: Context, decision: Decision) -> bool:
        projection = Projection(context)
        projection.apply(decision)
        steps = Summarizer(service, service.portals.get()).steps(
            context, (one for each in projection.rounds for one in each.due)
        )
        patterns = allowed.get(context.snapshot.ref, [])
        return all(
            any(pattern.fullmatch(step.what) for pattern in patterns) for step in steps if step.prospect is Prospect.DUE
        )

    return permits
