"""Carries the Creative Refresh handoffs. The map, in the order in which the data travels:

 1. ``webhooks/``, ``poll.py``, ``sweep.py``, commands — the ways in; each only says "look at this record"
 2. ``inbox.py``       deliveries as they came, once
 3. ``dirty.py``       which records are to be looked at: one row a record
 4. ``reconcile.py``   one pass over a group of them, which does 5 to 9; ``breaker.py`` may hold what it decided
 5. ``snapshot.py``    batched reads through the mapping; ``portal.py`` is what is cached of the portal itself,
                       ``memberships.py`` which ticket was seen on which portfolio
 6. ``decide.py``      pure: runs the ten rules of ``handoffs.py`` over a ``case.py``, with ``cycle.py`` and ``cadence.py``
 7. ``ledger.py``      what was decided, tried and done; every effect is written down before it is tried
 8. ``effects.py``     batched writes, tasks and ``email.py``; what is unknown is looked for before it is repeated
 9. ``ledger.py``      what came of each

``model.py`` has the words for all of it. ``crm.py`` is the port to the CRM and ``hubspot/`` its one implementation;
``budget.py`` shares HubSpot's request limits between processes. ``engine/`` runs passes; ``serve.py`` and ``receiver.py`` are
the two processes of a running service; ``recovery.py`` fills an empty ledger from the CRM. ``store.py`` is the database,
``bootstrap.py`` the one place where everything is put together. ``check.py`` (with ``reach.py``) compares the mapping with the
live portal; ``provision.py``, ``sample.py`` and ``subscriptions.py`` make what a portal lacks and write what HubSpot is to be
told. ``forecast.py`` works out what would come of a case, purely; ``plan.py`` tells it of the whole portal, with what it
costs (``cost.py``). ``backfill.py``, ``replay.py`` and ``dead.py`` choose what an admin has looked at again, ``errand.py``
carries it out, ``runs.py`` remembers who had it done. ``waiting.py`` says, purely, whose turn it is, and ``stuck.py``
remembers it; ``status.py`` tells of the service and ``explain.py`` (with ``timeline.py``) of one portfolio; ``health.py``,
``metrics.py`` and ``alerts.py`` say what is wrong: to whoever asks, to a monitor, to the admin. ``sandbox/`` is a simulated
HubSpot, unknown to all others.
"""
