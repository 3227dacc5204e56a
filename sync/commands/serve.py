"""`handoffs serve`: receiver, worker and timer under one command."""

import logging

import click

from sync.commands import session


@click.command()
def serve() -> None:
    """Run receiver, worker and timer, until SIGTERM or Ctrl-C.

    The receiver stores HubSpot's webhooks on PORT. The worker looks at what they name, polls for changes every
    POLL_SECONDS, and sweeps once a day. Logs go to stderr.

    A CRM that cannot be reached, or that refuses the token, does not end it: webhooks are still stored, the log and
    `handoffs status` say so, and it tries again. SIGTERM and Ctrl-C finish the current group of records first, and end
    within ten seconds; a second Ctrl-C ends at once. What an end leaves open is looked for in the CRM at the next start.

    \b
    Example:
      handoffs serve
      PORT=9000 LOG_FORMAT=json handoffs serve

    \b
    Exit codes: 0 ended as told; 1 the database, or the receiver, failed;
      2 a setting or the mapping is wrong, or the port is in use
    """
    with session.service(level=logging.INFO) as built:
        from sync.service.serve import serve as run
        from webhooks.app import trust_of

        trust_of(built.settings)  # what would keep the receiver from starting is said here, once
        run(built)
