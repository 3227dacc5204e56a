"""The receiver's composition root: what a WSGI server imports. It knows the database and nothing of the CRM."""

import atexit
import sys
from typing import TYPE_CHECKING

from sync.clock import Clock, SystemClock
from sync.errors import HandoffsError
from sync.log import configure
from sync.observe.heartbeat import Heartbeat
from sync.settings import read_settings
from sync.storage.database import migrate, open_store
from sync.storage.processes import Part

if TYPE_CHECKING:
    from flask import Flask

CANNOT_LOAD = 4
"""The exit code by which a process of gunicorn says that the app cannot be loaded: the server then ends."""

BUSY_SECONDS = 2
"""How long the receiver waits for a database that another program holds: no delivery longer than `keeping.WITHIN` in all."""


def app(clock: Clock | None = None) -> "Flask":
    """Make the WSGI app from the environment, over a database that is brought up to date first.

    What a person must mend ends the server with one line, not with a traceback for each process that cannot start.
    """
    try:
        return make_app(clock)
    except HandoffsError as error:
        sys.stderr.write(f"Error: {error}\n")
        raise SystemExit(CANNOT_LOAD) from error


def make_app(clock: Clock | None = None) -> "Flask":
    """Make it as `app` does; from then on this process gives signs of life. Raises `ConfigurationError` and `StoreError`."""
    from webhooks.app import create_app
    from webhooks.unpacking import StandIn, Unpacker

    settings = read_settings()
    configure(settings.log_format)
    patient = open_store(settings.database_url)
    try:
        migrate(patient)
    finally:
        patient.close()
    store = open_store(settings.database_url, busy_seconds=BUSY_SECONDS)
    clock = clock or SystemClock()
    made = create_app(store=store, settings=settings, clock=clock)
    heartbeat = Heartbeat(store, clock, Part.RECEIVER)
    heartbeat.start()
    stand_in = StandIn(Unpacker(store, clock, settings.hubspot_app_id))
    stand_in.start()
    atexit.register(heartbeat.end)  # whatever server runs it
    atexit.register(stand_in.end)
    return made
