"""Makes a failing story small: leaves out what the failure does not need, and plays what is left."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from tests.simulation.run import Outcome, replay
from tests.simulation.script import ACT, FAULT, KILL, MODE, POLL, RECEIVER, SWEEP, Item, Script

PATIENCE = 600.0
"""Seconds after which what was reached is good enough."""


def shrink(outcome: Outcome, tell: Callable[[str], None], patience: float = PATIENCE) -> Outcome:
    """The smallest story found that fails in the same way: the outcome of playing it."""
    began = time.monotonic()
    best = replay(outcome.script, outcome.mode)
    if not (best.signs & outcome.signs):
        tell("the recorded story does not fail when it is replayed: shrinking is not possible")
        return outcome
    wanted = outcome.signs

    def fails(script: Script) -> Outcome | None:
        found = replay(script, outcome.mode)
        return found if found.signs & wanted else None

    progress = True
    while progress and time.monotonic() - began < patience:
        progress = False
        for smaller in _candidates(best.script):
            if time.monotonic() - began > patience:
                break
            found = fails(smaller)
            if found is not None:
                best, progress = found, True
                tell(f"{len(best.script.items)} items, {best.script.days} days")
                break
    return best


def _candidates(script: Script) -> Iterator[Script]:
    """Ever smaller cuts; the caller begins anew after each that still fails."""
    yield from _whole_kinds(script)
    yield from _whole_portfolios(script)
    if script.quirks:
        yield replace(script, quirks={})
    for days in sorted({1, script.days // 2, script.days - 5, script.days - 1}):
        if 0 < days < script.days:
            yield replace(script, days=days, items=tuple(_within(script, days)))
    items = script.items
    size = max(1, len(items) // 2)
    while size:
        for start in range(0, len(items), size):
            if left := [*items[:start], *items[start + size :]]:
                yield script.with_items(left)
        size //= 2


def _whole_kinds(script: Script) -> Iterator[Script]:
    items = script.items
    for kinds in ((FAULT, RECEIVER, MODE, KILL), (FAULT,), (KILL,), (RECEIVER, MODE), (POLL,), (SWEEP,)):
        left = [item for item in items if item.kind not in kinds]
        if len(left) < len(items):
            yield script.with_items(left)
    if any(item.call or item.step for item in items):
        yield script.with_items(replace(item, call=0, step="") for item in items)


def _whole_portfolios(script: Script) -> Iterator[Script]:
    items = script.items
    for portfolio in sorted({label for item in items for label in _labels(item) if label.startswith("P")}):
        left = [item for item in items if portfolio not in _labels(item)]
        if 0 < len(left) < len(items):
            yield script.with_items(left)


def _within(script: Script, days: int) -> Sequence[Item]:
    return [item for item in script.items if item.at <= script.start + days * 86_400_000]


def _labels(item: Item) -> set[str]:
    """The records that an act is about, by their labels."""
    if item.kind != ACT:
        return set()
    values = item.values
    found = {
        str(values[name]) for name in ("as", "ref", "to", "on", "gone", "primary") if isinstance(values.get(name), str)
    }
    return found | set(values["on"] if isinstance(values.get("on"), list) else ())
