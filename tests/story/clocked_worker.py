"""`handoffs worker` by the clock of the sandbox at HUBSPOT_BASE_URL: `python -m tests.story.clocked_worker`."""

import sys

from sync.log import configure
from sync.sandbox.service import SandboxClock
from sync.service.bootstrap import build
from sync.service.serve import work
from sync.settings import read_settings


def main() -> int:
    settings = read_settings()
    configure(settings.log_format)
    service = build(settings, clock=SandboxClock(settings.hubspot_base_url))
    try:
        work(service)
    finally:
        service.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
