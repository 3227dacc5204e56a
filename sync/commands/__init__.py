"""The commands, `handoffs NAME` in the module of that name; `sync.cli` has their table.

A command reads its arguments, calls the module that does the work, and prints what came of it. What it imports at its
top is light: the rest is imported when it runs, so that `--help` answers at once. The subcommands of `handoffs sandbox`
are the modules of a package; those of `db` and `dead` stand with their group.

What the commands share:

    session       settings, logs, the database or the whole service: opened and closed
    options       arguments and options that several take, and what their values mean
    output        text, JSON and messages, and how times and counts are written
    whole_help    a group's help without lines cut off
    terminal      the question before work is done, Ctrl-C, progress
    pass_report   sweep, poll: run a pass to its end and report it
    plan_report   plan, backfill: a plan as a diff
    bulk_report   apply, backfill, replay, dead retry: the outcome of each record, and the sum
    findings      adopt, verify: a finding in a line
"""
