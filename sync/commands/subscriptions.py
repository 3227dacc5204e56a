"""`handoffs subscriptions`: the HubSpot project that makes HubSpot call this service."""

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from sync.commands import session
from sync.commands.output import (
    say,
)

if TYPE_CHECKING:
    from mappings.schema import ProcessMapping
    from sync.settings import Settings

_TYPE_ID = re.compile(r"2-[0-9]+", re.ASCII)
_FULL_NAME = re.compile(r"p[0-9]+_\w+", re.ASCII)


def _form(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """Take an object type in a form that HubSpot may accept. Raises `click.BadParameter` for another."""
    if value is not None and not (_TYPE_ID.fullmatch(value) or _FULL_NAME.fullmatch(value)):
        raise click.BadParameter(
            f"{value!r} is neither a type id (2-1234567) nor a full name (p48000001_creative_portfolios: p, the portal's id, "
            "_ and the object's name). HubSpot takes no bare name any more"
        )
    return value


@click.command()
@click.option(
    "--out",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    metavar="DIR",
    help="Where the project is written; made if it is not there.",
)
@click.option(
    "--object-type",
    metavar="TEXT",
    callback=_form,
    help="The portfolio's object type (2-1234567, or its full name). Unset: asked from the portal, with HUBSPOT_ACCESS_TOKEN.",
)
@click.option("--without-portfolio", is_flag=True, help="No subscriptions to portfolios: the poll does their work.")
@click.option("--sample", is_flag=True, help="Add the scope that `handoffs setup --sample` needs.")
@click.option("--force", is_flag=True, help="Replace files that say something else.")
def subscriptions(directory: Path, object_type: str | None, without_portfolio: bool, sample: bool, force: bool) -> None:
    """Write the HubSpot project that makes HubSpot call this service.

    A complete project for HubSpot's CLI: the app with its scopes, and webhooks for exactly the properties and objects of
    the mapping that the rules depend on, to be sent to PUBLIC_URL. Upload it again after a change of the mapping.

    HubSpot does not document how a project names a custom object. This writes its type id, by which HubSpot's events and
    paths name it; --object-type writes the full name instead (p48000001_creative_portfolios). If the upload refuses both,
    use --without-portfolio: changes of portfolios are then found by the poll, every POLL_SECONDS.

    \b
    Examples:
      handoffs subscriptions --out hubspot
      handoffs subscriptions --out hubspot --object-type 2-1234567
      handoffs subscriptions --out hubspot --without-portfolio --force

    \b
    Exit codes: 0 written, or as it was; 1 the CRM failed; 2 PUBLIC_URL or
      the object type is missing; 3 a file says something else (--force);
      4 the token is refused; 5 the portal has no such object
    """
    if object_type is not None and without_portfolio:
        raise click.UsageError("--object-type and --without-portfolio exclude each other")
    settings = session.read_settings()
    from sync.admin.subscriptions import App, project, write
    from sync.service.bootstrap import read_mapping
    from sync.settings import SettingError

    if settings.public_url is None:
        raise SettingError("PUBLIC_URL is not set: it is what HubSpot shall call (https://handoffs.example.com)")
    if not settings.public_url.startswith("https://") and not _on_this_machine(settings.public_url):
        raise SettingError(f"PUBLIC_URL is {settings.public_url}: HubSpot calls https addresses only")
    mapping = read_mapping(settings)
    app = App(
        public_url=settings.public_url,
        portfolio=None if without_portfolio else object_type or _object_type(settings, mapping),
        support_email=settings.admin_email,
        single_send=(settings.email_url or "").startswith("hubspot:"),
        sample=sample,
    )
    for path, state in write(project(mapping, app), directory, force=force).items():
        click.echo(f"{state:<9} {path}")
    _say_next_steps(directory, app.portfolio)


def _on_this_machine(url: str) -> bool:
    """Whether only a sandbox can mean it: HubSpot itself calls https addresses of the web."""
    host = urlsplit(url).hostname or ""
    return host == "localhost" or host == "::1" or host.startswith("127.")


def _object_type(settings: "Settings", mapping: "ProcessMapping") -> str:
    """Return the portfolio's object type: the mapping's, if it is written as one, else the portal's.

    Raises `click.UsageError` where the portal is needed and there is no token.
    """
    known = mapping.portfolio.object
    if _TYPE_ID.fullmatch(known) or (settings.hubspot_access_token is None and _FULL_NAME.fullmatch(known)):
        return known
    if settings.hubspot_access_token is None:
        raise click.UsageError(
            "the portfolio's object type is not known: name it with --object-type (2-…, as in the address of the "
            "object's list in HubSpot), set HUBSPOT_ACCESS_TOKEN to have the portal asked, or use --without-portfolio"
        )
    from sync.crm import Kind

    with session.service(begin=False) as built:
        return built.crm.type_id(Kind.PORTFOLIO)


def _say_next_steps(directory: Path, portfolio: str | None) -> None:
    say("")
    say("Next, with HubSpot's CLI (npm install -g @hubspot/cli, hs account auth):")
    say(f"  1. cd {directory} && hs project upload")
    say("  2. Install the app in HubSpot (Development > Projects). Its page shows the")
    say("     access token, the client secret and the app's id: put them into .env.")
    say("  3. handoffs check")
    say("HubSpot takes up to 5 minutes to act on changed subscriptions.")
    if portfolio is not None:
        if _FULL_NAME.fullmatch(portfolio):
            say(f"If the upload refuses “{portfolio}” as an objectType: --without-portfolio --force.")
        else:
            say(f"If the upload refuses “{portfolio}” as an objectType, try the object's full")
            say("name (--object-type p…_… --force, with the portal's id and the object's")
            say("name); if that is refused too: --without-portfolio --force.")
    say("Without webhooks for portfolios nothing is lost: the poll finds their changes.")
