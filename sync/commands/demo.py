"""`handoffs demo`: a client's whole cycle, played in a simulated CRM."""

import logging
import secrets
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sync.clock import Clock

USER = "demo"
"""Whoever looks at the demo's board."""


@click.command()
@click.option("--keep", is_flag=True, help="Leave the database and the logs where they are, to look into.")
@click.option("--board", is_flag=True, help="Serve the board over it at the end, until Ctrl-C.")
def demo(keep: bool, board: bool) -> None:
    """Watch a client's whole cycle, day by day, in a simulated CRM.

    Starts the simulated HubSpot and the real service as processes of their own on this machine, and plays a cycle: every
    handoff is shown as it happens. Nothing else is needed, and nothing is left behind. With --board the pages of
    `handoffs board` can be opened in the end, with the name and the password that are then printed.

    \b
    Examples:
      handoffs demo
      handoffs demo --board

    \b
    Exit codes: 0 every handoff was as it should be; 1 something differed,
      or the play broke off
    """
    from sync.sandbox.demo import main
    from sync.sandbox.demo.stage import POLL_SECONDS, Stage
    from sync.sandbox.service import SandboxClock

    def show(stage: Stage) -> None:
        show_board(stage.database_url, SandboxClock(stage.crm_url), POLL_SECONDS)

    click.get_current_context().exit(main(keep=keep, afterwards=show if board else None))


def show_board(
    database_url: str, clock: "Clock", poll_seconds: int, *, tell: Callable[[str], None] = click.echo
) -> None:
    """Serve the board over this database until Ctrl-C, to one user, whose password is told. It may have all done.

    `poll_seconds`: how often the service over that database polls, by which Health judges whether it is late.
    """
    from mappings.load import load
    from sync import log
    from sync.admin.board_acts import BoardActs
    from sync.board import server
    from sync.board.access import hash_password
    from sync.board.app import Process, create_app
    from sync.settings import Settings
    from sync.storage import board_users
    from sync.storage.board_users import BoardUser
    from sync.storage.database import open_store

    log.configure("console", level=logging.WARNING)
    mapping, password = load(), secrets.token_urlsafe(12)
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]  # pydantic-settings takes it
        database_url=database_url,
        poll_seconds=poll_seconds,
    )
    with closing(open_store(database_url)) as store, server.listen(settings.board_host, 0) as listener:
        with store.write() as connection:
            board_users.put(connection, BoardUser(USER, hash_password(password), may_write=True, made_at=clock.now()))
        process = Process(mapping)
        acts = BoardActs(store, clock, mapping.rules.effects_per_hour, mapping.zone)
        app = create_app(store=store, settings=settings, clock=clock, process=process, allowed=acts)
        tell(f"\nThe board: http://localhost:{listener.getsockname()[1]}/board")
        tell(f"Log in as {USER}, with the password {password}. Ctrl-C ends it.")
        server.run(app, listener)
