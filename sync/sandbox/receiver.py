"""The receiver on a sandbox's clock: what `sync.sandbox.service` runs as its own. It asks for the time at each delivery, as a
signature is as new as its moment.
"""

import os
import sys
from typing import TYPE_CHECKING

from sync.sandbox.service import SandboxClock, hold_lifeline
from sync.settings import read_settings
from webhooks import server, wsgi

if TYPE_CHECKING:
    from flask import Flask


def app() -> "Flask":
    """Make the app. Raises `HandoffsError`."""
    return wsgi.make_app(SandboxClock(read_settings().hubspot_base_url, fresh_for=0))


if __name__ == "__main__":
    hold_lifeline(lambda: os._exit(0))
    sys.exit(server.main(app))
