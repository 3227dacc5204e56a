"""Tasks for roles: what a ticket or a revision asks for."""

from sync.rules.model import RECOVERED, RecordedOccurrence
from sync.rules.process import Work


def not_recovered(recorded: RecordedOccurrence, work: Work) -> Work:
    """Of an occurrence taken back from the CRM after its ledger was lost: the work for which no task was found."""
    if RECOVERED not in recorded.detail:
        return ()
    found = {effect.task_kind for effect in recorded.effects}
    return tuple((kind, role) for kind, role in work if kind not in found)
