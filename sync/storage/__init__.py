"""All SQL and every table. Each table has one module; the others call its functions, which take a `Connection`.

The database itself:

    database         open it, short transactions, the schema brought up to date
    sqlite           what SQLite does its own way: connections, transactions, troubles in words
    postgres         what PostgreSQL does its own way; `driver` imports what only its users have
    lane_locks       the lock of a lane: a file, or on PostgreSQL a session's (`session_locks`)
    wakeups          how a worker learns that there is something to do: by a tick, or NOTIFY
    timekeeper       which of several workers polls and sweeps
    server_clock     one clock for all hosts: the database server's
    tables           every table, with the constraints that are the guarantees
    upsert           `INSERT … ON CONFLICT`, which is a dialect's own
    lists            conditions on lists of values, in a dialect's own way too
    forgetting       the rows of portfolios that are gone, deleted from a table
    copies           a copy made while the service runs, and put back
    moving           everything taken along into another database
    migrations/      the schema's history

What stands in it, in the data's order:

    raw_deliveries   webhook deliveries as they came, until they are unpacked; `retention` removes old ones
    inbox            their events, each once, and the records that these name enqueued
    work_queue       the records that a pass is to look at: enqueue, lease, ack, nack, hold
    changes          when each record was last read: what the poll need not enqueue
    memberships      which portfolio each ticket was last seen on
    identities       which record answers for one that was merged, and whose versions were whose
    ledger           what was decided, tried and done: every effect happens once
    waits            whom each portfolio waits for
    mappings_in_force   which mapping was in force since when
    sweeps           the daily sweep, once a day
    releases         what an admin permits beyond the breaker's limit
    runs             what an admin had done, and how far back a portfolio's causes count
    alert_log        what the admin was alerted to, once a kind and hour
    budget           the CRM's request limits, shared by all processes
    service_state    what the service remembers of itself, each value with its type

What is read leaves as frozen dataclasses and plain values; no row and no statement does. Moments go in and out as aware
datetimes, in UTC; in the tables they are milliseconds since the epoch. A function of these modules writes in the
transaction of the connection that it is given, and never begins one of its own unless it is given a `Store`.
"""
