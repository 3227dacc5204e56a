"""Handoff 2b · Account Manager → Social Ad Specialist: the client confirms. Notation only.

The rungs of this ladder: docs/process.md 2b.
"""

from mappings.vocabulary import Handoff, Status
from sync.rules.context import Context
from sync.rules.handoffs.verdicts import done, not_applicable, recorded_as_done, versions_of
from sync.rules.handoffs.wording import time_text
from sync.rules.keys import ConfirmedKey
from sync.rules.model import Verdict


def confirmed(context: Context) -> list[Verdict]:
    """Notation only: recorded once a version, nothing is done."""
    verdicts = []
    for version in versions_of(context, Status.REFRESH_REQUEST_SUBMITTED):
        key = ConfirmedKey(context.portfolio.id, version.ms)
        if context.ledger.settled(key) is None:
            reason = f"the client's yes was noted on {time_text(context, version.at)}; notation only"
            verdicts.append(recorded_as_done(context, key, reason, version.at))
    if verdicts:
        return verdicts
    before = list(context.ledger.of(Handoff.CONFIRMED, context.cycle))
    if before:
        return [done(before[-1])]
    return [not_applicable(context, Handoff.CONFIRMED, "the client's yes has not been noted in this cycle")]
