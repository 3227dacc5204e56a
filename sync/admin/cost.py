"""Count the calls to the CRM that carrying out a dry run costs, in its batches. Pure.

Counted is what `reconcile` does for the records with something to do, in groups: read them, decide, read again
before a property is written, write, make and close tasks, send emails, and read once more what was written. Not counted
is what a process asks once when it starts (owners, pipelines, property definitions: some ten calls).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from sync.crm import Kind, RecordRef
from sync.passes.reconcile import GROUP
from sync.rules.context import Context
from sync.rules.decide import decide
from sync.rules.dry_run import DryRun, ExpectedEffect, Round
from sync.rules.keys import EffectKind
from sync.rules.model import Needed, Write

BATCH = 100
WITH_HISTORY = 50
ASSOCIATIONS = 1_000
"""Inputs of one call (docs/hubspot.md 4.3)."""


CALLS_AN_EMAIL = 2
"""What an email costs that the CRM sends: it is handed over, and asked at once what became of it. Later asks are few."""


def calls(dry_runs: Iterable[DryRun], *, email_calls: int, group: int = GROUP) -> int:
    """Count the calls that these dry runs cost. `email_calls`: `CALLS_AN_EMAIL` where the CRM sends them, else 0.

    `group`: how many records a pass takes together; by default as many as where an admin has it done.
    """
    passes: dict[datetime, list[list[Round]]] = {}
    for dry_run in dry_runs:
        for rounds in _passes(dry_run):
            passes.setdefault(rounds[0].context.times.now, []).append(rounds)
    return sum(
        _group(records[start : start + group], email_calls)
        for records in passes.values()
        for start in range(0, len(records), group)
    )


def _passes(dry_run: DryRun) -> Iterator[list[Round]]:
    """The rounds of each pass in which something is done for the record: a write leads to the next round."""
    rounds: list[Round] = []
    for each in dry_run.rounds:
        if rounds and not _writes(rounds[-1].due):
            yield rounds
            rounds = []
        if rounds or each.due:
            rounds.append(each)
    if rounds:
        yield rounds


def _group(records: Sequence[Sequence[Round]], email_calls: int) -> int:
    """One pass over several records, each with its rounds: the first rounds together, then the second ones …"""
    count = max(len(rounds) for rounds in records)
    return sum(_round([rounds[n] for rounds in records if n < len(rounds)], email_calls) for n in range(count))


def _round(rounds: Sequence[Round], email_calls: int) -> int:
    contexts = [each.context for each in rounds]
    effects = [effect for each in rounds for effect in each.due]
    return _reading(contexts) + _deciding(contexts) + _doing(effects, email_calls)


def _reading(contexts: Sequence[Context]) -> int:
    portfolios = [context for context in contexts if context.snapshot.portfolio is not None]
    near = sum(len(context.snapshot.tickets) for context in portfolios)
    tickets = sum(len(context.snapshot.tickets) for context in contexts)
    of_portfolios = _in(len(portfolios), WITH_HISTORY) + _in(len(portfolios), ASSOCIATIONS)
    return of_portfolios + _in(near, ASSOCIATIONS) + _in(tickets, WITH_HISTORY)


def _deciding(contexts: Sequence[Context]) -> int:
    """Reads of the tasks and notes that the rules ask for: each time for all records together."""
    asked = [list(needs(context)) for context in contexts]
    total = 0
    for n in range(max(map(len, asked), default=0)):
        now = Needed.of_all(needed[n] for needed in asked if n < len(needed))
        found = sum(len(context.snapshot.notes.get(record, ())) for context in contexts for record in now.notes)
        whole, plain = len(now.tasks), len(now.states - now.tasks)
        total += min(_in(whole + plain, WITH_HISTORY), _in(whole, WITH_HISTORY) + _in(plain, BATCH))
        total += len({record.kind for record in now.notes}) + _in(found, BATCH)
    return total


def needs(context: Context) -> Iterator[Needed]:
    """Work out what has to be read to decide on this context, step by step, when only the records are read yet."""
    full = context.snapshot
    bare = replace(context, snapshot=replace(full, tasks={}, notes={}))
    while not (decision := decide(bare)).complete:
        needed = decision.needed
        yield needed
        tasks = {**bare.snapshot.tasks, **{task: full.tasks[task] for task in needed.tasks | needed.states}}
        notes = {**bare.snapshot.notes, **{record: full.notes[record] for record in needed.notes}}
        bare = replace(bare, snapshot=replace(bare.snapshot, tasks=tasks, notes=notes))


def _doing(effects: Sequence[ExpectedEffect], email_calls: int) -> int:
    by_kind = {kind: [one for one in effects if one.kind == kind] for kind in EffectKind}
    total = 0
    for kind in (Kind.PORTFOLIO, Kind.TICKET):  # each is read once more before it is written
        written = {record.id for one in by_kind[EffectKind.WRITE] if (record := _written(one)).kind is kind}
        total += 2 * _in(len(written), BATCH)
    total += _in(len(by_kind[EffectKind.TASK]), BATCH)
    total += 2 * (_in(len(by_kind[EffectKind.LINE]), BATCH) + _in(len(by_kind[EffectKind.CLOSE]), BATCH))
    return total + email_calls * len(by_kind[EffectKind.EMAIL])


def _writes(effects: Iterable[ExpectedEffect]) -> bool:
    return any(one.kind == EffectKind.WRITE for one in effects)


def _written(one: ExpectedEffect) -> RecordRef:
    assert isinstance(one.effect, Write), "a write comes from a decision"
    return one.effect.record


def _in(count: int, size: int) -> int:
    return -(-count // size)
