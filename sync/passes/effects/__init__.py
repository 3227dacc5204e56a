"""Doing what the ledger has planned, in batches, and writing down what came of each.

Every try is claimed in the ledger before the call and settled after it; what a crash or a lost answer leaves open is
looked for in the CRM before it is tried again. This package is the only one that writes to the CRM, or sends emails, for
a handoff.

perform.py   the fixed order: writes, then tasks, lines, closings of tasks, and emails
writes.py    properties of portfolios and tickets
tasks.py     new tasks
lines.py     lines that are added to open tasks
closings.py  tasks that are to be completed
bodies.py    what closings and lines share: their tasks, read just before
emails.py    emails
attempts.py  a try in the ledger: claimed, sent, settled, given up or put aside
letters.py   the copies of the weekly letter, which are of no record
resolve.py   tries whose outcome is not known
follow.py    what became of emails that were handed over
lookup.py    looking in the CRM for what they may have done
known_texts.py  the texts of every mapping that a pass has gone by
find_tasks.py  the same for tasks, by their keys
young_ledger.py  what a ledger that is young must look for first, or wait for
payloads.py  pure: which records an effect is about
"""

from sync.passes.effects.follow import Follower
from sync.passes.effects.letters import Letters
from sync.passes.effects.perform import Performer, make_performer
from sync.passes.effects.resolve import Resolver

__all__ = ["Follower", "Letters", "Performer", "Resolver", "make_performer"]
