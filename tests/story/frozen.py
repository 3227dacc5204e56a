"""A process that holds a lane and does nothing more: frozen, it keeps it; killed, it gives it up."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_HOLDER = """
import sys, time
from sync.service.lanes import Lanes, never
from sync.storage.database import open_store

sys.argv = ["/usr/bin/handoffs", "sweep", "--today", "2026-11-02"]
with Lanes(open_store(sys.stdin.readline().strip())).held(0, never):
    print("held", flush=True)
    time.sleep(1000)
"""


@contextmanager
def held_by_a_frozen_process(url: str) -> Iterator[int]:
    """Another process holds lane 0 of this database and is stopped; its number."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as it:
        assert it.stdin is not None
        assert it.stdout is not None
        it.stdin.write(f"{url}\n")
        it.stdin.flush()
        assert it.stdout.readline() == "held\n"
        os.kill(it.pid, signal.SIGSTOP)
        try:
            yield it.pid
        finally:
            it.kill()
