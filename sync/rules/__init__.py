"""What is to be done, and why everything else is not. Pure: no I/O, no clock, no randomness.

    model       what rules see (portfolio, ticket, versions) and say (effects, occurrences, verdicts); the ledger's view
    keys        the idempotency keys: their grammar, `parse` and `str`
    process     the process in one table: handoff, record, kinds of task
    context     one record's context: snapshot, ledger's view, mapping and times, with the questions that rules share
    notes       which Notes a text quotes
    ancestry    what a merged record was made of;  identity: snapshot and ledger of merged records as those of one
    cycle       which cycle a portfolio is in;  cadence: which date comes next
    handoffs/   the ten rules, a module each, in the article's order
    decide      runs the rules over a context: a `Decision`
    transition  what a decision changes in the ledger
    dry_run     what would come of a context;  written: a snapshot after a write of our own
    waiting     whose turn it is

The specification is docs/process.md; its rungs and those of a rule stand in the same order.
"""
