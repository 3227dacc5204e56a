"""What the demo plays on: the simulated CRM and the real service, each a process of its own, started, watched, ended.

Nothing here waits for a time: it waits for a condition, for a while, and then says what it waited for and where to look.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import requests
from prometheus_client.parser import text_string_to_metric_families

import sync
from sync.sandbox.control_client import ControlClient
from sync.sandbox.people import RemotePeople
from sync.sandbox.service import LIFELINE
from sync.settings import Settings

T = TypeVar("T")

PATIENCE = 180.0
"""Real seconds that anything may take before the demo gives up; starting the service took eight on two overloaded cores."""

LOOK_EVERY = 0.04
"""Real seconds between two looks at a condition."""

ENDS_WITHIN = 20.0
"""Real seconds that the service may take to finish its group and end."""

POLL_SECONDS = 365 * 24 * 3600
"""One poll at the start, then webhooks and sweeps: with a day passing in half a second, polls would fill the search limit."""

TIMEOUT = 10.0


class StageError(Exception):
    """The demo cannot go on; the message says what was waited for and where the logs are."""


class Stage:
    """A context: `start_crm`, then `start_service`; leaving it ends both, whatever happened.

    `directory` holds database and logs. `people` act in the CRM, `control` moves its clock and shows what it got.
    """

    people: RemotePeople
    control: ControlClient

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._stack = ExitStack()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._crm: Mapping[str, str] = {}
        self._service_url = ""
        self._busy = ""  # why the service was not idle when last looked at
        self._session = requests.Session()
        self._session.trust_env = False

    @property
    def crm_url(self) -> str:
        return self._crm["url"]

    @property
    def database_url(self) -> str:
        """Where the service keeps its ledger, for whoever runs elsewhere."""
        return f"sqlite:///{(self._directory / 'handoffs.db').absolute()}"

    @property
    def app_id(self) -> str:
        """The id of the service's app, by which histories name it."""
        return self._crm["app_id"]

    @property
    def service_url(self) -> str:
        return self._service_url

    @property
    def mail_url(self) -> str:
        return self._crm["smtp"]

    def __enter__(self) -> "Stage":
        self._stack.callback(self._session.close)
        return self

    def __exit__(self, *_: object) -> None:
        with _undisturbed():
            self._stack.close()

    # --- starting and ending

    def start_crm(self, start: datetime) -> None:
        """Start the CRM and its mail server; its clock begins at `start` and ticks."""
        address = self._directory / "crm.json"
        self._spawn("crm", "sync.sandbox.standalone", str(address), start.isoformat())
        self._crm = self.until("the simulated CRM to listen", lambda: _content(address))
        self.control = self._stack.enter_context(ControlClient(self.crm_url, timeout=TIMEOUT))
        self.people = self._stack.enter_context(RemotePeople(self.crm_url))

    def start_service(self) -> None:
        """Start worker and receiver, point the CRM's webhooks at them, and wait for the first sweep."""
        began, port = self.people.now(), _free_port()
        self._service_url = f"http://127.0.0.1:{port}"
        types = ["ticket", "task", self.people.process.names.object_name]
        self.control.post("delivery/subscribe", types=types)
        self.control.post("delivery/target", url=f"{self._service_url}/webhooks/hubspot")
        settings = {
            "HUBSPOT_ACCESS_TOKEN": self._crm["token"],
            "HUBSPOT_CLIENT_SECRET": self._crm["client_secret"],
            "HUBSPOT_APP_ID": self._crm["app_id"],
            "HUBSPOT_BASE_URL": self.crm_url,
            "PUBLIC_URL": self._service_url,
            "DATABASE_URL": "sqlite:///handoffs.db",  # in the working directory, which is the demo's own
            "EMAIL_URL": self.mail_url,
            "EMAIL_FROM": "Creative Refresh <handoffs@agency.example>",
            "ADMIN_EMAIL": "admin@agency.example",
            "PORT": str(port),
            "POLL_SECONDS": str(POLL_SECONDS),
            LIFELINE: "1",
        }
        self._spawn("service", "sync.sandbox.service", settings=settings)
        self.until("the service to be ready", self._is_ready)
        self.settle("the first sweep", swept_since=began)

    def _spawn(self, name: str, module: str, *arguments: str, settings: Mapping[str, str] | None = None) -> None:
        with self._log_of(name).open("wb") as log:
            # A session of its own: Ctrl-C reaches the demo alone, which then ends both in order. An open pipe to its
            # standard input is its lifeline: however the demo ends, the pipe is closed, and then the process ends.
            process = subprocess.Popen(  # noqa: S603 - our own interpreter, our own arguments
                [sys.executable, "-m", module, *arguments],
                cwd=self._directory,
                env={**_environment(), **(settings or {})},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._processes[name] = process
        self._stack.callback(_end, process, politely=name == "service")

    def _log_of(self, name: str) -> Path:
        return self._directory / f"{name}.log"

    # --- waiting

    def until(self, what: str, look: Callable[[], T | None]) -> T:
        """What `look` finds, as soon as it finds something. Raises `StageError` after `PATIENCE`, or if a process ended."""
        gives_up = time.monotonic() + PATIENCE
        while True:
            found = _unless_unreachable(look)
            if found:
                return found
            for name, process in self._processes.items():
                code = process.poll()
                if code is not None:
                    raise StageError(
                        f"the {name} process ended with code {code} while the demo waited for {what}; "
                        f"its log is {self._log_of(name)}"
                    )
            if time.monotonic() > gives_up:
                raise StageError(f"waited {PATIENCE:.0f} s in vain for {what}; the logs are in {self._directory}")
            time.sleep(LOOK_EVERY)

    def settle(self, what: str, *, swept_since: datetime | None = None) -> None:
        """Wait until all that was told has arrived and all that arrived is dealt with (and today has been swept)."""
        try:
            self.until(f"{what}: the service to be through with it", lambda: self._is_idle(swept_since))
        except StageError as error:
            raise StageError(f"{error}. Last seen: {self._busy or 'nothing'}") from error

    def _is_ready(self) -> bool:
        return self._session.get(f"{self._service_url}/readyz", timeout=TIMEOUT).status_code == 200

    def _is_idle(self, swept_since: datetime | None) -> bool:
        told = self._arrived()
        if told is None:
            self._busy = "webhooks on their way"
            return False
        numbers = self.numbers()
        if swept_since is not None and numbers.get(_SWEPT, 0) < swept_since.timestamp():
            self._busy = "no sweep since then"
            return False
        self._busy = ", ".join(f"{name} {numbers[name]:.0f}" for name in _BUSY if numbers.get(name))
        return not self._busy and told == self._arrived()  # nothing new came while the numbers were read

    def _arrived(self) -> int | None:
        """How many events the CRM has told and the service has taken; None while some are on their way."""
        delivery = self.control.get("delivery")
        if delivery["created"] == delivery["delivered"]["events"]:
            return int(delivery["created"])
        due, now = delivery["next_due"], self.people.now()
        if due is not None and datetime.fromisoformat(due) > now:
            self.people.set_clock(datetime.fromisoformat(due))  # one failed and is tried again later: make it later
        return None

    def numbers(self) -> dict[str, float]:
        """The service's metrics, as an operator sees them; a label's value is added to the name: `handoffs_effects:done`."""
        text = self._session.get(f"{self._service_url}/metrics", timeout=TIMEOUT).text
        return {
            ":".join([sample.name, *sample.labels.values()]): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }


_SWEPT = "handoffs_last_sweep_timestamp_seconds"

_BUSY = (
    "handoffs_dirty_due",
    "handoffs_effects:planned",
    "handoffs_effects:attempting",
    "handoffs_effects:unknown",
)
"""What is not nought while the service has something left to do now."""


def _unless_unreachable(look: Callable[[], T | None]) -> T | None:
    """Nothing while whoever is asked does not listen yet, or no longer; whether it still runs is asked elsewhere."""
    try:
        return look()
    except requests.RequestException:
        return None


def _content(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _environment() -> dict[str, str]:
    """This process's environment without settings of the service's own, so that only the demo's count.

    A proxy is told to leave this machine alone; the modules come from where this one came from.
    """
    ours = {name.upper() for name in Settings.model_fields} | {"GUNICORN_CMD_ARGS"}
    kept = {name: value for name, value in os.environ.items() if name.upper() not in ours}
    path = [str(Path(sync.__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]
    here = "127.0.0.1,localhost"
    return kept | {"PYTHONPATH": _joined(path, os.pathsep), "NO_PROXY": here, "no_proxy": here}


def _joined(parts: Sequence[str], separator: str) -> str:
    return separator.join(part for part in parts if part)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """No signal breaks off what happens here; only the main thread is given any."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(process: subprocess.Popen[bytes], *, politely: bool) -> None:
    """End a process of ours: by its signal or by closing its lifeline, and by force if it takes too long."""
    if politely and process.poll() is None:
        process.terminate()
        _wait(process, ENDS_WITHIN)
    if process.stdin is not None:
        process.stdin.close()
    if not _wait(process, ENDS_WITHIN):
        process.kill()
        process.wait()


def _wait(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return False
    return True
