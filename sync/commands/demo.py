"""`handoffs demo`: a client's whole cycle, played in a simulated CRM."""

import click


@click.command()
@click.option("--keep", is_flag=True, help="Leave the database and the logs where they are, to look into.")
def demo(keep: bool) -> None:
    """Watch a client's whole cycle, day by day, in a simulated CRM.

    Starts the simulated HubSpot and the real service as processes of their own on this machine, and plays a cycle: every
    handoff is shown as it happens. Nothing else is needed, and nothing is left behind.

    \b
    Example:
      handoffs demo

    \b
    Exit codes: 0 every handoff was as it should be; 1 something differed,
      or the play broke off
    """
    from sync.sandbox.demo import main

    click.get_current_context().exit(main(keep=keep))
