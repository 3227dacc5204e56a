"""A sandbox with a mail server in a process of its own: `python -m sync.sandbox.standalone ADDRESS START`.

It writes where it listens into the file ADDRESS, and lives until its standard input is closed: however its starter ends,
it does not stay behind.
"""

import json
import os
import sys
from datetime import datetime
from pathlib import Path

from sync.sandbox.mail import SmtpSink
from sync.sandbox.sandbox import Sandbox
from sync.sandbox.server import SandboxServer


def main(address: Path, start: datetime) -> None:
    """Serve a portal with the process installed, `start` being the moment that its ticking clock begins with."""
    sandbox = Sandbox(start=start, ticking=True, with_task_property=True)
    with SmtpSink() as sink, SandboxServer(sandbox) as server:
        sandbox.mail = sink
        found = {
            "url": server.url,
            "smtp": sink.url,
            "token": sandbox.token,
            "client_secret": sandbox.client_secret,
            "app_id": str(sandbox.app_id),
        }
        unfinished = address.with_suffix(".part")
        unfinished.write_text(json.dumps(found), encoding="utf-8")
        unfinished.replace(address)  # whoever waits for the file finds all of it
        while os.read(0, 4096):
            pass


if __name__ == "__main__":
    main(Path(sys.argv[1]), datetime.fromisoformat(sys.argv[2]))
