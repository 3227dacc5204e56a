"""`handoffs board`: pages for those who run the process, over what the database keeps."""

import logging

import click

from sync.commands import session


@click.command()
def board() -> None:
    """Serve the board: where every client stands, who has the next step, since when.

    Pages for a browser on BOARD_HOST and BOARD_PORT, by default on this machine alone; the receiver's address serves
    none of it. It reads the database and asks the CRM nothing. Only users see it (`handoffs users add`), or whoever a
    proxy before it has let in (BOARD_PROXY_HEADER). The mapping is read at the start, as by every command that runs on.

    \b
    Examples:
      handoffs users add Dana
      handoffs board

    \b
    Exit codes: 0 ended as told; 1 the database failed; 2 a setting or the
      mapping is wrong, nobody may see it yet, or the port is in use
    """
    settings = session.read_settings(level=logging.INFO)
    from sync.admin.board_acts import BoardActs
    from sync.board.app import Process, create_app
    from sync.board.server import listen, run
    from sync.errors import ConfigurationError
    from sync.service.bootstrap import read_mapping
    from sync.storage import board_users

    mapping = read_mapping(settings)
    with session.database(settings, write=True) as store:
        with store.read() as connection:
            users = board_users.find(connection)
        if not users and settings.board_proxy_header is None:
            raise ConfigurationError(
                "nobody may see the board yet: add a user (`handoffs users add NAME`), or set BOARD_PROXY_HEADER"
            )
        process = Process(mapping)
        allowed = (
            BoardActs(store, session.clock(), mapping.rules.effects_per_hour, mapping.zone)
            if settings.board_write
            else None
        )
        app = create_app(store=store, settings=settings, clock=session.clock(), process=process, allowed=allowed)
        with listen(settings.board_host, settings.board_port) as listener:
            run(app, listener)
