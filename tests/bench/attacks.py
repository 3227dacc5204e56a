"""What genuine deliveries suffer while strangers attack the receiver: `python -m tests.bench.attacks [CALLERS]`.

Each attack is made by so many connections (200), on the receiver as it is served, and on the same app served by gunicorn, a
thread a connection, which is the baseline. A delivery that is not answered within HubSpot's 5 s has failed.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import requests

from tests.story.attacks import ATTACKS, HUBSPOT_WAITS, OURS, Receiver

GUNICORN = (
    *(sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:{port}", "--workers", "1", "--worker-class", "gthread"),
    *("--threads", "16", "--log-level", "error", "--no-control-socket", "webhooks.wsgi:app()"),
)

DELIVERIES = 10


def _suffered(call: Callable[[], object]) -> float | None:
    """Seconds that a call took; None: it failed."""
    began = time.monotonic()
    try:
        good = call()
    except requests.RequestException:
        return None
    return time.monotonic() - began if good else None


def _under(attack: bytes, callers: int, command: Sequence[str]) -> tuple[list[float | None], float | None]:
    """What each delivery took, and what a look at /healthz did."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        receiver = Receiver(Path(directory), command)
        try:
            with ExitStack() as opened:
                for _ in range(callers):
                    opened.enter_context(closing(receiver.connect(attack)))
                took = [_suffered(lambda n=n: receiver.deliver(n) == 200) for n in range(DELIVERIES)]  # type: ignore[misc]
                return took, _suffered(receiver.healthy)
        finally:
            receiver.kill()


def _shown(took: Sequence[float | None]) -> str:
    answered = [seconds for seconds in took if seconds is not None]
    worst = f"the slowest {max(answered):.2f} s" if answered else ""
    return f"{len(answered)} of {len(took)} answered  {worst}"


def main(callers: int) -> None:
    """Print a table: a row an attack."""
    print(f"{callers} callers, {DELIVERIES} deliveries one after the other, each given up after {HUBSPOT_WAITS:g} s\n")
    for name, attack in {"nobody": None, **ATTACKS}.items():
        print(name)
        for server, command in (("the receiver", OURS), ("gunicorn, gthread", GUNICORN)):
            took, health = _under(attack or b"", 0 if attack is None else callers, command)
            health_text = "no answer" if health is None else f"{health:.2f} s"
            print(f"  {server:<18} {_shown(took):<46} /healthz {health_text}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
