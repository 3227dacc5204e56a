"""Adopt the revisions that are under way, whatever the cycle of their ticket: handoff 6."""

from mappings.vocabulary import Handoff, Revision
from sync.admin.adopt.as_if import with_revision
from sync.admin.adopt.recorder import Recorder
from sync.rules import keys
from sync.rules.decide import decide
from sync.rules.keys import RevisionKey
from sync.rules.model import Ticket


def adopt_revisions(recorder: Recorder, ticket: Ticket) -> None:
    """Record the newest value that was asked for, if it still stands or if a task for it is still open."""
    newest = next((v for v in ticket.revision_history if v.value not in {None, Revision.UNMAPPED}), None)
    if newest is None:
        return
    decision = decide(with_revision(recorder.context, ticket, newest))
    for occurrence in recorder.new_of(decision, Handoff.REVISIONS):
        if not isinstance(keys.parse(occurrence.key), RevisionKey):
            continue
        if ticket.revision_history[0] == newest:
            recorder.done(occurrence)
        elif found := recorder.matches(occurrence, only_open=True):
            recorder.record(occurrence, found, occurrence.reason)
