"""The sync service that carries the Creative Refresh handoffs. One package a concern; a package may use those below it.

    commands   what an admin types: one module a command            cli, __main__: where that begins
    admin      what an admin does: plan, explain, verify, adopt …    sandbox: a simulated HubSpot, unknown to all others
    service    wiring, lanes, the worker, serve
    (webhooks/ the way in: signatures, events, the receiver — a package beside this one)
    observe    health, status, metrics, alerts
    passes     the pipeline: snapshot, decision, effects             hubspot: the only HTTP to the CRM
    storage    every table and all SQL
    rules      pure: what is to be done, and why everything else is not
    clock  crm (the port to the CRM)  ending  errors  failpoints  log  settings  storable
    (mappings/ the portal's names, texts and limits as data — the lowest layer)

The data's way: webhook, poll, sweep or a command enqueue a record (`storage.work_queue`); a worker leases it (`service`);
a pass reads it and decides (`passes`, `rules`), writes the decision down before it acts (`storage.ledger`), acts, and
writes down what came of it. docs/architecture.md follows one event and one date through it; docs/glossary.md has the words;
`lint-imports` holds the walls.
"""
