"""`handoffs worker`: the worker and timer alone, beside a receiver."""

import logging

import click

from sync.commands import session


@click.command()
def worker() -> None:
    """Run the worker and timer alone, beside a receiver.

    For a machine whose processes are kept by somebody else: the Procfile runs the receiver as `web` and this as
    `worker`. With SQLite one on the machine of the database; with PostgreSQL any number, on any hosts: they share the
    work, one of them polls and sweeps, and what a dead one leaves the others take up. It ends as `serve` does.

    \b
    Example:
      handoffs worker

    \b
    Exit codes: 0 ended as told; 1 the database failed;
      2 a setting or the mapping is wrong
    """
    with session.service(level=logging.INFO) as built:
        from sync.service.serve import work

        work(built)
