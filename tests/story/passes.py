"""A process that makes passes over a database, for the tests that need a real one. Run with `-m tests.story.passes`.

Arguments: what to do (`drain`, `poll`, `sweep` or `hold`), a file to write the steps of each pass to, and a file on
whose appearance to end (without it: do it once). Settings come from the environment. `hold` sweeps, and stands still in
mid-pass once it has sent something.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from sync.service.bootstrap import Service, build
from sync.service.drain import drain, run_poll, run_sweep
from sync.settings import read_settings


def main(what: str, log: Path, until: Path | None = None) -> None:
    with log.open("a", encoding="utf-8", buffering=1) as out:

        def failpoint(step: str) -> None:
            if step in {"snapshot", "looked at"}:
                out.write(f"{time.monotonic_ns()} {os.getpid()} {step}\n")
            if what == "hold" and step == "sent":
                out.write(f"{time.monotonic_ns()} {os.getpid()} holding\n")
                time.sleep(60)

        service = build(read_settings(_env_file=None), failpoint=failpoint)
        acts: dict[str, Callable[[Service], object]]
        acts = {"drain": drain, "hold": run_sweep, "poll": run_poll, "sweep": run_sweep}
        acts[what](service)
        while until is not None and not until.exists():
            acts[what](service)
        service.close()


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:]))
