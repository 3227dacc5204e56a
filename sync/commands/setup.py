"""`handoffs setup`: what the portal lacks for the service, and its making."""

from typing import TYPE_CHECKING

import click

from sync.commands import session
from sync.commands.options import JSON, YES
from sync.commands.output import number, print_json, say
from sync.commands.terminal import confirm

if TYPE_CHECKING:
    from sync.admin.setup import Provision


@click.command()
@click.option("--apply", "apply_it", is_flag=True, help="Create what is missing, after asking.")
@YES
@click.option("--sample", is_flag=True, help="The whole process, for a test portal: object, properties, pipeline.")
@JSON
def setup(apply_it: bool, yes: bool, sample: bool, as_json: bool) -> None:
    """Show what the portal lacks for the service; with --apply, create it.

    The service marks each task that it makes with a key, in a hidden text property of tasks. That property is created
    here, once; a second time changes nothing. The app needs the scope crm.schemas.contacts.write for it, or
    crm.schemas.tasks.write: which of them differs by portal. Where a portal takes no such property, it says what else
    to do; with `key_carrier: body` under `task` in the mapping none is needed.

    Names in the mapping that the portal does not have are listed too: those only a person can mend, in HubSpot or in
    the mapping. The moment of going live is not fixed by this command.

    --sample is for an empty test portal: it makes whatever is missing of the process, under the mapping's names: the
    custom object and its properties, the properties of tickets, the pipeline, and the task property. What is there
    already stays as it is. The app needs the scope crm.schemas.custom.write too.

    \b
    Examples:
      handoffs setup
      handoffs setup --apply
      handoffs setup --apply --yes
      handoffs setup --sample --apply

    \b
    Exit codes: 0 shown, or done; 1 the CRM failed or refused; 3 not
      answered with yes; 4 the token is refused or lacks a scope;
      5 the mapping does not fit the portal
    """
    from sync.errors import MappingMisfitError

    if sample:
        _setup_sample(apply_it=apply_it, yes=yes, as_json=as_json)
        return
    with session.service(begin=False) as built:
        from sync.admin.setup import create, find_missing, mended

        built.require_own_portal()
        found = find_missing(built.crm, built.mapping)
        create_it = found.lacks_property and apply_it
        if create_it:
            confirm(
                f"Create the hidden task property “{found.key_property}” in the portal?",
                yes=yes,
                otherwise="nothing was created",
            )
            hidden = create(built.crm, built.mapping)
            say(f"Created the task property “{found.key_property}”.")
            if not hidden:
                say("People see it on tasks: this portal takes no hidden one. The service works the same.")
            mended(built.store)
    if as_json:
        print_json(
            {"task_property": found.key_property, "missing": found.lacks_property, "created": create_it,
             "key_carrier": found.key_carrier.value, "misfits": list(found.misfits)}
        )  # fmt: skip
    else:
        _show_provision(found, created=create_it)
    if found.misfits:
        raise MappingMisfitError(
            "the mapping names what the portal does not have" + (": see above" if not as_json else "")
        )


def _setup_sample(*, apply_it: bool, yes: bool, as_json: bool) -> None:
    with session.service(begin=False) as built:
        from sync.admin.sample import missing_parts

        built.require_own_portal()
        missing = missing_parts(built.crm, built.mapping)
        if not as_json:
            for part in missing:
                click.echo(f"+ {part.what}")
        if missing and apply_it:
            portal = built.crm.account().portal_id
            question = f"Create {number(len(missing), 'thing')} in the portal {portal}?"
            confirm(question, yes=yes, otherwise="nothing was created")
            for part in missing:
                part.create()
                say(f"Created: {part.what}")
    if as_json:
        print_json({"missing": [part.what for part in missing], "created": bool(missing) and apply_it})
    elif not missing:
        click.echo("Nothing is missing.")
    elif apply_it:
        say("`handoffs check` tells whether all of it fits.")
    else:
        say("`handoffs setup --sample --apply` creates this.")


def _show_provision(found: "Provision", *, created: bool) -> None:
    state = "created" if created else "missing" if found.lacks_property else "there"
    if found.key_carrier.value == "body":
        click.echo("task property: not needed, keys are in the tasks' bodies (task.key_carrier)")
    else:
        click.echo(f"task property {found.key_property}: {state}")
    for misfit in found.misfits:
        click.echo(f"misfit: {misfit}")
    if state == "missing":
        say("`handoffs setup --apply` creates it.")
