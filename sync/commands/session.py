"""Where a command begins: it reads settings, starts logs, opens the database or the whole service, and closes them."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from sync.commands.output import say, use_zone

if TYPE_CHECKING:
    from sync.clock import Clock
    from sync.hubspot import Call
    from sync.service.bootstrap import Service
    from sync.settings import Settings
    from sync.storage.database import Store

_VERBOSE = "sync.verbose"
_RATE_LIMITED = 429


def _remember_verbose(ctx: click.Context, _option: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta[_VERBOSE] = True


VERBOSE = click.Option(
    ["-v", "--verbose"],
    is_flag=True,
    expose_value=False,
    callback=_remember_verbose,
    help="Show all logs, each call too.",
)
"""Understood before and after a command's name."""


def read_settings(*, level: int = logging.WARNING) -> "Settings":
    """Read the settings, and send logs of `level` and above (with `--verbose` all) to stderr.

    A name that only looks like a setting's is told there too.

    Raises `ConfigurationError`, which names every setting that is wrong.
    """
    from sync import log
    from sync import settings as configuration

    settings = configuration.read_settings()
    for name, meant in configuration.look_alikes().items():
        click.echo(
            f"{name} in {configuration.ENV_FILE.absolute()} is no setting and changes nothing: is {meant} meant?",
            err=True,
        )
    verbose = click.get_current_context().meta.get(_VERBOSE, False)
    log.configure(settings.log_format, level=logging.DEBUG if verbose else level)
    return settings


class _SlowCRMNotice:
    """Says once, to the person who waits for a command, that the CRM fails or limits calls."""

    def __init__(self) -> None:
        self._shown = False

    def __call__(self, call: "Call") -> None:
        answered = call.status is not None and call.status < 500 and call.status != _RATE_LIMITED
        if answered or self._shown:
            return
        self._shown = True
        what = call.error if call.status is None else str(call.status)
        click.echo(f"The CRM does not answer as it should ({call.endpoint}: {what}). This may take a while.", err=True)


_CLOCK = "sync.clock"


def use_clock(clock: "Clock") -> None:
    """Let this command go by another clock than the machine's: a rehearsal's."""
    click.get_current_context().meta[_CLOCK] = clock


def clock() -> "Clock":
    """Return the clock that this command goes by."""
    from sync.clock import SystemClock

    chosen: Clock | None = click.get_current_context().meta.get(_CLOCK)
    return chosen or SystemClock()


@contextmanager
def service(
    *,
    level: int = logging.WARNING,
    today: date | None = None,
    bulk: bool = False,
    share: float | None = None,
    begin: bool = True,
) -> Iterator["Service"]:
    """Open the whole service, and close it at the end.

    `level` is that of `read_settings`; below WARNING, where every call is logged, nothing is said of a slow CRM. The
    other options are those of `bootstrap.build`. Raises what reading settings and mapping, opening the database and the
    first calls to the CRM raise, all `HandoffsError`.
    """
    settings = read_settings(level=level)
    from sync.service.bootstrap import build

    chosen: dict[str, Any] = {"clock": clock()} if _CLOCK in click.get_current_context().meta else {}
    built = build(
        settings,
        today=today,
        bulk=bulk,
        share=share,
        begin=begin,
        on_call=None if level < logging.WARNING else _SlowCRMNotice(),
        **chosen,
    )
    use_zone(built.mapping.zone)
    try:
        if level >= logging.WARNING:
            _tell_of_another_mapping_or_clock(built)
        yield built
    finally:
        built.close()


def _tell_of_another_mapping_or_clock(built: "Service") -> None:
    """Say where the running service goes by another mapping or clock than this command: what it does is not what is shown."""
    from mappings.digest import digest_of
    from sync.clock import SystemClock
    from sync.observe.agreement import by_another_clock, of_clock, of_mapping
    from sync.observe.status import mapping_name
    from sync.storage import processes

    now, on_machine = built.clock.now(), SystemClock().now()
    with built.store.read() as connection:
        found = processes.find(connection)
    for one in by_another_clock(found, now, on_machine)[-1:]:
        say(f"Note: {of_clock(one, now, on_machine, str(click.get_current_context().info_name))}.")
    for finding in of_mapping(found, now, digest_of(built.mapping), mapping_name(built.settings)):
        say(f"Note: {finding.text}.")


def _zone_of(store: "Store") -> ZoneInfo | None:
    """Read the portal's time zone, by the mapping that passes went by last; None where there was no pass yet."""
    from sync.errors import StoreError
    from sync.storage import mappings_in_force

    try:
        with store.read() as connection:
            newest = mappings_in_force.newest(connection)
    except StoreError:  # an old schema, or none: whoever reads on says so
        return None
    return None if newest is None else ZoneInfo(newest.time_zone)


@contextmanager
def database(settings: "Settings", *, write: bool) -> Iterator["Store"]:
    """Open the database alone, and close it at the end. To `write`, its schema is first brought up to date.

    Raises `StoreError` if there is none yet: none is made.
    """
    from sync.errors import StoreError
    from sync.settings import source
    from sync.storage.database import migrate, open_store, open_to_look

    store = open_store(settings.database_url) if write else open_to_look(settings.database_url)
    try:
        if store.path is not None and not store.path.is_file():
            raise StoreError(
                f"there is no database {store.path}: `handoffs serve` makes it at its first start (DATABASE_URL, {source()})"
            )
        if write:
            migrate(store)
        use_zone(_zone_of(store))
        yield store
    finally:
        store.close()
