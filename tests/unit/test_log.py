"""The log: what its stream does not take is lost, and ends nothing."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from sync.log import configure, text_of

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


class Textless(Exception):  # noqa: N818 - any error may be so
    """What a library may raise, or put into an error."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


def _nested(depth: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(depth):
        found = [found]
    return found


def _circle() -> list[Any]:
    found: list[Any] = []
    found.append(found)
    return found


ODD = {
    "odd keys": {(1, 2): 3, None: 1},
    "no text": Textless(),
    "a long number": 10**5_000,
    "a circle": _circle(),
    "very deep": _nested(5_000),
    "bytes": b"\xff\x00",
}
"""Values that a renderer refuses, or may."""


@pytest.fixture
def log_as(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[Any], Callable[[], list[str]]]]:
    """Configures the log, and gives what gives its lines; afterwards it is configured as before."""
    before = structlog.get_config()

    def start(form: Any) -> Callable[[], list[str]]:
        configure(form)
        return lambda: capsys.readouterr().err.splitlines()

    yield start
    structlog.configure(**before)


@pytest.mark.parametrize("form", ["console", "json"])
def test_no_value_keeps_an_event_from_being_told(log_as: Any, form: str) -> None:
    told = log_as(form)
    log = structlog.get_logger("odd")
    for name, value in ODD.items():
        log.info("a.value", of=name, value=value)
    log.error("a.failure", of="an error", exc_info=Textless())
    lines = told()
    for name in [*ODD, "an error"]:
        assert any(name in line for line in lines), name
    if form == "json":
        assert {json.loads(line)["event"] for line in lines} == {"a.value", "a.failure"}


def test_an_error_without_a_text_is_told_by_its_class() -> None:
    assert [text_of(one) for one in (Textless(), ValueError(), ValueError("why"))] == ["Textless", "ValueError", "why"]
