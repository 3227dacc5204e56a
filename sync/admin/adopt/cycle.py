"""Adopt what has happened in the current cycle: handoffs 2b, 4, 5, 7, and 8 where its task was completed already."""

from mappings.vocabulary import Handoff, Status
from sync.admin.adopt.adoption import AdoptionLine
from sync.admin.adopt.as_if import cycle_began, there_since_cycle_began, with_status
from sync.admin.adopt.recorder import Recorder
from sync.rules.decide import decide
from sync.rules.handoffs.approved import approved


def adopt_cycle(recorder: Recorder) -> None:
    """Record what the rules would have done since the cycle began."""
    if recorder.context.portfolio.status is Status.CREATIVES_APPROVED:
        # The client has seen the Ad Sets: they were ready, whatever became of their tasks.
        decision = decide(with_status(recorder.context, Status.CREATIVES_PENDING_APPROVAL))
        for occurrence in recorder.new_of(decision, Handoff.SET_READY):
            recorder.done(occurrence, passed=True)
    else:
        _approved_before(recorder)
    decision = decide(there_since_cycle_began(recorder.context))
    for handoff in (Handoff.CONFIRMED, Handoff.TICKETS, Handoff.SET_READY, Handoff.APPROVED):
        for occurrence in recorder.new_of(decision, handoff):
            recorder.done(occurrence)
    decision = decide(there_since_cycle_began(recorder.context))
    for occurrence in recorder.new_of(decision, Handoff.CLOSE):
        if occurrence.cause_at is None or recorder.is_old(occurrence.cause_at):
            implemented = recorder.context.mapping.portfolio.raw_status(Status.CREATIVES_IMPLEMENTED)
            why = f"{occurrence.reason} since before going live: set “{implemented}” by hand"
            recorder.record(occurrence, [], why)
            recorder.unmatched.append(recorder.line(occurrence, occurrence.key, None, why))


def _approved_before(recorder: Recorder) -> None:
    """An approval that was taken back may have left its task open: it will do for the next one too."""
    history = recorder.context.portfolio.status_history
    for position, version in enumerate(history):
        if version.value is Status.CREATIVES_APPROVED and version.at >= cycle_began(recorder.context):
            then = with_status(recorder.context, Status.CREATIVES_APPROVED, history[position:])
            for occurrence in recorder.new(approved(then)):
                found = recorder.matches(occurrence, only_open=True)
                if found:
                    recorder.record(occurrence, found, occurrence.reason)
            return


def report_closed_by_hand(recorder: Recorder) -> None:
    """Report a cycle that was closed before going live: the service will not move its date, nor empty its status."""
    portfolio = recorder.context.portfolio
    history = portfolio.status_history
    if history and recorder.is_old(history[0].at) and not recorder.context.pending:
        raw = recorder.context.mapping.portfolio.raw_status(Status.CREATIVES_IMPLEMENTED)
        why = f"“{raw}” is older than going live: set the next Refresh Date and empty the status by hand"
        recorder.unmatched.append(
            AdoptionLine(portfolio.id, portfolio.name, Handoff.CLOSE, portfolio.ref, None, None, why)
        )
