"""`sandbox` and `demo`: the simulated CRM from a shell, with people in it to act and faults to switch."""

import functools
import json
import shlex
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

import click

from sync.commands.output import JSON, console, print_json, say
from sync.errors import HandoffsError

if TYPE_CHECKING:
    from sync.sandbox.people import RemotePeople, Seen
    from sync.sandbox.sandbox import Sandbox

PORT = 8900
SERVICE = "http://127.0.0.1:8000"
"""Where `handoffs serve` listens unless PORT says otherwise."""
TIMEOUT = 10.0


class SandboxError(HandoffsError):
    """The sandbox is not there, or refuses what was asked; the message is its own."""


# -- demo


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


# -- the server


class _Start(click.ParamType[datetime | None]):
    """`real`, or the moment at which the clock begins."""

    name = "clock"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime | None:
        if value is None or value == "real":
            return None
        return value if isinstance(value, datetime) else _moment(str(value), self, param, ctx)


def _moment(
    text: str, kind: click.ParamType[Any], param: click.Parameter | None, ctx: click.Context | None
) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        kind.fail(f"{text!r} is no moment: write it as 2026-11-02T09:00-05:00", param, ctx)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@click.group(invoke_without_command=True)
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="0: any that is free.")
@click.option("--clock", type=_Start(), default="real", show_default=True, metavar="ISO|real", help="When it begins.")
@click.option("--still", is_flag=True, help="The clock moves only when it is told to.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of what is random: ids, faults, orders.")
@click.option(
    "--populate", type=click.IntRange(0), default=0, metavar="N", help="N portfolios, at every stage of the cycle."
)
@click.option("--webhooks", default=SERVICE, show_default=True, metavar="URL|none", help="The service's address.")
@click.option("--task-property", is_flag=True, help="Have the hidden task property already (`handoffs setup`).")
@click.option("--empty", is_flag=True, help="Nothing of the process yet, for `handoffs setup --sample`.")
@JSON
@click.pass_context
def sandbox(
    ctx: click.Context,
    port: int,
    clock: datetime | None,
    still: bool,
    seed: int,
    populate: int,
    webhooks: str,
    task_property: bool,
    empty: bool,
    as_json: bool,
) -> None:
    """Run the simulated HubSpot on this machine, until Ctrl-C.

    Without a command it runs: a portal with the process installed, its API, its webhooks, and people. It prints what
    `handoffs serve` in another terminal needs to work with it. Everything is kept in memory.

    With one of the commands below, people act in a running one, time passes, faults are switched.

    The service goes by the machine's own clock: with another --clock use `handoffs sweep --today`, set GO_LIVE before
    it, and expect webhooks to be refused as too old.

    \b
    Examples:
      handoffs sandbox --populate 20
      handoffs sandbox --empty
      handoffs sandbox do create-portfolio "Acme" --date 2026-12-01
      handoffs sandbox do set-status 10001 "Deliverables Submitted"
      handoffs sandbox fault 503 --times 5

    \b
    Exit codes: 0 ended as told, or done; 1 refused, or not running;
      2 the port is in use
    """
    if ctx.invoked_subcommand is not None:
        return
    if empty and (populate or task_property):
        raise click.UsageError("--empty excludes --populate and --task-property")
    from sync.sandbox.sandbox import Sandbox
    from sync.sandbox.server import SandboxServer

    made = Sandbox(seed=seed, start=clock, ticking=not still, with_task_property=task_property, empty=empty)
    if populate:
        _populate(made, populate, seed)
    target = None if webhooks == "none" else webhooks.rstrip("/")
    if target is not None:
        if not empty:
            made.delivery.subscribe_all(["ticket", "task", made.process.names.object_name])
        made.delivery.target = f"{target}/webhooks/hubspot"
    server = SandboxServer(made, port)
    try:
        server.start()
    except OSError as error:
        raise click.UsageError(
            f"port {port} cannot be listened on ({error.strerror}): choose another with --port"
        ) from error
    with _until_told() as told:
        _introduce(made, server.url, target, as_json=as_json)
        told.wait()
    server.stop()
    say("Stopped.")


@contextmanager
def _until_told() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set."""
    told = threading.Event()

    def heard(_number: int, _frame: FrameType | None) -> None:
        told.set()

    before = {number: signal.signal(number, heard) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _populate(made: "Sandbox", count: int, seed: int) -> None:
    import random

    from sync.sandbox.seed import populate

    populate(made.portal, made.process, count, random.Random(seed))  # noqa: S311 - guards nothing


def _introduce(made: "Sandbox", url: str, target: str | None, *, as_json: bool) -> None:
    environment = {
        "HUBSPOT_BASE_URL": url,
        "HUBSPOT_ACCESS_TOKEN": made.token,
        "HUBSPOT_APP_ID": str(made.app_id),
        **({"HUBSPOT_CLIENT_SECRET": made.client_secret, "PUBLIC_URL": target} if target is not None else {}),
        "EMAIL_URL": "hubspot:777",
        "DATABASE_URL": "sqlite:///sandbox.db",
        "SANDBOX_URL": url,
    }
    if as_json:
        print_json(
            {"url": url, "token": made.token, "client_secret": made.client_secret, "app_id": made.app_id,
             "environment": environment}
        )  # fmt: skip
        return
    click.echo(f"A simulated HubSpot listens on {url}\n")
    click.echo(f"  token          {made.token}")
    click.echo(f"  client secret  {made.client_secret}")
    click.echo(f"  app id         {made.app_id}")
    setup = "handoffs setup --apply --yes" if made.settled else "handoffs setup --sample --apply --yes"
    click.echo(f"\nFor `{setup}` and `handoffs serve` in another terminal:\n")
    for name, value in environment.items():
        click.echo(f"export {name}={shlex.quote(value)}")
    say("\nCtrl-C ends it. `handoffs sandbox --help`: how people act in it.")


# -- what people do in it


URL = click.option(
    "--url", default=f"http://127.0.0.1:{PORT}", show_default=True, envvar="SANDBOX_URL", help="The running sandbox."
)


@contextmanager
def _people(url: str) -> Iterator["RemotePeople"]:
    """The people of the sandbox at `url`; what they are refused is a `SandboxError`."""
    import requests

    from sync.sandbox.people import RemotePeople

    try:
        with RemotePeople(url, timeout=TIMEOUT) as people:
            yield people
    except requests.RequestException as error:
        raise SandboxError(f"no sandbox answers at {url}: start one with `handoffs sandbox`, or give --url") from error
    except (ValueError, KeyError) as error:
        raise SandboxError(str(error)) from error


def _control(url: str, method: str, path: str, body: object = None) -> Any:
    """One call of the control API; its result."""
    import requests

    try:
        answer = requests.request(method, f"{url.rstrip('/')}/_sandbox/{path}", json=body, timeout=TIMEOUT)
        told = answer.json()
    except (requests.RequestException, ValueError) as error:
        raise SandboxError(f"no sandbox answers at {url}: start one with `handoffs sandbox`, or give --url") from error
    if answer.status_code != 200:
        raise SandboxError(str(told.get("error", told)))
    return told["result"]


@sandbox.group()
@URL
@click.option("--by", metavar="WHO", help="Who acts: an owner's id, `workflow`, or a role. Default: an admin.")
@click.pass_context
def do(ctx: click.Context, url: str, by: str | None) -> None:
    """Act as the people of the agency do, in the running sandbox.

    What makes a record prints its id.

    \b
    Examples:
      handoffs sandbox do create-portfolio "Acme" --date 2026-12-01
      handoffs sandbox do note portfolio 10001 "Blue, please"
      handoffs sandbox do --by account_manager set-status 10001 \\
        "Refresh Request Submitted"
    """
    ctx.obj = (url, by)


P = ParamSpec("P")


def _act(act: "Callable[Concatenate[RemotePeople, str | None, P], str | None]") -> Callable[P, None]:
    """Give an act the people of the sandbox and who of them acts; what it returns is the id of what it made."""

    @functools.wraps(act)
    def command(*args: P.args, **options: P.kwargs) -> None:
        url, by = click.get_current_context().obj
        with _people(url) as people:
            made = act(people, people.process.owners.get(by, by) if by is not None else None, *args, **options)
        if made is not None:
            click.echo(made)

    return command


@do.command()
@click.argument("name")
@click.option("--date", default="", help="Its Creative Refresh Date, 2026-12-01.")
@click.option("--cadence", default="", help="Its cadence, by label.")
@click.option("--status", default="", help="Its status, by label.")
@click.option("--link", default="", help="Where its creatives are to be seen.")
@click.option("--without", multiple=True, metavar="ROLE", help="Nobody in this role; may be given again.")
@_act
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
    nobody: dict[str, Any] = dict.fromkeys(without)
    return people.create_portfolio(name, date, cadence=cadence, status=status, link=link, by=by, **nobody)


@do.command()
@click.argument("portfolio")
@click.argument("subject")
@click.option("--folder", default="", help="Its Deliverable Folder Name.")
@click.option("--stage", default="New", show_default=True, help="By label or id.")
@_act
def create_ticket(people: "RemotePeople", by: str | None, portfolio: str, subject: str, folder: str, stage: str) -> str:
    """Make a ticket on a portfolio (`-`: on none)."""
    on = [] if portfolio == "-" else [portfolio]
    return people.create_ticket(subject, folder, on, stage=stage, by=by)


@do.command()
@click.argument("portfolio")
@click.argument("status")
@_act
def set_status(people: "RemotePeople", by: str | None, portfolio: str, status: str) -> None:
    """Set a portfolio's status, by label; '' empties it."""
    people.set_status(portfolio, status, by=by)


@do.command()
@click.argument("portfolio")
@click.argument("date")
@_act
def set_date(people: "RemotePeople", by: str | None, portfolio: str, date: str) -> None:
    """Set a portfolio's Creative Refresh Date; '' empties it."""
    people.set_refresh_date(portfolio, date, by=by)


@do.command()
@click.argument("ticket")
@click.argument("stage")
@_act
def move(people: "RemotePeople", by: str | None, ticket: str, stage: str) -> None:
    """Move a ticket to a stage, by label or id."""
    people.move_ticket(ticket, stage, by=by)


@do.command()
@click.argument("ticket")
@click.argument("value")
@_act
def revise(people: "RemotePeople", by: str | None, ticket: str, value: str) -> None:
    """Set a ticket's Needs Revisions, by label."""
    people.request_revisions(ticket, value, by=by)


@do.command()
@click.argument("kind", type=click.Choice(["portfolio", "ticket"]))
@click.argument("record")
@click.argument("text")
@_act
def note(people: "RemotePeople", by: str | None, kind: str, record: str, text: str) -> str:
    """Leave a Note on a portfolio or ticket."""
    return people.note(kind, record, text, by=by)


@do.command()
@click.argument("task")
@_act
def complete(people: "RemotePeople", by: str | None, task: str) -> None:
    """Complete a task."""
    people.complete_task(task, by=by)


@do.command(name="set")
@click.argument("kind")
@click.argument("record")
@click.argument("values", nargs=-1, required=True, metavar="NAME=VALUE…")
@_act
def set_properties(people: "RemotePeople", by: str | None, kind: str, record: str, values: tuple[str, ...]) -> None:
    """Set any properties of a portfolio, ticket, task or note, in one save."""
    pairs = [value.partition("=") for value in values]
    bare = [name for name, equals, _ in pairs if not equals]
    if bare:
        raise click.BadParameter(f"{bare[0]!r} lacks its value: write NAME=VALUE")
    people.set(kind, record, {name: value for name, _, value in pairs}, by=by)


@do.command()
@click.argument("kind")
@click.argument("record")
@_act
def delete(people: "RemotePeople", by: str | None, kind: str, record: str) -> None:
    """Delete a portfolio, ticket, task or note."""
    people.archive(kind, record, by=by)


@do.command()
@click.argument("ticket")
@click.argument("portfolio")
@click.option("--primary", is_flag=True, help="As the ticket's primary portfolio.")
@_act
def associate(people: "RemotePeople", by: str | None, ticket: str, portfolio: str, primary: bool) -> None:
    """Put a ticket on a portfolio."""
    people.associate("ticket", ticket, "portfolio", portfolio, label="Primary" if primary else None, by=by)


@do.command()
@click.argument("ticket")
@click.argument("portfolio")
@_act
def dissociate(people: "RemotePeople", by: str | None, ticket: str, portfolio: str) -> None:
    """Take a ticket off a portfolio."""
    people.dissociate("ticket", ticket, "portfolio", portfolio, by=by)


@do.command()
@click.argument("owner")
@_act
def deactivate(people: "RemotePeople", _by: str | None, owner: str) -> None:
    """Deactivate a person, by role or owner id."""
    people.deactivate_owner(people.process.owners.get(owner, owner))


# -- what is in it


@sandbox.command()
@URL
@click.argument(
    "what",
    type=click.Choice(["portfolios", "tickets", "tasks", "notes", "emails", "owners", "log"]),
    metavar="WHAT",
)
@JSON
def show(url: str, what: str, as_json: bool) -> None:
    """Show what is in the running sandbox: records, people, emails, calls.

    WHAT is portfolios, tickets, tasks, notes, emails, owners or log.

    \b
    Examples:
      handoffs sandbox show tasks
      handoffs sandbox show portfolios --json
    """
    if what == "log":
        rows = [{k: v for k, v in call.items() if v is not None} for call in _control(url, "GET", "log")["calls"]]
    else:
        with _people(url) as people:
            rows = _SHOWN[what](people)
    if as_json:
        print_json({what: rows})
    else:
        _table(rows)


def _records(kind: str) -> "Callable[[RemotePeople], list[dict[str, Any]]]":
    return lambda people: [_row(seen) for seen in people.list(kind)]


def _row(seen: "Seen") -> dict[str, Any]:
    """A record in a line: what the process works with, and what it is associated to."""
    hidden = {"hs_object_id", "hs_createdate", "createdate", "hs_lastmodifieddate", "hs_task_body"}
    values = {name: value for name, value in seen.properties.items() if name not in hidden and value}
    return {"id": seen.id, **values, **{f"on {kind}": ", ".join(ids) for kind, ids in seen.associations.items()}}


_SHOWN: "Mapping[str, Callable[[RemotePeople], list[dict[str, Any]]]]" = {
    "portfolios": _records("portfolio"),
    "tickets": _records("ticket"),
    "tasks": _records("task"),
    "notes": _records("note"),
    "emails": lambda people: [
        {"at": f"{sent.at:%Y-%m-%d %H:%M}", "to": sent.to, "subject": sent.properties.get("subject", "")}
        for sent in people.emails()
    ],
    "owners": lambda people: [
        {"id": owner, "role": role} for role, owner in sorted(people.process.owners.items(), key=lambda pair: pair[1])
    ],
}


def _table(rows: list[dict[str, Any]]) -> None:
    """One record a paragraph: names and values below each other read well at any width."""
    from rich.text import Text

    out = console()
    if not rows:
        say("None.")
    for row in rows:
        first, *rest = row.items()
        out.print(Text(f"{first[1]}", "bold"))
        for name, value in rest:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            out.print(f"  {name:<28} {text}", soft_wrap=True)


# -- time, faults


@sandbox.command()
@URL
@click.option("--advance", metavar="LENGTH", help="Let time pass: 90s, 15m, 3h, 1d.")
@click.option("--set", "to", metavar="ISO", help="Go forward to a moment.")
def clock(url: str, advance: str | None, to: str | None) -> None:
    """Show or move the sandbox's clock; it goes forward only.

    \b
    Examples:
      handoffs sandbox clock
      handoffs sandbox clock --advance 1d
    """
    body: dict[str, object] = {}
    if advance is not None:
        body["advance"] = _length(advance).total_seconds()
    if to is not None:
        body["set"] = _moment(to, click.STRING, None, None).isoformat()
    found = _control(url, "POST" if body else "GET", "clock", body or None)
    click.echo(found["now"] + ("" if found["ticking"] else " (still)"))


_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _length(text: str) -> timedelta:
    amount, unit = text[:-1], text[-1:]
    if unit not in _UNITS or not amount.replace(".", "", 1).isdigit():
        raise click.BadParameter(f"{text!r} is no length of time: write 90s, 15m, 3h or 1d", param_hint="--advance")
    return timedelta(**{_UNITS[unit]: float(amount)})


@sandbox.command()
@URL
@click.argument("kind", required=False)
@click.option("--endpoint", default="*", show_default=True, help="Which calls, as `METHOD /path` with *.")
@click.option("--times", type=click.IntRange(1), help="How often; default: until cleared.")
@click.option("--probability", type=click.FloatRange(0, 1), default=1.0, show_default=True)
@click.option("--clear", is_flag=True, help="Switch all faults off.")
def fault(url: str, kind: str | None, endpoint: str, times: int | None, probability: float, clear: bool) -> None:
    """Let calls fail, or show and clear what fails now.

    KIND is an answer (401, 403, 423, 429-daily, 500, 502, 503, 504 …) or what befalls the connection: refused, reset,
    hang, lost (applied, the answer lost), late (applied later), partial (some of a batch fail).

    \b
    Examples:
      handoffs sandbox fault 503 --times 5
      handoffs sandbox fault lost --endpoint "POST */batch/create" --times 1
      handoffs sandbox fault --clear
    """
    if clear:
        _control(url, "DELETE", "faults")
    if kind is not None:
        rule = {"kind": kind, "endpoint": endpoint, "times": times, "probability": probability}
        _control(url, "POST", "faults", [rule])
    for one in _control(url, "GET", "faults"):
        click.echo(f"{one['kind']} on {one['endpoint']}" + (f", {one['times']} times" if one["times"] else ""))
