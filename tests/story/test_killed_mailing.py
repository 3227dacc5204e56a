"""A process killed between the acceptance of an email and its note of it: what each way of sending makes of that.

Nobody can tell the killed process from one whose email was never taken. So it is sent again: with SMTP under the same
Message-ID, with single-send under the same `sendId`.
"""

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sync.rules import keys
from sync.sandbox.clock import VirtualClock
from sync.sandbox.faults import Fault
from sync.sandbox.mail import Mail, SmtpSink
from sync.sandbox.quirks import Quirks
from sync.sandbox.sandbox import Sandbox
from sync.sandbox.server import SandboxServer
from sync.service.bootstrap import build
from sync.service.drain import run_sweep
from sync.settings import read_settings
from tests.patience import PATIENCE

ROOT = Path(__file__).parents[2]
SENDER = "Handoffs <handoffs@agency.example>"
SEND = "POST */single-email/send"


class SlowSink(SmtpSink):
    """A mail server that takes the first message and does not come to say so."""

    def __init__(self, *, deduplicate: bool) -> None:
        super().__init__(deduplicate=deduplicate)
        self.accepted = threading.Event()
        self.over = threading.Event()

    def take(self, mail: Mail) -> None:
        first = not self.accepted.is_set()
        super().take(mail)
        self.accepted.set()
        if first:
            self.over.wait(PATIENCE)


def a_sandbox(**quirks: Any) -> Sandbox:
    """With one kickoff due: a task, and an email to the Account Manager."""
    made = Sandbox(start=datetime.now(UTC), ticking=True, with_task_property=True, quirks=Quirks(**quirks))
    made.people.create_portfolio("Acme", (made.clock.now() + timedelta(days=10)).date())
    made.people.flush_search()
    return made


def kill_and_go_on(sandbox: Sandbox, directory: Path, accepted: Callable[[], bool], **settings: str) -> None:
    """`handoffs sweep`, killed as soon as the email is `accepted`; then another, once two minutes have passed."""
    with SandboxServer(sandbox, pump=False) as server:
        values = {
            "hubspot_access_token": sandbox.token,
            "hubspot_base_url": server.url,
            "database_url": f"sqlite:///{directory / 'handoffs.db'}",
            **settings,
        }
        environment = {name.upper(): value for name, value in values.items()}
        process = subprocess.Popen(
            [sys.executable, "-m", "sync", "sweep"],
            cwd=directory, env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            deadline = time.monotonic() + PATIENCE
            while not accepted():
                assert process.poll() is None, "it ended before it was killed"
                assert time.monotonic() < deadline, "no email came"
                time.sleep(0.01)
        finally:
            process.kill()
            process.wait()
        later = VirtualClock.running(datetime.now(UTC) + timedelta(minutes=2))
        service = build(read_settings(_env_file=None, **values), clock=later)
        for _ in range(2):  # the first look only finds out that the process was cut off
            run_sweep(service)
            later.advance(timedelta(minutes=2))
        service.close()
        assert [keys.slot_of(task.key).of for task in sandbox.people.all_tasks()] == ["kickoff"]


@pytest.mark.parametrize("deduplicate", [False, True])
def test_over_smtp_it_comes_again_under_the_same_name(tmp_path: Path, deduplicate: bool) -> None:
    """Never lost is chosen over never doubled; a mail server that drops what it has by its Message-ID delivers one."""
    sandbox = a_sandbox()
    sink = SlowSink(deduplicate=deduplicate)
    with sink:
        try:
            kill_and_go_on(sandbox, tmp_path, sink.accepted.is_set, email_url=sink.url, email_from=SENDER)
        finally:
            sink.over.set()
        assert list(sink.attempts.values()) == [2], "one name, sent twice"
        assert len(sink.mails) == (1 if deduplicate else 2)


@pytest.mark.parametrize("repeat", ["ok", "error"])
def test_by_single_send_it_is_delivered_once(tmp_path: Path, repeat: str) -> None:
    """HubSpot knows the `sendId`, and drops or refuses the repeat."""
    sandbox = a_sandbox(single_send_repeat=repeat)
    sandbox.faults.add(Fault("lost-hang", SEND, times=1))
    kill_and_go_on(sandbox, tmp_path, lambda: bool(sandbox.people.emails()), email_url="hubspot:777")
    assert sandbox.log.counts()["POST /marketing/transactional/2026-09/single-email/send"] == 2
    assert list(Counter(email.send_id for email in sandbox.people.emails()).values()) == [1]
