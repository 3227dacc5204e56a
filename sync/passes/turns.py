"""Whose turn it is once a pass has done its work: a task that it has made passes the turn on, and no other look may follow.

What a pass judges first is judged before its effects. Where it writes a property it decides anew; where it only makes tasks
or sends emails it does not, and the client would show as nobody's turn until the next look.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from sync.crm import Kind, RecordRef
from sync.passes.ledger_views import ledger_views, recorded_occurrences
from sync.passes.snapshot import Group
from sync.rules import waiting
from sync.rules.context import Context
from sync.rules.decide import decide
from sync.rules.model import LedgerView, Portfolio, Wait
from sync.storage.database import StoreReader


def turns_passed_on(
    store: StoreReader, group: Group, contexts: Mapping[RecordRef, Context], among: Collection[RecordRef]
) -> list[tuple[Portfolio, Wait | None]]:
    """Judge anew whom those of these portfolios wait for of which the ledger has changed since their contexts were made.

    It reads the ledger, and asks the CRM nothing: one that cannot be judged without is left out, and told by its next look;
    so is one that was merged.
    """
    mine = {one for one in among if one.kind is Kind.PORTFOLIO and contexts[one].as_read is None}
    if not mine:
        return []
    with store.read() as connection:
        views = ledger_views(connection, group, recorded_occurrences(connection, group))
    return list(_judged(contexts, views, sorted(mine)))


def _judged(
    contexts: Mapping[RecordRef, Context], views: Mapping[RecordRef, LedgerView], among: Collection[RecordRef]
) -> Iterator[tuple[Portfolio, Wait | None]]:
    for record in among:
        context, view = contexts[record], views[record]
        if view.recorded == context.ledger_as_read.recorded:
            continue
        fresh = replace(context, ledger_as_read=view)
        decision = decide(fresh)
        if decision.complete:
            found = waiting.judge(fresh, decision.verdicts)
            if found.complete and found.is_known:
                yield fresh.portfolio, found.wait
