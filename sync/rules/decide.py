"""Runs the rules over one case: what is to be done, and why everything else is not. Pure."""

from collections.abc import Collection, Iterable
from datetime import timedelta

from mappings.vocabulary import Handoff
from sync.crm import Kind
from sync.rules.context import Context, NeededError, UnreadError
from sync.rules.handoffs import HANDOFF_OF, RULES, TICKET_RULES, tickets
from sync.rules.handoffs.announcements import replaced
from sync.rules.handoffs.verdicts import undecided
from sync.rules.keys import EffectKind
from sync.rules.model import (
    OPEN_EFFECTS,
    Decision,
    EffectState,
    Needed,
    OccurrenceState,
    Reassigned,
    RecordedOccurrence,
    State,
    Verdict,
)

BLOCKED_AGAIN = timedelta(hours=1)
"""What a person must mend shows in no event of the record itself (an owner comes back): it is looked at this often."""

ON_STATUS = frozenset({Handoff.KICKOFF, Handoff.DATE_ARRIVED, Handoff.SET_READY, Handoff.APPROVED, Handoff.CLOSE})
"""What hangs on the status: nothing of it is decided while a closing version may still be taken back."""

LOOK_AGAIN = frozenset({Handoff.DECLINED, Handoff.SET_READY, Handoff.REVISIONS, Handoff.APPROVED, Handoff.CLOSE})
"""Handoffs of which the moment that they wait for is no day's beginning, which the sweep minds."""


def decide(context: Context) -> Decision:
    """One decision for one snapshot. If it is not `complete`, read what it needs and decide again."""
    if context.snapshot.portfolio is not None and not context.portfolio.inside:
        return Decision(_outside(context))
    rules = RULES if context.snapshot.portfolio is not None else TICKET_RULES
    verdicts: list[Verdict] = []
    needed: list[Needed] = []
    for rule in rules:
        try:
            verdicts += rule(context)
        except NeededError as error:
            needed.append(error.needed)
        except UnreadError as unread:
            verdicts.append(undecided(context, HANDOFF_OF[rule], unread))
    repeated = replaced(context) if context.snapshot.portfolio is not None else frozenset()
    covered = tickets.covered(context)
    bypassed = _bypassed(context)
    pointless = {key for verdict in verdicts if verdict.occurrence for key in verdict.occurrence.overtakes}
    reassigned = _reassigned(
        context, repeated | covered | bypassed | pointless | _about_to_be_replaced(verdicts, context)
    )
    again = [v.when for v in verdicts if v.handoff in LOOK_AGAIN and v.state is State.WAITING and v.when]
    blocked = any(_is_blocked(v) for v in verdicts) or any(r.blocked for r in reassigned.values())
    if blocked or any(_has_blocked(recorded) for recorded in context.ledger.recorded.values()):
        again.append(context.times.now + BLOCKED_AGAIN)
    return Decision(
        tuple(verdicts),
        reassigned,
        Needed.of_all(needed),
        repeated,
        covered,
        min(again, default=None),
        tuple(ending.closing for ending in context.endings),
        frozenset() if context.settling is None else ON_STATUS,
        bypassed,
    )


def _outside(context: Context) -> tuple[Verdict, ...]:
    reason = "the portfolio is outside the mapping's condition (portfolio.condition): it is not touched"
    return tuple(Verdict(handoff, State.NOT_APPLICABLE, reason, context.snapshot.ref) for handoff in Handoff)


def _is_blocked(verdict: Verdict) -> bool:
    """Whether it waits for a person, be it with one of several effects."""
    effects = () if verdict.occurrence is None else verdict.occurrence.effects
    return verdict.state is State.BLOCKED or any(effect.blocked for effect in effects)


def _has_blocked(recorded: RecordedOccurrence) -> bool:
    return recorded.state is OccurrenceState.OPEN and any(
        effect.state is EffectState.BLOCKED for effect in recorded.effects
    )


def _bypassed(context: Context) -> frozenset[str]:
    """The effects (keys) that wait on tickets of a cycle that was declined: they were away then, and are back (2a.8)."""
    if context.snapshot.portfolio is None:
        return frozenset()
    return frozenset(
        effect.key
        for recorded in context.ledger.recorded.values()
        if recorded.record.kind is Kind.TICKET and recorded.committed and recorded.cause_at is not None
        if context.declined_after(recorded.cause_at) is not None
        for effect in recorded.effects
        if effect.kind is not EffectKind.CLOSE and effect.state in OPEN_EFFECTS
    )


def _about_to_be_replaced(verdicts: Iterable[Verdict], context: Context) -> set[str]:
    """The effects (keys) whose place those of another occurrence take once it stands: until then they are kept as they are."""
    older = {key for v in verdicts if v.occurrence is not None for key in v.occurrence.replaces}
    return {effect.key for key in older for effect in context.ledger.recorded[key].effects}


def _reassigned(context: Context, but: Collection[str]) -> dict[str, Reassigned]:
    """For each effect (`but` these) that waits for a person, in an occurrence that stands: who does it now.

    Nobody is found for a cycle that was declined: a decline that waits its turn bypasses it all the same. Nor is anybody
    for what hangs on the status while a closing version may still be taken back, nor for a ticket that came incomplete: its
    own people may be others.
    """
    tickets = {ticket.id: ticket for ticket in context.snapshot.tickets}
    unread = {ticket.ref for ticket in context.snapshot.unread}
    declined = {context.cycle_ended_by(ending) for ending in context.pending_declines}
    found = {}
    for recorded in context.ledger.recorded.values():
        settling = context.settling is not None and recorded.handoff in ON_STATUS and recorded.cycle == context.cycle
        if not recorded.committed or recorded.cycle in declined or settling or recorded.record in unread:
            continue
        for effect in recorded.effects:
            if effect.role is not None and effect.state is EffectState.BLOCKED and effect.key not in but:
                owner, blocked = context.owner(effect.role, tickets.get(recorded.record.id))
                found[effect.key] = Reassigned(owner, blocked)
    return found
