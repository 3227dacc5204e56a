"""Tasks for roles: what a ticket or a revision asks for."""

from collections.abc import Collection

from sync.rules.model import RECOVERED, RecordedOccurrence
from sync.rules.process import Work


def not_recovered(of_cause: Collection[RecordedOccurrence], work: Work) -> Work:
    """Of a cause of which tasks were taken back from the CRM after the ledger was lost: the work for which none was found.

    `of_cause`: its occurrences; several, where records were merged.
    """
    if not all(RECOVERED in recorded.detail for recorded in of_cause if recorded.committed):
        return ()
    found = {effect.task_kind for recorded in of_cause for effect in recorded.effects}
    return tuple((kind, role) for kind, role in work if kind not in found)
