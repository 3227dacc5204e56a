"""What every test shares."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests.kept import kept
from tests.world import World

MakeWorld = Callable[..., World]

# On a busy machine any example may take long, and so may drawing it: neither is a fault of what is tested.
settings.register_profile("patient", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

# A shell has its background jobs ignore Ctrl-C, and what they start inherits that: the tests of Ctrl-C would wait in vain.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Half as many again as there are processors: a third of the time a test waits for processes that it has started."""
    processors = os.cpu_count() or 1
    return processors + processors // 2


@pytest.fixture(scope="session", autouse=True)
def _kept() -> Iterator[None]:
    with kept():
        yield


@pytest.fixture(autouse=True)
def _quiet_logs() -> Iterator[None]:
    """Nothing is printed; `structlog.testing.capture_logs` still sees every event."""
    structlog.configure(processors=[structlog.dev.ConsoleRenderer()], logger_factory=structlog.ReturnLoggerFactory())
    yield
    structlog.reset_defaults()


@pytest.fixture
def make_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeWorld]:
    """Worlds, each in a directory of its own; closed at the end.

    Where two clocks differ, what a call takes is told by the worlds' own time too: a busy machine would move the CRM's.
    """
    made: list[World] = []
    stopwatch = SimpleNamespace(perf_counter=lambda: made[-1].clock.seconds() if made else 0.0)

    def make(**options: Any) -> World:
        directory = tmp_path / f"world-{len(made)}"
        directory.mkdir()
        if options.get("ahead"):
            monkeypatch.setattr("sync.hubspot.transport.time", stopwatch)
        made.append(World(directory, **options))
        return made[-1]

    yield make
    for world in made:
        world.close()


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """A world with webhooks that all arrive at once."""
    return make_world()
