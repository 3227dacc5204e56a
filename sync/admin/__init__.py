"""What an admin does, a module or package for each command; the commands themselves only ask, print and exit.

Before going live: `check` compares mapping and settings with the portal (`probe` calls the receiver from outside,
`sample_email` sends the test email that `check` is asked for), `setup`
creates the property that carries a task's key, `subscriptions` writes HubSpot's app, `sample` fills an empty test portal,
and `adopt` takes over the cycles that are under way.

To understand what is: `explain` shows one portfolio, with its `timeline`; `plan` says what would be done and what it costs
(`cost`); `verify` proves from the CRM's history what was done. They read, and hold nothing that can write.

To act on many records: `apply` carries out a kept plan, `backfill` acts on older causes, `replay` has records decided
again. They go through `bulk`, group by group, and so through the same passes as everything else. `dead_letters` finds what
does not heal by itself, for `replay` to try again, and drops what an admin gives up.

`portfolios` finds a portfolio by name; `inventory` reads portfolios with every task on them.
"""
