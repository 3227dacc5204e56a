"""What was decided, tried and done: the memory that makes every effect happen once.

`record_decision` writes down all effects of all occurrences of a decision in one transaction, before the first is tried.
`claim` marks an effect as being tried, before the call; `settle` says what came of it. An effect found claimed after a
crash is unknown: the CRM is asked before it is tried again.

    views      what the ledger knows of a group of records, as rules see it
    decisions  writing a decision down
    attempts   pending effects: claim, settle, release, retry
    presence   records that are deleted, restored, moved to another portfolio, or merged
    recovery   what is taken back from the CRM after a loss, or adopted
    history    what was tried and what came of it, for whoever counts or compares
    queries    questions about many records at once: the sweep's, the poll's, `status`'s, the admins'

Its tables are `occurrence`, `effect` and `cycle`; nobody else writes to them.
"""

from sync.storage.ledger.attempts import (
    LedgerEffect,
    claim,
    decide_unproven,
    is_in,
    mark_done,
    mark_done_of,
    open_tasks,
    put_off,
    release_claim,
    retry_failed,
    settle,
    states_of,
    to_follow,
    undone,
    unresolved,
)
from sync.storage.ledger.decisions import payload_of, payloads, record_decision
from sync.storage.ledger.history import AttemptedEffect, attempted, attempted_since, count, known_tasks, task_of
from sync.storage.ledger.presence import hand_over, resume, set_portfolio, suspend
from sync.storage.ledger.recovery import mark_recovered, record, record_recovered_task, reopen
from sync.storage.ledger.views import closings_of, load, view_of

__all__ = [
    "AttemptedEffect",
    "LedgerEffect",
    "attempted",
    "attempted_since",
    "claim",
    "closings_of",
    "count",
    "decide_unproven",
    "hand_over",
    "is_in",
    "known_tasks",
    "load",
    "mark_done",
    "mark_done_of",
    "mark_recovered",
    "open_tasks",
    "payload_of",
    "payloads",
    "put_off",
    "record",
    "record_decision",
    "record_recovered_task",
    "release_claim",
    "reopen",
    "resume",
    "retry_failed",
    "set_portfolio",
    "settle",
    "states_of",
    "suspend",
    "task_of",
    "to_follow",
    "undone",
    "unresolved",
    "view_of",
]
