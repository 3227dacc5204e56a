"""The weekly letter with two worker processes on one PostgreSQL: one copy to each address, though one of them is killed."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from sync.sandbox.quirks import Quirks
from sync.sandbox.sandbox import Sandbox
from sync.sandbox.server import SandboxServer
from sync.storage.database import open_store
from tests.databases import ON_POSTGRESQL, fresh_postgresql
from tests.patience import PATIENCE
from tests.story.test_killed_mailing import ROOT, SENDER, SlowSink

TO = ("ops@agency.example", "head@agency.example")
MONDAY = datetime(2026, 11, 9, 12, 50, tzinfo=UTC)  # ten minutes before it is due


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@pytest.mark.skipif(not ON_POSTGRESQL, reason="two processes: in the session of PostgreSQL")
def test_each_address_gets_one_though_a_worker_is_killed_in_between(tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(f"letter: {{to: [{', '.join(TO)}]}}\n", encoding="utf-8")
    sandbox = Sandbox(start=MONDAY, ticking=True, with_task_property=True, quirks=Quirks())
    sink = SlowSink(deduplicate=True)
    url = fresh_postgresql()
    with sink, SandboxServer(sandbox, pump=False) as server, closing(open_store(url)) as store:
        environment = {
            "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HUBSPOT_ACCESS_TOKEN": sandbox.token,
            "HUBSPOT_BASE_URL": server.url, "DATABASE_URL": url, "EMAIL_URL": sink.url, "EMAIL_FROM": SENDER,
            "MAPPING": str(mapping),
        }  # fmt: skip
        workers = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.story.clocked_worker"],
                cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )
            for _ in range(2)
        ]  # fmt: skip

        def count(query: str) -> int:
            with store.read() as connection:
                return int(connection.execute(text(query)).scalar_one())

        try:
            until(lambda: count("SELECT count(*) FROM process WHERE part = 'worker'") == 2, "they do not work")
            until(lambda: count("SELECT count(*) FROM fact WHERE name = 'born'") == 1, "no ledger")
            sandbox.clock.advance(timedelta(hours=3))
            until(sink.accepted.is_set, "no letter came")
            workers[0].kill()
            workers[0].wait()
            sink.over.set()

            def all_done() -> bool:
                sandbox.clock.advance(timedelta(minutes=1))
                return count("SELECT count(*) FROM letter_copy WHERE state = 'done'") == 2

            until(all_done, "it is not sent to the end")
        finally:
            sink.over.set()
            for worker in workers:
                worker.kill()
                worker.wait()
    assert sorted(mail.recipients for mail in sink.mails) == [("head@agency.example",), ("ops@agency.example",)]
    assert len(sink.attempts) == 2, "one name each"
