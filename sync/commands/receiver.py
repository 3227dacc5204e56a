"""`handoffs receiver`: the receiver alone, beside a worker."""

import click


@click.command()
def receiver() -> None:
    """Run the receiver alone, beside a worker.

    It stores HubSpot's webhooks, on PORT, for whoever works them off: for a machine whose processes are kept by somebody
    else. The Procfile runs this as `web` and the worker as `worker`; with SQLite on one machine, with PostgreSQL any
    number, on any hosts. SIGTERM and Ctrl-C finish what it is answering, and end it within five seconds.

    \b
    Example:
      PORT=9000 handoffs receiver

    \b
    Exit codes: 0 ended as told; 1 the database cannot be opened;
      2 a setting is wrong, or the port is in use
    """
    from webhooks.server import run

    run()
