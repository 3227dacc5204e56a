"""The receiver's composition root: what gunicorn imports. It knows the inbox and nothing of the CRM."""

from typing import TYPE_CHECKING

from sync.clock import Clock, SystemClock
from sync.log import configure
from sync.settings import read_settings
from sync.store import migrate, open_store

if TYPE_CHECKING:
    from flask import Flask


def app(clock: Clock | None = None) -> "Flask":
    """The WSGI app from the environment, over a database that is brought up to date first."""
    from webhooks.app import create_app

    settings = read_settings()
    configure(settings.log_format)
    store = open_store(settings.database_url)
    migrate(store)
    return create_app(store=store, settings=settings, clock=clock or SystemClock())
