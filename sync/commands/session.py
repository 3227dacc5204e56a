"""What a command begins with: settings read, logs started, the database or the whole service opened, and closed again."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sync.hubspot import Call
    from sync.service.bootstrap import Service
    from sync.settings import Settings
    from sync.storage.database import Store

_VERBOSE = "sync.verbose"
_RATE_LIMITED = 429


def _remember(ctx: click.Context, _option: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta[_VERBOSE] = True


VERBOSE = click.Option(
    ["-v", "--verbose"], is_flag=True, expose_value=False, callback=_remember, help="Show all logs, each call too."
)
"""Understood before and after a command's name."""


def read(*, level: int = logging.WARNING) -> "Settings":
    """The settings, once logs of `level` and above go to stderr. Raises `ConfigurationError`."""
    from sync import log
    from sync.settings import read_settings

    settings = read_settings()
    verbose = click.get_current_context().meta.get(_VERBOSE, False)
    log.configure(settings.log_format, level=logging.DEBUG if verbose else level)
    return settings


class _Patience:
    """Tells a person who waits, once, that the CRM makes them wait."""

    def __init__(self) -> None:
        self._told = False

    def __call__(self, call: "Call") -> None:
        answered = call.status is not None and call.status < 500 and call.status != _RATE_LIMITED
        if answered or self._told:
            return
        self._told = True
        what = call.error if call.status is None else str(call.status)
        click.echo(f"The CRM does not answer as it should ({call.endpoint}: {what}). This may take a while.", err=True)


@contextmanager
def service(
    *,
    level: int = logging.WARNING,
    today: date | None = None,
    bulk: bool = False,
    share: float | None = None,
    begin: bool = True,
) -> Iterator["Service"]:
    """The whole service as `bootstrap.build` wires it, which says what the options mean."""
    settings = read(level=level)
    from sync.service.bootstrap import build

    built = build(
        settings,
        today=today,
        bulk=bulk,
        share=share,
        begin=begin,
        on_call=None if level < logging.WARNING else _Patience(),
    )
    try:
        yield built
    finally:
        built.close()


@contextmanager
def database(settings: "Settings", *, write: bool) -> Iterator["Store"]:
    """The database alone, as it stands or, to `write`, brought up to date. `StoreError` if there is none yet."""
    from sync.errors import StoreError
    from sync.storage.database import migrate, open_store

    store = open_store(settings.database_url)
    try:
        if store.path is not None and not store.path.is_file():
            raise StoreError(
                f"there is no database {store.path}: `handoffs serve` makes it at its first start (DATABASE_URL)"
            )
        if write:
            migrate(store)
        yield store
    finally:
        store.close()
