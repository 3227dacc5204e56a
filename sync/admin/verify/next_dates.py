"""Is the Refresh Date that an ending wrote the next one, by the cadence that stood then? docs/process.md D."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from sync.admin.verify.evidence import FORGETFUL, Evidence
from sync.admin.verify.finding import Finding, Sort
from sync.admin.verify.history import day, standing
from sync.clock import CLOCKS_APART, local_date
from sync.rules import keys
from sync.rules.cadence import next_date
from sync.rules.keys import ClosedKey, DeclinedKey, EffectKind
from sync.rules.model import MONTH_DAY, EffectState, Version
from sync.storage.ledger import AttemptedEffect


def findings(evidence: Evidence) -> Iterator[Finding]:
    """Reckon each date anew from what stood before the write. Raises the port's errors.

    Where another mapping was in force since, or the cadence's history does not reach back, nothing is found.
    """
    if evidence.portfolio.absorbed or len(evidence.context.past.mappings) > 1:
        return
    name = evidence.context.mapping.portfolio.properties.refresh_date
    for effect in evidence.tried:
        key = keys.parse(keys.occurrence_of(effect.key)) if effect.kind is EffectKind.WRITE else None
        judged = isinstance(key, DeclinedKey | ClosedKey) and effect.state is EffectState.DONE and effect.stands
        written = effect.payload["values"].get(name) if judged else None
        if not written or effect.first_at < evidence.times.ledger_began or not evidence.counts(effect.first_at):
            continue
        wrote, before = day(written), effect.payload.get("expects", {}).get(name, "")
        right = _right(evidence, effect, before, _days(evidence, effect))
        if not right or wrote in right:
            continue
        then = " or ".join(format_date(one) for one in sorted(right))
        if wrote in _right(evidence, effect, before, {wrote - timedelta(days=1)}):
            cause = f"the Refresh Date was moved to {format_date(wrote)}, not {then}: right on another day (`--today`?)"
            yield evidence.finding(Sort.NOT_JUDGED, effect.handoff, effect.key, cause)
        else:
            cause = f"the Refresh Date was moved to {format_date(wrote)}; by the cadence of that day it would be {then}"
            yield evidence.finding(Sort.UNEXPLAINED, effect.handoff, effect.key, cause)


def format_date(one: date) -> str:
    """A day in words: `Sun 29 Nov 2026`."""
    return f"{one:%a} {one.day} {one:%b %Y}"


def _days(evidence: Evidence, effect: AttemptedEffect) -> set[date]:
    """Each day on which it may have been reckoned."""
    zone = evidence.context.mapping.zone
    return {local_date(at, zone) for at in (effect.first_at - CLOCKS_APART, effect.first_at, effect.state_at)}


def _right(evidence: Evidence, effect: AttemptedEffect, before: str, todays: set[date]) -> set[date]:
    """Every date that the write may have given on these days, in any case of doubt; empty: it cannot be told."""
    mapping = evidence.context.mapping
    history = evidence.of_portfolios.of(evidence.portfolio.id, mapping.portfolio.properties.cadence)
    since, until = effect.first_at - CLOCKS_APART, effect.state_at + CLOCKS_APART
    if len(history) >= FORGETFUL and history[-1].at > since:
        return set()
    stood = set(standing(tuple(Version(one.value, one.at) for one in history), since, until))
    if not history or history[-1].at > since:
        stood.add("")
    intervals = {found for value in stood if (found := mapping.cadence.interval(value)) is not None}
    current = day(before) if before else None
    return {
        next_date(current, interval, today, mapping.cadence.weekend, day=chosen)
        for interval in intervals
        for today in todays
        for chosen in (_chosen(evidence, effect) if interval.months else (None,))
    }


def _chosen(evidence: Evidence, effect: AttemptedEffect) -> Sequence[int | None]:
    """The day of the month that was chosen (docs/process.md D.9), or each where an earlier release has not kept it."""
    recorded = evidence.context.ledger.recorded.get(keys.occurrence_of(effect.key))
    chosen = None if recorded is None else recorded.detail.get(MONTH_DAY)
    return (chosen,) if isinstance(chosen, int) else (None, *range(1, 32))
