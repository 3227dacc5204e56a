"""The commands, one file a group of them; `sync.cli` has their table.

A command here reads its arguments, calls the module that does the work, and shows what came of it.

    session     what a command begins with: settings, logs, database, service
    output      data to stdout, messages to stderr, JSON
    run         serve, worker
    passes      sweep, poll
    look        status, explain
    provision   setup
    portal      check, subscriptions
    compare     adopt, verify
    plan        plan, apply
    again       backfill, replay, dead
    bulk        what commands on many records share: filters, question, progress, results
    keep        release, db
    sandbox     sandbox, demo
"""
