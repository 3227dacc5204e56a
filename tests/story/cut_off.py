"""Two workers cut off by their networks in the middle of a pass, one that stays, and the two let back.

One of the two loses the database alone and still reaches the CRM, where it could do harm; the other loses everything.
"""

import subprocess
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import text

from sync.crm import Kind, RecordRef
from sync.sandbox.faults import Fault
from sync.storage import work_queue
from sync.storage.database import migrate, open_store
from tests.databases import Server
from tests.patience import PATIENCE
from tests.story.namespaces import Forwarder, namespace
from tests.story.several_hosts import LANES, Hosts, until

CLIENTS = 60
WRITE_TAKES = 5.0
"""Seconds of each creating of tasks, so that a cut comes into the middle of one."""

AHEAD = timedelta(seconds=60)


@dataclass(frozen=True)
class Report:
    """What came of it; everything but the seconds must be empty."""

    worked_off_after: float
    """Seconds from the cut until the one that stays had worked off every lane."""
    written: Sequence[str]
    """What the worker without a database began to write after the cut."""
    lost: Sequence[str]
    doubled: Sequence[str]
    overlapping: Sequence[str]


def play(directory: Path) -> Report:
    """Play it. Raises `AssertionError` where something does not happen at all."""
    with ExitStack() as stack:
        halved = stack.enter_context(namespace(["database", "crm"]))
        gone = stack.enter_context(namespace(["all"]))
        to_database, to_crm, to_all = halved.lines["database"], halved.lines["crm"], gone.lines["all"]
        server = Server(reached_at=(to_database.here, to_all.here))
        server.outlived_by_none()
        stack.callback(server.close)
        with closing(open_store(server.url("postgres"))) as store:
            migrate(store)
        run = Hosts(directory, unlimited=True, url=server.url("postgres"))
        stack.callback(run.close)
        seen = stack.enter_context(closing(Forwarder(to_crm.here, int(run.server.url.rpartition(":")[2]))))
        unseen = stack.enter_context(closing(Forwarder(to_all.here, int(run.server.url.rpartition(":")[2]))))
        stays = run.add_clocked_worker()
        cut_off = [
            run.add_clocked_worker(
                host.enter, DATABASE_URL=server.url("postgres", at=address), HUBSPOT_BASE_URL=crm.url
            )
            for host, address, crm in ((halved, to_database.here, seen), (gone, to_all.here, unseen))
        ]
        assert until(run.are_up, PATIENCE), "the workers do not start"

        run.sandbox.faults.add(Fault("slow", "POST */tasks/batch/create", delay=WRITE_TAKES))
        ids = run.populate(CLIENTS)
        run.enqueue(ids)
        assert until(lambda: _are_writing(run, [stays, *cut_off]), PATIENCE, every=0.02), (
            "they do not all write at once"
        )
        to_database.cut()
        to_all.cut()
        cut_at = time.monotonic()
        run.sandbox.faults.clear()
        assert until(lambda: not run.due(), PATIENCE), "what the lost workers had begun is done by nobody"
        worked_off_after = time.monotonic() - cut_at
        assert until(lambda: _is_done(run, ids), PATIENCE, every=1.0), "what nobody knew the end of is left undone"

        written = [what for at, what in seen.writes if at >= cut_at]
        to_database.mend()
        to_all.mend()
        before = [len(run.said_by(one)) for one in cut_off]
        assert until(lambda: _are_back(run, ids, cut_off, before), PATIENCE, every=1.0), "they do not come back"
        ids += run.populate(CLIENTS)
        run.enqueue(ids)
        assert until(lambda: _is_done(run, ids), PATIENCE, every=1.0), "something is left undone"
        assert all(one.poll() is None for one in run.workers), "a worker ended"
        tasks, emails = run.done()
        return Report(
            worked_off_after,
            written,
            lost=[one for one in ids if not tasks[one]],
            doubled=[what for what, times in (tasks + emails).items() if times > 1],
            overlapping=run.overlapping(),
        )


def _are_writing(run: Hosts, workers: Sequence[subprocess.Popen[bytes]]) -> bool:
    """Whether each of them is in the middle of creating tasks: it holds a lane in which some are claimed."""
    with run.store.read() as connection:
        claimed = connection.scalars(text("SELECT key FROM effect WHERE state = 'attempting'")).all()
    lanes = {work_queue.lane_of(RecordRef(Kind.PORTFOLIO, key.split(":")[1]), LANES) for key in claimed}
    at_work = {process for lane, process in run.holders().items() if lane in lanes}
    return at_work >= {one.pid for one in workers}


def _is_done(run: Hosts, ids: Sequence[str]) -> bool:
    """Whether everything is, and nothing waits; the clock goes on: a late write must have landed before one looks for it."""
    tasks, emails = run.done()
    if len(tasks) == len(ids) and emails.total() >= len(ids) and run.is_idle():
        return True
    run.sandbox.clock.advance(AHEAD)
    run.enqueue(ids[:1])  # wakes whoever waits for a moment of the clock
    return False


def _are_back(
    run: Hosts, ids: Sequence[str], workers: Sequence[subprocess.Popen[bytes]], before: Sequence[int]
) -> bool:
    run.enqueue(ids)
    return all('"group.read"' in run.said_by(one)[length:] for one, length in zip(workers, before, strict=True))
