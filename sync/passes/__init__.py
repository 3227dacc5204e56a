"""One pass over a group of records: read, decide, plan, do, settle. And what puts records into the work queue by itself.

reconcile.py     a pass, from work items to settled ones; `Reconciler.run` asks for a `HeldLane` (held_lane.py)
rounds.py        one round of it: read, decide, write down, do
plans.py         writing down what a round has decided and found
state.py         what a pass knows of its work items, from round to round
snapshot/        reading: records of the CRM, through the mapping, as the rules see them
ledger_views.py  what the ledger knows of them
decider.py       reading and deciding without changing anything: for passes, and for all that only looks ahead
dump.py          what is kept of a pass that failed, bounded
bookkeeping.py   what a reading changes in the database before anything is decided
breaker.py       no more than a set number of effects an hour
effects/         doing what is planned, exactly once
email.py         the ways to send an email
conversations.py those with a mail server, which may answer late
portal.py        people, stages and properties of the portal, cached
sweep.py         the daily sweep: what a date can have made due
poll.py          what has changed since the last poll
recovery.py      a lost database: what the CRM shows as done is recorded as done
tally.py         what passes came to, counted

The package may touch the CRM through its port (`sync.crm`), the database through `sync.storage`, and the mail server. It
knows neither HTTP to the CRM nor SQL; what it decides by is in `sync.rules`.
"""
