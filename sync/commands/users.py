"""`handoffs users`: who may see the board."""

import sys

import click

from sync.commands import session, terminal
from sync.commands.output import console, format_moment, say
from sync.commands.whole_help import WholeHelp

_LONGEST_NAME = 200


@click.group(cls=WholeHelp)
def users() -> None:
    """Say who may see the board.

    \b
    Examples:
      handoffs users add Dana
      handoffs users list
      handoffs users remove Dana

    \b
    Exit codes: 0 done; 1 the database failed, or there is no such user;
      2 a name or password cannot be taken; 3 there is such a user already
    """


@users.command()
@click.argument("name")
@click.option("--may-write", is_flag=True, help="May have something done, where BOARD_WRITE is on.")
@click.option("--without-password", is_flag=True, help="Known by BOARD_PROXY_HEADER alone.")
@click.option("--replace", is_flag=True, help="In the place of one who is called so: a new password.")
def add(name: str, may_write: bool, without_password: bool, replace: bool) -> None:
    """Let somebody see the board.

    The password is asked for twice; through a pipe it is the first line of stdin. It has at least 12 characters, and is kept
    as a salted hash. With --replace whoever is logged in under that name has to do so again.

    \b
    Examples:
      handoffs users add Dana
      handoffs users add Dana --replace --may-write
      handoffs users add dana@agency.example --without-password
    """
    settings = session.read_settings()
    from sync.board.access import hash_password
    from sync.errors import RefusedError
    from sync.storage import board_users
    from sync.storage.board_users import BoardUser

    name = " ".join(name.split())
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise click.BadParameter(f"a name has 1 to {_LONGEST_NAME} characters that can be printed", param_hint="NAME")
    with session.database(settings, write=True) as store:
        with store.read() as connection:
            known = board_users.get(connection, name)
        if known is not None and not replace:
            raise RefusedError(
                f"there is a user “{known.name}” already: `handoffs users add --replace` gives a new password"
            )
        password = None if without_password else hash_password(_password())
        with store.write() as connection:
            board_users.put(connection, BoardUser(name, password, may_write, session.clock().now()))
    rights = "see the board, and have something done where BOARD_WRITE is on" if may_write else "see the board"
    click.echo(f"{name} may {rights}.")


@users.command(name="list")
def list_users() -> None:
    """List who may see the board.

    \b
    Example:
      handoffs users list
    """
    settings = session.read_settings()
    from sync.storage import board_users

    with session.database(settings, write=False) as store, store.read() as connection:
        found = board_users.find(connection)
    if not found:
        say("Nobody may see the board yet: `handoffs users add NAME`.")
    for one in found:
        how = "by proxy" if one.password is None else "by password"
        rights = ", may write" if one.may_write else ""
        console().print(f"{one.name}: {how}{rights}, since {format_moment(one.made_at)}", markup=False, highlight=False)


@users.command()
@click.argument("name")
def remove(name: str) -> None:
    """Let somebody see the board no more; whoever is logged in under that name is so no more at once.

    \b
    Example:
      handoffs users remove Dana
    """
    settings = session.read_settings()
    from sync.errors import HandoffsError
    from sync.storage import board_users

    with session.database(settings, write=True) as store, store.write() as connection:
        removed = board_users.remove(connection, name)
    if not removed:
        raise HandoffsError(f"there is no user “{name}”: `handoffs users list` shows them")
    click.echo(f"{name} may see the board no more.")


def _password() -> str:
    """Ask for a password twice, or take the first line of stdin where nobody can be asked."""
    from sync.board.access import LONGEST, SHORTEST

    if terminal.at_a_terminal():
        password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not SHORTEST <= len(password) <= LONGEST:
        raise click.UsageError(f"a password has {SHORTEST} to {LONGEST} characters")
    return password
