"""`handoffs sandbox do`: act as the people of the agency do, in the running sandbox."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

import click

from sync.commands.sandbox import words
from sync.commands.sandbox.connection import URL, people_of
from sync.commands.whole_help import WholeHelp

if TYPE_CHECKING:
    from sync.sandbox.people import RemotePeople


@click.group(cls=WholeHelp)
@URL
@click.option(
    "--by", metavar="WHO", help="Who acts: a person by name, email, role or id, or `workflow`. Default: an admin."
)
@click.pass_context
def do(ctx: click.Context, url: str, by: str | None) -> None:
    """Act as the people of the agency do, in the running sandbox.

    What makes a record prints its id. Records are named by id, by name or by a part of it; statuses, stages, revisions and
    people by what they are called in this portal. A wrong word is answered with the right ones.

    \b
    Examples:
      handoffs sandbox do create-portfolio "Acme" --date 2026-12-01
      handoffs sandbox do note portfolio 10001 "Blue, please"
      handoffs sandbox do --by account_manager set-status 10001 \\
        "Refresh Request Submitted"
    """
    ctx.obj = (url, by)


P = ParamSpec("P")


def _actor(people: "RemotePeople", by: str | None) -> str | None:
    """Whoever acts: a person, `workflow`, the service's `app`, or another one (`app:ID`)."""
    if by is None or by in {"workflow", "app"} or by.startswith("app:"):
        return by
    return words.person(people, by)


def _as_person(act: "Callable[Concatenate[RemotePeople, str | None, P], str | None]") -> Callable[P, None]:
    """Make a command's callback of a function that gets the people of the sandbox and who of them acts.

    What the function returns, the id of what it made, is printed.
    """

    @functools.wraps(act)
    def command(*args: P.args, **options: P.kwargs) -> None:
        url, by = click.get_current_context().obj
        with people_of(url) as people:
            made = act(people, _actor(people, by), *args, **options)
        if made is not None:
            click.echo(made)

    return command


@do.command()
@click.argument("name")
@click.option("--date", default="", help="Its refresh date, 2026-12-01.")
@click.option("--cadence", default="", help="Its cadence, by label.")
@click.option("--status", default="", help="Its status, by label.")
@click.option("--link", default="", help="Where its creatives are to be seen.")
@click.option("--without", multiple=True, metavar="ROLE", help="Nobody in this role; may be given again.")
@_as_person
def create_portfolio(
    people: "RemotePeople",
    by: str | None,
    name: str,
    date: str,
    cadence: str,
    status: str,
    link: str,
    without: tuple[str, ...],
) -> str:
    """Make a portfolio, with a person in each role."""
    nobody: dict[str, Any] = dict.fromkeys(words.role(people, one) for one in without)
    names = people.process.names
    cadence = words.of(names.cadences, cadence, "cadence") if names.cadences else cadence
    status = words.of(names.statuses, status, "status")
    return people.create_portfolio(name, date, cadence=cadence, status=status, link=link, by=by, **nobody)


@do.command()
@click.argument("portfolio")
@click.argument("subject")
@click.option("--folder", default="", help="The name of its folder.")
@click.option("--stage", default="New", show_default=True, help="By label or id.")
@_as_person
def create_ticket(people: "RemotePeople", by: str | None, portfolio: str, subject: str, folder: str, stage: str) -> str:
    """Make a ticket on a portfolio (`-`: on none)."""
    on = [] if portfolio == "-" else [words.record(people, "portfolio", portfolio)]
    stage = words.of(people.process.names.stages, stage, "stage", empty=False)
    return people.create_ticket(subject, folder, on, stage=stage, by=by)


@do.command()
@click.argument("portfolio")
@click.argument("status")
@_as_person
def set_status(people: "RemotePeople", by: str | None, portfolio: str, status: str) -> None:
    """Set a portfolio's status, by label; '' empties it."""
    value = words.of(people.process.names.statuses, status, "status")
    people.set_status(words.record(people, "portfolio", portfolio), value, by=by)


@do.command()
@click.argument("portfolio")
@click.argument("date")
@_as_person
def set_date(people: "RemotePeople", by: str | None, portfolio: str, date: str) -> None:
    """Set a portfolio's refresh date, 2026-12-01; '' empties it."""
    people.set_refresh_date(words.record(people, "portfolio", portfolio), date, by=by)


@do.command()
@click.argument("ticket")
@click.argument("stage")
@_as_person
def move(people: "RemotePeople", by: str | None, ticket: str, stage: str) -> None:
    """Move a ticket to a stage, by label or id."""
    # A stage of another pipeline has no name here: its id alone.
    names = people.process.names
    value = stage if stage.isdecimal() else words.of(names.stages, stage, "stage", empty=False)
    people.move_ticket(words.record(people, "ticket", ticket), value, by=by)


@do.command()
@click.argument("ticket")
@click.argument("value")
@_as_person
def revise(people: "RemotePeople", by: str | None, ticket: str, value: str) -> None:
    """Say which revisions a ticket needs, by label; '' empties it."""
    wanted = words.of(people.process.names.revisions, value, "kind of revisions")
    people.request_revisions(words.record(people, "ticket", ticket), wanted, by=by)


@do.command()
@click.argument("kind", type=click.Choice(["portfolio", "ticket"]))
@click.argument("record")
@click.argument("text")
@_as_person
def note(people: "RemotePeople", by: str | None, kind: str, record: str, text: str) -> str:
    """Leave a Note on a portfolio or ticket."""
    return people.note(kind, words.record(people, kind, record), text, by=by)


@do.command()
@click.argument("task")
@_as_person
def complete(people: "RemotePeople", by: str | None, task: str) -> None:
    """Complete a task."""
    people.complete_task(words.record(people, "task", task), by=by)


@do.command()
@click.argument("task")
@_as_person
def reopen(people: "RemotePeople", by: str | None, task: str) -> None:
    """Open a completed task again."""
    people.reopen_task(words.record(people, "task", task), by=by)


@do.command(name="set")
@click.argument("kind")
@click.argument("record")
@click.argument("values", nargs=-1, required=True, metavar="NAME=VALUE…")
@_as_person
def set_properties(people: "RemotePeople", by: str | None, kind: str, record: str, values: tuple[str, ...]) -> None:
    """Set any properties of a portfolio, ticket, task or note, in one save."""
    pairs = [value.partition("=") for value in values]
    bare = [name for name, equals, _ in pairs if not equals]
    if bare:
        raise click.BadParameter(f"{bare[0]!r} lacks its value: write NAME=VALUE")
    given = words.properties(people, kind, {name: value for name, _, value in pairs})
    people.set(kind, words.record(people, kind, record), given, by=by)


@do.command()
@click.argument("kind")
@click.argument("record")
@_as_person
def delete(people: "RemotePeople", by: str | None, kind: str, record: str) -> None:
    """Delete a portfolio, ticket, task or note."""
    people.archive(kind, words.record(people, kind, record), by=by)


@do.command()
@click.argument("kind", type=click.Choice(["portfolio", "ticket", "task", "note"]))
@click.argument("record", metavar="ID")
@_as_person
def restore(people: "RemotePeople", by: str | None, kind: str, record: str) -> None:
    """Restore what was deleted, by its id, with all that stood in it."""
    people.restore(kind, record, by=by)


@do.command()
@click.argument("kind", type=click.Choice(["portfolio", "ticket"]))
@click.argument("primary")
@click.argument("other")
@_as_person
def merge(people: "RemotePeople", by: str | None, kind: str, primary: str, other: str) -> str:
    """Merge two portfolios, or two tickets; prints the id of what they become.

    It is a new record with the histories of both and the values of the first, PRIMARY. Both old ids answer with it.
    """
    return people.merge(kind, words.record(people, kind, primary), words.record(people, kind, other), by=by)


@do.command()
@click.argument("ticket")
@click.argument("portfolio")
@click.option("--primary", is_flag=True, help="As the ticket's primary portfolio.")
@_as_person
def associate(people: "RemotePeople", by: str | None, ticket: str, portfolio: str, primary: bool) -> None:
    """Put a ticket on a portfolio."""
    ticket, portfolio = words.record(people, "ticket", ticket), words.record(people, "portfolio", portfolio)
    people.associate("ticket", ticket, "portfolio", portfolio, label="Primary" if primary else None, by=by)


@do.command()
@click.argument("ticket")
@click.argument("portfolio")
@_as_person
def dissociate(people: "RemotePeople", by: str | None, ticket: str, portfolio: str) -> None:
    """Take a ticket off a portfolio."""
    ticket, portfolio = words.record(people, "ticket", ticket), words.record(people, "portfolio", portfolio)
    people.dissociate("ticket", ticket, "portfolio", portfolio, by=by)


@do.command()
@click.argument("kind", type=click.Choice(["portfolio", "ticket", "task"]))
@click.argument("name")
@_as_person
def archive_property(people: "RemotePeople", _by: str | None, kind: str, name: str) -> None:
    """Archive a property, as an admin does: no answer shows it any more."""
    people.archive_property(kind, name)


@do.command()
@click.argument("kind", type=click.Choice(["portfolio", "ticket", "task"]))
@click.argument("name")
@_as_person
def restore_property(people: "RemotePeople", _by: str | None, kind: str, name: str) -> None:
    """Restore an archived property, with its values."""
    people.restore_property(kind, name)


@do.command()
@click.argument("stage")
@click.option("--off", is_flag=True, help="Lift it again.")
@_as_person
def restrict_stage(people: "RemotePeople", _by: str | None, stage: str, off: bool) -> None:
    """Make a stage read only, by label or id: no ticket can be moved to it."""
    people.restrict_stage("ticket", people.process.stage(stage), "CRM_PERMISSIONS_ENFORCEMENT" if off else "READ_ONLY")


@do.command()
@click.argument("first_name")
@click.argument("last_name")
@click.option("--queue", is_flag=True, help="A queue, which has no email address.")
@_as_person
def add_owner(people: "RemotePeople", _by: str | None, first_name: str, last_name: str, queue: bool) -> str:
    """Add somebody to HubSpot; prints the owner id."""
    return people.add_owner(first_name, last_name, queue=queue)


@do.command()
@click.argument("owner")
@_as_person
def reactivate(people: "RemotePeople", _by: str | None, owner: str) -> None:
    """Make a deactivated person active again, by role or owner id."""
    people.reactivate_owner(people.process.owners.get(owner, owner))


@do.command()
@click.argument("owner")
@_as_person
def deactivate(people: "RemotePeople", _by: str | None, owner: str) -> None:
    """Deactivate a person, by role or owner id."""
    people.deactivate_owner(words.person(people, owner))
