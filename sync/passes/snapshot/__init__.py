"""Reading records as they now stand, with their history, into the `Snapshot`s that rules decide on. Changes nothing.

group.py       a group of portfolios with their tickets, in as few calls as batches allow
parents.py     which portfolio a ticket counts for
records.py     pure: a record of the CRM, through the mapping, as a portfolio or a ticket
todays_words.py   pure: a history as today's mapping would have it
scope.py       pure: since when a portfolio is inside the mapping's condition
activities.py  the tasks and notes that rules ask to see
"""

from sync.passes.snapshot.activities import own_task
from sync.passes.snapshot.group import Group, SnapshotReader

__all__ = ["Group", "SnapshotReader", "own_task"]
