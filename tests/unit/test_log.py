"""The log: what its stream does not take is lost, and ends nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

FULL = Path("/dev/full")
"""A device of Linux on which every write fails as on a full disk."""

PROGRAM = """
import structlog
from sync.log import configure

configure("{form}")
for _ in range(10_000):
    structlog.get_logger().info("a.line", text="x" * 100)
try:
    1 / 0
except ZeroDivisionError:
    structlog.get_logger().exception("a.failure")
print("went on")
"""


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full on this machine")
@pytest.mark.parametrize("form", ["console", "json"])
def test_a_full_disk_below_the_log_ends_nothing(form: str) -> None:
    with FULL.open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(form=form)], stdout=subprocess.PIPE, stderr=full, check=False
        )
    assert done.stdout == b"went on\n"
