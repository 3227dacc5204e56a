"""The receiver's composition root: what gunicorn imports. It knows the inbox and nothing of the CRM."""

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

from sync.clock import Clock, SystemClock
from sync.errors import HandoffsError
from sync.log import configure
from sync.settings import read_settings
from sync.storage.database import migrate, open_store

if TYPE_CHECKING:
    from flask import Flask

LIFELINE = "HANDOFFS_LIFELINE"
"""The variable by which `serve` hands over a descriptor that ends when it does, however it does."""

GUNICORN_APP_LOAD_ERROR = 4
"""The exit code by which a gunicorn worker says that the app cannot be loaded: the server then ends."""


def app(clock: Clock | None = None) -> "Flask":
    """Make the WSGI app from the environment, over a database that is brought up to date first.

    What a person must mend ends the server with one line, not with a traceback for each worker that cannot start.
    """
    from webhooks.app import create_app

    end_with_parent()
    try:
        settings = read_settings()
        configure(settings.log_format)
        store = open_store(settings.database_url)
        migrate(store)
        return create_app(store=store, settings=settings, clock=clock or SystemClock())
    except HandoffsError as error:
        sys.stderr.write(f"Error: {error}\n")
        raise SystemExit(GUNICORN_APP_LOAD_ERROR) from error


def end_with_parent() -> None:
    """End with `serve`, even if that is killed: else its port would stay taken, and it could not start again.

    Does nothing in a receiver that runs by itself, as the Procfile's does.
    """
    descriptor = os.environ.get(LIFELINE, "")
    if not descriptor.isdecimal():
        return

    def wait() -> None:
        os.read(int(descriptor), 1)  # nothing is ever written: it returns when the other end closes
        # gunicorn's master, and its quick end: in order it kept the port for up to ten seconds, in which no start succeeds.
        os.kill(os.getppid(), signal.SIGQUIT)  # a delivery that is cut off comes again

    threading.Thread(target=wait, name="lifeline", daemon=True).start()
